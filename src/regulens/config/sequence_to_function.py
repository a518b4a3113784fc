"""Keys of the fourth study: what the trained assay models know of regulation (Enformer lecture)."""

from typing import Annotated

from pydantic import Field

from regulens.config.genomic_interpreter import GenomicInterpreter
from regulens.core.runs import EvidenceKind
from regulens.core.settings import Settings, nearest
from regulens.data.settings import (
    BoundSites,
    CrispriLinks,
    MeasuredVariants,
    PositionTable,
    SimulatedLinks,
    SimulatedVariants,
)
from regulens.interpret.settings import (
    AttributionSettings,
    InteractionSettings,
    MotifScan,
    ScoreTestSettings,
    VariantSettings,
)

STUDY = "sequence_to_function"


class EnhancerAnalysis(Settings):
    """Enhancer prioritisation."""

    pairs: Annotated[SimulatedLinks | CrispriLinks, Field(discriminator="route")]
    """Pairs of a promoter and an element, and whether the element acts."""
    distance_bounds_bp: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2)] = [0, 1000, 2000, 4000, 8000]
    """Bounds of the groups of distances."""
    resamples: int = Field(default=200, gt=0)
    """Bootstrap resamples of the promoters for each 95 % interval."""
    seed: int = Field(default=1, ge=0)
    """Seed of the resamples."""


class SiteAnalysis(Settings):
    """Bound sites against unbound matches of the same motifs."""

    pairs: BoundSites
    """The sites, each with its start site."""
    resamples: int = Field(default=200, gt=0)
    """Bootstrap resamples of the start sites for each 95 % interval."""
    seed: int = Field(default=1, ge=0)
    """Seed of the resamples."""


class BoundaryAnalysis(Settings):
    """Boundaries of domains, across which elements act less."""

    positions: PositionTable | None = None
    """The boundaries; none: the insulators of the simulated genome."""
    interactions: InteractionSettings = InteractionSettings()
    """Attention and in-silico effects between bins."""
    reach: int = Field(default=5, gt=0)
    """Bins on either side of a place whose interactions across it are counted."""
    apart_bp: int = Field(default=1000, gt=0)
    """Distance of the matched places from every boundary at least."""
    resamples: int = Field(default=200, gt=0)
    """Bootstrap resamples of the places for each 95 % interval."""
    seed: int = Field(default=1, ge=0)
    """Seed of resamples and random places."""


class BrowserExport(Settings):
    """Files for a genome browser: attributions of the test targets, and motif instances in them."""

    tracks: Annotated[list[str], Field(min_length=1)]
    """Tracks whose predictions are explained: the sum over a whole target."""
    attribution: AttributionSettings = AttributionSettings(bins=None, scores=["gradient_x_input"])
    """Scores; one bigWig for each score and track."""
    motifs: MotifScan | None = None
    """Motifs whose instances are listed, with the score of their bases, as BED; none: no BED."""


class VariantAnalysis(Settings):
    """Effects of variants."""

    variants: Annotated[SimulatedVariants | MeasuredVariants, Field(discriminator="route")]
    """The variants, with what is known of their effects."""
    prediction: VariantSettings = VariantSettings()
    """How effects are predicted."""
    resamples: int = Field(default=200, gt=0)
    """Bootstrap resamples of the variants for each 95 % interval."""
    seed: int = Field(default=1, ge=0)
    """Seed of the resamples."""


class AblationAnalysis(Settings):
    """Models that differ in one choice; each is an entry of `genomic_interpreter.models`."""

    base: str
    """The model from which the others differ."""
    questions: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]
    """What is asked, and the models that answer it beside the base."""


