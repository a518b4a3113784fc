"""Keys of the second study: DNABERT and layer-wise relevance propagation (DNABERT-LRP)."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field

from regulens.config.overrides import NAME, merged, wrong_keys
from regulens.core.runs import EvidenceKind
from regulens.core.settings import Settings, nearest
from regulens.data.settings import (
    ClassFileSequences,
    ClassName,
    CoordinateSequences,
    SimulatedSequences,
    TableSequences,
)
from regulens.interpret.scores import SCORE_LABELS
from regulens.interpret.settings import MutagenesisSettings, RelevanceSettings, ScoreTestSettings
from regulens.models.settings import BertSettings
from regulens.motifs.settings import ComparisonSettings, DiscoverySettings
from regulens.training.settings import FineTuningSettings, MaskedTrainingSettings, PretrainingSettings


class Task(Settings):
    """One classification task."""

    label: str
    """Name in tables and figures."""
    classes: dict[ClassName, str] = {"positive": "Positive", "negative": "Negative"}
    """Names of the two classes in tables and figures."""
    data: Annotated[
        CoordinateSequences | TableSequences | ClassFileSequences | SimulatedSequences, Field(discriminator="route")
    ]
    """Where the labelled sequences come from."""
    published: Literal["promoters", "enhancers"] | None = None
    """The paper's task whose numbers are shown beside this one in the tables; none: no numbers."""
    checkpoint: str | None = None
    """Fine-tuned model to start from instead of fine-tuning."""
    training: dict[str, Any] = {}
    """Keys of `fine_tuning` that differ for this task."""
    examples: list[Annotated[int, Field(ge=0)]] = [0]
    """Rows of the test set whose relevance is drawn as logos."""


class DnabertModel(Settings):
    """The model that both tasks fine-tune."""

    weights: str | None = None
    """Source or path: pre-trained weights (`pytorch_model.bin` or `.safetensors` of HuggingFace); none: `pretraining`,
    or from scratch."""
    settings: BertSettings = BertSettings()
    """Sizes; the defaults are DNABERT-6's."""
    threads: int = Field(default=1, gt=0)
    """CPU threads of a job with the model."""


class Pretraining(Settings):
    """Masked k-mer pre-training, if there are no pre-trained weights."""

    data: PretrainingSettings = PretrainingSettings()
    """Unlabelled sequence."""
    training: MaskedTrainingSettings = MaskedTrainingSettings()
    """Training."""
    seed: int = Field(default=1, ge=0)
    """Random seed."""


class MotifSettings(Settings):
    """Motifs in high-scoring regions (DNABERT-LRP, sections 4.4 and 5.3)."""

    tasks: list[str] | None = None
    """Tasks whose positive class is searched; none: all that are explained (the paper: promoters)."""
    discovery: DiscoverySettings = DiscoverySettings()
    """From scores to motifs."""
    comparison: ComparisonSettings = ComparisonSettings()
    """From motifs to transcription factors."""


class EvaluationSettings(Settings):
    """Test metrics and their reference row."""

    batch: int = Field(default=64, gt=0)
    """Sequences classified at a time."""
    reference_k: int = Field(default=4, gt=0, le=8)
    """k of the k-mer frequencies of the logistic regression in the reference row."""
    bootstrap: int = Field(default=1000, gt=0)
    """Bootstrap resamples of the test set for each 95 % interval."""


class LogoSettings(Settings):
    """Figure of example sequences."""

    span_bp: int | None = Field(default=None, gt=0)
    """Number of bases shown of each example, around its sites or its highest relevance; none: all."""


