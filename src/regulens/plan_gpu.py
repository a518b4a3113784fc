"""Time and memory of the GPU jobs of a configuration, estimated from the shapes of its networks.

Time of a pass: operations over a sustained rate plus bytes over a sustained bandwidth, and never less than a launch for
each operator. These rates are assumptions, stated in `Gpu`; a measured run replaces them. Importing imports torch.
"""

from dataclasses import dataclass

from regulens.bert_settings import BertSettings
from regulens.config import Config
from regulens.config.dnabert_lrp import DnabertLrp
from regulens.config.hybrid_networks import TASKS, HybridNetworks
from regulens.data.settings import Geometry
from regulens.plan_cost import Cost, assay_cost, hybrid_cost

TRAINING_PASSES = 3
"""A training step costs as much as three forward passes: forward, and twice as much backward."""
RELEVANCE_PASSES = 10
"""All relevance scores of a sequence: gradients, and a relevance pass of several products an operation."""
STATE_BYTES = 22
"""Bytes of a parameter in training: float32 weight, gradient, its bucket, two of Adam, a bf16 copy."""
CONTEXT_GB, SLACK = 1.5, 1.15
"""What CUDA and NCCL take, and what the allocator's blocks lose."""


@dataclass(frozen=True)
class Gpu:
    """A device and the share of its peaks that is counted on."""

    name: str = "A100 40 GB"
    memory_gb: float = 40.0
    bf16_flops: float = 0.4 * 312e12
    """Sustained operations a second of matrix products in bf16."""
    fp32_flops: float = 0.4 * 19.5e12
    """The same in float32."""
    bandwidth: float = 0.6 * 1.555e12
    """Sustained bytes a second."""
    launch_s: float = 10e-6
    """Seconds to launch an operator."""

    def seconds(self, cost: Cost, batch: int = 1, bf16: bool = True) -> float:
        """Time of one forward pass of ``batch`` inputs that cost ``cost`` each."""
        flops, size = (self.bf16_flops, 0.5) if bf16 else (self.fp32_flops, 1.0)
        work = batch * (cost.flops / flops + size * cost.moved_bytes / self.bandwidth)
        return max(work, cost.operators * self.launch_s)


def training_memory_gb(cost: Cost, batch: int, bf16: bool, output_bytes: int = 0) -> float:
    """Estimated memory of a device in GB that trains on ``batch`` inputs; ``output_bytes``: float32 outputs of one."""
    activations = batch * ((0.5 if bf16 else 1.0) * cost.saved_bytes + output_bytes)
    return CONTEXT_GB + SLACK * (STATE_BYTES * cost.parameters + activations) / 1e9


@dataclass(frozen=True)
class AssayJob:
    """Training of one assay model."""

    name: str
    cost: Cost
    devices: int
    batch: int
    """Examples a device."""
    bf16: bool
    hours: float
    """GPU-hours of one seed, all devices together."""
    prediction_hours: float
    output_bytes: int = 0
    """Bytes a bin of the prediction takes in float32, forward and backward."""

    def memory_gb(self, batch: int | None = None) -> float:
        """Estimated memory of a device in GB."""
        return training_memory_gb(self.cost, batch or self.batch, self.bf16, self.output_bytes)

    def fitting_batch(self, memory_gb: float) -> int:
        """Largest batch of a device that fits; 0 when none does."""
        return max((batch for batch in range(1, self.batch + 1) if self.memory_gb(batch) <= memory_gb), default=0)


