"""Runs of the workflow on the cluster of the tests, through the shipped profile."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workflow.conftest import ROOT, snakemake_command, snakemake_environment

from .cluster import Cluster

# Nothing else of the shipped profile differs from what a user runs.
OVERRIDDEN = {"account": "null", "status_command": "squeue", "efficiency_report": "false"}


def write_profile(folder: Path) -> Path:
    """The shipped profile with the account and the accounting of this cluster."""
    text = (ROOT / "profiles/slurm-a100/config.yaml").read_text()
    for name, value in OVERRIDDEN.items():
        text, found = re.subn(rf"^  {name}: \S+", f"  {name}: {value}", text, flags=re.M)
        assert found == 1, f"the profile has no line for {name}"
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
