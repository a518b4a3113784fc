"""Table 1 of DNABERT-LRP: accuracy before and after mutating the most relevant bases."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import CLASSES, TaskRun, labelled
from regulens.core.tables import (
    NOT_COMPUTED,
    TextTable,
    decimal,
    interval,
    markdown_table,
    require_one_of,
    spread,
    with_sd,
    write_csv,
)
from regulens.interpret.scores import score_label
from regulens.studies.dnabert_lrp.tasks import (
    ClassNames,
    PublishedAs,
    class_name,
    over_seeds,
    paper_task,
    read_task_runs,
    tasks_of,
)
from regulens.studies.dnabert_lrp.tasks import published_values as read_published

# Notes under a table on scores whose mutated bases were chosen at random because of ties.

WORTH_A_NOTE = 0.05
"""Minimum share of the sequences for a score to be named."""


def tie_notes(table: pd.DataFrame, n: int) -> list[str]:
    """One sentence on the scores with random ties at ``n`` in more than 5 % of a class, or none.

    ``table``: columns task_label, class_name, score_label, n, tied (share of the sequences); several seeds of a class
    are averaged. Shares of at most 5 % of the named scores are left out, too.
    """
    here = table[table["n"] == n]
    shares = here.groupby(["score_label", "task_label", "class_name"], sort=False)["tied"].mean()
    shares = shares[shares > WORTH_A_NOTE]
    if shares.empty:
        return []
    scores = [
        f"{score} in {', '.join(f'{percent(share)} ({task}, {name})' for (_, task, name), share in of_score.items())}"
        for score, of_score in shares.groupby(level=0, sort=False)
    ]
    return [
        f"Chosen by lot: {'; '.join(scores)} of the sequences, because there the base of rank {n} and the next one "
        f"have the same value, so that which bases of this value are among the {n} mutated ones was drawn at random."
    ]


def percent(share: float) -> str:
    """'51 %'; '100 %' only if it is all of them."""
    return "over 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


# Table 1 of DNABERT-LRP as Markdown and LaTeX, with the same cells and notes.

_CLASS_NOTES = {
    "promoters": "The paper calls the positive promoter class TATA and the negative one Non-TATA; its data set "
    "(human_nontata_promoters) holds non-TATA promoters against non-promoters, so its TATA row stands beside the "
    "positive class here."
}
"""Note on the classes of each task of the paper (docs/papers.md, "promoter-classes")."""

_COLUMNS = ["n=0", "LRP*", "attention", "n=all"]


def header(table: pd.DataFrame, n: int) -> list[str]:
    """Column heads; the last one has the number of all bases if it is the same in every task."""
    lengths = table.loc[table["column"] == "n=all", "n"].unique()
    everything = f"n = {lengths[0]:.0f}" if len(lengths) == 1 else "n = all"
    return ["Task", "Class", "", "n = 0", f"LRP*, n = {n}", f"Attention, n = {n}", everything]


def body(table: pd.DataFrame) -> list[list[str]]:
    """Lines of the table: for every class the accuracy, its 95 % interval, and the paper's number, if any."""
    lines, last = [], None
    for task in table["task"].unique():
        for name in table.loc[table["task"] == task, "class"].unique():
            part = table[(table["task"] == task) & (table["class"] == name)].set_index("column")
            shown = [part.loc[column] if column in part.index else None for column in _COLUMNS]
            first = part.iloc[0]
            accuracies = [NOT_COMPUTED if row is None else with_sd(row["accuracy"], row["sd"]) for row in shown]
            if shown[1] is not None:
                accuracies[1] += f" ({shown[1]['score_label']})"
            head = first["task_label"] if task != last else ""
            lines.append([head, first["class_name"], "measured", *accuracies])
            limits = ["" if row is None else interval(row["low"], row["high"]) for row in shown]
            lines.append(["", "", "95 % interval", *limits])
            numbers = ["" if row is None or pd.isna(row["published"]) else decimal(row["published"]) for row in shown]
            if any(numbers):
                lines.append(["", "", "published", *numbers])
            last = task
    return lines


