"""Self-attention with relative positions: basis functions, relative shift, multi-head attention.

Used with windows folded into the batch by 1D-Swin (SPEC 2.2) and over all tokens by the Transformer blocks (SPEC 3.1).
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Family = Literal["exponential", "central_mask", "gamma"]


def basis_functions(families: list[Family], functions: int, length: int) -> Tensor:
    """Features of the relative distances -(length-1) to length-1, float64 (2 length - 1, 2 families functions).

    Columns: all families of |d|, then the same times sign(d), which is 0 at d = 0 (SPEC 3.3). With n = ``functions``:

    * exponential: 2^(-|d| / h), half-lives h = 2^(n steps from 3 to log2 length); below 8 tokens the steps run downwards;
    * central_mask: 1 where |d| < 2^i - 1 for i = 1..n;
    * gamma: density of a gamma distribution of |d| with means in n steps from length / n to length and standard
      deviation length / (2 n), plus 1e-8, divided by the largest value *at that distance*, so that some function is 1 at
      every distance. (DeepMind's code divides by the largest value of all; the choice matters for foreign weights only.)

    Computed in float64: the gamma densities lose three digits in float32.
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
    symmetric = torch.cat(columns, dim=1)
    return torch.cat([symmetric, distance.sign()[:, None] * symmetric], dim=1)


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


class RelativeAttention(nn.Module):
    """Multi-head self-attention of sequences of one fixed length, with learned functions of the relative distance.

    logits_ij = s (q_i + u) . k_j + (q_i + v) . r_{j-i} with r_d = P phi(d) and s = key_dim^-1/2; with
    ``scale_query`` (Enformer) s (q_i . k_j) + u . k_j + (s q_i + v) . r_{j-i}: queries are scaled before the biases are
    added. u and v are learned per head. Queries, keys and values have no bias, the output projection has one.
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
    ):
        super().__init__()
        self.heads, self.key_dim, self.value_dim = heads, key_dim, value_dim
        self.attention_dropout, self.position_dropout = attention_dropout, position_dropout
        self.scale_query = scale_query
        features = basis_functions(families, functions, length).float()
        self.register_buffer("features", features, persistent=False)
        self.project = nn.Linear(width, heads * (2 * key_dim + value_dim), bias=False)
        self.positions = nn.Linear(features.shape[1], heads * key_dim, bias=False)
        self.content_bias = nn.Parameter(torch.randn(heads, key_dim))
        self.position_bias = nn.Parameter(torch.randn(heads, key_dim))
        self.output = nn.Linear(heads * value_dim, width)

    def forward(self, x: Tensor, padding: Tensor | None = None, keep: list[Tensor] | None = None) -> Tensor:
        """(n, length, width) to the same shape.

        ``padding``: additive mask, broadcast over (n, heads, length, length), -inf at keys that do not exist.
        ``keep``: a list that the softmax weights (n, heads, length, length) are appended to.
        """
        n, t, _ = x.shape
        scale = self.key_dim**-0.5
        # u joins the projection as a bias of the queries, which costs nothing; what v adds beyond u does not depend on
        # the query: one number per head and distance.
        u = self.content_bias / scale if self.scale_query else self.content_bias
        sizes = [self.heads * self.key_dim, self.heads * (self.key_dim + self.value_dim)]
        qkv = F.linear(x, self.project.weight, F.pad(u.flatten(), (0, sizes[1])))
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in qkv.split([sizes[0], sizes[0], sizes[1] - sizes[0]], dim=-1)
        )
        phi = F.dropout(self.features, self.position_dropout, self.training)
        r = self.positions(phi).unflatten(-1, (self.heads, -1)).permute(1, 2, 0)
        surplus = (self.position_bias - self.content_bias)[:, None] @ r
        by_distance = q @ (r * scale if self.scale_query else r) + surplus
        bias = relative_shift(by_distance)
        if padding is not None:
            bias = bias + padding.to(bias.dtype)
        dropout = self.attention_dropout if self.training else 0.0
        if keep is None:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout, scale=scale)
        else:
            weights = torch.softmax((q @ k.transpose(-1, -2)).mul(scale) + bias, dim=-1)
            keep.append(weights)
            y = F.dropout(weights, dropout).to(v.dtype) @ v
        return self.output(y.transpose(1, 2).reshape(n, t, -1))
