"""Multi-head self-attention with relative positions, and Transformer blocks.

Used by 1D-Swin, with windows folded into the batch, and by the Transformer blocks, over all tokens.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from regulens.core.settings import Settings
from regulens.models.layers import Probability, Width

Family = Literal["exponential", "central_mask", "gamma"]

GROUP = 1 << 18
"""Maximum number of weights (w x w) of one group of windows: 1 MB in float32, about half of an L2 cache."""


class RelativeAttention(nn.Module):
    """Multi-head self-attention over a fixed length, with learned functions of the relative distance.

    logits_ij = s (q_i + u) . k_j + (q_i + v) . r_{j-i} with r_d = P phi(d) and s = key_dim^-1/2; with ``scale_query``,
    as in Enformer, the queries are scaled before the biases are added: (s q_i + u) . k_j + (s q_i + v) . r_{j-i}. u and
    v are learned per head. Queries, keys and values have no bias, the output has one. See docs/papers.md, "Relative
    attention". Without ``families`` there is no position term; tokens more than ``reach`` apart do not attend.
    """

    def __init__(
        self,
        width: int,
        length: int,
        heads: int,
        key_dim: int,
        value_dim: int,
        families: list[Family],
        functions: int,
        attention_dropout: float = 0.0,
        position_dropout: float = 0.0,
        scale_query: bool = False,
        reach: int | None = None,
    ):
        super().__init__()
        self.heads, self.key_dim, self.value_dim = heads, key_dim, value_dim
        limit = None
        if reach is not None:
            distance = torch.arange(-(length - 1), length).abs()
            limit = torch.zeros(2 * length - 1).masked_fill(distance > reach, float("-inf"))
        self.register_buffer("limit", limit, persistent=False)
        self.attention_dropout, self.position_dropout = attention_dropout, position_dropout
        self.scale_query = scale_query
        features = basis_functions(families, functions, length).float()
        self.register_buffer("features", features, persistent=False)
        self.project = nn.Linear(width, heads * (2 * key_dim + value_dim), bias=False)
        self.positions = nn.Linear(features.shape[1], heads * key_dim, bias=False) if families else None
        self.content_bias = nn.Parameter(torch.randn(heads, key_dim))
        self.position_bias = nn.Parameter(torch.randn(heads, key_dim))
        self.output = nn.Linear(heads * value_dim, width)

    def forward(self, x: Tensor, padding: Tensor | None = None, keep: list[Tensor] | None = None) -> Tensor:
        """(n, length, width) to the same shape.

        ``padding``: additive (n, length), -inf at padding keys.
        ``keep``: a list that the softmax weights (n, heads, length, length) are appended to.
        """
        scale = self.key_dim**-0.5
        # With scaled queries, s q + u = s (q + u / s): the bias is divided by s, and r absorbs the s of its term. The
        # queries below include u; the position term adds v - u.
        query_scale = scale if self.scale_query else 1.0
        query_bias = self.content_bias / query_scale
        surplus = (self.position_bias - self.content_bias) / query_scale
        phi = F.dropout(self.features, self.position_dropout, self.training)
        r = x.new_zeros(len(phi), self.heads * self.key_dim) if self.positions is None else self.positions(phi)
        r = r.mul(query_scale).unflatten(-1, (self.heads, -1)).permute(1, 2, 0)
        dropout = self.attention_dropout if self.training else 0.0
        if keep is None and self.limit is None and self._written_for_cpu(x):
            return self._on_cpu(x, padding, scale, dropout, query_bias, surplus, r)

        sizes = self._sizes()
        qkv = F.linear(x, self.project.weight, F.pad(query_bias.flatten(), (0, sizes[1] + sizes[2])))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in qkv.split(sizes, dim=-1))
        by_distance = (q + surplus[:, None].to(q.dtype)) @ r.to(q.dtype)
        bias = relative_shift(by_distance if self.limit is None else by_distance + self.limit.to(q.dtype))
        if padding is not None:
            bias = bias + padding[:, None, None].to(bias.dtype)
        if keep is None:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout, scale=scale)
        else:
            weights = torch.softmax((q @ k.transpose(-1, -2)).mul(scale) + bias, dim=-1)
            keep.append(weights)
            y = F.dropout(weights, dropout).to(v.dtype) @ v
        return self.output(y.transpose(1, 2).flatten(2))

    def _sizes(self) -> list[int]:
        """Sizes of queries, keys and values in the projection."""
        return [self.heads * self.key_dim, self.heads * self.key_dim, self.heads * self.value_dim]

    @staticmethod
    def _written_for_cpu(x: Tensor) -> bool:
        """Whether :class:`CPURelativeAttention` is used: on a CPU and in full precision."""
        return x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")

    def _on_cpu(self, x, padding, scale, dropout, query_bias, surplus, r) -> Tensor:
        projections = self.project.weight.split(self._sizes())
        query, key, value = (part.unflatten(0, (self.heads, -1)).transpose(1, 2).contiguous() for part in projections)
        output = self.output.weight.T.unflatten(0, (self.heads, -1)).contiguous()
        weights = HeadWeights(query, key, value, query_bias, surplus, r.contiguous(), output)
        return CPURelativeAttention.apply(x.contiguous(), padding, scale, dropout, *weights) + self.output.bias


# Relative positions: basis functions of the distance between tokens, and the relative shift.


def basis_functions(families: list[Family], functions: int, length: int) -> Tensor:
    """Features of the relative distances -(length-1) to length-1, float64 (2 length - 1, 2 families functions).

    Columns: all families of |d|, then the same times sign(d), 0 at d = 0 (docs/papers.md, "Relative basis functions").
    With n = ``functions``:

    * exponential: 2^(-|d| / h) with half-lives h = 2^(n steps from 3 to log2 length), decreasing below 8 tokens;
    * central_mask: 1 where |d| < 2^i - 1 for i = 1..n;
    * gamma: density of a gamma distribution of |d| with means in n steps from length / n to length and standard
      deviation length / (2 n), plus 1e-8, divided by the largest value *at that distance*, so that some function is 1
      at every distance. (DeepMind's code divides by the overall maximum, which matters only for weights trained with
      it.)

    Computed in float64, because gamma densities are inaccurate in float32.
    """
    distance = torch.arange(-(length - 1), length, dtype=torch.float64)
    size = distance.abs()[:, None]
    columns = []
    for family in families:
        if family == "exponential":
            half_life = 2 ** torch.linspace(3, math.log2(length), functions, dtype=torch.float64)
            columns.append(2 ** (-size / half_life))
        elif family == "central_mask":
            reach = 2 ** torch.arange(1, functions + 1, dtype=torch.float64) - 1
            columns.append((size < reach).double())
        else:
            mean = torch.linspace(length / functions, length, functions, dtype=torch.float64)
            deviation = length / (2 * functions)
            density = _gamma_density(size, (mean / deviation) ** 2, mean / deviation**2) + 1e-8
            columns.append(density / density.amax(dim=1, keepdim=True))
    symmetric = torch.cat(columns, dim=1) if columns else size.new_zeros(len(size), 0)
    return torch.cat([symmetric, distance.sign()[:, None] * symmetric], dim=1)


def sinusoidal_positions(length: int, width: int, n: float = 10_000.0) -> Tensor:
    """P(k, 2i) = sin(k / n^(2i / width)), P(k, 2i + 1) = cos of the same: float32 (length, width) (docs/papers.md)."""
    place = torch.arange(length, dtype=torch.float64)[:, None]
    even = torch.arange(0, width, 2, dtype=torch.float64)
    angle = place / n ** (even / width)
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, :width].float()


def _gamma_density(x: Tensor, concentration: Tensor, rate: Tensor) -> Tensor:
    log_density = torch.xlogy(concentration - 1, x) - rate * x
    return torch.exp(log_density + concentration * rate.log() - torch.lgamma(concentration))


def relative_shift(by_distance: Tensor) -> Tensor:
    """(..., t, 2t - 1) by distance to (..., t, t) by key: entry (i, j) is the input's (i, distance j - i).

    Column ``c`` of the input is the distance ``c - (t - 1)``. Row i starts one column earlier than row i - 1, so that
    the result is a view of the same memory with a row length of 2t - 2 (the Transformer-XL trick without a copy).
    """
    t = by_distance.shape[-2]
    if t == 1:
        return by_distance
    flat = by_distance.flatten(-2)[..., t - 1 : t - 1 + t * (2 * t - 2)]
    return flat.unflatten(-1, (t, 2 * t - 2))[..., :t]


# The same attention for CPUs, several times faster there than the general operators: ``scaled_dot_product_attention``
# has no fused CPU kernel if the bias needs a gradient, and then makes many passes over arrays of windows x heads x w x
# 2w numbers. This function does the same arithmetic for one head and one group of windows at a time, so that everything
# but the weights stays in the cache, with an explicit backward pass.


class HeadWeights(NamedTuple):
    """Parameters of the attention, heads first."""

    query: Tensor
    """(heads, width, key_dim)"""
    key: Tensor
    """(heads, width, key_dim)"""
    value: Tensor
    """(heads, width, value_dim)"""
    query_bias: Tensor
    """(heads, key_dim), added to the queries"""
    surplus: Tensor
    """(heads, key_dim), added to the biased queries in the position term"""
    positions: Tensor
    """(heads, key_dim, 2 t - 1), by distance from -(t - 1)"""
    output: Tensor
    """(heads, value_dim, width)"""


class CPURelativeAttention(torch.autograd.Function):
    """sum over heads of softmax(scale q k^T + shift((q + surplus) positions) + padding) v output.

    x: (n, t, width); padding: None or additive (n, t) for the keys; dropout: probability, of the weights.
    Returns (n, t, width), without the output's bias.
    """

    @staticmethod
    def forward(ctx, x: Tensor, padding: Tensor | None, scale: float, dropout: float, *parameters: Tensor) -> Tensor:
        w = HeadWeights(*parameters)
        n, t, width = x.shape
        heads = len(w.query)
        y = x.new_zeros(n, t, w.output.shape[-1])
        weights = x.new_empty(heads, n, t, t)
        kept = x.new_empty(heads, n, t, t, dtype=torch.bool) if dropout else None
        groups = _groups(n, t)
        by_distance = x.new_empty(groups[0].stop, t, 2 * t - 1)
        logits = x.new_empty(groups[0].stop, t, t)
        for group in groups:
            tokens, out = x[group].flatten(0, 1), y[group].flatten(0, 1)
            distances, scores = by_distance[: len(x[group])], logits[: len(x[group])]
            for h in range(heads):
                q, k, v = _project(tokens, w, h, t)
                torch.mm((q + w.surplus[h]).flatten(0, 1), w.positions[h], out=distances.flatten(0, 1))
                torch.baddbmm(relative_shift(distances), q, k.transpose(1, 2), alpha=scale, out=scores)
                if padding is not None:
                    scores += padding[group, None]
                a = torch.softmax(scores, -1, out=weights[h, group])
                if dropout:
                    a = scores.bernoulli_(1 - dropout)
                    kept[h, group] = a.bool()
                    a = a.mul_(weights[h, group]).div_(1 - dropout)
                out.addmm_(torch.bmm(a, v).flatten(0, 1), w.output[h])
        ctx.save_for_backward(x, weights, kept, *parameters)
        ctx.scale, ctx.dropout = scale, dropout
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y: Tensor):
        x, weights, kept, *parameters = ctx.saved_tensors
        w, scale = HeadWeights(*parameters), ctx.scale
        n, t, width = x.shape
        grad_y, grad_x = grad_y.contiguous(), torch.zeros_like(x)
        grad = HeadWeights(*(torch.zeros_like(parameter) for parameter in parameters))
        groups = _groups(n, t)
        by_distance = x.new_zeros(groups[0].stop, t, 2 * t - 1)  # elements outside the shifted view stay zero
        buffer = x.new_empty(groups[0].stop, t, t)
        for group in groups:
            m = len(x[group])
            tokens, grad_tokens = x[group].flatten(0, 1), grad_x[group].flatten(0, 1)
            upstream = grad_y[group].flatten(0, 1)
            for h in range(len(w.query)):
                q, k, v = _project(tokens, w, h, t)
                a = dropped = weights[h, group]
                grad_heads = (upstream @ w.output[h].T).unflatten(0, (m, t))
                grad_a = torch.bmm(grad_heads, v.transpose(1, 2), out=buffer[:m])
                if kept is not None:
                    dropped = a * kept[h, group] / (1 - ctx.dropout)
                    grad_a.mul_(kept[h, group]).div_(1 - ctx.dropout)
                grad.output[h].addmm_(torch.bmm(dropped, v).flatten(0, 1).T, upstream)
                grad_v = torch.bmm(dropped.transpose(1, 2), grad_heads).flatten(0, 1)
                grad_logits = torch._softmax_backward_data(grad_a, a, -1, a.dtype)
                relative_shift(by_distance[:m]).copy_(grad_logits)
                distances = by_distance[:m].flatten(0, 1)
                grad_q = distances @ w.positions[h].T
                grad.surplus[h] += grad_q.sum(0)
                grad.positions[h].addmm_((q + w.surplus[h]).flatten(0, 1).T, distances)
                grad_q.unflatten(0, (m, t)).baddbmm_(grad_logits, k, alpha=scale)
                grad_k = torch.bmm(grad_logits.transpose(1, 2), q).flatten(0, 1)
                grad.query_bias[h] += grad_q.sum(0)
                grad.query[h].addmm_(tokens.T, grad_q)
                grad.key[h].addmm_(tokens.T, grad_k, alpha=scale)
                grad.value[h].addmm_(tokens.T, grad_v)
                grad_tokens.addmm_(grad_q, w.query[h].T)
                grad_tokens.addmm_(grad_k, w.key[h].T, alpha=scale)
                grad_tokens.addmm_(grad_v, w.value[h].T)
        return grad_x, None, None, None, *grad


def _project(tokens: Tensor, w: HeadWeights, h: int, t: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries with their bias, keys and values of one head: (windows x t, width) to (windows, t, channels) each."""
    projected = torch.addmm(w.query_bias[h], tokens, w.query[h]), tokens @ w.key[h], tokens @ w.value[h]
    return tuple(part.unflatten(0, (-1, t)) for part in projected)


