"""The table of tests of scores: ratios of means, seeds, order, missing tests."""

import numpy as np
import pandas as pd
import pytest

from regulens.studies.tiers import COLUMNS, tiers_markdown, tiers_table


@pytest.fixture
def tests():
    rows = []
    for seed in (1, 2):
        for item in range(8):
            rows.append((seed, "lrp", "LRP", "deletion", item, item + seed, 2.0 + item))
            rows.append((seed, "lrp", "LRP", "agreement", item, 0.5 * seed, 1.0))
            rows.append((seed, "random", "Random", "deletion", item, 0.0, 2.0 + item))
    table = pd.DataFrame(rows, columns=["seed", "score", "score_label", "test", "item", "value", "scale"])
    return table.assign(subject="swin1d", label="1D-Swin")


def test_areas_are_ratios_of_means_and_seeds_are_averaged(tests):
    means = tiers_table(tests, resamples=50, seed=1)
    assert list(means.columns) == COLUMNS
    assert means["test"].tolist() == ["agreement", "deletion", "deletion"]
    lrp = means[means["score"] == "lrp"].set_index("test")
    assert lrp["value"]["deletion"] == pytest.approx((36 + 4) / 44)
    assert lrp["sd"]["deletion"] == pytest.approx(np.std([36 / 44, 1], ddof=1))
    assert lrp["low"]["deletion"] < lrp["value"]["deletion"] < lrp["high"]["deletion"]
    assert lrp.loc["agreement", ["value", "tier", "seeds", "items"]].tolist() == [0.75, "consistency", 2, 8]


def test_text_leaves_a_missing_test_blank(tests):
    text = tiers_markdown(tiers_table(tests, 50, 1), "read-outs", "Made up.")
    assert "| 1D-Swin | LRP" in text
    assert text.count("| Random |") == 1
    row = next(line for line in text.splitlines() if "Random" in line)
    assert row.split("|")[3].strip() == ""
    assert "8 read-outs; in brackets" in text
    assert text.rstrip().endswith("- Made up.")
