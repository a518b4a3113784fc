"""Table of the classifiers' test metrics: values, order, published accuracy, text."""

import numpy as np
import pandas as pd
import pytest
from score_inputs import metrics_table, write_task_tables

from regulens.core.errors import InputError
from regulens.studies.dnabert_lrp.section51 import COLUMNS, section51


def write(folder, published, runs, **options):
    options.setdefault("published_as", {"promoters": "promoters", "enhancers": "enhancers"})
    table = section51(runs, published, folder / "m.csv", folder / "m.md", folder / "m.tex", **options)
    return table, (folder / "m.md").read_text(), (folder / "m.tex").read_text()


def cells(text):
    """Cells of the body of a Markdown table."""
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


@pytest.fixture
def runs(tmp_path):
    return write_task_tables(tmp_path / "metrics", metrics_table)


def test_values_and_intervals_are_those_of_the_files(runs, published, tmp_path):
    table, text, _ = write(tmp_path, published, runs)
    for run, number in zip(runs, (22, 11), strict=True):
        keys = ["subset", "row", "metric"]
        source = pd.read_csv(run.path).set_index(keys)
        found = table[table["task"] == run.task].set_index(keys)
        assert len(found) == len(source) == number
        for key, row in source.iterrows():
            for name in ("value", "low", "high", "sequences"):
                assert found.loc[key, name] == pytest.approx(row[name])
    body = cells(text)
    mcc = source.loc["all", "bert", "mcc"]
    assert body[14][:2] == ["Enhancers", "whole test set (n = 9,034)"]
    assert body[15][:2] == ["", "BERT"]
    assert body[15][5] == f"{mcc['value']:.3f}"
    assert body[16][5] == f"[{mcc['low']:.3f}, {mcc['high']:.3f}]"


def test_a_task_with_overlap_has_a_second_block_with_the_same_lines(runs, published, tmp_path):
    _, text, latex = write(tmp_path, published, runs)
    body = cells(text)
    header = [cell.strip() for cell in text.splitlines()[0].split("|")[1:-1]]
    assert header[2:] == ["Accuracy", "Balanced accuracy", "AUROC", "MCC", "F1", "Published accuracy"]
    assert len(body) == 21
    assert body[0] == ["Promoters", "whole test set (n = 9,034)", *[""] * 6]
    assert body[7] == ["", "without overlap (n = 6,120)", *[""] * 6]
    assert [line[1] for line in body[8:14]] == [line[1] for line in body[1:7]]
    assert body[5][2].startswith("+0.0")  # the network is ahead on the whole test set only
    assert body[12][2].startswith("\N{MINUS SIGN}0.0")
    assert latex.count(r"\midrule") == 3
    assert latex.index("Promoters") < latex.index("without overlap (n = 6,120)") < latex.index("Enhancers")


def test_overlap_is_explained_where_there_is_some(published, tmp_path):
    runs = write_task_tables(tmp_path / "some", metrics_table)
    _, text, latex = write(tmp_path, published, runs)
    assert "at least 50% of the 32-mers occur, on either strand, in training or validation sequences" in text
    assert "accuracy, MCC and F1 depend on that balance" in text
    assert r"at least 50\% of the 32-mers" in latex
    runs = write_task_tables(tmp_path / "none", metrics_table, overlap=())
    _, text, _ = write(tmp_path, published, runs)
    assert "overlap" not in text
    assert len(cells(text)) == 14


def test_scores_that_are_undefined_without_overlap_are_said_to_be(runs, published, tmp_path):
    source = pd.read_csv(runs[0].path)
    apart = source["subset"] == "not_overlapping"
    source.loc[apart & (source["metric"] == "auroc"), ["value", "low", "high"]] = np.nan
    source.to_csv(runs[0].path, index=False)
    _, text, _ = write(tmp_path, published, runs)
    body = cells(text)
    assert [line[4] for line in body[8:12]] == ["undefined"] * 4
    assert "undefined" not in [line[4] for line in body[:8]]


def test_order_is_that_of_subsets_and_rows_whatever_the_order_of_the_file(runs, published, tmp_path):
    pd.read_csv(runs[0].path).iloc[::-1].to_csv(runs[0].path, index=False)
    table, text, _ = write(tmp_path, published, runs, kmer=5)
    body = cells(text)
    assert [row[1] for row in body[1:7:2]] == ["BERT", "5-mer logistic regression", "Difference"]
    assert body[7][1].startswith("without overlap")
    assert list(table["metric"][:5]) == ["accuracy", "balanced_accuracy", "auroc", "mcc", "f1"]


def test_the_difference_has_a_sign_and_only_accuracy(runs, published, tmp_path):
    _, text, _ = write(tmp_path, published, runs)
    difference = cells(text)[5]
    assert difference[2].startswith("+0.0")
    assert difference[3:] == [""] * 5


