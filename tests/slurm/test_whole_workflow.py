"""The tiny configuration's whole DAG through the shipped profile."""

import re
import subprocess

from workflow.conftest import TINY

from .runs import Runs


def test_every_study_comes_to_its_figures(cluster, tiny):
    for study in ("genomic_interpreter", "dnabert_lrp", "hybrid_networks"):
        assert list((tiny / "results/tiny" / study).glob("figure*.png")), study
    jobs = [job for job in cluster.jobs() if job["WorkDir"] == str(tiny)]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}


def test_trainings_got_the_gpus_of_their_devices(cluster, tiny):
    jobs = [job for job in cluster.jobs() if job["WorkDir"] == str(tiny)]
    trainings = [job for job in jobs if re.search(r"/rule_train_(main|assay)_model/", job["StdOut"])]
    gpus = sorted(job["TresPerJob"].strip() for job in trainings)
    assert gpus == ["gres:gpu:a100:1"] * 6 + ["gres:gpu:a100:2"] * 4  # attpool_dilated and enformer, two seeds


def test_nothing_is_left_to_do(cluster, profile, tiny):
    runs = Runs(cluster, profile, tiny)
    again = subprocess.run(
        [*runs.command(TINY), "--max-threads", "2", "--dry-run"],
        cwd=tiny,
        env=runs.environment,
        capture_output=True,
        text=True,
    )
    assert "Nothing to be done" in again.stdout + again.stderr
