"""Dropout with a stream of masks for each trial."""

from itertools import count

import pytest
import torch
from hybrids import ARCHITECTURES, SMALL, sequences

from regulens.models import hybrid
from regulens.models.hybrid import HybridNetwork, TrialDropout
from regulens.models.settings import HybridNetworkSettings


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


FIRST, POOLED, LSTM, ATTENTION = (13, 6), (2, 6), (2, 8), (2, 10)
BLOCK = [(2, 8), (2, 5), (2, 8)]
"""After the attention, in the feed-forward part, after it."""


def doubled(place: int):
    """Doubles what would be dropped at one place of a network."""
    turn = count()
    return lambda values, _: 2 * values if next(turn) == place else values


@pytest.mark.parametrize(
    ("name", "attention", "expected"),
    [
        ("c24", 10, [POOLED]),
        ("c4c6", 10, [FIRST, POOLED]),
        ("c4", 10, [FIRST, LSTM]),
        ("c24_att", 10, [POOLED, ATTENTION]),
        ("c4c6_lstm_att", 10, [FIRST, POOLED, LSTM, ATTENTION]),
        ("c4_att", 10, [FIRST, LSTM, ATTENTION]),
        ("c24_trans1", 8, [POOLED, LSTM, *BLOCK]),
        ("c4_trans2", 8, [FIRST, LSTM, *BLOCK, *BLOCK]),
    ],
)
def test_networks_drop_after_pools_lstm_and_attention_and_the_dense_layer_at_its_own_rate(name, attention, expected):
    """Length and channels of what is dropped (docs/papers.md, "Network architectures"), and what comes of it."""
    baseline, modules = ARCHITECTURES[name]
    sizes = SMALL.model_copy(update={"attention": attention, "dropout": 0.2, "dense_dropout": 0.4})
    settings = HybridNetworkSettings(baseline=baseline, modules=modules, sizes=sizes, input_bp=53, classes=3)
    network, x, calls = HybridNetwork(settings, 1).eval(), sequences(1, 2), []

    def kept(values, rate):
        calls.append((values[0, 0].numel(), rate))
        return values

    logits = network(x, kept)
    assert calls == [(length * channels, 0.2) for length, channels in expected] + [(SMALL.dense, 0.4)]
    assert not any(torch.equal(network(x, doubled(place)), logits) for place in range(len(calls)))
