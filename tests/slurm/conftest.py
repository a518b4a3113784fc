"""One SLURM for all tests of this folder, and runs of the workflow through the shipped profile."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workflow.conftest import (  # noqa: F401 (fixtures)
    ROOT,
    TINY,
    changed_config,
    snakemake_command,
    snakemake_environment,
)
from workflow.enhancers import write_enhancers

from .cluster import Cluster, cancel_all, missing, running_cluster

STUDY = "genomic_interpreter"
# Nothing else of the shipped profile differs from what a user runs.
OVERRIDDEN = {"account": "null", "status_command": "squeue", "efficiency_report": "false"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """The running cluster; the tests skip, with the reason, where none can be started."""
    if why_not := missing():
        pytest.skip(f"no SLURM to test on: {why_not}")
    with running_cluster(tmp_path_factory.mktemp("slurm")) as started:
        yield started


@pytest.fixture(scope="session")
def profile(tmp_path_factory) -> Path:
    """The shipped profile with the account and the accounting of this cluster."""
    text = (ROOT / "profiles/slurm-a100/config.yaml").read_text()
    for name, value in OVERRIDDEN.items():
        text, found = re.subn(rf"^  {name}: \S+", f"  {name}: {value}", text, flags=re.M)
        assert found == 1, f"the profile has no line for {name}"
    folder = tmp_path_factory.mktemp("profile")
    (folder / "config.yaml").write_text(text)
    return folder


class Runs:
    """Runs of the workflow on the cluster, in one folder."""

    def __init__(self, cluster: Cluster, profile: Path, folder: Path):
        self.cluster, self.folder, self.started = cluster, folder, []
        # Many at once: whenever nothing has ended, the executor waits longer before it looks again.
        waits = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20"]
        self.options = ["--profile", str(profile), "--jobs", "16", "--show-failed-logs", *waits]

    @property
    def environment(self) -> dict[str, str]:
        """This interpreter's commands first, then the cluster's."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{self.cluster.environment['PATH']}"
        return snakemake_environment() | self.cluster.environment | {"PATH": path}

    def command(self, config: Path) -> list[str]:
        """The command of a run: the shipped profile with little waiting."""
        local = snakemake_command(self.folder, config)
        return [*local[: local.index("--cores")], *self.options]

    def start(self, config: Path, *arguments: str) -> subprocess.Popen:
        """Begin a run; `finish` or a signal ends it."""
        process = subprocess.Popen(
            [*self.command(config), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, config: Path, *arguments: str, seconds: float = 400) -> tuple[int, str]:
        """A whole run: exit status and output."""
        return finish(self.start(config, *arguments), seconds)

    def stop(self) -> None:
        """End the runs that a failed test left."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate(timeout=60)


def finish(process: subprocess.Popen, seconds: float = 400) -> tuple[int, str]:
    """Wait for a run: exit status and output. What does not end is interrupted, which cancels its jobs."""
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException as error:  # the interruption of the tests too: the jobs must not outlive them
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        if isinstance(error, subprocess.TimeoutExpired):
            pytest.fail(f"the run did not end within {seconds:.0f} s:\n{output[-4000:]}")
        raise
    return process.returncode, output


@pytest.fixture(scope="session")
def whole(cluster, profile, tmp_path_factory) -> Path:
    """Folder in which the cluster has run the whole tiny workflow, with the threads of a run on two cores."""
    folder = tmp_path_factory.mktemp("whole")
    write_enhancers(folder)
    status, output = Runs(cluster, profile, folder).run(TINY, "--max-threads", "2", seconds=3000)
    assert status == 0, output[-6000:]
    (folder / "first_run.txt").write_text(output)
    return folder


@pytest.fixture(scope="session")
def cropped(whole, tmp_path_factory) -> Path:
    """Folder with the training data of the tiny run, and nothing made of them."""
    folder = tmp_path_factory.mktemp("cropped") / "run"
    results = "results/tiny"
    for name in (".snakemake", "results/tiny/simulated_genome", f"{results}/{STUDY}/data"):
        shutil.copytree(whole / name, folder / name)
    return folder


@pytest.fixture
def runs(cluster, profile, cropped, tmp_path) -> Iterator[Runs]:
    """Runs in a copy of the folder with the training data."""
    folder = tmp_path / "run"
    shutil.copytree(cropped, folder)
    started = Runs(cluster, profile, folder)
    yield started
    started.stop()
    cancel_all(cluster)


@pytest.fixture
def training_config(changed_config) -> Callable[..., Path]:  # noqa: F811
    """The tiny configuration with some keys of the assay study set."""

    def write(changes: dict) -> Path:
        return changed_config({f"{STUDY}.{key}": value for key, value in changes.items()})

    return write
