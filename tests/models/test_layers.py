"""Pooling, convolutions, dilations and the shared convolutional trunk."""

import pytest
import torch
from small_models import PAPER, TINY, random_sequence, small_model
from torch.nn import functional as F

from regulens.models.layers import AttentionPool, DilatedUnit, MaxPool, TokenConv, dilations, gelu


@pytest.mark.parametrize("length", [8, 9])
def test_attention_pool_against_loops(length):
    torch.manual_seed(0)
    pool, x = AttentionPool(5).double(), torch.randn(2, length, 5, dtype=torch.float64)
    torch.nn.init.normal_(pool.weight)
    y = pool(x)
    assert y.shape == (2, -(-length // 2), 5)
    for b in range(2):
        for window in range(y.shape[1]):
            members = x[b, 2 * window : 2 * window + 2]  # one member at the end of an odd length
            logits = members @ pool.weight.T
            for c in range(5):
                torch.testing.assert_close(y[b, window, c], (torch.softmax(logits[:, c], 0) * members[:, c]).sum())


def test_attention_pool_between_mean_and_maximum():
    x = torch.rand(1, 6, 3)
    torch.testing.assert_close(AttentionPool(3, gain=0)(x), x.view(1, 3, 2, 3).mean(2))
    torch.testing.assert_close(AttentionPool(3, gain=2)(1e4 * x), 1e4 * x.view(1, 3, 2, 3).amax(2))
    assert torch.equal(AttentionPool(3).weight, 2 * torch.eye(3))


def test_max_pool_takes_the_larger_and_keeps_a_single_token():
    x = torch.randn(2, 7, 3)
    expected = torch.stack([x[:, 2 * k : 2 * k + 2].amax(1) for k in range(4)], dim=1)
    assert torch.equal(MaxPool()(x), expected)


@pytest.mark.parametrize(("kernel", "dilation", "groups"), [(1, 1, 1), (5, 1, 1), (3, 4, 1), (3, 1, 6)])
def test_token_convolution_is_a_convolution_of_the_transposed_tokens(kernel, dilation, groups):
    torch.manual_seed(0)
    conv = TokenConv(6, 12, kernel, dilation, groups).double()
    x = torch.randn(2, 11, 6, dtype=torch.float64)
    padding = dilation * (kernel // 2)
    expected = F.conv1d(x.transpose(1, 2), conv.weight, conv.bias, 1, padding, dilation, groups).transpose(1, 2)
    torch.testing.assert_close(conv(x), expected)


def test_gelu_is_the_sigmoid_approximation():
    x = torch.linspace(-6, 6, 49, dtype=torch.float64)
    torch.testing.assert_close(gelu(x), x * torch.sigmoid(1.702 * x))


def test_dilations_grow_and_are_capped_by_the_sequence():
    assert dilations(11, 1.5, 200) == [1, 2, 3, 4, 6, 9, 14, 21, 32, 48, 72]
    assert dilations(11, 1.5, 140)[-1] == 70
    assert dilations(3, 2, 1) == [1, 1, 1]


def test_a_dilated_unit_starts_as_the_identity():
    unit, x = DilatedUnit(4, 3, 3, 2, 0.3).eval(), torch.randn(1, 10, 4)
    assert torch.equal(unit(x), x)


def test_transformer_blocks_start_without_attention():
    model = small_model("enformer")
    assert not model.top.blocks[0].attention.output.weight.any()


def test_pooling_distinguishes_the_two_cnns():
    assert not any("tower.0.2" in key for key in small_model("maxpool_cnn").state_dict())
    assert "tower.0.2.weight" in small_model("attpool_cnn").state_dict()


@pytest.mark.parametrize(("name", "reach"), [("maxpool_cnn", False), ("attpool_dilated", True), ("enformer", True)])
def test_only_a_top_carries_information_far(name, reach):
    """Bases of the left flank do not reach the last bin through convolutions and pooling alone."""
    model = small_model(name, PAPER if name != "attpool_dilated" else TINY).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        x = random_sequence(1, model.geometry.input_bp)
        changed = x.clone()
        changed[..., :20] = changed[..., :20].flip(1)
        assert (not torch.equal(model(x)[:, -1], model(changed)[:, -1])) == reach


def test_enformer_crops_before_its_transformer_on_request():
    x = random_sequence(1, PAPER.input_bp)
    for crop, tokens, start in (("after", 140, 0), ("before", 80, 30 * 128)):
        model = small_model("enformer", PAPER, crop=crop).eval()
        found = model.attention(x)
        assert [(m.layer, m.block, m.tokens, m.start_bp) for m in found] == [
            (1, "full", tokens, start),
            (2, "full", tokens, start),
        ]
        kinds = [stage.kind for stage in model.describe()]
        assert (kinds.index("crop") < kinds.index("transformer")) == (crop == "before")