class DnabertLrp(Settings):
    """The second study: fine-tuned DNABERT, relevance scores, mutagenesis, motifs (DNABERT-LRP)."""

    data_note: str
    """One sentence on the data, printed under the tables."""
    evidence: EvidenceKind = "real"
    """What the data are: `simulated`, `real` (other than the paper's, or with smaller models) or `paper` (the paper's
    data and sizes). Shown on the page; on simulated data no verdict is given on claims about the paper's."""
    tasks: Annotated[dict[Annotated[str, Field(pattern=NAME)], Task], Field(min_length=1)]
    """The classification tasks in the order of the tables; a key is the task's name in file names."""
    model: DnabertModel = DnabertModel()
    """The model."""
    pretraining: Pretraining | None = None
    """Masked k-mer pre-training; none: start from `model.weights`, or from scratch."""
    fine_tuning: FineTuningSettings = FineTuningSettings()
    """Fine-tuning of every task."""
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [42]
    """Every task is fine-tuned once per seed; tables give mean and standard deviation (DNABERT's own seed: 42). Motifs
    and logos are those of the first seed."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """Test metrics."""
    explained: Annotated[list[str], Field(min_length=1)] | None = None
    """Tasks whose predictions are explained, by relevance, mutagenesis and all that follows from them; none: all. The
    others are in Section 5.1 and the data card only, such as the same data with another `split`."""
    relevance: RelevanceSettings = RelevanceSettings()
    """Relevance scores."""
    tests: ScoreTestSettings = ScoreTestSettings(items=64)
    """Tests of the scores."""
    mutagenesis: MutagenesisSettings = MutagenesisSettings()
    """Mutagenesis."""
    motifs: MotifSettings = MotifSettings()
    """Motif discovery and comparison."""
    logos: LogoSettings = LogoSettings()
    """Relevance logos."""

    @property
    def explained_tasks(self) -> list[str]:
        """Tasks whose predictions are explained, in the order of the tasks."""
        return [name for name in self.tasks if self.explained is None or name in self.explained]

    @property
    def motif_tasks(self) -> list[str]:
        """Tasks that are searched for motifs."""
        return self.explained_tasks if self.motifs.tasks is None else self.motifs.tasks

    def task_training(self, name: str) -> FineTuningSettings:
        """Fine-tuning settings of one task: the shared ones, overridden by the task's own."""
        return FineTuningSettings.model_validate(merged(self.fine_tuning.model_dump(), self.tasks[name].training))


def resolved(study: DnabertLrp) -> dict:
    """The study as plain maps, with the complete training settings of every task and maps of names for the tables.

    ``labels``, ``class_names`` and ``splits``: of every task. ``published_as``: the paper's task that a task repeats;
    ``published_accuracy_of``: the same for the tasks whose test set is not a grouped one, so that the paper's accuracy
    can be held against theirs. ``select``: what selects the epoch, for every task that is fine-tuned here.
    ``given_splits``: tasks whose test set is that of their data. ``table1/n``: mutated bases of Table 1.
    ``pretraining/length_bp``: longest sequence of a task.
    """
    values = study.model_dump(mode="json", exclude={"fine_tuning"})
    tasks = values["tasks"]
    for name, entry in tasks.items():
        entry["training"] = study.task_training(name).model_dump(mode="json")
    values["labels"] = {name: entry["label"] for name, entry in tasks.items()}
    values["class_names"] = {name: entry["classes"] for name, entry in tasks.items()}
    values["published_as"] = {name: entry["published"] for name, entry in tasks.items()}
    values["splits"] = {name: entry["data"]["split"] for name, entry in tasks.items()}
    as_published = {name: entry for name, entry in tasks.items() if entry["data"]["split"] == "published"}
    values["published_accuracy_of"] = {name: entry["published"] for name, entry in as_published.items()}
    values["select"] = {name: entry["training"]["select"] for name, entry in tasks.items() if not entry["checkpoint"]}
    values["given_splits"] = [n for n, entry in as_published.items() if entry["data"]["route"] == "coordinates"]
    values["table1"] = {"n": study.mutagenesis.mutations[-1]}
    if study.pretraining:
        values["pretraining"]["length_bp"] = max(task.data.length_bp for task in study.tasks.values())
    return values


# Checks across the settings of DNABERT-LRP: keys that refer to other keys.

STUDY = "dnabert_lrp"


def unfit_references(study: "DnabertLrp") -> list[str]:
    """One line for every contradiction between keys of the study: path, what was found, what would be right."""
    return [*_tasks(study), *_model(study), *_scores(study)]


