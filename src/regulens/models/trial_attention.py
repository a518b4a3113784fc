"""Multi-head attention and encoder blocks of several networks side by side, without positional encoding (SPEC 5.3)."""

import torch
from torch import Tensor, nn

from regulens.models.trial_dropout import TrialDropout
from regulens.models.trial_layers import TrialLayerNorm, TrialLinear


def drop(x: Tensor, rate: float, dropout: TrialDropout | None) -> Tensor:
    """``x`` (T, B, ...) through ``dropout``, or as it is where there is none."""
    return x if dropout is None else dropout(x, rate)


class TrialAttention(nn.Module):
    """softmax(q k^T / sqrt(width / heads)) v over all positions, then a dense layer with a bias; no residual."""

    def __init__(self, trials: int, inputs: int, width: int, heads: int, qkv_bias: bool):
        super().__init__()
        self.heads = heads
        self.qkv = TrialLinear(trials, inputs, 3 * width, bias=qkv_bias, parts=3)
        self.output = TrialLinear(trials, width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, L, inputs) to (T, B, L, width)."""
        trials, batch, length, _ = x.shape
        # The sequences are 8 long here: explicit products cost no more than a fused kernel and need no special widths.
        heads = self.qkv(x).view(trials * batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = heads.unbind(0)
        scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2)
        mixed = torch.softmax(scores, dim=-1) @ values
        return self.output(mixed.transpose(1, 2).reshape(trials, batch, length, -1))


class TrialEncoderBlock(nn.Module):
    """x = LN(x + Drop(Attention(x))), then x = LN(x + Drop(Dense(Drop(ReLU(Dense(x)))))): post-normalisation."""

    def __init__(self, trials: int, width: int, heads: int, feed_forward: int, rate: float, qkv_bias: bool):
        super().__init__()
        self.rate = rate
        self.attention = TrialAttention(trials, width, width, heads, qkv_bias)
        self.attention_norm = TrialLayerNorm(trials, width)
        self.hidden = TrialLinear(trials, width, feed_forward)
        self.output = TrialLinear(trials, feed_forward, width)
        self.output_norm = TrialLayerNorm(trials, width)

    def forward(self, x: Tensor, dropout: TrialDropout | None) -> Tensor:
        """(T, B, L, width) to the same shape."""
        x = self.attention_norm(x + drop(self.attention(x), self.rate, dropout))
        hidden = drop(self.hidden(x).relu(), self.rate, dropout)
        return self.output_norm(x + drop(self.output(hidden), self.rate, dropout))
