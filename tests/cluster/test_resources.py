"""What jobs requested and took, by rule, and how it scales to the papers' run."""

import re
from pathlib import Path

import pandas as pd
import pytest

from regulens.cluster.plan import count_jobs
from regulens.cluster.resources import REQUESTS, resources, scaled_markdown, work
from regulens.config import load
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.provenance.record import manifests

ROOT = Path(__file__).parents[2]
REHEARSAL, PAPER = ROOT / "config/rehearsal.yaml", ROOT / "config/config.yaml"


def make(path: Path, minutes: float, peak_gb: float) -> None:
    """An output with a manifest that says what it took."""
    with manifests("classify", {"output": path}):
        write_text("x", path)
    manifest = path.with_name(f"{path.name}.manifest.json")
    text = manifest.read_text()
    for name, value in (("wall_s", 60 * minutes), ("cpu_s", 120 * minutes), ("peak_memory_mb", 1000 * peak_gb)):
        start = text.index(f'"{name}": ') + len(f'"{name}": ')
        text = text[:start] + str(value) + text[text.index(",", start) :]
    manifest.write_text(text)


@pytest.fixture
def requests(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [
        ("pearson", "a.csv", 1, 0, 64000, 240),
        ("classify", "b.csv", 8, 1, 32000, 240),
        ("pearson", "c.csv", 1, 0, 128000, 480),
        ("pearson", "never_made.csv", 1, 0, 64000, 240),
        ("unpack", "d.csv", 1, 0, None, None),
    ]
    for name, minutes, peak in (("a.csv", 1, 0.5), ("b.csv", 90.25, 3), ("c.csv", 2, 0.25), ("d.csv", 0.5, 0.1)):
        make(tmp_path / name, minutes, peak)
    pd.DataFrame(rows, columns=REQUESTS).to_csv(tmp_path / "requests.csv", index=False)
    return tmp_path / "requests.csv"


def test_by_rule_in_the_order_of_the_stages(requests):
    table = resources(requests, REHEARSAL, requests.with_name("r.csv"), requests.with_name("r.md")).set_index("rule")
    assert list(table.index) == ["unpack", "pearson", "classify"]
    columns = ["jobs", "requested_gb", "requested_min", "peak_gb", "longest_min", "cpu_min"]
    assert table.loc["pearson", columns].tolist() == [2, 128, 480, 0.5, 2, 3]
    assert table.loc["classify", ["threads", "gpus", "peak_gb"]].tolist() == [8, 1, 3]
    text = re.sub(" +", " ", requests.with_name("r.md").read_text())
    assert "| classify | 1 | 8 | 1 | 32 | 4:00:00 | 3.00 | 9% | 1:30:15 | 3:00:30 |" in text
    assert "| unpack | 1 | 1 | | | | 0.10 | | 0:00:30 | 0:01:00 |" in text


def test_a_run_that_has_made_nothing(requests):
    for path in requests.parent.glob("?.csv"):
        path.unlink()
    for path in requests.parent.glob("*.manifest.json"):
        path.unlink()
    with pytest.raises(InputError, match="run the workflow first"):
        resources(requests, REHEARSAL, requests.with_name("r.csv"), requests.with_name("r.md"))


def test_work_by_count():
    paper = load(PAPER)
    assert work(paper, "train_assay_model") == 30 * (3 * 34_021 + 2_213)
    assert work(paper, "predict") == 1_937
    assert work(paper, "fine_tune") == 5 * 3 * 123_872
    assert work(paper, "classify") == 30_970
    assert work(paper, "train_trials") == 10 * 100
    assert work(paper, "genomic_interpreter_figure2") == 1
    here = load(REHEARSAL)
    assert work(here, "fine_tune") == 3 * 2 * 48
    assert work(here, "train_trials") == 2


def test_a_part_is_scaled_to_the_whole(requests):
    table = resources(requests, REHEARSAL, requests.with_name("r.csv"), requests.with_name("r.md"))
    table.loc[table["rule"] == "classify", "work"] = 30_970 / 2
    text = re.sub(" +", " ", scaled_markdown(table, load(PAPER), {"classify": 4, "pearson": 7}))
    assert "| `classify` | 1 | 32 | 4:00:00 | 3.00 | 1:30:15 | 3:00:30 | 2 | 4 | 24.1 |" in text
    assert "unpack" not in text


def test_every_rule_of_the_rehearsal_is_one_of_the_papers():
    """But for the number of jobs, and what a single trial makes unnecessary."""
    assert set(count_jobs(REHEARSAL, ROOT)) == set(count_jobs(PAPER, ROOT))
