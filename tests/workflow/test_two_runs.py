"""A second run of the tiny workflow, as far as a table of each study, gives the same bytes."""

from .conftest import TINY, run_snakemake
from .same_tables import differing_tables

RESULTS = "results/tiny"
TABLES = [
    "genomic_interpreter/pearson/attpool_dilated/seed1.csv",  # trained by two processes
    "dnabert_lrp/table1.csv",
    "hybrid_networks/task2.csv",
]


def test_tables_and_identities_are_the_same(tiny, folder):
    # Same inputs, settings, code, versions, seeds and threads on the same machine; where there is SLURM, the tiny run
    # went through it, and this one does not.
    done = run_snakemake(folder, TINY, *(f"{RESULTS}/{table}" for table in TABLES))
    assert done.returncode == 0, done.stderr[-4000:]
    again = folder / RESULTS
    assert all((again / table).is_file() for table in TABLES)
    assert len(list(again.rglob("*.manifest.json"))) > 40
    whole = tiny / RESULTS
    assert [line for line in differing_tables(again, whole) if not line.endswith(f"only in {whole}")] == []
