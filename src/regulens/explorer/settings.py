"""Settings of the explorer."""

from typing import Annotated

from pydantic import Field

from regulens.core.settings import Settings
from regulens.interpret.settings import AttributionSettings


class ExplorerSettings(Settings):
    """The explorer (`explore.html`): what can be chosen on it."""

    segments: int = Field(default=20, gt=0)
    """Test segments: those of the configured figures, and of the others a third each that the main model predicts best,
    middling and worst."""
    sequences: int = Field(default=20, gt=0)
    """Test sequences of each task: the configured examples, and of the others a third each that the model classifies
    best, middling and worst."""
    fasta: str | None = None
    """Genome of the segments, a file or a download (TFRecords have none); without one no attributions are shown. Other
    data have one."""
    tracks: Annotated[list[str | int], Field(min_length=1)] | None = None
    """Tracks; none: that of Figure 3 and the first of every group."""
    attribution: AttributionSettings = AttributionSettings(
        scores=["gradient_x_input", "lrp", "attention", "attention_flow"]
    )
    """Scores of the bases for the highest bins of each track in each segment."""