def _tasks(study: "DnabertLrp") -> list[str]:
    problems = []
    for name, task in study.tasks.items():
        path = f"{STUDY}.tasks.{name}"
        training = merged(study.fine_tuning.model_dump(), task.training)
        problems += wrong_keys(FineTuningSettings, training, f"{path}.training")
        tokens = task.data.length_bp - study.model.settings.k + 3
        if tokens > study.model.settings.positions:
            problems.append(
                f"{path}.data.length_bp: {task.data.length_bp} bp make {tokens} tokens; the model has "
                f"{STUDY}.model.settings.positions = {study.model.settings.positions}: lower the one or raise the other"
            )
        training = training.get("augmentation") or {}
        crop, most_crop = training.get("crop_bp", 0), task.data.length_bp - study.model.settings.k
        if isinstance(crop, int) and crop > most_crop:
            problems.append(
                f"{STUDY}.fine_tuning.augmentation.crop_bp: cropping {crop} bp leaves no k-mer of the "
                f"{task.data.length_bp} bp of {name}: at most {most_crop}"
            )
        if missing := {"positive", "negative"} - set(task.classes):
            problems.append(f"{path}.classes: a name for {' and '.join(sorted(missing))} is missing")
        for place, (_, end) in getattr(task.data, "places", {}).items():
            if task.data.crop == "start" and end > task.data.length_bp:
                problems.append(
                    f"{path}.data.places: {place} ends at {end} bp, beyond the first {task.data.length_bp} bp, which "
                    "are all that the model sees: set crop to centre or end, or length_bp higher"
                )
        most = max(study.mutagenesis.mutations)
        if most > task.data.length_bp:
            problems.append(
                f"{STUDY}.mutagenesis.mutations: cannot mutate {most} of the {task.data.length_bp} bp of {name}"
            )
    labels = Counter(task.label for task in study.tasks.values())
    problems += [f"{STUDY}.tasks: the label '{label}' is given twice" for label, n in labels.items() if n > 1]
    for task in study.explained or []:
        if task not in study.tasks:
            problems.append(f"{STUDY}.explained: no such task; found '{task}'; {nearest(task, list(study.tasks))}")
    for task in study.motif_tasks:
        if task not in study.tasks:
            problems.append(f"{STUDY}.motifs.tasks: no such task; found '{task}'; {nearest(task, list(study.tasks))}")
        elif task not in study.explained_tasks:
            problems.append(f"{STUDY}.motifs.tasks: {task} is not in {STUDY}.explained, so that it has no relevance")
    problems += [f"{STUDY}.seeds: {seed} is named twice" for seed, n in Counter(study.seeds).items() if n > 1]
    return problems


def _model(study: "DnabertLrp") -> list[str]:
    problems = []
    lengths = {name: task.data.length_bp for name, task in study.tasks.items()}
    if study.pretraining and study.pretraining.data.training_sequences and len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length} bp" for name, length in lengths.items())
        problems.append(
            f"{STUDY}.pretraining.data.training_sequences: the tasks differ in length_bp ({found}): give them one "
            "length, or set training_sequences: false and name FASTA files"
        )
    if study.model.weights and study.pretraining:
        problems.append(f"{STUDY}.pretraining: model.weights is given too; set one of the two to null")
    if study.relevance.start_layer >= study.model.settings.layers:
        problems.append(
            f"{STUDY}.relevance.start_layer: found {study.relevance.start_layer}; the model has layers 0 to "
            f"{study.model.settings.layers - 1}"
        )
    return problems


def _scores(study: "DnabertLrp") -> list[str]:
    problems, scores = [], study.relevance.scores
    for name in scores:
        if name not in SCORE_LABELS:
            hint = nearest(name, list(SCORE_LABELS))
            problems.append(f"{STUDY}.relevance.scores: unknown score; found '{name}'; {hint}")
    for name in ("lrp", "lrp_last", "attention", "random"):
        if name not in scores:
            problems.append(f"{STUDY}.relevance.scores: '{name}' is missing; Table 1 and the paired tests need it")
    if not study.motif_tasks:
        return problems + _twice("relevance.scores", scores)
    discovery = study.motifs.discovery
    for name in discovery.scores:
        if name not in scores:
            problems.append(
                f"{STUDY}.motifs.discovery.scores: '{name}' is not among relevance.scores; {nearest(name, scores)}"
            )
    for task in study.motif_tasks:
        if task in study.tasks and discovery.window_bp > study.tasks[task].data.length_bp:
            problems.append(
                f"{STUDY}.motifs.discovery.window_bp: {discovery.window_bp} bp do not fit the "
                f"{study.tasks[task].data.length_bp} bp of {task}"
            )
    return problems + _twice("relevance.scores", scores) + _twice("motifs.discovery.scores", discovery.scores)


def _twice(key: str, names: list[str]) -> list[str]:
    return [f"{STUDY}.{key}: '{name}' is named twice" for name, n in Counter(names).items() if n > 1]
