"""One run through the shipped profile: crops in a group, two processes, a shared submission, a resumed training."""

import csv
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from workflow.conftest import TINY, run_snakemake
from workflow.enhancers import write_enhancers

from .cluster import Cluster, cancel_all, memory_mb
from .conftest import STUDY
from .runs import Runs, finish

RESULTS = "results/tiny"
MODELS = f"{RESULTS}/{STUDY}/models"
PAIR, LONG = "attpool_dilated", "maxpool_cnn"
NETWORK = f"{RESULTS}/hybrid_networks/task2/c24"
METRICS = [f"{NETWORK}/{activation}/metrics.csv" for activation in ("relu", "exponential")]
EPOCHS = 30


class Smoke(NamedTuple):
    """A finished run and its cluster."""

    folder: Path
    output: str
    cluster: Cluster


def epochs_of(folder: Path, model: str) -> list[list[str]]:
    """The scores of every epoch of a training, without the times."""
    with open(folder / MODELS / model / "seed1/log.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [[value for name, value in row.items() if name not in ("seconds", "examples_per_s")] for row in rows]


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    """The tiny configuration, in which one model trains long enough to be interrupted."""
    values = yaml.safe_load(TINY.read_text())
    values[STUDY]["models"][LONG]["training"] = {"max_epochs": EPOCHS}
    path = tmp_path_factory.mktemp("smoke") / "smoke.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def smoke(cluster, profile, config, tmp_path_factory) -> Smoke:
    """The run; what need not go through the cluster is made before, on this machine."""
    folder = tmp_path_factory.mktemp("smoke_run")
    write_enhancers(folder)
    made = [f"{RESULTS}/simulated_genome/genome.fa", *(path.replace("metrics.csv", "model.pt") for path in METRICS)]
    done = run_snakemake(folder, config, *made)
    assert done.returncode == 0, done.stderr[-4000:]
    runs = Runs(cluster, profile, folder)
    targets = [*(f"{MODELS}/{model}/seed1/model.ckpt" for model in (PAIR, LONG)), *METRICS]
    run = runs.start(config, "--max-threads", "1", *targets)
    state = folder / MODELS / LONG / "seed1/state/last.ckpt"
    try:
        cluster.until(lambda: state.exists() or run.poll() is not None, 600, "an epoch is saved")
        if run.poll() is None:
            (training,) = trainings(cluster, folder, devices=1)
            cluster.call("scancel", "--signal=TERM", training["JobId"])
        status, output = finish(run, 900)
        assert status == 0, output[-6000:]
        yield Smoke(folder, output, cluster)
    finally:
        runs.stop()
        cancel_all(cluster)


def trainings(cluster: Cluster, folder: Path, devices: int) -> list[dict[str, str]]:
    """SLURM's jobs of the training that asks for that many GPUs, in order."""
    jobs = cluster.jobs_of("train_assay_model", folder)
    return [job for job in jobs if job["TresPerJob"].strip() == f"gres:gpu:a100:{devices}"]


def test_shards_share_one_submission(smoke):
    (crops,) = smoke.cluster.jobs_of("crops", smoke.folder)
    assert crops["JobState"] == "COMPLETED"
    # Side by side: every shard has a CPU and 4 GB.
    assert (crops["Partition"], crops["TimeLimit"]) == ("cpu", "00:30:00")
    assert (crops["CPUs/Task"], memory_mb(crops)) == ("3", 12000)
    for shard in ("train-0", "train-1", "valid-0"):
        assert (smoke.folder / f"{RESULTS}/{STUDY}/data/shards/{shard}.h5").exists()


def test_networks_are_measured_in_one_submission(smoke):
    (job,) = smoke.cluster.jobs_of("metrics", smoke.folder)
    assert (job["JobState"], job["Partition"], job["TimeLimit"]) == ("COMPLETED", "cpu", "01:00:00")
    assert memory_mb(job) == int(job["CPUs/Task"]) * 2000
    assert "gpu" not in job.get("TresPerJob", "")  # on CPUs, as the profile has it
    assert all((smoke.folder / path).exists() for path in METRICS)


def test_two_processes_train_in_one_job_with_two_gpus(smoke):
    """Within srun of one task Lightning would train with one process, on half of the data."""
    (job,) = trainings(smoke.cluster, smoke.folder, devices=2)
    assert (job["JobState"], job["Partition"]) == ("COMPLETED", "gpu")
    assert job["NumNodes"].split("-")[0] == "1"
    assert (memory_mb(job), job["TimeLimit"]) == (64000, "1-00:00:00")
    assert len(epochs_of(smoke.folder, PAIR)) == 2


def test_a_signalled_training_goes_on_in_a_new_job_with_more(smoke):
    first, second = trainings(smoke.cluster, smoke.folder, devices=1)
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")
    assert (memory_mb(second), second["TimeLimit"]) == (96000, "2-00:00:00")
    log = (smoke.folder / f"{RESULTS}/logs/genomic_interpreter/models/{LONG}/seed1/model.ckpt.log").read_text()
    assert 1 <= int(re.search(r"resuming after (\d+) finished epochs", log)[1]) < EPOCHS


def test_on_the_cluster_or_not_the_scores_are_the_same(smoke, config, tmp_path):
    """Of the interrupted training, too."""
    targets = [f"{MODELS}/{model}/seed1/model.ckpt" for model in (PAIR, LONG)]
    shutil.copytree(smoke.folder / RESULTS / STUDY / "data", tmp_path / RESULTS / STUDY / "data", symlinks=True)
    shutil.copytree(smoke.folder / RESULTS / "simulated_genome", tmp_path / RESULTS / "simulated_genome")
    write_enhancers(tmp_path)
    done = run_snakemake(tmp_path, config, *targets, *METRICS)
    assert done.returncode == 0, done.stderr[-4000:]
    for model in (PAIR, LONG):
        assert epochs_of(tmp_path, model) == epochs_of(smoke.folder, model)
    for path in METRICS:
        assert (tmp_path / path).read_bytes() == (smoke.folder / path).read_bytes()
