"""Settings of motif discovery and comparison, and of the motifs of filters; defaults are those of the papers' code."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from regulens.core.settings import Settings

Distance = Literal["pearson", "ed"]
"""How columns of motifs are compared: Pearson correlation or Euclidean distance."""

MatrixIds = Annotated[list[str], Field(min_length=1)]

TRUTH: dict[str, list[str]] = {
    "Arid3a": ["MA0151.1", "MA0601.1", "PB0001.1"],
    "CEBPB": ["MA0466.1", "MA0466.2"],
    "FOSL1": ["MA0477.1"],
    "Gabpa": ["MA0062.1", "MA0062.2"],
    "MAFK": ["MA0496.1", "MA0496.2"],
    "MAX": ["MA0058.1", "MA0058.2", "MA0058.3"],
    "MEF2A": ["MA0052.1", "MA0052.2", "MA0052.3"],
    "NFYB": ["MA0502.1", "MA0060.1", "MA0060.2"],
    "SP1": ["MA0079.1", "MA0079.2", "MA0079.3"],
    "SRF": ["MA0083.1", "MA0083.2", "MA0083.3"],
    "STAT1": ["MA0137.1", "MA0137.2", "MA0137.3", "MA0660.1", "MA0773.1"],
    "YY1": ["MA0095.1", "MA0095.2"],
}
"""Planted motif to the targets that count as matches, as published: without later versions (MA0079.4, MA0477.2, ...: a
hit only to one of these is a false positive), and with MEF2B and MEF2D (MA0660.1, MA0773.1) under STAT1 by mistake. See
docs/papers.md, "Filter rates"."""

# Discovery and comparison (DNABERT-LRP, section 4.4; docs/papers.md, "Motif discovery").


class DiscoverySettings(Settings):
    """From relevance scores to motifs (docs/papers.md, "Motif discovery")."""

    scores: Annotated[list[str], Field(min_length=1)] = ["attention", "lrp_last", "lrp"]
    """Scores whose high-scoring regions become motifs."""
    min_region_bp: int = Field(default=5, gt=0)
    """Shortest high-scoring region."""
    above_minimum: float = Field(default=10.0, ge=0)
    """Scores of a region are above this multiple of the sequence's minimum, and above its mean."""
    max_q_value: float = Field(default=0.005, gt=0, le=1)
    """Largest Benjamini-Hochberg adjusted p-value of the enrichment in positive sequences."""
    window_bp: int = Field(default=24, gt=3)
    """Width of a motif: each instance is extended to it."""
    min_instances: int = Field(default=3, gt=0)
    """Fewest instances of a motif."""


class ComparisonSettings(Settings):
    """Tomtom against JASPAR."""

    engine: Literal["auto", "meme", "native"] = "auto"
    """`meme`: the MEME Suite's tomtom; `native`: the same method, built in; `auto`: meme if it is installed."""
    distance: Distance = "pearson"
    """Comparison of columns: Pearson correlation or Euclidean distance."""
    max_q_value: float = Field(default=0.1, gt=0, le=1)
    """Largest q-value of a reported match."""
    release: str = "JASPAR2018"
    """JASPAR release of the targets."""
    collection: str = "CORE"
    """JASPAR collection of the targets."""
    tax_group: str | None = "vertebrates"
    """Taxonomic group of the targets; none: all."""
    all_versions: bool = False
    """Include superseded versions of matrices."""


# Motifs of first-layer filters (hybrid networks, section 2; docs/papers.md, "Filters to motifs").


class FilterSettings(Settings):
    """From filters to motifs and from their matches to rates."""

    threshold: float = Field(default=0.5, ge=0, lt=1)
    """An activation above this share of the filter's largest one on the test sequences is a site."""
    window_bp: int = Field(default=20, ge=2, multiple_of=2)
    """Width of the aligned window around a site."""
    min_information: float = Field(default=0.5, ge=0, lt=2)
    """Bits above which a column is informative; motifs are clipped to the first to last informative column."""
    pad_bp: int = Field(default=3, ge=0)
    """Columns kept on each side of the informative ones."""
    truth: Annotated[dict[str, MatrixIds], Field(min_length=1)] = TRUTH
    """Planted motif to the targets that count as matches; the default is the published list, including its mistakes."""
    mislabelled_targets: list[str] = ["MA0660.1", "MA0773.1"]
    """Targets in `truth` by mistake (MEF2B and MEF2D): they count for the published rates but not for motif recall."""
    ignored_targets: list[str] = ["MA0615.1"]
    """A filter with hits only to these (Gmeb1) counts as having no match."""
    count_flat: bool = False
    """Count hits of filters without an informative column; with the distance `ed` every flat motif has some."""
    batch: int = Field(default=50, gt=0)
    """Test sequences at a time."""

    @model_validator(mode="after")
    def _targets_are_of_one_motif(self):
        of = sorted((target, name) for name, targets in self.truth.items() for target in set(targets))
        of += [(target, "ignored_targets") for target in set(self.ignored_targets)]
        for (target, name), (other, second) in pairwise(sorted(of)):
            if target == other:
                raise ValueError(f"the target {target} is listed under {name} and under {second}: list it once")
        return self

    @property
    def motif_of(self) -> dict[str, str]:
        """Planted motif by target."""
        return {target: name for name, targets in self.truth.items() for target in targets}
