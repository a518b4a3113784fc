"""Keys of the first study: five assay models on BasenjiSmall (Genomic Interpreter)."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from regulens.config.overrides import NAME, merged, wrong_keys
from regulens.core.errors import InputError
from regulens.core.runs import EvidenceKind
from regulens.core.settings import Settings, nearest
from regulens.data.settings import ContigSplits, CropSettings, Geometry, PositionTable, SimulationSettings
from regulens.training.settings import REFERENCE_ROWS, TrainingSettings

Split = Literal["train", "valid", "test"]


class AssayData(Settings):
    """Settings common to the three routes to assay data."""

    geometry: Geometry = Geometry()
    """Shape of an example."""
    crop: CropSettings = CropSettings()
    """From windows to examples."""
    groups: dict[str, list[str]] = {
        "DNase": ["DNASE", "ATAC"],
        "ChIP": ["CHIP"],
        "CAGE": ["CAGE"],
        "RNA": ["RNA", "RNA3"],
    }
    """Track groups of the tables, in their order: name and the description prefixes that belong to it."""
    shards: dict[Split, Annotated[int, Field(gt=0)]]
    """Number of shards of each split; each is one crop job. With TFRecords: the number of files."""

    @model_validator(mode="after")
    def _all_splits(self):
        missing = {"train", "valid", "test"} - set(self.shards)
        if missing:
            raise ValueError(f"shards must name train, valid and test; missing: {', '.join(sorted(missing))}")
        return self


class TfrecordData(AssayData):
    """Basenji-style TFRecords (the paper's BasenjiSmall)."""

    route: Literal["tfrecord"]
    """Read zlib TFRecords."""
    tfrecords: str
    """Source name of the TFRecord files with `{split}` and `{shard}` in it."""
    windows: str
    """Source or path: BED of the target regions (contig, start, end, split), rows in record order."""
    tracks: str
    """Source or path: track table."""
    statistics: str
    """Source or path: the Basenji `statistics.json` with the shape of the records."""


class BigwigData(AssayData):
    """Your own tracks: FASTA + BED + bigWig."""

    route: Literal["bigwig"]
    """Read FASTA and bigWig files."""
    fasta: str
    """Source or path: genome sequence."""
    windows: str | None = None
    """Source or path: BED of the target regions (contig, start, end, split); none: `splits`."""
    splits: ContigSplits | None = None
    """Instead of `windows`: adjoining windows over the whole genome, split by contig."""
    tracks: str
    """Source or path: track table."""
    coverage: str | None = None
    """Folder that the `file` column of the track table is relative to; not needed if `positions` makes every file."""
    positions: dict[Annotated[str, Field(pattern=NAME)], PositionTable] = {}
    """Tables of positions (TSS counts, dyads, sites) to be made into bigWig files, which the `file` column of the track
    table calls `NAME.bw` or, with strands, `NAME.plus.bw` and `NAME.minus.bw`."""

    @model_validator(mode="after")
    def _complete(self):
        if bool(self.windows) == bool(self.splits):
            raise ValueError("windows or splits: set one of the two")
        if not self.coverage and not self.positions:
            raise ValueError("coverage is missing: the folder of the bigWig files (or set positions)")
        return self

    def made_coverage(self) -> dict[str, tuple[str, str]]:
        """File made from a table of positions: name of its entry and strand (both, plus, minus)."""
        return {
            f"{name}.bw" if strand == "both" else f"{name}.{strand}.bw": (name, strand)
            for name, table in self.positions.items()
            for strand in (("plus", "minus") if table.strand is not None else ("both",))
        }


class SimulatedData(AssayData):
    """The simulated genome of the demonstration, read through the bigWig route."""

    route: Literal["simulated"]
    """Simulate FASTA, BED and bigWig files, then read them."""
    simulation: SimulationSettings = SimulationSettings()
    """The simulated genome."""


class AssayModelEntry(Settings):
    """One row of Table 1."""

    architecture: str
    """Name of a registered architecture (`src/regulens/models/`)."""
    label: str
    """Name in tables and figures."""
    published: Literal["maxpool_cnn", "attpool_cnn", "attpool_dilated", "enformer", "swin1d"] | None = None
    """The paper's model whose numbers are shown beside this one in Table 1; none: no numbers."""
    checkpoint: str | None = None
    """Trained model to start from instead of training."""
    threads: int = Field(default=1, gt=0)
    """CPU threads of a training or prediction job."""
    training: dict[str, Any] = {}
    """Keys of `training` that differ for this model."""
    settings: dict[str, Any] = {}
    """Sizes of the architecture; defaults are those of its `Settings`."""


class EvaluationSettings(Settings):
    """Predictions and reference rows."""

    batch: int = Field(default=8, gt=0)
    """Examples predicted at a time."""
    both_strands: bool = False
    """Average the predictions for a sequence and its reverse complement."""
    references: list[Literal["mean", "gc_cpg_ridge", "replicate"]] = ["mean", "gc_cpg_ridge"]
    """Reference rows of Table 1: mean of each track in training; ridge regression; mean of the replicates of a track,
    if the track table names them (its column `replicates`)."""
    ridge_alpha: float = Field(default=1.0, ge=0)
    """Penalty of the ridge regression on the GC and CpG content of a bin."""


class ProfileFigure(Settings):
    """Figure 3: one track along one test segment."""

    track: str
    """Identifier of the track."""
    example: int = Field(default=0, ge=0)
    """Row of the test set."""
    other: str = "enformer"
    """Model shown beside the main model."""


class AttentionFigures(Settings):
    """Figures 4, 6 and 7: attention of the main model on one test segment."""

    example: int = Field(default=0, ge=0)
    """Row of the test set."""
    heads_layer: int = Field(default=8, gt=0)
    """Layer whose heads Figure 4b shows."""
    windows_layer: int = Field(default=6, gt=0)
    """Layer whose windows and heads Figure 6 shows."""
    zoom_layer: int = Field(default=4, gt=0)
    """Layer that Figure 7 zooms into."""
    zoom_tokens: int = Field(default=16, gt=1)
    """Tokens along each axis of Figure 7."""


class FigureSettings(Settings):
    """What the figures show."""

    main_model: str = "swin1d"
    """Model on the y axis of Figure 2 and of the attention figures."""
    figure3: ProfileFigure
    """Figure 3."""
    attention: AttentionFigures = AttentionFigures()
    """Figures 4, 6 and 7."""


class GenomicInterpreter(Settings):
    """The first study: five assay models on BasenjiSmall (Genomic Interpreter)."""

    data_note: str
    """One sentence on the data, printed under Table 1."""
    evidence: EvidenceKind = "real"
    """What the data are: `simulated`, `real` (other than the paper's, or with smaller models) or `paper` (the paper's
    data and sizes). Shown on the page; on simulated data no verdict is given on claims about the paper's."""
    data: Annotated[TfrecordData | BigwigData | SimulatedData, Field(discriminator="route")]
    """Where the examples come from."""
    models: Annotated[dict[Annotated[str, Field(pattern=NAME)], AssayModelEntry], Field(min_length=1)]
    """The models of Table 1, in its order; a key is the model's name in file names."""
    training: TrainingSettings = TrainingSettings()
    """Training of all models."""
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [1]
    """Every model is trained once per seed; tables give mean and standard deviation."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """Evaluation."""
    figures: FigureSettings
    """Figures."""

    @model_validator(mode="before")
    @classmethod
    def _architecture_from_name(cls, values):
        # `models: {enformer: {}}` suffices: architecture and label default to the name.
        if isinstance(values, dict) and isinstance(values.get("models"), dict):
            models = {
                name: {"architecture": name, "label": name, **(entry or {})}
                if isinstance(entry, dict | None)
                else entry
                for name, entry in values["models"].items()
            }
            values = {**values, "models": models}
        return values

    def model_training(self, name: str) -> TrainingSettings:
        """Training settings of one assay model: the shared ones, overridden by the model's own."""
        return TrainingSettings.model_validate(merged(self.training.model_dump(), self.models[name].training))


def resolved(study: GenomicInterpreter) -> dict:
    """The study as plain maps, with the complete training settings of every model and two maps for the tables.

    ``labels``: name in the tables of every model and reference row. ``select``: the score that selects the epoch, for
    every model that is trained here. ``published_as``: the paper's model that a model repeats.
    """
    values = study.model_dump(mode="json", exclude={"training"})
    for name, entry in values["models"].items():
        entry["training"] = study.model_training(name).model_dump(mode="json")
    values["labels"] = {name: entry.label for name, entry in study.models.items()}
    values["labels"] |= {name: REFERENCE_ROWS[name] for name in study.evaluation.references}
    values["published_as"] = {name: entry.published for name, entry in study.models.items()}
    trained = [name for name, entry in study.models.items() if not entry.checkpoint]
    values["select"] = {name: values["models"][name]["training"]["select"] for name in trained}
    return values


# Checks across the settings of Genomic Interpreter: references between keys, and models against architectures.

STUDY = "genomic_interpreter"


def unfit_references(study: "GenomicInterpreter") -> list[str]:
    """One line for every contradiction between keys of the study: path, what was found, what would be right."""
    return [*_models(study), *_names(study), *(_figures(study) if study.figures.main_model in study.models else [])]


def _models(study: "GenomicInterpreter") -> list[str]:
    from regulens.models.base import architectures, model_settings  # loads PyTorch

    known, problems = architectures(), []
    for name, entry in study.models.items():
        path = f"{STUDY}.models.{name}"
        training = merged(study.training.model_dump(), entry.training)
        problems += wrong_keys(TrainingSettings, training, f"{path}.training")
        if entry.architecture not in known:
            hint = nearest(entry.architecture, list(known))
            problems.append(f"{path}.architecture: unknown architecture; found '{entry.architecture}'; {hint}")
        elif wrong := wrong_keys(known[entry.architecture].Settings, entry.settings, f"{path}.settings"):
            problems += wrong
        else:
            try:
                model_settings(entry.architecture, entry.settings, study.data.geometry)
            except InputError as error:
                problems.append(f"{path}.settings: {error}")
    return problems


def _names(study: "GenomicInterpreter") -> list[str]:
    problems, names = [], list(study.models)
    for key, name in (("main_model", study.figures.main_model), ("figure3.other", study.figures.figure3.other)):
        if name not in names:
            problems.append(f"{STUDY}.figures.{key}: no such model; found '{name}'; {nearest(name, names)}")
    if len(names) < 2:
        problems.append(f"{STUDY}.models: Figures 2 and 3 compare models; found only {names[0]}: name another")
    for name in set(names) & set(REFERENCE_ROWS):
        problems.append(f"{STUDY}.models.{name}: a reference row of Table 1 has this name; choose another")
    labels = Counter([entry.label for entry in study.models.values()] + list(REFERENCE_ROWS.values()))
    problems += [f"{STUDY}.models: the label '{label}' is given twice" for label, n in labels.items() if n > 1]
    twice = [seed for seed, n in Counter(study.seeds).items() if n > 1]
    problems += [f"{STUDY}.seeds: {seed} is named twice" for seed in twice]
    return problems


def _figures(study: "GenomicInterpreter") -> list[str]:
    """Check the layers named for the attention figures against those of the main model."""
    from regulens.models.base import architectures, model_settings

    entry = study.models[study.figures.main_model]
    try:
        settings = model_settings(entry.architecture, entry.settings, study.data.geometry)
    except InputError:
        return []  # reported already
    layers = architectures()[entry.architecture].attention_layers(settings, study.data.geometry)
    if not layers:
        return [f"{STUDY}.figures.main_model: {study.figures.main_model} has no attention to draw; name another model"]
    wanted = study.figures.attention
    return [
        f"{STUDY}.figures.attention.{key}: found {value}; {study.figures.main_model} has layers 1 to {layers}"
        for key in ("heads_layer", "windows_layer", "zoom_layer")
        if (value := getattr(wanted, key)) > layers
    ]