class SequenceToFunction(Settings):
    """The fourth study: what the trained assay models know of regulation (Enformer lecture)."""

    data_note: str
    """One sentence on the data, printed under the tables."""
    evidence: EvidenceKind = "real"
    """What the data are: `simulated`, `real` (other than the paper's, or with smaller models) or `paper` (the paper's
    data and sizes). Shown on the page; on simulated data no verdict is given on claims about the paper's."""
    models: Annotated[list[str], Field(min_length=1)]
    """Models of `genomic_interpreter.models` that are explained, in the order of the tables; all of their seeds."""
    fasta: str | None = None
    """Source or path: the genome, if the data of `genomic_interpreter` are not from one (route `tfrecord`)."""
    attribution: AttributionSettings = AttributionSettings()
    """Read-outs and scores of bases."""
    tests: ScoreTestSettings = ScoreTestSettings()
    """Tests of the scores."""
    enhancers: EnhancerAnalysis | None = None
    """Enhancer prioritisation, and insulators where they are known; none: without them."""
    sites: SiteAnalysis | None = None
    """Sites of factors near start sites; none: without them."""
    boundaries: BoundaryAnalysis | None = None
    """Boundaries of domains; none: without them."""
    export: BrowserExport | None = None
    """Files for a genome browser; none: without them."""
    variants: VariantAnalysis | None = None
    """Effects of variants; none: without them."""
    ablations: AblationAnalysis | None = None
    """Models compared by question; none: without them."""


def unfit_references(study: SequenceToFunction, models: GenomicInterpreter | None) -> list[str]:
    """One line for every contradiction between keys of this study and of the one that trains the models."""
    if models is None:
        return [f"{STUDY}: it explains the models of genomic_interpreter, which is not configured: add it"]
    named = {"models": study.models}
    if study.ablations:
        named["ablations.base"] = [study.ablations.base]
        named |= {f"ablations.questions.{key}": names for key, names in study.ablations.questions.items()}
    problems = [
        f"{STUDY}.{key}: no such model; found '{name}'; {nearest(name, list(models.models))}"
        for key, names in named.items()
        for name in names
        if name not in models.models
    ]
    from regulens.interpret.attribution import ATTRIBUTIONS

    problems += [
        f"{STUDY}.attribution.scores: no such score; found '{name}'; {nearest(name, list(ATTRIBUTIONS))}"
        for name in study.attribution.scores
        if name not in ATTRIBUTIONS
    ]
    if (study.attribution.bins or 0) > models.data.geometry.bins:
        problems.append(
            f"{STUDY}.attribution.bins: found {study.attribution.bins}; the models have {models.data.geometry.bins}"
        )
    if study.enhancers and study.enhancers.pairs.route == "simulated" and models.data.route != "simulated":
        problems.append(f"{STUDY}.enhancers.pairs.route: 'simulated' needs genomic_interpreter.data.route: simulated")
    if study.variants and study.variants.variants.route == "simulated" and models.data.route != "simulated":
        problems.append(f"{STUDY}.variants.variants.route: 'simulated' needs genomic_interpreter.data.route: simulated")
    if study.boundaries and not study.boundaries.positions and models.data.route != "simulated":
        problems.append(
            f"{STUDY}.boundaries.positions: the table of boundaries is missing: only simulations know theirs"
        )
    if study.sites:
        known = getattr(models.data, "positions", {})
        problems += [
            f"{STUDY}.sites.pairs.factors.{name}.positions: found '{factor.positions}'; it is no entry of "
            f"genomic_interpreter.data.positions; {nearest(factor.positions, list(known))}"
            for name, factor in study.sites.pairs.factors.items()
            if factor.positions not in known
        ]
    if models.data.route == "tfrecord" and not study.fasta:
        problems.append(f"{STUDY}.fasta: the genome is missing, because TFRecords do not name one")
    if models.data.route == "tfrecord" and study.enhancers and study.enhancers.pairs.activity:
        problems.append(f"{STUDY}.enhancers.pairs.activity: TFRecords have no coverage of elements; leave it out")
    return problems


def resolved(study: SequenceToFunction, models: GenomicInterpreter) -> dict:
    """The study as plain maps, with the labels of its models."""
    values = study.model_dump(mode="json")
    return values | {"labels": {name: entry.label for name, entry in models.models.items()}}
