"""Batches of examples as transferred to the device (one byte per base), and their random augmentation and masks.

`BatchPlan` assigns examples to the batches of each process, so that every example counts exactly once per epoch.
Everything random (order, augmentation, masks) is determined by seed, epoch and example, whatever the number of
processes, batches and loader processes, so that a resumed run repeats it.
"""

import hashlib
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from regulens.core.errors import InputError
from regulens.core.sequence import COMPLEMENT, N_CODE
from regulens.data.store import AssayStore
from regulens.training.settings import Augmentation, TrainingSettings

BLANK = -1
"""Index of a blank example without weight, which keeps processes in step when one has fewer examples."""

_ORDER, _DROPOUT, _AUGMENTATION, _WEIGHTS = range(4)

_STEP = -7046029254386353131
"""2 ** 64 divided by the golden ratio, as signed 64 bits."""

# Which examples are in which batch.


@dataclass(frozen=True)
class BatchPlan:
    """Division of an epoch into optimiser steps of ``effective_batch`` examples, over devices and micro-batches.

    The last step of an epoch has the remaining examples. A micro-batch is never larger than ``batch_per_device``, and
    every process has the same number of them.
    """

    examples: int
    effective_batch: int
    batch_per_device: int
    devices: int = 1

    @classmethod
    def of(cls, examples: int, settings: TrainingSettings) -> "BatchPlan":
        """The plan for ``examples`` training examples; `InputError` if the effective batch does not fit the devices."""
        batch, devices = settings.effective_batch, settings.devices
        if batch % devices:
            nearest = [n for n in (batch // devices * devices, -(-batch // devices) * devices) if n]
            raise InputError(
                f"training.effective_batch: {batch} examples cannot be divided among {devices} devices; "
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
        """Order of the examples in an epoch, (examples,), the same in every process."""
        return np.random.default_rng(derived_seed("order", seed, epoch)).permutation(self.examples)

    def batches(self, order: np.ndarray, rank: int) -> Iterator[list[int]]:
        """Micro-batches of process ``rank`` for an epoch in this order, padded with `BLANK`."""
        for start in range(0, len(order), self.effective_batch):
            step = order[start : start + self.effective_batch]
            yield from _chunks(_share(step, rank, self.devices), self.micro_batch)

    def batches_per_epoch(self) -> int:
        """Micro-batches of one process in an epoch."""
        last = -(-self.step_size(self.steps - 1) // self.devices)
        return (self.steps - 1) * self.accumulation + -(-last // self.micro_batch)


def _share(examples: np.ndarray, rank: int, devices: int) -> list[int]:
    """Every ``devices``-th example from ``rank`` on, padded with a `BLANK` if other processes have one more."""
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
    """Batches of one process for an ordered pass; all processes have equally many, padded with `BLANK`."""
    return _chunks(_share(np.arange(examples), rank, devices), batch)


def loader(data: Dataset, batches: Iterable[list[int]], workers: int = 0, pin: bool = False) -> DataLoader:
    """A loader of batches for the given lists of indices; ``pin`` for transfers to a GPU.

    ``data`` makes a whole batch from a list of indices: it has ``__getitems__``.
    """
    return DataLoader(
        data,
        batch_sampler=batches,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=_unchanged,
        pin_memory=pin,
        worker_init_fn=_ignore_signals,
        # Own generator: otherwise each pass would draw from torch's global state, on which dropout depends.
        generator=torch.Generator().manual_seed(0),
    )


def _unchanged(batch: NamedTuple) -> NamedTuple:
    return batch


def _ignore_signals(_: int) -> None:
    # A signal to the process group is meant for the main process, which ends its workers itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# Examples of a store of assay tracks, and labelled sequences.


class Batch(NamedTuple):
    """Examples of one micro-batch."""

    index: Tensor
    """Position in the store, int64 (batch,); `BLANK` for an example without weight."""
    codes: Tensor
    """Bases A, C, G, T, N = 0 to 4, uint8 (batch, input_bp)."""
    target: Tensor
    """Targets, float16 (batch, bins, tracks)."""

    @property
    def weight(self) -> Tensor:
        """1 for an example, 0 for a blank one, float32 (batch,)."""
        return (self.index != BLANK).float()


class StoreDataset(Dataset):
    """Reads whole batches from a store; a `BLANK` index gives N and zero targets.

    ``examples``: use only that many, drawn at random, the same ones whenever a store of this size is read.
    """

    def __init__(self, store: AssayStore, examples: int | None = None):
        self.store = store
        count = len(store) if examples is None else min(examples, len(store))
        order = np.random.default_rng(0).permutation(len(store))
        self.rows = np.sort(order[:count])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, indices: list[int]) -> Batch:
        geometry, n_tracks = self.store.geometry, len(self.store.tracks)
        codes = np.full((len(indices), geometry.input_bp), N_CODE, dtype=np.uint8)
        target = np.zeros((len(indices), geometry.bins, n_tracks), dtype=np.float16)
        for row, index in enumerate(indices):
            if index != BLANK:
                codes[row] = self.store.sequence(self.rows[index])
                target[row] = self.store.target(self.rows[index])
        return Batch(torch.tensor(indices), torch.from_numpy(codes), torch.from_numpy(target))


class SequenceBatch(NamedTuple):
    """Sequences of one micro-batch."""

    index: Tensor
    """Position in the data set, int64 (batch,); `BLANK` for a sequence without weight."""
    codes: Tensor
    """Bases A, C, G, T, N = 0 to 4, uint8 (batch, length_bp)."""
    label: Tensor
    """1 = positive, 0 = negative, int64 (batch,); 0 if there is no label."""

    @property
    def weight(self) -> Tensor:
        """1 for a sequence, 0 for a blank one, float32 (batch,)."""
        return (self.index != BLANK).float()


class SequenceDataset(Dataset):
    """Whole batches of sequences held in memory; a `BLANK` index gives N and label 0.

    ``codes`` is uint8 (N, length_bp), ``labels`` (N,) or None for sequences without labels.
    """

    def __init__(self, codes: np.ndarray, labels: np.ndarray | None = None):
        self.codes = codes
        self.labels = np.zeros(len(codes), np.uint8) if labels is None else labels

    def __len__(self) -> int:
        return len(self.codes)

    def __getitems__(self, indices: list[int]) -> SequenceBatch:
        index = np.asarray(indices, dtype=np.int64)
        codes, label = self.codes[index], self.labels[index].astype(np.int64)
        blank = index == BLANK
        codes[blank], label[blank] = N_CODE, 0
        return SequenceBatch(torch.from_numpy(index), torch.from_numpy(codes), torch.from_numpy(label))

    def content_hash(self) -> str:
        """Hash of all sequences and labels, in their order."""
        digest = hashlib.sha256(f"{self.codes.shape}".encode())
        for values in (self.codes, self.labels):
            digest.update(np.ascontiguousarray(values))
        return digest.hexdigest()


# Augmentation of a batch on its device.


class EpochAugmentation:
    """The random draws of one epoch, one per training example, on the device of ``strand_pair`` (tracks,)."""

    def __init__(self, settings: Augmentation, examples: int, strand_pair: Tensor, seed: int, epoch: int):
        random = np.random.default_rng(derived_seed("augmentation", seed, epoch))
        # Both are always drawn, so that enabling one does not change the other.
        flip, by = random.random(examples) < 0.5, random.random(examples)
        self.flip = self.by = None
        if settings.reverse_complement:
            self.flip = torch.from_numpy(flip).to(strand_pair.device)
        if settings.shift_bp:
            by = np.floor(by * (2 * settings.shift_bp + 1)).astype(np.int64) - settings.shift_bp
            self.by = torch.from_numpy(by).to(strand_pair.device)
        self.strand_pair = strand_pair

    def __call__(self, batch: Batch) -> Batch:
        """Shift, then reverse complement, as drawn for each example of the batch."""
        index, codes, target = batch
        if self.by is not None:
            codes = shift(codes, self.by[index])
        if self.flip is not None:
            # Compute both strands of all examples, then choose: selecting rows would synchronise host and device.
            flip = self.flip[index]
            other_codes, other_target = reverse_complement(codes, target, self.strand_pair)
            codes = torch.where(flip[:, None], other_codes, codes)
            target = torch.where(flip[:, None, None], other_target, target)
        return Batch(index, codes, target)


def shift(codes: Tensor, by: Tensor) -> Tensor:
    """Shift each sequence ``by`` (batch,) bases to the right (negative: left), filling with N.

    ``codes`` is uint8 (batch, length).
    """
    source = torch.arange(codes.shape[1], device=codes.device) - by[:, None]
    inside = (source >= 0) & (source < codes.shape[1])
    moved = codes.gather(1, source.clamp(0, codes.shape[1] - 1))
    return torch.where(inside, moved, N_CODE)


def reverse_complement(codes: Tensor, target: Tensor, strand_pair: Tensor) -> tuple[Tensor, Tensor]:
    """Reverse complement of examples with codes uint8 (batch, length) and targets (batch, bins, tracks).

    Codes and bins are reversed, bases complemented, and track t gets the values of track ``strand_pair[t]``, the same
    assay on the other strand (or itself).
    """
    complement = torch.from_numpy(COMPLEMENT).to(codes.device)
    return complement[codes.flip(1).long()], target.flip(1)[:, :, strand_pair]


# Random numbers.


def derived_seed(stream: str, seed: int, *numbers: int) -> int:
    """An independent 63-bit seed for one use of randomness: stream "order", "dropout", "augmentation" or "weights"."""
    tag = {"order": _ORDER, "dropout": _DROPOUT, "augmentation": _AUGMENTATION, "weights": _WEIGHTS}[stream]
    return int(np.random.SeedSequence([seed, tag, *numbers]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def uniform(key: int, stream: int, index: Tensor, number: int) -> Tensor:
    """Uniform numbers in [0, 1), float64 (N, number), as a fixed function of key, stream, index and column.

    With a stateful generator the masks would depend on batches, devices and loader processes, and storing those of a
    whole epoch may need too much memory. The function is the output of SplitMix64 (Steele et al. 2014), applied once
    for the sequence and once for the column.
    """
    columns = torch.arange(1, number + 1, device=index.device)
    start = _mixed(_mixed(index + 1) + (key ^ stream))
    bits = _mixed(start[:, None] + columns * _STEP)
    return _shifted(bits, 11).double() * 2.0**-53


def _mixed(x: Tensor) -> Tensor:
    """SplitMix64's mixing of 64 bits; products wrap around."""
    x = (x ^ _shifted(x, 30)) * -4658895280553007687
    x = (x ^ _shifted(x, 27)) * -7723592293110705685
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, by: int) -> Tensor:
    """Logical right shift, filling with zeros (>> is arithmetic for negative numbers)."""
    return (x >> by) & ((1 << (64 - by)) - 1)
