"""AttPoolCNNs: residual convolutions with attention pooling, nothing on top (000 figure 5d)."""

from regulens.models.convtower import ConvModel, ConvSettings
from regulens.models.registry import register


@register("attpool_cnn")
class AttPoolCNN(ConvModel):
    """The shared convolutional trunk, halved by a learned weighted mean of two neighbours."""

    pooling = "attention"

    class Settings(ConvSettings):
        """Residual convolutions with attention pooling."""
