"""Whether a SLURM partition has the GPUs that the jobs ask for, and enough memory on them for the models."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from regulens.config import Config

GPU_MEMORY_GB = {
    "p100": 16,
    "v100": 16,
    "t4": 16,
    "rtx6000": 24,
    "a30": 24,
    "l4": 24,
    "a100": 40,
    "a40": 48,
    "a6000": 48,
    "l40": 48,
    "l40s": 48,
    "h100": 80,
    "h200": 141,
}
"""Memory by model; the smaller one where there are two. A name that says it (`a100_80gb`) is believed."""
TIMEOUT_S = 30


class GpuRequest(NamedTuple):
    """What the jobs of a rule ask SLURM for."""

    rule: str
    partition: str | None
    gpus: int
    model: str | None


class PartitionGpus(NamedTuple):
    """GPUs of one kind on a node."""

    model: str | None
    count: int


def gpu_requests(jobs: Iterable[tuple[str, Mapping]]) -> list[GpuRequest]:
    """The different requests for GPUs among jobs, each given as its rule and its resources (the plugin's names)."""
    requests = {}
    for rule, resources in jobs:
        gpus = resources.get("gpu") or resources.get("gpus") or 0
        model, _, count = str(gpus).rpartition(":")
        if str(count).isdigit() and int(count):
            model = resources.get("gpu_model") or model or None
            requests[GpuRequest(rule, resources.get("slurm_partition"), int(count), model)] = None
    return list(requests)


def memory_gb(model: str | None) -> float | None:
    """Memory of a GPU by the name that a cluster gives it; None for an unknown name."""
    name = (model or "").lower()
    if found := re.search(r"(\d+)\s*gb", name):
        return float(found[1])
    known = [part for part in re.split(r"[^a-z0-9]+", name) if part in GPU_MEMORY_GB]
    return GPU_MEMORY_GB[known[0]] if known else None


def parse_gres(text: str) -> list[PartitionGpus]:
    """GPUs in the output of ``sinfo --format %G``: lines such as ``gpu:a100:3(S:0-1),nvme:1``."""
    found = []
    for entry in re.split(r"[,\n]", re.sub(r"\([^)]*\)", "", text)):
        name, *rest = entry.strip().split(":")
        if name == "gpu" and rest:
            count = int(rest[-1]) if rest[-1].isdigit() else 1
            found.append(PartitionGpus(rest[0] if not rest[0].isdigit() else None, count))
    return list(dict.fromkeys(found))


def cluster_problems(config: Config, requests: list[GpuRequest]) -> list[str]:
    """What the partitions of these requests cannot give; nothing without requests."""
    if not requests:
        return []
    if not shutil.which("sinfo"):
        return ["jobs ask for GPUs of a SLURM cluster, and sinfo is not on the PATH: start the run on a login node"]
    found, answers = [], {}
    for request in requests:
        if request.partition not in answers:
            answers[request.partition] = _sinfo(request.partition)
        answer = answers[request.partition]
        if isinstance(answer, str):
            found.append(answer)
        else:
            found += _request_problems(config, request, answer)
    return list(dict.fromkeys(found))


def _request_problems(config: Config, request: GpuRequest, gpus: list[PartitionGpus]) -> list[str]:
    where = f"partition {request.partition}" if request.partition else "the cluster"
    fitting = [gpu for gpu in gpus if request.model in (None, gpu.model)]
    if not any(gpu.count >= request.gpus for gpu in fitting):
        there = ", ".join(f"{gpu.count} x {gpu.model or 'gpu'}" for gpu in gpus) or "no GPU"
        return [
            f"{request.rule} asks for {request.gpus} x {request.model or 'gpu'} on one node, a node of {where} has "
            f"{there}: change the resources of this rule in the profile (and `devices` of its training), or the "
            "partition"
        ]
    sizes = [memory_gb(gpu.model) for gpu in fitting if gpu.count >= request.gpus]
    return memory_problems(config, request.rule, min(sizes)) if sizes and None not in sizes else []


def memory_problems(config: Config, rule: str, available_gb: float) -> list[str]:
    """Trainings of a rule whose estimated memory is more than a GPU has."""
    if config.genomic_interpreter and rule in ("train_assay_model", "train_main_model"):
        return _assay_memory_problems(config, available_gb)
    if config.dnabert_lrp and rule == "fine_tune":
        return _bert_memory_problems(config, available_gb)
    return []


def _assay_memory_problems(config: Config, available_gb: float) -> list[str]:
    from regulens.plan_data import track_count
    from regulens.plan_gpu import Gpu, assay_jobs

    study, found = config.genomic_interpreter, []
    for job in assay_jobs(config, study.data.geometry, None, track_count(config) or 1, Gpu()):
        needed = job.memory_gb()
        if study.models[job.name].checkpoint is None and needed > available_gb:
            key = f"genomic_interpreter.models.{job.name}.training"
            found.append(_too_large(job.name, needed, job.batch, available_gb, job.fitting_batch(available_gb), key))
    return found


def _bert_memory_problems(config: Config, available_gb: float) -> list[str]:
    from regulens.plan_gpu import bert_cost, training_memory_gb

    study, found = config.dnabert_lrp, []
    for name, task in study.tasks.items():
        training = study.task_training(name)
        cost, bf16 = bert_cost(study.model.settings, task.data.length_bp), training.precision != "fp32"
        needed = {n: training_memory_gb(cost, n, bf16) for n in range(1, training.batch_per_device + 1)}
        batch = training.batch_per_device
        if task.checkpoint is None and needed[batch] > available_gb:
            fitting = max((n for n, size in needed.items() if size <= available_gb), default=0)
            key = f"dnabert_lrp.tasks.{name}.training"
            found.append(_too_large(f"task {name}", needed[batch], batch, available_gb, fitting, key))
    return found


def _too_large(what: str, needed: float, batch: int, available: float, fitting: int, key: str) -> str:
    remedy = f"set batch_per_device: {fitting} in {key} (the effective batch stays)" if fitting else "use a larger GPU"
    return (
        f"{what} needs about {needed:.0f} GB of GPU memory with {batch} examples a device, the GPU has "
        f"{available:.0f} GB: {remedy}"
    )


def _sinfo(partition: str | None) -> list[PartitionGpus] | str:
    """GPUs of a partition (None: of all), or the sentence about what went wrong."""
    of_partition = ["--partition", partition] if partition else []
    try:
        answer = subprocess.run(
            ["sinfo", "--noheader", "--format", "%P %G", *of_partition],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"sinfo gives no answer within {TIMEOUT_S} s: is the SLURM controller up?"
    if answer.returncode:
        said = answer.stderr.strip().rpartition("\n")[2] or f"exit status {answer.returncode}"
        return f"sinfo fails ({said}): is the SLURM controller up?"
    lines = [line.split(maxsplit=1) for line in answer.stdout.splitlines() if line.strip()]
    if not lines:
        return f"SLURM has no partition {partition}: set slurm_partition in the profile (`sinfo` lists them)"
    return parse_gres("\n".join(line[1] for line in lines if len(line) > 1))
