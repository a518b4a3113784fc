"""Which examples each process takes in which batch, so that every example counts exactly once an epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from regulens.errors import InputError
from regulens.training.settings import TrainingSettings

BLANK = -1
"""Index of a blank example: it keeps the processes in step where one has an example less, and has no weight."""

_ORDER, _DROPOUT, _AUGMENTATION, _WEIGHTS = range(4)


def derived_seed(stream: str, seed: int, *numbers: int) -> int:
    """An independent 63-bit seed for one use of randomness: stream "order", "dropout", "augmentation" or "weights"."""
    tag = {"order": _ORDER, "dropout": _DROPOUT, "augmentation": _AUGMENTATION, "weights": _WEIGHTS}[stream]
    return int(np.random.SeedSequence([seed, tag, *numbers]).generate_state(1, np.uint64)[0] >> np.uint64(1))


@dataclass(frozen=True)
class BatchPlan:
    """How an epoch is cut: optimiser steps of ``effective_batch`` examples, over ``devices`` and micro-batches.

    The last step of an epoch holds what is left. A micro-batch is never larger than ``batch_per_device``, and every
    process has equally many of them.
    """

    examples: int
    effective_batch: int
    batch_per_device: int
    devices: int = 1

    @classmethod
    def of(cls, examples: int, settings: TrainingSettings) -> "BatchPlan":
        """The plan for that many training examples; `InputError` when the effective batch does not fit the devices."""
        batch, devices = settings.effective_batch, settings.devices
        if batch % devices:
            nearest = [n for n in (batch // devices * devices, -(-batch // devices) * devices) if n]
            raise InputError(
                f"training.effective_batch: {batch} examples do not divide over {devices} devices; "
                f"nearest: {' or '.join(map(str, nearest))}"
            )
        return cls(examples, batch, settings.batch_per_device, devices)

    @property
    def accumulation(self) -> int:
        """Micro-batches in an optimiser step."""
        return -(-self.effective_batch // (self.devices * self.batch_per_device))

    @property
    def micro_batch(self) -> int:
        """Examples in a micro-batch of one process."""
        return -(-self.effective_batch // (self.devices * self.accumulation))

    @property
    def steps(self) -> int:
        """Optimiser steps in an epoch."""
        return -(-self.examples // self.effective_batch)

    def step_size(self, step: int) -> int:
        """Examples in optimiser step ``step`` (from 0), over all processes."""
        return min(self.effective_batch, self.examples - step * self.effective_batch)

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """The order of the examples in an epoch, (examples,); the same in every process."""
        return np.random.default_rng(derived_seed("order", seed, epoch)).permutation(self.examples)

    def batches(self, order: np.ndarray, rank: int) -> Iterator[list[int]]:
        """Micro-batches of process ``rank`` for an epoch in this order of examples, filled up with `BLANK`."""
        for start in range(0, len(order), self.effective_batch):
            step = order[start : start + self.effective_batch]
            yield from _chunks(_share(step, rank, self.devices), self.micro_batch)

    def batches_per_epoch(self) -> int:
        """Micro-batches of one process in an epoch."""
        last = -(-self.step_size(self.steps - 1) // self.devices)
        return (self.steps - 1) * self.accumulation + -(-last // self.micro_batch)


def _share(examples: np.ndarray, rank: int, devices: int) -> list[int]:
    """Every ``devices``-th example from ``rank`` on, with a `BLANK` where the others have one more."""
    share = examples[rank::devices].tolist()
    return share + [BLANK] * (-(-len(examples) // devices) - len(share))


def _chunks(items: list[int], size: int) -> list[list[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


class TrainingBatches(Sampler[list[int]]):
    """Batch sampler of one process; set ``epoch`` before each pass."""

    def __init__(self, plan: BatchPlan, seed: int, rank: int, epoch: int):
        self.plan, self.seed, self.rank, self.epoch = plan, seed, rank, epoch

    def __len__(self) -> int:
        return self.plan.batches_per_epoch()

    def __iter__(self) -> Iterator[list[int]]:
        return self.plan.batches(self.plan.order(self.seed, self.epoch), self.rank)


def evaluation_batches(examples: int, batch: int, rank: int = 0, devices: int = 1) -> list[list[int]]:
    """Batches of one process for a pass in order; all processes have equally many, filled up with `BLANK`."""
    return _chunks(_share(np.arange(examples), rank, devices), batch)
