"""Trained trials as a file: ``model.pt``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.hybrid_settings import HybridNetworkSettings
from regulens.models.hybrid import HybridNetwork
from regulens.models.tensor_file import read_tensors, write_tensors
from regulens.training.display import say
from regulens.training.weights import load_weights
from regulens.validation import validated

FORMAT = "regulens hybrid trials 1"
TRIAL_COLUMNS = ("trial", "seed", "status", "epochs", "best_epoch", "valid_auroc", "valid_aupr")
"""What is known of each trial.

trial counts from 0; seed is what its random numbers follow from; status is early_stopped, max_epochs or diverged;
epochs were trained, and the weights and the validation scores are those of best_epoch (from 1; 0: no epoch was finite).
"""

_KEYS = {"network": dict, "state": dict, "trials": list, "training": dict, "seed": int, "settings_hash": str}


@dataclass(frozen=True)
class LoadedTrials:
    """The trials of a ``model.pt``."""

    network: HybridNetwork
    """All trials, in evaluation mode."""
    settings: HybridNetworkSettings
    trials: pd.DataFrame
    """A row a trial, in the order of the network's trial axis: `TRIAL_COLUMNS`."""
    training: dict[str, Any]
    """Settings of the training."""
    seed: int
    settings_hash: str
    """Hash of what decides the result: network, training, data, code and seed."""

    def only(self, positions: Sequence[int]) -> HybridNetwork:
        """The trials at these positions of the trial axis, in evaluation mode: fewer of them need less memory."""
        return self.network.select(positions)


def save_trials(
    output: Path | str,
    settings: HybridNetworkSettings,
    state: Mapping[str, torch.Tensor],
    trials: Sequence[Mapping[str, Any]],
    training: Mapping[str, Any],
    seed: int,
    settings_hash: str,
    **facts: Any,
) -> None:
    """Write ``model.pt``: ``state`` maps parameters and buffers to tensors with a leading trial axis.

    ``trials`` has one map of `TRIAL_COLUMNS` a trial; all but the tensors must be plain values.
    """
    content = {
        "format": FORMAT,
        "network": settings.model_dump(mode="json"),
        "state": {name: tensor.detach().cpu().clone() for name, tensor in state.items()},
        "trials": [{column: trial[column] for column in TRIAL_COLUMNS} for trial in trials],
        "training": dict(training),
        "seed": seed,
        "settings_hash": settings_hash,
        **facts,
    }
    with atomic_output(output) as temporary:
        write_tensors(temporary, content)


def load_trials(path: Path | str, device: str | torch.device = "cpu") -> LoadedTrials:
    """The trials of a ``model.pt`` on ``device``, in evaluation mode; `InputError` for anything else."""
    return _loaded(read_trials(path), path, device)


def _loaded(content: dict[str, Any], path: Path | str, device: str | torch.device = "cpu") -> LoadedTrials:
    settings = validated(HybridNetworkSettings, content["network"], f"{path}: network")
    network = HybridNetwork(settings, len(content["trials"]))
    load_weights(network, content["state"], path, "the network that it describes")
    trials = pd.DataFrame(content["trials"], columns=list(TRIAL_COLUMNS))
    rest = {key: content[key] for key in ("training", "seed", "settings_hash")}
    return LoadedTrials(network.to(device).eval(), settings, trials, **rest)


def read_trials(path: Path | str) -> dict[str, Any]:
    """The content of a ``model.pt``, tensors on the CPU; `InputError` for anything else."""
    try:
        content = read_tensors(path)
    except FileNotFoundError:
        raise InputError(f"{path}: the file of trained trials does not exist") from None
    except Exception as error:  # a foreign or damaged file fails in many ways
        raise InputError(
            f"{path}: not a readable model.pt ({type(error).__name__}): make it again with `regulens train-trials`"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise InputError(f"{path}: not a model.pt of hybrid networks (format {found!r}, expected {FORMAT!r})")
    wrong = [key for key, kind in _KEYS.items() if not isinstance(content.get(key), kind)]
    rows = [] if wrong else content["trials"]
    if not rows or not all(isinstance(trial, dict) and set(TRIAL_COLUMNS) <= set(trial) for trial in rows):
        what = ", ".join(wrong) or "trials"
        raise InputError(f"{path}: missing or wrong in this model.pt: {what}; make it again")
    return content


def adopt_trials(checkpoint: Path | str, settings: HybridNetworkSettings, output: Path | str) -> None:
    """Take a ``model.pt`` instead of training, after checking that its network is the configured one.

    Raises `InputError` that says what differs. How the trials were trained, and on which data, is not checked.
    """
    content = read_trials(checkpoint)
    _loaded(content, checkpoint)
    wanted = settings.model_dump(mode="json")
    lines = _differences(content["network"], wanted)
    if lines:
        raise InputError(f"{checkpoint} does not fit the configured network:\n  " + "\n  ".join(lines))
    say(f"{checkpoint}: {len(content['trials'])} trials; that they were trained on the configured data is not checked")
    with atomic_output(output) as temporary:
        write_tensors(temporary, content | {"adopted_from": str(checkpoint)})


def _differences(found: Any, wanted: Any, path: str = "") -> list[str]:
    """One line for each value of two nested maps that differs."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return [] if found == wanted else [f"{path}: {found!r}, configured {wanted!r}"]
    return [
        line
        for key in sorted(found.keys() | wanted.keys())
        for line in _differences(found.get(key), wanted.get(key), f"{path}.{key}".lstrip("."))
    ]
