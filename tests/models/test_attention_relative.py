"""Basis functions, relative shift and attention with relative positions."""

import math

import pytest
import torch
from torch import nn

from regulens.models import attention as attention_module
from regulens.models.attention import (
    RelativeAttention,
    Transformer,
    TransformerBlock,
    TransformerSettings,
    basis_functions,
    relative_shift,
    sinusoidal_positions,
)

FAMILIES = ["exponential", "central_mask", "gamma"]


def test_relative_shift_puts_distance_j_minus_i_at_i_j():
    t = 7
    x = torch.randn(2, 3, t, 2 * t - 1)
    shifted = relative_shift(x)
    for i in range(t):
        for j in range(t):
            assert torch.equal(shifted[..., i, j], x[..., i, (j - i) + t - 1])
    assert shifted.data_ptr() == x[..., t - 1 :].data_ptr(), "no copy"


@pytest.mark.parametrize("length", [5, 16, 140])
def test_basis_functions_against_their_formulas(length):
    n = 6
    features = basis_functions(FAMILIES, n, length)
    assert features.shape == (2 * length - 1, 2 * 3 * n)
    for row, distance in zip(features, range(-(length - 1), length), strict=True):
        d = abs(distance)
        expected = []
        for i in range(n):
            steps = 3 + (math.log2(length) - 3) * i / (n - 1)
            expected.append(2 ** (-d / 2**steps))
        expected += [float(d < 2**i - 1) for i in range(1, n + 1)]
        density = []
        for i in range(n):
            mean, deviation = length / n + (length - length / n) * i / (n - 1), length / (2 * n)
            shape, rate = (mean / deviation) ** 2, mean / deviation**2
            value = (
                math.exp((shape - 1) * math.log(d) - rate * d + shape * math.log(rate) - math.lgamma(shape)) if d else 0
            )
            density.append(value + 1e-8)
        expected += [value / max(density) for value in density]
        sign = (distance > 0) - (distance < 0)
        torch.testing.assert_close(row, torch.tensor(expected + [sign * e for e in expected], dtype=torch.float64))


def test_basis_functions_at_distance_zero():
    zero = basis_functions(FAMILIES, 32, 140)[139]
    assert torch.equal(zero[:96], torch.ones(96, dtype=torch.float64)), "gamma too, with its maximum by distance"
    assert not zero[96:].any()


def test_gamma_functions_are_computed_in_double_precision():
    features = basis_functions(["gamma"], 32, 1536)
    assert features.dtype == torch.float64
    assert features.isfinite().all()
    torch.testing.assert_close(features[:, :32].amax(1), torch.ones(2 * 1536 - 1, dtype=torch.float64))


def attention(scale_query: bool = False, **settings) -> RelativeAttention:
    torch.manual_seed(0)
    sizes = {"width": 6, "length": 9, "heads": 3, "key_dim": 4, "value_dim": 5} | settings
    return RelativeAttention(**sizes, families=FAMILIES, functions=4, scale_query=scale_query).double()


def test_queries_are_scaled_before_the_biases_in_enformer():
    module = attention(scale_query=True)
    x = torch.randn(1, 9, 6, dtype=torch.float64)
    query, key, _ = (x[0] @ part.T for part in module.project.weight.split([12, 12, 15]))
    keep = []
    module(x, keep=keep)
    for head in range(3):
        channels = slice(4 * head, 4 * head + 4)
        q, k = query[:, channels] * 4**-0.5, key[:, channels]
        r = module.features @ module.positions.weight[channels].T
        logits = torch.empty(9, 9, dtype=torch.float64)
        for i in range(9):
            for j in range(9):
                content = (q[i] + module.content_bias[head]) @ k[j]
                logits[i, j] = content + (q[i] + module.position_bias[head]) @ r[j - i + 8]
        torch.testing.assert_close(keep[0][0, head], torch.softmax(logits, -1))


