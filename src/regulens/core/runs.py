"""Files that belong to one trained model, with the names that tables and figures give it."""

from pathlib import Path
from typing import NamedTuple

CLASSES = {1: "positive", 0: "negative"}
"""Names of the two classes in the configuration, by label."""


class Run(NamedTuple):
    """A file that belongs to one model trained with one seed (reference rows: any one number)."""

    model: str
    label: str
    seed: int
    path: Path | str


class TaskRun(NamedTuple):
    """A table that belongs to one task and to the model trained on it with one seed."""

    task: str
    label: str
    """The task for people."""
    seed: int
    path: Path | str
