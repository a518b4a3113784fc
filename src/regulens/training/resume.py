"""Training tasks, model files, and the support for interrupted runs that Lightning lacks.

Lightning trains (`loop`), but falls short when a run is interrupted:

* It restores neither the random state nor the position of the sampler. Here a run resumes at the end of an epoch
  (`TrainingState`), and everything random is determined by seed, epoch and rank (`batches`), so that the metrics are
  those of an uninterrupted run.
* It resumes from any checkpoint; here only from one with the same settings, data, code and seed (`run_signature`).
* It ends with exit code 0 on SIGTERM, and its signal handler broadcasts. `Signals` ends the command with 143, between
  two batches and in all processes together, so that a workflow sees that it is unfinished and starts it again.
* It takes its rank from the variables of any launcher (srun starts one process, which would then train on a part of the
  data), and its further processes outlive a killed parent: see `process_rank` and `launching`.

A `TrainingTask` defines one kind of training (assay tracks, classes, masked k-mers). The ``model.ckpt`` of an assay
model holds what is needed to build it again; `adopt_checkpoint` makes one from external weights.
"""

import hashlib
import json
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

import regulens
from regulens.core.code import code_hash
from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import say
from regulens.core.tensors import load_weights, read_map, read_tensors, tensors_of, write_tensors
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore
from regulens.data.tracks import tracks_from_text, tracks_to_text
from regulens.models.base import AssayModel, build
from regulens.training.settings import HARDWARE_KEYS, TrainingSettings

_KIND = "regulens assay model"

_KEYS = {
    "kind": str,
    "state_dict": dict,
    "architecture": str,
    "model_settings": dict,
    "geometry": dict,
    "tracks": str,
    "groups": list,
}

_CODE = {"training.loop", "training.batches"}
"""Modules that, with everything they import, determine the result, besides those of the task."""

STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}
"""Exit status after each signal that stops training."""

_PARENT = "REGULENS_TRAINING_PARENT"

_PLACE = ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class TrainingTask(ABC, nn.Module):
    """A model with its data, loss and validation scores.

    Both data sets return a batch from ``__getitems__(indices)``: a NamedTuple of tensors with ``index`` (int64, the
    given indices; `batches.BLANK` fills a batch and reads no example) and ``weight`` (float32, 0 for blank ones).
    Everything random in an epoch is determined by the arguments of `start_epoch`, so that a resumed run repeats it.
    """

    scores: ClassVar[tuple[str, ...]]
    """Names of the validation scores, e.g. ("pearson",): columns ``valid_<name>`` of the log, values of ``select``.
    Higher is better."""

    def __init__(self, model: nn.Module, train: Dataset, valid: Dataset):
        super().__init__()
        self.model, self.train_data, self.valid_data = model, train, valid

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Plain facts that determine the result besides training settings and seed: architecture, sizes, data."""

    @abstractmethod
    def code_modules(self) -> set[str]:
        """Modules of regulens (``models.swin1d``) whose code, with all that they import, determines the result."""

    def initialise(self) -> None:
        """Initialise weights that depend on the data; called once, at the start of a new run, in process 0."""

    def start_epoch(self, seed: int, epoch: int) -> None:
        """Called before epoch ``epoch`` (from 0) in every process: draw random numbers for the whole training set."""

    @abstractmethod
    def training_losses(self, batch: Any) -> Tensor:
        """Loss of each example of a training batch, float32 (batch,); those of blank examples are ignored."""

    @abstractmethod
    def validation_losses(self, batch: Any) -> Tensor:
        """Loss of each example of a validation batch, float32 (batch,); adds the batch to the validation scores."""

    @abstractmethod
    def reset_scores(self) -> None:
        """Forget the batches of the last validation."""

    @abstractmethod
    def score_values(self) -> dict[str, float]:
        """The validation scores by name, over all batches and processes; nan where undefined."""

    @abstractmethod
    def save(self, output: Path, weights: dict[str, Tensor], **facts: Any) -> None:
        """Write the trained model: ``weights`` of the best epoch, and ``facts`` (seed, epoch, scores, settings)."""


# The state of an unfinished run, ``last.ckpt``: written at every epoch's end, read by a rerun.


@dataclass
class TrainingState:
    """Everything that later epochs depend on. Random numbers are not included: they are determined by the epoch."""

    signature: str
    """Identifies what the run computes; see `run_signature`."""
    epoch: int = 0
    """Finished epochs."""
    finished: bool = False
    """Whether training is complete: the last epoch is done, or patience has run out."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The log, one map per epoch."""
    best: dict[str, Any] = field(default_factory=dict)
    """Best epoch so far: row (of the log) and model (weights); empty before the first epoch."""
    model: dict[str, Any] = field(default_factory=dict)
    """Weights."""
    optimizer: dict[str, Any] = field(default_factory=dict)
    """State of the optimiser."""


