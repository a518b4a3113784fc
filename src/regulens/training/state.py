"""The state of an unfinished training run, ``last.ckpt``: written at every epoch's end, read by a rerun."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from regulens.codehash import code_hash
from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.models.tensor_file import read_tensors, write_tensors
from regulens.training.settings import HARDWARE_KEYS, TrainingSettings
from regulens.training.task import TrainingTask

_CODE = {"training.module", "training.dataset", "training.keeper"}
"""With all that they import, the code that decides the result; the task's own comes to it."""


@dataclass
class TrainingState:
    """Everything that the epochs still to come depend on. Random numbers do not: they follow from the epoch."""

    signature: str
    """What the run computes; see `run_signature`."""
    epoch: int = 0
    """Finished epochs."""
    finished: bool = False
    """No epoch is left: the last one is done, or patience ran out."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The log, one map an epoch."""
    best: dict[str, Any] = field(default_factory=dict)
    """row (of the log) and model (weights) of the best epoch so far; empty before the first."""
    model: dict[str, Any] = field(default_factory=dict)
    """Weights."""
    optimizer: dict[str, Any] = field(default_factory=dict)
    """State of the optimiser."""


def run_signature(task: TrainingTask, settings: TrainingSettings, seed: int) -> str:
    """Hash of what decides the result: model, its code, training settings, seed and data.

    A run resumes only from a state with the same signature. Number and kind of devices, the batch on each of them and
    loader workers are left out: a run that ended for lack of memory goes on with a smaller ``batch_per_device``.
    """
    facts = {
        "task": task.identity(),
        "training": settings.model_dump(mode="json", exclude=HARDWARE_KEYS),
        "seed": seed,
        "code": code_hash(_CODE | task.code_modules()),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state; the file is whole at any moment."""
    with atomic_output(path) as temporary:
        write_tensors(temporary, asdict(state))


def load_state(path: Path, signature: str) -> TrainingState | None:
    """The state in ``path``; None if there is none or it is from a run with another signature.

    Raises `InputError` when the file cannot be read.
    """
    if not path.exists():
        return None
    try:
        values = read_tensors(path)
        state = TrainingState(**values)
    except Exception as error:  # a damaged file fails in many ways: zip, pickle, missing keys
        raise InputError(
            f"{path}: the state of an interrupted training run cannot be read ({type(error).__name__}): "
            "delete it, and training starts anew"
        ) from None
    return state if state.signature == signature else None