def all_scores(table: pd.DataFrame, n: int) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the second table: the accuracy of every score at ``n``, one column per class."""
    scores = table[table["n"].eq(n) & ~table["column"].isin(["n=0", "n=all"])]
    classes = list(dict.fromkeys(zip(table["task"], table["class"], strict=True)))
    named = table.drop_duplicates(["task", "class"]).set_index(["task", "class"])
    heads = [f"{named.loc[key, 'task_label']}, {named.loc[key, 'class_name']}" for key in classes]
    by_score = scores.set_index(["score", "task", "class"])
    cells = {key: with_sd(row["accuracy"], row["sd"]) for key, row in by_score.iterrows()}
    labels = dict(zip(scores["score"], scores["score_label"], strict=True))
    lines = [[label, *(cells.get((name, *key), NOT_COMPUTED) for key in classes)] for name, label in labels.items()]
    return [f"Accuracy, n = {n}", *heads], lines


def notes(table: pd.DataFrame, n: int, data_note: str | None) -> list[str]:
    """Sentences under the table, each true of this table."""
    repeats = spread(table.loc[table["column"] != "n=0", "repeats"])
    seeds = int(table["seeds"].max())
    lines = [
        f"Accuracy on {spread(table['sequences'])} test sequences of a class: unmutated (n = 0), with the {n} bases of "
        f"the highest score each replaced by another base, and on random sequences (last column). Means over {repeats} "
        "draws of the new bases.",
        "The 95 % interval comes from a bootstrap over the sequences.",
    ]
    if seeds > 1:
        lines.append(
            f"Means over {seeds} models trained with different seeds, ± their standard deviation; the limits "
            "of the intervals are averaged over the models."
        )
    if (table["column"] == "LRP*").any():
        both = table["score"].isin(["lrp", "lrp_last"]).groupby([table["task"], table["class"]]).sum().min() == 2
        lines.append(
            "LRP* is that of LRP and LRP_last with the lower accuracy, named in brackets. It is chosen on the same "
            "sequences, class by class, so it is favoured over attention, which has one try."
            if both
            else "LRP* is the one of LRP and LRP_last that was computed."
        )
    if table["published"].notna().any():
        lines.append(
            "Published: 500 sequences a class and, as its numbers are multiples of 1/500, one draw of the new "
            "bases; DNABERT-6 fine-tuned on the paper's data."
        )
        known = table.loc[table["published"].notna(), "published_as"].unique()
        lines += [_CLASS_NOTES[task] for task in known if task in _CLASS_NOTES]
    lines += tie_notes(table, n)
    if data_note:
        lines.append(data_note)
    return lines


def to_markdown(table: pd.DataFrame, n: int, data_note: str | None = None) -> str:
    """The paper's table with its notes, then the accuracy of every score at ``n``."""
    main = markdown_table(header(table, n), body(table), notes(table, n, data_note), left=3)
    return main + "\n" + markdown_table(*all_scores(table, n))


def to_latex(table: pd.DataFrame, n: int, data_note: str | None = None) -> str:
    """The paper's table as a LaTeX ``table`` (package booktabs)."""
    lines = body(table)
    tasks = [number for number, line in enumerate(lines) if line[0] and number]
    caption = "Accuracy of the fine-tuned models after mutating the bases of highest relevance."
    text = TextTable(header(table, n), lines, notes(table, n, data_note), left=3, caption=caption, blocks=tasks)
    return text.latex()


UNMUTATED, RANDOM_SEQUENCE = "unmutated", "random_sequence"
"""Rows of a table of curves without a score: n = 0, and n = all bases."""

BEST_OF = ("lrp", "lrp_last")
"""LRP* is the better of these scores (DNABERT-LRP, Table 1)."""

