"""1D-Swin: lengths, windows, shift, merging, against a dense float64 model of one layer written out here."""

import math

import pytest
import torch
from small_models import PAPER, SMALL, random_sequence, small_model
from torch.nn import functional as F

from regulens.models.attention import RelativeAttention
from regulens.models.base import build, halved
from regulens.models.layers import concatenate_pairs
from regulens.models.swin1d import SwinLayer, WindowBlock

BLOCK = {
    "heads": 3,
    "key_dim": 4,
    "families": ["exponential", "central_mask", "gamma"],
    "functions": 5,
    "expansion": 2,
    "depthwise_conv": True,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}

DROPPED = 0.7


def random_layer(window: int, width: int = 6, width_out: int = 5) -> SwinLayer:
    torch.manual_seed(0)
    layer = SwinLayer(width, width_out, window, True, **BLOCK).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.5)
    return layer


def dense_attention(x: torch.Tensor, attention: RelativeAttention, window: int, shift: int) -> torch.Tensor:
    """Window attention of (n, width) as attention over all n x n pairs with a mask, one head after the other.

    Token i is at place (i - shift) mod n of the rolled sequence; tokens meet whose places are in the same window.
    """
    n = len(x)
    place = (torch.arange(n) - shift) % n
    delta = place[None, :] - place[:, None]
    apart = place[None, :] // window != place[:, None] // window
    query, key, value = attention.project.weight.split(attention.heads * attention.key_dim)
    y = torch.zeros_like(x) + attention.output.bias
    for head in range(attention.heads):
        rows = slice(head * attention.key_dim, (head + 1) * attention.key_dim)
        q, k, v = (x @ part[rows].T for part in (query, key, value))
        r = attention.features @ attention.positions.weight[rows].T
        u, b = attention.content_bias[head], attention.position_bias[head]
        content = (q + u) @ k.T / math.sqrt(attention.key_dim)
        # Row d + window - 1 of r belongs to the distance d; pairs that never meet are masked whatever they get.
        position = ((q + b)[:, None] * r[(delta + window - 1).clamp(0, 2 * window - 2)]).sum(-1)
        weights = torch.softmax((content + position).masked_fill(apart, -torch.inf), dim=-1)
        y = y + weights @ v @ attention.output.weight[:, rows].T
    return y


def dense_block(x: torch.Tensor, block: WindowBlock, shift: int) -> torch.Tensor:
    """A whole block in the original order of tokens; the depth-wise convolution runs along the rolled one."""
    n, width = x.shape
    normed = F.layer_norm(x, (width,), block.norm.weight, block.norm.bias)
    x = x + DROPPED * dense_attention(normed, block.attention, block.window, shift)
    norm, widen, convolution, _, _, narrow, _ = block.feed_forward
    hidden = widen(F.layer_norm(x, (width,), norm.weight, norm.bias))
    mixed = torch.zeros_like(hidden)
    for i in range(n):
        place = (i - shift) % n
        for tap in (-1, 0, 1):
            if 0 <= place + tap < n:
                mixed[i] += convolution.weight[:, 0, tap + 1] * hidden[(i + tap) % n]
    return x + DROPPED * narrow(torch.relu(DROPPED * (mixed + convolution.bias)))


