"""Files that belong to one trained model, with the names that tables and figures give it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from regulens.core.errors import InputError
from regulens.core.settings import nearest

CLASSES = {1: "positive", 0: "negative"}
"""Names of the two classes in the configuration, by label."""


class Run(NamedTuple):
    """A file that belongs to one model trained with one seed (reference rows: any one number)."""

    model: str
    label: str
    seed: int
    path: Path | str

    @classmethod
    def parse(cls, text: str) -> "Run":
        """`MODEL:SEED=FILE` of a command line; the label is the name."""
        found = re.fullmatch(r"(?P<model>[^:]+):(?P<seed>\d+)=(?P<path>.+)", text)
        if not found:
            raise InputError(f"a run must be MODEL:SEED=FILE, found '{text}'")
        return cls(found["model"], found["model"], int(found["seed"]), Path(found["path"]))


def labelled(runs: Sequence[Run], labels: Mapping[str, str] | None) -> list[Run]:
    """The runs with the labels of their models; without labels as they are. Raises InputError for an unknown model."""
    if labels is None:
        return list(runs)
    for run in runs:
        if run.model not in labels:
            raise InputError(f"run {run.model}:{run.seed}: no such model; {nearest(run.model, list(labels))}")
    return [run._replace(label=labels[run.model]) for run in runs]


class TaskRun(NamedTuple):
    """A table that belongs to one task and to the model trained on it with one seed."""

    task: str
    label: str
    """The task for people."""
    seed: int
    path: Path | str
