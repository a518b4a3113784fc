"""Training jobs that the cluster ends before their time go on in a new job, to the same metrics."""

import csv
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from workflow.conftest import run_snakemake

from .cluster import memory_mb
from .conftest import STUDY
from .runs import finish

pytestmark = pytest.mark.exhaustive

EPOCHS = 30
MODEL = "maxpool_cnn"
FOLDER = f"results/tiny/{STUDY}/models/{MODEL}/seed1"
TARGET = f"{FOLDER}/model.ckpt"
LOG = f"results/tiny/logs/genomic_interpreter/models/{MODEL}/seed1/model.ckpt.log"
LONG = {"training.max_epochs": EPOCHS}


def metrics(folder: Path) -> list[list[str]]:
    """The scores of every epoch, without the times."""
    with open(folder / FOLDER / "log.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [[value for name, value in row.items() if name not in ("seconds", "examples_per_s")] for row in rows]


@pytest.fixture(scope="module")
def uninterrupted(cropped, tmp_path_factory):
    """Metrics of the same training in one go, on this machine without the cluster."""
    results = {}

    def of(config: Path) -> list[list[str]]:
        key = config.read_text()
        if key not in results:
            folder = tmp_path_factory.mktemp("uninterrupted") / "run"
            shutil.copytree(cropped, folder)
            done = run_snakemake(folder, config, TARGET)
            assert done.returncode == 0, done.stderr[-3000:]
            results[key] = metrics(folder)
        return results[key]

    return of


def running_training(runs, config: Path, *arguments: str):
    """Start the training on the cluster: the run, and its job once an epoch is saved."""
    known = {job["JobId"] for job in runs.cluster.jobs()}
    run = runs.start(config, *arguments, TARGET)
    state = runs.folder / FOLDER / "state/last.ckpt"
    runs.cluster.until(lambda: state.exists() or run.poll() is not None, 180, "an epoch is saved")
    assert state.exists(), run.communicate(timeout=60)[0][-4000:]
    (job,) = [job for job in runs.cluster.jobs_of("train_assay_model") if job["JobId"] not in known]
    return run, job


def attempts(runs, first) -> list[dict[str, str]]:
    """The jobs of a training, from the first on."""
    jobs = runs.cluster.jobs_of("train_assay_model")
    return [job for job in jobs if int(job["JobId"]) >= int(first["JobId"])]


@pytest.mark.parametrize(("sign", "devices"), [("TERM", 1), ("KILL", 2)])
def test_a_signalled_training_goes_on_in_a_new_job(runs, training_config, uninterrupted, sign, devices):
    config = training_config(LONG | {"training.devices": devices})
    run, job = running_training(runs, config)
    assert job["TresPerJob"].strip() == f"gres:gpu:a100:{devices}"
    runs.cluster.call("scancel", f"--signal={sign}", job["JobId"])
    status, output = finish(run)
    assert status == 0, output[-4000:]
    first, second = attempts(runs, job)
    assert first["JobState"] in ("FAILED", "CANCELLED")
    assert second["JobState"] == "COMPLETED"
    # A new job with the resources of the second attempt, not a second try inside the first.
    assert memory_mb(second) == 96000
    assert second["TimeLimit"] == "2-00:00:00"
    log = (runs.folder / LOG).read_text()
    going_on = re.search(r"resuming after (\d+) finished epochs", log)
    assert going_on, log
    assert 1 <= int(going_on[1]) < EPOCHS
    assert metrics(runs.folder) == uninterrupted(config)


def test_a_training_that_runs_out_of_time_goes_on_with_more(runs, training_config):
    # The controller looks at time limits every half minute: this training lasts longer, and is stopped at the end.
    run, job = running_training(runs, training_config({"training.max_epochs": 100 * EPOCHS}))
    runs.cluster.call("scontrol", "update", f"JobId={job['JobId']}", "EndTime=now")
    log = runs.folder / LOG
    runs.cluster.until(
        lambda: run.poll() is not None or (log.exists() and "resuming after" in log.read_text()), 240, "it goes on"
    )
    run.send_signal(signal.SIGINT)
    _, output = finish(run, 120)
    first, second = attempts(runs, job)
    assert (first["JobState"], second["JobState"]) == ("TIMEOUT", "CANCELLED"), output[-4000:]
    assert second["TimeLimit"] == "2-00:00:00"
    assert "SLURM status is: 'TIMEOUT'" in output


def test_a_job_waits_for_a_drained_node(runs, training_config):
    host = runs.cluster.host
    runs.cluster.call("scontrol", "update", f"NodeName={host}", "State=DRAIN", "Reason=test")
    try:
        known = {job["JobId"] for job in runs.cluster.jobs()}
        run = runs.start(training_config({}), TARGET)
        (job,) = runs.cluster.until(
            lambda: [job for job in runs.cluster.jobs_of("train_assay_model") if job["JobId"] not in known],
            120,
            "the training is submitted",
        )
        time.sleep(5)
        assert attempts(runs, job)[0]["JobState"] == "PENDING"
    finally:
        runs.cluster.call("scontrol", "update", f"NodeName={host}", "State=RESUME")
    status, output = finish(run)
    assert status == 0, output[-4000:]
    assert [job["JobState"] for job in attempts(runs, job)] == ["COMPLETED"]


def test_a_failing_job_leaves_the_others_running_and_names_its_logs(runs, training_config):
    other = TARGET.replace(MODEL, "attpool_cnn")
    state = runs.folder / Path(other).parent / "state/last.ckpt"
    state.mkdir(parents=True)  # where the training state should be: this training cannot begin
    status, output = runs.run(training_config({}), "--retries", "0", other, TARGET)
    assert status != 0
    assert (runs.folder / TARGET).exists()
    assert not (runs.folder / other).exists()
    log = LOG.replace(MODEL, "attpool_cnn")
    assert log in output
    slurm_log = re.search(rf"log: {re.escape(log)}, (\S+\.log)", output)[1]
    assert Path(slurm_log).exists()
    assert (runs.folder / log).read_text().strip()


def test_after_kill_9_of_snakemake_its_training_is_not_started_twice(runs, training_config):
    config = training_config({"training.max_epochs": 100 * EPOCHS})
    run, job = running_training(runs, config)
    run.kill()
    run.communicate(timeout=60)
    assert attempts(runs, job)[0]["JobState"] == "RUNNING"  # it lives on
    status, output = runs.run(config, TARGET)
    assert status != 0
    assert "--unlock" in output
    status, output = runs.run(config, "--unlock")
    assert status == 0, output[-2000:]
    status, output = runs.run(config, "--retries", "0", TARGET)
    assert status != 0
    words = (runs.folder / LOG).read_text() + output
    assert f"SLURM job {job['JobId']}" in words
    assert f"scancel {job['JobId']}" in words
    runs.cluster.call("scancel", job["JobId"])
