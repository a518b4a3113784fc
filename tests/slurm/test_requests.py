"""What the shipped profile asks SLURM for."""

import re
import signal

from .conftest import STUDY, TINY, finish

MODELS = f"results/tiny/{STUDY}/models"


def memory(job) -> str:
    return re.search(r"mem=(\w+)", job["TRES"])[1]


def test_short_jobs_run_through_on_the_cpu_partition(cluster, cropped):
    (simulation,) = cluster.jobs_of("simulate_genome")[:1]
    assert simulation["JobState"] == "COMPLETED"
    assert (simulation["Partition"], simulation["TimeLimit"], memory(simulation)) == ("cpu", "02:00:00", "16000M")
    assert "gpu" not in simulation.get("TresPerJob", "")


def test_shards_share_one_submission(cluster, cropped):
    (crops,) = [job for job in cluster.jobs_of("crops") if job["WorkDir"] == str(cropped)]
    assert crops["JobState"] == "COMPLETED"
    assert (crops["CPUs/Task"], memory(crops), crops["TimeLimit"]) == ("3", "12000M", "00:30:00")
    for shard in ("train-0", "train-1", "valid-0"):
        assert (cropped / f"results/tiny/{STUDY}/data/shards/{shard}.h5").exists()


def test_what_is_measured_of_several_networks_shares_submissions(cluster, runs):
    before = {job["JobId"] for job in cluster.jobs()}
    networks = [f"results/tiny/hybrid_networks/task1/c24/{activation}" for activation in ("relu", "exponential")]
    targets = [f"{network}/{file}" for network in networks for file in ("metrics.csv", "filter_statistics.csv")]
    status, output = runs.run(TINY, *targets)
    assert status == 0, output[-6000:]
    jobs = {
        rule: [job for job in cluster.jobs_of(rule) if job["JobId"] not in before]
        for rule in ("train_trials", "metrics", "networks")
    }
    assert [len(found) for found in jobs.values()] == [2, 1, 1]
    assert {job["TresPerJob"].strip() for job in jobs["train_trials"]} == {"gres:gpu:a100:1"}
    (metrics,), (filters,) = jobs["metrics"], jobs["networks"]
    assert {job["Partition"] for job in (metrics, filters)} == {"cpu"}
    # Side by side: two jobs of 2 CPUs and 6 GB; the steps behind them ask for less.
    assert [(job["CPUs/Task"], memory(job)) for job in (metrics, filters)] == [("4", "12000M")] * 2
    assert (metrics["TimeLimit"], filters["TimeLimit"]) == ("01:00:00", "02:00:00")


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
        assert (job["CPUs/Task"], memory(job), job["TimeLimit"]) == ("24", "200000M", "1-00:00:00")
        assert job["Account"] == "(null)"
        # SIGINT ends a run at once and cancels its jobs, pending ones too.
        run.send_signal(signal.SIGINT)
        status, output = finish(run, 60)
        assert status != 0
        assert [each["JobState"] for each in cluster.jobs() if each["JobId"] == job["JobId"]] == ["CANCELLED"], output
    finally:
        cluster.call("scontrol", "update", f"NodeName={cluster.host}", "State=RESUME")
