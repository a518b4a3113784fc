"""Building blocks of the assay models, on tokens (batch, length, width): convolutions, residuals, pooling of pairs."""

from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn
from torch.nn import functional as F


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("must be odd, so that the output is centred on the input")
    return value


Width = Annotated[int, Field(gt=0)]

Kernel = Annotated[int, Field(gt=0), AfterValidator(_odd)]

Probability = Annotated[float, Field(ge=0, lt=1)]


GELU = 1.702
"""Enformer's approximation of GELU is x sigmoid(GELU x)."""


def gelu(x: Tensor) -> Tensor:
    """x sigmoid(1.702 x), Enformer's approximation of GELU."""
    return F.silu(GELU * x) / GELU


class TokenConv(nn.Conv1d):
    """Convolution over tokens (batch, length, in) to (batch, length, out), zero-padded to the same length.

    A kernel of 1 is a matrix product; a wider one is a 2-D convolution of height 1, whose channels-last layout is the
    token layout itself, so that nothing is transposed in memory (which makes depth-wise ones many times faster).
    """

    def __init__(self, width_in: int, width_out: int, kernel: int, dilation: int = 1, groups: int = 1):
        padding = dilation * (kernel // 2)
        super().__init__(width_in, width_out, kernel, dilation=dilation, padding=padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return self._convolve(x, self.weight)

    def of_gelu(self, x: Tensor, norm: nn.LayerNorm) -> Tensor:
        """This convolution of gelu(norm(x)).

        The two factors of `gelu` are moved into the parameters of the norm and of the convolution, so that two passes
        over the tokens are saved in either direction.
        """
        x = F.layer_norm(x, norm.normalized_shape, GELU * norm.weight, GELU * norm.bias, norm.eps)
        return self._convolve(F.silu(x), self.weight / GELU)

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        if self.kernel_size == (1,):
            return F.linear(x, weight.squeeze(-1), self.bias)
        padding, dilation = (0, *self.padding), (1, *self.dilation)
        image = x.transpose(1, 2).unsqueeze(2)
        y = F.conv2d(image, weight.unsqueeze(2), self.bias, 1, padding, dilation, self.groups)
        return y.squeeze(2).transpose(1, 2)


class ConvBlock(nn.Module):
    """LayerNorm over channels, GELU, convolution: Enformer's block with LayerNorm (Genomic Interpreter, appendix D)."""

    def __init__(self, width_in: int, width_out: int, kernel: int):
        super().__init__()
        self.norm = nn.LayerNorm(width_in)
        self.conv = TokenConv(width_in, width_out, kernel)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv.of_gelu(x, self.norm)


class Residual(nn.Module):
    """x + branch(x)."""

    def __init__(self, *branch: nn.Module):
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class DilatedUnit(nn.Module):
    """One residual unit of Basenji2's dilated tower, with LayerNorm (docs/papers.md, "Comparators").

    [GELU, dilated convolution to ``inner`` channels, norm], [GELU, pointwise convolution back, norm, dropout], skip.
    The last norm starts at zero, so that the unit starts as the identity.
    """

    def __init__(self, width: int, inner: int, kernel: int, dilation: int, dropout: float):
        super().__init__()
        self.dilated = TokenConv(width, inner, kernel, dilation)
        self.inner_norm = nn.LayerNorm(inner)
        self.back = TokenConv(inner, width, 1)
        self.norm = nn.LayerNorm(width)
        nn.init.zeros_(self.norm.weight)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.back.of_gelu(self.dilated(gelu(x)), self.inner_norm)
        return x + self.dropout(self.norm(y))


def dilations(layers: int, rate: float, tokens: int) -> list[int]:
    """Dilation of each unit: multiplied by ``rate`` and rounded at every step, at most half the tokens.

    1, 2, 3, 4, 6, 9, 14, 21, 32, 48, 72 for Basenji2's rate of 1.5 (halves are rounded to even). Beyond half the
    sequence a dilated kernel reaches only padding on one side, hence the cap.
    """
    found, dilation = [], 1
    for _ in range(layers):
        found.append(min(dilation, max(tokens // 2, 1)))
        dilation = round(dilation * rate)
    return found


# Halving a sequence of tokens: attention pooling, max pooling, and pairs for token merging. An odd length is completed
# with a copy of its last token, so that this token is its own partner: the mean, the maximum and the weighted mean of
# the pair are then the token itself, which is what masking the missing partner gives.


class AttentionPool(nn.Module):
    """Weighted mean of each pair of neighbours, per channel: sum_t softmax_t(W x_t) x_t.

    W starts as ``gain`` times the identity: 2 favours the larger of the pair, 0 is the mean (docs/papers.md, "Attention
    pooling").
    """

    def __init__(self, width: int, gain: float = 2.0):
        super().__init__()
        self.weight = nn.Parameter(gain * torch.eye(width))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n, width) to (batch, ceil(n / 2), width)."""
        # A softmax over two is a sigmoid of the difference, and W is linear: one product W (x_1 - x_0) instead of two.
        first, second = pairs(x)
        difference = second - first
        return torch.addcmul(first, difference, torch.sigmoid(F.linear(difference, self.weight)))


class MaxPool(nn.Module):
    """Maximum of each pair of neighbours, per channel."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n, width) to (batch, ceil(n / 2), width)."""
        return torch.maximum(*pairs(x))


def pairs(x: Tensor) -> tuple[Tensor, Tensor]:
    """First and second tokens (batch, ceil(n / 2), width) of each pair of neighbours of (batch, n, width)."""
    # Not x[:, 0::2], whose gradient would be two tensors of x's size, half of them zeros, and their sum.
    return pad_to_even(x).unflatten(1, (-1, 2)).unbind(2)


def concatenate_pairs(x: Tensor) -> Tensor:
    """(batch, n, width) to (batch, ceil(n / 2), 2 width): neighbours concatenated (Genomic Interpreter, equation 7)."""
    x = pad_to_even(x)
    return x.reshape(x.shape[0], x.shape[1] // 2, 2 * x.shape[2])


def pad_to_even(x: Tensor) -> Tensor:
    """(batch, n, width) to an even length: the last token is repeated if n is odd."""
    return torch.cat([x, x[:, -1:]], dim=1) if x.shape[1] % 2 else x
