"""The tiny configuration's whole DAG through the shipped profile."""

import re
import subprocess

import pytest
from workflow.conftest import TINY
from workflow.same_tables import differing_tables

from .runs import Runs

pytestmark = pytest.mark.exhaustive


def test_every_study_comes_to_its_figures(cluster, whole):
    for study in ("genomic_interpreter", "dnabert_lrp", "hybrid_networks"):
        assert list((whole / "results/tiny" / study).glob("figure*.png")), study
    jobs = [job for job in cluster.jobs() if job["WorkDir"] == str(whole)]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}


def test_trainings_got_the_gpus_of_their_devices(cluster, whole):
    jobs = [job for job in cluster.jobs() if job["WorkDir"] == str(whole)]
    trainings = [job for job in jobs if re.search(r"/rule_train_(main|assay)_model/", job["StdOut"])]
    gpus = sorted(job["TresPerJob"].strip() for job in trainings)
    assert gpus == ["gres:gpu:a100:1"] * 8 + ["gres:gpu:a100:2"] * 2  # attpool_dilated, two seeds


def test_tables_and_identities_are_those_of_a_run_without_slurm(tiny, whole):
    """Same inputs, settings, code, versions, seeds and threads on the same machine."""
    assert len(list((whole / "results/tiny").rglob("*.manifest.json"))) > 150
    # Beside the results of the other run are pages and a report that further tests have made there.
    differing = differing_tables(whole / "results/tiny", tiny / "results/tiny")
    assert [line for line in differing if not line.endswith("only in " + str(tiny / "results/tiny"))] == []


def test_nothing_is_left_to_do(cluster, profile, whole):
    runs = Runs(cluster, profile, whole)
    again = subprocess.run(
        [*runs.command(TINY), "--max-threads", "1", "--dry-run"],
        cwd=whole,
        env=runs.environment,
        capture_output=True,
        text=True,
    )
    assert "Nothing to be done" in again.stdout + again.stderr
