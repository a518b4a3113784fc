"""Enformer with LayerNorm: residual convolutions, attention pooling, Transformer (Genomic Interpreter, figure 5b)."""

from typing import Literal

from torch import Tensor, nn

from regulens.data.settings import Geometry
from regulens.models.attention import Transformer, TransformerSettings
from regulens.models.base import AttentionMap, Observer, Stage, register
from regulens.models.convolutional import ConvModel, ConvSettings
from regulens.models.layers import gelu


@register("enformer")
class Enformer(ConvModel):
    """The attention-pooling trunk followed by Transformer blocks with relative positions."""

    pooling = "attention"

    class Settings(ConvSettings):
        """Residual convolutions with attention pooling and Transformer blocks; Enformer's published sizes."""

        transformer: TransformerSettings = TransformerSettings()
        """Transformer blocks on the tokens of one bin."""
        crop: Literal["before", "after"] = "after"
        """Whether the flanks are removed before the Transformer or, as in Enformer, after it."""

    @classmethod
    def attention_layers(cls, settings: Settings, geometry: Geometry) -> int:
        return settings.transformer.depth

    def make_top(self, width: int) -> nn.Module:
        """The Transformer, over all tokens or over those of the target."""
        self.crop_first = self.settings.crop == "before"
        tokens = self.geometry.bins if self.crop_first else self.geometry.padded_bins
        return Transformer(width, tokens, self.settings.transformer)

    def trunk(self, x: Tensor, observe: Observer | None = None) -> Tensor:
        """See :meth:`AssayModel.trunk`."""
        bin_bp = self.geometry.bin_bp
        start_bp = self.geometry.crop_bins * bin_bp if self.crop_first else 0

        def keep(index: int, weights: Tensor) -> None:
            observe(AttentionMap(index + 1, "full", bin_bp, weights.shape[-1], 0, weights[:, :, None], start_bp))

        x = self.halve(x)
        x = self.crop(x) if self.crop_first else x
        x = self.top(x, keep if observe else None)
        x = x if self.crop_first else self.crop(x)
        return gelu(self.dropout(self.pointwise(x)))

    def describe_top(self, width: int) -> list[Stage]:
        settings, geometry = self.settings.transformer, self.geometry
        tokens = geometry.bins if self.crop_first else geometry.padded_bins
        note = f"{settings.depth} blocks, {settings.heads} heads"
        transformer = [Stage("Transformer", "transformer", tokens, width, geometry.bin_bp, note)] * (settings.depth > 0)
        crop = [self._crop_stage(width)]
        return crop + transformer if self.crop_first else transformer + crop
