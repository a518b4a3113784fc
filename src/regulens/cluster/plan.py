"""Estimates bytes, GPU-hours and jobs of every stage of a configuration before a run; writes docs/scale.md."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tabulate import tabulate

from regulens.cluster.cost import (
    CONTEXT_GB,
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
from regulens.cluster.inputs import (
    assay_examples,
    needed_sources,
    sequence_counts,
    source_bytes,
    store_bytes,
    track_count,
)
from regulens.cluster.rates import Rates
from regulens.config import STUDIES, Config
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.data.settings import Geometry

STAGES = {
    "download, unpack": r"download|unpack|index_genome",
    "crop": r"crop_\w+|link_shards|simulate_genome|windows_by_contig|coverage_from_positions",
    "train assay models": r"train_assay_model|train_main_model|adopt_checkpoint",
    "predict, attention": r"predict\w*|pearson|export_attention",
    "attributions": r"attribut\w+|score_elements|check_attributions|\w+_(maps|effects|activity|pairs|variants)",
    "labelled sequences": r"\w*sequences_from_\w+|simulate_labelled\w*|simulate_sequences",
    "pretrain, fine-tune": r"pretrain|fine_tune|adopt_classifier",
    "classify, score relevance": r"classify\w*|classifier_metrics|score_relevance|check_relevance",
    "mutagenesis": r"mutagenesis",
    "train hybrid networks": r"train_trials|adopt_trials|simulate_motif_sequences",
    "test, saliency": r"evaluate_trials|score_saliency",
    "motifs": r"\w*(targets|discover_motifs|tomtom|match_filters|align_filters)\w*|filter_\w*motifs",
    "tables and figures": r"\w+",
}
"""Stages in order, with the rules of each; a rule belongs to the first stage that matches."""

NOT_JOBS = {"all", "total", "figures", "prepare", "models", *STUDIES}
"""Rows of Snakemake's table that run nothing; also `<study>_figures`."""

LONGEST_S = 300
"""Longest wait for the dry run."""

ENFORMER_WINDOW = Geometry(input_bp=196_608, bins=896, bin_bp=128)
"""The full window of Enformer (docs/papers.md, "Convolutional trunk")."""

PAPER_HOURS = 30
"""GPU-hours per assay model in the paper: about 10 h on three A100s, for an unpublished number of epochs (Genomic
Interpreter, section 3.5)."""

UNKNOWN = "?"


@dataclass(frozen=True)
class Plan:
    """The plan of one configuration at one geometry."""

    gpu_hours: dict[str, float | None]
    """GPU-hours by stage; None where the size of the data is unknown."""
    size: dict[str, float | None]
    """Bytes written by each stage, if they matter; None where the size of the data is unknown."""
    models: list[AssayJob]
    """The assay models."""
    measured: dict[str, list[bool]] = field(default_factory=dict)
    """By stage, of each of its models or tasks whether the hours follow from a measured rate; only where any may."""


def make_plan(config: Config, gpu: Gpu | None = None) -> Plan:
    """GPU-hours and bytes by stage."""
    gpu = gpu or Gpu()
    plan = Plan({}, {"download, unpack": _download_bytes(config)}, [])
    if config.dnabert_lrp:
        _plan_dnabert(config, gpu, plan)
    if config.hybrid_networks:
        networks = hybrid_jobs(config.hybrid_networks, gpu).values()
        plan.gpu_hours["train hybrid networks"] = sum(of_network for of_network, _, _ in networks)
        plan.size["train hybrid networks"] = sum(4 * parameters for _, parameters, _ in networks)
        plan.measured["train hybrid networks"] = [measured for _, _, measured in networks]
    return at_geometry(plan, config, None, gpu) if config.genomic_interpreter else plan


def at_geometry(plan: Plan, config: Config, geometry: Geometry | None, gpu: Gpu | None = None) -> Plan:
    """The same plan with another geometry for the first study (None: the configured one)."""
    hours, size = dict(plan.gpu_hours), dict(plan.size)
    models = _plan_assay(config, geometry, gpu or Gpu(), hours, size)
    stages = dict.fromkeys(("train assay models", "predict, attention"), [job.measured for job in models])
    return Plan(hours, size, models, plan.measured | stages)


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


def _plan_dnabert(config: Config, gpu: Gpu, plan: Plan) -> None:
    study, hours, size = config.dnabert_lrp, plan.gpu_hours, plan.size
    seeds, stages = len(study.seeds), ("pretrain, fine-tune", "classify, score relevance", "mutagenesis")
    counts = {task: sequence_counts(config, task) for task in study.tasks}
    size[stages[0]] = STATE_BYTES * bert_parameters(study.model.settings) * len(counts) * seeds
    if None in counts.values():
        hours |= dict.fromkeys(stages[:2])
    else:
        tuning = [fine_tuning_hours(study, task, train, gpu) for task, (train, _) in counts.items()]
        explained = {task: test for task, (_, test) in counts.items() if task in study.explained_tasks}
        scoring = [relevance_hours(study, task, test, gpu) for task, test in explained.items()]
        hours[stages[0]], hours[stages[1]] = seeds * sum(tuning), seeds * sum(of_task for of_task, _ in scoring)
        plan.measured[stages[1]] = [measured for _, measured in scoring]
        bases = sum(test * study.tasks[task].data.length_bp for task, test in explained.items())
        size[stages[1]] = 4 * seeds * bases * len(study.relevance.scores)
    mutating = [mutagenesis_hours(study, task, gpu) for task in study.explained_tasks]
    hours[stages[2]] = seeds * sum(of_task for of_task, _ in mutating)
    plan.measured[stages[2]] = [measured for _, measured in mutating]
    if study.pretraining:
        hours[stages[0]] = None  # the number of windows is known only after cutting


