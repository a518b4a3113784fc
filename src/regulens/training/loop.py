"""Training of one model with Lightning, from its task to ``model.ckpt``.

`resume` adds what Lightning lacks for interruptible runs; `batches` makes the batches.
"""

import csv
import logging
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import bar, say, say_above
from regulens.training.batches import BatchPlan, TrainingBatches, derived_seed, evaluation_batches, loader
from regulens.training.device import device_kind, lightning_precision
from regulens.training.lock import TrainingLock
from regulens.training.resume import (
    Signals,
    TrainingState,
    TrainingTask,
    launching,
    load_state,
    process_rank,
    run_signature,
    save_state,
)
from regulens.training.settings import TrainingSettings


def train(
    make_task: Callable[[], AbstractContextManager[TrainingTask]],
    settings: TrainingSettings,
    seed: int,
    output: Path | str,
    log: Path | str,
    state_folder: Path | str,
) -> None:
    """Train the model of a task and write the weights of its best epoch to ``output``.

    ``make_task`` opens the data and builds the model; torch's generator is seeded before, so that the initial weights
    are determined by ``seed``. ``log`` gets one row per epoch (`log_columns`). ``state_folder`` holds the lock and
    ``last.ckpt``, from which the same call resumes at the last finished epoch after any interruption; it is removed
    when ``output`` is written.

    With ``settings.devices`` > 1 the running command (``sys.argv``) is started again for every further device; those
    processes end inside this function.

    Where ``settings.select`` is a score that no epoch has, the epoch with the lowest validation loss is kept, and that
    is said. Raises `InputError` for data, settings or files that do not fit, and `SystemExit` with status 143 (130)
    after SIGTERM (SIGINT), without ``output``.
    """
    output, log, state_folder = Path(output), Path(log), Path(state_folder)
    rank = process_rank()
    lock = TrainingLock(state_folder, output) if rank == 0 else None
    with Signals(rank) as signals, lock or nullcontext():
        kind, precision = device_kind(settings.accelerator, settings.devices), settings.precision
        torch.manual_seed(derived_seed("weights", seed))
        with make_task() as task:
            plan = BatchPlan.of(len(task.train_data), settings)
            signature = run_signature(task, settings, seed)
            state_file = state_folder / "last.ckpt"
            state = _resume(state_file, signature, rank)
            if state.epoch:
                task.model.load_state_dict(state.model)
            elif rank == 0:  # the other processes receive the weights of process 0
                task.initialise()
            if not state.finished:
                keeper = EpochKeeper(state, state_file, log, signals, lock.check if lock else lambda: None)
                module = Training(task, settings, seed, state.epoch, rank, pin=kind == "gpu")
                with launching(rank), _quiet(), _memory_advice(settings):
                    _fit(_trainer(settings, kind, precision, plan, keeper, state.epoch), module)
                if rank:
                    raise SystemExit(0)
                if keeper.failure:
                    raise InputError(keeper.failure)
            _finish(output, log, task, state, settings, seed)
        for leftover in (state_file, *state_folder.glob(".*.part.last.ckpt")):
            leftover.unlink(missing_ok=True)
    if not any(state_folder.iterdir()):
        state_folder.rmdir()


def _resume(state_file: Path, signature: str, rank: int) -> TrainingState:
    """The state to start from: that of an interrupted run of the same training, or a fresh one."""
    state = load_state(state_file, signature)
    if rank == 0 and state is not None:
        say(f"{state_file}: resuming after {state.epoch} finished epochs")
    elif rank == 0 and state_file.exists():
        say(f"{state_file} is from a run with other settings, data or code: training starts from the beginning")
    return state or TrainingState(signature)


def _finish(
    output: Path, log: Path, task: TrainingTask, state: TrainingState, settings: TrainingSettings, seed: int
) -> None:
    best = state.best["row"]
    if settings.select != "last":
        defined, value = _criterion(settings.select, best)
        if value == -math.inf:
            raise InputError(
                f"the validation {settings.select} is not a finite number in any of {state.epoch} epochs, so that none "
                "can be kept: look at the validation data, or set training.select"
            )
        if not defined:
            say(
                f"the validation {settings.select} is undefined in all of {state.epoch} epochs, because nothing varies "
                f"in the validation set (one class, or no coverage): epoch {best['epoch']} is kept for its loss"
            )
    task.save(
        output,
        state.best["model"],
        seed=seed,
        epoch=best["epoch"],
        **{name: value for name, value in best.items() if name.startswith("valid_")},
        training=settings.model_dump(mode="json"),
        settings_hash=state.signature,
    )
    write_log(log, state.rows)
    say(f"{output}: epoch {best['epoch']} of {state.epoch}, {scores_text(best)}")


