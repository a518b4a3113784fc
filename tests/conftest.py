"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder with copies of the public data (`REGULENS_MIRROR`); tests on real data skip without it."""
    folder = os.environ.get("REGULENS_MIRROR")
    if not folder:
        pytest.skip("REGULENS_MIRROR is not set: no real data to test on")
    if not Path(folder).is_dir():
        pytest.fail(f"REGULENS_MIRROR names {folder}, which is not a folder")
    return Path(folder).resolve()
