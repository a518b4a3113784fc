"""Transformer blocks over all tokens, as in Enformer (SPEC 3.1), pre-LayerNorm."""

from collections.abc import Callable

from pydantic import Field
from torch import Tensor, nn

from regulens.models.attention import RelativeAttention
from regulens.models.layers import Probability, Width
from regulens.models.relative import Family
from regulens.settings import Settings


class TransformerSettings(Settings):
    """Transformer blocks; the defaults are Enformer's published sizes."""

    depth: int = Field(default=11, ge=0)
    """Number of blocks; 0 leaves the Transformer out."""
    heads: int = Field(default=8, gt=0)
    """Attention heads."""
    key_dim: Width = 64
    """Channels of a query and of a key, per head."""
    value_dim: Width | None = None
    """Channels of a value, per head; none: the block's width divided by the number of heads."""
    expansion: int = Field(default=2, gt=0)
    """Hidden width of the feed-forward part, in multiples of the block's width."""
    dropout: Probability = 0.4
    """Dropout behind the attention and in the feed-forward part."""
    attention_dropout: Probability = 0.05
    """Dropout of attention weights."""
    position_dropout: Probability = 0.01
    """Dropout of the basis functions of the relative distance."""
    families: list[Family] = Field(default=["exponential", "central_mask", "gamma"], min_length=1)
    """Families of basis functions of the relative distance."""
    functions: int = Field(default=32, gt=0)
    """Basis functions of each family (every one is used twice: as it is, and times the sign of the distance)."""


class TransformerBlock(nn.Module):
    """x + Dropout(attention(LN x)), then x + [LN, Linear, Dropout, ReLU, Linear, Dropout]; queries are scaled first.

    The attention's output projection starts at zero, so that a block starts without attention.
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
            settings.families,
            settings.functions,
            settings.attention_dropout,
            settings.position_dropout,
            scale_query=True,
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

    def forward(self, x: Tensor, observe: Callable[[int, Tensor], None] | None = None) -> Tensor:
        """(batch, tokens, width) to the same shape; ``observe(block from 0, weights (batch, heads, t, t))``."""
        for index, block in enumerate(self.blocks):
            keep = None if observe is None else []
            x = block(x, keep)
            if observe is not None:
                observe(index, keep[0])
        return x
