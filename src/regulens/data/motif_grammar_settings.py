"""Settings of the two simulated data sets of the hybrid networks; defaults are the public generators' (SPEC 5.1, 5.2).

Where the paper's text differs from them, the key's description says how to follow the text.
"""

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from regulens.settings import Settings

BINDING_SITES = {
    "Arid3a": "MA0151.1",
    "CEBPB": "MA0466.2",
    "FOSL1": "MA0477.1",
    "Gabpa": "MA0062.2",
    "MAFK": "MA0496.1",
    "MAX": "MA0058.3",
    "MEF2A": "MA0052.3",
    "NFYB": "MA0502.1",
    "SP1": "MA0079.3",
    "SRF": "MA0083.3",
    "STAT1": "MA0137.3",
    "YY1": "MA0095.2",
}
"""The twelve factors of task 1 and their matrices (SPEC 5.1)."""

CORE_MOTIFS = {"SP1": "MA0079.3", "Gabpa": "MA0062.2", "CEBPB": "MA0466.2", "MAX": "MA0058.3", "YY1": "MA0095.2"}
"""The five core motifs of task 2 (SPEC 5.2)."""

CODE_BACKGROUND = {
    "HOXD13": "MA0909.1",
    "Arnt": "MA0004.1",
    "Ahr::Arnt": "MA0006.1",
    "Hoxd9": "MA0913.1",
    "MLX": "MA0663.1",
    "MLXIPL": "MA0664.1",
    "MYF6": "MA0667.1",
    "NEUROD2": "MA0668.1",
    "Gfi1": "MA0038.1",
    "HNF1A": "MA0046.2",
    "Pitx1": "MA0682.1",
    "IRF1": "MA0050.2",
    "MZF1(var.2)": "MA0057.1",
    "Nkx2-5": "MA0063.1",
    "Vdr": "MA0693.1",
    "ZIC3": "MA0697.1",
    "LHX9": "MA0701.1",
    "SPI1": "MA0080.4",
    "SRF": "MA0083.3",
    "SRY": "MA0084.1",
    "VENTX": "MA0724.1",
    "ZEB1": "MA0103.2",
    "Nkx3-1": "MA0124.2",
    "ZBED1": "MA0749.1",
    "ZNF410": "MA0752.1",
    "CUX1": "MA0754.1",
    "Pou5f1::Sox2": "MA0142.1",
    "Sox2": "MA0143.3",
    "ONECUT3": "MA0757.1",
    "ETV3": "MA0763.1",
    "ETV5": "MA0765.1",
    "NR4A2": "MA0160.1",
    "NFIC": "MA0161.1",
    "PLAG1": "MA0163.1",
    "Nr2e3": "MA0164.1",
    "Atoh1": "MA0461.2",
    "BHLHE40": "MA0464.2",
    "POU3F1": "MA0786.1",
    "E2F6": "MA0471.1",
    "Gata4": "MA0482.1",
    "JUN(var.2)": "MA0489.1",
    "JUND(var.2)": "MA0492.1",
    "MEIS1": "MA0498.2",
    "HEY1": "MA0823.1",
    "POU2F2": "MA0507.1",
    "TCF4": "MA0830.1",
    "SMAD2::SMAD3::SMAD4": "MA0513.1",
    "Rxra": "MA0512.2",
    "CEBPG": "MA0838.1",
    "FOXP2": "MA0593.1",
}
"""The fifty background motifs that the public generator of task 2 draws (SPEC 5.2)."""

LOOK_ALIKES = ("ETV5", "CEBPG", "KLF5", "MLX", "ZIC3", "ETV3", "PLAG1", "TCF4", "NFIC", "E2F6")
"""Resemble a core motif; the generator means to drop them and does not (SPEC S12). KLF5 is not among the fifty."""


