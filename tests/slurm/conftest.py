"""Runs on the cluster that start from the training data."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workflow.conftest import TINY, changed_config, run_snakemake  # noqa: F401 (one is a fixture)
from workflow.enhancers import write_enhancers

from .cluster import cancel_all
from .runs import Runs

STUDY = "genomic_interpreter"


@pytest.fixture(scope="session")
def cropped(cluster, tmp_path_factory) -> Path:
    """Folder with the training data of the tiny configuration, made on this machine, and nothing made of them."""
    folder = tmp_path_factory.mktemp("cropped") / "run"
    folder.mkdir()
    write_enhancers(folder)
    done = run_snakemake(folder, TINY, *(f"results/tiny/{STUDY}/data/{name}.h5" for name in ("train", "valid")))
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.fixture(scope="session")
def whole(cluster, profile, tmp_path_factory) -> Path:
    """Folder in which the whole tiny workflow has run through SLURM."""
    folder = tmp_path_factory.mktemp("whole")
    write_enhancers(folder)
    # With the threads of the run without SLURM.
    status, output = Runs(cluster, profile, folder).run(TINY, "--max-threads", "1", seconds=3000)
    assert status == 0, output[-6000:]
    return folder


@pytest.fixture
def runs(cluster, profile, cropped, tmp_path) -> Iterator[Runs]:
    """Runs in a copy of the folder with the training data."""
    folder = tmp_path / "run"
    shutil.copytree(cropped, folder)
    started = Runs(cluster, profile, folder)
    yield started
    started.stop()
    cancel_all(cluster)


@pytest.fixture
def training_config(changed_config) -> Callable[..., Path]:  # noqa: F811
    """The tiny configuration with some keys of the assay study set."""

    def write(changes: dict) -> Path:
        return changed_config({f"{STUDY}.{key}": value for key, value in changes.items()})

    return write
