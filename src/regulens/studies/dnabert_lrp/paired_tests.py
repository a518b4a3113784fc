"""Every score against attention and against random on the same sequences: differences and exact McNemar tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import CLASSES, TaskRun, labelled
from regulens.core.tables import decimal, interval, markdown_table, p_text, require_one_of, spread, write_csv
from regulens.interpret.scores import score_label
from regulens.plotting.style import in_order
from regulens.studies.dnabert_lrp.table1 import tie_notes
from regulens.studies.dnabert_lrp.tasks import ClassNames, class_name, over_seeds, read_task_runs, tasks_of

NUMBERS = ["n", "difference", "low", "high", "p_value", "tied", "sequences", "repeats"]

PAIRED_COLUMNS = ["label", "score", "against", *NUMBERS]

COLUMNS = ["task", "task_label", "seed", "class", "class_name", "score", "score_label", "against", *NUMBERS]


def read_paired_tests(runs: Sequence[TaskRun], class_names: ClassNames | None = None) -> pd.DataFrame:
    """The tests of all tasks, seeds, classes and n, columns ``COLUMNS``."""
    table = read_task_runs(runs, PAIRED_COLUMNS, NUMBERS)
    table["score_label"] = table["score"].map(score_label)
    names = zip(table["task"], table["class"], strict=True)
    table["class_name"] = [class_name(class_names, task, name) for task, name in names]
    return table[COLUMNS]


def rows_at(table: pd.DataFrame, n: int) -> pd.DataFrame:
    """The tests at ``n`` mutated bases, one row for all seeds of a task.

    Returns columns task, task_label, class, class_name, score, score_label, against, difference, sd, low, high (means
    over the seeds), seeds, p_low, p_high (smallest and largest p-value of a seed). Raises InputError when a task has
    no test at ``n``.
    """
    for task in tasks_of(table):
        counts = table.loc[table["task"] == task, "n"]
        require_one_of(n, sorted({int(count) for count in counts}), f"mutated bases of Table 1, task {task}")
    chosen = table[table["n"] == n]
    keys = ["class", "class_name", "score", "score_label", "against"]
    result = over_seeds(chosen, keys, "difference", ["low", "high"])
    limits = chosen.groupby(["task", *keys])["p_value"].agg(p_low="min", p_high="max").reset_index()
    result = result.merge(limits, how="left", on=["task", *keys], validate="one_to_one")
    places = {"task": list(tasks_of(table)), "class": list(CLASSES.values()), "score": in_order(table["score"])}
    order = pd.DataFrame({name: result[name].map(values.index) for name, values in places.items()})
    return result.loc[order.sort_values(list(places), kind="stable").index].reset_index(drop=True)


def number_of_tests(table: pd.DataFrame) -> int:
    """Number of distinct tests: attention against random is the same as random against attention."""
    pairs = map(frozenset, zip(table["score"], table["against"], strict=True))
    return len(set(zip(table["task"], table["seed"], table["class"], table["n"], pairs, strict=True)))


def to_markdown(table: pd.DataFrame, n: int, data_note: str | None = None) -> str:
    """One line per class and score: the difference against attention and against random, with interval and p."""
    rows = rows_at(table, n)
    references = list(dict.fromkeys(rows["against"]))
    header = ["Task", "Class", "Score"]
    for name in references:
        header += [f"Against {score_label(name)}", "95 % interval", "p"]
    lines, last = [], None
    for (task, label, _), part in rows.groupby(["task", "class", "score"], sort=False):
        first = part.iloc[0]
        line = [first["task_label"], first["class_name"]] if (task, label) != last else ["", ""]
        line.append(first["score_label"])
        for name in references:
            test = part[part["against"] == name]
            line += _cells(test.iloc[0]) if len(test) else [""] * 3
        lines.append(line)
        last = task, label
    return markdown_table(header, lines, _notes(table, n, data_note), left=3)


def _cells(row: pd.Series) -> list[str]:
    difference = ("+" if row["difference"] > 0 else "") + decimal(row["difference"])
    if row["seeds"] > 1:
        difference += f" ± {row['sd']:.3f}"
    low, high = p_text(row["p_low"]), p_text(row["p_high"])
    return [difference, interval(row["low"], row["high"]), low if low == high else f"{low} to {high}"]


def _notes(table: pd.DataFrame, n: int, data_note: str | None) -> list[str]:
    here, seeds = table[table["n"] == n], table["seed"].nunique()
    lines = [
        f"Accuracy after mutating the {n} bases of highest score, less that of attention or of random positions, on "
        f"the same {spread(here['sequences'])} sequences of a class. Negative: the score finds bases whose loss costs "
        "more accuracy. 95 % interval: bootstrap over the sequences, both scores on the same resamples.",
        "p: exact McNemar test in each repeat of the mutations, on the same sequences; twice the median over the "
        f"{spread(here['repeats'])} repeats, at most 1, which is valid however the repeats depend on each other.",
        f"No correction for the number of comparisons is applied; there are {number_of_tests(here):,} at n = {n} and "
        f"{number_of_tests(table):,} over all n.",
    ]
    if seeds > 1:
        lines.append(
            f"Differences are means over the models of {seeds} seeds, ± their standard deviation, with the mean limits "
            "of their intervals; of p the smallest and the largest of the seeds are given."
        )
    lines += tie_notes(table, n)
    return [*lines, data_note] if data_note else lines


@command("dnabert-lrp paired-tests")
def paired_tests(
    runs: Sequence[TaskRun],
    /,
    csv: Path | str,
    md: Path | str,
    n: Part[int],
    class_names: Part[ClassNames | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Paired tests of every score against attention and against random positions.

    Arguments:
        runs: ``paired.csv`` of every task and seed, tasks in the order of the rows.
        csv: the tests of every task, seed, class and n, to write.
        md: the tests at ``n``, to write.
        n: number of mutated bases of Table 1.
        class_names: task to {'positive': name, 'negative': name}.
        labels: names of the tasks in the table.
        data_note: one sentence on the data and the model.

    Returns the tidy table, columns ``COLUMNS``. Raises InputError on bad tables, or an ``n`` that was not tested.
    """
    table = read_paired_tests(labelled(runs, labels), class_names)
    text = to_markdown(table, n, data_note)
    write_csv(table, csv)
    write_text(text, md)
    return table
