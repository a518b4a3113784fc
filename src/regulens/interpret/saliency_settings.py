"""Settings of saliency maps and of their statistics; defaults are those of the paper's code (001; SPEC 5.6)."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from regulens.settings import Settings


class SaliencySettings(Settings):
    """Saliency maps of the positive test sequences against their planted motifs (001 section 2.4; SPEC 5.6)."""

    of: Literal["probability", "logit"] = "probability"
    """Output whose gradient is taken: the sigmoid output as in the paper's code, which is zero at every base where the
    sigmoid is saturated in float32, or the `logit`, which never saturates; both give the same statistics elsewhere."""
    signal_bits: float = Field(default=0.1, gt=0, lt=2)
    """Positions of the planted sequence model with more information than this are signal."""
    background_tolerance: float = Field(default=1e-6, ge=0, lt=2)
    """Positions at most this many bits above the lowest information of their sequence are background; those between are
    ignored."""
    worst: int = Field(default=20, gt=0)
    """Largest background scores, all positive, that are the noise of the signal-to-noise ratio."""
    examples: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [0, 1]
    """Sequences whose saliency is kept for the figure: rows among the positive test sequences, from 0."""
    batch: int = Field(default=200, gt=0)
    """Sequences at a time."""

    @field_validator("examples")
    @classmethod
    def _once(cls, examples: list[int]) -> list[int]:
        if len(set(examples)) < len(examples):
            raise ValueError("every row only once")
        return examples
