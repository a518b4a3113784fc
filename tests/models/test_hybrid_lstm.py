"""The BiLSTM: against a step-by-step reference and nn.LSTM, gradients, Keras's first weights."""

import pytest
import torch
from torch import nn

from regulens.models.hybrid import TrialBiLSTM

UNITS = 3


@pytest.fixture
def layer():
    torch.manual_seed(1)
    layer = TrialBiLSTM(2, 5, 2 * UNITS).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


def reference(x, weight, recurrent, bias, activation):
    """One direction of one trial, as it is written in textbooks: x (B, L, C) to (B, L, u)."""
    hidden = cell = x.new_zeros(len(x), UNITS)
    outputs = []
    for step in range(x.shape[1]):
        o, i, f, candidate = (x[:, step] @ weight.T + hidden @ recurrent.T + bias).split(UNITS, dim=-1)
        cell = f.sigmoid() * cell + i.sigmoid() * activation(candidate)
        hidden = o.sigmoid() * activation(cell)
        outputs.append(hidden)
    return torch.stack(outputs, dim=1)


def both_directions(layer, x):
    trials = []
    for trial, sequence in enumerate(x):
        weights = [(layer.weight[trial, d], layer.recurrent[trial, d], layer.bias[trial, d]) for d in range(2)]
        forwards = reference(sequence, *weights[0], torch.tanh)
        backwards = reference(sequence.flip(1), *weights[1], torch.relu).flip(1)
        trials.append(torch.cat([forwards, backwards], dim=-1))
    return torch.stack(trials)


@pytest.mark.parametrize("length", [1, 2, 9])
def test_outputs_and_gradients_are_those_of_the_step_by_step_reference(layer, length):
    x = torch.randn(2, 4, length, 5, dtype=torch.float64, requires_grad=True)
    y, expected = layer(x), both_directions(layer, x)
    torch.testing.assert_close(y, expected)
    upstream, tensors = torch.randn_like(y), [x, *layer.parameters()]
    gradients = torch.autograd.grad(y, tensors, upstream)
    for gradient, wanted in zip(gradients, torch.autograd.grad(expected, tensors, upstream), strict=True):
        torch.testing.assert_close(gradient, wanted)


def test_weights_alone_have_gradients_when_the_input_needs_none(layer):
    x = torch.randn(2, 4, 6, 5, dtype=torch.float64)
    gradients = torch.autograd.grad(layer(x).sum(), list(layer.parameters()))
    expected = torch.autograd.grad(both_directions(layer, x).sum(), list(layer.parameters()))
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted)


def test_the_forward_direction_is_torchs_lstm(layer):
    fused = nn.LSTM(5, UNITS, batch_first=True).double()
    # torch's rows are input gate, forget gate, candidate, output gate.
    order = torch.cat([torch.arange(UNITS) + UNITS * block for block in (1, 2, 3, 0)])
    with torch.no_grad():
        fused.weight_ih_l0.copy_(layer.weight[0, 0][order])
        fused.weight_hh_l0.copy_(layer.recurrent[0, 0][order])
        fused.bias_ih_l0.copy_(layer.bias[0, 0][order])
        fused.bias_hh_l0.zero_()
    x = torch.randn(2, 4, 9, 5, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[0, ..., :UNITS], fused(x[0])[0])


def test_the_backward_direction_begins_at_the_end_and_is_never_negative(layer):
    x = torch.randn(2, 4, 9, 5, dtype=torch.float64)
    changed = x.clone()
    changed[:, :, 5] += 1
    before, after = layer(x), layer(changed)
    moved = (before != after).any(dim=(0, 1))
    assert moved[5:, :UNITS].all()
    assert not moved[:5, :UNITS].any()
    assert not moved[6:, UNITS:].any()
    assert moved[:6, UNITS:].any(dim=1).all()
    assert (before[..., UNITS:] >= 0).all()


def test_first_weights_are_keras_ones():
    layer = TrialBiLSTM(2, 5, 8)
    layer.initialise(1, "glorot", torch.Generator().manual_seed(0))
    assert not layer.weight[0].any()
    for direction in range(2):
        recurrent = layer.recurrent[1, direction]
        torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(4))
        assert layer.bias[1, direction].tolist() == [0] * 8 + [1] * 4 + [0] * 4  # output, input, forget, candidate
    limit = (6 / (5 + 16)) ** 0.5
    assert 0.9 * limit < layer.weight[1].abs().max() <= limit
    assert layer.weight.grad_fn is None
    assert not torch.equal(layer.weight[1, 0], layer.weight[1, 1])
