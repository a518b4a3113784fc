"""Time and memory of the GPU jobs of a configuration, estimated from the shapes of its networks.

One forward pass is counted on shapes alone: the networks are built on torch's ``meta`` device, without weights, GPU or
data. Time of a pass: operations / sustained rate + bytes / sustained bandwidth, but at least one launch per operator.
These rates are assumptions, stated in `Gpu`; where a rate was measured (`rates`), it is used instead. Importing this
module imports torch, and beside it only what the models need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from regulens.cluster.rates import Rates, assay_work, mutant_work, score_work, trial_work
from regulens.data.settings import Geometry
from regulens.models.base import build, model_settings
from regulens.models.settings import BertSettings, HybridNetworkSettings

if TYPE_CHECKING:
    from regulens.config import Config
    from regulens.config.dnabert_lrp import DnabertLrp
    from regulens.config.hybrid_networks import HybridNetworks

TRAINING_PASSES = 3
"""A training step costs three forward passes: one forward, and a backward pass of twice the cost."""

RELEVANCE_PASSES = 10
"""All relevance scores of a sequence, in forward passes: gradients, and a relevance pass with several products per
operation."""

STATE_BYTES = 22
"""Bytes per parameter in training: float32 weight, gradient, DDP bucket, two Adam averages, a bf16 copy."""

CONTEXT_GB, SLACK = 1.5, 1.15
"""GB taken by CUDA, NCCL and fragmentation of the allocator."""


@dataclass(frozen=True)
class Cost:
    """Cost of one forward pass, everything in float32."""

    parameters: int
    """Trainable parameters."""
    flops: int
    """Floating-point operations of matrix products and convolutions (a multiply-add counts as two)."""
    moved_bytes: int
    """Bytes that operators read and write, views excluded."""
    saved_bytes: int
    """Bytes of activations that are kept for the backward pass."""
    operators: int
    """Number of operators called, views excluded: roughly the number of GPU kernel launches."""


@dataclass(frozen=True)
class Gpu:
    """A device, with the fraction of its peak rates that we count on."""

    name: str = "A100 40 GB"
    memory_gb: float = 40.0
    bf16_flops: float = 0.4 * 312e12
    """Sustained operations per second of matrix products in bf16."""
    fp32_flops: float = 0.4 * 19.5e12
    """The same in float32."""
    bandwidth: float = 0.6 * 1.555e12
    """Sustained bytes per second."""
    launch_s: float = 10e-6
    """Seconds to launch an operator."""
    rates: Rates = Rates()
    """Measured rates, of whatever card."""

    def seconds(self, cost: Cost, batch: int = 1, bf16: bool = True) -> float:
        """Time of one forward pass of ``batch`` inputs of cost ``cost`` each."""
        flops, size = (self.bf16_flops, 0.5) if bf16 else (self.fp32_flops, 1.0)
        work = batch * (cost.flops / flops + size * cost.moved_bytes / self.bandwidth)
        return max(work, cost.operators * self.launch_s)

    def pass_seconds(
        self, work: str | None, passes: int, cost: Cost, batch: int, bf16: bool, inputs: int = 1
    ) -> tuple[float, bool]:
        """Seconds of a forward pass of what ``cost`` counts, in batches of ``batch``; whether they are measured.

        They are if ``work`` has a rate: it takes ``passes`` such passes, and ``cost`` counts ``inputs`` of what the
        rate counts.
        """
        rate = self.rates.of(work, "bf16" if bf16 else "fp32")
        return (inputs / (passes * rate), True) if rate else (self.seconds(cost, batch, bf16) / batch, False)


def training_memory_gb(cost: Cost, batch: int, bf16: bool, output_bytes: int = 0) -> float:
    """Estimated GB of a device that trains on ``batch`` inputs with ``output_bytes`` of float32 output each."""
    activations = batch * ((0.5 if bf16 else 1.0) * cost.saved_bytes + output_bytes)
    return CONTEXT_GB + SLACK * (STATE_BYTES * cost.parameters + activations) / 1e9


# Jobs.


@dataclass(frozen=True)
class AssayJob:
    """Training of one assay model."""

    name: str
    cost: Cost
    devices: int
    batch: int
    """Examples per device."""
    bf16: bool
    hours: float
    """GPU-hours of one seed, all devices together."""
    prediction_hours: float
    output_bytes: int = 0
    """Bytes per predicted value in float32, forward and backward."""
    measured: bool = False
    """Whether the hours follow from a measured rate."""

    def memory_gb(self, batch: int | None = None) -> float:
        """Estimated memory of a device in GB."""
        return training_memory_gb(self.cost, batch or self.batch, self.bf16, self.output_bytes)

    def fitting_batch(self, memory_gb: float) -> int:
        """Largest batch that fits into a device's memory; 0 if none does."""
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
        settings = model_settings(model.architecture, model.settings, geometry)
        work = assay_work(model.architecture, settings, geometry, n_tracks)
        forward, measured = gpu.pass_seconds(work, TRAINING_PASSES, cost, batch, bf16)
        epoch = forward * (TRAINING_PASSES * training.examples(examples["train"]) + examples["valid"])
        hours = 0.0 if model.checkpoint else training.max_epochs * epoch / 3600
        output = 3 * 4 * geometry.bins * n_tracks
        prediction = forward * examples["test"] / 3600
        jobs.append(AssayJob(name, cost, training.devices, batch, bf16, hours, prediction, output, measured))
    return jobs


