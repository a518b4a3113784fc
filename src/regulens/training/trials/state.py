"""The state of unfinished trials: a file for each finished trial and one for those that train now."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from regulens.codehash import code_hash
from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.hybrid_settings import HybridNetworkSettings
from regulens.models.tensor_file import read_tensors, write_tensors
from regulens.training.display import say
from regulens.training.trials.settings import HARDWARE_KEYS, TrialTraining

_CODE = {"training.trials.group"}
"""With all that it imports, the code that decides the result."""

_QUIET = 10
"""A state is written when this many times the duration of the last writing has passed: at most a tenth of the time."""


def signature(
    network: HybridNetworkSettings, training: TrialTraining, seed: int, arrays: tuple[np.ndarray, ...]
) -> str:
    """Hash of what decides the result of a trial: network, training, seed, data (``arrays``) and code.

    The number of trials, how many train at once and the kind of device are left out.
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    facts = {
        "network": network.model_dump(mode="json"),
        "training": training.model_dump(mode="json", exclude=HARDWARE_KEYS),
        "seed": seed,
        "data": digest.hexdigest(),
        "code": code_hash(_CODE),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class TrialStates:
    """The files of a state folder that belong to a training with this signature; others are left unread.

    ``running.pt`` holds a group of trials between two epochs, ``trial_<number>.pt`` what is left of a finished trial:
    its entry, log and weights.
    """

    def __init__(self, folder: Path, signature: str):
        self.folder, self.signature = folder, signature
        self._next_time = 0.0

    def finished(self, trials: int) -> dict[int, dict[str, Any]]:
        """Finished trials among the first ``trials``, by number: entry, rows (of the log) and weights."""
        found = ((trial, self._read(self._trial(trial))) for trial in range(trials))
        return {trial: content for trial, content in found if content is not None}

    def save_finished(self, trial: int, entry: dict, rows: list[dict], weights: dict[str, torch.Tensor]) -> None:
        """Keep a finished trial."""
        self._write(self._trial(trial), {"entry": entry, "rows": rows, "weights": weights})

    def running(self) -> dict[str, Any] | None:
        """State of the group that was training (`TrialGroup.state_dict`); None without one."""
        content = self._read(self._running)
        return content and content["group"]

    def save_running(self, group: dict[str, Any], at_once: bool = False) -> bool:
        """Write the state of a group, unless the last writing was a short while ago and ``at_once`` is not set.

        An interrupted run repeats the epochs since, with the same result. Returns whether it was written.
        """
        started = time.monotonic()
        if not at_once and started < self._next_time:
            return False
        self._write(self._running, {"group": group})
        ended = time.monotonic()
        self._next_time = ended + _QUIET * (ended - started)
        return True

    def remove(self) -> None:
        """Delete all state files, also those of other settings and of broken writings."""
        for pattern in ("running.pt", "trial_*.pt", ".*.part.running.pt", ".*.part.trial_*.pt"):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)

    @property
    def _running(self) -> Path:
        return self.folder / "running.pt"

    def _trial(self, trial: int) -> Path:
        return self.folder / f"trial_{trial}.pt"

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        with atomic_output(path) as temporary:
            write_tensors(temporary, {"signature": self.signature, **content})

    def _read(self, path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        try:
            content = read_tensors(path)
            found = content["signature"]
        except Exception as error:  # a damaged file fails in many ways: zip, pickle, missing keys
            raise InputError(
                f"{path}: the state of an interrupted training run cannot be read ({type(error).__name__}): "
                "delete it, and its trials train anew"
            ) from None
        if found != self.signature:
            say(f"{path} is from a run with other settings, data or code: it is not used")
            return None
        return content
