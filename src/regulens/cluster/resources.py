"""What the jobs of a run requested beside what they took, by rule.

From the requests that Snakemake has made for them, and the manifests of their outputs.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from regulens.cluster.plan import STAGES, stage_of
from regulens.core.command import command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.tables import markdown_table, read_table, write_csv
from regulens.provenance.record import read_manifest

REQUESTS = ["rule", "output", "threads", "gpus", "mem_mb", "runtime_min"]
"""Columns of the table of requests: one row a job, with its first output; memory (MB) and time (minutes) are empty
where nothing was requested."""

COLUMNS = ["rule", "jobs", "threads", "gpus", "requested_gb", "requested_min", "peak_gb", "longest_min", "total_min"]


def resources_table(requests: pd.DataFrame) -> pd.DataFrame:
    """`COLUMNS` for every rule, in the order of the stages of `cluster.plan`; ``requests``: `REQUESTS`.

    Requests are the largest of the rule's jobs; ``peak_gb`` is the largest memory of a job (1e9 bytes), ``longest_min``
    and ``total_min`` the time of the longest and of all. Jobs whose output is not there, or has no manifest, do not
    count.
    """
    rows = []
    for job in requests.itertuples():
        try:
            run = read_manifest(job.output)["run"]
        except InputError:
            continue
        rows.append((*job[1:], run["peak_memory_mb"] / 1000, run["wall_s"] / 60))
    if not rows:
        raise InputError("no output of the requested jobs is there: run the workflow first")
    jobs = pd.DataFrame(rows, columns=[*REQUESTS, "peak_gb", "minutes"])
    jobs["requested_gb"] = jobs["mem_mb"] / 1000
    found = jobs.groupby("rule", sort=False).agg(
        jobs=("output", "size"),
        threads=("threads", "max"),
        gpus=("gpus", "max"),
        requested_gb=("requested_gb", "max"),
        requested_min=("runtime_min", "max"),
        peak_gb=("peak_gb", "max"),
        longest_min=("minutes", "max"),
        total_min=("minutes", "sum"),
    )
    found = found.reset_index()
    stages = list(STAGES)
    order = np.argsort([stages.index(stage_of(rule)) for rule in found["rule"]], kind="stable")
    return found.iloc[order][COLUMNS]


def resources_markdown(table: pd.DataFrame) -> str:
    """The table of `resources_table`, with its notes."""
    rows = []
    for row in table.itertuples():
        asked = [f"{row.requested_gb:.3g}", _minutes(row.requested_min)] if row.requested_gb > 0 else ["", ""]
        share = f"{row.peak_gb / row.requested_gb:.0%}" if row.requested_gb > 0 else ""
        took = [f"{row.peak_gb:.2f}", share, _minutes(row.longest_min), _minutes(row.total_min)]
        rows.append([row.rule, row.jobs, row.threads, row.gpus or "", *asked, *took])
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
        "All jobs",
    ]
    notes = [
        "Requested for a job (CPUs, GPUs, memory, time), and what its command took: memory of the largest process, "
        "hours:minutes:seconds without the start of Python and of Snakemake.",
    ]
    return markdown_table(header, rows, notes)


def _minutes(value: float) -> str:
    """h:mm:ss; empty if unknown."""
    if np.isnan(value):
        return ""
    seconds = round(60 * value)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


@command("resources")
def resources(requests: Path | str, /, csv: Path | str, md: Path | str) -> pd.DataFrame:
    """Memory and time that the jobs of a run requested and took, by rule; returns the table, columns ``COLUMNS``.

    Arguments:
        requests: table of the jobs (``REQUESTS``), which every run of the workflow writes.
        csv, md: the table, to write.
    """
    numbers = ["threads", "gpus", "mem_mb", "runtime_min"]
    table = resources_table(read_table(requests, REQUESTS, numbers))
    write_csv(table, csv)
    write_text(resources_markdown(table), md)
    return table
