"""Training of several trials of one hybrid network, from the sequences to ``model.pt``."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from regulens.data.motif_sequences import MotifSequences, read_motif_sequences
from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.hybrid_settings import HybridNetworkSettings
from regulens.training.device import best_device
from regulens.training.display import bar, say
from regulens.training.lock import TrainingLock
from regulens.training.stop import Signals
from regulens.training.trials.files import save_trials
from regulens.training.trials.group import LabelledCodes, TrialGroup
from regulens.training.trials.settings import TrialTraining
from regulens.training.trials.state import TrialStates, signature

_STEPS_SHOWN = 10
"""The progress bar moves every so many steps."""


def train_trials(
    data_path: Path | str,
    network: HybridNetworkSettings,
    training: TrialTraining,
    trials: int,
    seed: int,
    output: Path | str,
    log: Path | str,
    state_folder: Path | str,
) -> None:
    """Train ``trials`` networks that differ in their random numbers alone and write their best epochs to ``output``.

    ``log`` gets a row an epoch and trial: trial, seed, epoch (from 1), learning_rate, train_loss (measured while the
    weights change), valid_loss, valid_auroc, valid_aupr, seconds (the trial's share of the epoch, with validation).
    ``state_folder`` holds the lock and what the same call goes on from after any interruption: finished trials and the
    last finished epoch of the others. It is emptied when ``output`` is written.

    A trial depends on ``seed`` and its number, not on the number of trials or on those that train beside it.

    Raises `InputError` for data or settings that do not fit, and `SystemExit` with status 143 (130) after SIGTERM
    (SIGINT), without ``output``.
    """
    log, state_folder = Path(log), Path(state_folder)
    lock = TrainingLock(state_folder, output)
    with Signals(0) as signals, lock:
        device = best_device(training.accelerator)
        data = read_motif_sequences(data_path, model=False)
        train, valid = (_on_device(data.of(split), device) for split in ("train", "valid"))
        _check(data_path, network, train, valid)
        mark = signature(network, training, seed, (data.codes, data.labels, data.split))
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
        states.remove()
    if not any(state_folder.iterdir()):
        state_folder.rmdir()


class _Run:
    """What is done and what is left of a training."""

    def __init__(self, network, training, trials, seed, device, states: TrialStates, log: Path):
        self.network, self.training, self.trials, self.seed = network, training, trials, seed
        self.device, self.states, self.log = device, states, log
        self.finished = states.finished(trials)
        self.group: TrialGroup | None = None

    def groups(self) -> Iterator[TrialGroup]:
        """The groups to train: first the one that was interrupted, as it was, then those of the remaining trials."""
        state = self.states.running()
        places = [p for p, trial in enumerate(state["trials"]) if trial in self._waiting()] if state else []
        if places:
            self.group = self._group(state["trials"])
            self.group.load_state_dict(state)
            self.group.select(places)
            say(f"{_names(self.group.trials)}: going on after {self.group.epoch} finished epochs")
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
        """Take the trials that stopped out of the group, and write the state."""
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
    loss, auroc, aupr = (_mean(row[key] for row in rows) for key in ("train_loss", "valid_auroc", "valid_aupr"))
    rates = sorted({row["learning_rate"] for row in rows}, reverse=True)
    line = (
        f"{_names(group.trials)}  epoch {group.epoch}/{training.epochs}  lr {rates[0]:.1e}"
        f"{f' to {rates[-1]:.1e}' if len(rates) > 1 else ''}  train loss {loss:.5f}  valid auroc {auroc:.5f}  "
        f"aupr {aupr:.5f}  {seconds:.1f} s"
    )
    if shown.disable:
        say(line)
    else:
        shown.console.print(line, highlight=False, soft_wrap=True)


def _mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))


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


def _on_device(part: MotifSequences, device: torch.device) -> LabelledCodes:
    return LabelledCodes(torch.from_numpy(part.codes).to(device), torch.from_numpy(part.labels != 0).to(device))


def _check(data_path: Path | str, network: HybridNetworkSettings, train: LabelledCodes, valid: LabelledCodes) -> None:
    """Raise `InputError` when data and network do not fit, or a validation score would be undefined."""
    for name, part in (("training", train), ("validation", valid)):
        if not len(part.codes):
            raise InputError(f"{data_path} has no {name} sequences: give that split a share when the data are made")
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


@contextmanager
def _memory_advice(training: TrialTraining, trials: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"out of GPU memory with {trials} trials at once: lower training.trials_at_once (now "
            f"{training.trials_at_once}); results stay the same ({str(error).splitlines()[0]})"
        ) from None
