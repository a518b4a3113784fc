"""Keys of the third study: hybrid convolution-attention networks."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from regulens.config.overrides import NAME, merged, wrong_keys
from regulens.core.runs import EvidenceKind
from regulens.core.settings import Settings, nearest
from regulens.data.settings import BindingSites, RegulatoryCode
from regulens.interpret.settings import SaliencySettings
from regulens.models.settings import Count, HybridArchitecture, HybridNetworkSettings, HybridSizes
from regulens.motifs.settings import ComparisonSettings, FilterSettings
from regulens.training.settings import TrialTraining

if TYPE_CHECKING:
    pass

TASKS = ("task1", "task2")

Activation = Literal["relu", "exponential"]


class Selection(Settings):
    """Which trials of a model the tables keep."""

    split: Literal["test", "valid"] = "test"
    """Set on which trials are chosen; the paper uses the test set, which makes its classification metrics
    optimistic."""
    metric: Literal["auroc", "aupr"] = "aupr"
    """Metric that chooses."""


class CodeSelection(Selection):
    """Which trials of a model the tables of task 2 keep."""

    metric: Literal["auroc", "aupr"] = "auroc"
    """Metric that chooses."""


class CodeSizes(HybridSizes):
    """Sizes of a hybrid network. The defaults are the paper's for task 2."""

    filters: Count = 24
    """Filters of each convolution."""
    lstm: Annotated[int, Field(gt=0, multiple_of=2)] = 48
    """Units of a BiLSTM, half of them in each direction."""
    attention: Count = 48
    """Width of multi-head attention and of the encoder blocks."""
    dense: Count = 96
    """Units of the dense hidden layer."""


class FilterComparison(ComparisonSettings):
    """Tomtom against all versions of JASPAR 2020's matrices, of all taxa."""

    release: str = "JASPAR2020"
    """JASPAR release of the targets."""
    tax_group: str | None = None
    """Taxonomic group of the targets; none: all."""
    all_versions: bool = True
    """Include superseded versions of matrices."""


class HybridTask(Settings):
    """One of the two tasks."""

    label: str
    """Name in tables and figures."""
    sizes: HybridSizes = HybridSizes()
    """Layer sizes of every network."""
    sizes_of: dict[str, dict[str, Any]] = {}
    """Sizes that differ for one architecture."""
    trials: int = Field(default=10, gt=0)
    """Networks per architecture and activation, from different initial weights; raising it trains only the new ones."""
    keep: int = Field(default=3, gt=0)
    """Best trials that the tables describe."""
    selection: Selection = Selection()
    """How the best are chosen."""
    training: dict[str, Any] = {}
    """Keys of `training` that differ for this task."""
    checkpoints: dict[str, dict[Activation, str]] = {}
    """Trained trials to start from instead of training: file by architecture and activation."""


class Task1(HybridTask):
    """Task 1: which of twelve binding sites does a sequence have; motifs in first-layer filters."""

    label: str = "Task 1"
    """Name in tables and figures."""
    data: BindingSites = BindingSites()
    """Simulated sequences."""

    @property
    def classes(self) -> int:
        """Number of labels of a sequence: one per factor."""
        return len(self.data.motifs)


class Task2(HybridTask):
    """Task 2: a billboard of core motifs; reliability of saliency maps."""

    label: str = "Task 2"
    """Name in tables and figures."""
    data: RegulatoryCode = RegulatoryCode()
    """Simulated sequences."""
    sizes: CodeSizes = CodeSizes()
    """Layer sizes of every network."""
    trials: int = Field(default=5, gt=0)
    """Networks per architecture and activation, from different initial weights; raising it trains only the new ones."""
    keep: int = Field(default=5, gt=0)
    """Best trials that the tables describe."""
    selection: CodeSelection = CodeSelection()
    """How the best are chosen."""

    @property
    def classes(self) -> int:
        """Number of labels of a sequence: one, regulatory code or not."""
        return 1


class HybridNetworks(Settings):
    """The third study: architectures x activations x trials on two simulated tasks (hybrid networks)."""

    data_note: str
    """One sentence on the data, printed under the tables."""
    evidence: EvidenceKind = "real"
    """What the data are: `simulated`, `real` (other than the paper's, or with smaller models) or `paper` (the paper's
    data and sizes). Shown on the page; on simulated data no verdict is given on claims about the paper's."""
    architectures: Annotated[dict[Annotated[str, Field(pattern=NAME)], HybridArchitecture], Field(min_length=1)]
    """The networks in the order of the tables; a key is the architecture's name in file names."""
    activations: Annotated[list[Activation], Field(min_length=1)] = ["relu", "exponential"]
    """Activations of the first layer."""
    task1: Task1 = Task1()
    """Task 1: filters."""
    task2: Task2 = Task2()
    """Task 2: saliency."""
    training: TrialTraining = TrialTraining()
    """Training of every trial."""
    seed: int = Field(default=1, ge=0)
    """Random seed, from which those of the trials are derived."""
    threads: int = Field(default=1, gt=0)
    """CPU threads of a job with a network."""
    evaluation_batch: int = Field(default=500, gt=0)
    """Sequences classified at a time."""
    filters: FilterSettings = FilterSettings()
    """From first-layer filters to motifs and their rates (task 1)."""
    comparison: FilterComparison = FilterComparison()
    """From motifs to transcription factors (task 1)."""
    saliency: SaliencySettings = SaliencySettings()
    """Saliency maps and their statistics (task 2)."""

    def task(self, name: str) -> Task1 | Task2:
        """A task by its name."""
        return getattr(self, name)

    def network(self, task: str, architecture: str, activation: str) -> HybridNetworkSettings:
        """Settings of one network of a task, with the sizes of its architecture."""
        of_task, design = self.task(task), self.architectures[architecture]
        sizes = merged(of_task.sizes.model_dump(), of_task.sizes_of.get(architecture, {}))
        return HybridNetworkSettings(
            baseline=design.baseline,
            modules=design.modules,
            activation=activation,
            sizes=HybridSizes.model_validate(sizes),
            input_bp=of_task.data.length_bp,
            classes=of_task.classes,
        )

    def task_training(self, name: str) -> TrialTraining:
        """Training settings of one task: the shared ones, overridden by the task's own."""
        return TrialTraining.model_validate(merged(self.training.model_dump(), self.task(name).training))


