"""A training job that dies under Snakemake resumes when the workflow is run again."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import run_snakemake, snakemake_command, snakemake_environment

pytestmark = pytest.mark.exhaustive

STUDY = "genomic_interpreter"
TARGET = "results/killed/genomic_interpreter/models/maxpool_cnn/seed1/model.ckpt"


def training_processes(folder: Path) -> list[int]:
    """Processes that train in a folder, by the process table."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"train" in words and b"python" in words[0] and (entry / "cwd").resolve() == folder.resolve():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads the process table of Linux")
def test_a_killed_training_job_goes_on(tmp_path, changed_config):
    config = changed_config({"run": "killed", f"{STUDY}.training.max_epochs": 60, f"{STUDY}.seeds": [1]})
    state = (tmp_path / TARGET).parent / "state/last.ckpt"
    run = subprocess.Popen(
        [*snakemake_command(tmp_path, config), TARGET],
        cwd=tmp_path,
        env=snakemake_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + 120
    while not state.exists() and time.monotonic() < end and run.poll() is None:
        time.sleep(0.05)
    assert state.exists(), run.communicate(timeout=60)[0][-3000:]
    (process,) = training_processes(tmp_path)
    os.kill(process, signal.SIGKILL)
    output, _ = run.communicate(timeout=120)
    assert run.returncode != 0, output[-3000:]
    assert not (tmp_path / TARGET).exists()
    assert state.exists()

    again = run_snakemake(tmp_path, config, "--rerun-incomplete", TARGET)
    assert again.returncode == 0, again.stderr[-3000:]
    log = (tmp_path / "results/killed/logs/genomic_interpreter/models/maxpool_cnn/seed1/model.ckpt.log").read_text()
    finished = int(re.search(r"resuming after (\d+) finished epochs", log)[1])
    assert finished >= 1
    assert f"epoch {finished}/60" not in log
    assert f"epoch {finished + 1}/60" in log
    assert not state.exists()
