"""AttPoolDilate: residual convolutions with attention pooling and dilated convolutions on top (000 figure 5d)."""

from pydantic import Field
from torch import nn

from regulens.models.base import Stage
from regulens.models.convtower import ConvModel, ConvSettings
from regulens.models.layers import DilatedUnit, Kernel, Probability, Width, dilations
from regulens.models.registry import register


@register("attpool_dilated")
class AttPoolDilated(ConvModel):
    """The attention-pooling trunk with Basenji2's residual dilated convolutions on its tokens (SPEC 2.5)."""

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
        """Dropout at the end of a unit."""

    def _dilations(self) -> list[int]:
        return dilations(self.settings.dilated_layers, self.settings.dilation_rate, self.geometry.padded_bins)

    def make_top(self, width: int) -> nn.Module:
        """The dilated tower, on all tokens: its flanks are cropped afterwards, as in Basenji2."""
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
