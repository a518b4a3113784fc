"""The commands of the hybrid networks' tables: what they read from their settings."""

import json

import pandas as pd
import pytest
from hybrid_inputs import PUBLISHED, paper_architectures, write_paper
from typer.testing import CliRunner

from regulens.cli import hybrid_networks
from regulens.core.errors import InputError
from regulens.motifs.tomtom import facts_path


def settings(drop=(), **changes):
    every = paper_architectures()
    values = {
        "architectures": {name: every[name].model_dump(mode="json") for name in ("c24", "c4c6")},
        "activations": ["relu", "exponential"],
        "keep": 2,
        "selection": {"split": "test", "metric": "aupr"},
        "label": "Task 1 {of} 'two'",
        "data_note": "A note.",
    } | changes
    return json.dumps({key: value for key, value in values.items() if key not in drop})


@pytest.fixture
def folder(tmp_path):
    every = paper_architectures()
    write_paper(tmp_path, "task1", 3, 2, {name: every[name] for name in ("c24", "c4c6")})
    return tmp_path


def results(folder, text, task="task1"):
    outputs = [folder / name for name in ("task1.csv", "task1_trials.csv", "task1.md", "task1.tex")]
    hybrid_networks.results(folder, task, PUBLISHED, text, *outputs)
    return outputs


def test_both_commands_run_from_the_command_line(folder):
    runner = CliRunner()
    names = {"--csv": "task1.csv", "--trials": "task1_trials.csv", "--md": "task1.md", "--tex": "task1.tex"}
    options = [word for option, name in names.items() for word in (option, str(folder / name))]
    shared = ["--published", str(PUBLISHED), "--settings", settings()]
    done = runner.invoke(hybrid_networks.app, ["results", str(folder), "--task", "task1", *shared, *options])
    assert done.exit_code == 0, done.output
    table = pd.read_csv(folder / "task1.csv")
    assert list(table["architecture"].unique()) == ["c24", "c4c6"]
    assert set(table["n_kept"]) == {2}
    assert (folder / "task1.md").read_text().startswith("# Task 1 {of} 'two', motifs of the first")
    trials = str(folder / "task1_trials.csv")
    outputs = ["--csv", str(folder / "claims.csv"), "--md", str(folder / "claims.md")]
    by_task = ["--published", str(PUBLISHED), "--settings", json.dumps({"task1": json.loads(settings())})]
    pages = []
    for given in (shared, by_task):
        done = runner.invoke(hybrid_networks.app, ["claims", "--task1", trials, *given, *outputs])
        assert done.exit_code == 0, done.output
        pages.append((folder / "claims.md").read_text())
    assert "- A note." in pages[0]
    assert pages[1] == pages[0]


def test_a_command_leaves_only_its_outputs(folder):
    before = set(folder.rglob("*"))
    outputs = results(folder, settings())
    assert set(folder.rglob("*")) - before == {*outputs, facts_path(outputs[0])}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": ["keep"]}, "no part 'keep'"),
        ({"selection": {"split": "test"}}, "no part 'metric'"),
        ({"selection": {"split": "train", "metric": "aupr"}}, "selection.split: 'train'"),
        ({"architectures": {}}, "at least one"),
        ({"architectures": {"c24": {"label": "C24", "baseline": "c25"}}}, "architectures.c24.baseline: unknown value"),
        ({"architectures": {"c24": {"label": "C24", "baseline": "c24", "layers": 3}}}, "c24.layers: unknown key"),
    ],
)
def test_bad_settings_are_errors_that_name_the_key(folder, change, message):
    with pytest.raises(InputError, match=message):
        results(folder, settings(**change))


def test_another_task_is_an_error(folder):
    with pytest.raises(InputError, match="task: 'task3'"):
        results(folder, settings(), task="task3")
