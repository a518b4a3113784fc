"""Relative positions: basis functions of the distance between two tokens, and the relative shift (SPEC 2.2, 3.3)."""

import math
from typing import Literal

import torch
from torch import Tensor

Family = Literal["exponential", "central_mask", "gamma"]


def basis_functions(families: list[Family], functions: int, length: int) -> Tensor:
    """Features of the relative distances -(length-1) to length-1, float64 (2 length - 1, 2 families functions).

    Columns: all families of |d|, then the same times sign(d), 0 at d = 0 (SPEC 3.3). With n = ``functions``:

    * exponential: 2^(-|d| / h) with half-lives h = 2^(n steps from 3 to log2 length), downwards below 8 tokens;
    * central_mask: 1 where |d| < 2^i - 1 for i = 1..n;
    * gamma: density of a gamma distribution of |d| with means in n steps from length / n to length and standard
      deviation length / (2 n), plus 1e-8, divided by the largest value *at that distance*, so that some function is 1
      at every distance. (DeepMind's code divides by the largest of all; it matters for foreign weights only.)

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
