"""MaxPoolCNNs: residual convolutions with max pooling, nothing on top (000 figure 5c)."""

from regulens.models.convtower import ConvModel, ConvSettings
from regulens.models.registry import register


@register("maxpool_cnn")
class MaxPoolCNN(ConvModel):
    """The shared convolutional trunk, halved by taking the larger of two neighbours."""

    pooling = "max"

    class Settings(ConvSettings):
        """Residual convolutions with max pooling."""
