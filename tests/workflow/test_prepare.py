"""`snakemake prepare` fetches all that needs the internet; after it, jobs run without a network."""

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest
from rehearsal.server import Server

from regulens.config import load

from .conftest import TINY, planned, run_snakemake, snakemake_command, snakemake_environment
from .enhancers import write_enhancers
from .test_dnabert_routes import write_genome

STUDY = "dnabert_lrp"


@pytest.fixture(scope="module")
def cut_off() -> list[str]:
    """Words before a command that take the network from it, the loopback included."""
    words = ["unshare", "--net"]
    if not shutil.which("unshare") or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("unshare --net is not permitted here: jobs cannot be cut off from the network")
    return words


def run_cut_off(cut_off: list[str], folder: Path, config: Path, *targets: str) -> None:
    """Run the workflow without a network; its commands are started anew, because warm ones have one."""
    command = [*cut_off, *snakemake_command(folder, config), "--max-threads", "1", *targets]
    done = subprocess.run(command, cwd=folder, env=snakemake_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]


def test_what_is_downloaded_is_enough(folder, changed_config, cut_off):
    write_genome(folder)
    served = folder / "served/http"
    served.mkdir(parents=True)
    (served / "genome.fa.gz").write_bytes(gzip.compress((folder / "genome.fa").read_bytes()))
    (folder / "genome.fa").unlink()
    for path in folder.glob("t*.*.csv"):
        path.rename(served / path.name)
    with Server(folder / "served") as server:
        tables = {f"own/{path.name}": {"url": f"{server.address}/{path.name}"} for path in served.glob("*.csv")}
        data = {"route": "coordinates", "fasta": "genome.fa.gz", "coordinates": "own/{split}.{class}.csv"}
        changes = {
            "sources": {**tables, "genome.fa.gz": {"url": f"{server.address}/genome.fa.gz"}},
            f"{STUDY}.tasks.promoters.data": data | {"length_bp": 60},
        }
        config = changed_config(changes)
        jobs = planned(run_snakemake(folder, config, "prepare", "--dry-run"))
        done = run_snakemake(folder, config, "prepare")
    assert done.returncode == 0, done.stderr[-3000:]
    assert jobs == {"download": 5, "unpack": 1, "index_genome": 1, "prepare": 1}
    resources = folder / load(config).download.folder
    assert (resources / "genome.fa.fai").read_text().startswith("chr1\t9000\t")
    run_cut_off(cut_off, folder, config, f"results/tiny/{STUDY}/data/promoters/test.tsv")
    assert planned(run_snakemake(folder, config, "prepare", "--dry-run")) == {}


@pytest.mark.exhaustive
def test_the_whole_tiny_run_needs_no_network(tmp_path, cut_off):
    write_enhancers(tmp_path)
    run_cut_off(cut_off, tmp_path, TINY)
    assert (tmp_path / "results/tiny/index.html").exists()