def test_published_accuracy_stands_beside_bert_on_the_whole_test_set(runs, published, tmp_path):
    table, text, latex = write(tmp_path, published, runs)
    known = table[table["published"].notna()]
    assert known[["task", "subset", "row", "metric", "published"]].to_numpy().tolist() == [
        ["promoters", "all", "bert", "accuracy", 0.93],
        ["enhancers", "all", "bert", "accuracy", 0.86],
    ]
    assert [row[7] for row in cells(text)] == ["", "0.93", *[""] * 13, "0.86", *[""] * 5]
    assert latex.count("0.93 ") == 1


def test_a_task_that_the_paper_lacks_has_no_published_accuracy(published, tmp_path):
    runs = write_task_tables(tmp_path / "m", metrics_table, tasks={"silencers": "Silencers"})
    table, text, _ = write(tmp_path, published, runs)
    assert table["published"].isna().all()
    assert "Published: " not in text


@pytest.mark.parametrize("published_as", [None, {"promoters": None}])
def test_a_task_of_ones_own_called_promoters_has_none_either(runs, published, tmp_path, published_as):
    table, text, _ = write(tmp_path, published, runs, published_as=published_as)
    assert table["published"].isna().all()
    assert "Published: " not in text


def test_a_task_under_another_name_has_the_accuracy_of_the_one_that_it_repeats(published, tmp_path):
    runs = write_task_tables(tmp_path / "m", metrics_table, tasks={"tata": "TATA"})
    table, text, _ = write(tmp_path, published, runs, published_as={"tata": "promoters"})
    assert table["published"].dropna().tolist() == [0.93]
    assert "Published: " in text


def test_seeds_are_averaged_and_the_same_value_has_no_sd(published, tmp_path):
    runs = write_task_tables(tmp_path / "m", metrics_table, (1, 2, 3), {"promoters": "Promoters"})
    table, text, _ = write(tmp_path, published, runs, data_note="Small BERT.")
    frames = [pd.read_csv(run.path).set_index(["subset", "row", "metric"])["value"] for run in runs]
    body = cells(text)
    for subset, line in (("all", 1), ("not_overlapping", 8)):
        values = [frame[subset, "bert", "auroc"] for frame in frames]
        row = table.set_index(["subset", "row", "metric"]).loc[subset, "bert", "auroc"]
        assert row["value"] == pytest.approx(np.mean(values))
        assert row["sd"] == pytest.approx(np.std(values, ddof=1))
        assert body[line][4] == f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
        assert body[line + 2][2] == "0.815"
    assert "3 models" in text
    assert "- Small BERT." in text


def test_the_tidy_file_reads_back(runs, published, tmp_path):
    table, _, latex = write(tmp_path, published, runs)
    read = pd.read_csv(tmp_path / "m.csv")
    assert list(read.columns) == COLUMNS
    np.testing.assert_allclose(read["value"], table["value"], rtol=1e-5)
    body = latex[latex.index(r"\toprule") : latex.index(r"\bottomrule")].splitlines()[1:]
    assert {line.count(" & ") for line in body if line != r"\midrule"} == {7}


def test_a_file_without_subsets_is_an_error(runs, published, tmp_path):
    pd.read_csv(runs[1].path).drop(columns="subset").to_csv(runs[1].path, index=False)
    with pytest.raises(InputError, match=r"enhancers\.1\.csv.*subset"):
        write(tmp_path, published, runs)
    assert not (tmp_path / "m.csv").exists()


@pytest.mark.parametrize(("column", "value"), [("subset", "far"), ("row", "svm"), ("metric", "auprc")])
def test_an_unknown_subset_row_or_metric_is_an_error(runs, published, tmp_path, column, value):
    table = pd.read_csv(runs[0].path)
    table.loc[0, column] = value
    table.to_csv(runs[0].path, index=False)
    with pytest.raises(InputError, match=f"'{value}' does not exist"):
        write(tmp_path, published, runs)
    assert not (tmp_path / "m.csv").exists()


def test_both_splits_stand_side_by_side(published, tmp_path):
    tasks = {"promoters": "Promoters, published", "grouped": "Promoters, grouped"}
    runs = write_task_tables(tmp_path / "metrics", metrics_table, (1, 2, 3), tasks)
    splits = {"promoters": "published", "grouped": "grouped"}
    table, text, _ = write(tmp_path, published, runs, splits=splits, published_as={"promoters": "promoters"})
    body = cells(text)
    assert body[0][:2] == ["Promoters, published", "published split, whole test set (n = 9,034)"]
    assert body[7][1] == "published split, without overlap (n = 6,120)"
    assert body[14][:2] == ["Promoters, grouped", "grouped split, whole test set (n = 9,034)"]
    # The paper's accuracy stands beside the published split only.
    assert [line[-1] for line in body if line[-1]] == ["0.93"]
    assert body[1][-1] == "0.93"
    assert " ± " in body[1][2]
    assert "stands beside that one only" in text
    assert (table["split"] == table["task"].map(splits)).all()
    alone = {"promoters": "published", "grouped": "published"}
    table, text, _ = write(tmp_path, published, runs, splits=alone, published_as={})
    assert list(table.columns) == COLUMNS
    assert "split" not in text
