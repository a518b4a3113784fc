"""Finds what a run is missing before its first job (files, disk, programs, GPUs), each with its remedy."""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from regulens.cluster.inputs import (
    assay_examples,
    coverage_files,
    data_files,
    local_copies,
    needed_sources,
    sequence_counts,
    source_bytes,
    store_bytes,
    track_count,
)
from regulens.config import Config
from regulens.config.genomic_interpreter import BigwigData, SimulatedData
from regulens.config.hybrid_networks import TASKS
from regulens.core.errors import InputError
from regulens.data.settings import SimulatedSequences, TableSequences, find_source

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
"""GPU memory in GB by model, the smaller where variants exist. A name that states it (`a100_80gb`) takes precedence."""

TIMEOUT_S = 30
"""Longest wait for an answer of `sinfo`."""

CORRECT = "correct the path, or name it in sources to have it downloaded"

SMALLEST_WEIGHTS = 10_000
"""A weight file smaller than this is a Git LFS pointer or a web page."""


class GpuRequest(NamedTuple):
    """What the jobs of a rule request from SLURM."""

    rule: str
    partition: str | None
    gpus: int
    model: str | None


class PartitionGpus(NamedTuple):
    """GPUs of one kind on a node."""

    model: str | None
    count: int


def problems(
    config: Config, requests: Iterable[GpuRequest] = (), conda: bool = False, planned: bool = False
) -> list[str]:
    """Everything that is known to be missing, each with its remedy; empty if the run can start.

    ``requests``: GPUs that jobs request from a SLURM cluster. ``conda``: rules run in conda environments, which bring
    their programs. ``planned``: Snakemake has found the data files of what was requested, which may be one study of
    several, or made by rules of a larger workflow.
    """
    if found := mirror_problems(config):
        return found  # everything else depends on it
    names = needed_sources(config)
    return [
        *bucket_problems(config, names),
        *disk_problems(config, names),
        *([] if planned else data_problems(config)),
        *weight_problems(config),
        *row_problems(config),
        *motif_problems(config, conda),
        *cluster_problems(config, list(requests)),
    ]


# On disk and on the network.


def mirror_problems(config: Config) -> list[str]:
    """Problem: the mirror folder does not exist."""
    mirror = config.download.mirror or os.environ.get("REGULENS_MIRROR")
    if mirror and not Path(mirror).is_dir():
        return [f"mirror folder {mirror} does not exist: correct download.mirror or REGULENS_MIRROR"]
    return []


def bucket_problems(config: Config, names: list[str]) -> list[str]:
    """Problem: files in a bucket that are not downloaded yet and cannot be reached."""
    paid = [
        name
        for name in names
        if find_source(config.sources, name).url.startswith("gs:") and not local_copies(config, name)
    ]
    if not paid:
        return []
    if not config.download.billing_project:
        return [
            f"{len(paid)} files ({paid[0]}, ...) are in a requester-pays bucket: set download.billing_project to a "
            "Google Cloud project, or download.mirror to a folder that has copies of them"
        ]
    from regulens.data import download  # network libraries load slowly

    url = find_source(config.sources, paid[0]).url
    try:
        with download.open_url(paid[0], url, config.download) as (stream, _):
            stream.read(1)
    except Exception as error:
        try:
            download.explain(paid[0], url, error)
        except InputError as known:
            return [f"{known} ({len(paid)} files come from there)"]
        except Exception:  # explain returns for errors that it does not know
            pass
        return [
            f"{len(paid)} files: {url} does not answer ({download.reason(error)}): try again later, or set "
            "download.mirror to a folder that has copies of them"
        ]
    return []


def disk_problems(config: Config, names: list[str]) -> list[str]:
    """Problem: disks without room for what is still to be downloaded and cropped, as far as sizes are known."""
    needed: dict[int, float] = defaultdict(float)
    folders: dict[int, list[str]] = defaultdict(list)
    for folder, size in ((config.download.folder, _to_download(config, names)), ("results", _to_crop(config))):
        if size:
            disk = os.stat(_existing(Path(folder))).st_dev
            needed[disk] += size
            folders[disk].append(folder)
    found = []
    for disk, size in needed.items():
        free = shutil.disk_usage(_existing(Path(folders[disk][0]))).free
        if size > free:
            other = "; download.folder may be on another one" if config.download.folder in folders[disk] else ""
            found.append(
                f"the disk of {' and '.join(folders[disk])} has {_gb(free)} free and the run needs about {_gb(size)} "
                f"there: make room, or run from another disk{other}"
            )
    return found


def _to_download(config: Config, names: list[str]) -> float:
    from regulens.cluster.cost import bert_parameters

    parameters = bert_parameters(config.dnabert_lrp.model.settings) if config.dnabert_lrp else 0
    folder = Path(config.download.folder)
    missing = [name for name in names if not (folder / name).is_file()]
    return sum(source_bytes(config, name, parameters) or 0 for name in missing)