def run_signature(task: TrainingTask, settings: TrainingSettings, seed: int) -> str:
    """Hash of everything that determines the result: model, its code, training settings, seed and data.

    A run resumes only from a state with the same signature. Number and kind of devices, batch per device and loader
    workers are excluded: a run that ran out of memory can resume with a smaller ``batch_per_device``.
    """
    facts = {
        "task": task.identity(),
        "training": settings.model_dump(mode="json", exclude=HARDWARE_KEYS),
        "seed": seed,
        "code": code_hash(_CODE | task.code_modules()),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state atomically."""
    with atomic_output(path) as temporary:
        write_tensors(temporary, asdict(state))


def load_state(path: Path, signature: str) -> TrainingState | None:
    """The state in ``path``; None if there is none, or if its signature differs.

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
            "delete it, and training starts from the beginning"
        ) from None
    return state if state.signature == signature else None


# Early termination: signals that stop training between two batches, and processes that end with their parent.


class Signals:
    """Context in which SIGTERM and SIGINT end the command with status 143 and 130, without a traceback.

    In process 0 they raise `SystemExit`: immediately until ``deferred`` is set, then when `status` is checked (between
    two batches) or at a second signal. Other processes ignore signals and are told by process 0, so that none waits in
    a collective for a process that is gone.
    """

    def __init__(self, rank: int):
        self.rank = rank
        self.status = 0
        """Exit status requested by a signal, 0 without one."""
        self.deferred = False

    def __enter__(self) -> "Signals":
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in STATUS}
            self.install()
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def install(self) -> None:
        """Install the handlers (again after Lightning's own, which would broadcast within a signal handler)."""
        for number in self._before:
            signal.signal(number, self._received if self.rank == 0 else signal.SIG_IGN)

    def _received(self, number: int, _frame) -> None:
        again, self.status = self.status != 0, STATUS[number]
        if again or not self.deferred:
            raise SystemExit(self.status)


def process_rank() -> int:
    """Rank of this process among those of a training run: 0 in the one that the user started.

    Lightning starts the others by running the command again; they find their parent's process id in the environment and
    end when it does.
    """
    if os.environ.get(_PARENT) != str(os.getppid()):
        return 0
    _end_with_parent()
    return int(os.environ["LOCAL_RANK"])


@contextmanager
def launching(rank: int) -> Iterator[None]:
    """Context of a fit with several processes: sets the environment by which launched processes know their role.

    In process 0, rank variables from another launcher (srun, torchrun) are meaningless and removed.
    """
    if rank:
        yield
        return
    for name in _PLACE:
        os.environ.pop(name, None)
    os.environ[_PARENT] = str(os.getpid())
    try:
        yield
    finally:
        for name in (_PARENT, *_PLACE):
            os.environ.pop(name, None)


