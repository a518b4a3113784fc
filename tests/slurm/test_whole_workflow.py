"""The tiny configuration's whole DAG through the shipped profile."""

import re
import subprocess

import pytest
from workflow.enhancers import write_enhancers

from .conftest import Runs


@pytest.mark.workflow
def test_the_whole_tiny_workflow_runs_through(cluster, profile, tmp_path, training_config):
    write_enhancers(tmp_path)
    runs = Runs(cluster, profile, tmp_path)
    config = training_config({"training.devices": 2})
    before = len(cluster.jobs())
    status, output = runs.run(config, seconds=3000)
    assert status == 0, output[-6000:]
    for study in ("genomic_interpreter", "dnabert_lrp", "hybrid_networks"):
        assert list((tmp_path / "results/tiny" / study).glob("figure*.png")), study
    jobs = cluster.jobs()[before:]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    trainings = [job for job in jobs if re.search(r"/rule_train_(main|assay)_model/", job["StdOut"])]
    assert len(trainings) == 10
    assert {job["TresPerJob"].strip() for job in trainings} == {"gres:gpu:a100:2"}
    again = subprocess.run(
        [*runs.command(config), "--dry-run"], cwd=tmp_path, env=runs.environment, capture_output=True, text=True
    )
    assert "Nothing to be done" in again.stdout + again.stderr