def fine_tuning_hours(study: DnabertLrp, task: str, train: int, gpu: Gpu) -> float:
    """GPU-hours of one seed of a task."""
    training, data = study.task_training(task), study.tasks[task].data
    if study.tasks[task].checkpoint:
        return 0.0
    cost, bf16 = bert_cost(study.model.settings, data.length_bp), training.precision != "fp32"
    step = gpu.seconds(cost, training.batch_per_device, bf16) / training.batch_per_device
    return TRAINING_PASSES * training.max_epochs * train * step / 3600


def relevance_hours(study: DnabertLrp, task: str, test: int, gpu: Gpu) -> tuple[float, bool]:
    """GPU-hours of classifying and scoring the test set, for one seed; whether they are measured."""
    settings, length_bp = study.model.settings, study.tasks[task].data.length_bp
    work = score_work(settings, study.relevance.scores, length_bp)
    cost, batch = bert_cost(settings, length_bp), study.relevance.batch
    step, measured = gpu.pass_seconds(work, RELEVANCE_PASSES, cost, batch, bf16=False)
    return (1 + RELEVANCE_PASSES) * test * step / 3600, measured


def mutagenesis_hours(study: DnabertLrp, task: str, gpu: Gpu) -> tuple[float, bool]:
    """GPU-hours of one task and seed; whether they are measured."""
    settings, length_bp = study.mutagenesis, study.tasks[task].data.length_bp
    cost, work = bert_cost(study.model.settings, length_bp), mutant_work(study.model.settings, length_bp)
    step, measured = gpu.pass_seconds(work, 1, cost, settings.batch, settings.precision == "bf16")
    return mutants(study) * step / 3600, measured


def mutants(study: DnabertLrp) -> int:
    """Number of sequences that one mutagenesis job classifies."""
    settings = study.mutagenesis
    draws = settings.repeats * (1 + len(study.relevance.scores) * len(settings.mutations))
    return 2 * settings.sequences_per_class * (1 + draws)