class MotifGrammar(Settings):
    """What the two simulations share."""

    sequences: int = Field(default=25_000, gt=0)
    """Sequences in all splits together."""
    length_bp: int = Field(default=200, gt=0)
    """Length of a sequence."""
    release: str = "JASPAR2016"
    """JASPAR release of the motifs."""
    splits: tuple[float, float, float] = (0.7, 0.1, 0.2)
    """Shares of the sequences that train, validate and test."""

    @field_validator("splits")
    @classmethod
    def _whole(cls, splits: tuple) -> tuple:
        if min(splits) <= 0 or not math.isclose(sum(splits), 1, abs_tol=1e-6):
            raise ValueError("must be three shares above 0 (train, valid, test) that sum to 1")
        return splits

    @model_validator(mode="after")
    def _one_sequence_in_each(self):
        if min(self.splits) * self.sequences < 1:
            raise ValueError(f"{self.sequences} sequences leave a split of {self.splits} empty: simulate more")
        return self


def _counts(counts: dict[int, float]) -> dict[int, float]:
    """Check numbers of motifs and their probabilities."""
    if not counts or min(counts) < 1:
        raise ValueError("must give at least one number of motifs, each 1 or more")
    if min(counts.values()) < 0 or not math.isclose(sum(counts.values()), 1, abs_tol=1e-6):
        raise ValueError(f"must be probabilities that sum to 1, not to {sum(counts.values()):g}")
    return counts


class BindingSites(MotifGrammar):
    """Task 1: which factors bind? Motifs are planted in random sequences; every factor is a class (SPEC 5.1)."""

    route: Literal["binding_sites"] = "binding_sites"
    """Simulate binding sites, several classes at a time."""
    sequences: int = Field(default=25_000, gt=0)
    """Sequences in all splits together; one of the authors' generators makes 30,000 (SPEC S10)."""
    seed: int = Field(default=33, ge=0)
    """Seed of everything random in the simulation."""
    motifs: Annotated[dict[str, str], Field(min_length=1)] = BINDING_SITES
    """Classes: name of the factor and its JASPAR identifier with version. A site is on either strand."""
    motif_counts: dict[int, float] = {1: 0.5, 2: 0.25, 3: 0.17, 4: 0.05, 5: 0.03}
    """Number of motifs in a sequence, and its probability."""

    _probabilities = field_validator("motif_counts")(_counts)


class RegulatoryCode(MotifGrammar):
    """Task 2: regulatory code or not? Positive sequences have core motifs only, negative ones any (SPEC 5.2)."""

    route: Literal["regulatory_code"] = "regulatory_code"
    """Simulate a regulatory code, one class."""
    sequences: int = Field(default=20_000, gt=1)
    """Sequences in all splits together, half of them positive."""
    seed: int = Field(default=22, ge=0)
    """Seed of everything random in the simulation."""
    core: Annotated[dict[str, str], Field(min_length=1)] = CORE_MOTIFS
    """Core motifs: name and JASPAR identifier with version; both strands."""
    background: Literal["code", "fixed", "paper"] = "code"
    """Motifs that negative sequences have besides. `code`: the fifty of the public generator, both strands, among them
    nine that resemble a core motif; `fixed`: the fifty without those nine, as was meant (SPEC S12); `paper`: a cleaned
    pool of `background_motifs` single-strand motifs (the text's 100)."""
    background_motifs: int = Field(default=100, gt=0)
    """With `background: paper`, how many motifs are drawn (by the seed) from the release's CORE vertebrates."""
    max_similarity: float = Field(default=0.5, gt=0, lt=1)
    """With `background: paper`, largest similarity to a core motif: cosine of the two matrices less 0.25, at the best
    strand and offset. Nine of the ten look-alikes of the public generator exceed 0.5."""
    motif_counts: dict[int, float] = {3: 0.5, 4: 0.25, 5: 0.17, 6: 0.05, 7: 0.03}
    """Number of motifs in a sequence of either class, and its probability: the public generator's. The text says 3 to 5
    without probabilities (SPEC S11): `{3: 0.5, 4: 0.3, 5: 0.2}`, for one."""

    _probabilities = field_validator("motif_counts")(_counts)


class MotifSequenceData(Settings):
    """What `regulens simulate-motif-sequences` reads."""

    data: Annotated[BindingSites | RegulatoryCode, Field(discriminator="route")]
    """The simulation."""
