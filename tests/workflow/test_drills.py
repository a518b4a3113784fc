"""What a user does after a crash of the workflow itself, of a crop job, or with a damaged file: each run goes on."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import ROOT, run_snakemake, snakemake_command, snakemake_environment
from .test_interruption import training_processes

STUDY = "genomic_interpreter"
FAULTS = ROOT / "tests/faults"
needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads the process table of Linux")


@pytest.fixture
def small(changed_config) -> Path:
    """The tiny configuration with one seed and training that takes a while."""
    return changed_config({"run": "drill", f"{STUDY}.training.max_epochs": 40, f"{STUDY}.seeds": [1]})


def half_written(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*.part.*")]


@pytest.mark.exhaustive
@needs_proc
def test_snakemake_itself_is_killed(tmp_path, small):
    """Its job lives on, holds its lock, and is named to whoever starts a second one; afterwards training goes on."""
    model = tmp_path / f"results/drill/{STUDY}/models/maxpool_cnn/seed1/model.ckpt"
    target, state = str(model.relative_to(tmp_path)), model.parent / "state/last.ckpt"
    log = tmp_path / "results/drill/logs/genomic_interpreter/models/maxpool_cnn/seed1/model.ckpt.log"
    command = [*snakemake_command(tmp_path, small), target]
    output = (tmp_path / "first_run.txt").open("w")
    run = subprocess.Popen(command, cwd=tmp_path, env=snakemake_environment(), stdout=output, stderr=output)
    end = time.monotonic() + 300
    while not state.exists() and time.monotonic() < end and run.poll() is None:
        time.sleep(0.05)
    assert state.exists(), (tmp_path / "first_run.txt").read_text()[-3000:]
    (job,) = training_processes(tmp_path)
    os.kill(job, signal.SIGSTOP)  # so that it is still there when the second one starts
    run.kill()
    run.wait()
    assert training_processes(tmp_path) == [job]

    locked = run_snakemake(tmp_path, small, "--rerun-incomplete", target)
    assert locked.returncode != 0
    assert "--unlock" in locked.stdout + locked.stderr
    unlocked = run_snakemake(tmp_path, small, "--unlock")
    assert unlocked.returncode == 0, unlocked.stderr[-3000:]
    second = run_snakemake(tmp_path, small, "--rerun-incomplete", target)
    assert second.returncode != 0
    assert re.search(
        rf"already in training by process {job} on host .*stop it \(kill {job}\) and start", log.read_text()
    )
    assert not model.exists()
    assert state.exists()

    os.kill(job, signal.SIGKILL)
    third = run_snakemake(tmp_path, small, "--rerun-incomplete", target)
    assert third.returncode == 0, third.stderr[-3000:]
    assert int(re.search(r"resuming after (\d+) finished epochs", log.read_text())[1]) >= 1
    assert model.exists()
    assert not state.exists()
    assert not half_written(tmp_path / "results/drill" / STUDY / "models")


@pytest.mark.exhaustive
def test_a_crop_job_is_killed(tmp_path, small):
    """Between the last byte and the name: no other job takes the half for a shard, and the rerun makes it."""
    target = f"results/drill/{STUDY}/data/train.h5"
    shards = tmp_path / f"results/drill/{STUDY}/data/shards"
    environment = snakemake_environment()
    environment["PYTHONPATH"] = os.pathsep.join([str(FAULTS), environment.get("PYTHONPATH", "")])
    environment["REGULENS_FAULT"] = f"kill_at_rename train-1.h5 {tmp_path / 'killed'}"
    command = [*snakemake_command(tmp_path, small), "--keep-going", target]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert (tmp_path / "killed").exists(), run.stderr[-3000:]
    assert run.returncode != 0
    assert "results/drill/logs/genomic_interpreter/data/shards/train-1.h5.log" in run.stdout + run.stderr
    assert [path.name for path in shards.glob("[!.]*.h5")] == ["train-0.h5"]
    assert len(half_written(shards)) == 1
    assert not (tmp_path / target).exists()
    other = (shards / "train-0.h5").stat().st_mtime_ns

    again = run_snakemake(tmp_path, small, "--rerun-incomplete", target)
    assert again.returncode == 0, again.stderr[-3000:]
    assert (shards / "train-0.h5").stat().st_mtime_ns == other  # it was not made again
    assert (tmp_path / target).exists()


def test_damaged_files_are_named_and_made_again(tmp_path, small):
    """A shard and a model: the job that reads one says what to delete, and the run then goes on from there."""
    folder = tmp_path / f"results/drill/{STUDY}"
    shard, model = folder / "data/shards/test-0.h5", folder / "models/maxpool_cnn/seed1/model.ckpt"
    made = [folder / "pearson/maxpool_cnn/seed1.csv", folder / "predictions/maxpool_cnn/seed1.h5"]
    log = tmp_path / "results/drill/logs/genomic_interpreter/predictions/maxpool_cnn/seed1.h5.log"
    arguments = [str(made[0].relative_to(tmp_path)), "--config", f'{STUDY}={{"training": {{"max_epochs": 1}}}}']
    first = run_snakemake(tmp_path, small, *arguments)
    assert first.returncode == 0, first.stderr[-3000:]
    for damaged, kept in ((model, shard), (shard, model)):
        for path in made:
            path.unlink()
        whole, times = damaged.read_bytes(), damaged.stat()
        damaged.write_bytes(whole[: len(whole) // 2])
        os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
        untouched = kept.stat().st_mtime_ns
        broken = run_snakemake(tmp_path, small, *arguments)
        assert broken.returncode != 0
        assert re.search(rf"{damaged.name}: .*delete it and", log.read_text())
        assert not any(path.exists() for path in made)

        damaged.unlink()
        again = run_snakemake(tmp_path, small, *arguments)
        assert again.returncode == 0, again.stderr[-3000:]
        assert made[0].exists()
        assert kept.stat().st_mtime_ns == untouched
