"""The Lightning module: what happens to a batch, and what an epoch adds up."""

import math
from collections.abc import Iterable

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from regulens.data.store import AssayStore
from regulens.models.base import AssayModel
from regulens.sequence import one_hot
from regulens.training.augment import EpochAugmentation
from regulens.training.dataset import Batch, loader
from regulens.training.metrics import Correlation, TrackPearson, poisson_loss
from regulens.training.sampler import BatchPlan, TrainingBatches, derived_seed, evaluation_batches
from regulens.training.settings import TrainingSettings


def learning_rate_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """Learning rate of optimiser step ``step`` of ``steps`` (from 0), as a share of its peak.

    Linear warm-up over the given share of the steps, then half a cosine down to 0 (000 section 3.5: cosine annealing).
    """
    warmup = math.floor(steps * warmup_fraction)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / (steps - warmup))))


class AssayTraining(pl.LightningModule):
    """Trains one model.

    Everything random follows from (seed, epoch) and, for dropout, the rank. A fit that goes on after ``first_epoch``
    finished epochs therefore does what an uninterrupted one does.
    """

    def __init__(
        self,
        model: AssayModel,
        train_store: AssayStore,
        valid_store: AssayStore,
        settings: TrainingSettings,
        seed: int,
        first_epoch: int,
        rank: int,
        pin: bool,
    ):
        super().__init__()
        self.model, self.settings, self.seed, self.first_epoch, self.rank, self.pin = (
            model, settings, seed, first_epoch, rank, pin
        )  # fmt: skip
        self.train_store, self.valid_store = train_store, valid_store
        self.plan = BatchPlan.of(len(train_store), settings)
        self._loaders: list[DataLoader] = []
        self.batches = TrainingBatches(self.plan, seed, rank, first_epoch)
        self.pearson = TrackPearson(len(train_store.tracks))
        strand_pair = torch.from_numpy(train_store.tracks["strand_pair"].to_numpy(dtype="int64", copy=True))
        self.register_buffer("strand_pair", strand_pair, persistent=False)
        self.register_buffer("loss_sums", torch.zeros(2, dtype=torch.float64), persistent=False)
        self.register_buffer("seen", torch.zeros(len(train_store), dtype=torch.int32), persistent=False)

    @property
    def epoch(self) -> int:
        """The current epoch, from 0, counted over all fits of this run."""
        return self.first_epoch + self.trainer.current_epoch

    def train_dataloader(self) -> DataLoader:
        return self._loader(self.train_store, self.batches)

    def val_dataloader(self) -> DataLoader:
        examples, batch = len(self.valid_store), self.settings.batch_per_device
        batches = evaluation_batches(examples, batch, self.rank, self.settings.devices)
        return self._loader(self.valid_store, batches)

    def _loader(self, store: AssayStore, batches: Iterable[list[int]]) -> DataLoader:
        self._loaders.append(loader(store, batches, self.settings.workers, self.pin))
        return self._loaders[-1]

    def close_loaders(self) -> None:
        """End the loader processes.

        When a fit ends by an exception, Lightning leaves those of training or validation running. They ignore SIGTERM,
        by which Python would end them at its exit: it would wait for ever.
        """
        for each in self._loaders:
            end = getattr(each._iterator, "_shutdown_workers", None)  # there is none without loader processes
            if end is not None:
                end()

    def configure_optimizers(self) -> dict:
        peak, decay = self.settings.learning_rate, self.settings.weight_decay
        parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if decay:
            matrices = [parameter for parameter in parameters if parameter.ndim > 1]
            vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
            groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
            optimizer = torch.optim.AdamW(groups, lr=peak, weight_decay=decay)
        else:
            optimizer = torch.optim.Adam(parameters, lr=peak)
        done, total = self.first_epoch * self.plan.steps, self.settings.max_epochs * self.plan.steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(done + step, total, self.settings.warmup_fraction)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        self.batches.epoch = self.epoch  # Lightning starts the loader of every epoch but the first after this hook
        self.augmentation = EpochAugmentation(
            self.settings.augmentation, self.plan.examples, self.strand_pair, self.seed, self.epoch
        )
        self.loss_sums.zero_()
        self.seen.zero_()
        torch.manual_seed(derived_seed("dropout", self.seed, self.epoch, self.rank))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        batch = self.augmentation(batch)
        losses = poisson_loss(self.model(one_hot(batch.codes)), batch.target)
        weight = batch.weight
        self.loss_sums[0] += (losses.detach() * weight).sum()
        self.seen.index_add_(0, batch.index.clamp(min=0), weight.to(self.seen.dtype))
        # The gradient of a step is that of the mean loss of its examples, however many the last step and this process
        # have: Lightning divides by the accumulation, and DDP averages over the processes.
        examples = self.plan.step_size(batch_idx // self.plan.accumulation)
        return (losses * weight).sum() * (self.plan.accumulation * self.plan.devices / examples)

    def on_validation_epoch_start(self) -> None:
        self.pearson.reset()
        self.loss_sums[1] = 0

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        rate = self.model(one_hot(batch.codes))
        self.loss_sums[1] += (poisson_loss(rate, batch.target) * batch.weight).sum()
        real = batch.weight.bool()
        self.pearson.update(rate[real], batch.target[real])

    def epoch_losses(self) -> tuple[float, float]:
        """Mean training loss (while the weights changed) and validation loss of the epoch, over all processes."""
        sums = self.trainer.strategy.reduce(self.loss_sums.clone(), reduce_op="sum").tolist()
        return sums[0] / len(self.train_store), sums[1] / len(self.valid_store)

    def correlation(self) -> Correlation:
        """Validation correlation of each track, merged over all processes."""
        return self.pearson.correlation()

    def check_coverage(self) -> None:
        """Raise `RuntimeError` unless every training example had weight in exactly one batch of the epoch."""
        seen = self.trainer.strategy.reduce(self.seen.clone(), reduce_op="sum")
        if not bool((seen == 1).all()):
            raise RuntimeError(
                f"epoch {self.epoch + 1}: {int((seen == 0).sum())} of {self.plan.examples} training examples were not "
                f"used and {int((seen > 1).sum())} more than once; this is a fault of the training set-up"
            )
