"""The plan of a configuration as a Markdown document (`docs/scale.md`)."""

from pathlib import Path

from tabulate import tabulate

from regulens.config import Config
from regulens.data.settings import Geometry
from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.plan import STAGES, Plan, at_geometry, jobs_by_stage, make_plan
from regulens.plan_data import assay_examples, track_count
from regulens.plan_gpu import CONTEXT_GB, Gpu

ENFORMER_WINDOW = Geometry(input_bp=196_608, bins=896, bin_bp=128)
"""The full window of Enformer (SPEC 3.1)."""
PAPER_HOURS = 30
"""GPU-hours of an assay model on A100 in the paper: about 10 h on three (SPEC 2.4); its epochs are not published."""
UNKNOWN = "?"


def document(config: Config, jobs: dict[str, int], name: str, gpu: Gpu | None = None) -> str:
    """Markdown for a configuration called ``name``, whose rules have these numbers of jobs (`count_jobs`)."""
    gpu = gpu or Gpu()
    plans = [make_plan(config, gpu)]
    if config.genomic_interpreter and config.genomic_interpreter.data.geometry != ENFORMER_WINDOW:
        plans.append(at_geometry(plans[0], config, ENFORMER_WINDOW, gpu))
    parts = [
        f"# What a run of `{name}` takes",
        f"Computed by `regulens plan --configfile {name}`; nothing here is typed by hand or measured.",
        "## Stages",
        _stage_table(config, jobs_by_stage(jobs), plans),
        "`?`: known when the data are there. Empty: too little to count. Figures and tables run on CPUs.",
    ]
    if config.genomic_interpreter:
        parts += ["## Assay models", _data_line(config), _model_table(plans, gpu), _window_note(config, len(plans))]
    return "\n\n".join([*parts, "## How it is estimated", _method(gpu)]) + "\n"


def write(path: Path, text: str) -> None:
    """Write the document."""
    with atomic_output(path) as temporary:
        temporary.write_text(text)


def check(path: Path, text: str) -> None:
    """Raise `InputError` when a document is not what the configuration says."""
    if not path.exists() or path.read_text() != text:
        raise InputError(f"{path} does not match the configuration: run `regulens plan --write` and commit it")


def _stage_table(config: Config, jobs: dict[str, int], plans: list[Plan]) -> str:
    windows = _windows(config, len(plans))
    headers = ["stage", "jobs"] + [f"{what}{window}" for window in windows for what in ("GPU-hours", "GB")]
    rows = []
    for stage in STAGES:
        if jobs[stage]:
            cells = [cell for plan in plans for cell in (_hours(plan.gpu_hours, stage), _gb(plan.size, stage))]
            rows.append([stage, f"{jobs[stage]:,}", *cells])
    totals = [_total(values, unit) for plan in plans for values, unit in ((plan.gpu_hours, 1), (plan.size, 1e9))]
    rows.append(["**all**", f"{sum(jobs.values()):,}", *totals])
    return _table(rows, headers)


def _model_table(plans: list[Plan], gpu: Gpu) -> str:
    headers = ["model", "window", "parameters (M)", "GFLOP forward", "batch a device", "memory (GB)"]
    headers += [f"batch that fits {gpu.memory_gb:g} GB", "GPU-hours a seed"]
    rows = []
    for plan, window in zip(plans, ("configured", "196,608 bp"), strict=False):
        for job in plan.models:
            cost = [f"{job.cost.parameters / 1e6:.1f}", f"{job.cost.flops / 1e9:,.0f}"]
            memory = [f"{job.memory_gb():.1f}", str(job.fitting_batch(gpu.memory_gb) or "none")]
            rows.append([job.name, window, *cost, str(job.batch), *memory, _round(job.hours)])
    return _table(rows, headers)


def _data_line(config: Config) -> str:
    examples, tracks = assay_examples(config), track_count(config)
    counts = ", ".join(f"{number:,} {split}" for split, number in examples.items()) if examples else UNKNOWN
    geometry = config.genomic_interpreter.data.geometry
    return (
        f"Examples: {counts}; tracks: {f'{tracks:,}' if tracks else UNKNOWN}; configured window: "
        f"{geometry.input_bp:,} bp, {geometry.bins} bins of {geometry.bin_bp} bp. The paper reports about "
        f"{PAPER_HOURS} GPU-hours a model, for an unpublished number of epochs."
    )


def _window_note(config: Config, plans: int) -> str:
    note = "A smaller batch on a device changes no result: the effective batch is accumulated."
    if plans > 1 and config.genomic_interpreter.data.route == "tfrecord":
        note += (
            " Records shorter than 196,608 bp (Basenji2: 131,072) are padded with N, or the sequence is cut out of the "
            "genome anew through the route `bigwig`."
        )
    return note


def _method(gpu: Gpu) -> str:
    return (
        "Jobs are those of Snakemake's dry run of everything. Operations, bytes and activations are counted on the "
        "networks themselves, built without weights; a training step counts as three forward passes. Time is "
        f"operations at {gpu.bf16_flops / 1e12:.0f} TFLOP/s in bf16 ({gpu.fp32_flops / 1e12:.0f} in float32) plus "
        f"bytes at {gpu.bandwidth / 1e12:.2f} TB/s, at least {gpu.launch_s * 1e6:.0f} microseconds an operator: 40 % "
        f"of the peaks and 60 % of the bandwidth of an {gpu.name}, an assumption, good to a factor of two or three. "
        "Reading data is not in it. Hybrid networks are counted as if none stopped early. Memory is weights, "
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
    """Two digits: more would pretend to be measured."""
    if value == 0:
        return "0"
    if value < 0.01:
        return "< 0.01"
    return f"{float(f'{value:.2g}'):,g}"


def _table(rows: list, headers: list[str]) -> str:
    align = ["left"] + ["right"] * (len(headers) - 1)
    return tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True)
