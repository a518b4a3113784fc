"""1D-Swin, the Genomic Interpreter: shifted-window attention that halves the sequence layer by layer.

A layer is attention inside windows, again inside shifted windows, then token merging (Genomic Interpreter, appendix A).
"""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional as F

from regulens.core.settings import Settings as Keys
from regulens.data.settings import Geometry
from regulens.models.attention import Family, RelativeAttention, Transformer, TransformerSettings
from regulens.models.base import AssayModel, AttentionMap, Observer, Stage, halved, halvings, register
from regulens.models.layers import Kernel, Probability, TokenConv, Width, concatenate_pairs


class WindowBlock(nn.Module):
    """x + Dropout(window attention(LN x)), then x + feed-forward(x); all windows share the weights.

    Feed-forward: LN, Linear, depth-wise convolution, Dropout, ReLU, Linear, Dropout (docs/papers.md, "1D-Swin layer").
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
        if missing:  # the last window is padded with zeros, whose keys are masked
            x = F.pad(x, (0, 0, 0, missing))
            windows = x.shape[1] // self.window
            padding = x.new_zeros(windows, self.window)
            padding[-1, -missing:] = float("-inf")
            padding = padding.repeat(batch, 1)
        y = self.attention(x.reshape(-1, self.window, width), padding, keep).reshape(batch, -1, width)
        return y[:, :n] if missing else y


class SwinLayer(nn.Module):
    """Regular block, roll by half a window, shifted block, roll back, merge pairs of tokens.

    Genomic Interpreter, equations 4 to 7. Rolling moves tokens from one end to the other, where they attend to each
    other: there is no mask (docs/papers.md, "roll-direction").
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
        return self.merge(concatenate_pairs(x.roll(self.shift, dims=1)))

    def _block(self, block: WindowBlock, name: str, offset: int, x: Tensor, keep) -> Tensor:
        if keep is None:
            return block(x)
        weights: list[Tensor] = []
        y = block(x, weights)
        keep(name, offset, weights[0].unflatten(0, (x.shape[0], -1)).transpose(1, 2))
        return y


class SwinTransformerSettings(TransformerSettings):
    """Transformer blocks after the 1D-Swin layers; their number and dropout are unpublished."""

    depth: int = Field(default=2, ge=0)
    """Number of blocks (M); 0 leaves the Transformer out."""
    dropout: Probability = 0.1
    """Dropout after the attention and in the feed-forward part."""


