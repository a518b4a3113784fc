"""Training of several trials of one hybrid network in parallel, from the sequences to ``model.pt`` and test scores.

Lightning trains one network at a time; here each trial has its own learning rate, decay and early stopping, and its
result does not depend on which others train in parallel.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from regulens.core.code import code_hash
from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import bar, progress, say, say_above
from regulens.core.sequence import one_hot
from regulens.core.settings import validated
from regulens.core.tensors import load_weights, read_tensors, write_tensors
from regulens.data.simulate.motifs import MotifSequences, read_motif_sequences
from regulens.models.hybrid import HybridNetwork, TrialDropout
from regulens.models.settings import HybridNetworkSettings
from regulens.training.batches import derived_seed
from regulens.training.device import best_device
from regulens.training.lock import TrainingLock
from regulens.training.resume import Signals
from regulens.training.settings import TRIAL_HARDWARE_KEYS, TrialTraining

TRIAL_COLUMNS = ("trial", "seed", "status", "epochs", "best_epoch", "valid_auroc", "valid_aupr")
"""Facts about each trial.

``trial`` counts from 0; ``seed`` determines its random numbers; ``status`` is early_stopped, max_epochs or diverged;
``epochs`` were trained; weights and validation scores are those of ``best_epoch`` (from 1; 0: no epoch was finite).
"""

METRIC_COLUMNS = (
    "trial", "seed", "status", "epochs", "best_epoch", "parameters", "valid_auroc", "valid_aupr",
    "test_loss", "test_auroc", "test_aupr", "test_auroc_exact", "test_aupr_exact",
)  # fmt: skip
"""Columns of ``metrics.csv``.

``parameters`` is the number of trainable ones of one trial. The validation scores, test_auroc and test_aupr pool the
labels of all classes and use 200 thresholds, like the published numbers (`threshold_scores`); the exact ones are means
over classes (`exact_scores`).
"""

FORMAT = "regulens hybrid trials 1"

THRESHOLDS = 200
"""Thresholds of Keras's AUC: -1e-7, 1/199 ... 198/199, 1 + 1e-7."""

VALIDATION_BATCH = 500
"""Sequences per validation step of each trial."""

PLATEAU_DELTA = 1e-4
"""As in Keras's ReduceLROnPlateau: only a score better by more than this is an improvement."""

_KEYS = {"network": dict, "state": dict, "trials": list, "training": dict, "seed": int, "settings_hash": str}

_CODE = {"training.trials"}
"""Module that, with everything it imports, determines the result."""

_QUIET = 10
"""A state is written after this many times the duration of the previous writing, i.e. at most a tenth of the time."""

_STEPS_SHOWN = 10
"""Number of steps between updates of the progress bar."""

# Training of groups of trials, epoch by epoch.


@command("train-trials", threads=True)
def train_trials(
    data: Path | str,
    /,
    network: Part[HybridNetworkSettings],
    training: Part[TrialTraining],
    trials: Part[PositiveInt],
    seed: Part[int],
    output: Path | str,
    epochs_log: Path | str,
    state: Path | str,
) -> None:
    """Train several trials of a hybrid network; after an interruption, the same command resumes.

    The trials differ in their random numbers alone; ``output`` gets their best epochs. ``data``: sequences of `regulens
    simulate-motif-sequences`. ``epochs_log`` gets one row per epoch and trial: trial, seed, epoch (from 1),
    learning_rate, train_loss (measured while the weights change), valid_loss, valid_auroc, valid_aupr, seconds (the
    trial's share of the epoch, with validation). ``state`` holds the lock and the state from which the same call
    resumes after any interruption: finished trials and the last finished epoch of the others. Finished trials stay
    there: a trial depends on ``seed`` and its number, not on the number of trials or on those trained in parallel, so
    that a call for more trials trains only these.

    Raises `InputError` for data or settings that do not fit, and `SystemExit` with status 143 (130) after SIGTERM
    (SIGINT), without ``output``.
    """
    data_path, log, state_folder = data, Path(epochs_log), Path(state)
    lock = TrainingLock(state_folder, output)
    with Signals(0) as signals, lock:
        device = best_device(training.accelerator)
        data = read_motif_sequences(data_path, model=False)
        train, valid = (_on_device(data.of(split), device) for split in ("train", "valid"))
        _check(data_path, network, train, valid)
        mark = trials_signature(network, training, seed, (data.codes, data.labels, data.split))
        states = TrialStates(state_folder, mark)
        signals.deferred = True
        run = _Run(network, training, trials, seed, device, states, log)
        for group in run.groups():
            _train_group(run, group, train, valid, signals, lock)
        weights = [run.finished[trial]["weights"] for trial in range(trials)]
        save_trials(
            output,
            network,
            {name: torch.cat([part[name] for part in weights]) for name in weights[0]},
            [run.finished[trial]["entry"] for trial in range(trials)],
            training.model_dump(mode="json"),
            seed,
            mark,
        )
        run.write_log()
        say(f"{output}: {_summary([run.finished[trial]['entry'] for trial in range(trials)], training.monitor)}")
        states.tidy(run.finished)


