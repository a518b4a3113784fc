"""The convolutional trunk of Enformer and of the three pooling CNNs, and these CNNs.

Genomic Interpreter, figure 5; docs/papers.md, "Comparators" and "Convolutional trunk".
"""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from regulens.core.settings import Settings
from regulens.data.settings import Geometry
from regulens.models.base import AssayModel, Observer, Stage, halvings, register
from regulens.models.layers import (
    AttentionPool,
    ConvBlock,
    DilatedUnit,
    Kernel,
    MaxPool,
    Probability,
    Residual,
    TokenConv,
    Width,
    dilations,
    gelu,
)


class ConvSettings(Settings):
    """Sizes of the convolutional trunk; the defaults are Enformer's published ones."""

    stem_width: Width = 768
    """Channels of the first convolution, on single bases."""
    stem_kernel: Kernel = 15
    """Kernel width of the first convolution in bases (motif width)."""
    widths: list[Width] = [768, 896, 1024, 1152, 1280, 1536]
    """Channels of each convolution block after the stem, one entry per halving except the stem's own."""
    kernel: Kernel = 5
    """Kernel width of a block's convolution in tokens."""
    final_width: Width = 3072
    """Channels of the pointwise convolution before the head."""
    final_dropout: Probability = 0.05
    """Dropout before the head."""


class ConvModel(AssayModel):
    """Stem, convolution blocks with pooling, an optional length-preserving top, crop, pointwise block, head.

    Subclasses choose the pooling and, by overriding :meth:`make_top`, the layers on top of the trunk.
    """

    Settings = ConvSettings
    pooling: Literal["max", "attention"] = "attention"

    @classmethod
    def check(cls, settings: ConvSettings, geometry: Geometry) -> None:
        needed = halvings(geometry) - 1
        if len(settings.widths) != needed:
            raise ValueError(
                f"widths: {needed} entries are needed after the stem to go from bases to bins of "
                f"{geometry.bin_bp} bp, found {len(settings.widths)}"
            )

    def __init__(self, settings: ConvSettings, geometry: Geometry, n_tracks: int):
        super().__init__(settings, geometry, n_tracks)
        widths = [settings.stem_width, *settings.widths]
        first = [TokenConv(4, widths[0], settings.stem_kernel)]
        first += [ConvBlock(before, after, settings.kernel) for before, after in zip(widths, widths[1:], strict=False)]
        self.tower = nn.ModuleList(
            nn.Sequential(conv, Residual(ConvBlock(width, width, 1)), self._pool(width))
            for conv, width in zip(first, widths, strict=True)
        )
        self.top = self.make_top(widths[-1])
        self.pointwise = ConvBlock(widths[-1], settings.final_width, 1)
        self.dropout = nn.Dropout(settings.final_dropout)
        self.head = self.make_head(settings.final_width)

    def _pool(self, width: int) -> nn.Module:
        return AttentionPool(width) if self.pooling == "attention" else MaxPool()

    def make_top(self, width: int) -> nn.Module:
        """Layers on top of the trunk, on (batch, padded_bins, width); none by default."""
        return nn.Identity()

    def halve(self, x: Tensor) -> Tensor:
        """Stem and blocks: one-hot (batch, 4, n), any n, to (batch, about n / bin_bp, width)."""
        x = x.transpose(1, 2).contiguous()
        for block in self.tower:
            x = block(x)
        return x

    def trunk(self, x: Tensor, observe: Observer | None = None) -> Tensor:
        """See :meth:`AssayModel.trunk`."""
        x = self.crop(self.top(self.halve(x)))
        return gelu(self.dropout(self.pointwise(x)))

    def describe(self) -> list[Stage]:
        settings, geometry = self.settings, self.geometry
        tokens, bp = geometry.padded_bp, 1
        stages = [self._input_stage()]
        for k, width in enumerate([settings.stem_width, *settings.widths]):
            kernel = settings.kernel if k else settings.stem_kernel
            name = f"Conv {k}" if k else "Stem"
            stages.append(Stage(name, "conv", tokens, width, bp, f"kernel {kernel}, then a residual pointwise block"))
            tokens, bp = tokens // 2, 2 * bp
            stages.append(Stage(f"{self.pooling.capitalize()} pool {k + 1}", "pool", tokens, width, bp))
        width = [settings.stem_width, *settings.widths][-1]
        pointwise = Stage("Pointwise", "conv", geometry.bins, settings.final_width, bp, "kernel 1")
        return [*stages, *self.describe_top(width), pointwise, self._head_stage()]

    def describe_top(self, width: int) -> list[Stage]:
        """Stages of the top and of the crop, in the order in which they are applied."""
        return [self._crop_stage(width)]


@register("maxpool_cnn")
class MaxPoolCNN(ConvModel):
    """Convolutional trunk with max pooling and nothing on top (Genomic Interpreter, Figure 5c)."""

    pooling = "max"

    class Settings(ConvSettings):
        """Residual convolutions with max pooling."""


@register("attpool_cnn")
class AttPoolCNN(ConvModel):
    """Convolutional trunk with attention pooling and nothing on top (Genomic Interpreter, Figure 5d)."""

    pooling = "attention"

    class Settings(ConvSettings):
        """Residual convolutions with attention pooling."""


@register("attpool_dilated")
class AttPoolDilated(ConvModel):
    """The attention-pooling trunk followed by Basenji2's dilated tower (docs/papers.md, "Comparators")."""

    pooling = "attention"

    class Settings(ConvSettings):
        """Residual convolutions with attention pooling and dilated convolutions; Basenji2's dilated tower."""

        dilated_layers: int = Field(default=11, ge=0)
        """Number of residual dilated units."""
        dilated_width: Width = 384
        """Channels inside a unit."""
        dilated_kernel: Kernel = 3
        """Tokens that a dilated convolution sees."""
        dilation_rate: float = Field(default=1.5, ge=1)
        """Factor between the dilations of successive units (rounded; capped at half the number of tokens)."""
        dilated_dropout: Probability = 0.3
        """Dropout at the end of each unit."""

    def _dilations(self) -> list[int]:
        return dilations(self.settings.dilated_layers, self.settings.dilation_rate, self.geometry.padded_bins)

    def make_top(self, width: int) -> nn.Module:
        """The dilated tower, applied to all tokens; the flanks are cropped afterwards, as in Basenji2."""
        settings = self.settings
        return nn.Sequential(
            *(
                DilatedUnit(width, settings.dilated_width, settings.dilated_kernel, dilation, settings.dilated_dropout)
                for dilation in self._dilations()
            )
        )

    def describe_top(self, width: int) -> list[Stage]:
        geometry = self.geometry
        note = "dilations " + ", ".join(str(dilation) for dilation in self._dilations())
        dilated = Stage("Dilated convolutions", "dilated", geometry.padded_bins, width, geometry.bin_bp, note)
        return [dilated, self._crop_stage(width)]