@pytest.mark.parametrize(("n", "window"), [(24, 8), (21, 8), (19, 6), (8, 8), (9, 5)])
def test_a_layer_equals_the_dense_model(monkeypatch, n, window):
    """With a known factor in place of every dropout, so that the sum shows where they are."""
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda self, x: DROPPED * x)
    layer = random_layer(window)
    x = torch.randn(2, n, 6, dtype=torch.float64)
    expected = []
    for example in x:
        y = dense_block(dense_block(example, layer.regular, 0), layer.shifted, window // 2)
        y = torch.cat([y, y[-1:]]) if n % 2 else y
        expected.append(torch.cat([y[0::2], y[1::2]], dim=1) @ layer.merge.weight.T + layer.merge.bias)
    torch.testing.assert_close(layer(x), torch.stack(expected))
    torch.testing.assert_close(layer(x, lambda *a: None), torch.stack(expected))


def test_a_window_over_everything_is_full_attention():
    torch.manual_seed(0)
    block = WindowBlock(6, 10, **BLOCK).double()
    x = torch.randn(2, 10, 6, dtype=torch.float64)
    torch.testing.assert_close(block._attend(x, None), block.attention(x))


def test_rolling_there_and_back():
    x = torch.arange(22.0).view(1, 11, 2)
    assert torch.equal(x.roll(-4, 1).roll(4, 1), x)
    assert torch.equal(x.roll(-4, 1)[0, 0], x[0, 4]), "window 0 of a shifted block starts at token offset = window // 2"


def test_maps_of_a_shifted_block_are_in_rolled_order():
    """Among equal tokens, the one that differs shows where the map puts it."""
    n, window, token = 24, 8, 14
    layer = random_layer(window)
    for block in (layer.regular, layer.shifted):
        torch.nn.init.zeros_(block.attention.positions.weight)
        torch.nn.init.zeros_(block.attention.output.weight)
        torch.nn.init.zeros_(block.feed_forward[5].weight)
        torch.nn.init.zeros_(block.feed_forward[5].bias)
        torch.nn.init.zeros_(block.attention.output.bias)
    x = torch.zeros(1, n, 6, dtype=torch.float64)
    x[0, token] = torch.randn(6, dtype=torch.float64)
    found = {}
    layer(x, lambda block, offset, weights: found.update({block: (offset, weights)}))
    for block, (offset, weights) in found.items():
        assert offset == (0 if block == "regular" else window // 2)
        assert weights.shape == (1, 3, 3, window, window)
        peaked = (weights[0] - weights[0].median(-1, keepdim=True).values).abs().sum((0, 2)).flatten()
        place = int(peaked.argmax())
        assert (offset + place) % n == token


def test_lengths_of_the_paper():
    """Tokens of layers 1 to 8 with and without padding, 4 windows of 140 in layer 6 (docs/papers.md, "Geometry")."""
    padded, bare = [17920, 8960, 4480, 2240, 1120, 560, 280, 140], [17712, 8856, 4428, 2214, 1107, 554, 277, 139]
    assert [halved(17920, k) for k in range(8)] == padded
    assert [halved(17712, k) for k in range(8)] == bare
    assert (PAPER.padded_bp, PAPER.padded_bins, PAPER.crop_bins) == (17920, 140, 30)
    model = small_model("swin1d", PAPER, windows=140).eval()
    maps = {(m.layer, m.block): m for m in model.attention(random_sequence(1, 17712))}
    regular = [maps[layer, "regular"] for layer in range(1, 8)]
    assert [m.tokens for m in regular] == padded[:7]
    assert [m.weights.shape[2] for m in regular] == [128, 64, 32, 16, 8, 4, 2]
    assert [m.bp_per_token for m in regular] == [1, 2, 4, 8, 16, 32, 64]
    assert maps[6, "shifted"].offset == 70
    assert (maps[8, "full"].tokens, maps[8, "full"].start_bp) == (80, 30 * 128)
    seen = []
    with torch.no_grad():
        model.halve(random_sequence(1, 17712), seen.append)
    assert [m.tokens for m in seen if m.block == "regular"] == bare[:7]
    assert next(m.weights.shape[2] for m in seen if m.layer == 6) == 4


def test_pairs_put_neighbours_side_by_side():
    x = torch.arange(10.0).view(1, 5, 2)
    assert concatenate_pairs(x).tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 8, 9]]]


def test_merging_by_concatenation_alone():
    widths = [4 * 2 ** (k + 1) for k in range(7)]
    settings = SMALL["swin1d"] | {"embedding_width": 4, "widths": widths, "merge": "concat"}
    model = build("swin1d", settings, PAPER, 2)
    assert isinstance(model.layers[0].merge, torch.nn.Identity)
    assert [stage.width for stage in model.describe() if stage.kind == "merge"] == widths


def test_crop_behind_the_transformer_lets_it_see_the_flanks():
    x = random_sequence(1, PAPER.input_bp)
    changed = x.clone()
    changed[..., :200] = changed[..., :200].flip(1)
    for crop, sees in (("before", False), ("after", True)):
        settings = {"crop": crop, "windows": 8, "depthwise_conv": False}
        model = small_model("swin1d", PAPER, **settings).eval()
        torch.nn.init.normal_(model.transformer.blocks[0].attention.output.weight)
        assert model.attention(x)[-1].tokens == (140 if sees else 80)
        with torch.no_grad():
            assert (not torch.equal(model(x)[:, -1], model(changed)[:, -1])) == sees


def test_a_window_longer_than_the_layer_is_cut_to_it():
    model = small_model("swin1d", PAPER, windows=200).eval()
    with torch.no_grad():
        last = [m for m in model.attention(random_sequence(1, PAPER.input_bp)) if m.layer == 7]
    assert [tuple(m.weights.shape[2:]) for m in last] == [(2, 200, 200)] * 2
    small = small_model("swin1d", windows=140)
    assert small.layers[-1].window == 2 * 9


def test_linear_weights_start_small():
    model = small_model("swin1d", init_sd=0.1)
    weight = torch.cat([layer.regular.attention.project.weight.flatten() for layer in model.layers])
    assert weight.abs().max() <= 0.2
    assert 0.08 < weight.std() < 0.1
    assert not model.head.bias.any()
