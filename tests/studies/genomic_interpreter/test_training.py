"""The table of how the models were trained."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.runs import Run
from regulens.data.settings import Geometry
from regulens.data.store import write_store
from regulens.models.base import build
from regulens.studies.genomic_interpreter.training import gain, training

GEOMETRY = Geometry(input_bp=64, bins=6, bin_bp=8)
SETTINGS = {"stem_width": 4, "widths": [4, 6], "final_width": 8}


@pytest.fixture
def train(tmp_path):
    tracks = pd.DataFrame(
        {
            "identifier": ["a", "b"],
            "file": "x.bw",
            "clip": 32.0,
            "clip_soft": np.nan,
            "scale": 1.0,
            "sum_stat": "mean",
            "strand_pair": [0, 1],
            "description": "CAGE:x",
            "group": pd.Categorical(["CAGE", "CAGE"]),
        }
    )
    with write_store(tmp_path / "train.h5", tracks, GEOMETRY, "train") as store:
        for number in range(10):
            store.append(np.zeros(64, np.uint8), np.ones((6, 2), np.float16), f"c:{64 * number}-{64 * number + 64}")
    return tmp_path / "train.h5"


def write_log(path, pearson, seconds=30.0):
    log = {"epoch": range(1, len(pearson) + 1), "valid_loss": 1.0, "valid_pearson": pearson, "seconds": seconds}
    pd.DataFrame(log).to_csv(path, index=False)
    return path


def test_one_row_per_model_with_means_over_seeds(train, tmp_path):
    rising, level = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [0.1, 0.4, 0.5, 0.501, 0.3, 0.502]
    runs = [
        Run("cnn", "CNN", 1, write_log(tmp_path / "a.csv", rising)),
        Run("cnn", "CNN", 2, write_log(tmp_path / "b.csv", level)),
        Run("other", "other", 1, write_log(tmp_path / "c.csv", level, 60.0)),
    ]
    entry = {
        "architecture": "maxpool_cnn",
        "settings": SETTINGS,
        "training": {"max_epochs": 8, "effective_batch": 4, "learning_rate": 0.002},
    }
    models = {"cnn": entry, "other": {**entry, "training": {"effective_batch": 10, "select": "loss"}}}
    training(runs, models, train, tmp_path / "t.csv", tmp_path / "t.md", {"cnn": "CNN", "other": "Other"})
    table = pd.read_csv(tmp_path / "t.csv").set_index("model")
    cnn, other = table.loc["cnn"], table.loc["other"]
    weights = sum(p.numel() for p in build("maxpool_cnn", SETTINGS, GEOMETRY, 2).parameters())
    assert (cnn["weights"], cnn["seeds"], cnn["max_epochs"], cnn["epochs"]) == (weights, 2, 8, 7.0)
    assert (cnn["best_epoch"], cnn["steps"], cnn["batch"], cnn["learning_rate"]) == (7.0, 21, 4, 0.002)
    assert (cnn["minutes"], cnn["valid_pearson"]) == (3.5, 0.651)
    assert cnn["gain_last_quarter"] == pytest.approx((0.2 + 0.001) / 2, abs=1e-4)
    assert (cnn["flat"], other["flat"]) == ("no", "yes")
    assert (other["label"], other["steps"], other["minutes"]) == ("Other", 6, 6.0)
    assert other["best_epoch"] == 1  # of equal losses the first
    shown = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (tmp_path / "t.md").read_text().splitlines()]
    assert shown[2][3:10] == ["10", "7 of 8", "7", "21", "4", "0.002", "0.651"]
    assert shown[3][-2:] == ["+0.001", "yes"]


def test_gain_of_the_last_quarter():
    assert gain(np.array([0.1, 0.5, 0.4, 0.4])) == 0
    assert gain(np.array([0.1, 0.5, 0.4, 0.6])) == pytest.approx(0.1)
    assert gain(np.array([0.1, np.nan, 0.2, 0.2, 0.2, 0.3, 0.25, 0.1])) == pytest.approx(0)
    assert np.isnan(gain(np.array([0.1, 0.2, 0.3])))
    assert np.isnan(gain(np.full(5, np.nan)))
