"""A second run of the tiny workflow, as far as a table of each study, gives the same bytes."""

import yaml
from slurm.cluster import missing

from .conftest import ROOT, TINY, run_snakemake
from .same_tables import differing_tables

RESULTS = "results/tiny"
TABLES = [
    "genomic_interpreter/pearson/attpool_dilated/seed1.csv",  # trained by two processes
    "dnabert_lrp/table1.csv",
    "hybrid_networks/task2.csv",
]


def threads_of_the_first_run() -> list[str]:
    """Threads that the cluster's profile gives to rules, at most two, where the first run went through the cluster."""
    if missing():
        return []
    profile = yaml.safe_load((ROOT / "profiles/slurm-a100/config.yaml").read_text())
    return ["--set-threads", *(f"{rule}={min(threads, 2)}" for rule, threads in profile["set-threads"].items())]


def test_tables_and_identities_are_the_same(tiny, folder):
    # Same inputs, settings, code, versions, seeds and threads on the same machine; where there is SLURM, the tiny run
    # went through it, and this one does not.
    done = run_snakemake(folder, TINY, *(f"{RESULTS}/{table}" for table in TABLES), *threads_of_the_first_run())
    assert done.returncode == 0, done.stderr[-4000:]
    again = folder / RESULTS
    assert all((again / table).is_file() for table in TABLES)
    assert len(list(again.rglob("*.manifest.json"))) > 40
    whole = tiny / RESULTS
    assert [line for line in differing_tables(again, whole) if not line.endswith(f"only in {whole}")] == []
