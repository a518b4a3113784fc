"""Reverse complement and shift of batches."""

import numpy as np
import torch

from regulens.core import sequence
from regulens.training.batches import Batch, EpochAugmentation, reverse_complement, shift
from regulens.training.settings import Augmentation

PAIR = torch.tensor([0, 2, 1])


def batch(examples: int = 20, length: int = 30) -> Batch:
    random = torch.Generator().manual_seed(1)
    codes = torch.randint(0, 5, (examples, length), generator=random, dtype=torch.uint8)
    return Batch(torch.arange(examples), codes, torch.rand(examples, 4, 3, generator=random).half())


def test_shift_moves_bases_and_fills_with_n():
    codes = torch.tensor([[0, 1, 2, 3]] * 4, dtype=torch.uint8)
    shifted = shift(codes, torch.tensor([0, 1, -2, 9]))
    assert shifted.tolist() == [[0, 1, 2, 3], [4, 0, 1, 2], [2, 3, 4, 4], [4, 4, 4, 4]]
    assert shifted.dtype == torch.uint8


def test_reverse_complement_of_bases_bins_and_strands():
    given = batch()
    codes, target = reverse_complement(given.codes, given.target, PAIR)
    assert np.array_equal(codes.numpy(), sequence.reverse_complement(given.codes.numpy()))
    for track, other in enumerate(PAIR):
        assert torch.equal(target[:, :, track], given.target[:, :, other].flip(1))
    back = reverse_complement(codes, target, PAIR)
    assert torch.equal(back[0], given.codes)
    assert torch.equal(back[1], given.target)


def test_draws_belong_to_examples_and_not_to_batches():
    settings = Augmentation(reverse_complement=True, shift_bp=3)
    given = batch()
    augment = EpochAugmentation(settings, 20, PAIR, seed=5, epoch=2)
    whole = augment(given)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    again = EpochAugmentation(settings, 20, PAIR, seed=5, epoch=2)
    for chunk in order.split(7):
        part = again(Batch(*(values[chunk] for values in given)))
        assert torch.equal(part.codes, whole.codes[chunk])
        assert torch.equal(part.target, whole.target[chunk])
    for seed, epoch in ((5, 3), (6, 2)):
        other = EpochAugmentation(settings, 20, PAIR, seed, epoch)(given)
        assert not torch.equal(other.codes, whole.codes)


def test_augmented_example_is_a_shift_then_perhaps_the_other_strand():
    given = batch()
    augment = EpochAugmentation(Augmentation(reverse_complement=True, shift_bp=3), 20, PAIR, seed=1, epoch=0)
    result = augment(given)
    codes = shift(given.codes, augment.by)
    turned = reverse_complement(codes, given.target, PAIR)
    for row in range(20):
        expected = (turned[0][row], turned[1][row]) if augment.flip[row] else (codes[row], given.target[row])
        assert torch.equal(result.codes[row], expected[0])
        assert torch.equal(result.target[row], expected[1])


def test_distribution_of_the_draws():
    augment = EpochAugmentation(Augmentation(reverse_complement=True, shift_bp=2), 10_000, PAIR, seed=1, epoch=0)
    assert abs(augment.flip.float().mean() - 0.5) < 0.02
    counts = torch.bincount(augment.by + 2) / 10_000
    assert len(counts) == 5
    assert (counts - 0.2).abs().max() < 0.02


def test_nothing_happens_without_augmentation():
    given = batch()
    result = EpochAugmentation(Augmentation(), 20, PAIR, seed=1, epoch=0)(given)
    assert all(torch.equal(one, other) for one, other in zip(result, given, strict=True))
