"""Table 1 of the DNABERT study: accuracy before and after mutating the most relevant bases (002 Table 1)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.figures.inputs import one_of
from regulens.figures.mutagenesis_table_text import to_latex, to_markdown
from regulens.figures.task_runs import (
    ClassNames,
    PublishedAs,
    class_name,
    over_seeds,
    paper_task,
    read_task_runs,
    tasks_of,
)
from regulens.figures.task_runs import published_values as read_published
from regulens.files import atomic_output
from regulens.interpret.score_names import score_label
from regulens.runs import CLASSES, TaskRun

UNMUTATED, RANDOM_SEQUENCE = "unmutated", "random_sequence"
"""Rows of a table of curves that belong to no score: n = 0, and n = all bases."""
BEST_OF = ("lrp", "lrp_last")
"""Scores of which LRP* is the better one (002 Table 1)."""
NUMBERS = ["n", "accuracy", "low", "high", "draw_low", "draw_high", "tied", "sequences", "repeats"]
CURVE_COLUMNS = ["label", "score", *NUMBERS]
COLUMNS = ["task", "task_label", "class", "class_name", "score", "score_label", "n", "column", "accuracy", "sd", "low"]
COLUMNS += ["high", "published", "published_as", "tied", "seeds", "sequences", "repeats"]


def read_curves(runs: Sequence[TaskRun]) -> pd.DataFrame:
    """Curves of all tasks and seeds: what ``read_task_runs`` gives for ``curves.csv``."""
    return read_task_runs(runs, CURVE_COLUMNS, NUMBERS)


def accuracy_at(curves: pd.DataFrame, n: int) -> pd.DataFrame:
    """Accuracy of every class for n = 0, every score at ``n`` mutated bases, and random sequences (n = all bases).

    ``column`` says where a row stands in Table 1: 'n=0', 'LRP*' (that of LRP and LRP_last whose accuracy, averaged
    over the seeds, is lower; LRP where they are equal), 'attention', 'n=all', or '' (in this table only).

    Arguments:
        curves: table of ``read_curves``.
        n: number of mutated bases.

    Returns columns task, task_label, class, score, n, accuracy, sd, low, high, tied, sequences, repeats, seeds, column:
    mean over the seeds, sample standard deviation of the accuracy (NaN with one seed), mean of the limits of the seeds'
    95 % intervals, mean share of the sequences whose bases were chosen by lot. Raises InputError when no score was
    computed at ``n``.
    """
    scores = curves[~curves["score"].isin([UNMUTATED, RANDOM_SEQUENCE])]
    for task in tasks_of(curves):
        of_task = scores.loc[scores["task"] == task, "n"]
        one_of(n, sorted({int(count) for count in of_task}), f"mutated bases of Table 1, task {task}")
    chosen = curves[(curves["n"] == n) | curves["score"].isin([UNMUTATED, RANDOM_SEQUENCE])]
    keys = ["class", "score", "n"]
    table = over_seeds(chosen, keys, "accuracy", ["low", "high", "tied", "sequences", "repeats"])
    table["column"] = table["score"].map({UNMUTATED: "n=0", RANDOM_SEQUENCE: "n=all", "attention": "attention"})
    table["column"] = table["column"].fillna("")
    for _, of_class in table.groupby(["task", "class"], sort=False):
        pair = of_class[of_class["score"].isin(BEST_OF)].sort_values("score", kind="stable")
        if len(pair):
            table.loc[pair["accuracy"].idxmin(), "column"] = "LRP*"
    return table


def join_published(
    table: pd.DataFrame, known: Mapping[tuple[str, str], float], n: int, published_as: PublishedAs | None = None
) -> pd.DataFrame:
    """Add ``published``: the paper's accuracy of the same task, class and number of mutated bases, NaN without one.

    The same task is the one that ``published_as`` names, in the column of that name; '' where the paper has none. Rows
    come in the order of the table's tasks; inside a task in the paper's order of classes, or, where the paper lacks the
    task, the positive class first; inside a class n = 0, the scores, random sequences.
    """
    conditions = {"n=0": "n=0", "LRP*": f"LRP*,n={n}", "attention": f"attention,n={n}"}
    table = table.assign(published_as=[paper_task(published_as, task) for task in table["task"]])
    subjects = table["published_as"] + "_" + table["class"]
    columns = table["column"].map(conditions).mask(table["column"] == "n=all", "n=" + table["n"].map("{:.0f}".format))
    table = table.assign(published=[known.get(key, np.nan) for key in zip(subjects, columns, strict=True)])
    classes = [*dict.fromkeys(subject for subject, _ in known)]
    classes += [f"{paper}_{name}" for paper in table["published_as"].unique() for name in CLASSES.values()]
    order = pd.DataFrame(
        {
            "task": table["task"].map(list(tasks_of(table)).index),
            "class": subjects.map(classes.index),
            "end": table["score"].map({UNMUTATED: -1, RANDOM_SEQUENCE: 1}).fillna(0),
        }
    )
    return table.loc[order.sort_values(["task", "class", "end"], kind="stable").index].reset_index(drop=True)


def mutagenesis_table(
    runs: Sequence[TaskRun],
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    latex: Path | str,
    *,
    n: int,
    class_names: ClassNames | None = None,
    published_as: PublishedAs | None = None,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Write Table 1 as tidy CSV (every score), Markdown (the paper's columns, then every score) and LaTeX.

    Arguments:
        runs: ``curves.csv`` of every task and seed, tasks in the order of the rows.
        published: ``config/published.csv``.
        csv, markdown, latex: output paths.
        n: number of mutated bases of the columns LRP* and attention.
        class_names: task to {'positive': name, 'negative': name}.
        published_as: task to the paper's task whose numbers stand beside it; others have none.
        data_note: one sentence on the data and the model; say here when they are not the paper's.

    Returns the tidy table, columns ``COLUMNS``. Raises InputError on bad tables, or an ``n`` that was not computed.
    """
    known = read_published(published, "table1", "accuracy")
    table = join_published(accuracy_at(read_curves(runs), n), known, n, published_as)
    names = zip(table["task"], table["class"], strict=True)
    table["class_name"] = [class_name(class_names, task, name) for task, name in names]
    ends = {UNMUTATED: "Unmutated", RANDOM_SEQUENCE: "Random sequences"}
    table["score_label"] = [ends.get(name) or score_label(name) for name in table["score"]]
    table = table[COLUMNS]
    with atomic_output(csv) as target:
        table.to_csv(target, index=False, float_format="%.6g")
    for path, text in ((markdown, to_markdown(table, n, data_note)), (latex, to_latex(table, n, data_note))):
        with atomic_output(path) as target:
            target.write_text(text, encoding="utf-8")
    return table
