"""Fixtures of the figure tests."""

from pathlib import Path

import pytest
from figure_inputs import write_attention, write_runs

from regulens.core.runs import Run
from regulens.studies.genomic_interpreter.attention import AttentionFile


@pytest.fixture
def runs(tmp_path) -> list[Run]:
    """Five models with three seeds and two reference rows."""
    return write_runs(tmp_path / "pearson", seeds=(1, 2, 3))


@pytest.fixture
def published() -> Path:
    """The table of published numbers."""
    return Path(__file__).parents[2] / "config" / "published.csv"


@pytest.fixture(scope="session")
def attention_path(tmp_path_factory) -> Path:
    """Attention of the demonstration's shape: 7 layers with windows of 48 tokens, one Transformer block."""
    return write_attention(tmp_path_factory.mktemp("attention") / "attention.h5")


@pytest.fixture
def attention_file(attention_path) -> AttentionFile:
    """The same, opened."""
    return AttentionFile(attention_path)
