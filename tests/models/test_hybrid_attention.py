"""Attention and encoder blocks with an axis of trials."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from regulens.models.hybrid import TrialAttention, TrialDropout, TrialEncoderBlock


def drawn(layer: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    layer.double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


@pytest.mark.parametrize("trials", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_attention_is_scaled_dot_product_attention_of_each_head(trials, bias):
    layer, heads = drawn(TrialAttention(trials, 5, 12, 3, bias)), 3
    x = torch.randn(trials, 2, 7, 5, dtype=torch.float64)
    y = layer(x)
    assert (layer.qkv.bias is not None) == bias
    for trial in range(trials):
        biases = layer.qkv.bias[trial].chunk(3) if bias else [None] * 3
        parts = [F.linear(x[trial], *pair) for pair in zip(layer.qkv.weight[trial].chunk(3), biases, strict=True)]
        mixed = F.scaled_dot_product_attention(*(part.unflatten(-1, (heads, 4)).transpose(1, 2) for part in parts))
        expected = F.linear(mixed.transpose(1, 2).flatten(2), layer.output.weight[trial], layer.output.bias[trial])
        torch.testing.assert_close(y[trial], expected)


def test_attention_knows_no_positions():
    layer, x = drawn(TrialAttention(1, 5, 8, 2, True)), torch.randn(1, 2, 7, 5, dtype=torch.float64)
    order = torch.randperm(7)
    torch.testing.assert_close(layer(x[:, :, order]), layer(x)[:, :, order])


def test_an_encoder_block_is_torchs_with_normalisation_behind():
    block = drawn(TrialEncoderBlock(2, 8, 2, 6, 0.1, True))
    x = torch.randn(2, 3, 7, 8, dtype=torch.float64)
    y = block(x, None)
    for trial in range(2):
        reference = nn.TransformerEncoderLayer(8, 2, 6, dropout=0.0, layer_norm_eps=1e-6, batch_first=True).double()
        ours = {
            "self_attn.in_proj_weight": block.attention.qkv.weight,
            "self_attn.in_proj_bias": block.attention.qkv.bias,
            "self_attn.out_proj.weight": block.attention.output.weight,
            "self_attn.out_proj.bias": block.attention.output.bias,
            "norm1.weight": block.attention_norm.weight,
            "norm1.bias": block.attention_norm.bias,
            "linear1.weight": block.hidden.weight,
            "linear1.bias": block.hidden.bias,
            "linear2.weight": block.output.weight,
            "linear2.bias": block.output.bias,
            "norm2.weight": block.output_norm.weight,
            "norm2.bias": block.output_norm.bias,
        }
        reference.load_state_dict({name: tensor[trial] for name, tensor in ours.items()})
        torch.testing.assert_close(y[trial], reference(x[trial]))


def test_a_block_has_three_dropouts():
    shapes = []

    class Counted(TrialDropout):
        def __call__(self, x, rate):
            shapes.append((tuple(x.shape), rate))
            return super().__call__(x, rate)

    block = drawn(TrialEncoderBlock(1, 8, 2, 6, 0.2, True))
    block(torch.randn(1, 3, 7, 8, dtype=torch.float64), Counted([1]))
    assert shapes == [((1, 3, 7, 8), 0.2), ((1, 3, 7, 6), 0.2), ((1, 3, 7, 8), 0.2)]
