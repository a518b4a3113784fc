"""Layers with an axis of trials: against torch's own functions, Keras's running statistics, first weights."""

import math

import pytest
import torch
from torch.nn import functional as F

from regulens.models.hybrid import (
    TrialBatchNorm,
    TrialConvolution,
    TrialLayerNorm,
    TrialLinear,
    draw_weights,
    max_pool,
)


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("width", [1, 4, 7])
@pytest.mark.parametrize("shared", [True, False])
def test_convolution_is_torchs_with_same_padding(width, shared):
    layer = TrialConvolution(3, 4, 5, width)
    torch.nn.init.normal_(layer.weight)
    x = torch.randn(1 if shared else 3, 4, 2, 11, requires_grad=True)
    upstream = torch.randn(3, 5, 2, 11)
    y = layer(x)
    gradients = torch.autograd.grad(y, [x, layer.weight], upstream)

    inputs = x.expand(3, -1, -1, -1).transpose(1, 2)
    padded = F.pad(inputs, ((width - 1) // 2, width // 2))  # Keras puts the larger half of an odd sum on the right
    expected = torch.stack([F.conv1d(*pair) for pair in zip(padded, layer.weight, strict=True)]).transpose(1, 2)
    torch.testing.assert_close(y, expected)
    for gradient, reference in zip(gradients, torch.autograd.grad(expected, [x, layer.weight], upstream), strict=True):
        torch.testing.assert_close(gradient, reference)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_torchs_for_each_trial(training):
    layer = TrialBatchNorm(2, 3).train(training)
    with torch.no_grad():
        for tensor in (layer.weight, layer.bias, layer.running_mean):
            tensor.normal_()
        layer.running_variance.uniform_(0.5, 2)
    x, statistics = torch.randn(2, 3, 4, 5), (layer.running_mean.clone(), layer.running_variance.clone())
    y = layer(x)
    for trial in range(2):
        mean, variance = (statistic[trial].clone() for statistic in statistics)
        parts = (x[trial].transpose(0, 1), mean, variance, layer.weight[trial], layer.bias[trial])
        expected = F.batch_norm(*parts, training, 0.01, 1e-3)
        torch.testing.assert_close(y[trial].transpose(0, 1), expected)


def test_running_statistics_move_by_one_percent_to_the_mean_and_the_biased_variance():
    layer = TrialBatchNorm(1, 1).train()
    layer.units(torch.tensor([[[1.0], [3.0], [5.0], [7.0]]]))
    assert layer.running_mean.item() == pytest.approx(0.04)  # mean 4
    assert layer.running_variance.item() == pytest.approx(0.99 + 0.05)  # mean squared deviation 5, not 20 / 3
    layer.eval().units(torch.randn(1, 9, 1))
    assert layer.running_mean.item() == pytest.approx(0.04)


def test_units_are_normalised_like_values_at_one_position():
    x, layer = torch.randn(2, 6, 3), TrialBatchNorm(2, 3).train()
    torch.testing.assert_close(layer.units(x), layer(x.transpose(1, 2)[..., None])[..., 0].transpose(1, 2))


@pytest.mark.parametrize("trials", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_has_one_matrix_for_each_trial(trials, bias):
    layer = TrialLinear(trials, 4, 5, bias=bias)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(trials, 2, 7, 4)
    y = layer(x)
    for trial in range(trials):
        torch.testing.assert_close(
            y[trial], F.linear(x[trial], layer.weight[trial], layer.bias[trial] if bias else None)
        )


@pytest.mark.parametrize("trials", [1, 3])
def test_layer_norm_is_torchs_for_each_trial(trials):
    layer = TrialLayerNorm(trials, 4)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x = 1e-3 * torch.randn(trials, 2, 5, 4)  # small, so that eps shows
    y = layer(x)
    for trial in range(trials):
        expected = F.layer_norm(x[trial], (4,), layer.weight[trial], layer.bias[trial], 1e-6)
        torch.testing.assert_close(y[trial], expected)


def test_max_pool_leaves_out_the_remainder():
    x = torch.tensor([1.0, 5, 2, 3, 4, 9, 99]).view(1, 1, 1, 7)
    assert max_pool(x, 3).tolist() == [[[[5, 9]]]]
    assert max_pool(torch.randn(2, 3, 4, 9), 4).shape == (2, 3, 4, 2)


def test_first_weights_have_the_spread_of_their_rule():
    generator, weight = torch.Generator().manual_seed(0), torch.empty(200, 300)
    draw_weights(weight, 300, 200, "glorot", generator)
    limit = math.sqrt(6 / 500)
    assert 0.999 * limit < weight.abs().max() <= limit
    assert weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.01)
    draw_weights(weight, 300, 200, "he", generator)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 300), rel=0.01)
    assert weight.abs().max() <= 2 * math.sqrt(2 / 300) / 0.8796


def test_weights_are_the_same_in_every_precision():
    single, double = (torch.empty(5, 4, dtype=dtype) for dtype in (torch.float32, torch.float64))
    for weight in (single, double):
        draw_weights(weight, 4, 5, "glorot", torch.Generator().manual_seed(0))
    assert torch.equal(single.double(), double)


def test_parts_of_a_dense_layer_are_drawn_as_if_each_stood_alone():
    layer = TrialLinear(1, 100, 3 * 50, parts=3)
    layer.initialise(0, "glorot", torch.Generator().manual_seed(0))
    limit = math.sqrt(6 / 150)
    assert all(0.99 * limit < part.abs().max() <= limit for part in layer.weight[0].chunk(3))


def test_convolution_weights_count_width_into_both_fans():
    layer = TrialConvolution(1, 4, 32, 19)
    layer.initialise(0, "glorot", torch.Generator().manual_seed(0))
    limit = math.sqrt(6 / (19 * 4 + 19 * 32))
    assert 0.99 * limit < layer.weight.abs().max() <= limit
