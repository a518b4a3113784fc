"""Rates of filters by hand: which hits count, whose they are, and the plain rates beside the published ones."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.core.settings import validated
from regulens.motifs.filter_matches import (
    ALIGNED_COLUMNS,
    FILTER_COLUMNS,
    STATISTICS_COLUMNS,
    filter_id,
    match_filters,
)
from regulens.motifs.jaspar import load_targets
from regulens.motifs.settings import TRUTH, FilterSettings
from regulens.motifs.tomtom import HIT_COLUMNS

NAMES = {
    "MA0079.3": "SP1",
    "MA0079.4": "SP1",
    "MA0477.1": "FOSL1",
    "MA0496.1": "MAFK",
    "MA0660.1": "MEF2B",
    "MA0615.1": "Gmeb1",
    "MA0068.1": "Pax4",
}
SETTINGS = {"truth": {"SP1": ["MA0079.3"], "FOSL1": ["MA0477.1"], "MAFK": ["MA0496.1"], "STAT1": ["MA0660.1"]}}


@pytest.fixture
def run(tmp_path):
    """Match hits (query, target, q[, p]) of some filters; the rest of ``filters`` has none."""

    def run(hits, filters=((0, 0),), flat=(), empty=(), settings=None):
        columns = dict.fromkeys(ALIGNED_COLUMNS, 1) | {"maximum_activation": np.nan, "width": 12, "sites": 30}
        rows = [columns | {"trial": t, "filter": f} for t, f in filters]
        aligned = pd.DataFrame(rows)
        pairs = list(zip(aligned["trial"], aligned["filter"], strict=True))
        aligned["clipped"] = [pair not in flat and pair not in empty for pair in pairs]
        aligned["empty"] = [pair in empty for pair in pairs]
        aligned.to_csv(tmp_path / "aligned.csv", index=False)
        rows = [(filter_id(*f), t, (p or [q / 100])[0], 1.0, q, 8, 0, "+", "A", "A") for f, t, q, *p in hits]
        table = pd.DataFrame(rows, columns=HIT_COLUMNS).to_csv(sep="\t", index=False)
        (tmp_path / "tomtom.tsv").write_text("# engine: native\n" + table)
        targets = "".join(f"{matrix}\t{name}\t\t\n" for matrix, name in NAMES.items())
        (tmp_path / "targets.tsv").write_text("matrix_id\tname\ttf_class\ttf_family\n" + targets)
        inputs = tmp_path / "tomtom.tsv", tmp_path / "targets.tsv", tmp_path / "aligned.csv"
        values = FilterSettings(**(SETTINGS | (settings or {})))
        found = match_filters(*inputs, values, tmp_path / "filters.csv", tmp_path / "statistics.csv")
        read = [pd.read_csv(tmp_path / name, keep_default_na=False) for name in ("filters.csv", "statistics.csv")]
        assert [list(table) for table in read] == [FILTER_COLUMNS, STATISTICS_COLUMNS]
        assert [len(table) for table in read] == [len(table) for table in found]
        return found

    return run


def test_the_published_rates_by_hand(run):
    """Eight filters of one trial; match_any 5/8, TPR 2/8, so FPR 3/8."""
    table, rates = run(
        [
            ((0, 0), "MA0079.3", 0.01),  # true
            ((0, 1), "MA0615.1", 0.05),  # Gmeb1 alone: no match
            ((0, 2), "MA0079.4", 0.02),  # a newer version of a planted motif: false
            ((0, 3), "MA0615.1", 0.001),  # Gmeb1 and another: false
            ((0, 3), "MA0068.1", 0.05),
            ((0, 4), "MA0477.1", 0.04),  # true by its second hit
            ((0, 4), "MA0068.1", 0.03),
            ((0, 5), "MA0068.1", 0.1),  # false
        ],
        filters=[(0, number) for number in range(8)],
    )
    row = rates.iloc[0]
    assert row["filters"] == 8
    assert row[["tpr", "fpr", "match_any"]].tolist() == [2 / 8, 3 / 8, 5 / 8]
    assert row["fpr"] == row["match_any"] - row["tpr"]
    assert row["motif_recall"] == 2 / 4
    assert row["false_discovery"] == 4 / 6  # Gmeb1 is a hit
    assert row["no_hit"] == 2 / 8
    assert table["truth"].tolist() == ["SP1", "", "", "", "FOSL1", "", "", ""]
    assert table["matched"].tolist() == [True, False, True, True, True, True, False, False]
    assert table["hits"].tolist() == [1, 1, 1, 2, 2, 1, 0, 0]
    assert table["best_target"].tolist()[2:6] == ["MA0079.4", "MA0615.1", "MA0068.1", "MA0068.1"]
    assert table["best_name"].tolist()[3:7] == ["Gmeb1", "Pax4", "Pax4", ""]
    assert table["best_q"].tolist()[:4] == [0.01, 0.05, 0.02, 0.001]
    assert table["best_q"].isna().tolist() == [False] * 6 + [True] * 2


def test_filter_0_counts_when_it_is_the_only_match(run):
    """The published code gives 0 here."""
    assert run([((0, 0), "MA0079.3", 0.01)], filters=[(0, 0), (0, 1)])[1]["tpr"].item() == 0.5


def test_the_published_truth_has_its_mistake(run):
    """MEF2B is listed under STAT1: it counts in the published rates, not in the recall; any other name goes first."""
    hits = [((0, 0), "MA0660.1", 0.01), ((0, 1), "MA0660.1", 0.01), ((0, 1), "MA0477.1", 0.02)]
    table, rates = run(hits, filters=[(0, 0), (0, 1)])
    assert table["truth"].tolist() == ["STAT1", "FOSL1"]
    assert table["best_name"].tolist() == ["MEF2B", "MEF2B"]
    assert rates.iloc[0][["tpr", "fpr", "motif_recall"]].tolist() == [1, 0, 1 / 4]
    _, rates = run(hits, filters=[(0, 0), (0, 1)], settings={"mislabelled_targets": []})
    assert rates["motif_recall"].item() == 2 / 4


def test_a_hit_with_q_1_is_no_true_one_but_is_a_hit(run):
    table, rates = run([((0, 0), "MA0079.3", 1.0)])
    assert rates[["tpr", "fpr", "match_any", "motif_recall"]].iloc[0].tolist() == [0, 1, 1, 0]
    assert table["truth"].item() == ""


def test_ties_of_q_go_by_p_and_a_filter_may_recall_two_motifs(run):
    hits = [((0, 0), "MA0477.1", 0.01, 2e-5), ((0, 0), "MA0496.1", 0.01, 1e-5)]
    table, rates = run(hits)
    assert table["best_name"].item() == table["truth"].item() == "MAFK"
    assert rates["motif_recall"].item() == 0.5


def test_trials_are_counted_apart(run):
    hits = [((0, 1), "MA0079.3", 0.01), ((7, 0), "MA0068.1", 0.01), ((7, 1), "MA0496.1", 0.01)]
    _, rates = run(hits, filters=[(0, 0), (0, 1), (7, 0), (7, 1)])
    assert rates["trial"].tolist() == [0, 7]
    assert rates["filters"].tolist() == [2, 2]
    assert rates["tpr"].tolist() == [0.5, 0.5]
    assert rates["fpr"].tolist() == [0, 0.5]
    assert rates["motif_recall"].tolist() == [0.25, 0.25]


def test_hits_of_flat_filters_do_not_count_unless_asked(run):
    hits = [((0, 0), "MA0068.1", 1e-5), ((0, 1), "MA0068.1", 1e-5), ((0, 2), "MA0079.3", 0.01)]
    filters, marks = [(0, 0), (0, 1), (0, 2), (0, 3)], {"flat": [(0, 0)], "empty": [(0, 1)]}
    table, rates = run(hits, filters, **marks)
    assert table["hits"].tolist() == [0, 0, 1, 0]
    assert table["best_name"].tolist() == ["", "", "SP1", ""]
    assert rates.iloc[0][["fpr", "no_hit", "flat", "empty"]].tolist() == [0, 0.75, 0.5, 0.25]
    table, rates = run(hits, filters, **marks, settings={"count_flat": True})
    assert table["hits"].tolist() == [1, 1, 1, 0]
    assert rates.iloc[0][["fpr", "no_hit", "flat", "empty"]].tolist() == [0.5, 0.25, 0.5, 0.25]


def test_no_hit_at_all(run):
    table, rates = run([], filters=[(0, 0), (0, 1)])
    assert rates.iloc[0][["tpr", "fpr", "match_any", "motif_recall", "no_hit"]].tolist() == [0, 0, 0, 0, 1]
    assert np.isnan(rates["false_discovery"].item())
    assert table["hits"].tolist() == [0, 0]
    assert (table["best_target"] == "").all()
    assert table["matched"].tolist() == [False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("tomtom.tsv", "trial0_filter00", "trial0_filter09"), "the query trial0_filter09 is not in .*aligned.csv"),
        (("tomtom.tsv", "MA0068.1", "MA9999.1"), "the target MA9999.1 is not in .*targets.tsv: compare the motifs"),
        (("targets.tsv", "MA0079.3", "MA0079.2"), r"no target of filters.truth.SP1 \(MA0079.3\) is there"),
        (("aligned.csv", "clipped", "cliped"), "aligned.csv: column clipped is missing"),
        (("tomtom.tsv", "# engine", "# motor"), "the line '# engine: ...' is missing"),
    ],
)
def test_what_does_not_fit_is_said(run, tmp_path, change, message):
    run([((0, 0), "MA0068.1", 0.01)])
    for name in ("filters.csv", "statistics.csv"):
        (tmp_path / name).unlink()
    file, old, new = change
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    inputs = [tmp_path / name for name in ("tomtom.tsv", "targets.tsv", "aligned.csv")]
    with pytest.raises(InputError, match=message):
        match_filters(*inputs, FilterSettings(**SETTINGS), tmp_path / "filters.csv", tmp_path / "statistics.csv")
    assert not (tmp_path / "filters.csv").exists()


def test_a_missing_table_is_said(run, tmp_path):
    run([])
    (tmp_path / "targets.tsv").unlink()
    with pytest.raises(InputError, match=r"targets.tsv: no such file"):
        match_filters(
            *[tmp_path / name for name in ("tomtom.tsv", "targets.tsv", "aligned.csv")],
            FilterSettings(**SETTINGS), tmp_path / "a", tmp_path / "b",
        )  # fmt: skip


def test_every_planted_motif_of_the_paper_has_targets_in_the_default_database():
    targets = {target.motif.matrix.matrix_id for target in load_targets("JASPAR2020", "CORE", None, True)}
    assert len(targets) == 1964
    assert len(TRUTH) == 12
    absent = {target for ids in TRUTH.values() for target in ids} - targets
    assert absent == {"PB0001.1"}  # not of the CORE collection, as in the published database
    assert "MA0615.1" in targets


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"truth": {"A": ["M1"], "B": ["M2", "M1"]}}, "the target M1 is listed under A and under B: list it once"),
        ({"truth": {"A": ["MA0615.1"]}}, "the target MA0615.1 is listed under A and under ignored_targets"),
        ({"truth": {}}, "filters.truth: .*at least 1"),
        ({"window_bp": 19}, "filters.window_bp: .*multiple of 2"),
        ({"threshold": 1}, "filters.threshold: .*less than 1"),
        ({"thresold": 1}, "unknown key .* did you mean 'threshold'"),
    ],
)
def test_settings_that_cannot_be_meant(values, message):
    with pytest.raises(InputError, match=message):
        validated(FilterSettings, values, "filters")
