"""The RO-Crate of a run: complete, consistent, and valid by the validator of the RO-Crate community."""

import json
import subprocess
import venv
from pathlib import Path

import pytest

from regulens.core.errors import InputError
from regulens.provenance.crate import METADATA, crate
from regulens.provenance.trace import chain

VALIDATOR = ["roc-validator==0.13.0", "rocrate==0.16.0"]
"""In an environment of their own, because their versions of other packages are not ours."""


def entities(path: Path) -> dict[str, dict]:
    return {entity["@id"]: entity for entity in json.loads(path.read_text())["@graph"]}


def references(value) -> list[str]:
    if isinstance(value, list):
        return [name for one in value for name in references(one)]
    if isinstance(value, dict):
        return [value["@id"]] if "@id" in value else [name for one in value.values() for name in references(one)]
    return []


def of_type(found: dict[str, dict], name: str) -> list[dict]:
    return [entity for entity in found.values() if name in entity["@type"]]


def check(run: Path) -> dict[str, dict]:
    """What holds of every crate; returns its entities."""
    found = entities(crate(run))
    named = {
        name for entity in found.values() for key, value in entity.items() if key != "@id" for name in references(value)
    }
    assert {name for name in named if not name.startswith("http")} <= set(found)
    for name, entity in found.items():
        if "File" in entity["@type"] or (entity["@type"] == "Dataset" and name != "./"):
            assert (run / name).exists(), name
    jobs = [entity for entity in of_type(found, "CreateAction") if entity["@id"] != "#run"]
    assert len(of_type(found, "ControlAction")) == len(jobs)
    made = [name["@id"] for job in jobs for name in job["result"]]
    assert len(made) == len(set(made)), "a file is made by one job"
    assert set(made) == {part["@id"] for part in found["./"]["hasPart"]} - {"workflow/Snakefile"}
    return found


def test_a_small_run(table, tmp_path, monkeypatch):
    """A download, a table of sequences and a table made of it."""
    monkeypatch.chdir(tmp_path)
    run = table.parent
    found = check(run)
    jobs = of_type(found, "CreateAction")
    assert [job["name"] for job in jobs[:1]] == [f"Run {run.name}"]
    assert {job["name"] for job in jobs[1:]} == {"regulens sequences-from-table", "regulens dnabert-lrp filters"}
    (step,) = [job for job in jobs if job["name"] == "regulens sequences-from-table"]
    assert sorted(name["@id"] for name in step["result"]) == [
        "data/filters.csv",
        "data/test.tsv",
        "data/train.tsv",
        "data/valid.tsv",
    ]
    steps = {one.path: one for one in chain(table)}
    assert found["filters.csv"]["sha256"] == steps["results/filters.csv"].sha256
    given = [found[name["@id"]] for name in step["object"]]
    (settings,) = [one for one in given if one["@type"] == "PropertyValue"]
    assert json.loads(settings["value"])["settings"]["length_bp"] == 50
    assert "#resources/rows.tsv" in found
    assert check(run) == found, "made again, it is the same"


def test_a_folder_without_results(tmp_path):
    with pytest.raises(InputError, match="no manifest below it: name the folder of a finished run"):
        crate(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.exhaustive
def test_the_crate_of_the_tiny_run_is_valid(tiny, tmp_path):
    """By the profile Provenance Run Crate, at the level of what is required."""
    run = tiny / "results/tiny"
    check(run)
    assert len(of_type(entities(run / METADATA), "CreateAction")) > 150
    environment = tmp_path / "validator"
    venv.create(environment, with_pip=True)
    python = environment / "bin/python"
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", *VALIDATOR], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{' and '.join(VALIDATOR)} cannot be installed here: {done.stderr.strip()[-200:]}")
    checker = Path(__file__).parents[1] / "support/validate_crate.py"
    done = subprocess.run([python, checker, run, "provenance-run-crate-0.5"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
