"""The site of the documentation: every page is in it, and every link inside it leads somewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.exhaustive
def test_site_has_every_page_and_no_broken_link(tmp_path):
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason=f"{package} is not installed: make docs installs it")
    options = ["-c", "docs/site", "-b", "html", "--fail-on-warning", "--keep-going", "--quiet"]
    command = [sys.executable, "-m", "sphinx", *options, "-d", str(tmp_path / "cache"), ".", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in ("README", "config/README", "docs/papers", "docs/reproduction/hybrid_networks/README"):
        assert (tmp_path / f"site/{page}.html").is_file()
    api = (tmp_path / "site/docs/site/api.html").read_text()
    assert 'id="regulens.load_model"' in api
    assert 'id="regulens.tomtom"' in api
