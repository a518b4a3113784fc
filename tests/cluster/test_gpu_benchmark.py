"""benchmarks/gpu.sh on the CPU with tiny sizes, and what becomes of jobs that fail."""

import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from regulens.cluster.rates import Rates, read_rates

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def gpu():
    """benchmarks/gpu.py as a module, which its second process finds too."""
    spec = importlib.util.spec_from_file_location("gpu", ROOT / "benchmarks/gpu.py")
    sys.modules["gpu"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield module
    sys.path.remove(str(ROOT / "benchmarks"))
    del sys.modules["gpu"]


def test_every_row_is_there_and_those_that_can_be_are_measured(gpu, tmp_path):
    table = tmp_path / "gpu.csv"
    environment = os.environ | {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [ROOT / "benchmarks/gpu.sh", "--tiny", "--output", table]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(gpu.COLUMNS)
    expected = [(job.part, *row) for job in gpu.jobs() for row in job.rows]
    assert [(row["part"], row["subject"], row["implementation"]) for row in rows] == expected
    assert all(row["device"] == "CPU" and row["torch"] and row["commit"] and row["date"] for row in rows)
    for row in rows:
        if row["implementation"] in ("enformer-pytorch", "torchvision"):
            assert row["value"] or row["note"].startswith(("needs the package", "failed"))
        elif row["subject"] == "DNABERT-6, bf16":
            assert (row["value"], row["note"]) == ("", "on a card only")
        elif row["part"] == "resume":
            assert (float(row["value"]), row["unit"]) == (0, "largest difference of a weight")
        else:
            assert float(row["value"]) > 0, row
            assert row["unit"] in ("examples/s", "sequences/s", "mutants/s")
    resumed = next(row for row in rows if row["subject"] == "interrupted and resumed")
    assert "exit status 143" in resumed["note"]
    assert all((row["planned_memory_gb"] != "") == (row["part"] == "assay models") for row in rows if row["value"])
    assert done.stdout.count("\n| ") == len(rows) + 2
    manifest = json.loads(table.with_suffix(".json").read_text())
    assert manifest["machine"]["device"] == "CPU"
    assert manifest["arguments"]["tiny"] == "True"
    assert manifest["machine"]["torch"] == rows[0]["torch"]
    assert {"numpy", "pydantic"} <= set(manifest["packages"])
    assert read_rates(table) == Rates(), "the plan takes nothing that was measured without a card"


def good(value: int, tiny: bool):
    yield {"value": value}


def half_done(then, tiny: bool):
    yield {"value": 1}
    then()


def needs_a_package():
    import no_such_package  # noqa: F401


def fails():
    raise ValueError("of the wrong\nkind")


def test_a_job_that_fails_or_takes_too_long_costs_no_other_row(gpu):
    problems = {
        partial(time.sleep, 60): "ended after .* s, its share of the time",
        partial(os._exit, 3): r"its process died \(exit status 3\)",
        needs_a_package: "needs the package no_such_package",
        fails: "failed: ValueError: of the wrong",
    }
    todo = [gpu.Job("part", [("first", ""), ("second", "")], 0, partial(half_done, then)) for then in problems]
    todo = [job for other in todo for job in (other, gpu.Job("part", [("whole", "")], 8, partial(good, 2)))]
    end = time.monotonic() + 4 * 8 + 3  # three seconds for the first job
    rows = list(gpu.measure(todo, gpu.Worker(tiny=True), end))
    assert [row["subject"] for row in rows] == ["first", "second", "whole"] * len(problems)
    assert [row.get("value") for row in rows] == [1, None, 2] * len(problems)
    notes = [row["note"] for row in rows if row["subject"] == "second"]
    for note, expected in zip(notes, problems.values(), strict=True):
        assert re.fullmatch(expected, note)


def test_rows_without_time_say_so(gpu):
    job = gpu.Job("part", [("first", ""), ("second", "")], 5, partial(good, 1))
    rows = list(gpu.measure([job], gpu.Worker(tiny=True), time.monotonic()))
    assert [row["note"] for row in rows] == ["no time was left"] * 2


def test_the_last_row_of_a_job_is_the_best_so_far(gpu):
    job = gpu.Job("part", [("best", "")], 5, improves)
    assert list(gpu.measure([job], gpu.Worker(tiny=True), time.monotonic() + 30))[0]["value"] == 3


def improves(tiny: bool):
    yield from ({"value": value} for value in (1, 2, 3))
