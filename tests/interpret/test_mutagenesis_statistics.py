"""Tables of the mutagenesis against hand-made outcomes."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from regulens.core.errors import InputError
from regulens.interpret.mutagenesis import (
    CURVE_COLUMNS,
    PAIRED_COLUMNS,
    RANDOM_SEQUENCE,
    UNMUTATED,
    Outcomes,
    curve_table,
    paired_table,
    read_outcomes,
    write_outcomes,
    write_tables,
)


def outcomes(n_sequences: int = 200, repeats: int = 7) -> Outcomes:
    """Labels alternate; each sequence has its own difficulty; lrp is right less often than attention than random."""
    rng = np.random.default_rng(0)
    labels = np.arange(n_sequences, dtype=np.uint8) % 2
    difficulty = rng.random(n_sequences)
    rates = {"lrp": 0.4, "attention": 0.7, "random": 0.85}

    def draw(rate, number):
        return (rng.random((number, n_sequences)) * 0.3 + difficulty * 0.7 < rate).astype(np.uint8)

    correct = {(UNMUTATED, 0): draw(0.9, 1)}
    correct |= {(score, n): draw(rate - n / 100, repeats) for score, rate in rates.items() for n in (20, 5)}
    correct[RANDOM_SEQUENCE, 200] = draw(0.3, repeats)
    tied = {(score, n): rng.random(n_sequences) < n / 40 for score in ("lrp", "attention") for n in (20, 5)}
    return Outcomes([f"s{i}" for i in range(n_sequences)], labels, correct, tied)


def row_of(table: pd.DataFrame, **keys) -> pd.Series:
    found = table[np.logical_and.reduce([table[key] == value for key, value in keys.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_outcomes_survive_their_file_in_order(tmp_path):
    written = outcomes()
    write_outcomes(tmp_path / "outcomes.h5", written, task="toy", seed=1, k=6)
    found = read_outcomes(tmp_path / "outcomes.h5")
    assert list(found.correct) == list(written.correct)
    assert found.scores == ["lrp", "attention", "random"]
    assert found.ids == written.ids
    assert np.array_equal(found.labels, written.labels)
    assert all(np.array_equal(found.correct[key], written.correct[key]) for key in written.correct)
    assert set(found.tied) == set(written.tied)
    assert all(np.array_equal(found.tied[key], written.tied[key]) for key in written.tied)


def test_files_that_hold_no_outcomes_are_named(tmp_path):
    with pytest.raises(InputError, match="missing.h5: the outcomes do not exist"):
        read_outcomes(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(InputError, match="text.h5: not a readable file of outcomes"):
        read_outcomes(tmp_path / "text.h5")


def test_curve_is_the_mean_over_sequences_and_repeats():
    given = outcomes()
    table = curve_table(given, 1000, 1)
    assert tuple(table.columns) == CURVE_COLUMNS
    assert len(table) == 2 * (1 + 6 + 1)
    assert table["score"].drop_duplicates().tolist() == [UNMUTATED, "lrp", "attention", "random", RANDOM_SEQUENCE]
    row = row_of(table, label=1, score="lrp", n=20)
    correct = given.correct["lrp", 20][:, given.labels == 1]
    assert row["accuracy"] == pytest.approx(correct.mean())
    assert (row["sequences"], row["repeats"]) == (100, 7)
    # A sequence that is right in k of 7 draws has the unbiased variance k (7 - k) / 42; the 100 are independent.
    right = correct.sum(0).astype(float)
    half = 1.96 * np.sqrt((right * (7 - right) / 42).sum() * 8 / 7) / 100
    assert row["draw_low"] == pytest.approx(correct.mean() - half, abs=1e-5)
    assert row["draw_high"] == pytest.approx(correct.mean() + half, abs=1e-5)
    assert row["tied"] == given.tied["lrp", 20][given.labels == 1].mean() > 0.3
    assert (table.loc[table["score"].isin([UNMUTATED, "random", RANDOM_SEQUENCE]), "tied"] == 0).all()
    # The interval over sequences is that of the mean of the sequences' own rates, not of 700 independent mutants.
    error = 1.96 * correct.mean(0).std() / 10
    assert row["low"] == pytest.approx(row["accuracy"] - error, abs=0.012)
    assert row["high"] == pytest.approx(row["accuracy"] + error, abs=0.012)
    unmutated = row_of(table, label=0, score=UNMUTATED, n=0)
    assert np.isnan([unmutated["draw_low"], unmutated["draw_high"]]).all()
    assert unmutated["repeats"] == 1
    assert unmutated["low"] < unmutated["accuracy"] < unmutated["high"]
    assert row_of(table, label=0, score=RANDOM_SEQUENCE, n=200)["repeats"] == 7
    pd.testing.assert_frame_equal(table, curve_table(given, 1000, 1))


def test_band_of_draws_stays_between_0_and_1():
    correct = np.ones((5, 40), np.uint8)
    correct[0, :2] = 0
    given = Outcomes([], np.ones(40, np.uint8), {("random", 5): correct, ("lrp", 5): 1 - correct}, {})
    table = curve_table(given, 10, 1)
    random, lrp = (row_of(table, score=score) for score in ("random", "lrp"))
    assert 0.9 < random["draw_low"] < random["accuracy"] < random["draw_high"] == 1
    assert 0 == lrp["draw_low"] < lrp["accuracy"] < lrp["draw_high"] < 0.1


def test_pairs_compare_on_the_same_sequences():
    given = outcomes()
    table = paired_table(given, 1000, 1)
    assert tuple(table.columns) == PAIRED_COLUMNS
    pairs = table[["score", "against"]].drop_duplicates().apply(tuple, axis=1).tolist()
    assert pairs == [("lrp", "attention"), ("lrp", "random"), ("attention", "random"), ("random", "attention")]
    assert len(table) == 2 * 4 * 2
    row = row_of(table, label=1, score="lrp", against="attention", n=20)
    lrp, attention = (given.correct[name, 20][:, given.labels == 1].astype(int) for name in ("lrp", "attention"))
    assert row["difference"] == pytest.approx(lrp.mean() - attention.mean())
    single = [binomtest(int((a > b).sum()), int((a != b).sum())).pvalue for a, b in zip(lrp, attention, strict=True)]
    assert row["p_value"] == pytest.approx(min(1, 2 * np.median(single)))
    assert row["p_value"] < 1e-4
    assert row["tied"] == given.tied["lrp", 20][given.labels == 1].mean()
    assert (table.loc[table["score"] == "random", "tied"] == 0).all()
    error = 1.96 * (lrp.mean(0) - attention.mean(0)).std() / 10
    assert row["low"] == pytest.approx(row["difference"] - error, abs=0.012)
    assert row["high"] == pytest.approx(row["difference"] + error, abs=0.012)
    mirrored = [row_of(table, label=0, n=5, score=a, against=b) for a, b in (pairs[2], pairs[3])]
    assert mirrored[0]["difference"] == -mirrored[1]["difference"]
    assert mirrored[0]["p_value"] == mirrored[1]["p_value"]
    assert mirrored[0]["low"] == pytest.approx(-mirrored[1]["high"])


@pytest.mark.parametrize("table", [curve_table, paired_table])
def test_resamples_differ_between_seeds_and_between_classes(table):
    """Both classes have the same outcomes here, so that only the resamples can make a difference."""
    given = outcomes()
    correct = {key: np.repeat(values[:, ::2], 2, axis=1) for key, values in given.correct.items()}
    given = given._replace(correct=correct, tied={})
    first, second = (table(given, 100, seed).query("score == 'lrp'") for seed in (1, 2))
    classes = [first[first["label"] == label].reset_index(drop=True) for label in (0, 1)]
    centre = "accuracy" if table is curve_table else "difference"
    for one, other in ((first, second), classes):
        assert (one[centre] == other[centre]).all()
        assert (one[["low", "high"]] != other[["low", "high"]]).any(axis=None)


def test_equal_outcomes_do_not_differ():
    given = outcomes()
    same = given.correct["lrp", 5]
    table = paired_table(Outcomes(given.ids, given.labels, {("lrp", 5): same, ("random", 5): same}, {}), 100, 1)
    assert table["against"].tolist() == ["random", "random"]
    assert (table[["difference", "low", "high"]] == 0).all(axis=None)
    assert (table["p_value"] == 1).all()


def test_scores_that_do_not_differ_are_rarely_called_different():
    rng = np.random.default_rng(0)
    rate = rng.random(120)
    labels = np.ones(120, np.uint8)
    rejected = covered = 0
    for seed in range(200):
        correct = {(name, 5): (rng.random((5, 120)) < rate).astype(np.uint8) for name in ("lrp", "random")}
        row = paired_table(Outcomes([], labels, correct, {}), 200, seed).iloc[0]
        rejected += row["p_value"] <= 0.05
        covered += row["low"] <= 0 <= row["high"]
    assert rejected <= 10
    assert 180 <= covered <= 199


def test_without_references_there_are_no_pairs_but_a_header(tmp_path):
    given = outcomes()
    correct = {key: values for key, values in given.correct.items() if key[0] not in ("attention", "random")}
    write_outcomes(tmp_path / "outcomes.h5", Outcomes(given.ids, given.labels, correct, {}), task="toy", seed=1, k=6)
    write_tables(tmp_path / "outcomes.h5", tmp_path / "curves.csv", tmp_path / "paired.csv", 100, 1)
    assert (tmp_path / "paired.csv").read_text() == ",".join(PAIRED_COLUMNS) + "\n"
    curves = pd.read_csv(tmp_path / "curves.csv")
    write_tables(tmp_path / "outcomes.h5", tmp_path / "other.csv", tmp_path / "paired.csv", 100, 2)
    assert (pd.read_csv(tmp_path / "other.csv")["low"] != curves["low"]).any()
    assert tuple(curves.columns) == CURVE_COLUMNS
    assert np.allclose(curves["accuracy"], curve_table(given, 100, 1).query("score in @curves.score")["accuracy"])