@register("swin1d")
class Swin1D(AssayModel):
    """Pairs of window attention with token merging, crop, Transformer, head (Genomic Interpreter, equations 1 to 3)."""

    class Settings(Keys):
        """1D-Swin; only the window of layer 6 is published, the other sizes are our choice.

        See docs/papers.md, "Geometry".
        """

        embedding_width: Width = 32
        """Channels of a base's token, the width of layer 1 (d in the paper)."""
        embedding_kernel: Kernel = 1
        """Bases per initial token; 1 is a linear embedding of each base, as in the paper."""
        widths: Annotated[list[Width], Field(min_length=1)] = [64, 128, 256, 256, 384, 512, 512]
        """Channels after the merging of each layer, one entry per halving (2d / alpha in the paper)."""
        windows: int | list[int] = 140
        """Tokens in a window: one number, or one per layer. A window longer than the sequence is shortened to it."""
        heads: int = Field(default=8, gt=0)
        """Attention heads of the window attention."""
        key_dim: Width = 64
        """Channels of query, key and value per head."""
        families: list[Family] = Field(default=["exponential", "central_mask"], min_length=1)
        """Families of basis functions of the relative distance inside a window."""
        functions: int = Field(default=128, gt=0)
        """Basis functions of each family (each is used twice: unchanged, and times the sign of the distance)."""
        ffn_expansion: int = Field(default=2, gt=0)
        """Hidden width of the feed-forward part, in multiples of the token width."""
        depthwise_conv: bool = True
        """A depth-wise convolution over 3 tokens inside the feed-forward part, across windows."""
        dropout: Probability = 0.02
        """Dropout after the attention and in the feed-forward part."""
        attention_dropout: Probability = 0.02
        """Dropout of attention weights and of the basis functions of the relative distance."""
        merge: Literal["linear", "concat"] = "linear"
        """`linear`: pairs of tokens are concatenated and mapped to the layer's width. `concat`: only concatenated."""
        crop: Literal["before", "after"] = "before"
        """Whether the flanks are removed before the Transformer (equations 2 and 3) or after it."""
        transformer: SwinTransformerSettings = SwinTransformerSettings()
        """Transformer blocks on the tokens of one bin."""
        init_sd: float = Field(default=0.02, gt=0)
        """Standard deviation of the truncated normal initialisation of the linear weights of the 1D-Swin layers and of
        the head; convolutions and the Transformer keep PyTorch's defaults."""

        @field_validator("windows")
        @classmethod
        def _at_least_two(cls, windows: int | list[int]) -> int | list[int]:
            if min([windows] if isinstance(windows, int) else windows, default=0) < 2:
                raise ValueError("a window needs at least 2 tokens")
            return windows

    @classmethod
    def check(cls, settings: Settings, geometry: Geometry) -> None:
        layers = halvings(geometry)
        if len(settings.widths) != layers:
            raise ValueError(
                f"widths: {layers} entries are needed to go from bases to bins of {geometry.bin_bp} bp, "
                f"found {len(settings.widths)}"
            )
        if not isinstance(settings.windows, int) and len(settings.windows) != layers:
            raise ValueError(f"windows: one number or {layers} (one per layer), found {len(settings.windows)}")
        doubled = [settings.embedding_width * 2 ** (k + 1) for k in range(layers)]
        if settings.merge == "concat" and settings.widths != doubled:
            raise ValueError(f"widths: merge 'concat' doubles the width in every layer, so they must be {doubled}")

    @classmethod
    def attention_layers(cls, settings: Settings, geometry: Geometry) -> int:
        return halvings(geometry) + settings.transformer.depth

    def __init__(self, settings: Settings, geometry: Geometry, n_tracks: int):
        super().__init__(settings, geometry, n_tracks)
        widths = [settings.embedding_width, *settings.widths]
        windows = settings.windows
        windows = [windows] * halvings(geometry) if isinstance(windows, int) else windows
        self.embedding = TokenConv(4, widths[0], settings.embedding_kernel)
        self.layers = nn.ModuleList(
            SwinLayer(
                widths[k],
                widths[k + 1],
                min(window, halved(geometry.padded_bp, k)),
                settings.merge == "linear",
                heads=settings.heads,
                key_dim=settings.key_dim,
                families=settings.families,
                functions=settings.functions,
                expansion=settings.ffn_expansion,
                depthwise_conv=settings.depthwise_conv,
                dropout=settings.dropout,
                attention_dropout=settings.attention_dropout,
            )
            for k, window in enumerate(windows)
        )
        self.crop_first = settings.crop == "before"
        tokens = geometry.bins if self.crop_first else geometry.padded_bins
        self.transformer = Transformer(widths[-1], tokens, settings.transformer)
        self.norm = nn.LayerNorm(widths[-1])
        self.head = self.make_head(widths[-1])
        limit = 2 * settings.init_sd
        for module in (*self.layers.modules(), self.head):
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=settings.init_sd, a=-limit, b=limit)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def halve(self, x: Tensor, observe: Observer | None = None) -> Tensor:
        """All 1D-Swin layers: one-hot (batch, 4, n), any n, to (batch, about n / bin_bp, width)."""
        x = self.embedding(x.transpose(1, 2).contiguous())
        for k, layer in enumerate(self.layers):
            tokens = x.shape[1]

            def keep(block: str, offset: int, weights: Tensor, k=k, tokens=tokens) -> None:
                observe(AttentionMap(k + 1, block, 2**k, tokens, offset, weights))

            x = layer(x, keep if observe else None)
        return x

    def trunk(self, x: Tensor, observe: Observer | None = None) -> Tensor:
        """See :meth:`AssayModel.trunk`."""
        x = self.halve(x, observe)
        bin_bp, start_bp = self.geometry.bin_bp, 0
        if self.crop_first:
            x, start_bp = self.crop(x), self.geometry.crop_bins * self.geometry.bin_bp

        def keep(index: int, weights: Tensor) -> None:
            layer = len(self.layers) + 1 + index
            observe(AttentionMap(layer, "full", bin_bp, weights.shape[-1], 0, weights[:, :, None], start_bp))

        x = self.norm(self.transformer(x, keep if observe else None))
        return x if self.crop_first else self.crop(x)

    def describe(self) -> list[Stage]:
        settings, geometry = self.settings, self.geometry
        tokens, width, bp = geometry.padded_bp, settings.embedding_width, 1
        embedding = Stage("Embedding", "conv", tokens, width, 1, f"kernel {settings.embedding_kernel}")
        stages = [self._input_stage(), embedding]
        for k, layer in enumerate(self.layers):
            windows = -(-tokens // layer.window)
            note = f"window {layer.window}, {windows} window{'s' * (windows > 1)}, {settings.heads} heads"
            stages.append(Stage(f"1D-Swin {k + 1}", "swin", tokens, width, bp, note))
            tokens, width, bp = halved(tokens, 1), settings.widths[k], 2 * bp
            stages.append(Stage(f"Merge {k + 1}", "merge", tokens, width, bp, settings.merge))
        crop = [self._crop_stage(width)]
        depth = settings.transformer.depth
        tokens = geometry.bins if self.crop_first else geometry.padded_bins
        note = f"{depth} block{'s' * (depth > 1)}, {settings.transformer.heads} heads"
        top = [Stage("Transformer", "transformer", tokens, width, bp, note)] if depth else []
        return [*stages, *(crop + top if self.crop_first else top + crop), self._head_stage()]
