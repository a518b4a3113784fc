"""Fixtures of the tests of Genomic Interpreter: the stages of its models."""

import pytest
from figure_inputs import write_architectures

from regulens.data.settings import Geometry
from regulens.studies.genomic_interpreter.architectures import read_architectures


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """Stages of the five models at the paper's geometry."""
    return write_architectures(tmp_path_factory.mktemp("stages") / "paper.csv", Geometry(), 5313)


@pytest.fixture
def stages(paper):
    return read_architectures(paper)
