"""What the claims about DNABERT and LRP are judged on: the tables of a run, or the numbers of the paper (002)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.figures.claims import NotTested
from regulens.figures.inputs import numbers, read_table
from regulens.figures.mutagenesis_table import COLUMNS as TABLE1_COLUMNS
from regulens.figures.paired_tests import COLUMNS as PAIRED_COLUMNS
from regulens.figures.task_runs import PublishedAs, over_seeds, paper_task, published_values
from regulens.figures.truth import COLUMNS as TRUTH_COLUMNS

PROMOTERS, ENHANCERS = "promoters", "enhancers"
POSITIVE, NEGATIVE = "positive", "negative"
UNMUTATED, LRP_STAR, ATTENTION, RANDOM_SEQUENCE = "n=0", "LRP*", "attention", "n=all"
"""Columns of Table 1."""
PAPER_CLASSES = {
    (PROMOTERS, POSITIVE): "TATA",
    (PROMOTERS, NEGATIVE): "Non-TATA",
    (ENHANCERS, POSITIVE): "Enhancer",
    (ENHANCERS, NEGATIVE): "Non-enhancer",
}
"""What the paper calls the classes of its tasks (SPEC S21)."""
PAPER_N, PAPER_SEQUENCES = 20, 500
"""Mutated bases and sequences of a class behind a number of the paper's Table 1."""
Z = 1.959964
"""97.5 % point of the normal distribution."""

METRIC_COLUMNS = ["task", "task_label", "subset", "row", "metric", "value", "sd", "low", "high", "sequences"]
MOTIF_COLUMNS = ["task", "score", "rank", "motif", "instances", "target", "target_name", "tf_class", "q_value"]
FILTER_COLUMNS = ["task", "task_label", "split", "class", "kept"]


class LrpEvidence(NamedTuple):
    """Tables of a run, or of the paper, each with a column ``paper``: its task that a task repeats. Missing: empty."""

    accuracy: pd.DataFrame
    """``table1.csv``; score None for LRP* of the paper."""
    paired: pd.DataFrame
    """``paired_tests.csv`` over the seeds: difference, low, high, p_value (largest of the seeds)."""
    metrics: pd.DataFrame
    """``section51.csv``."""
    motifs: pd.DataFrame
    """``section53_<task>.csv`` of all tasks."""
    truth: pd.DataFrame
    """``truth.csv``."""
    filters: pd.DataFrame
    """``filters.csv`` of the tasks whose data come with a test set of their own."""
    n: int
    """Mutated bases of Table 1."""

    @property
    def printed(self) -> bool:
        """Whether these are the numbers of the paper."""
        return self.paired.empty


class Tables(NamedTuple):
    """Files of a run that claims are judged on."""

    table1: Path | str
    paired: Path | str
    section51: Path | str
    filters: Path | str
    section53: Sequence[Path | str]
    """A table for each task with motifs."""
    truth: Path | str | None
    """None: no task's sites are known."""


def of_run(tables: Tables, published_as: PublishedAs, n: int, given_splits: set[str]) -> LrpEvidence:
    """Evidence of a run.

    Arguments:
        tables: its tables.
        published_as: task to the paper's task that it repeats.
        n: mutated bases of Table 1.
        given_splits: tasks whose data come with a test set of their own.

    Raises InputError on bad tables.
    """

    def read(path, columns, numeric):
        table = read_table(path, columns)
        for name in numeric:
            table[name] = numbers(table[name], path)
        return table.assign(paper=[paper_task(published_as, task) for task in table["task"]])

    limits = ["low", "high"]
    accuracy = read(tables.table1, TABLE1_COLUMNS, ["n", "accuracy", *limits]).fillna({"column": ""})
    paired = read(tables.paired, PAIRED_COLUMNS, ["n", "difference", *limits, "p_value"])
    keys = ["paper", "class", "class_name", "score", "against", "n"]
    over = over_seeds(paired, keys, "difference", limits)
    p_values = paired.groupby(["task", *keys])["p_value"].max().reset_index()
    over = over.merge(p_values, how="left", on=["task", *keys])
    motifs = [read(path, MOTIF_COLUMNS, ["rank", "q_value"]) for path in tables.section53]
    filters = read(tables.filters, FILTER_COLUMNS, ["kept"])
    return LrpEvidence(
        accuracy,
        over,
        read(tables.section51, METRIC_COLUMNS, ["value", *limits]),
        pd.concat(motifs, ignore_index=True) if motifs else pd.DataFrame(columns=[*MOTIF_COLUMNS, "paper"]),
        read(tables.truth, TRUTH_COLUMNS, ["auroc", *limits]) if tables.truth else pd.DataFrame(columns=TRUTH_COLUMNS),
        filters[filters["task"].isin(given_splits)],
        n,
    )


