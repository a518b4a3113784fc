"""Settings of relevance scores, mutagenesis and saliency; defaults are the papers' where they state them."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from regulens.core.settings import Settings

RuleSet = Literal["ours", "plain", "lrp0"]


class RelevanceSettings(Settings):
    """Relevance scores (DNABERT-LRP, section 4.2; docs/papers.md, "Relevance scores")."""

    scores: Annotated[list[str], Field(min_length=1)] = [
        "lrp",
        "lrp_last",
        "full_lrp",
        "rollout",
        "gradcam",
        "attention",
        "attnlrp",
        "gradient_x_input",
        "random",
    ]
    """Scores in the order of tables and legends; names are those of `src/regulens/interpret/scores.py`."""
    rules: RuleSet = "ours"
    """Propagation rules: `ours` conserve relevance (Chefer et al. 2020), `plain` are the unmodified ones, `lrp0` is
    equation 1 of DNABERT-LRP."""
    target: Literal["predicted", "label"] = "predicted"
    """Class whose relevance is propagated: the one with the higher logit, or the true one."""
    start_layer: int = Field(default=0, ge=0)
    """First layer of the LRP rollout, from 0 (the paper's text suggests 0)."""
    batch: int = Field(default=32, gt=0)
    """Sequences at a time."""
    seed: int = Field(default=1, ge=0)
    """Seed of the random score."""


class MutagenesisSettings(Settings):
    """Mutagenesis of the bases with the highest relevance (DNABERT-LRP, section 4.3; docs/papers.md, "Mutagenesis")."""

    sequences_per_class: int = Field(default=500, gt=0)
    """Test sequences per class, drawn with the seed, whether correctly classified or not."""
    mutations: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)] = [1, 5, 10, 15, 20]
    """Numbers of mutated bases; the last is that of Table 1."""
    repeats: int = Field(default=20, gt=1)
    """Draws of the new bases for every score and number of mutations."""
    seed: int = Field(default=1, ge=0)
    """Seed of sequences and mutations."""
    batch: int = Field(default=64, gt=0)
    """Mutants classified at a time."""
    bootstrap: int = Field(default=1000, gt=0)
    """Bootstrap resamples of the sequences for each 95 % interval."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the classification; `bf16` is for GPUs that compute in it natively."""


class SaliencySettings(Settings):
    """Saliency maps of the positive test sequences against their planted motifs.

    See docs/papers.md, "Saliency statistics".
    """

    of: Literal["probability", "logit"] = "probability"
    """Output whose gradient is taken: the sigmoid output as in the paper's code, whose gradient is zero at every
    base if the sigmoid saturates in float32, or the `logit`, which never saturates. Otherwise both give the same
    statistics."""
    signal_bits: float = Field(default=0.1, gt=0, lt=2)
    """Positions of the planted sequence model with more information than this are signal."""
    background_tolerance: float = Field(default=1e-6, ge=0, lt=2)
    """Positions at most this many bits above the lowest information of their sequence are background; positions that
    are neither signal nor background are ignored."""
    worst: int = Field(default=20, gt=0)
    """Number of largest background scores, all positive, that are the noise of the signal-to-noise ratio."""
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


class AttributionSettings(Settings):
    """Attribution of assay models: read-outs and scores (docs/papers.md, "Attribution for regression")."""

    scores: Annotated[list[str], Field(min_length=1)] = [
        "gradient_x_input",
        "integrated_gradients",
        "lrp",
        "lrp_conserving",
        "attnlrp",
        "mutagenesis",
        "attention",
        "attention_flow",
        "random",
    ]
    """Scores in the order of tables and legends; names are those of `src/regulens/interpret/attribution.py`."""
    bins: int | None = Field(default=2, gt=0)
    """Bins of a read-out, at the centre of the input; none: all of the target."""
    steps: int = Field(default=16, gt=0)
    """Steps of integrated gradients."""
    block_bp: int = Field(default=32, gt=0)
    """Length of the blocks that in-silico mutagenesis replaces; 1: every base to each of the other three."""
    batch: int = Field(default=8, gt=0)
    """Sequences at a time."""
    seed: int = Field(default=1, ge=0)
    """Seed of the random score."""


class ScoreTestSettings(Settings):
    """Tests of the scores: consistency and faithfulness (docs/papers.md, "Tests of scores")."""

    items: int = Field(default=16, gt=0)
    """Sequences, or read-outs, that are tested, evenly spaced; truth is measured on all."""
    randomised: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)] = [0.25, 0.5, 1.0]
    """Shares of the layers, from the output down, whose weights are shuffled."""
    fractions: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)] = [0.01, 0.02, 0.05, 0.1, 0.2]
    """Shares of the bases that are deleted or inserted, those with the highest scores."""
    shuffles: int = Field(default=2, gt=0)
    """Shuffled sequences whose bases replace them."""
    seed: int = Field(default=1, ge=0)
    """Seed of the shuffling."""


class MotifScan(Settings):
    """A scan for motifs on both strands."""

    matrices: Annotated[dict[str, str], Field(min_length=1)]
    """JASPAR matrices with version, by the name that their instances get."""
    release: str = "JASPAR2022"
    """JASPAR release."""
    min_score: float = Field(default=0.8, gt=0, le=1)
    """Score of an instance at least, as a share of the best possible log odds."""


class InteractionSettings(Settings):
    """Attention and in-silico effects between the bins of test examples."""

    examples: int = Field(default=40, gt=0)
    """Test examples at most, evenly spaced; each takes as many predictions as it has bins."""
    seed: int = Field(default=1, ge=0)
    """Seed of the shuffled bases."""
    batch: int = Field(default=8, gt=0)
    """Sequences at a time."""


class VariantSettings(Settings):
    """Effects of variants on the tracks."""

    both_strands: bool = True
    """Whether an effect is the mean over the sequence and its reverse complement."""
    shifts_bp: Annotated[list[int], Field(min_length=1)] = [0]
    """Distances between the variant and the centre of the input over which an effect is averaged."""
    tss_bins: int = Field(default=2, gt=0)
    """Bins around the nearest transcription start site whose effects are summed."""
    batch: int = Field(default=8, gt=0)
    """Sequences at a time."""
