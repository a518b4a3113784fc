"""Table of paired tests: every test in the file, those at Table 1's n for readers, counted without mirror images."""

import numpy as np
import pandas as pd
import pytest
from score_inputs import CLASS_NAMES, MUTATIONS, SCORES, TASKS, paired_table, write_task_tables

from regulens.core.errors import InputError
from regulens.core.tables import MINUS
from regulens.studies.dnabert_lrp.paired_tests import (
    COLUMNS,
    number_of_tests,
    paired_tests,
    read_paired_tests,
    rows_at,
)


@pytest.fixture
def runs(tmp_path):
    return write_task_tables(tmp_path / "paired", paired_table)


def write(folder, runs, n=20, **options):
    table = paired_tests(runs, folder / "p.csv", folder / "p.md", n=n, class_names=CLASS_NAMES, **options)
    return table, (folder / "p.md").read_text()


def cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_the_file_holds_every_test(runs, tmp_path):
    table, _ = write(tmp_path, runs)
    read = pd.read_csv(tmp_path / "p.csv")
    assert list(read.columns) == COLUMNS
    assert len(read) == len(table) == sum(len(pd.read_csv(run.path)) for run in runs) == 2 * 2 * 14 * len(MUTATIONS)
    source = pd.read_csv(runs[0].path).iloc[7]
    for name in ("difference", "low", "high", "p_value", "n"):
        assert read.iloc[7][name] == pytest.approx(source[name], rel=1e-4)


def test_readers_see_difference_interval_and_p_at_n(runs, tmp_path):
    table = pd.read_csv(runs[1].path)
    where = (table["label"] == 0) & (table["score"] == "gradcam") & (table["n"] == 20)
    table.loc[where & (table["against"] == "attention"), ["difference", "low", "high", "p_value"]] = [
        -0.024,
        -0.041,
        -0.007,
        0.00423,
    ]
    table.loc[where & (table["against"] == "random"), ["difference", "low", "high", "p_value"]] = [
        0.01,
        -0.002,
        0.022,
        0.3,
    ]
    table.to_csv(runs[1].path, index=False)
    _, text = write(tmp_path, runs, data_note="Small BERT.")
    body = cells(text)
    assert len(body) == 4 * len(SCORES)
    line = body[3 * len(SCORES) + SCORES.index("gradcam")]
    assert line == ["", "", "GradCAM", f"{MINUS}0.024", f"[{MINUS}0.041, {MINUS}0.007]", "0.0042"] + [
        "+0.010",
        f"[{MINUS}0.002, 0.022]",
        "0.30",
    ]
    assert "*" not in text
    assert "- Small BERT." in text


def test_lines_follow_tasks_classes_and_scores(runs, tmp_path):
    _, text = write(tmp_path, runs)
    body = cells(text)
    heads = [row[:2] for row in body if row[0]]
    assert heads == [
        ["Promoters", "Promoter"],
        ["Promoters", "Non-promoter"],
        ["Enhancers", "Enhancer"],
        ["Enhancers", "Non-enhancer"],
    ]
    labels = ["LRP", "LRP_last", "full_LRP", "Rollout", "GradCAM", "Attention", "Gradient × input", "Random"]
    assert [row[2] for row in body] == labels * 4
    assert body[5][3:6] == ["", "", ""]  # attention is not compared with itself
    assert body[7][6:] == ["", "", ""]


def test_mirror_images_count_once(runs, tmp_path):
    table, text = write(tmp_path, runs)
    assert number_of_tests(table[table["n"] == 20]) == 2 * 2 * 13
    assert "there are 52 at n = 20 and 260 over all n" in text
    assert "No correction" in text
    assert "McNemar" in text


def test_several_seeds_give_means_and_the_range_of_p(tmp_path):
    runs = write_task_tables(tmp_path / "paired", paired_table, (1, 2, 3))
    table = read_paired_tests(runs)
    rows = rows_at(table, 20)
    assert len(rows) == 2 * 2 * 14
    frames = [pd.read_csv(run.path) for run in runs if run.task == "enhancers"]
    key = "label == 1 and score == 'rollout' and against == 'random' and n == 20"
    values = pd.concat(frame.query(key) for frame in frames)
    row = rows.query(
        "task == 'enhancers' and `class` == 'positive' and score == 'rollout' and against == 'random'"
    ).iloc[0]
    assert row["difference"] == pytest.approx(values["difference"].mean())
    assert row["sd"] == pytest.approx(values["difference"].std(ddof=1))
    assert (row["p_low"], row["p_high"]) == (values["p_value"].min(), values["p_value"].max())
    _, text = write(tmp_path, runs)
    assert " ± " in text
    assert " to " in cells(text)[3][8]
    assert "models of 3 seeds" in text
    assert "there are 156 at n = 20" in text


def test_an_n_without_tests_is_an_error_and_writes_nothing(runs, tmp_path):
    with pytest.raises(InputError, match="task promoters: 7 does not exist"):
        write(tmp_path, runs, n=7)
    assert not (tmp_path / "p.csv").exists()


def test_without_attention_only_random_is_compared(tmp_path):
    def make(task, seed):
        table = paired_table(task, seed)
        return table[(table["against"] == "random") & (table["score"] != "attention")]

    runs = write_task_tables(tmp_path / "paired", make, tasks=dict(list(TASKS.items())[:1]))
    _, text = write(tmp_path, runs)
    assert "Against Random" in text
    assert "Against Attention" not in text
    assert np.unique([len(row) for row in cells(text)]) == [6]