def _groups(n: int, t: int) -> list[slice]:
    """Slices of the n windows of t tokens, in groups of at most ``GROUP`` weights; the first is the longest."""
    step = max(1, GROUP // (t * t))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


# Transformer blocks (pre-LayerNorm) over all tokens, as in Enformer (docs/papers.md, "Transformer blocks").


class TransformerSettings(Settings):
    """Transformer blocks; the defaults are Enformer's published sizes."""

    depth: int = Field(default=11, ge=0)
    """Number of blocks; 0 leaves the Transformer out."""
    heads: int = Field(default=8, gt=0)
    """Attention heads."""
    key_dim: Width = 64
    """Channels of query and key per head."""
    value_dim: Width | None = None
    """Channels of value per head; none: the block's width divided by the number of heads."""
    expansion: int = Field(default=2, gt=0)
    """Hidden width of the feed-forward part, in multiples of the block's width."""
    dropout: Probability = 0.4
    """Dropout after the attention and in the feed-forward part."""
    attention_dropout: Probability = 0.05
    """Dropout of attention weights."""
    position_dropout: Probability = 0.01
    """Dropout of the basis functions of the relative distance."""
    positions: Literal["relative", "sinusoidal", "none"] = "relative"
    """How tokens know their positions: `relative`, basis functions of the distance; `sinusoidal`, sines and cosines
    that are added to the tokens before the first block; `none`, not at all."""
    families: list[Family] = Field(default=["exponential", "central_mask", "gamma"], min_length=1)
    """Families of basis functions of the relative distance."""
    functions: int = Field(default=32, gt=0)
    """Basis functions of each family (each is used twice: unchanged, and times the sign of the distance)."""
    reach: int | None = Field(default=None, ge=0)
    """Tokens between two that attend to each other, at most; none: without a limit."""


class TransformerBlock(nn.Module):
    """x + Dropout(attention(LN x)), then x + [LN, Linear, Dropout, ReLU, Linear, Dropout]; with scaled queries.

    The attention's output projection starts at zero, so a block initially has no attention.
    """

    def __init__(self, width: int, tokens: int, settings: TransformerSettings):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = RelativeAttention(
            width,
            tokens,
            settings.heads,
            settings.key_dim,
            settings.value_dim or max(width // settings.heads, 1),
            settings.families if settings.positions == "relative" else [],
            settings.functions,
            settings.attention_dropout,
            settings.position_dropout,
            scale_query=True,
            reach=settings.reach,
        )
        nn.init.zeros_(self.attention.output.weight)
        self.dropout = nn.Dropout(settings.dropout)
        hidden = settings.expansion * width
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, hidden),
            nn.Dropout(settings.dropout),
            nn.ReLU(),
            nn.Linear(hidden, width),
            nn.Dropout(settings.dropout),
        )

    def forward(self, x: Tensor, keep: list[Tensor] | None = None) -> Tensor:
        """(batch, tokens, width) to the same shape; ``keep`` as in :class:`RelativeAttention`."""
        x = x + self.dropout(self.attention(self.norm(x), keep=keep))
        return x + self.feed_forward(x)


class Transformer(nn.Module):
    """A stack of blocks over one fixed number of tokens."""

    def __init__(self, width: int, tokens: int, settings: TransformerSettings):
        super().__init__()
        self.blocks = nn.ModuleList(TransformerBlock(width, tokens, settings) for _ in range(settings.depth))
        added = sinusoidal_positions(tokens, width) if settings.positions == "sinusoidal" else None
        self.register_buffer("added", added, persistent=False)

    def forward(self, x: Tensor, observe: Callable[[int, Tensor], None] | None = None) -> Tensor:
        """(batch, tokens, width) to the same shape; ``observe(block from 0, weights (batch, heads, t, t))``."""
        x = x if self.added is None else x + self.added
        for index, block in enumerate(self.blocks):
            keep = None if observe is None else []
            x = block(x, keep)
            if observe is not None:
                observe(index, keep[0])
        return x