@contextmanager
def _memory_advice(settings: TrainingSettings) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"out of GPU memory: lower training.batch_per_device (now {settings.batch_per_device}); the effective "
            f"batch stays the same, and training resumes from the last finished epoch ({str(error).splitlines()[0]})"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's remarks on its set-up."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


# The Lightning module: training and validation steps, and the sums over an epoch.


class Training(pl.LightningModule):
    """Trains one model.

    All randomness is determined by (seed, epoch) and, for dropout, the rank. A fit that resumes after ``first_epoch``
    finished epochs therefore gives the same result as an uninterrupted one.
    """

    def __init__(
        self, task: TrainingTask, settings: TrainingSettings, seed: int, first_epoch: int, rank: int, pin: bool
    ):
        super().__init__()
        self.task, self.settings, self.seed, self.first_epoch, self.rank, self.pin = (
            task, settings, seed, first_epoch, rank, pin
        )  # fmt: skip
        self.plan = BatchPlan.of(len(task.train_data), settings)
        self._loaders: list[DataLoader] = []
        self.batches = TrainingBatches(self.plan, seed, rank, first_epoch)
        self.register_buffer("loss_sums", torch.zeros(2, dtype=torch.float64), persistent=False)
        self.register_buffer("seen", torch.zeros(len(task.train_data), dtype=torch.int32), persistent=False)

    @property
    def epoch(self) -> int:
        """The current epoch, from 0, counted over all fits of this run."""
        return self.first_epoch + self.trainer.current_epoch

    def train_dataloader(self) -> DataLoader:
        return self._loader(self.task.train_data, self.batches)

    def val_dataloader(self) -> DataLoader:
        examples, batch = len(self.task.valid_data), self.settings.batch_per_device
        batches = evaluation_batches(examples, batch, self.rank, self.settings.devices)
        return self._loader(self.task.valid_data, batches)

    def _loader(self, data: Dataset, batches: Iterable[list[int]]) -> DataLoader:
        self._loaders.append(loader(data, batches, self.settings.workers, self.pin))
        return self._loaders[-1]

    def close_loaders(self) -> None:
        """End the loader processes.

        If a fit ends with an exception, Lightning leaves loader processes running. They ignore SIGTERM, with which
        Python would end them at exit, so Python would wait forever.
        """
        for each in self._loaders:
            end = getattr(each._iterator, "_shutdown_workers", None)  # None without loader processes
            if end is not None:
                end()

    def configure_optimizers(self) -> dict:
        peak, decay = self.settings.learning_rate, self.settings.weight_decay
        parameters = [parameter for parameter in self.task.model.parameters() if parameter.requires_grad]
        if decay:
            matrices = [parameter for parameter in parameters if parameter.ndim > 1]
            vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
            groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
            optimizer = torch.optim.AdamW(groups, lr=peak, weight_decay=decay)
        else:
            optimizer = torch.optim.Adam(parameters, lr=peak)
        done, total = self.first_epoch * self.plan.steps, self.settings.max_epochs * self.plan.steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: learning_rate_factor(
                done + step, total, self.settings.warmup_fraction, self.settings.schedule
            ),
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        self.batches.epoch = self.epoch  # Lightning starts the loader of every epoch but the first after this hook
        self.task.start_epoch(self.seed, self.epoch)
        self.loss_sums.zero_()
        self.seen.zero_()
        torch.manual_seed(derived_seed("dropout", self.seed, self.epoch, self.rank))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        losses, weight = self.task.training_losses(batch), batch.weight
        self.loss_sums[0] += (losses.detach() * weight).sum()
        self.seen.index_add_(0, batch.index.clamp(min=0), weight.to(self.seen.dtype))
        # The gradient of a step is that of the mean loss over its examples, whatever their number in the last step and
        # in this process: Lightning divides by the accumulation, and DDP averages over processes.
        examples = self.plan.step_size(batch_idx // self.plan.accumulation)
        return (losses * weight).sum() * (self.plan.accumulation * self.plan.devices / examples)

    def on_validation_epoch_start(self) -> None:
        self.task.reset_scores()
        self.loss_sums[1] = 0

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.loss_sums[1] += (self.task.validation_losses(batch) * batch.weight).sum()

    def epoch_losses(self) -> tuple[float, float]:
        """Mean training loss (while the weights changed) and validation loss of the epoch, over all processes."""
        sums = self.trainer.strategy.reduce(self.loss_sums.clone(), reduce_op="sum").tolist()
        return sums[0] / len(self.task.train_data), sums[1] / len(self.task.valid_data)

    def check_coverage(self) -> None:
        """Raise `RuntimeError` unless every training example was used exactly once in the epoch."""
        seen = self.trainer.strategy.reduce(self.seen.clone(), reduce_op="sum")
        if not bool((seen == 1).all()):
            raise RuntimeError(
                f"epoch {self.epoch + 1}: {int((seen == 0).sum())} of {self.plan.examples} training examples were not "
                f"used and {int((seen > 1).sum())} more than once; this is a fault of the training set-up"
            )


def learning_rate_factor(step: int, steps: int, warmup_fraction: float, schedule: str = "cosine") -> float:
    """Learning rate at optimiser step ``step`` of ``steps`` (from 0), relative to its peak.

    Linear warm-up over the given share of the steps, then decay to 0: half a cosine (Genomic Interpreter, section 3.5)
    or, with ``schedule`` "linear", a straight line (docs/papers.md, "Fine-tuning").
    """
    warmup = math.floor(steps * warmup_fraction)
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / (steps - warmup))
    return 1 - done if schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))


