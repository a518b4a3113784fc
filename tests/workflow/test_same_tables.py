"""The comparison of two runs finds what differs, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from regulens.core.io import atomic_output, manifest_path
from regulens.provenance.record import manifests

from .same_tables import differing_tables


@pytest.fixture
def runs(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """Results of two runs of the same, with a table, a binary file, a training log and a log."""
    for number, name in enumerate(("one", "other")):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        write("table.csv", "a,b\n1,2\n", {"seed": 1})
        write("model.ckpt", "weights", {"threads": 1})
        write("index.html", f"written at {number}", {})
        write("log.csv", f"epoch,seconds\n1,{number}\n", {}, option="epochs_log")
        Path("results/logs").mkdir()
        Path("results/logs/x.csv").write_text(str(number))
    return tmp_path / "one/results", tmp_path / "other/results"


def write(name: str, text: str, options: dict, option: str = "output") -> None:
    path = Path("results") / name
    with manifests("make", options | {option: path}), atomic_output(path) as temporary:
        temporary.write_text(text)


def test_two_runs_of_the_same_do_not_differ(runs):
    assert differing_tables(*runs) == []


def test_what_differs_is_named(runs, monkeypatch):
    one, other = runs
    monkeypatch.chdir(other.parent)
    write("table.csv", "a,b\n1,3\n", {"seed": 1})
    write("model.ckpt", "weights", {"threads": 2})
    write("log.csv", "epoch,seconds\n2,1\n", {}, option="epochs_log")
    write("more.tex", "", {})
    found = differing_tables(one, other)
    assert found[:2] == [f"more.tex: only in {other}", found[1]]
    assert found[1].startswith("log.csv: another identity (sha256)")
    assert found[2].startswith("model.ckpt: another identity (threads)")
    assert found[3] == "table.csv: other bytes"
    assert len(found) == 4


def test_a_table_without_a_manifest_and_another_setting_are_told(runs):
    one, other = runs
    manifest_path(other / "table.csv").unlink()
    (found,) = differing_tables(one, other)
    assert found.startswith("table.csv: ")
    assert "no manifest" in found
    shutil.copy(manifest_path(one / "table.csv"), manifest_path(other / "table.csv"))
    path = manifest_path(other / "table.csv")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"identity_sha256": "0"}))
    (found,) = differing_tables(one, other)
    assert "its text was changed" in found
