"""Trials of the hybrid networks: collecting what every model's folder holds, and choosing which trials count (001).

The paper trains every network several times and reports the best few, chosen by their result on the test set (001
section 2; SPEC S15). Here every trial stays in the table and says whether it was kept.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.errors import InputError
from regulens.figures.inputs import numbers, one_of, read_table
from regulens.hybrid_settings import HybridArchitecture

STATUSES = ["early_stopped", "max_epochs", "diverged"]
"""How a trial's training ended."""
MODEL_COLUMNS = ["architecture", "label", "baseline", "modules", "activation"]
"""Columns that name a model; ``modules`` joined by '+', '' without any."""
TRIAL_COLUMNS = ["trial", "seed", "status", "epochs", "best_epoch", "parameters"]
"""Columns of ``metrics.csv`` that say how a trial was trained."""
_WHOLE = ["trial", "seed", "epochs", "best_epoch", "parameters"]


class Task(NamedTuple):
    """Which columns of which file become which metric of a task."""

    classification: Mapping[str, str]
    """Metric to its column of ``metrics.csv``."""
    interpretation: Mapping[str, str]
    """Metric to its column of ``source``."""
    source: str
    """File of a model's folder that says how well the model can be interpreted, one row a trial."""

    @property
    def metrics(self) -> list[str]:
        """All metrics, in the order of the tables."""
        return [*self.classification, *self.interpretation]


TASKS = {
    "task1": Task(
        {
            "aupr": "test_aupr",
            "auroc": "test_auroc",
            "valid_aupr": "valid_aupr",
            "valid_auroc": "valid_auroc",
            "aupr_exact": "test_aupr_exact",
            "auroc_exact": "test_auroc_exact",
        },
        {
            name: name
            for name in ("tpr", "fpr", "match_any", "motif_recall", "false_discovery", "no_hit", "flat", "empty")
        },
        "filter_statistics.csv",
    ),
    "task2": Task(
        {
            "classification_auroc": "test_auroc",
            "classification_aupr": "test_aupr",
            "valid_auroc": "valid_auroc",
            "valid_aupr": "valid_aupr",
            "classification_auroc_exact": "test_auroc_exact",
            "classification_aupr_exact": "test_aupr_exact",
        },
        {
            "saliency_auroc": "auroc",
            "saliency_aupr": "aupr",
            "saliency_snr": "snr",
            "snr_zero": "snr_zero",
            "saturated": "saturated",
        },
        "saliency.csv",
    ),
}


def task_named(task: str) -> Task:
    """The columns of a task; raises InputError for another name than task1 and task2."""
    one_of(task, TASKS, "task")
    return TASKS[task]


def trial_columns(task: str) -> list[str]:
    """Columns of a table of `collect`."""
    return [*MODEL_COLUMNS, *TRIAL_COLUMNS, "kept", *task_named(task).metrics]


def collect(
    folder: Path | str,
    task: str,
    architectures: Mapping[str, HybridArchitecture],
    activations: Sequence[str],
    keep: int,
    split: str = "test",
    metric: str = "aupr",
) -> pd.DataFrame:
    """Every trial of every model of a task, one row each, columns ``trial_columns(task)``.

    Arguments:
        folder: results of the study; a model's files lie in ``folder/task/architecture/activation``.
        task: task1 or task2.
        architectures, activations: configured ones, in the order of the rows.
        keep: number of trials of a model that count, see `best`.
        split, metric: what they are chosen by: test or valid, aupr or auroc.

    Raises InputError on a missing file or column, a number that is none, a trial that occurs twice, or trials that
    are not the same in a model's two files.
    """
    what, chosen_by = task_named(task), _chosen_by(split, metric)
    if keep < 1:
        raise InputError(f"keep: {keep} trials cannot be kept; at least 1")
    if not architectures or not activations:
        raise InputError("architectures, activations: at least one of each is needed for a table")
    frames = []
    for name, architecture in architectures.items():
        for activation in activations:
            place = Path(folder) / task / name / activation
            sources = list(dict.fromkeys([*what.classification.values(), chosen_by]))
            trials = read_trial_table(place / "metrics.csv", [*TRIAL_COLUMNS, *sources], ["status"])
            for status in trials["status"].unique():
                one_of(status, STATUSES, f"{place / 'metrics.csv'}: status")
            read = read_trial_table(place / what.source, ["trial", *what.interpretation.values()])
            _same_trials(trials, place / "metrics.csv", read, place / what.source)
            interpretation = read.set_index("trial").loc[trials["trial"]]
            rows = {
                "architecture": name,
                "label": architecture.label,
                "baseline": architecture.baseline,
                "modules": "+".join(architecture.modules),
                "activation": activation,
            }
            rows |= {column: trials[column] for column in TRIAL_COLUMNS}
            rows["kept"] = best(trials[chosen_by], keep)
            rows |= {name: trials[column] for name, column in what.classification.items()}
            rows |= {name: interpretation[column].to_numpy() for name, column in what.interpretation.items()}
            frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)[trial_columns(task)]


