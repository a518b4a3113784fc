"""What is known of the sequences of every task before anything is trained: repeats, overlap, groups, composition."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.runs import CLASSES, TaskRun, labelled
from regulens.core.tables import decimal, markdown_table, read_table, write_csv
from regulens.data.overlap import ALL, CARD_COLUMNS, LINK_SHARE, OVERLAP_KMER, OVERLAP_SHARE
from regulens.studies.dnabert_lrp.tasks import ClassNames, class_name

SPLIT_LABELS = {"train": "Training", "valid": "Validation", "test": "Test", ALL: "All"}

TITLES = {
    "rows": "Rows",
    "share": "Share",
    "groups": "Groups",
    "duplicated": "Duplicated",
    "both_labels": "Both labels",
    "repeated": "Repeat training",
    "reverse_repeated": "as reverse complement",
    "overlapping": "Overlap training",
    "gc": "GC",
    "length": "Length (bp)",
}

COUNTS = ["rows", "groups", "duplicated", "both_labels"]

SHARED = ["repeated", "reverse_repeated", "overlapping"]
"""Counts of held-out rows that the training set has, too; empty for the training set."""


def read_cards(runs: Sequence[TaskRun]) -> pd.DataFrame:
    """The cards (``overlap.data_card``) of all tasks: task, task_label, class, `CARD_COLUMNS`, and share.

    ``share``: of the split's rows, those of the class. Raises InputError on no table or a bad one.
    """
    if not runs:
        raise InputError("no data card given: at least one task is needed")
    parts = []
    for run in runs:
        table = read_table(run.path, CARD_COLUMNS, [*COUNTS, *SHARED, "label", "gc", "shortest", "median", "longest"])
        table = table.astype(dict.fromkeys([*SHARED, *COUNTS], "Int64"))
        table["share"] = table["rows"] / table.groupby("split")["rows"].transform("sum")
        table.insert(0, "class", table["label"].map(CLASSES))
        table.insert(0, "task_label", run.label)
        table.insert(0, "task", run.task)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def to_markdown(table: pd.DataFrame, class_names: ClassNames | None = None, data_note: str | None = None) -> str:
    """The table of ``read_cards`` with its notes; a count that is a share of the rows gets its percentage."""
    rows, last = [], None
    for row in table.to_dict("records"):
        cells = [row["task_label"] if row["task"] != last else "", SPLIT_LABELS.get(row["split"], row["split"])]
        cells += [class_name(class_names, row["task"], row["class"]), f"{row['rows']:,}", f"{row['share']:.1%}"]
        cells += [f"{row[name]:,}" for name in COUNTS[1:]]
        cells += [_count(row[name], row["rows"]) for name in SHARED]
        sizes = [f"{row[name]:,.0f}" for name in ("shortest", "median", "longest")]
        cells += [decimal(row["gc"]), sizes[0] if len(set(sizes)) == 1 else f"{sizes[0]} to {sizes[2]}, {sizes[1]}"]
        rows.append(cells)
        last = row["task"]
    return markdown_table(["Task", "Split", "Class", *TITLES.values()], rows, _notes(data_note), left=3)


def _count(number: int, rows: int) -> str:
    if pd.isna(number):
        return ""
    return f"{number:,} ({number / rows:.1%})" if number else "0"


def _notes(data_note: str | None) -> list[str]:
    lines = [
        "Counted on the data as they are read, before anything is filtered or cut, and before a validation set is "
        "drawn where there is none.",
        "Groups: connected regions (intervals that overlap or adjoin) where there are coordinates, otherwise clusters "
        f"of sequences that share at least {LINK_SHARE:.0%} of their {OVERLAP_KMER}-mers on either strand; `split: "
        "grouped` keeps each on one side.",
        "Duplicated: rows that repeat an earlier row of the same split and class. Both labels: rows whose sequence has "
        "the other label, too.",
        "Repeat training: held-out rows that stand in the training set letter by letter, or as reverse complement. "
        f"Overlap training: those of which at least {OVERLAP_SHARE:.0%} lies in one training interval, or, without "
        f"coordinates, of whose {OVERLAP_KMER}-mers at least {OVERLAP_SHARE:.0%} are in the training set. For the test "
        "set, a validation set counts as training.",
        "GC: mean over the rows. Length: shortest to longest, median.",
    ]
    return [*lines, data_note] if data_note else lines


@command("dnabert-lrp data-card")
def data_card(
    runs: Sequence[TaskRun],
    /,
    csv: Path | str,
    md: Path | str,
    class_names: Part[ClassNames | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Table: repeats, overlap, groups, balance, GC and length of every task's sequences; returns it.

    See ``read_cards``.

    Arguments:
        runs: ``card.csv`` of every task; the seeds are ignored.
        csv, md: the table, to write.
        class_names: task to {'positive': name, 'negative': name}.
        labels: names of the tasks in the table.
        data_note: one sentence on the data and the model.
    """
    table = read_cards(labelled(runs, labels))
    write_csv(table, csv)
    write_text(to_markdown(table, class_names, data_note), md)
    return table