def resolved(study: HybridNetworks) -> dict:
    """The study as plain maps, with the complete training settings of every task and the sizes of every network.

    ``networks``: settings of each network by task, architecture and activation. ``labels``: name of an architecture in
    the tables. ``designs``: settings of the networks with the first activation, by label of the task and architecture.
    ``trained`` of each task: the networks (ARCHITECTURE/ACTIVATION) that are trained here.
    """
    values = study.model_dump(mode="json", exclude={"training"})
    values["labels"] = {name: design.label for name, design in study.architectures.items()}
    values["networks"], values["designs"] = {}, {}
    for name in TASKS:
        task = study.task(name)
        networks = {
            architecture: {
                activation: study.network(name, architecture, activation).model_dump(mode="json")
                for activation in study.activations
            }
            for architecture in study.architectures
        }
        values["networks"][name] = networks
        values["designs"][task.label] = {key: found[study.activations[0]] for key, found in networks.items()}
        values[name]["training"] = study.task_training(name).model_dump(mode="json")
        values[name]["trained"] = [
            f"{architecture}/{activation}"
            for architecture, found in networks.items()
            for activation in found
            if not task.checkpoints.get(architecture, {}).get(activation)
        ]
    return values


# Checks across the settings of the hybrid networks: keys that refer to other keys.

STUDY = "hybrid_networks"


def unfit_references(study: "HybridNetworks") -> list[str]:
    """One line for every contradiction between keys of the study: path, what was found, what would be right."""
    problems = [
        f"{STUDY}.activations: '{name}' is named twice" for name, n in Counter(study.activations).items() if n > 1
    ]
    labels = Counter(design.label for design in study.architectures.values())
    problems += [f"{STUDY}.architectures: the label '{label}' is given twice" for label, n in labels.items() if n > 1]
    problems += _truth(study)
    for name in ("task1", "task2"):
        problems += _task(study, name)
    return problems


def _truth(study: "HybridNetworks") -> list[str]:
    """Motifs planted but not looked for, or the reverse: either would give wrong rates."""
    path, planted, truth = f"{STUDY}.filters.truth", study.task1.data.motifs, study.filters.truth
    problems = [
        f"{path}: {name} is not planted in {STUDY}.task1.data.motifs: remove it here, or plant it"
        for name in truth
        if name not in planted
    ]
    for name, matrix in planted.items():
        if matrix not in truth.get(name, []):
            problems.append(f"{path}: {name}: {matrix}, which {STUDY}.task1.data.motifs plants, is missing: add it")
    return problems


def _task(study: "HybridNetworks", name: str) -> list[str]:
    task, path, known = study.task(name), f"{STUDY}.{name}", list(study.architectures)
    problems = wrong_keys(TrialTraining, merged(study.training.model_dump(), task.training), f"{path}.training")
    if task.keep > task.trials:
        problems.append(f"{path}.keep: found {task.keep}; at most the {task.trials} trials can be kept")
    for key in ("sizes_of", "checkpoints"):
        for architecture in getattr(task, key):
            if architecture not in known:
                problems.append(
                    f"{path}.{key}: no such architecture; found '{architecture}'; {nearest(architecture, known)}"
                )
    for architecture, files in task.checkpoints.items():
        for activation in files:
            if activation not in study.activations:
                problems.append(
                    f"{path}.checkpoints.{architecture}: '{activation}' is not among {STUDY}.activations: "
                    "add it there or remove the file here"
                )
    for architecture, design in study.architectures.items():
        sizes = merged(task.sizes.model_dump(), task.sizes_of.get(architecture, {}))
        wrong = wrong_keys(HybridSizes, sizes, f"{path}.sizes_of.{architecture}")
        if not wrong:
            network = {
                "baseline": design.baseline,
                "modules": design.modules,
                "activation": study.activations[0],
                "sizes": sizes,
                "input_bp": task.data.length_bp,
                "classes": task.classes,
            }
            wrong = wrong_keys(HybridNetworkSettings, network, f"{path}, architecture {architecture}")
        problems += wrong
    return problems
