"""Base relevance against planted sites."""

import numpy as np
import pandas as pd
import pytest
from score_files import write_scores
from sklearn.metrics import roc_auc_score

from regulens.core.errors import InputError
from regulens.data.sequences import write_sites
from regulens.interpret.truth import TRUTH_COLUMNS, site_numbers, truth_table, write_truth


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    truth = np.zeros((80, 60), bool)
    for row, start in enumerate(rng.integers(0, 50, 80)):
        truth[row, start : start + rng.integers(4, 10)] = True
    return truth


def test_scores_are_placed_between_oracle_and_its_opposite(truth):
    rng = np.random.default_rng(1)
    scores = {
        "lrp": truth + 0.0,
        "full_lrp": truth + rng.normal(0, 1, truth.shape) - 3,
        "attention": -1.0 * truth,
        "rollout": np.ones(truth.shape),
        "random": rng.random(truth.shape),
    }
    table = truth_table(truth, scores, 500, 1, draws=300)
    assert tuple(table.columns) == TRUTH_COLUMNS
    assert table["score"].tolist() == ["lrp", "full_lrp", "attention", "rollout", "random"]
    assert (table["sequences"] == 80).all()
    rows = table.set_index("score")
    assert rows["auroc"][["lrp", "attention", "rollout"]].tolist() == [1, 0, 0.5]
    single = [roc_auc_score(t, v) for t, v in zip(truth, scores["full_lrp"], strict=True)]
    assert rows["auroc"]["full_lrp"] == pytest.approx(np.mean(single))
    error = 1.96 * np.std(single) / np.sqrt(80)
    assert rows["low"]["full_lrp"] == pytest.approx(np.mean(single) - error, abs=0.01)
    assert rows["high"]["full_lrp"] == pytest.approx(np.mean(single) + error, abs=0.01)
    assert rows["above_random"].tolist() == [True, True, False, False, False]


def test_random_row_is_the_spread_of_the_mean_over_sequences(truth):
    random = truth_table(truth, {}, 100, 1, draws=1000).iloc[0]
    assert random["auroc"] == pytest.approx(0.5, abs=0.003)
    # Variance of the Mann-Whitney AUROC without ties: (m + n + 1) / (12 m n).
    inside = truth.sum(1)
    variance = 61 / (12 * inside * (60 - inside))
    error = 1.96 * np.sqrt(variance.mean() / 80)
    assert random["high"] - random["low"] == pytest.approx(2 * error, rel=0.1)
    rng = np.random.default_rng(5)
    blind = {f"blind{i}": rng.random(truth.shape) for i in range(100)}
    assert truth_table(truth, blind, 2, 1, draws=300)["above_random"].sum() <= 8


def test_band_and_resamples_follow_from_the_seed(truth):
    scores = {"lrp": truth + np.random.default_rng(1).normal(0, 1, truth.shape)}
    one, again, other = (truth_table(truth, scores, 50, seed, draws=50).set_index("score") for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert one["auroc"]["lrp"] == other["auroc"]["lrp"]
    for score, column in (("lrp", "low"), ("lrp", "high"), ("random", "auroc"), ("random", "low"), ("random", "high")):
        assert one[column][score] != other[column][score]


def sites_table(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "start", "end", "motif", "strand", "role"])


SITES = sites_table(
    ("s1", 2, 5, "TBP", "+", "positive"),
    ("s1", 4, 8, "SP1", "-", "positive"),
    ("s1", 10, 12, "X", "+", "negative"),
    ("s3", 0, 20, "whole", "+", "positive"),
    ("s2", 1, 3, "TBP", "+", "positive"),
    ("s5", 1, 3, "GATA", "+", "shared"),
    ("s7", 18, 20, "TBP", "+", "positive"),
    ("elsewhere", 90, 95, "TBP", "+", "positive"),
)


def test_positive_sites_are_numbered_by_motif(tmp_path):
    write_sites(tmp_path / "sites.tsv", SITES)
    numbers = site_numbers([f"s{i}" for i in range(8)], 20, tmp_path / "sites.tsv")
    assert numbers[1].tolist() == [0, 0, 1, 1, 2, 2, 2, 2, *[0] * 12]
    assert (numbers > 0).sum(1).tolist() == [0, 6, 2, 20, 0, 0, 0, 2]
    assert set(numbers[3]) == {3}
    assert set(numbers[7]) == {0, 1}


def test_only_positive_sequences_with_a_site_count(tmp_path):
    """s2 is negative, s3 has no base outside its site, s5 has a shared site only."""
    labels = np.arange(8) % 2
    scores = np.zeros((8, 20))
    scores[1, 2:8] = scores[7, :2] = 1
    path = write_scores(tmp_path / "scores.h5", labels, np.zeros((8, 20), np.uint8), {"lrp": scores})
    write_sites(tmp_path / "sites.tsv", SITES)
    write_truth(path, tmp_path / "sites.tsv", tmp_path / "truth.csv", 100, 1)
    table = pd.read_csv(tmp_path / "truth.csv")
    assert table["score"].tolist() == ["lrp", "random"]
    assert table["sequences"].tolist() == [2, 2]
    # 1 for s1; for s7 sixteen of 18 outside tie with the site and two are above it.
    assert table["auroc"][0] == pytest.approx((1 + 8 / 18) / 2, abs=1e-5)
    assert table["above_random"].dtype == bool
    write_truth(path, tmp_path / "sites.tsv", tmp_path / "other.csv", 100, 2)
    assert pd.read_csv(tmp_path / "other.csv")["auroc"][1] != table["auroc"][1], "other random scores"


def test_missing_and_impossible_sites_are_named(tmp_path, truth):
    labels = np.arange(8) % 2
    path = write_scores(tmp_path / "scores.h5", labels, np.zeros((8, 20), np.uint8), {"lrp": np.zeros((8, 20))})
    for sites, message in (
        (
            SITES[SITES["id"].isin(["s2", "s3", "s5", "elsewhere"])],
            "none of its sites of role positive is in a positive",
        ),
        (sites_table(("s1", 18, 21, "TBP", "+", "positive")), r"beyond the end of s1 \(20 bp\)"),
    ):
        write_sites(tmp_path / "sites.tsv", sites)
        with pytest.raises(InputError, match=message):
            write_truth(path, tmp_path / "sites.tsv", tmp_path / "truth.csv", 100, 1)
    with pytest.raises(InputError, match="scores.h5: the score lrp is NaN in 80 sequences"):
        truth_table(truth, {"lrp": np.full(truth.shape, np.nan)}, 10, 1, source="scores.h5")
