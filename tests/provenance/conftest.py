"""A small run with manifests."""

from pathlib import Path

import pytest
from small_run import make_filters


@pytest.fixture
def table(tmp_path, monkeypatch) -> Path:
    (tmp_path / "one").mkdir()
    return make_filters(tmp_path / "one", monkeypatch)