# Lightning callback between epochs: keeps the best weights, decides when to stop, writes log and state, reports.


class EpochKeeper(pl.Callback):
    """Callback that owns the `TrainingState`. All processes make the same decisions; only process 0 writes.

    ``check_lock`` raises if this run has lost its lock. After the fit, ``failure`` is a message if the loss was not
    finite.
    """

    def __init__(
        self, state: TrainingState, state_file: Path, log: Path, signals: Signals, check_lock: Callable[[], None]
    ):
        self.state, self.state_file, self.log_file = state, state_file, log
        self.signals, self.check_lock = signals, check_lock
        self.failure: str | None = None

    def on_train_start(self, trainer: pl.Trainer, module: Training) -> None:
        if trainer.world_size != module.settings.devices:
            raise RuntimeError(
                f"training runs in {trainer.world_size} process(es) where devices = {module.settings.devices}: it "
                "would see a part of the data; this is a fault of the training set-up"
            )
        self.signals.install()
        self.signals.deferred = True
        if self.state.optimizer:
            trainer.optimizers[0].load_state_dict(self.state.optimizer)
        self.bar = bar()
        if trainer.is_global_zero:
            self.bar.start()
        self.task = self.bar.add_task("", total=len(module.batches))

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Training) -> None:
        self.started = time.perf_counter()
        self.rate = trainer.optimizers[0].param_groups[0]["lr"]
        title = f"epoch {module.epoch + 1}/{module.settings.max_epochs}"
        self.bar.reset(self.task, description=title, total=len(module.batches))

    def on_train_batch_end(self, trainer: pl.Trainer, module: Training, *_: Any) -> None:
        self.bar.advance(self.task)
        self._stop_if_asked(trainer)

    def on_validation_start(self, trainer: pl.Trainer, module: Training) -> None:
        # Wait for running kernels before reading the clock.
        module.loss_sums.cpu()
        self.trained = time.perf_counter()
        self.bar.reset(self.task, description="validation", total=sum(trainer.num_val_batches))

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.bar.advance(self.task)
        self._stop_if_asked(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Training) -> None:
        module.check_coverage()
        train_loss, valid_loss = module.epoch_losses()
        scores = module.task.score_values()
        if not math.isfinite(train_loss):
            self.failure = (
                f"the training loss of epoch {module.epoch + 1} is not finite: lower training.learning_rate "
                f"(now {module.settings.learning_rate:g}) or set training.gradient_clip"
            )
            trainer.should_stop = True
            return
        row = dict(zip(log_columns(scores), (
            module.epoch + 1, self.rate, train_loss, valid_loss, *scores.values(),
            round(time.perf_counter() - self.started, 3),
            round(module.plan.examples / (self.trained - self.started), 2),
        ), strict=True))  # fmt: skip
        better = self._better(module.settings.select, row)
        state = self.state
        state.rows.append(row)
        state.epoch = module.epoch + 1
        if better:
            weights = {name: value.detach().cpu().clone() for name, value in module.task.model.state_dict().items()}
            state.best = {"row": row, "model": weights}
        patience = module.settings.patience
        out_of_patience = patience is not None and state.epoch - state.best["row"]["epoch"] >= patience
        state.finished = out_of_patience or state.epoch == module.settings.max_epochs
        trainer.should_stop = out_of_patience
        if trainer.is_global_zero:
            self.check_lock()
            state.model = module.task.model.state_dict()
            state.optimizer = trainer.optimizers[0].state_dict()
            save_state(self.state_file, state)
            write_log(self.log_file, state.rows)
            self._tell(row, better, module.settings.max_epochs)

    def on_train_end(self, *_: Any) -> None:
        self.bar.stop()

    def on_exception(self, *_: Any) -> None:
        if hasattr(self, "bar"):
            self.bar.stop()

    def _better(self, select: str, row: dict[str, Any]) -> bool:
        """Whether an epoch is better than the best so far."""
        best = self.state.best
        return not best or select == "last" or _criterion(select, row) > _criterion(select, best["row"])

    def _stop_if_asked(self, trainer: pl.Trainer) -> None:
        status = self.signals.status
        if trainer.world_size > 1:
            # All processes stop together: one that continued would wait in a collective forever.
            agreed = torch.tensor([status], device=trainer.strategy.root_device)
            torch.distributed.broadcast(agreed, src=0)
            status = int(agreed)
        if status:
            if trainer.is_global_zero:
                say(f"stopped by a signal: {self.state_file} keeps the {self.state.epoch} finished epochs")
            raise SystemExit(status if trainer.is_global_zero else 0)

    def _tell(self, row: dict[str, Any], better: bool, epochs: int) -> None:
        line = (
            f"epoch {row['epoch']}/{epochs}  lr {row['lr']:.2e}  train loss {row['train_loss']:.5f}  "
            f"{scores_text(row)}  {row['seconds']:.1f} s  {row['examples_per_s']:.1f} examples/s"
            f"{'  best' if better else ''}"
        )
        say_above(self.bar, line)


