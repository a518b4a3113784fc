"""Pooling, convolutions, dilations, and the architectures with the shared trunk against float64 models written out."""

import math

import pytest
import torch
from small_models import PAPER, TINY, random_sequence, small_model
from torch.nn import functional as F

from regulens.models.attention import basis_functions
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


KNOWN = 0.7
"""Factor of a known dropout: x (1 + KNOWN p) in place of x, so that a sum shows the place and rate of every dropout."""


class Written:
    """A model with the shared trunk, written out from docs/papers.md: example (4, padded bp) to (bins, width).

    It takes the weights by name; of the layers' own code it uses only the basis functions of the relative distance.
    """

    def __init__(self, model, crop_first: bool):
        self.model, self.crop_first = model, crop_first
        self.weights = dict(model.named_parameters())

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        model, x = self.model, x.T
        for k in range(7):
            stem = f"tower.{k}.0"
            x = self.block(x, stem) if k else self.convolution(x, stem)
            x = x + self.block(x, f"tower.{k}.1.branch.0")
            pair = x.reshape(-1, 2, x.shape[1])
            if model.architecture == "maxpool_cnn":
                x = torch.maximum(pair[:, 0], pair[:, 1])
            else:
                x = (torch.softmax(pair @ self.weights[f"tower.{k}.2.weight"].T, dim=1) * pair).sum(1)
        x = x[3:6] if self.crop_first else x
        for unit, dilation in enumerate([1, 2, 3]) if model.architecture == "attpool_dilated" else []:
            x = x + self.dilated(x, f"top.{unit}", dilation)
        for block in range(2) if model.architecture == "enformer" else []:
            x = self.transformer(x, f"top.blocks.{block}")
        x = x if self.crop_first else x[3:6]
        return self.gelu(self.dropped(self.block(x, "pointwise"), 0.05))

    @staticmethod
    def gelu(x):
        return x / (1 + torch.exp(-1.702 * x))

    @staticmethod
    def dropped(x, rate: float):
        return x * (1 + KNOWN * rate)

    def norm(self, x, name: str):
        centred = x - x.mean(1, keepdim=True)
        scaled = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def linear(self, x, name: str):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def convolution(self, x, name: str, dilation: int = 1):
        """y_i = bias + sum over taps t of W_t x_(i + t dilation), with zeros beyond both ends."""
        weight = self.weights[f"{name}.weight"]
        y = self.weights[f"{name}.bias"].expand(len(x), -1).clone()
        for tap in range(weight.shape[2]):
            shift = (tap - weight.shape[2] // 2) * dilation
            for i in range(max(0, -shift), min(len(x), len(x) - shift)):
                y[i] += weight[:, :, tap] @ x[i + shift]
        return y

    def block(self, x, name: str):
        return self.convolution(self.gelu(self.norm(x, f"{name}.norm")), f"{name}.conv")

    def dilated(self, x, name: str, dilation: int):
        y = self.norm(self.convolution(self.gelu(x), f"{name}.dilated", dilation), f"{name}.inner_norm")
        return self.dropped(self.norm(self.convolution(self.gelu(y), f"{name}.back"), f"{name}.norm"), 0.3)

    def transformer(self, x, name: str):
        x = x + self.dropped(self.attention(self.norm(x, f"{name}.norm"), f"{name}.attention"), 0.4)
        feed_forward = f"{name}.feed_forward"
        hidden = self.dropped(self.linear(self.norm(x, f"{feed_forward}.0"), f"{feed_forward}.1"), 0.4)
        return x + self.dropped(self.linear(hidden.clamp(min=0), f"{feed_forward}.4"), 0.4)

    def attention(self, x, name: str, heads: int = 2, size: int = 4):
        tokens, width = x.shape
        phi = basis_functions(["exponential", "central_mask", "gamma"], 3, tokens)
        projected = x @ self.weights[f"{name}.project.weight"].T
        query, key, value = projected.split([heads * size, heads * size, width], dim=1)
        mixed = []
        for head in range(heads):
            rows = slice(head * size, head * size + size)
            q, k, v = query[:, rows] / math.sqrt(size), key[:, rows], value.chunk(heads, 1)[head]
            r = phi @ self.weights[f"{name}.positions.weight"][rows].T
            logits = (q + self.weights[f"{name}.content_bias"][head]) @ k.T
            for i in range(tokens):
                for j in range(tokens):
                    logits[i, j] += (q[i] + self.weights[f"{name}.position_bias"][head]) @ r[j - i + tokens - 1]
            mixed.append(torch.softmax(logits, dim=1) @ v)
        return self.linear(torch.cat(mixed, 1), f"{name}.output")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("maxpool_cnn", {}),
        ("attpool_cnn", {}),
        ("attpool_dilated", {}),
        ("enformer", {}),
        ("enformer", {"crop": "before"}),
    ],
)
def test_architectures_with_the_shared_trunk_are_those_written_out(monkeypatch, name, settings):
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda self, x: Written.dropped(x, self.p))
    model = small_model(name, **settings).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
        x = random_sequence(1, TINY.input_bp).double()
        padded = F.pad(x[0], (76, 76))
        expected = Written(model, crop_first=bool(settings))(padded)
        torch.testing.assert_close(model.trunk(model.pad(x))[0], expected, rtol=1e-6, atol=1e-6)
        model.head.float()
        rates = (expected.float() @ model.head.weight.T + model.head.bias).double().exp().log1p()
        torch.testing.assert_close(model(x)[0].double(), rates, rtol=1e-5, atol=1e-5)
