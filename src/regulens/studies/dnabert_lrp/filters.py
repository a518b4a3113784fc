"""How many sequences each filter removed, for every task, split and class."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.runs import CLASSES, TaskRun, labelled
from regulens.core.tables import markdown_table, read_table, write_csv
from regulens.studies.dnabert_lrp.tasks import ClassNames, class_name

READ, MOVED, KEPT, OVERLAPPING = "read", "validation", "kept", "overlapping"
"""Rows of ``filters.csv`` that are not reasons to drop a sequence; the last is counted among the kept."""

SPLIT_LABELS = {"train": "Training", "valid": "Validation", "test": "Test"}

REASON_LABELS = {
    "empty": "Empty",
    "ambiguous": "Ambiguous base",
    "not_dna": "Other letter",
    "too_short": "Too short",
    "conflicting": "Both labels",
    "duplicated": "Duplicated",
    "leaked": "Leaked",
    "not_drawn": "Not drawn",
}
"""Column titles; a reason without one is shown by its name."""

EXPLANATIONS = {
    "ambiguous": "N or another letter for several bases",
    "not_dna": "a letter that stands for no base",
    "too_short": "shorter than the model's input",
    "conflicting": "the sequence has both labels in the split, all its copies go",
    "duplicated": "the same as an earlier sequence of the split",
    "leaked": "in a held-out split too",
    "not_drawn": "left out by `at_most`",
}


def read_filters(filters: Mapping[str, tuple[str, Path | str]]) -> pd.DataFrame:
    """Counts of all tasks, one row per task, split and class.

    Arguments:
        filters: task to (its label, ``filters.csv`` with columns split, label, reason, sequences), in order.

    Returns int columns ``read``, one for each reason (in the order of the files), ``validation`` (training sequences
    that were moved to the validation set), ``kept`` and, where a file has it, ``overlapping`` (of the kept), after
    task, task_label, split, class, label.
    """
    if not filters:
        raise InputError("no table of filters given: at least one task is needed")
    parts = []
    for task, (label, path) in filters.items():
        table = read_table(path, ["split", "label", "reason", "sequences"], ["label", "sequences"])
        wide = table.pivot(index=["split", "label"], columns="reason", values="sequences")
        wide = wide.reindex(pd.MultiIndex.from_frame(table[["split", "label"]].drop_duplicates()))
        wide = wide.reindex(columns=list(dict.fromkeys([*table["reason"], MOVED]))).fillna(0).astype("int64")
        wide = wide.rename_axis(columns=None).reset_index()
        wide.insert(0, "class", wide["label"].map(CLASSES))
        wide.insert(0, "task_label", label)
        wide.insert(0, "task", task)
        parts.append(wide)
    table = pd.concat(parts, ignore_index=True)
    front = ["task", "task_label", "split", "class", "label", READ]
    back = [name for name in (MOVED, KEPT, OVERLAPPING) if name in table]
    table = table[[*front, *reasons_of(table), *back]]
    return table.fillna(0).astype(dict.fromkeys(table.columns[5:], "int64"))


def reasons_of(table: pd.DataFrame) -> list[str]:
    """Columns of a table of ``read_filters`` that are reasons."""
    known = {"task", "task_label", "split", "class", "label", READ, MOVED, KEPT, OVERLAPPING}
    return [name for name in table.columns if name not in known]


def _left(table: pd.DataFrame) -> pd.Series:
    """Number of sequences left if every reason dropped its sequences."""
    return table[READ] - table[MOVED] - table[reasons_of(table)].sum(axis=1)


def to_markdown(table: pd.DataFrame, class_names: ClassNames | None = None) -> str:
    """The table as Markdown: only reasons that occur have a column, the others are named below."""
    reasons = reasons_of(table)
    present = [name for name in reasons if table[name].any()]
    overlap = OVERLAPPING in table and table[OVERLAPPING].any()
    columns = [READ, *present, *([MOVED] if table[MOVED].any() else []), KEPT, *([OVERLAPPING] if overlap else [])]
    titles = REASON_LABELS | {READ: "Read", MOVED: "To validation", KEPT: "Kept", OVERLAPPING: "Overlapping"}
    rows = []
    for row in table.to_dict("records"):
        front = [row["task_label"], SPLIT_LABELS.get(row["split"], row["split"])]
        front.append(class_name(class_names, row["task"], row["class"]))
        rows.append([*front, *(f"{row[name]:,}" for name in columns)])
    header = ["Task", "Split", "Class", *(titles.get(name, name) for name in columns)]
    return markdown_table(header, rows, _notes(table, present), left=3)


def _notes(table: pd.DataFrame, present: list[str]) -> list[str]:
    """Sentences under the table, each true of this table."""
    lines = ["Number of sequences; each is counted under the first reason that applies."]
    explained = [f"{REASON_LABELS[name]}: {EXPLANATIONS[name]}" for name in present if name in EXPLANATIONS]
    lines += [f"{'; '.join(explained)}."] if explained else []
    if table[MOVED].any():
        lines.append("To validation: drawn from the training set; the validation set counts them as read.")
    if OVERLAPPING in table:
        some, none = "Overlapping: of the kept, those", "No kept sequence was found"
        lines.append(f"{some if table[OVERLAPPING].any() else none} that the training set has in large part.")
    staying = int((table[KEPT] - _left(table)).sum())
    if staying:
        lines.append(f"{staying:,} sequences with a reason stay, as the settings say, and count as kept too.")
    absent = [REASON_LABELS.get(name, name) for name in reasons_of(table) if name not in present]
    if absent:
        lines.append(f"No sequence was found for: {', '.join(absent).lower()}.")
    return lines


@command("dnabert-lrp filters")
def filters(
    runs: Sequence[TaskRun],
    /,
    csv: Path | str,
    md: Path | str,
    class_names: Part[ClassNames | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
) -> pd.DataFrame:
    """Table: sequences that each filter removed; returns it.

    See ``read_filters``.

    Arguments:
        runs: ``filters.csv`` of every task; the seeds are ignored.
        csv: the table with every reason, to write.
        md: the table with the reasons that occur, to write.
        class_names: task to {'positive': name, 'negative': name}.
        labels: names of the tasks in the table.
    """
    table = read_filters({run.task: (run.label, run.path) for run in labelled(runs, labels)})
    write_csv(table, csv)
    write_text(to_markdown(table, class_names), md)
    return table