def _end_with_parent() -> None:
    """End this process soon after its parent is gone, e.g. killed: it might wait in a collective forever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


# Files of trained assay models: ``model.ckpt``, and its creation from external weights.


def load_model(path: Path | str) -> AssayModel:
    """The model of a ``model.ckpt``, on the CPU, in evaluation mode; `InputError` for a foreign or corrupt file."""
    return build_from_checkpoint(read_checkpoint(path), path)


def build_from_checkpoint(content: dict[str, Any], path: Path | str) -> AssayModel:
    """The model in the content of a ``model.ckpt`` that was read from ``path``; see `load_model`."""
    geometry = Geometry(**content["geometry"])
    n_tracks = content["tracks"].count("\n") - 1
    model = build(content["architecture"], content["model_settings"], geometry, n_tracks)
    load_weights(model, content["state_dict"], path, f"{model.architecture} as configured")
    return model.eval()


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """The content of a ``model.ckpt``; `InputError` for anything else."""
    content = _load(Path(path))
    wrong = [key for key, kind in _KEYS.items() if not isinstance(content.get(key), kind)]
    if wrong or content["kind"] != _KIND:
        raise InputError(
            f"{path}: not a model.ckpt of regulens (missing or wrong: {', '.join(wrong) or 'kind'}); "
            "plain weights are turned into one by the key models.<name>.checkpoint"
        )
    return content


def save_model(output: Path | str, model: AssayModel, state_dict: dict, store: AssayStore, **facts: Any) -> None:
    """Write ``model.ckpt``: weights, and what is needed to build the model and to know its origin.

    ``store`` gives geometry and tracks; ``facts`` (seed, epoch, scores, settings ...) are stored unchanged and must be
    plain values, because the file is read with ``weights_only=True``.
    """
    content = {
        "kind": _KIND,
        "state_dict": {name: tensor.detach().cpu().clone() for name, tensor in state_dict.items()},
        "architecture": model.architecture,
        "model_settings": model.settings.model_dump(mode="json"),
        "geometry": store.geometry.model_dump(),
        "tracks": tracks_to_text(store.tracks),
        "groups": store.tracks["group"].cat.categories.tolist(),
        "code_version": regulens.__version__,
        **facts,
    }
    with atomic_output(output) as temporary:
        write_tensors(temporary, content)


@command("adopt-checkpoint")
def adopt_checkpoint(
    checkpoint: Path | str,
    /,
    architecture: Part[str],
    settings: Part[dict[str, Any]],
    train: Path | str,
    output: Path | str,
) -> None:
    """Take a trained model instead of training one, after checking that it fits configuration and data.

    ``checkpoint`` (the key ``models.<name>.checkpoint``) is a ``model.ckpt``, which must agree in architecture, model
    settings, geometry and tracks with what is configured, or a file with a state dictionary (also one under the key
    ``state_dict``, with or without the prefix ``model.``), which must agree in names and shapes; which tracks such a
    file was trained on cannot be checked.

    ``train`` is the store of the data that the model is for. Raises `InputError` that says what differs.
    """
    content = _load(Path(checkpoint))
    with AssayStore(train) as data:
        model = build(architecture, settings, data.geometry, len(data.tracks))
        if content.get("kind") == _KIND:
            content = read_checkpoint(checkpoint)
            differences = _differences(content, model, data)
            if differences:
                raise InputError(f"{checkpoint} does not fit the configured model:\n  " + "\n  ".join(differences))
            weights = content["state_dict"]
            facts = {key: value for key, value in content.items() if key not in _KEYS and key != "code_version"}
        else:
            weights, facts = tensors_of(content, checkpoint), {"seed": None, "epoch": None}
            say(f"{checkpoint}: plain weights; that they were trained on the configured tracks cannot be checked")
        load_weights(model, weights, checkpoint, f"{model.architecture} as configured")
        save_model(output, model, model.state_dict(), data, **(facts | {"adopted_from": str(checkpoint)}))


def _load(path: Path) -> dict[str, Any]:
    advice = (
        "it must be a file of torch.save with tensors and plain values only; if training wrote it, it is damaged: "
        "delete it and start again"
    )
    return read_map(path, "checkpoint", advice)


def _differences(content: dict, model: AssayModel, store: AssayStore) -> list[str]:
    """Differences between a checkpoint and the configured model and its data, one line each."""
    if content["architecture"] != model.architecture:
        return [f"architecture: {content['architecture']}, configured {model.architecture}"]
    pairs = (
        ("geometry", content["geometry"], store.geometry.model_dump()),
        ("model settings", content["model_settings"], model.settings.model_dump(mode="json")),
    )
    lines = [
        f"{what} {key}: {found.get(key)!r}, configured {wanted.get(key)!r}"
        for what, found, wanted in pairs
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    ]
    return lines + track_differences(content["tracks"], store)


def track_differences(tracks: str, store: AssayStore) -> list[str]:
    """Differences between a model's track table (text) and a store's, in the tracks or their processing.

    Files, descriptions and groups may differ: they do not change what a value means.
    """
    found, wanted = tracks_from_text(tracks, "the checkpoint's tracks"), store.tracks
    if len(found) != len(wanted):
        return [f"tracks: the model predicts {len(found)}, the data have {len(wanted)}"]
    lines = []
    for column in ("identifier", "clip", "clip_soft", "scale", "sum_stat"):
        one, other = found[column], wanted[column]
        different = np.flatnonzero((one != other) & ~(one.isna() & other.isna()))
        if len(different):
            row = different[0]
            more = f" ({len(different)} tracks differ)" if len(different) > 1 else ""
            lines.append(f"track {row}, {column}: {one[row]} in the model, {other[row]} in the data{more}")
    return lines
