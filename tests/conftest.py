"""Fixtures shared by all tests."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from browser import Browser, chromium
from copies import blocks, copy_project, finished_rules, run_in, tiny_assay, write_configuration
from slurm.cluster import Cluster, missing, running_cluster
from slurm.runs import write_profile
from warm import WARM
from workflow.conftest import TINY, run_snakemake
from workflow.enhancers import write_enhancers


def pytest_configure() -> None:
    """A shell ignores Ctrl-C in what it starts in the background, and its children inherit that: tests send SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """The commands that the tests have kept warm end with them."""
    WARM.stop()


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder with copies of the public data (`REGULENS_MIRROR`); tests on real data skip without it."""
    folder = os.environ.get("REGULENS_MIRROR")
    if not folder:
        pytest.skip("REGULENS_MIRROR is not set: no real data to test on")
    if not Path(folder).is_dir():
        pytest.fail(f"REGULENS_MIRROR names {folder}, which is not a folder")
    return Path(folder).resolve()


class Imported(NamedTuple):
    """A workflow of somebody else's that has made the tiny Table 1 with the rules of this one."""

    folder: Path
    project: Path
    rules: list[str]
    """Of every job, as this workflow calls them."""
    output: str


TELL = """

import os


onstart:
    print("The environments are given", os.environ["REGULENS_PROJECT"])
"""


@pytest.fixture(scope="session")
def imported(tmp_path_factory) -> Imported:
    """The tiny Table 1 of two models, made by the Snakefile of docs/use-as-a-module.md."""
    place = tmp_path_factory.mktemp("imported")
    project = copy_project(place / "regulens")
    folder = place / "own"
    folder.mkdir()
    write_configuration(folder / "own.yaml", tiny_assay())
    (snakefile,) = blocks("docs/use-as-a-module.md", "python")
    (folder / "Snakefile").write_text(snakefile.text + TELL)
    done = run_in(folder, project, "snakemake --cores 2 --show-failed-logs --scheduler greedy")
    return Imported(folder, project, finished_rules(done), done.stdout + done.stderr)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A SLURM of one machine; the tests skip, with the reason, where none can be started."""
    if why_not := missing():
        pytest.skip(f"no SLURM to test on: {why_not}")
    with running_cluster(tmp_path_factory.mktemp("slurm")) as started:
        yield started


@pytest.fixture(scope="session")
def profile(tmp_path_factory) -> Path:
    """The shipped cluster profile, for this cluster."""
    return write_profile(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """Folder in which the whole tiny workflow has run."""
    folder = tmp_path_factory.mktemp("tiny")
    write_enhancers(folder)
    done = run_snakemake(folder, TINY, "--show-failed-logs")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-6000:]
    (folder / "first_run.txt").write_text(output)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """A headless Chromium; tests skip where there is none."""
    if not chromium():
        pytest.skip("chromium and chromedriver are not installed: the page is not looked at in a browser")
    window = Browser(tmp_path_factory.mktemp("chromium"))
    yield window
    window.close()
