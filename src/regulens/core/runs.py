"""What the data of a run are, and result files of a trained model, with its name in tables and figures."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from regulens.core.errors import InputError
from regulens.core.settings import nearest

EvidenceKind = Literal["simulated", "real", "paper"]

EVIDENCE: dict[EvidenceKind, str] = {
    "simulated": "simulated data",
    "real": "real data, not the paper's",
    "paper": "the paper's data",
}
"""What the results of a study are made of, in words."""

CLASSES = {1: "positive", 0: "negative"}
"""Names of the two classes in the configuration, by label."""


class Run(NamedTuple):
    """A file of one model trained with one seed (for reference rows the seed is arbitrary)."""

    model: str
    label: str
    seed: int
    path: Path | str

    @classmethod
    def parse(cls, text: str) -> "Run":
        """`MODEL:SEED=FILE` of a command line; the label is the name."""
        return cls(*_parsed(text, "model"))


class TaskRun(NamedTuple):
    """A table of one task and of the model trained on it with one seed."""

    task: str
    label: str
    """Name of the task in tables and figures."""
    seed: int
    path: Path | str

    @classmethod
    def parse(cls, text: str) -> "TaskRun":
        """`TASK:SEED=FILE` of a command line; the label is the name."""
        return cls(*_parsed(text, "task"))


def _parsed(text: str, owner: str) -> tuple[str, str, int, Path]:
    found = re.fullmatch(r"(?P<name>[^:]+):(?P<seed>\d+)=(?P<path>.+)", text)
    if not found:
        raise InputError(f"a run must be {owner.upper()}:SEED=FILE, found '{text}'")
    return found["name"], found["name"], int(found["seed"]), Path(found["path"])


AnyRun = TypeVar("AnyRun", Run, TaskRun)


def labelled(runs: Sequence[AnyRun], labels: Mapping[str, str] | None) -> list[AnyRun]:
    """The runs with the labels of their models or tasks; unchanged if ``labels`` is empty.

    Raises InputError for a model or task that is not among the labels.
    """
    if labels is None:
        return list(runs)
    for run in runs:
        owner, name = run._fields[0], run[0]
        if name not in labels:
            raise InputError(f"run {name}:{run.seed}: no such {owner}; {nearest(name, list(labels))}")
    return [run._replace(label=labels[run[0]]) for run in runs]
