"""The 1D-Swin layer: attention inside windows, again inside shifted windows, then token merging (000 appendix A)."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from regulens.models.attention import RelativeAttention
from regulens.models.layers import TokenConv
from regulens.models.pooling import pairs
from regulens.models.relative import Family


class WindowBlock(nn.Module):
    """x + Dropout(window attention(LN x)), then x + feed-forward(x); windows share all weights.

    Feed-forward: LN, Linear, depth-wise convolution, Dropout, ReLU, Linear, Dropout (SPEC 2.1, S6).
    """

    def __init__(
        self,
        width: int,
        window: int,
        heads: int,
        key_dim: int,
        families: list[Family],
        functions: int,
        expansion: int,
        depthwise_conv: bool,
        dropout: float,
        attention_dropout: float,
    ):
        super().__init__()
        self.window = window
        self.norm = nn.LayerNorm(width)
        self.attention = RelativeAttention(
            width, window, heads, key_dim, key_dim, families, functions, attention_dropout, attention_dropout
        )
        self.dropout = nn.Dropout(dropout)
        hidden = expansion * width
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, hidden),
            TokenConv(hidden, hidden, 3, groups=hidden) if depthwise_conv else nn.Identity(),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(hidden, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor, keep: list[Tensor] | None = None) -> Tensor:
        """(batch, n, width) to the same shape; ``keep`` receives the weights (batch x windows, heads, w, w)."""
        x = x + self.dropout(self._attend(self.norm(x), keep))
        return x + self.feed_forward(x)

    def _attend(self, x: Tensor, keep: list[Tensor] | None) -> Tensor:
        batch, n, width = x.shape
        missing = -n % self.window
        padding = None
        if missing:  # the last window is completed with zeros, and their keys are masked
            x = F.pad(x, (0, 0, 0, missing))
            windows = x.shape[1] // self.window
            padding = x.new_zeros(windows, self.window)
            padding[-1, -missing:] = float("-inf")
            padding = padding.repeat(batch, 1)
        y = self.attention(x.reshape(-1, self.window, width), padding, keep).reshape(batch, -1, width)
        return y[:, :n] if missing else y


class SwinLayer(nn.Module):
    """Regular block, roll by half a window, second block, roll back, merge pairs of tokens (000 equations 4-7).

    Rolling carries tokens of one end to the other, where they attend to each other: no mask (SPEC S5).
    """

    def __init__(self, width: int, width_out: int, window: int, linear_merge: bool, **block):
        super().__init__()
        self.window, self.shift = window, window // 2
        self.regular = WindowBlock(width, window, **block)
        self.shifted = WindowBlock(width, window, **block)
        self.merge = nn.Linear(2 * width, width_out) if linear_merge else nn.Identity()

    def forward(self, x: Tensor, keep: Callable[[str, int, Tensor], None] | None = None) -> Tensor:
        """(batch, n, width) to (batch, ceil(n / 2), width_out).

        ``keep(block, offset, weights)`` receives the softmax weights (batch, heads, windows, w, w) of both blocks.
        """
        x = self._block(self.regular, "regular", 0, x, keep)
        x = x.roll(-self.shift, dims=1)
        x = self._block(self.shifted, "shifted", self.shift, x, keep)
        return self.merge(pairs(x.roll(self.shift, dims=1)))

    def _block(self, block: WindowBlock, name: str, offset: int, x: Tensor, keep) -> Tensor:
        if keep is None:
            return block(x)
        weights: list[Tensor] = []
        y = block(x, weights)
        keep(name, offset, weights[0].unflatten(0, (x.shape[0], -1)).transpose(1, 2))
        return y
