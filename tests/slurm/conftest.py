"""Runs on the cluster that start from the data of the tiny run."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workflow.conftest import changed_config  # noqa: F401 (a fixture)

from .cluster import cancel_all
from .runs import Runs

STUDY = "genomic_interpreter"


@pytest.fixture(scope="session")
def cropped(cluster, tiny, tmp_path_factory) -> Path:
    """Folder with the training data of the tiny run, and nothing made of them."""
    folder = tmp_path_factory.mktemp("cropped") / "run"
    results = "results/tiny"
    for name in (".snakemake", f"{results}/simulated_genome", f"{results}/{STUDY}/data"):
        shutil.copytree(tiny / name, folder / name)
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