def _chosen_by(split: str, metric: str) -> str:
    """Column of ``metrics.csv`` that trials are chosen by; raises InputError for another split or metric."""
    one_of(split, ["test", "valid"], "selection.split")
    one_of(metric, ["aupr", "auroc"], "selection.metric")
    return f"{split}_{metric}"


def best(values: pd.Series, keep: int) -> np.ndarray:
    """Which rows are the ``keep`` largest, bool (rows,); of equal ones the first.

    A row without a number is never chosen, even where fewer than ``keep`` remain: the mean of a network that gave no
    predictions is undefined.
    """
    numbers = values.to_numpy(dtype=np.float64)
    order = np.argsort(-numbers, kind="stable")  # NaN comes last
    chosen = np.zeros(len(numbers), bool)
    chosen[order[:keep]] = True
    return chosen & np.isfinite(numbers)


def read_trial_table(path: Path | str, columns: Sequence[str], text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table with one row a trial, sorted by trial; ``columns`` hold numbers but for those in ``text``."""
    table = read_table(path, columns)
    for name in columns:
        if name not in text:
            table[name] = numbers(table[name], path)
    for name in [name for name in _WHOLE if name in columns]:
        if table[name].isna().any():
            raise InputError(f"{path}: column {name}: a cell is empty; every trial has one")
        if not np.issubdtype(table[name].dtype, np.integer):
            if (table[name] % 1 != 0).any():
                raise InputError(f"{path}: column {name} holds a number that is not whole")
            table[name] = table[name].astype(np.int64)
    twice = table.loc[table["trial"].duplicated(), "trial"]
    if len(twice):
        raise InputError(f"{path}: trial {twice.iloc[0]} occurs twice")
    return table.sort_values("trial", ignore_index=True)


def _same_trials(first: pd.DataFrame, first_path: Path, second: pd.DataFrame, second_path: Path) -> None:
    differing = sorted(set(first["trial"]) ^ set(second["trial"]))
    if differing:
        has, lacks = first_path, second_path
        if differing[0] not in set(first["trial"]):
            has, lacks = lacks, has
        raise InputError(f"{lacks}: trial {differing[0]} is missing, {has} has it; make both files again")


def read_trials(path: Path | str, task: str) -> pd.DataFrame:
    """Read a table of `collect` from CSV, e.g. to find the best kept trial of a model.

    Raises InputError on a missing file or column, a cell of the wrong kind, or a trial of a model that occurs twice.
    """
    columns = trial_columns(task)
    table = read_table(path, columns)[columns]
    table["modules"] = table["modules"].fillna("").astype(str)
    if table["kept"].dtype != bool:
        raise InputError(f"{path}: column kept holds True and False only, found {table['kept'].iloc[0]!r}")
    for name in task_named(task).metrics:
        table[name] = numbers(table[name], path)
    again = table[table.duplicated(["architecture", "activation", "trial"])]
    if len(again):
        row = again.iloc[0]
        raise InputError(f"{path}: {row['architecture']}, {row['activation']}, trial {row['trial']} occurs twice")
    return table


def best_trial(
    path: Path | str, task: str, architecture: str, activation: str, split: str = "test", metric: str = "aupr"
) -> int:
    """Number of the kept trial of a network with the highest classification metric; of equal trials the first.

    Arguments:
        path: CSV of the trials of the task, a table of `collect`.
        task: task1 or task2.
        architecture, activation: the network.
        split, metric: what trials were kept by: test or valid, aupr or auroc.

    Where no trial was kept, because none gave predictions, it is the first one. Raises InputError for an architecture
    or an activation that is not in the table.
    """
    chosen_by = _chosen_by(split, metric)
    trials = read_trials(path, task)
    one_of(architecture, dict.fromkeys(trials["architecture"]), f"{path}: architecture")
    trials = trials[trials["architecture"] == architecture]
    one_of(activation, dict.fromkeys(trials["activation"]), f"{path}: activation of {architecture}")
    trials = trials[trials["activation"] == activation]
    column = next(name for name, source in task_named(task).classification.items() if source == chosen_by)
    kept = trials[trials["kept"]].sort_values(column, ascending=False, kind="stable")
    return int((trials if kept.empty else kept)["trial"].iloc[0])
