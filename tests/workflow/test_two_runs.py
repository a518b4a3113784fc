"""A second run of the tiny workflow, as far as a table of each study, gives the same bytes."""

import subprocess

import pytest

from .conftest import TINY, snakemake_command, snakemake_environment
from .same_tables import differing_tables

pytestmark = pytest.mark.exhaustive

RESULTS = "results/tiny"
TABLES = [
    "genomic_interpreter/pearson/attpool_dilated/seed1.csv",  # trained by two processes
    "dnabert_lrp/table1.csv",
    "hybrid_networks/task2.csv",
]


def test_tables_and_identities_are_the_same(tiny, folder):
    """Same inputs, settings, code, versions, seeds, threads and machine; every job a process from scratch."""
    targets = [f"{RESULTS}/{table}" for table in TABLES]
    command = [*snakemake_command(folder, TINY), "--max-threads", "1", *targets]
    done = subprocess.run(
        command, cwd=folder, env=snakemake_environment(), capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr[-4000:]
    again = folder / RESULTS
    assert all((again / table).is_file() for table in TABLES)
    assert len(list(again.rglob("*.manifest.json"))) > 40
    whole = tiny / RESULTS
    assert [line for line in differing_tables(again, whole) if not line.endswith(f"only in {whole}")] == []
