"""Tables that exist once per task and seed: reading, and averaging over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from regulens.core.errors import InputError
from regulens.core.published import published_numbers
from regulens.core.runs import CLASSES, TaskRun
from regulens.core.tables import read_table, spread

STUDY = "dnabert_lrp"

ClassNames = Mapping[str, Mapping[str, str]]
"""Task to its classes ('positive', 'negative') to their labels."""

PublishedAs = Mapping[str, str | None]
"""Task to the paper's task that it reproduces; None or no entry: the paper has no numbers for it."""


def read_task_runs(runs: Sequence[TaskRun], columns: Sequence[str], numeric: Sequence[str]) -> pd.DataFrame:
    """The concatenated tables of several tasks and seeds, with columns task, task_label and seed in front.

    Arguments:
        runs: tables, tasks in the order in which they are shown.
        columns: columns that every table must have.
        numeric: those that hold numbers (empty cells become NaN).

    Where there is a column ``label`` (0 and 1), a column ``class`` with 'negative' and 'positive' is added. Raises
    InputError on no table, what `read_table` raises, or a task and seed given twice.
    """
    if not runs:
        raise InputError("no table given: at least one task is needed")
    seen, frames = {}, []
    for run in runs:
        if (run.task, run.seed) in seen:
            raise InputError(
                f"{run.path}: task {run.task}, seed {run.seed} is given twice (also {seen[run[0], run[2]]})"
            )
        seen[run.task, run.seed] = run.path
        table = read_table(run.path, columns, numeric)
        table = table.drop(columns=["task", "task_label", "seed", "class"], errors="ignore")
        front = pd.DataFrame({"task": run.task, "task_label": run.label, "seed": run.seed}, table.index)
        if "label" in columns:
            front["class"] = table["label"].map(CLASSES)
        frames.append(pd.concat([front, table], axis=1))
    return pd.concat(frames, ignore_index=True)


def highest_first(means: pd.DataFrame, value: str) -> pd.DataFrame:
    """The rows of a table of `over_seeds`, of each task from the highest ``value`` down; tasks keep their order."""
    place = means["task"].map(list(tasks_of(means)).index)
    order = means.assign(_place=place).sort_values(["_place", value], ascending=[True, False], kind="stable").index
    return means.loc[order].reset_index(drop=True)


def seeds_note(means: pd.DataFrame) -> list[str]:
    """The sentence under a table of means over several models with averaged limits; none for one model."""
    if means["seeds"].max() == 1:
        return []
    return [
        f"Means over {spread(means['seeds'])} models trained with different seeds, ± their standard deviation; "
        "limits are averaged over the models."
    ]


def over_seeds(table: pd.DataFrame, keys: Sequence[str], value: str, also: Sequence[str] = ()) -> pd.DataFrame:
    """Average over seeds: one row per task and combination of ``keys``, in the order of the table.

    Arguments:
        table: a table of ``read_task_runs``.
        keys: columns that, with the task, identify the rows of one seed.
        value: averaged; its sample standard deviation over the seeds is ``sd`` (NaN with one seed).
        also: further columns to average, such as interval limits (the mean limits are a typical interval of one model).

    Returns columns task, task_label, ``keys``, ``value``, sd, ``also``, seeds (their number). Raises InputError when
    a row is missing in one of a task's seeds.
    """
    keys = ["task", "task_label", *keys]
    groups = table.groupby(keys, sort=False, dropna=False)
    result = groups[[value]].mean()
    result["sd"] = groups[value].std(ddof=1)
    for name in also:
        result[name] = groups[name].mean()
    result["seeds"] = groups["seed"].nunique()
    result = result.reset_index()
    expected = result["task"].map(table.groupby("task")["seed"].nunique())
    if (result["seeds"] < expected).any():
        row = result[result["seeds"] < expected].iloc[0]
        some = table[(table[keys] == row[keys]).all(axis=1)]["seed"]
        missing = sorted(set(table.loc[table["task"] == row["task"], "seed"]) - set(some))
        what = ", ".join(f"{key} {row[key]}" for key in keys[2:])
        raise InputError(f"task {row['task']}, seed {missing[0]}: {what} is missing, other seeds have it")
    return result


def tasks_of(table: pd.DataFrame) -> dict[str, str]:
    """Task names and labels of a table, in its order."""
    return dict(table.drop_duplicates("task")[["task", "task_label"]].itertuples(index=False, name=None))


def class_name(names: ClassNames | None, task: str, name: str) -> str:
    """Label of a class of a task; 'positive' or 'negative' if none is configured."""
    return (names or {}).get(task, {}).get(name, name)


def paper_task(published_as: PublishedAs | None, task: str) -> str:
    """The paper's task that a task reproduces; '' if none is configured."""
    return (published_as or {}).get(task) or ""


def published_values(path: Path | str, item: str, metric: str) -> dict[tuple[str, str], float]:
    """Numbers of DNABERT-LRP: (subject, condition) to value; the condition is '' if the table names none.

    Raises InputError when there is no such row, or its value is not a number.
    """
    known = published_numbers(path, STUDY, item, metric)
    return {(place.subject, place.condition): number.value for place, number in known.items()}
