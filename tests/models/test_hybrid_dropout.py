"""Dropout with a stream of masks for each trial."""

import pytest
import torch

from regulens.models import hybrid
from regulens.models.hybrid import TrialDropout


def masks(dropout: TrialDropout, trials: int, rates=(0.1, 0.5, 0.1), shape=(50, 7, 3)) -> torch.Tensor:
    return torch.cat([dropout(torch.ones(trials, *shape), rate) for rate in rates], dim=1)


@pytest.mark.parametrize("block", [1 << 18, 100, 1500])
def test_a_trial_has_the_same_masks_alone_and_in_company(monkeypatch, block):
    monkeypatch.setattr(hybrid, "_BLOCK", block)
    together, reordered = masks(TrialDropout([5, 6, 7]), 3), masks(TrialDropout([7, 5]), 2)
    for place, seed in enumerate([5, 6, 7]):
        torch.testing.assert_close(together[place], masks(TrialDropout([seed]), 1)[0], rtol=0, atol=0)
    assert torch.equal(reordered[0], together[2])
    assert not torch.equal(together[0], together[1])


def test_the_rate_is_the_share_of_zeros_and_the_mean_stays():
    dropped = TrialDropout([1, 2])(torch.ones(2, 1000, 100), 0.1)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 1 / 0.9], rel=1e-4)
    # 100,000 values: a standard error of 0.00095.
    assert (dropped == 0).double().mean(dim=(1, 2)).tolist() == pytest.approx([0.1, 0.1], abs=0.004)
    halves = TrialDropout([3])(torch.ones(1, 1000, 100), 0.5)
    assert (halves == 0).double().mean().item() == pytest.approx(0.5, abs=0.007)


def test_an_epoch_begins_the_same_way_each_time_and_differs_from_others():
    dropout = TrialDropout([1])
    dropout.start(3)
    third = masks(dropout, 1)
    further = masks(dropout, 1)
    dropout.start(4)
    fourth = masks(dropout, 1)
    dropout.start(3)
    assert torch.equal(masks(dropout, 1), third)
    assert not torch.equal(third, fourth)
    assert not torch.equal(third, further)


def test_gradients_pass_where_values_passed():
    x = torch.randn(1, 20, 30, requires_grad=True)
    y = TrialDropout([1])(x, 0.3)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x, y)
    assert 0 < (x.grad == 0).sum() < 600


def test_rate_zero_changes_nothing_and_draws_nothing():
    dropout, x = TrialDropout([1]), torch.randn(1, 4, 5)
    assert dropout(x, 0.0) is x
    assert torch.equal(dropout(x, 0.5), TrialDropout([1])(x, 0.5))


def test_more_trials_than_seeds_are_an_error():
    with pytest.raises(ValueError, match="3 trials, but dropout has seeds for 2"):
        TrialDropout([1, 2])(torch.ones(3, 4), 0.1)