NUMBERS = ["n", "accuracy", "low", "high", "draw_low", "draw_high", "tied", "sequences", "repeats"]

CURVE_COLUMNS = ["label", "score", *NUMBERS]

COLUMNS = ["task", "task_label", "class", "class_name", "score", "score_label", "n", "column", "accuracy", "sd", "low"]

COLUMNS += ["high", "published", "published_as", "tied", "seeds", "sequences", "repeats"]


def read_curves(runs: Sequence[TaskRun]) -> pd.DataFrame:
    """Curves of all tasks and seeds: ``read_task_runs`` of ``curves.csv``."""
    return read_task_runs(runs, CURVE_COLUMNS, NUMBERS)


def accuracy_at(curves: pd.DataFrame, n: int) -> pd.DataFrame:
    """Accuracy of every class for n = 0, every score at ``n`` mutated bases, and random sequences (n = all bases).

    ``column`` is the column of Table 1 that a row belongs to: 'n=0', 'LRP*' (that of LRP and LRP_last whose accuracy,
    averaged over the seeds, is lower; LRP where they are equal), 'attention', 'n=all', or '' (none).

    Arguments:
        curves: table of ``read_curves``.
        n: number of mutated bases.

    Returns columns task, task_label, class, score, n, accuracy, sd, low, high, tied, sequences, repeats, seeds, column:
    mean over the seeds, sample standard deviation of the accuracy (NaN with one seed), mean of the limits of the seeds'
    95 % intervals, mean share of the sequences in which ties were broken at random. Raises `InputError` if no score was
    computed at ``n``.
    """
    scores = curves[~curves["score"].isin([UNMUTATED, RANDOM_SEQUENCE])]
    for task in tasks_of(curves):
        of_task = scores.loc[scores["task"] == task, "n"]
        require_one_of(n, sorted({int(count) for count in of_task}), f"mutated bases of Table 1, task {task}")
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

    The task is that of ``published_as``, added as a column of that name; '' if the paper has none. Rows are in the
    order of the table's tasks, then of the paper's classes (positive first if the paper lacks the task), then n = 0,
    the scores, random sequences.
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


@command("dnabert-lrp table1")
def table1(
    runs: Sequence[TaskRun],
    /,
    published: Path | str,
    csv: Path | str,
    md: Path | str,
    tex: Path | str,
    n: Part[int],
    class_names: Part[ClassNames | None] = None,
    published_as: Part[PublishedAs | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Table 1: accuracy after mutating the bases that LRP and attention rank highest.

    Written as tidy CSV (every score), Markdown (the paper's columns, then every score) and LaTeX.

    Arguments:
        runs: ``curves.csv`` of every task and seed, tasks in the order of the rows.
        published: ``config/published.csv``.
        csv, md, tex: the table, to write.
        n: number of mutated bases of the columns LRP* and attention.
        class_names: task to {'positive': name, 'negative': name}.
        published_as: task to the paper's task whose numbers are shown beside it; others have none.
        labels: names of the tasks in the table.
        data_note: one sentence on the data and the model; it should say if they are not the paper's.

    Returns the tidy table, columns ``COLUMNS``. Raises InputError on bad tables, or an ``n`` that was not computed.
    """
    known = read_published(published, "table1", "accuracy")
    table = join_published(accuracy_at(read_curves(labelled(runs, labels)), n), known, n, published_as)
    names = zip(table["task"], table["class"], strict=True)
    table["class_name"] = [class_name(class_names, task, name) for task, name in names]
    ends = {UNMUTATED: "Unmutated", RANDOM_SEQUENCE: "Random sequences"}
    table["score_label"] = [ends.get(name) or score_label(name) for name in table["score"]]
    table = table[COLUMNS]
    write_csv(table, csv)
    write_text(to_markdown(table, n, data_note), md)
    write_text(to_latex(table, n, data_note), tex)
    return table