@pytest.mark.parametrize("scale_query", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("group", [1, 9 * 9 * 2, 1 << 18], ids=["one window", "unequal groups", "one group"])
def test_three_ways_to_compute_attention_agree(monkeypatch, scale_query, padded, group):
    """Written for CPUs in groups of windows, scaled_dot_product_attention, explicit softmax: values and gradients."""
    monkeypatch.setattr(attention_module, "GROUP", group)
    module = attention(scale_query)
    padding = None
    if padded:
        padding = torch.zeros(5, 9, dtype=torch.float64)
        padding[1, 6:] = padding[4, 1:] = -torch.inf
    found = []
    for way in ("cpu", "fused", "explicit"):
        monkeypatch.setattr(RelativeAttention, "_written_for_cpu", staticmethod(lambda x, way=way: way == "cpu"))
        x = torch.randn(5, 9, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
        y = module(x, padding, keep=[] if way == "explicit" else None)
        gradients = torch.autograd.grad((y * torch.linspace(-1, 2, 6)).square().sum(), [x, *module.parameters()])
        found.append([y, *gradients])
    for others in found[1:]:
        for mine, other in zip(found[0], others, strict=True):
            torch.testing.assert_close(mine, other)


def test_padding_keys_have_no_weight():
    module = attention()
    padding = torch.zeros(2, 9, dtype=torch.float64)
    padding[1, 4:] = -torch.inf
    keep, x = [], torch.randn(2, 9, 6, dtype=torch.float64)
    y = module(x, padding, keep)
    assert not keep[0][1, ..., 4:].any()
    torch.testing.assert_close(keep[0].sum(-1), torch.ones(2, 3, 9, dtype=torch.float64))
    x[1, 4:] = 7
    torch.testing.assert_close(module(x, padding)[1, :4], y[1, :4])


def test_gradient_with_dropout_of_weights(monkeypatch):
    monkeypatch.setattr(attention_module, "GROUP", 2 * 4 * 4)
    module = attention(length=4, attention_dropout=0.4)

    def repeatable(x, projection):
        torch.manual_seed(3)
        return torch.func.functional_call(module, {"project.weight": projection}, (x,))

    x = torch.randn(3, 4, 6, dtype=torch.float64, requires_grad=True)
    projection = module.project.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(repeatable, (x, projection))


def test_dropout_of_positions_is_in_training_only():
    module, x = attention(position_dropout=0.5), torch.randn(1, 9, 6, dtype=torch.float64)
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))


def test_a_transformer_block_hands_on_its_rates():
    rates = {"dropout": 0.3, "attention_dropout": 0.2, "position_dropout": 0.1}
    block = TransformerBlock(8, 5, TransformerSettings(heads=2, key_dim=4, functions=3, **rates))
    assert (block.attention.attention_dropout, block.attention.position_dropout) == (0.2, 0.1)
    assert [part.p for part in block.modules() if isinstance(part, torch.nn.Dropout)] == [0.3] * 3


def test_dropout_of_weights_keeps_the_mean():
    module = attention(attention_dropout=0.3)
    x = torch.randn(1, 9, 6, dtype=torch.float64)
    with torch.no_grad():
        several = module(x.expand(20000, -1, -1))
        expected = module.eval()(x)
    assert several.std(0).min() > 0.01
    torch.testing.assert_close(several.mean(0), expected[0], atol=0.03, rtol=0)


def transformer(**settings) -> Transformer:
    torch.manual_seed(0)
    found = Transformer(8, 12, TransformerSettings(depth=2, heads=2, key_dim=4, functions=3, **settings)).eval()
    for block in found.blocks:
        nn.init.normal_(block.attention.output.weight, std=0.3)
    return found


def test_sinusoidal_positions_are_those_of_the_lecture():
    found = sinusoidal_positions(5, 6, n=100.0)
    for k in range(5):
        for i in range(3):
            angle = k / 100 ** (2 * i / 6)
            assert found[k, 2 * i : 2 * i + 2].tolist() == pytest.approx([math.sin(angle), math.cos(angle)], abs=1e-6)
    assert sinusoidal_positions(5, 7).shape == (5, 7)


def test_without_positions_the_order_of_tokens_does_not_matter():
    x, order = torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(1)), torch.randperm(12)
    for positions, same in (("none", True), ("sinusoidal", False), ("relative", False)):
        block = transformer(positions=positions)
        with torch.no_grad():
            assert torch.allclose(block(x[:, order]), block(x)[:, order], atol=1e-5) == same


def test_tokens_further_apart_than_the_reach_do_not_attend():
    x = torch.randn(1, 12, 8, generator=torch.Generator().manual_seed(1))
    block, seen = transformer(reach=2), []
    with torch.no_grad():
        before = block(x, lambda _, weights: seen.append(weights))
        x[:, 11] *= -1
        after = block(x)
    distance = (torch.arange(12)[:, None] - torch.arange(12)).abs()
    for weights in seen:
        assert weights[..., distance > 2].abs().max() == 0
        torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, 12))
    # Two blocks reach over four tokens.
    changed = ((before - after).abs() > 1e-5).any(-1)[0]
    assert torch.equal(changed, torch.arange(12) >= 7)
