"""Test metrics of the classifiers, beside a logistic regression on k-mer counts (DNABERT-LRP, section 5.1)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import TaskRun, labelled
from regulens.core.tables import TextTable, decimal, interval, require_one_of, spread, with_sd, write_csv
from regulens.data.overlap import LINK_SHARE, OVERLAP_KMER, OVERLAP_SHARE
from regulens.studies.dnabert_lrp.tasks import (
    PublishedAs,
    over_seeds,
    paper_task,
    published_values,
    read_task_runs,
)

METRICS = {"accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "auroc": "AUROC", "mcc": "MCC", "f1": "F1"}

ALL, APART = "all", "not_overlapping"

SUBSETS = {ALL: "whole test set", APART: "without overlap"}

MODEL, REGRESSION, DIFFERENCE = "bert", "kmer_logistic_regression", "bert_minus_logistic_regression"

NUMBERS = ["value", "low", "high", "sequences"]

METRIC_COLUMNS = ["subset", "row", "metric", *NUMBERS]

COLUMNS = ["task", "task_label", "subset", "row", "row_label", "metric", "value", "sd", "low", "high", "published"]

COLUMNS += ["seeds", "sequences"]


def read_metrics(
    runs: Sequence[TaskRun], known: Mapping[tuple[str, str], float], published_as: PublishedAs | None = None
) -> pd.DataFrame:
    """Test metrics averaged over the seeds: in each task the subsets, and in each the rows, in one order.

    Arguments:
        runs: ``metrics.csv`` of every task and seed.
        known: the paper's accuracy on the whole test set, by (its task, '').
        published_as: task to the paper's task; others have no published number.

    Returns columns task, task_label, subset, row, metric, value, sd (over seeds, NaN with one), low, high (means of the
    seeds' limits), sequences, seeds, published. Rows are BERT, regression, difference. Raises InputError on a bad table
    or an unknown subset, row or metric.
    """
    table = read_task_runs(runs, METRIC_COLUMNS, NUMBERS)
    order = [MODEL, REGRESSION, DIFFERENCE]
    for column, names, kind in (
        ("subset", SUBSETS, "subsets of the test set"),
        ("row", order, "rows of the test metrics"),
        ("metric", METRICS, "test metrics"),
    ):
        for name in table[column].unique():
            require_one_of(name, names, kind)
    table = over_seeds(table, ["subset", "row", "metric"], "value", ["low", "high", "sequences"])
    is_published = (table["subset"] == ALL) & (table["row"] == MODEL) & (table["metric"] == "accuracy")
    numbers = [known.get((paper_task(published_as, task), ""), np.nan) for task in table["task"]]
    table["published"] = np.where(is_published, numbers, np.nan)
    places = pd.DataFrame(
        {
            "task": table["task"].map(list(dict.fromkeys(table["task"])).index),
            "subset": table["subset"].map(list(SUBSETS).index),
            "row": table["row"].map(order.index),
            "metric": table["metric"].map(list(METRICS).index),
        }
    )
    return table.loc[places.sort_values(list(places)).index].reset_index(drop=True)


def _lines(table: pd.DataFrame) -> tuple[list[list[str]], list[int]]:
    """Lines of the table, and the indices of those that start a block.

    A block is a subset of a task: its name, in the column of the classifiers to save width, then two lines per row,
    values and intervals. The name tells the split, if the table has a column for it.
    """
    lines, blocks, last = [], [], None
    for (task, subset), block in table.groupby(["task", "subset"], sort=False):
        first = block.iloc[0]
        split = f"{first['split']} split, " if "split" in table else ""
        name = f"{split}{SUBSETS[subset]} (n = {first['sequences']:,.0f})"
        blocks.append(len(lines))
        lines.append([first["task_label"] if task != last else "", name, *[""] * len(METRICS), ""])
        for _, part in block.groupby("row", sort=False):
            lines += _row_lines(part)
        last = task
    return lines, blocks


def _row_lines(part: pd.DataFrame) -> list[list[str]]:
    """The two lines of one row: its metrics and their intervals."""
    cells, first = part.set_index("metric"), part.iloc[0]
    values, limits = [], []
    for metric in METRICS:
        row = cells.loc[metric] if metric in cells.index else None
        sd = np.nan if row is None or row["sd"] < 1e-9 else row["sd"]
        text = "" if row is None else with_sd(row["value"], sd)
        is_gain = first["row"] == DIFFERENCE and row is not None and row["value"] > 0
        values.append("+" + text if is_gain else text)
        limits.append("" if row is None else interval(row["low"], row["high"]))
    known = part["published"].dropna()
    published = "" if known.empty else decimal(known.iloc[0], 2)
    return [["", first["row_label"], *values, published], ["", "95 % interval", *limits, ""]]


def _notes(table: pd.DataFrame, data_note: str | None) -> list[str]:
    lines = [
        "95 % interval: bootstrap over the n test sequences, of the difference on the same resamples for both "
        "classifiers. Balanced accuracy is the mean recall of both classes; F1 is that of the positive class."
    ]
    if (table["subset"] == APART).any():
        lines.append(
            f"Without overlap: without the test sequences of which at least {OVERLAP_SHARE:.0%} of the "
            f"{OVERLAP_KMER}-mers occur, on either strand, in training or validation sequences (shifted windows of one "
            "place, or repeats); fewer may be left of one class than of the other, and accuracy, MCC and F1 depend on "
            "that balance, so that balanced accuracy and AUROC are what can be compared with the whole test set."
        )
    if table["seeds"].max() > 1:
        lines.append(
            f"Means over {spread(table['seeds'])} models trained with different seeds, ± their standard deviation "
            "(none where all seeds agree); the limits of the intervals are averaged over the models."
        )
    if "split" in table:
        lines.append(
            "Published split: as the data come, or drawn sequence by sequence. Grouped split: connected regions, or "
            f"sequences that share {LINK_SHARE:.0%} of their {OVERLAP_KMER}-mers, are on one side (data card). What is "
            "better on the published split alone is memory. The paper's accuracy is that of the published split and "
            "stands beside that one only. Sequences of one region are not independent: where many are, the intervals "
            "are too narrow."
        )
    if table["published"].notna().any():
        lines.append("Published: accuracy of the fine-tuned DNABERT-6 on the paper's data.")
    return [*lines, data_note] if data_note else lines


@command("dnabert-lrp section51")
def section51(
    runs: Sequence[TaskRun],
    /,
    published: Path | str,
    csv: Path | str,
    md: Path | str,
    tex: Path | str,
    kmer: Part[int] = 4,
    published_as: Part[PublishedAs | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
    splits: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Section 5.1: test metrics, with and without overlap with training, beside a logistic regression.

    Written as tidy CSV, Markdown and LaTeX; also without overlapping sequences, if a file has such rows.

    Arguments:
        runs: ``metrics.csv`` of every task and seed, tasks in the order of the rows.
        published: ``config/published.csv``.
        csv, md, tex: the table, to write.
        kmer: length of the k-mers that the regression counts.
        published_as: task to the paper's task whose accuracy is shown beside it; others have none.
        labels: names of the tasks in the table.
        splits: task to 'published' or 'grouped'; shown if any is grouped.
        data_note: one sentence on the data and the model; it should say if they are not the paper's.

    Returns the tidy table, columns ``COLUMNS`` and, if any split is grouped, ``split``. Raises InputError for bad ones.
    """
    known = published_values(published, "section51", "test_accuracy")
    table = read_metrics(labelled(runs, labels), known, published_as)
    rows = {MODEL: "BERT", REGRESSION: f"{kmer}-mer logistic regression", DIFFERENCE: "Difference"}
    table["row_label"] = table["row"].map(rows)
    table = table[COLUMNS]
    if splits and "grouped" in splits.values():
        table.insert(COLUMNS.index("subset"), "split", table["task"].map(splits))
    lines, blocks = _lines(table)
    header = ["Task", "Classifier", *METRICS.values(), "Published accuracy"]
    caption = "Classifiers on the test set."
    text = TextTable(header, lines, _notes(table, data_note), left=2, caption=caption, blocks=blocks[1:])
    write_csv(table, csv)
    write_text(text.markdown(), md)
    write_text(text.latex(), tex)
    return table
