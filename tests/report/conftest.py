"""A small run to write pages of."""

import pytest
from page_inputs import write_run

from regulens.report.items import PageSettings


@pytest.fixture
def page_settings(tmp_path, monkeypatch) -> PageSettings:
    """What the page of a small run needs to know; the working folder is that of the run."""
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path)
