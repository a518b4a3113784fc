"""Effects of variants: statistics by hand, pairs that do not concern a track, other variants."""

import h5py
import numpy as np
import pandas as pd
import pytest
from figure_inputs import pdf_text

from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.studies.sequence_to_function.variants import COLUMNS, Comparison, statistics, variants

PAIRS = 30


@pytest.fixture
def files(tmp_path):
    """Variants on two tracks, of which the second is affected by every third; predictions with the right signs."""
    rng = np.random.default_rng(0)
    causal, pair = np.tile([1, 0], PAIRS), np.repeat(np.arange(PAIRS), 2)
    names = [f"v{number}" for number in range(2 * PAIRS)]
    true = {"dnase.blood": causal * rng.normal(size=2 * PAIRS) * 10}
    true["cage.blood.plus"] = np.where(pair % 3 == 0, true["dnase.blood"], 0)
    columns = {f"true.{name}": values for name, values in true.items()}
    places = {"contig": "sim1", "position": np.arange(2 * PAIRS), "ref": "A", "alt": "C", "saturated": 0}
    table = pd.DataFrame({"variant": names, **places, "causal": causal, "pair": pair, **columns})
    table.to_csv(tmp_path / "variants.csv", index=False)
    tracks = ["DNASE.blood", "CAGE.blood.plus"]
    effects = np.stack([true[name.lower()] for name in tracks], 1) + rng.normal(scale=0.1, size=(2 * PAIRS, 2))
    with h5py.File(tmp_path / "effects.h5", "w") as file:
        file["variant"], file["tracks"] = np.array(names, object), np.array(tracks, object)
        file["window"], file["tss"] = effects.astype(np.float32), np.full(effects.shape, np.nan, np.float32)
    return tmp_path


def analyse(folder, **options):
    outputs = {name: folder / f"out.{name}" for name in ("csv", "md", "pdf", "png")}
    runs = [Run("enformer", "Enformer", seed, folder / "effects.h5") for seed in (1, 2)]
    settings = {"truth": folder / "variants.csv", "resamples": 20, "seed": 1} | options
    return variants(runs, **outputs, **settings), outputs


def test_good_predictions_have_high_statistics(files):
    table, outputs = analyse(files, groups={"DNase": ["ATAC", "DNASE"]})
    assert list(table.columns) == COLUMNS
    found = table.set_index(["group", "statistic"])["value"]
    assert found["DNase", "auroc"] > 0.95
    assert found["DNase", "pearson"] > 0.99
    assert found["CAGE", "sign"] > 0.8
    compared = table.set_index("group")["compared"]
    assert set(compared["DNase"]) == {PAIRS}
    assert set(compared["CAGE"]) == {PAIRS // 3}
    assert (table["low"] <= table["value"]).all()
    assert "| Random " in outputs["md"].read_text()
    assert "AUROC, causal against matched" in pdf_text(outputs["pdf"])


def test_statistics_of_three_pairs_by_hand():
    """One sign is wrong, that of the smallest effect."""
    effect = np.array([3.0, 0.5, -2.0, 0.1, 1.0, 2.0])
    true, causal = np.array([2.0, 0, -1.0, 0, -0.5, 0]), np.tile([1.0, 0.0], 3)
    pairs = Comparison(effect, abs(effect), true, causal, np.repeat(np.arange(3), 2))
    found = statistics(pairs, np.array([[1.0, 1, 1, 1, 1, 1], [2, 2, 1, 1, 1, 1]]))
    assert found["auroc"][0] == pytest.approx((3 + 2.5 + 2) / 9)  # sizes 3, 2, 1 against 0.5, 0.1, 2
    assert found["sign"].tolist() == [1, 1]  # of 2 and -1
    assert found["pearson"][0] == pytest.approx(np.corrcoef([3, -2, 1], [2, -1, -0.5])[0, 1])
    assert found["pearson"][1] == pytest.approx(np.corrcoef([3, 3, -2, 1], [2, 2, -1, -0.5])[0, 1])


def test_measured_effects_by_group(files):
    """Expression is compared with the tracks of each group; what is causal is not known."""
    table = pd.read_csv(files / "variants.csv")
    half = np.arange(len(table)) < PAIRS
    effect = np.where(half, table["true.dnase.blood"], table["true.cage.blood.plus"])
    measured = table[["variant", "contig", "position", "ref", "alt"]]
    measured.assign(group=np.where(half, "F9", "LDLR"), effect=effect).to_csv(files / "mpra.csv", index=False)
    tracks = {"LDLR": ["CAGE.blood.plus"], "all": ["DNASE.blood"]}
    table, outputs = analyse(files, truth=files / "mpra.csv", tracks=tracks)
    assert set(table["statistic"]) == {"sign", "pearson"}
    assert (table.set_index(["statistic", "group"])["value"]["pearson"][["F9", "LDLR"]] > 0.9).all()
    assert set(table["compared"]) == {PAIRS}
    assert "AUROC," not in pdf_text(outputs["pdf"])
    with pytest.raises(InputError, match=r"no track 'CAGE.blod.plus'; did you mean 'CAGE.blood.plus'"):
        analyse(files, truth=files / "mpra.csv", tracks={"all": ["CAGE.blod.plus"]})


def test_effects_of_other_variants_are_refused(files):
    table = pd.read_csv(files / "variants.csv")
    table[table["pair"] != 0].to_csv(files / "fewer.csv", index=False)
    with pytest.raises(InputError, match="made for other variants"):
        analyse(files, truth=files / "fewer.csv")
    table.drop(columns="pair").to_csv(files / "unpaired.csv", index=False)
    with pytest.raises(InputError, match="columns causal, pair and saturated are needed"):
        analyse(files, truth=files / "unpaired.csv")
    table.assign(pair=table["pair"].replace(1, 0)).to_csv(files / "twice.csv", index=False)
    with pytest.raises(InputError, match="pair 0 is not one causal variant and one matched one"):
        analyse(files, truth=files / "twice.csv")
    table[["variant", "contig", "position", "ref", "alt"]].to_csv(files / "unknown.csv", index=False)
    with pytest.raises(InputError, match="nothing is known of these variants"):
        analyse(files, truth=files / "unknown.csv")
