"""Result tables of the hybrid networks: every model's kept trials summarised, beside the paper's numbers (001)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.errors import InputError
from regulens.figures.hybrid_runs import MODEL_COLUMNS, STATUSES, collect, task_named
from regulens.figures.hybrid_tables_text import to_latex, to_markdown
from regulens.figures.inputs import read_table
from regulens.files import atomic_output
from regulens.hybrid_settings import HybridArchitecture
from regulens.motifs.hits import read_hits

STUDY = "hybrid_networks"
COUNTS = ["n_kept", "n_defined", "n_trials", *(f"n_{status}" for status in STATUSES)]
COLUMNS = [
    *MODEL_COLUMNS,
    "metric",
    "mean",
    "sd",
    "low",
    "high",
    *COUNTS,
    "mean_all",
    "sd_all",
    "published",
    "published_sd",
]

Published = Mapping[tuple[str, str, str], tuple[float, float]]
"""The paper's (model, metric, activation) to its mean and standard deviation."""


class Selection(NamedTuple):
    """How the trials that count were chosen."""

    keep: int
    split: str
    """test (as published) or valid."""
    metric: str
    """aupr or auroc."""


def read_published(path: Path | str, task: str) -> Published:
    """The paper's numbers of a task (SPEC 5.7); the standard deviation is NaN where the table has none.

    Raises InputError when there is no row with study hybrid_networks and this item, or a value is no number.
    """
    table = read_table(path, ["study", "item", "subject", "metric", "condition", "value", "sd"])
    table = table[(table["study"] == STUDY) & (table["item"] == task)]
    if table.empty:
        raise InputError(f"{path}: no row with study {STUDY} and item {task}")
    values = {}
    for row in table.itertuples():
        try:
            values[row.subject, row.metric, row.condition] = float(row.value), float(row.sd)
        except ValueError:
            raise InputError(
                f"{path}: {row.subject}, {row.metric}, {row.condition}: {row.value!r} or {row.sd!r} is not a number"
            ) from None
    return values


def summarise(trials: pd.DataFrame, task: str) -> pd.DataFrame:
    """Mean and spread of every metric of every model over its kept trials, tidy.

    Returns ``MODEL_COLUMNS``, metric, mean, sd (population standard deviation, as published: SPEC S16; NaN with one
    trial), low, high (lowest and highest kept trial), n_kept, n_defined (kept trials where the metric exists, e.g.
    false_discovery needs a filter with a hit; the mean is over these), n_trials, the number of trials of every status,
    mean_all and sd_all (over all trials that have the number, whether kept or not).
    """
    rows = []
    for key, part in trials.groupby(MODEL_COLUMNS, sort=False, dropna=False):
        counts = {"n_kept": int(part["kept"].sum()), "n_trials": len(part)}
        counts |= {f"n_{status}": int((part["status"] == status).sum()) for status in STATUSES}
        for metric in task_named(task).metrics:
            values, everything = part.loc[part["kept"], metric].dropna(), part[metric].dropna()
            row = dict(zip(MODEL_COLUMNS, key, strict=True)) | {"metric": metric, "n_defined": len(values)} | counts
            row["mean"], row["sd"] = values.mean(), _sd(values)
            row["low"], row["high"] = values.min(), values.max()
            row["mean_all"], row["sd_all"] = everything.mean(), _sd(everything)
            rows.append(row)
    return pd.DataFrame(rows)


def _sd(values: pd.Series) -> float:
    return values.std(ddof=0) if len(values) > 1 else np.nan


def join_published(
    table: pd.DataFrame, known: Published, architectures: Mapping[str, HybridArchitecture]
) -> pd.DataFrame:
    """The table of `summarise` with the paper's number where a model repeats one of its models, columns ``COLUMNS``."""
    names = {name: architecture.published for name, architecture in architectures.items()}
    keys = zip(table["architecture"].map(names), table["metric"], table["activation"], strict=True)
    pairs = [known.get(key, (np.nan, np.nan)) for key in keys]
    return table.assign(published=[p[0] for p in pairs], published_sd=[p[1] for p in pairs])[COLUMNS]


def tomtom_facts(
    folder: Path | str, task: str, architectures: Mapping[str, HybridArchitecture], activations: Sequence[str]
) -> dict[str, int]:
    """How the filters were compared with known motifs: one sentence to the number of models that were, as a rule one.

    Raises InputError when a model's ``tomtom.tsv`` is missing or no such table.
    """
    ways: dict[str, int] = {}
    for name in architectures:
        for activation in activations:
            fact = read_hits(Path(folder) / task / name / activation / "tomtom.tsv")[1]
            way = f"{fact['engine']} {fact.get('version', '')}, distance {fact.get('distance', 'unknown')}"
            way += f", {fact.get('q_value_method', 'unknown q-values')}, q <= {fact.get('max_q_value', 'unknown')}"
            way += f", targets {fact.get('targets', 'unknown')}"
            ways[way] = ways.get(way, 0) + 1
    return ways


def results_table(
    folder: Path | str,
    task: str,
    architectures: Mapping[str, HybridArchitecture],
    activations: Sequence[str],
    selection: Selection,
    published: Path | str,
    *,
    csv: Path | str,
    trials: Path | str,
    markdown: Path | str,
    latex: Path | str,
    label: str | None = None,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Write the trials of a task, their summary as tidy CSV, and the paper's table as Markdown and LaTeX.

    Arguments:
        folder: results of the study.
        task: task1 or task2.
        architectures, activations: configured ones, in the order of the rows.
        selection: which trials count.
        published: ``config/published.csv``.
        csv, trials, markdown, latex: output paths.
        label: what people call the task.
        data_note: one sentence on the data and the sizes, printed under the table.

    Returns the summary, columns ``COLUMNS``. Raises InputError on bad input, see `collect`.
    """
    rows = collect(folder, task, architectures, activations, *selection)
    table = join_published(summarise(rows, task), read_published(published, task), architectures)
    facts = tomtom_facts(folder, task, architectures, activations) if task == "task1" else {}
    for path, content in ((trials, rows), (csv, table)):
        with atomic_output(path) as target:
            content.to_csv(target, index=False, float_format="%.6g")
    options = {"label": label, "data_note": data_note, "facts": facts}
    for path, make in ((markdown, to_markdown), (latex, to_latex)):
        with atomic_output(path) as target:
            target.write_text(make(table, task, selection, **options), encoding="utf-8")
    return table