def of_paper(published: Path | str) -> LrpEvidence:
    """Evidence of the paper: Table 1, with binomial intervals of its 500 sequences, Sections 5.1 and 5.3."""
    columns = {"n=0": UNMUTATED, f"LRP*,n={PAPER_N}": LRP_STAR, f"attention,n={PAPER_N}": ATTENTION}
    rows = []
    for (subject, condition), value in published_values(published, "table1", "accuracy").items():
        task, _, name = subject.rpartition("_")
        column = columns.get(condition, RANDOM_SEQUENCE)
        score = {UNMUTATED: "unmutated", ATTENTION: "attention", RANDOM_SEQUENCE: "random_sequence"}.get(column)
        half = Z * np.sqrt(value * (1 - value) / PAPER_SEQUENCES)
        numbers_ = (column, value, value - half, value + half, PAPER_SEQUENCES)
        rows.append(
            (task, task.capitalize(), task, name, PAPER_CLASSES.get((task, name), name), score, score, *numbers_)
        )
    names = ["task", "task_label", "paper", "class", "class_name", "score", "score_label", "column", "accuracy"]
    accuracy = pd.DataFrame(rows, columns=[*names, "low", "high", "sequences"])
    tests = published_values(published, "section5.1", "test_accuracy")
    metrics = pd.DataFrame(
        [(task, task, "all", "bert", "accuracy", value, np.nan, np.nan) for (task, _), value in tests.items()],
        columns=["task", "paper", "subset", "row", "metric", "value", "low", "high"],
    )
    none = pd.DataFrame()
    return LrpEvidence(accuracy, none, metrics, _published_motifs(published), none, none, PAPER_N)


def _published_motifs(published: Path | str) -> pd.DataFrame:
    table = read_table(published, ["study", "item", "subject", "metric", "condition", "value"])
    rows = table[(table["study"] == "dnabert_lrp") & (table["metric"] == "top_motif_class")]
    task = rows["condition"].str.removesuffix("_positive")
    motifs = {"task": task, "paper": task, "score": rows["subject"], "rank": 1, "tf_class": rows["value"]}
    return pd.DataFrame(motifs).assign(target="not published", target_name="factor not named", q_value=np.nan)


def of_task(table: pd.DataFrame, task: str) -> pd.DataFrame:
    """Rows of the first task that repeats the paper's task. Raises `NotTested` when there is none."""
    rows = table[table["paper"] == task] if len(table) else table
    if rows.empty:
        raise NotTested(f"no task of the run repeats the paper's {task}")
    return rows[rows["task"] == rows["task"].iloc[0]]


def classes(evidence: LrpEvidence) -> list[tuple[str, str]]:
    """Task and class of every row of Table 1."""
    return list(dict.fromkeys(zip(evidence.accuracy["task"], evidence.accuracy["class"], strict=True)))


def tasks(evidence: LrpEvidence) -> dict[str, str]:
    """Task to its label, of Table 1."""
    return dict(evidence.accuracy.drop_duplicates("task")[["task", "task_label"]].itertuples(index=False, name=None))


def cell(table: pd.DataFrame, name: str, column: str) -> pd.Series:
    """A cell of Table 1: accuracy, low, high, of one task's rows, by class and column. Raises `NotTested`."""
    rows = table[(table["class"] == name) & (table["column"] == column)]
    if rows.empty:
        raise NotTested(f"Table 1 has no {column} of the {name} class")
    return rows.iloc[0]


class Difference(NamedTuple):
    """A difference of independent accuracies with its 95 % interval."""

    value: float
    low: float
    high: float


def independent(plus: list[pd.Series], minus: list[pd.Series]) -> Difference:
    """Sum of cells less sum of others, which rest on different sequences; normal interval from those of the cells."""
    value = sum(cell["accuracy"] for cell in plus) - sum(cell["accuracy"] for cell in minus)
    half = Z * np.sqrt(sum(((cell["high"] - cell["low"]) / (2 * Z)) ** 2 for cell in [*plus, *minus]))
    return Difference(value, value - half, value + half)
