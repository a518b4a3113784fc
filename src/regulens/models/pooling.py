"""Halving a sequence of tokens: attention pooling, max pooling, and pairs for token merging.

Tokens are (batch, length, width) throughout the package. An odd length is completed with a copy of its last token, so
that this token is its own partner: the mean, the maximum and the weighted mean of the pair are then the token itself,
which is what masking the missing partner gives.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def even(x: Tensor) -> Tensor:
    """(batch, n, width) with an even n: the last token is repeated where n is odd (SPEC 2.1)."""
    return torch.cat([x, x[:, -1:]], dim=1) if x.shape[1] % 2 else x


def pairs(x: Tensor) -> Tensor:
    """(batch, n, width) to (batch, ceil(n / 2), 2 width): neighbours side by side (000 appendix A, equation 7)."""
    x = even(x)
    return x.reshape(x.shape[0], x.shape[1] // 2, 2 * x.shape[2])


class MaxPool(nn.Module):
    """Maximum of each pair of neighbours, per channel."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n, width) to (batch, ceil(n / 2), width)."""
        x = even(x)
        return torch.maximum(x[:, 0::2], x[:, 1::2])


class AttentionPool(nn.Module):
    """Weighted mean of each pair of neighbours, per channel: sum_t softmax_t(W x_t) x_t (SPEC 3.2).

    ``gain`` g starts W at g times the identity: 2 prefers the larger of the pair, 0 is the mean.
    """

    def __init__(self, width: int, gain: float = 2.0):
        super().__init__()
        self.weight = nn.Parameter(gain * torch.eye(width))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n, width) to (batch, ceil(n / 2), width)."""
        x = even(x)
        # A softmax over two is a sigmoid of the difference, and W is linear: one product W (x_1 - x_0) instead of two.
        first = x[:, 0::2]
        difference = x[:, 1::2] - first
        return torch.addcmul(first, difference, torch.sigmoid(F.linear(difference, self.weight)))