@dataclass(frozen=True)
class LabelledCodes:
    """Sequences of a split on the device: codes uint8 (sequences, length), labels bool (sequences, classes)."""

    codes: Tensor
    labels: Tensor


@dataclass
class TrialSchedule:
    """Schedule of a trial, updated with the monitored score of every epoch; a state of plain values.

    The learning rate decays as with Keras's ``ReduceLROnPlateau`` (mode max, min_delta 1e-4, no cooldown), training
    stops as with its ``EarlyStopping`` (min_delta 0). The best epoch is kept however training ends, as in Keras 3;
    earlier versions restored it only after early stopping.
    """

    rate: float
    """Learning rate of the next epoch."""
    epochs: int = 0
    """Epochs done."""
    best_epoch: int = 0
    """Epoch (from 1) of the best score; 0 before the first finite one."""
    best: float = -math.inf
    """Best score."""
    status: str | None = None
    """None during training; then early_stopped, max_epochs or diverged."""
    plateau_best: float = -math.inf
    """Score that counts as the best for the decay."""
    plateau_wait: int = 0
    """Epochs since then, or since the last decay."""

    def update(self, score: float, finite: bool, settings: TrialTraining) -> bool:
        """Update with an epoch's score; returns whether it is the best so far.

        ``finite``: whether training loss and predictions are finite; otherwise the trial has diverged and stops.
        """
        self.epochs += 1
        if not finite or not math.isfinite(score):
            self.status = "diverged"
            return False
        improved = score > self.best
        if improved:
            self.best, self.best_epoch = score, self.epochs
        self._decay(score, settings)
        # Keras counts the epochs without a better score.
        if settings.stop_patience is not None and self.epochs - self.best_epoch >= settings.stop_patience:
            self.status = "early_stopped"
        elif self.epochs >= settings.epochs:
            self.status = "max_epochs"
        return improved

    def _decay(self, score: float, settings: TrialTraining) -> None:
        if score > self.plateau_best + PLATEAU_DELTA:
            self.plateau_best, self.plateau_wait = score, 0
            return
        self.plateau_wait += 1
        if self.plateau_wait >= settings.decay_patience and self.rate > settings.min_learning_rate:
            self.rate = max(self.rate * settings.decay, settings.min_learning_rate)
            self.plateau_wait = 0