def hybrid_jobs(study: HybridNetworks, gpu: Gpu) -> dict[str, tuple[float, int, bool]]:
    """By network: GPU-hours of all trials if none stops early, parameters of all trials, whether hours are measured."""
    from regulens.config.hybrid_networks import TASKS

    jobs = {}
    for task in TASKS:
        of_task, training = study.task(task), study.task_training(task)
        train, valid, _ = (share * of_task.data.sequences for share in of_task.data.splits)
        for architecture in study.architectures:
            network = study.network(task, architecture, "relu")
            trials, batch = of_task.trials, training.batch
            cost, work = hybrid_cost(network, trials, batch), trial_work(network, trials, batch)
            step, measured = gpu.pass_seconds(work, TRAINING_PASSES, cost, 1, bf16=False, inputs=trials * batch)
            steps = TRAINING_PASSES * train / batch + valid / batch
            hours = training.epochs * steps * step / 3600
            for activation in study.activations:
                given = activation in of_task.checkpoints.get(architecture, {})
                jobs[f"{task}/{architecture}/{activation}"] = 0.0 if given else hours, cost.parameters, measured
    return jobs


# One forward pass.


def forward_cost(make: Callable[[], nn.Module], run: Callable[[nn.Module], Tensor]) -> Cost:
    """Cost of ``run(make())`` in training mode; both are called on the meta device."""
    with torch.device("meta"):
        model = make().train()
        of_model = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
        saved: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in of_model:
                saved[storage._cdata] = storage.nbytes()
            return tensor

        keep = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
        with FlopCounterMode(display=False) as counter, _Traffic() as traffic, keep:
            result = run(model)
    del result  # kept alive until here, because the id of a freed storage may be reused
    parameters = sum(parameter.numel() for parameter in model.parameters())
    flops = counter.get_total_flops()
    return Cost(parameters, flops, traffic.moved_bytes, sum(saved.values()), traffic.operators)


class _Traffic(TorchDispatchMode):
    """Counts operators and the bytes of their arguments and results."""

    def __init__(self):
        super().__init__()
        self.moved_bytes = self.operators = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if not function.is_view:
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
            self.operators += 1
            self.moved_bytes += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return result


def assay_cost(architecture: str, settings: dict, geometry: Geometry, n_tracks: int) -> Cost:
    """Cost of an assay model for one example.

    Raises `InputError` when the settings do not fit the architecture or the geometry.
    """

    def run(model: nn.Module) -> Tensor:
        # Same as `forward`, whose autocast does not support the meta device.
        x = torch.zeros(1, 4, geometry.input_bp)
        return nn.functional.softplus(model.head(model.trunk(model.pad(x))))

    return forward_cost(lambda: build(architecture, settings, geometry, n_tracks), run)


def hybrid_cost(settings: HybridNetworkSettings, trials: int, batch: int) -> Cost:
    """Cost of one batch of ``batch`` sequences for ``trials`` hybrid networks in parallel."""
    from regulens.models.hybrid import HybridNetwork

    class Uninitialised(HybridNetwork):
        """A network whose weights are not drawn: meta tensors have no memory."""

        def initialise(self, seeds) -> None:
            pass

    def run(model: nn.Module) -> Tensor:
        return model(torch.zeros(1, batch, 4, settings.input_bp))

    return forward_cost(lambda: Uninitialised(settings, trials), run)


def bert_cost(settings: BertSettings, length_bp: int) -> Cost:
    """Cost of the classifier for one sequence, by formula (activations: Korthikanti et al. 2022, in 16 bits x 2)."""
    tokens, hidden, inner = length_bp - settings.k + 3, settings.hidden, settings.intermediate
    matrices = settings.layers * (4 * hidden * hidden + 2 * hidden * inner)
    flops = 2 * tokens * matrices + settings.layers * 4 * tokens * tokens * hidden
    saved = settings.layers * tokens * (34 * hidden + 5 * settings.heads * tokens)
    parameters = bert_parameters(settings)
    return Cost(parameters, flops, 4 * saved, 2 * saved, 25 * settings.layers + 20)


def bert_parameters(settings: BertSettings) -> int:
    """Parameters of the encoder with pooler and classifier of two classes."""
    hidden, inner = settings.hidden, settings.intermediate
    layer = 4 * hidden * (hidden + 1) + 2 * hidden * inner + inner + hidden + 4 * hidden
    embeddings = (5 + 4**settings.k + settings.positions + 2 + 2) * hidden
    return embeddings + settings.layers * layer + hidden * (hidden + 1) + 2 * (hidden + 1)
