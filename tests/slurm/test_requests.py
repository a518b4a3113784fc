"""What the shipped profile asks SLURM for."""

import signal

import pytest

from .cluster import memory_mb
from .conftest import STUDY
from .runs import finish

pytestmark = pytest.mark.exhaustive

MODELS = f"results/tiny/{STUDY}/models"


def test_short_jobs_run_through_on_the_cpu_partition(cluster, whole):
    (simulation,) = cluster.jobs_of("simulate_genome", whole)
    assert simulation["JobState"] == "COMPLETED"
    assert (simulation["Partition"], simulation["TimeLimit"], memory_mb(simulation)) == ("cpu", "00:30:00", 4000)
    assert "gpu" not in simulation.get("TresPerJob", "")


def test_shards_share_one_submission(cluster, whole):
    (crops,) = cluster.jobs_of("crops", whole)
    assert crops["JobState"] == "COMPLETED"
    assert (crops["CPUs/Task"], memory_mb(crops), crops["TimeLimit"]) == ("4", 16000, "00:30:00")
    for shard in ("train-0", "train-1", "valid-0", "test-0"):
        assert (whole / f"results/tiny/{STUDY}/data/shards/{shard}.h5").exists()


def test_what_is_measured_of_several_networks_shares_submissions(cluster, whole):
    jobs = {rule: cluster.jobs_of(rule, whole) for rule in ("train_trials", "metrics", "networks")}
    # Three architectures with two activations on two tasks; eight of them share one submission.
    assert len(jobs["train_trials"]) == 12
    assert {job["TresPerJob"].strip() for job in jobs["train_trials"]} == {"gres:gpu:a100:1"}
    assert len(jobs["metrics"]) == 2
    assert 2 <= len(jobs["networks"]) <= 4  # filters of six networks, saliency of six
    shared = jobs["metrics"] + jobs["networks"]
    assert {job["Partition"] for job in shared} == {"cpu"}
    # Side by side: jobs of a CPU (of two, without the limit of this run) and 2 GB; no step asks for more.
    for job in shared:
        assert memory_mb(job) == int(job["CPUs/Task"]) * 2000
    assert {job["TimeLimit"] for job in jobs["metrics"]} == {"01:00:00"}


def test_an_assay_model_asks_for_three_gpus_of_one_node(cluster, runs, training_config):
    # Drained, so that the request can be read before anything is computed.
    cluster.call("scontrol", "update", f"NodeName={cluster.host}", "State=DRAIN", "Reason=test")
    try:
        config = training_config({"training.devices": 3, "models.swin1d.threads": 24})
        run = runs.start(config, f"{MODELS}/swin1d/seed1/model.ckpt")
        known = {job["JobId"] for job in cluster.jobs()}
        (job,) = cluster.until(
            lambda: [job for job in cluster.jobs_of("train_main_model") if job["JobId"] not in known],
            120,
            "the training is submitted",
        )
        assert job["JobState"] == "PENDING"
        assert (job["Partition"], job["NumNodes"].split("-")[0]) == ("gpu", "1")
        assert job["TresPerJob"].strip() == "gres:gpu:a100:3"
        assert (job["CPUs/Task"], memory_mb(job), job["TimeLimit"]) == ("24", 64000, "1-00:00:00")
        assert job["Account"] == "(null)"
        # SIGINT ends a run at once and cancels its jobs, pending ones too.
        run.send_signal(signal.SIGINT)
        status, output = finish(run, 60)
        assert status != 0
        assert [each["JobState"] for each in cluster.jobs() if each["JobId"] == job["JobId"]] == ["CANCELLED"], output
    finally:
        cluster.call("scontrol", "update", f"NodeName={cluster.host}", "State=RESUME")
