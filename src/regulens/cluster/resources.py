"""What the jobs of a run requested beside what they took, by rule.

From the requests that Snakemake has made for them, and the manifests of their outputs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.cluster.cost import TRAINING_PASSES, mutants
from regulens.cluster.inputs import assay_examples, sequence_counts
from regulens.cluster.plan import STAGES, stage_of
from regulens.config import Config, load
from regulens.config.hybrid_networks import TASKS
from regulens.core.command import command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.tables import markdown_table, read_table, write_csv
from regulens.data.settings import SPLITS
from regulens.provenance.record import read_manifest

REQUESTS = ["rule", "output", "threads", "gpus", "mem_mb", "runtime_min"]
"""Columns of the table of requests: one row a job, with its first output; memory (MB) and time (minutes) are empty
where nothing was requested."""

COLUMNS = ["rule", "jobs", "threads", "gpus", "requested_gb", "requested_min", "peak_gb", "longest_min", "cpu_min"]
COLUMNS += ["work"]


def resources_table(requests: pd.DataFrame, config: Config) -> pd.DataFrame:
    """`COLUMNS` for every rule, in the order of the stages of `cluster.plan`; ``requests``: `REQUESTS`.

    Requests are the largest of the rule's jobs; ``peak_gb`` is the largest memory of a job (1e9 bytes), ``longest_min``
    the time of the longest, ``cpu_min`` the mean CPU time of a job. Jobs whose output is not there, or has no manifest,
    do not count. ``work``: `work` of the largest job, by the configuration of the run.
    """
    rows = []
    for job in requests.itertuples():
        try:
            run = read_manifest(job.output)["run"]
        except InputError:
            continue
        rows.append((*job[1:], run["peak_memory_mb"] / 1000, run["wall_s"] / 60, run["cpu_s"] / 60))
    if not rows:
        raise InputError("no output of the requested jobs is there: run the workflow first")
    jobs = pd.DataFrame(rows, columns=[*REQUESTS, "peak_gb", "minutes", "cpu"])
    jobs["requested_gb"] = jobs["mem_mb"] / 1000
    found = jobs.groupby("rule", sort=False).agg(
        jobs=("output", "size"),
        threads=("threads", "max"),
        gpus=("gpus", "max"),
        requested_gb=("requested_gb", "max"),
        requested_min=("runtime_min", "max"),
        peak_gb=("peak_gb", "max"),
        longest_min=("minutes", "max"),
        cpu_min=("cpu", "mean"),
    )
    found = found.reset_index()
    found["work"] = [work(config, rule) for rule in found["rule"]]
    stages = list(STAGES)
    order = np.argsort([stages.index(stage_of(rule)) for rule in found["rule"]], kind="stable")
    return found.iloc[order][COLUMNS]


def resources_markdown(table: pd.DataFrame) -> str:
    """The table of `resources_table`, with its notes."""
    rows = []
    for row in table.itertuples():
        share = f"{row.peak_gb / row.requested_gb:.0%}" if row.requested_gb > 0 else ""
        took = [f"{row.peak_gb:.2f}", share, _minutes(row.longest_min), _minutes(row.cpu_min)]
        rows.append([row.rule, str(row.jobs), str(row.threads), str(row.gpus or ""), *_requested(row), *took])
    header = [
        "Rule",
        "Jobs",
        "CPUs",
        "GPUs",
        "Memory (GB)",
        "Time",
        "Peak (GB)",
        "of requested",
        "Longest job",
        "CPU time of a job",
    ]
    notes = [
        "Requested for a job (CPUs, GPUs, memory, time), and what its command took: memory of the largest process, "
        "time of the longest job without the start of Python and of Snakemake, mean CPU time; hours:minutes:seconds.",
    ]
    return markdown_table(header, rows, notes)


def _requested(row: NamedTuple) -> list[str]:
    """Cells for memory and time; empty if nothing was requested."""
    return [f"{row.requested_gb:.3g}", _minutes(row.requested_min)] if row.requested_gb > 0 else ["", ""]


def _three_digits(value: float) -> str:
    """Three significant digits, without exponents: 78,200, 16, 0.31; 0 for less than a hundredth."""
    if value < 0.01:
        return "0"
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def _minutes(value: float) -> str:
    """h:mm:ss; empty if unknown."""
    if np.isnan(value):
        return ""
    seconds = round(60 * value)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


@command("resources")
def resources(requests: Path | str, /, configfile: Path | str, csv: Path | str, md: Path | str) -> pd.DataFrame:
    """Memory and time that the jobs of a run requested and took, by rule; returns the table, columns ``COLUMNS``.

    Arguments:
        requests: table of the jobs (``REQUESTS``), which every run of the workflow writes.
        configfile: configuration file of the run.
        csv, md: the table, to write.
    """
    numbers = ["threads", "gpus", "mem_mb", "runtime_min"]
    table = resources_table(read_table(requests, REQUESTS, numbers), load(Path(configfile)))
    write_csv(table, csv)
    write_text(resources_markdown(table), md)
    return table


# From a run with a part of the data to one with all of it.


def work(config: Config, rule: str) -> float:
    """Amount of work of the largest job of a rule, in units that differ between rules: time is proportional to it.

    A training example counts three times (`TRAINING_PASSES`), because of its backward pass. 1 for rules whose work does
    not depend on the number of examples, sequences, mutants or trials, or is of the same size in every run.
    """
    assay, lrp, hybrid = config.genomic_interpreter, config.dnabert_lrp, config.hybrid_networks
    if assay and (examples := assay_examples(config)):
        train, valid, test = (examples[split] for split in SPLITS)
        if rule in ("train_assay_model", "train_main_model"):
            trainings = [assay.model_training(name) for name in assay.models]
            return max(one.max_epochs * (TRAINING_PASSES * one.examples(train) + valid) for one in trainings)
        found = {"predict_reference": train + test, "link_shards": sum(examples.values())}
        found |= dict.fromkeys(("predict", "pearson", "attention_distance"), test)
        if rule in found:
            return found[rule]
    if lrp and None not in (counts := [sequence_counts(config, task) for task in lrp.tasks]):
        train, test = (max(sizes) for sizes in zip(*counts, strict=True))
        found = {"fine_tune": max(lrp.task_training(task).max_epochs for task in lrp.tasks) * TRAINING_PASSES * train}
        found |= dict.fromkeys(("classify", "score_relevance", "score_agreement", "discover_motifs"), test)
        found |= {"classify_by_kmers": train + test, "classifier_metrics": test, "check_relevance": lrp.tests.items}
        found |= dict.fromkeys(("mutagenesis", "mutagenesis_tables"), mutants(lrp))
        if rule in found:
            return found[rule]
    if hybrid:
        trials = max(hybrid.task(task).trials for task in TASKS)
        if rule == "train_trials":
            return trials * max(hybrid.task_training(task).epochs for task in TASKS)
        if rule in ("evaluate_trials", "score_saliency", "align_filters", "tomtom_filters", "match_filters"):
            return trials
    return 1


REHEARSED = Path("docs/reproduction/rehearsal/resources.csv")
"""The committed table of a rehearsal, in the repository."""


def rehearsal_section(path: Path, whole: Config, jobs: Mapping[str, int]) -> str:
    """Section of docs/scale.md on the rehearsal with this table, for a run of ``whole``; empty if there is none."""
    if not path.exists():
        return ""
    columns = [name for name in COLUMNS if name != "rule"]
    words = (
        "`make rehearsal` runs every rule of the papers on pieces of their true size (`config/rehearsal.yaml`), "
        "through the shipped profile, on two CPU cores that many jobs share, without a GPU. Requested: of the first "
        "attempt. Peak: of the largest process. Times the work: how much more the papers' longest job has to do, by "
        "count of examples and epochs, sequences, mutants, or trials and epochs. CPU-hours of all: CPU time of a job, "
        "times the work, times the number of jobs; of trainings it says only what they would cost without the GPU."
    )
    return "\n\n".join(["## Rehearsed", words, scaled_markdown(read_table(path, COLUMNS, columns), whole, jobs)])


def scaled_markdown(table: pd.DataFrame, whole: Config, jobs: Mapping[str, int]) -> str:
    """What a run took (`resources_table`), and what as much work as a run of ``whole`` has would take.

    ``jobs``: number of jobs of every rule of ``whole``. Memory is that of the run itself.
    """
    rows = []
    for row in table[table["rule"].isin(jobs)].itertuples():
        times = work(whole, row.rule) / row.work
        took = [f"{row.peak_gb:.2f}", _minutes(row.longest_min), _minutes(row.cpu_min)]
        hours = times * row.cpu_min * jobs[row.rule] / 60
        scaled = [_three_digits(times), f"{jobs[row.rule]:,}", _three_digits(hours)]
        rows.append([f"`{row.rule}`", str(row.gpus or ""), *_requested(row), *took, *scaled])
    header = ["rule", "GPUs", "requested GB", "requested time", "peak GB", "longest job", "CPU time of a job"]
    header += ["times the work", "jobs", "CPU-hours of all"]
    return markdown_table(header, rows)
