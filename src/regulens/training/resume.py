"""Training tasks, and the support for interrupted runs that Lightning lacks.

Lightning trains (`loop`), but falls short when a run is interrupted:

* It restores neither the random state nor the position of the sampler. Here a run resumes at the end of an epoch
  (`TrainingState`), and everything random is determined by seed, epoch and rank (`batches`), so that the metrics are
  those of an uninterrupted run.
* It resumes from any checkpoint; here only from one with the same settings, data, code and seed (`run_signature`).
* It ends with exit code 0 on SIGTERM, and its signal handler broadcasts. `Signals` ends the command with 143, between
  two batches and in all processes together, so that a workflow sees that it is unfinished and starts it again.
* It takes its rank from the variables of any launcher (srun starts one process, which would then train on a part of the
  data), and its further processes outlive a killed parent: see `process_rank` and `launching`.

A `TrainingTask` defines one kind of training (assay tracks, classes, masked k-mers).
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

from torch import Tensor, nn
from torch.utils.data import Dataset

from regulens.core.code import code_hash
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.tensors import read_tensors, write_tensors
from regulens.training.settings import HARDWARE_KEYS, TrainingSettings

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
