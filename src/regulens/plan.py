"""Bytes, GPU-hours and jobs of every stage of a configuration, before anything runs."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from regulens.config import Config
from regulens.data.settings import Geometry
from regulens.errors import InputError
from regulens.plan_data import assay_examples, sequence_counts, source_bytes, store_bytes, track_count
from regulens.plan_gpu import (
    STATE_BYTES,
    AssayJob,
    Gpu,
    assay_jobs,
    bert_parameters,
    fine_tuning_hours,
    hybrid_jobs,
    mutagenesis_hours,
    relevance_hours,
)
from regulens.preflight import needed_sources

STAGES = {
    "download, unpack": r"download|unpack",
    "crop": r"crop_\w+|link_shards|simulate_genome",
    "train assay models": r"train_assay_model|train_main_model|adopt_checkpoint",
    "predict, attention": r"predict\w*|pearson|export_attention",
    "labelled sequences": r"\w*sequences_from_\w+|simulate_labelled\w*|simulate_sequences",
    "pretrain, fine-tune": r"pretrain|fine_tune|adopt_classifier",
    "classify, score relevance": r"classify\w*|classifier_metrics|score_relevance",
    "mutagenesis": r"mutagenesis",
    "train hybrid networks": r"train_trials|adopt_trials|simulate_motif_sequences",
    "test, saliency": r"evaluate_trials|score_saliency",
    "motifs": r"\w*(targets|discover_motifs|tomtom|match_filters|align_filters|memelite)\w*|filter_\w*motifs",
    "tables and figures": r"\w+",
}
"""Stages in their order, and the rules of each; a rule belongs to the first that matches."""
NOT_JOBS = {"all", "total", "figures", "genomic_interpreter", "dnabert_lrp", "hybrid_networks"}
"""Lines of Snakemake's table that run nothing; also `<study>_figures`."""
LONGEST_S = 300


@dataclass(frozen=True)
class Plan:
    """One configuration at one geometry."""

    gpu_hours: dict[str, float | None]
    """By stage; None where the size of the data is not known."""
    size: dict[str, float | None]
    """Bytes that a stage writes, where they count; None where the size of the data is not known."""
    models: list[AssayJob]
    """The assay models."""


def stage_of(rule: str) -> str:
    """Stage that a rule belongs to."""
    return next(stage for stage, pattern in STAGES.items() if re.fullmatch(pattern, rule))


def count_jobs(configfile: Path, root: Path = Path(".")) -> dict[str, int]:
    """Jobs of every rule in a complete run, as Snakemake's own dry run counts them.

    Raises `InputError` with Snakemake's message when the dry run fails.
    """
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall", "--quiet", "rules", "--nolock"]
    command += ["--snakefile", str(root / "Snakefile"), "--configfile", str(configfile)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    if answer.returncode:
        raise InputError(f"{configfile}: the dry run fails:\n{(answer.stderr or answer.stdout)[-2000:]}")
    return parse_job_table(answer.stdout + answer.stderr)


def parse_job_table(text: str) -> dict[str, int]:
    """Snakemake's "Job stats" as a map."""
    _, found, table = text.partition("Job stats:")
    if not found:
        raise InputError("Snakemake's dry run gave no table of jobs")
    rows = re.findall(r"^(\w+) +(\d+)\s*$", table.partition("\ntotal")[0], re.MULTILINE)
    return {rule: int(n) for rule, n in rows if rule not in NOT_JOBS and not _is_target(rule)}


def jobs_by_stage(jobs: dict[str, int]) -> dict[str, int]:
    """Jobs of every stage."""
    counts = dict.fromkeys(STAGES, 0)
    for rule, number in jobs.items():
        counts[stage_of(rule)] += number
    return counts


def make_plan(config: Config, gpu: Gpu | None = None) -> Plan:
    """GPU-hours and bytes by stage."""
    gpu = gpu or Gpu()
    plan = Plan({}, {"download, unpack": _download_bytes(config)}, [])
    if config.dnabert_lrp:
        _plan_dnabert(config, gpu, plan.gpu_hours, plan.size)
    if config.hybrid_networks:
        networks = hybrid_jobs(config.hybrid_networks, gpu).values()
        plan.gpu_hours["train hybrid networks"] = sum(of_network for of_network, _ in networks)
        plan.size["train hybrid networks"] = sum(4 * parameters for _, parameters in networks)
    return at_geometry(plan, config, None, gpu) if config.genomic_interpreter else plan


def at_geometry(plan: Plan, config: Config, geometry: Geometry | None, gpu: Gpu | None = None) -> Plan:
    """The same plan with the first study at another geometry (None: the configured one)."""
    hours, size = dict(plan.gpu_hours), dict(plan.size)
    models = _plan_assay(config, geometry, gpu or Gpu(), hours, size)
    return Plan(hours, size, models)


def _plan_assay(config: Config, geometry: Geometry | None, gpu: Gpu, hours: dict, size: dict) -> list[AssayJob]:
    study = config.genomic_interpreter
    if geometry:
        data = study.data.model_copy(update={"geometry": geometry})
        study = study.model_copy(update={"data": data})
    geometry = study.data.geometry
    examples, tracks = assay_examples(config), track_count(config)
    models = assay_jobs(config, geometry, examples, tracks or 1, gpu)
    if not examples or not tracks:
        hours |= {"train assay models": None, "predict, attention": None}
        size |= {"crop": None, "predict, attention": None}
        return models
    seeds = len(study.seeds)
    hours["train assay models"] = seeds * sum(job.hours for job in models)
    hours["predict, attention"] = seeds * sum(job.prediction_hours for job in models)
    size["crop"] = store_bytes(study, examples, tracks)
    size["train assay models"] = seeds * sum(STATE_BYTES * job.cost.parameters for job in models)
    predictions = examples["test"] * geometry.bins * tracks * 4
    size["predict, attention"] = predictions * (seeds * len(models) + 2)  # two reference rows
    return models


def _plan_dnabert(config: Config, gpu: Gpu, hours: dict, size: dict) -> None:
    study = config.dnabert_lrp
    seeds, stages = len(study.seeds), ("pretrain, fine-tune", "classify, score relevance", "mutagenesis")
    counts = {task: sequence_counts(config, task) for task in study.tasks}
    size[stages[0]] = STATE_BYTES * bert_parameters(study.model.settings) * len(counts) * seeds
    if None in counts.values():
        hours |= dict.fromkeys(stages[:2])
    else:
        tuning = [fine_tuning_hours(study, task, train, gpu) for task, (train, _) in counts.items()]
        scoring = [relevance_hours(study, task, test, gpu) for task, (_, test) in counts.items()]
        hours[stages[0]], hours[stages[1]] = seeds * sum(tuning), seeds * sum(scoring)
        bases = sum(test * study.tasks[task].data.length_bp for task, (_, test) in counts.items())
        size[stages[1]] = 4 * seeds * bases * len(study.relevance.scores)
    hours[stages[2]] = seeds * sum(mutagenesis_hours(study, task, gpu) for task in study.tasks)
    if study.pretraining:
        hours[stages[0]] = None  # the number of windows is known when they are cut


def _download_bytes(config: Config) -> float:
    parameters = bert_parameters(config.dnabert_lrp.model.settings) if config.dnabert_lrp else 0
    return sum(source_bytes(config, name, parameters) or 0 for name in needed_sources(config))


def _is_target(rule: str) -> bool:
    return rule.endswith("_figures") and rule.removesuffix("_figures") in NOT_JOBS