def _to_crop(config: Config) -> float:
    """Bytes of the store, minus the shards that exist."""
    study = config.genomic_interpreter
    examples, tracks = (assay_examples(config), track_count(config)) if study else (None, None)
    if not examples or not tracks:
        return 0
    shards = Path("results") / config.run / "genomic_interpreter/data/shards"
    there = sum(path.stat().st_size for path in shards.glob("[!.]*.h5")) if shards.is_dir() else 0
    return max(store_bytes(study, examples, tracks) - there, 0)


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


def data_problems(config: Config) -> list[str]:
    """Problem: data files that do not exist and are not downloaded, coverage files among them."""
    found = [
        f"{key}: {name} does not exist: {CORRECT}"
        for key, name in data_files(config).items()
        if not find_source(config.sources, name) and not local_copies(config, name)
    ]
    data = config.genomic_interpreter and config.genomic_interpreter.data
    if not isinstance(data, BigwigData):
        return found
    tables = local_copies(config, data.tracks)
    try:
        files = coverage_files(data, tables[0], None) if tables else []
    except InputError as error:
        return [*found, str(error)]
    missing = [name for name in files if not Path(name).is_file()]
    if missing:
        found.append(
            f"genomic_interpreter.data.coverage: {len(missing)} of the {len(files)} files that {tables[0]} names "
            f"do not exist ({missing[0]}, ...): correct its column file, or the folder"
        )
    elif not files and data.coverage and not Path(data.coverage).is_dir():
        found.append(f"genomic_interpreter.data.coverage: {data.coverage} does not exist: correct the folder")
    return found


def row_problems(config: Config) -> list[str]:
    """Problem: a track or an example of a figure that the data do not have, as far as the data are known."""
    found = []
    if study := config.genomic_interpreter:
        figures, key = study.figures, "genomic_interpreter.figures"
        tables = [] if isinstance(study.data, SimulatedData) else local_copies(config, study.data.tracks)
        if tables:
            from regulens.data.tracks import read_track_table, track_row  # pandas loads slowly

            try:
                track_row(read_track_table(tables[0]), figures.figure3.track, f"{key}.figure3.track")
            except InputError as error:
                found.append(str(error))
        examples = (assay_examples(config) or {}).get("test")
        chosen = {"figure3.example": figures.figure3.example, "attention.example": figures.attention.example}
        for name, example in chosen.items():
            if examples is not None and example >= examples:
                found.append(f"{key}.{name}: {example} does not exist; the test set has rows 0 to {examples - 1}")
    if study := config.dnabert_lrp:
        for task, settings in study.tasks.items():
            counts = sequence_counts(config, task)
            if counts is None:
                continue
            # A table may say itself which of its rows are the test set.
            rows = sum(counts) if isinstance(settings.data, TableSequences) else counts[1]
            found += [
                f"dnabert_lrp.tasks.{task}.examples: {example} does not exist; the test set has at most {rows} rows"
                for example in settings.examples
                if example >= rows
            ]
    return found


def weight_problems(config: Config) -> list[str]:
    """Problem: weights and checkpoints that are missing or are not weight files."""
    wanted, found = {}, []
    if assay := config.genomic_interpreter:
        wanted |= {f"genomic_interpreter.models.{name}.checkpoint": m.checkpoint for name, m in assay.models.items()}
    if lrp := config.dnabert_lrp:
        wanted |= {f"dnabert_lrp.tasks.{name}.checkpoint": task.checkpoint for name, task in lrp.tasks.items()}
        wanted["dnabert_lrp.model.weights"] = lrp.model.weights
    if hybrid := config.hybrid_networks:
        for task in ("task1", "task2"):
            for name, files in hybrid.task(task).checkpoints.items():
                for activation, path in files.items():
                    wanted[f"hybrid_networks.{task}.checkpoints.{name}.{activation}"] = path
    for key, name in wanted.items():
        if not name:
            continue
        copies = local_copies(config, name)
        if copies and copies[0].stat().st_size < SMALLEST_WEIGHTS:
            size = copies[0].stat().st_size
            found.append(
                f"{copies[0]} has {size} bytes, too few to be weights ({key}): put the file itself there "
                "(not its Git LFS pointer)"
            )
        elif not copies and not find_source(config.sources, name):
            found.append(f"{key}: {name} does not exist: {CORRECT}")
    return found


# Motifs.


def motif_problems(config: Config, conda: bool = False) -> list[str]:
    """JASPAR releases and motif comparison engines that are not installed."""
    releases, engines = {}, {}
    if (assay := config.genomic_interpreter) and isinstance(assay.data, SimulatedData):
        releases["genomic_interpreter.data.simulation.release"] = assay.data.simulation.release
    if lrp := config.dnabert_lrp:
        for name, task in lrp.tasks.items():
            if isinstance(task.data, SimulatedSequences):
                releases[f"dnabert_lrp.tasks.{name}.data.simulation.release"] = task.data.simulation.release
        releases["dnabert_lrp.motifs.comparison.release"] = lrp.motifs.comparison.release
        engines["dnabert_lrp.motifs.comparison.engine"] = lrp.motifs.comparison.engine
    if hybrid := config.hybrid_networks:
        releases |= {f"hybrid_networks.{name}.data.release": hybrid.task(name).data.release for name in TASKS}
        releases["hybrid_networks.comparison.release"] = hybrid.comparison.release
        engines["hybrid_networks.comparison.engine"] = hybrid.comparison.engine
    return _release_problems(releases) + ([] if conda else _engine_problems(engines))


