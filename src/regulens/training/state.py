"""The state of an unfinished training run, ``last.ckpt``: written at every epoch's end, read by a rerun."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from regulens.codehash import code_hash
from regulens.data.store import AssayStore
from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.models.base import AssayModel
from regulens.training.settings import HARDWARE_KEYS, TrainingSettings
from regulens.training.statistics import evenly_spaced

_CODE = {"training.module", "training.dataset", "training.keeper", "training.statistics"}
"""With all that they import, the code that decides the result; a model's own module comes to it."""


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
    """epoch, pearson, loss and model (weights) of the best epoch so far; empty before the first."""
    model: dict[str, Any] = field(default_factory=dict)
    """Weights."""
    optimizer: dict[str, Any] = field(default_factory=dict)
    """State of the optimiser."""


def run_signature(
    architecture: str, model: AssayModel, settings: TrainingSettings, seed: int, stores: list[AssayStore]
) -> str:
    """Hash of what decides the result: model, its code, training settings, seed and data.

    A run resumes only from a state with the same signature. Number and kind of devices, the batch on each of them and
    loader workers are left out: a run that ended for lack of memory goes on with a smaller ``batch_per_device``.
    """
    facts = {
        "architecture": architecture,
        "model": model.settings.model_dump(mode="json"),
        "training": settings.model_dump(mode="json", exclude=HARDWARE_KEYS),
        "seed": seed,
        "data": [data_identity(store) for store in stores],
        "code": code_hash(_CODE | _own_module(model)),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def data_identity(store: AssayStore) -> str:
    """Hash of a store's contents, wherever it lies: geometry, tracks, number of examples, and 16 examples in full."""
    digest = hashlib.sha256(f"{len(store)} {store.geometry.model_dump_json()}".encode())
    digest.update(store.tracks.drop(columns=["file", "group"]).to_csv(sep="\t", index=False).encode())
    for index in evenly_spaced(len(store), 16):
        digest.update(store.location(index).encode())
        digest.update(store.sequence(index).tobytes())
        digest.update(store.target(index).tobytes())
    return digest.hexdigest()


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state; the file is whole at any moment."""
    with atomic_output(path) as temporary:
        torch.save(asdict(state), temporary)


def load_state(path: Path, signature: str) -> TrainingState | None:
    """The state in ``path``; None if there is none or it is from a run with another signature.

    Raises `InputError` when the file cannot be read.
    """
    if not path.exists():
        return None
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        state = TrainingState(**values)
    except Exception as error:  # a damaged file fails in many ways: zip, pickle, missing keys
        raise InputError(
            f"{path}: the state of an interrupted training run cannot be read ({type(error).__name__}): "
            "delete it, and training starts anew"
        ) from None
    return state if state.signature == signature else None


def _own_module(model: AssayModel) -> set[str]:
    """The module that defines a model, when it is one of regulens."""
    name = type(model).__module__
    return {name.removeprefix("regulens.")} if name.startswith("regulens.") else set()
