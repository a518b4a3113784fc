"""Training of one assay model, from stores to ``model.ckpt``."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy

from regulens.data.store import AssayStore
from regulens.errors import InputError
from regulens.models.base import AssayModel
from regulens.models.registry import build
from regulens.training.checkpoint import save_model
from regulens.training.device import device_kind, lightning_precision
from regulens.training.display import say
from regulens.training.keeper import EpochKeeper, write_log
from regulens.training.lock import TrainingLock
from regulens.training.module import AssayTraining
from regulens.training.sampler import BatchPlan, derived_seed
from regulens.training.settings import TrainingSettings
from regulens.training.state import TrainingState, load_state, run_signature
from regulens.training.statistics import track_means
from regulens.training.stop import Signals, launching, process_rank

_HEAD_EXAMPLES = 1000
"""Training examples from which the first biases of the head are estimated."""


def train(
    architecture: str,
    model_settings: dict,
    train_store: Path | str,
    valid_store: Path | str,
    settings: TrainingSettings,
    seed: int,
    output: Path | str,
    log: Path | str,
    state_folder: Path | str,
) -> None:
    """Train an assay model and write the weights of its best epoch to ``output`` (000 section 3.5).

    ``log`` gets one row an epoch (`keeper.LOG_COLUMNS`). ``state_folder`` holds the lock and ``last.ckpt``, from which
    the same call goes on at the last finished epoch after any interruption; it is removed when ``output`` is written.

    With ``settings.devices`` > 1 the running command (``sys.argv``) is started once more for every further device;
    those processes end inside this function.

    Raises `InputError` for data, settings or files that do not fit, and `SystemExit` with status 143 (130) after
    SIGTERM (SIGINT), without ``output``.
    """
    output, log, state_folder = Path(output), Path(log), Path(state_folder)
    rank = process_rank()
    lock = TrainingLock(state_folder, output) if rank == 0 else None
    with Signals(rank) as signals, lock or nullcontext(), _stores(train_store, valid_store) as stores:
        kind, precision = device_kind(settings.accelerator, settings.devices), settings.precision
        plan = BatchPlan.of(len(stores[0]), settings)
        torch.manual_seed(derived_seed("weights", seed))
        model = build(architecture, model_settings, stores[0].geometry, len(stores[0].tracks))
        signature = run_signature(architecture, model, settings, seed, stores)
        state_file = state_folder / "last.ckpt"
        state = _resume(state_file, signature, rank)
        if state.epoch:
            model.load_state_dict(state.model)
        elif rank == 0:  # the others receive the weights of process 0
            model.initialise_head(torch.from_numpy(track_means(stores[0], _HEAD_EXAMPLES)))
        if not state.finished:
            keeper = EpochKeeper(state, state_file, log, signals, lock.check if lock else lambda: None)
            module = AssayTraining(model, *stores, settings, seed, state.epoch, rank, pin=kind == "gpu")
            with launching(rank), _quiet(), _memory_advice(settings):
                _fit(_trainer(settings, kind, precision, plan, keeper, state.epoch), module)
            if rank:
                raise SystemExit(0)
            if keeper.failure:
                raise InputError(keeper.failure)
        _finish(output, log, model, state, stores, settings, seed)
        for leftover in (state_file, *state_folder.glob(".*.part.last.ckpt")):
            leftover.unlink(missing_ok=True)
    if not any(state_folder.iterdir()):
        state_folder.rmdir()


def _fit(trainer: pl.Trainer, module: AssayTraining) -> None:
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
    # Buffers are constants (all models use layer norm, 000 appendix D): nothing to keep in step but gradients.
    strategy = DDPStrategy(process_group_backend="nccl" if kind == "gpu" else "gloo", broadcast_buffers=False)
    return pl.Trainer(
        accelerator=kind,
        devices=settings.devices,
        strategy=strategy if several else "auto",
        # Otherwise a SLURM job's variables make Lightning train one process on a part of the data.
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


@contextmanager
def _stores(train: Path | str, valid: Path | str) -> Iterator[list[AssayStore]]:
    """Both stores, checked to hold examples of the same kind."""
    with AssayStore(train) as first, AssayStore(valid) as second:
        for store in (first, second):
            if not len(store):
                raise InputError(f"{store.path} has no examples: nothing to train or validate on")
        if first.geometry != second.geometry:
            raise InputError(f"{first.path} and {second.path} differ in geometry: make both from the same settings")
        if first.tracks["identifier"].tolist() != second.tracks["identifier"].tolist():
            raise InputError(f"{first.path} and {second.path} differ in tracks: make both from the same track table")
        yield [first, second]


def _resume(state_file: Path, signature: str, rank: int) -> TrainingState:
    """The state to start from: that of an interrupted run of the same training, or a new one."""
    state = load_state(state_file, signature)
    if rank == 0 and state is not None:
        say(f"{state_file}: going on after {state.epoch} finished epochs")
    elif rank == 0 and state_file.exists():
        say(f"{state_file} is from a run with other settings, data or code: training starts anew")
    return state or TrainingState(signature)


def _finish(
    output: Path,
    log: Path,
    model: AssayModel,
    state: TrainingState,
    stores: list[AssayStore],
    settings: TrainingSettings,
    seed: int,
) -> None:
    best = state.best
    save_model(
        output,
        model,
        best["model"],
        stores[0],
        seed=seed,
        epoch=best["epoch"],
        valid_pearson=best["pearson"],
        valid_loss=best["loss"],
        training=settings.model_dump(mode="json"),
        settings_hash=state.signature,
    )
    write_log(log, state.rows)
    say(f"{output}: epoch {best['epoch']} of {state.epoch}, valid r {best['pearson']:.4f}, loss {best['loss']:.5f}")


@contextmanager
def _memory_advice(settings: TrainingSettings) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"out of GPU memory: lower training.batch_per_device (now {settings.batch_per_device}); the effective "
            f"batch stays the same, and training goes on where it was ({str(error).splitlines()[0]})"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's remarks on its own set-up are not for the user of this command."""
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