class TrialAdam:
    """Adam with a learning rate for each trial.

    As in TensorFlow, step t is p -= rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon).
    (PyTorch adds epsilon to the bias-corrected root, which amounts to a smaller epsilon in the first steps.)

    The parameters become views into one buffer, so that a step takes a handful of operations whatever their number.
    Their storage must not be replaced afterwards.
    """

    def __init__(self, network: nn.Module, betas: tuple[float, float], epsilon: float):
        self.parameters = list(network.parameters())
        self.trials = len(self.parameters[0])
        self.betas, self.epsilon = betas, epsilon
        self.steps = 0
        """Steps done; the same in all trials."""
        self._sizes = [parameter.numel() for parameter in self.parameters]
        self._values = torch.cat([parameter.detach().reshape(-1) for parameter in self.parameters])
        for parameter, values in zip(self.parameters, self._values.split(self._sizes), strict=True):
            parameter.data = values.view_as(parameter)
        self._mean, self._square = torch.zeros_like(self._values), torch.zeros_like(self._values)
        self._work = torch.empty_like(self._values)
        self._rates: Tensor | None = None
        self._rate = 0.0

    def set_rates(self, rates: Sequence[float]) -> None:
        """Set the learning rate of each trial for the following steps."""
        self._rate, self._rates = rates[0], None
        if len(set(rates)) > 1:
            each = torch.tensor(rates, dtype=self._values.dtype, device=self._values.device)
            self._rates = torch.cat([each.repeat_interleave(size // self.trials) for size in self._sizes])

    @torch.no_grad()
    def step(self, loss: Tensor) -> None:
        """One step along the gradient of ``loss``, a scalar: the sum of the losses of all trials."""
        gradient = torch.cat([part.reshape(-1) for part in torch.autograd.grad(loss, self.parameters)])
        self.steps += 1
        first, second = self.betas
        correction = math.sqrt(1 - second**self.steps) / (1 - first**self.steps)
        self._mean.lerp_(gradient, 1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        root = torch.sqrt(self._square, out=self._work).add_(self.epsilon)
        if self._rates is None:
            self._values.addcdiv_(self._mean, root, value=-self._rate * correction)
        else:
            torch.div(self._mean, root, out=root)
            self._values.addcmul_(root, self._rates, value=-correction)

    def state_dict(self) -> dict[str, Any]:
        """Steps and averages, each average with the shapes of the parameters."""
        return {"steps": self.steps, "mean": self._parts(self._mean), "square": self._parts(self._square)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`, from which trials may have been selected along the first axis."""
        self.steps = state["steps"]
        for target, parts in ((self._mean, state["mean"]), (self._square, state["square"])):
            target.copy_(torch.cat([part.reshape(-1) for part in parts]))

    def _parts(self, values: Tensor) -> list[Tensor]:
        shapes = [parameter.shape for parameter in self.parameters]
        return [part.view(shape) for part, shape in zip(values.split(self._sizes), shapes, strict=True)]


class TrialGroup:
    """Some trials of a network between two epochs. The result of a trial does not depend on the others in the group.

    ``trials`` are their numbers (from 0) of the training with ``seed``.
    """

    def __init__(
        self,
        settings: HybridNetworkSettings,
        training: TrialTraining,
        trials: Sequence[int],
        seed: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        network = HybridNetwork(settings, len(trials))
        network.initialise([trial_seed(seed, trial) for trial in trials])
        self.settings, self.training, self.seed = settings, training, seed
        self.trials = list(trials)
        self.schedules = [TrialSchedule(training.learning_rate) for _ in trials]
        self.rows: dict[int, list[dict[str, Any]]] = {trial: [] for trial in trials}
        """The log of each trial by its number, one map per epoch."""
        self._take(network.to(device, dtype))
        self.best = self._weights()
        """Weights of the best epochs; for a trial without one, the latest weights."""

    def _take(self, network: HybridNetwork, optimiser: Mapping[str, Any] | None = None) -> None:
        self.network = network.train()
        self.optimiser = TrialAdam(network, self.training.betas, self.training.epsilon)
        if optimiser is not None:
            self.optimiser.load_state_dict(optimiser)
        seeds = [derived_seed("dropout", trial_seed(self.seed, trial)) for trial in self.trials]
        self.device = next(network.parameters()).device
        self._dropout = TrialDropout(seeds, self.device)

    @property
    def epoch(self) -> int:
        """Epochs done, the same in all trials."""
        return self.schedules[0].epochs

    def steps(self, data: LabelledCodes) -> int:
        """Steps in an epoch."""
        return -(-len(data.codes) // self.training.batch)

    def train_epoch(self, data: LabelledCodes, after_step: Callable[[], None] = lambda: None) -> list[float]:
        """One pass over the training data; returns the mean loss of each trial, measured while its weights change."""
        orders = [self._order(trial, len(data.codes)) for trial in self.trials]
        orders = torch.from_numpy(np.stack(orders)).to(self.device)
        dtype = next(self.network.parameters()).dtype
        labels = data.labels.to(dtype)
        self.optimiser.set_rates([schedule.rate for schedule in self.schedules])
        self._dropout.start(self.epoch)
        total = torch.zeros(len(self.trials), dtype=torch.float64, device=self.device)
        for chosen in orders.split(self.training.batch, dim=1):
            logits = self.network(one_hot(data.codes[chosen], dtype), self._dropout)
            losses = F.binary_cross_entropy_with_logits(logits, labels[chosen], reduction="none").mean(dim=(1, 2))
            self.optimiser.step(losses.sum())
            total += losses.detach() * chosen.shape[1]
            after_step()
        return (total / len(data.codes)).tolist()

    def _order(self, trial: int, sequences: int) -> np.ndarray:
        seed = derived_seed("order", trial_seed(self.seed, trial), self.epoch)
        return np.random.default_rng(seed).permutation(sequences)

    def finish_epoch(self, train_losses: Sequence[float], data: LabelledCodes, seconds: Callable[[], float]) -> None:
        """Score the validation data, keep the weights of trials that improved, and update rates and statuses.

        ``seconds`` returns the time since the epoch began, which is divided equally among the trials in the log.
        """
        logits = predict(self.network, data.codes, VALIDATION_BATCH)
        target = data.labels.to(logits.dtype).expand_as(logits)
        losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=(1, 2)).tolist()
        auroc, aupr = (scores.tolist() for scores in threshold_scores(logits.sigmoid(), data.labels))
        finite = logits.isfinite().all(dim=2).all(dim=1).tolist()
        share, keep = round(seconds() / len(self.trials), 3), []
        for place, (trial, schedule) in enumerate(zip(self.trials, self.schedules, strict=True)):
            self.rows[trial].append({
                "trial": trial, "seed": trial_seed(self.seed, trial), "epoch": schedule.epochs + 1,
                "learning_rate": schedule.rate, "train_loss": train_losses[place], "valid_loss": losses[place],
                "valid_auroc": auroc[place], "valid_aupr": aupr[place], "seconds": share,
            })  # fmt: skip
            score = {"auroc": auroc, "aupr": aupr}[self.training.monitor][place]
            sound = finite[place] and np.isfinite(train_losses[place])
            if schedule.update(score, bool(sound), self.training) or not schedule.best_epoch:
                keep.append(place)
        for name, value in self.network.state_dict().items():
            self.best[name][keep] = value[keep]

    def entry(self, trial: int) -> dict[str, Any]:
        """Facts about a trial, `TRIAL_COLUMNS`."""
        schedule = self.schedules[self.trials.index(trial)]
        row = self.rows[trial][max(schedule.best_epoch, 1) - 1]
        return {
            "trial": trial,
            "seed": trial_seed(self.seed, trial),
            "status": schedule.status,
            "epochs": schedule.epochs,
            "best_epoch": schedule.best_epoch,
            "valid_auroc": row["valid_auroc"],
            "valid_aupr": row["valid_aupr"],
        }

    def best_of(self, trial: int) -> dict[str, Tensor]:
        """Weights of the best epoch of a trial, with a trial axis of one, on the CPU."""
        place = self.trials.index(trial)
        return {name: value[place : place + 1].cpu().clone() for name, value in self.best.items()}

    def select(self, places: Sequence[int]) -> None:
        """Continue only with the trials at these positions of the group."""
        chosen = torch.as_tensor(places, device=self.device)
        optimiser = self.optimiser.state_dict()
        for key in ("mean", "square"):
            optimiser[key] = [part[chosen] for part in optimiser[key]]
        self.trials = [self.trials[place] for place in places]
        self.schedules = [self.schedules[place] for place in places]
        self.rows = {trial: self.rows[trial] for trial in self.trials}
        self.best = {name: value[chosen] for name, value in self.best.items()}
        self._take(self.network.select(places), optimiser)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later epochs depend on; tensors on the device, not copied."""
        return {
            "trials": self.trials,
            "schedules": [asdict(schedule) for schedule in self.schedules],
            "rows": self.rows,
            "best": self.best,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from the `state_dict` of a group of the same trials, with tensors on any device."""
        self.schedules = [TrialSchedule(**values) for values in state["schedules"]]
        self.rows = dict(state["rows"])
        self.best = {name: value.to(self.device) for name, value in state["best"].items()}
        self.network.load_state_dict(state["network"])
        self._take(self.network, state["optimiser"])

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}


def trial_seed(seed: int, trial: int) -> int:
    """Seed of a trial, which determines its weights, dropout and order of sequences; below 2 ** 31."""
    return derived_seed("weights", seed, trial) % 2**31


def predict(network: HybridNetwork, codes: Tensor, batch: int) -> Tensor:
    """Logits (trials, sequences, classes) of codes (sequences, length), ``batch`` at a time; in evaluation mode."""
    dtype, training = next(network.parameters()).dtype, network.training
    network.eval()
    with torch.no_grad():
        parts = [network(one_hot(part, dtype).unsqueeze(0)) for part in codes.split(batch)]
    network.train(training)
    return torch.cat(parts, dim=1)


def _on_device(part: MotifSequences, device: torch.device) -> LabelledCodes:
    return LabelledCodes(torch.from_numpy(part.codes).to(device), torch.from_numpy(part.labels != 0).to(device))


def _check(data_path: Path | str, network: HybridNetworkSettings, train: LabelledCodes, valid: LabelledCodes) -> None:
    """Raise `InputError` if data and network do not fit, or a validation score would be undefined."""
    for name, part in (("training", train), ("validation", valid)):
        if not len(part.codes):
            raise InputError(f"{data_path} has no {name} sequences: give that split a share of the simulated sequences")
    length, classes = train.codes.shape[1], train.labels.shape[1]
    if (length, classes) != (network.input_bp, network.classes):
        raise InputError(
            f"{data_path} has sequences of {length} bp and {classes} classes, the network takes {network.input_bp} bp "
            f"and gives {network.classes} classes: correct input_bp and classes, or make the data again"
        )
    if not 0 < valid.labels.sum() < valid.labels.numel():
        raise InputError(
            f"{data_path}: all labels of the {len(valid.codes)} validation sequences are the same, so that no score is "
            "defined: make more sequences or a larger validation split"
        )


# State of a training: one file per finished trial and one for the trials in training.


class TrialStates:
    """The files of a state folder that belong to a training with this signature; others are ignored.

    ``running.pt`` holds a group of trials between two epochs, ``trial_<number>.pt`` the entry, log and weights of a
    finished trial.
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
        """Write the state of a group, unless it was written recently and ``at_once`` is not set.

        An interrupted run repeats the epochs since then, with the same result. Returns whether it was written.
        """
        started = time.monotonic()
        if not at_once and started < self._next_time:
            return False
        self._write(self._running, {"group": group})
        ended = time.monotonic()
        self._next_time = ended + _QUIET * (ended - started)
        return True

    def tidy(self, finished: Collection[int]) -> None:
        """Delete all but finished trials of this training: these, and others that a call for more has left."""
        kept = {self._trial(trial) for trial in finished}
        for pattern in ("running.pt", "trial_*.pt", ".*.part.running.pt", ".*.part.trial_*.pt"):
            for path in set(self.folder.glob(pattern)) - kept:
                if not (path.name.startswith("trial_") and self._fits(path)):
                    path.unlink(missing_ok=True)

    def _fits(self, path: Path) -> bool:
        try:
            return self._read(path) is not None
        except InputError:  # damaged, and asked for by nobody
            return False

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
                "delete it, and its trials are trained from the beginning"
            ) from None
        if found != self.signature:
            say(f"{path} is from a run with other settings, data or code: it is not used")
            return None
        return content


def trials_signature(
    network: HybridNetworkSettings, training: TrialTraining, seed: int, arrays: tuple[np.ndarray, ...]
) -> str:
    """Hash of everything that determines the result of a trial: network, training, seed, data (``arrays``) and code.

    The number of trials, how many train in parallel and the kind of device are excluded.
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    facts = {
        "network": network.model_dump(mode="json"),
        "training": training.model_dump(mode="json", exclude=TRIAL_HARDWARE_KEYS),
        "seed": seed,
        "data": digest.hexdigest(),
        "code": code_hash(_CODE),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class _Run:
    """Finished and remaining trials of a training."""

    def __init__(self, network, training, trials, seed, device, states: TrialStates, log: Path):
        self.network, self.training, self.trials, self.seed = network, training, trials, seed
        self.device, self.states, self.log = device, states, log
        self.finished = states.finished(trials)
        self.group: TrialGroup | None = None

    def groups(self) -> Iterator[TrialGroup]:
        """The groups to train: first the interrupted one, unchanged, then those of the remaining trials."""
        state = self.states.running()
        places = [p for p, trial in enumerate(state["trials"]) if trial in self._waiting()] if state else []
        if places:
            self.group = self._group(state["trials"])
            self.group.load_state_dict(state)
            self.group.select(places)
            say(f"{_names(self.group.trials)}: resuming after {self.group.epoch} finished epochs")
            yield self.group
        at_once = self.training.trials_at_once or (1 if self.device.type == "cpu" else self.trials)
        while waiting := self._waiting():
            self.group = self._group(waiting[:at_once])
            yield self.group

    def _waiting(self) -> list[int]:
        return [trial for trial in range(self.trials) if trial not in self.finished]

    def _group(self, trials: list[int]) -> TrialGroup:
        return TrialGroup(self.network, self.training, trials, self.seed, self.device)

    def keep_finished(self) -> None:
        """Remove the trials that stopped from the group, and write the state."""
        group = self.group
        running = [place for place, schedule in enumerate(group.schedules) if schedule.status is None]
        stopped = [trial for trial, schedule in zip(group.trials, group.schedules, strict=True) if schedule.status]
        for trial in stopped:
            entry, rows, weights = group.entry(trial), group.rows[trial], group.best_of(trial)
            self.states.save_finished(trial, entry, rows, weights)
            self.finished[trial] = {"entry": entry, "rows": rows, "weights": weights}
            say(f"trial {trial}: {entry['status']} after {entry['epochs']} epochs, {_best(entry, self.training)}")
        if running and stopped:
            group.select(running)
        if running and self.states.save_running(group.state_dict(), at_once=bool(stopped)):
            self.write_log()

    def write_log(self) -> None:
        """Write the log anew, so that after any interruption it has each epoch once."""
        rows = {trial: content["rows"] for trial, content in self.finished.items()}
        rows = (self.group.rows if self.group else {}) | rows
        table = pd.DataFrame([row for trial in sorted(rows) for row in rows[trial]])
        with atomic_output(self.log) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")


def _train_group(
    run: _Run, group: TrialGroup, train: LabelledCodes, valid: LabelledCodes, signals: Signals, lock: TrainingLock
) -> None:
    shown, steps, done = bar(), group.steps(train), 0

    def after_step() -> None:
        nonlocal done
        done += 1
        if not shown.disable and done % _STEPS_SHOWN == 0:
            shown.advance(task, _STEPS_SHOWN)
        if signals.status:
            say(f"stopped by a signal: {run.states.folder} keeps the finished trials and epochs")
            raise SystemExit(signals.status)

    with shown, _memory_advice(run.training, len(group.trials)):
        task = shown.add_task("", total=steps)
        while any(schedule.status is None for schedule in group.schedules):
            started = time.perf_counter()
            title = f"{_names(group.trials)}, epoch {group.epoch + 1}/{run.training.epochs}"
            shown.reset(task, description=title, total=steps)
            losses = group.train_epoch(train, after_step)
            group.finish_epoch(losses, valid, lambda started=started: time.perf_counter() - started)
            lock.check()
            _tell(group, run.training, time.perf_counter() - started, shown)
            run.keep_finished()


def _tell(group: TrialGroup, training: TrialTraining, seconds: float, shown: Any) -> None:
    rows = [group.rows[trial][-1] for trial in group.trials]
    loss, auroc, aupr = (
        float(np.mean([row[key] for row in rows])) for key in ("train_loss", "valid_auroc", "valid_aupr")
    )
    rates = sorted({row["learning_rate"] for row in rows}, reverse=True)
    line = (
        f"{_names(group.trials)}  epoch {group.epoch}/{training.epochs}  lr {rates[0]:.1e}"
        f"{f' to {rates[-1]:.1e}' if len(rates) > 1 else ''}  train loss {loss:.5f}  valid auroc {auroc:.5f}  "
        f"aupr {aupr:.5f}  {seconds:.1f} s"
    )
    say_above(shown, line)


def _names(trials: list[int]) -> str:
    """Short text for ascending trial numbers: trial 3, trials 0-9, or trials 0,2,5."""
    if len(trials) == 1:
        return f"trial {trials[0]}"
    if trials[-1] - trials[0] == len(trials) - 1:
        return f"trials {trials[0]}-{trials[-1]}"
    return f"trials {','.join(map(str, trials))}"


def _best(entry: dict[str, Any], training: TrialTraining) -> str:
    if not entry["best_epoch"]:
        return "no epoch with finite predictions"
    return f"best epoch {entry['best_epoch']} with valid {training.monitor} {entry[f'valid_{training.monitor}']:.5f}"


def _summary(entries: list[dict[str, Any]], monitor: str) -> str:
    scores = [entry[f"valid_{monitor}"] for entry in entries if entry["best_epoch"]]
    span = f", valid {monitor} {min(scores):.5f} to {max(scores):.5f}" if scores else ""
    counts = pd.Series([entry["status"] for entry in entries]).value_counts()
    return f"{len(entries)} trials ({', '.join(f'{n} {status}' for status, n in counts.items())}){span}"


@contextmanager
def _memory_advice(training: TrialTraining, trials: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"out of GPU memory with {trials} trials at once: lower training.trials_at_once (now "
            f"{training.trials_at_once}); results stay the same ({str(error).splitlines()[0]})"
        ) from None


# Files of trained trials: ``model.pt``.


@dataclass(frozen=True)
class LoadedTrials:
    """The trials of a ``model.pt``."""

    network: HybridNetwork
    """All trials, in evaluation mode."""
    settings: HybridNetworkSettings
    trials: pd.DataFrame
    """One row per trial, in the order of the network's trial axis: `TRIAL_COLUMNS`."""
    training: dict[str, Any]
    """Settings of the training."""
    seed: int
    settings_hash: str
    """Hash of everything that determines the result: network, training, data, code and seed."""

    def only(self, positions: Sequence[int]) -> HybridNetwork:
        """The trials at these positions of the trial axis, in evaluation mode; fewer trials need less memory."""
        return self.network.select(positions)


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

    ``trials`` has one map of `TRIAL_COLUMNS` per trial; everything but the tensors must be plain values.
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


@command("adopt-trials")
def adopt_trials(checkpoint: Path | str, /, network: Part[HybridNetworkSettings], output: Path | str) -> None:
    """Use trained trials instead of training, after checking that their network is the configured one.

    Raises `InputError` that says what differs. How and on which data the trials were trained is not checked.
    """
    content = read_trials(checkpoint)
    _loaded(content, checkpoint)
    wanted = network.model_dump(mode="json")
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


# Scores of classifiers: Keras's approximation with thresholds, and exact ones.


@command("evaluate-trials", threads=True)
def evaluate_trials(
    model: Path | str,
    /,
    data: Path | str,
    output: Path | str,
    batch: Part[PositiveInt] = 500,
    accelerator: str = "auto",
) -> pd.DataFrame:
    """Test scores of every trial, written and returned with one row per trial, `METRIC_COLUMNS`.

    ``batch`` sequences at a time. A trial with non-finite predictions has empty scores. Raises `InputError` if a file
    cannot be read or the data do not fit the model.
    """
    model_path, data_path = model, data
    loaded, data = load_trials(model_path), read_motif_sequences(data_path, split="test", model=False)
    found, wanted = (data.codes.shape[1], data.labels.shape[1]), (loaded.settings.input_bp, loaded.settings.classes)
    if found != wanted or not len(data.codes):
        raise InputError(
            f"{data_path} has {len(data.codes)} test sequences of {found[0]} bp with {found[1]} classes, {model_path} "
            f"was made for {wanted[0]} bp and {wanted[1]} classes: use the data that it was trained on"
        )
    device = best_device(accelerator)
    codes, labels = torch.from_numpy(data.codes).to(device), torch.from_numpy(data.labels != 0).to(device)
    rows = []
    for place, known in enumerate(progress(loaded.trials.to_dict("records"), f"testing {Path(model_path).parent}")):
        logits = predict(loaded.only([place]).to(device), codes, batch)
        rows.append(known | {"parameters": loaded.network.parameter_count()} | _scores(logits, labels))
    table = pd.DataFrame(rows)[list(METRIC_COLUMNS)]
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def _scores(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Test scores from logits (1, sequences, classes) and bool labels (sequences, classes)."""
    loss = float(F.binary_cross_entropy_with_logits(logits[0], labels.to(logits.dtype)))
    auroc, aupr = (float(score) for score in threshold_scores(logits.sigmoid(), labels))
    # Logits rank like probabilities, but without ties among those that round to 1.
    exact = exact_scores(logits[0].double().cpu().numpy(), labels.cpu().numpy())
    loss = loss if np.isfinite(loss) else np.nan
    return {
        "test_loss": loss,
        "test_auroc": auroc,
        "test_aupr": aupr,
        "test_auroc_exact": exact[0],
        "test_aupr_exact": exact[1],
    }


def threshold_scores(probability: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """AUROC and AUPR of each trial as ``tf.keras.metrics.AUC`` gives them by default, each float64 (trials,).

    ``probability`` is (trials, sequences, classes), ``label`` bool (sequences, classes). All labels are pooled (micro
    average). A prediction is positive if it is above a threshold of `THRESHOLDS`; the ROC curve is integrated by
    trapezoids, the precision-recall curve by Davis and Goadrich's interpolation (both are Keras's ``interpolation``).
    The published tables and networks use these scores (docs/papers.md, "Trial training"). nan if a probability is nan.

    Without positive or without negative labels the scores are undefined: nan, where Keras returns 0.
    """
    trials, finite = len(probability), probability.isfinite().all(dim=(1, 2))
    steps = THRESHOLDS - 1
    # Bin b holds the predictions above threshold b and not above b + 1.
    bins = (probability.float().nan_to_num() * steps).ceil_().sub_(1).clamp_(0, steps - 1).long()
    bins += THRESHOLDS * torch.arange(2 * trials, device=bins.device)[::2].view(-1, 1, 1)
    bins += THRESHOLDS * label.long()
    counts = torch.bincount(bins.flatten(), minlength=2 * trials * THRESHOLDS).view(trials, 2, THRESHOLDS).double()
    above = counts.flip(-1).cumsum(-1).flip(-1)
    false, true = above.unbind(1)
    positives, negatives = true[:, :1], false[:, :1]
    defined = finite & (positives > 0).squeeze(1) & (negatives > 0).squeeze(1)
    recall, fallout = true / positives, false / negatives
    auroc = ((fallout[:, :-1] - fallout[:, 1:]) * (recall[:, :-1] + recall[:, 1:]) / 2).sum(1)
    aupr = _interpolated_aupr(true, true + false) / positives.squeeze(1)
    return auroc.where(defined, torch.nan), aupr.where(defined, torch.nan)


def _interpolated_aupr(true: Tensor, predicted: Tensor) -> Tensor:
    """Area under the precision-recall curve times the number of positives, (trials,).

    ``true`` and ``predicted`` positives are (trials, thresholds). Between two thresholds true positives are linear in
    predicted positives, so that precision is not (Davis and Goadrich 2006).
    """
    change, width = true[:, :-1] - true[:, 1:], predicted[:, :-1] - predicted[:, 1:]
    slope = torch.where(width > 0, change / width, 0)
    intercept = true[:, 1:] - slope * predicted[:, 1:]
    both = (predicted[:, :-1] > 0) & (predicted[:, 1:] > 0)
    ratio = torch.where(both, predicted[:, :-1] / predicted[:, 1:], 1)
    return (slope * (change + intercept * ratio.log())).sum(1)


def exact_scores(probability: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Mean over the classes of the exact AUROC and of the average precision.

    ``probability`` and ``label`` are (sequences, classes). A class with only one kind of label has neither and is left
    out; nan if no class is left or a prediction is not finite.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    mixed = np.flatnonzero((label == 1).any(0) & (label == 0).any(0))
    if not len(mixed) or not np.isfinite(probability).all():
        return np.nan, np.nan
    scores = (roc_auc_score, average_precision_score)
    return tuple(float(np.mean([score(label[:, c], probability[:, c]) for c in mixed])) for score in scores)