def _criterion(select: str, row: dict[str, Any]) -> tuple[bool, float]:
    """What the epoch to keep has the highest of: whether its score is defined; the score, or else minus the loss."""
    loss = -math.inf if math.isnan(row["valid_loss"]) else -row["valid_loss"]
    score = loss if select == "loss" else row[f"valid_{select}"]
    return (False, loss) if math.isnan(score) else (True, score)


def log_columns(scores: Iterable[str]) -> list[str]:
    """Columns of the training log.

    ``epoch`` counts from 1, ``lr`` is that of the epoch's first step, the training loss is measured while the weights
    change, a validation score is empty if undefined, ``seconds`` include validation, ``examples_per_s`` does not.
    """
    valid = [f"valid_{score}" for score in scores]
    return ["epoch", "lr", "train_loss", "valid_loss", *valid, "seconds", "examples_per_s"]


def write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the log anew, so that after any interruption it has each epoch once."""
    with atomic_output(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _shown(value) for key, value in row.items()} for row in rows)


def _shown(value: float) -> float | str:
    return "" if isinstance(value, float) and math.isnan(value) else value


def scores_text(row: dict[str, Any]) -> str:
    """Validation loss and scores of a row of the log, as text."""
    names = [name for name in row if name.startswith("valid_")]
    return "  ".join(f"{name.replace('_', ' ')} {row[name]:.5g}" for name in names)


# The fit itself.


def _fit(trainer: pl.Trainer, module: Training) -> None:
    try:
        trainer.fit(module)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    finally:
        module.close_loaders()


def _trainer(
    settings: TrainingSettings, kind: str, precision: str, plan: BatchPlan, keeper: EpochKeeper, done: int
) -> pl.Trainer:
    several = settings.devices > 1
    # Buffers are constants, since all models use layer norm: only gradients have to be synchronised.
    strategy = DDPStrategy(process_group_backend="nccl" if kind == "gpu" else "gloo", broadcast_buffers=False)
    return pl.Trainer(
        accelerator=kind,
        devices=settings.devices,
        strategy=strategy if several else "auto",
        # Otherwise SLURM's variables make Lightning train a single process on part of the data.
        plugins=[LightningEnvironment()],
        precision=lightning_precision(precision, kind),
        max_epochs=settings.max_epochs - done,
        accumulate_grad_batches=plan.accumulation,
        gradient_clip_val=settings.gradient_clip,
        callbacks=[keeper],
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
