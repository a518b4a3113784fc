"""The tiny configuration, run once for all tests that look into its outputs."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from warm import WARM

from .enhancers import write_enhancers

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests/config/tiny.yaml"


def snakemake_command(folder: Path, config: Path, snakefile: Path = ROOT / "Snakefile") -> list[str]:
    """The command that runs the workflow in a folder of its own."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--directory", str(folder)]
    return [*command, "--configfile", str(config), "--cores", "2"]


def snakemake_environment() -> dict[str, str]:
    """The environment of a run: this interpreter's commands first, no mirror."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("REGULENS_MIRROR", None)
    return environment


def run_snakemake(folder: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the workflow, with warm commands, and wait for it; the result has its output as text.

    One thread a job, because two jobs run at once. Snakemake plans anew after the given time, once more for every job
    that has ended: a second, its default, costs it more than the jobs.
    """
    command = ["snakemake", *snakemake_command(folder, config)[3:], "--max-threads", "1"]
    environment = snakemake_environment() | {"PATH": WARM.path()}
    return subprocess.run(
        [*command, "--max-jobs-per-timespan", "500/5s", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )


def planned(process) -> dict[str, int]:
    """Jobs by rule in the summary of a dry run; empty when nothing is to be done."""
    assert process.returncode == 0, process.stderr[-4000:]
    rows = re.findall(r"^(\w+)\s+(\d+)$", process.stdout, flags=re.M)
    return {rule: int(number) for rule, number in rows if rule != "total"}


@pytest.fixture(scope="session")
def study(tiny) -> Path:
    """Results of the Genomic Interpreter study of the tiny run."""
    return tiny / "results/tiny/genomic_interpreter"


@pytest.fixture(scope="session")
def lrp(tiny) -> Path:
    """Results of the DNABERT study of the tiny run."""
    return tiny / "results/tiny/dnabert_lrp"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Folder in which the tiny workflow can be run: it has the table of sequences."""
    write_enhancers(tmp_path)
    return tmp_path


@pytest.fixture
def changed_config(tmp_path) -> Callable[..., Path]:
    """Write a copy of the tiny configuration with some keys set (dotted paths) and return its path."""

    def write(changes: dict, removed: tuple[str, ...] = ()) -> Path:
        values = yaml.safe_load(TINY.read_text())
        for path, value in changes.items():
            *parents, last = path.split(".")
            node = values
            for part in parents:
                node = node.setdefault(part, {})
            node[last] = value
        for path in removed:
            *parents, last = path.split(".")
            node = values
            for part in parents:
                node = node[part]
            del node[last]
        target = tmp_path / "changed.yaml"
        target.write_text(yaml.safe_dump(values, sort_keys=False))
        return target

    return write