def _download_bytes(config: Config) -> float:
    parameters = bert_parameters(config.dnabert_lrp.model.settings) if config.dnabert_lrp else 0
    return sum(source_bytes(config, name, parameters) or 0 for name in needed_sources(config))


# Jobs, as Snakemake counts them.


def count_jobs(configfile: Path, root: Path = Path(".")) -> dict[str, int]:
    """Number of jobs of every rule in a complete run, from Snakemake's dry run.

    Raises `InputError` with Snakemake's message when the dry run fails.
    """
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall", "--quiet", "rules", "--nolock"]
    command += ["--snakefile", str(root / "Snakefile"), "--configfile", str(configfile)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    if answer.returncode:
        raise InputError(f"{configfile}: the dry run fails:\n{(answer.stderr or answer.stdout)[-2000:]}")
    return parse_job_table(answer.stdout + answer.stderr)


def parse_job_table(text: str) -> dict[str, int]:
    """Snakemake's "Job stats" as a map from rule to number of jobs."""
    _, found, table = text.partition("Job stats:")
    if not found:
        raise InputError("Snakemake's dry run gave no table of jobs")
    rows = re.findall(r"^(\w+) +(\d+)\s*$", table.partition("\ntotal")[0], re.MULTILINE)
    return {rule: int(n) for rule, n in rows if rule.removesuffix("_figures") not in NOT_JOBS}


def jobs_by_stage(jobs: dict[str, int]) -> dict[str, int]:
    """Jobs of every stage."""
    counts = dict.fromkeys(STAGES, 0)
    for rule, number in jobs.items():
        counts[stage_of(rule)] += number
    return counts


def stage_of(rule: str) -> str:
    """Stage that a rule belongs to."""
    return next(stage for stage, pattern in STAGES.items() if re.fullmatch(pattern, rule))


# The document, in Markdown.


def document(config: Config, jobs: dict[str, int], name: str, gpu: Gpu | None = None, rehearsed: str = "") -> str:
    """Markdown document about a configuration called ``name``; ``jobs`` is that of `count_jobs`.

    ``rehearsed``: a further section (`cluster.resources.rehearsal_section`).
    """
    gpu = gpu or Gpu()
    plans = [make_plan(config, gpu)]
    if config.genomic_interpreter and config.genomic_interpreter.data.geometry != ENFORMER_WINDOW:
        plans.append(at_geometry(plans[0], config, ENFORMER_WINDOW, gpu))
    stages = _stage_table(config, jobs_by_stage(jobs), plans, gpu.rates.card)
    parts = [
        f"# What a run of `{name}` takes",
        f"Computed by `regulens plan --configfile {name}` for an {gpu.name}, good to a factor of two or three. One GPU "
        f"is enough; a job takes at most one, and as many run at once as there are. GB: on disk.{_measured(gpu.rates)}",
        "## Stages",
        stages,
        f"{'`?`: known once the data exist. ' * (UNKNOWN in stages)}Empty: negligible. Figures and tables run on CPUs.",
    ]
    if config.genomic_interpreter:
        parts += ["## Assay models", _data_line(config), _model_table(plans, gpu), _window_note(config, len(plans))]
    return "\n\n".join([*parts, *filter(None, [rehearsed]), "## How it is estimated", _method(gpu)]) + "\n"


def write(path: Path, text: str) -> None:
    """Write the document."""
    with atomic_output(path) as temporary:
        temporary.write_text(text)


def check(path: Path, text: str) -> None:
    """Raise `InputError` if a document does not match the configuration."""
    if not path.exists() or path.read_text() != text:
        raise InputError(f"{path} does not match the configuration: run `regulens plan --write` and commit it")


def _measured(rates: Rates) -> str:
    """A further sentence on where the numbers come from; empty without measured rates."""
    return f" Where it says so, rates were measured on {rates.card} ({rates.made})." if rates.card else ""


def _source(measured: Sequence[bool], card: str) -> str:
    """How many of the rates behind a row's hours were measured, and on which card."""
    if not any(measured):
        return "estimated"
    return f"{'' if all(measured) else f'{sum(measured)} of {len(measured)} '}measured, {card}"


def _stage_table(config: Config, jobs: dict[str, int], plans: list[Plan], card: str) -> str:
    windows = _windows(config, len(plans))
    headers = ["stage", "jobs"] + [f"{what}{window}" for window in windows for what in ("GPU-hours", "GB")]
    headers += [f"rates{window}" for window in windows] if card else []
    rows = []
    for stage in STAGES:
        if jobs[stage]:
            cells = [cell for plan in plans for cell in (_hours(plan.gpu_hours, stage), _gb(plan.size, stage))]
            for plan in plans if card else []:
                known = plan.gpu_hours.get(stage) is not None
                cells.append(_source(plan.measured.get(stage, []), card) if known else "")
            rows.append([stage, f"{jobs[stage]:,}", *cells])
    totals = [_total(values, unit) for plan in plans for values, unit in ((plan.gpu_hours, 1), (plan.size, 1e9))]
    rows.append(["**all**", f"{sum(jobs.values()):,}", *totals])
    return _table(rows, headers)


def _model_table(plans: list[Plan], gpu: Gpu) -> str:
    headers = ["model", "window", "parameters (M)", "GFLOP forward", "batch per device", "GPU memory (GB)"]
    headers += [f"batch that fits {gpu.memory_gb:g} GB", "GPU-hours per seed"]
    card = gpu.rates.card
    headers += ["rates"] if card else []
    rows = []
    for plan, window in zip(plans, ("configured", "196,608 bp"), strict=False):
        for job in plan.models:
            cost = [f"{job.cost.parameters / 1e6:.1f}", f"{job.cost.flops / 1e9:,.0f}"]
            memory = [f"{job.memory_gb():.1f}", str(job.fitting_batch(gpu.memory_gb) or "none")]
            source = [_source([job.measured], card)] if card else []
            rows.append([job.name, window, *cost, str(job.batch), *memory, _round(job.hours), *source])
    return _table(rows, headers)


def _data_line(config: Config) -> str:
    examples, tracks = assay_examples(config), track_count(config)
    counts = ", ".join(f"{number:,} {split}" for split, number in examples.items()) if examples else UNKNOWN
    study = config.genomic_interpreter
    geometry = study.data.geometry
    epochs = sorted({study.model_training(name).max_epochs for name in study.models})
    return (
        f"Examples: {counts}; tracks: {f'{tracks:,}' if tracks else UNKNOWN}; configured window: "
        f"{geometry.input_bp:,} bp, {geometry.bins} bins of {geometry.bin_bp} bp; "
        f"{' or '.join(map(str, epochs))} epochs. The paper reports about {PAPER_HOURS} GPU-hours per model, for an "
        "unpublished number of epochs."
    )


def _window_note(config: Config, plans: int) -> str:
    note = "A smaller batch per device changes no result, because gradients are accumulated over the effective batch."
    if plans > 1 and config.genomic_interpreter.data.route == "tfrecord":
        note += (
            " Records shorter than 196,608 bp (Basenji2: 131,072) are padded with N, or the sequence is cut out of the "
            "genome anew through the route `bigwig`."
        )
    return note


def _method(gpu: Gpu) -> str:
    return (
        "Jobs are those of Snakemake's dry run of a complete run. Operations, bytes and activations are counted on the "
        "networks themselves, built without weights; a training step counts as three forward passes. Time is "
        f"operations at {gpu.bf16_flops / 1e12:.0f} TFLOP/s in bf16 ({gpu.fp32_flops / 1e12:.0f} in float32) plus "
        f"bytes at {gpu.bandwidth / 1e12:.2f} TB/s, at least {gpu.launch_s * 1e6:.0f} microseconds per operator: 40 % "
        f"of the peaks and 60 % of the bandwidth of an {gpu.name}, an assumption, good to a factor of two or three. "
        "Data loading is not included. Hybrid networks are counted as if none stopped early. Memory is weights, "
        f"gradients and Adam's state, activations kept for the backward pass, and {CONTEXT_GB} GB for CUDA. Sizes of "
        "downloads are known ones rounded up; small tables are left out."
    )


def _windows(config: Config, plans: int) -> list[str]:
    if plans == 1:
        return [""]
    return [f", {geometry.input_bp:,} bp" for geometry in (config.genomic_interpreter.data.geometry, ENFORMER_WINDOW)]


def _hours(values: dict, stage: str) -> str:
    return "" if stage not in values else UNKNOWN if values[stage] is None else _round(values[stage])


def _gb(values: dict, stage: str) -> str:
    return "" if stage not in values else UNKNOWN if values[stage] is None else _round(values[stage] / 1e9)


def _total(values: dict, unit: float) -> str:
    known = _round(sum(value for value in values.values() if value) / unit)
    return f"more than {known}" if None in values.values() else known


def _round(value: float) -> str:
    """Text with two significant digits: more would suggest a measurement."""
    if value == 0:
        return "0"
    if value < 0.01:
        return "< 0.01"
    return f"{float(f'{value:.2g}'):,g}"


def _table(rows: list, headers: list[str]) -> str:
    align = ["left"] + ["right"] * (len(headers) - 1)
    return tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True)
