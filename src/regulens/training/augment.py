"""Augmentation of a batch on its device, fixed by (seed, epoch, example) whatever the workers and devices are."""

import numpy as np
import torch
from torch import Tensor

from regulens.sequence import COMPLEMENT, N_CODE
from regulens.training.dataset import Batch
from regulens.training.sampler import derived_seed
from regulens.training.settings import Augmentation


def shift(codes: Tensor, by: Tensor) -> Tensor:
    """Move each sequence ``by`` (batch,) bases to the right (negative: left); N where nothing moves in.

    ``codes`` is uint8 (batch, length).
    """
    source = torch.arange(codes.shape[1], device=codes.device) - by[:, None]
    inside = (source >= 0) & (source < codes.shape[1])
    moved = codes.gather(1, source.clamp(0, codes.shape[1] - 1))
    return torch.where(inside, moved, N_CODE)


def reverse_complement(codes: Tensor, target: Tensor, strand_pair: Tensor) -> tuple[Tensor, Tensor]:
    """The other strand of examples with codes uint8 (batch, length) and targets (batch, bins, tracks).

    Codes and bins are reversed, bases complemented, and track t takes the values of track ``strand_pair[t]``, the same
    assay on the other strand (itself where there is none).
    """
    complement = torch.from_numpy(COMPLEMENT).to(codes.device)
    return complement[codes.flip(1).long()], target.flip(1)[:, :, strand_pair]


class EpochAugmentation:
    """The draws of one epoch, one for every training example, kept on the device of ``strand_pair`` (tracks,)."""

    def __init__(self, settings: Augmentation, examples: int, strand_pair: Tensor, seed: int, epoch: int):
        random = np.random.default_rng(derived_seed("augmentation", seed, epoch))
        # Both are drawn in any case, so that switching one on does not change the other.
        flip, by = random.random(examples) < 0.5, random.random(examples)
        self.flip = self.by = None
        if settings.reverse_complement:
            self.flip = torch.from_numpy(flip).to(strand_pair.device)
        if settings.shift_bp:
            by = np.floor(by * (2 * settings.shift_bp + 1)).astype(np.int64) - settings.shift_bp
            self.by = torch.from_numpy(by).to(strand_pair.device)
        self.strand_pair = strand_pair

    def __call__(self, batch: Batch) -> Batch:
        """Shift, then turn to the other strand, as drawn for each example of the batch."""
        index, codes, target = batch
        if self.by is not None:
            codes = shift(codes, self.by[index])
        if self.flip is not None:
            # Both strands of all examples, then a choice: selecting rows would make the host wait for the device.
            flip = self.flip[index]
            other_codes, other_target = reverse_complement(codes, target, self.strand_pair)
            codes = torch.where(flip[:, None], other_codes, codes)
            target = torch.where(flip[:, None, None], other_target, target)
        return Batch(index, codes, target)