def comparison_programs(config: Config) -> list[str]:
    """The programs outside of conda environments that will compare motifs, with their versions."""
    from regulens.motifs.tomtom import find_tomtom, meme_version

    parts = [part for part in (config.dnabert_lrp and config.dnabert_lrp.motifs, config.hybrid_networks) if part]
    engines, binary = {part.comparison.engine for part in parts}, find_tomtom()
    found = []
    if binary and engines - {"native"}:
        found.append(f"motifs are compared by {binary}, version {meme_version(binary)} of the MEME Suite")
    if "native" in engines or (engines and not binary):
        found.append("motifs are compared by the built-in method of Tomtom")
    return found


def _release_problems(releases: dict[str, str]) -> list[str]:
    if not releases:
        return []
    from regulens.data.matrices import jaspar_releases

    known = jaspar_releases()
    return [
        f"{key}: JASPAR release {release!r} is not installed: choose one of {', '.join(known)}"
        for key, release in releases.items()
        if release not in known
    ]


def _engine_problems(engines: dict[str, str]) -> list[str]:
    from regulens.motifs.tomtom import find_tomtom

    if find_tomtom():
        return []
    return [
        f"{key}: meme needs the program tomtom of the MEME Suite, which is not on the PATH: install it (conda: "
        f"envs/meme.yaml), run with --sdm conda, or set {key}: native"
        for key, engine in engines.items()
        if engine == "meme"
    ]


# GPUs of a SLURM cluster: whether a partition has those that the jobs ask for, and enough memory on them.


def gpu_requests(jobs: Iterable[tuple[str, Mapping]]) -> list[GpuRequest]:
    """Distinct GPU requests among jobs, each given as rule and resources (names of Snakemake's SLURM plugin)."""
    requests = {}
    for rule, resources in jobs:
        gpus = resources.get("gpu") or resources.get("gpus") or 0
        model, _, count = str(gpus).rpartition(":")
        if str(count).isdigit() and int(count):
            model = resources.get("gpu_model") or model or None
            requests[GpuRequest(rule, resources.get("slurm_partition"), int(count), model)] = None
    return list(requests)


def cluster_problems(config: Config, requests: list[GpuRequest]) -> list[str]:
    """Requests that their partitions cannot satisfy, in words; empty without requests."""
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


def _sinfo(partition: str | None) -> list[PartitionGpus] | str:
    """GPUs of a partition (None: of all), or a sentence that says what went wrong."""
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


def parse_gres(text: str) -> list[PartitionGpus]:
    """GPUs in the output of ``sinfo --format %G``: lines such as ``gpu:a100:3(S:0-1),nvme:1``."""
    found = []
    for entry in re.split(r"[,\n]", re.sub(r"\([^)]*\)", "", text)):
        name, *rest = entry.strip().split(":")
        if name == "gpu" and rest:
            count = int(rest[-1]) if rest[-1].isdigit() else 1
            found.append(PartitionGpus(rest[0] if not rest[0].isdigit() else None, count))
    return list(dict.fromkeys(found))


def memory_gb(model: str | None) -> float | None:
    """Memory in GB of a GPU by its name on the cluster; None for an unknown name."""
    name = (model or "").lower()
    if found := re.search(r"(\d+)\s*gb", name):
        return float(found[1])
    known = [part for part in re.split(r"[^a-z0-9]+", name) if part in GPU_MEMORY_GB]
    return GPU_MEMORY_GB[known[0]] if known else None


def memory_problems(config: Config, rule: str, available_gb: float) -> list[str]:
    """Trainings of a rule that are estimated to need more memory than a GPU has."""
    if config.genomic_interpreter and rule in ("train_assay_model", "train_main_model"):
        return _assay_memory_problems(config, available_gb)
    if config.dnabert_lrp and rule == "fine_tune":
        return _bert_memory_problems(config, available_gb)
    return []


def _assay_memory_problems(config: Config, available_gb: float) -> list[str]:
    from regulens.cluster.cost import Gpu, assay_jobs
    from regulens.cluster.inputs import track_count

    study, found = config.genomic_interpreter, []
    for job in assay_jobs(config, study.data.geometry, None, track_count(config) or 1, Gpu()):
        needed = job.memory_gb()
        if study.models[job.name].checkpoint is None and needed > available_gb:
            key = f"genomic_interpreter.models.{job.name}.training"
            found.append(_too_large(job.name, needed, job.batch, available_gb, job.fitting_batch(available_gb), key))
    return found


def _bert_memory_problems(config: Config, available_gb: float) -> list[str]:
    from regulens.cluster.cost import bert_cost, training_memory_gb

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
        f"{what} needs about {needed:.0f} GB of GPU memory with {batch} examples per device, the GPU has "
        f"{available:.0f} GB: {remedy}"
    )