def assay_jobs(
    config: Config, geometry: Geometry, examples: dict[str, int] | None, n_tracks: int, gpu: Gpu
) -> list[AssayJob]:
    """Every assay model of the configuration at a geometry; without ``examples`` the hours are 0."""
    study, jobs = config.genomic_interpreter, []
    examples = examples or {"train": 0, "valid": 0, "test": 0}
    for name, model in study.models.items():
        training = study.model_training(name)
        cost = assay_cost(model.architecture, model.settings, geometry, n_tracks)
        batch = min(training.batch_per_device, max(training.effective_batch // training.devices, 1))
        bf16 = training.precision != "fp32"
        forward = gpu.seconds(cost, batch, bf16) / batch
        epoch = forward * (TRAINING_PASSES * examples["train"] + examples["valid"])
        hours = 0.0 if model.checkpoint else training.max_epochs * epoch / 3600
        output = 3 * 4 * geometry.bins * n_tracks
        prediction = forward * examples["test"] / 3600
        jobs.append(AssayJob(name, cost, training.devices, batch, bf16, hours, prediction, output))
    return jobs


def bert_parameters(settings: BertSettings) -> int:
    """Parameters of the encoder with pooler and classifier of two classes."""
    hidden, inner = settings.hidden, settings.intermediate
    layer = 4 * hidden * (hidden + 1) + 2 * hidden * inner + inner + hidden + 4 * hidden
    embeddings = (5 + 4**settings.k + settings.positions + 2 + 2) * hidden
    return embeddings + settings.layers * layer + hidden * (hidden + 1) + 2 * (hidden + 1)


def bert_cost(settings: BertSettings, length_bp: int) -> Cost:
    """Cost of the classifier for one sequence, by formula (activations: Korthikanti et al. 2022, in 16 bits x 2)."""
    tokens, hidden, inner = length_bp - settings.k + 3, settings.hidden, settings.intermediate
    matrices = settings.layers * (4 * hidden * hidden + 2 * hidden * inner)
    flops = 2 * tokens * matrices + settings.layers * 4 * tokens * tokens * hidden
    saved = settings.layers * tokens * (34 * hidden + 5 * settings.heads * tokens)
    parameters = bert_parameters(settings)
    return Cost(parameters, flops, 4 * saved, 2 * saved, 25 * settings.layers + 20)


def fine_tuning_hours(study: DnabertLrp, task: str, train: int, gpu: Gpu) -> float:
    """GPU-hours of one seed of a task."""
    training, data = study.task_training(task), study.tasks[task].data
    if study.tasks[task].checkpoint:
        return 0.0
    cost, bf16 = bert_cost(study.model.settings, data.length_bp), training.precision != "fp32"
    step = gpu.seconds(cost, training.batch_per_device, bf16) / training.batch_per_device
    return TRAINING_PASSES * training.max_epochs * train * step / 3600


def relevance_hours(study: DnabertLrp, task: str, test: int, gpu: Gpu) -> float:
    """GPU-hours of classifying and scoring the test set, for one seed."""
    batch = study.relevance.batch
    cost = bert_cost(study.model.settings, study.tasks[task].data.length_bp)
    return (1 + RELEVANCE_PASSES) * test * gpu.seconds(cost, batch, bf16=False) / batch / 3600


def mutants(study: DnabertLrp) -> int:
    """Sequences that one job of mutagenesis classifies."""
    settings = study.mutagenesis
    draws = settings.repeats * (1 + len(study.relevance.scores) * len(settings.mutations))
    return 2 * settings.sequences_per_class * (1 + draws)


def mutagenesis_hours(study: DnabertLrp, task: str, gpu: Gpu) -> float:
    """GPU-hours of one task and seed."""
    settings = study.mutagenesis
    cost = bert_cost(study.model.settings, study.tasks[task].data.length_bp)
    step = gpu.seconds(cost, settings.batch, settings.precision == "bf16") / settings.batch
    return mutants(study) * step / 3600


def hybrid_jobs(study: HybridNetworks, gpu: Gpu) -> dict[str, tuple[float, int]]:
    """By network: GPU-hours of all trials when none stops early, and parameters of all trials."""
    jobs = {}
    for task in TASKS:
        of_task, training = study.task(task), study.task_training(task)
        train, valid, _ = (share * of_task.data.sequences for share in of_task.data.splits)
        for architecture in study.architectures:
            cost = hybrid_cost(study.network(task, architecture, "relu"), of_task.trials, training.batch)
            steps = TRAINING_PASSES * train / training.batch + valid / training.batch
            hours = training.epochs * steps * gpu.seconds(cost, bf16=False) / 3600
            for activation in study.activations:
                given = activation in of_task.checkpoints.get(architecture, {})
                jobs[f"{task}/{architecture}/{activation}"] = 0.0 if given else hours, cost.parameters
    return jobs
