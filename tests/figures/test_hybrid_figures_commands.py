"""What the figure commands of the hybrid networks read from their settings."""

import json

import pandas as pd
import pytest
from figure_inputs import pdf_text
from hybrid_inputs import results_table
from test_filter_sheet import FOUND, write_filters
from test_hybrid_figures_curves import log

from regulens.cli import hybrid_networks_figures as commands
from regulens.core.errors import InputError
from regulens.studies.hybrid_networks.results import trial_columns

DESIGNS = {"c24": {"label": "C24", "baseline": "c24"}, "own": {"label": "Own", "baseline": "c4", "modules": ["lstm"]}}
SIZES = {"filters": 8, "lstm": 8, "dense": 16}
NETWORKS = {
    name: {"baseline": design["baseline"], "modules": design.get("modules", []), "sizes": SIZES, "classes": 3}
    for name, design in DESIGNS.items()
}


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "f.pdf", tmp_path / "f.png"


def text_of(outputs) -> str:
    assert all(path.stat().st_size for path in outputs)
    return pdf_text(outputs[0])


@pytest.mark.parametrize("tasks", [["Sites"], ["Sites", "Code"]])
def test_figure1_with_the_networks_of_one_task_or_of_several(outputs, tasks):
    settings = {"architectures": DESIGNS, "activations": ["relu"], "tasks": dict.fromkeys(tasks, NETWORKS)}
    commands.figure1(json.dumps(settings), *outputs)
    shown = text_of(outputs)
    assert "Own" in shown
    assert ("Code" in shown) == ("Code" in tasks)
    assert "exponential" not in shown


def test_figure1_names_what_is_wrong_with_its_settings(outputs):
    wrong = {**NETWORKS, "own": {**NETWORKS["own"], "baseline": "c5"}}
    with pytest.raises(InputError, match=r"tasks.Sites.own.baseline: unknown value"):
        commands.figure1(json.dumps({"architectures": DESIGNS, "tasks": {"Sites": wrong}}), *outputs)
    with pytest.raises(InputError, match="no part 'tasks'"):
        commands.figure1(json.dumps({"architectures": DESIGNS}), *outputs)
    for tasks in ({}, [], {"Sites": {}}, {"Sites": 3}):
        with pytest.raises(InputError, match="tasks must map the label of a task to its networks"):
            commands.figure1(json.dumps({"architectures": DESIGNS, "tasks": tasks}), *outputs)


def test_figures_2_and_3_are_drawn_from_their_tables(tmp_path, outputs):
    results_table("task1", 3, 10).to_csv(tmp_path / "task1.csv", index=False)
    commands.figure2(tmp_path / "task1.csv", *outputs)
    assert "C4C6-LSTM-Trans2" in text_of(outputs)
    results_table("task2", 5, 5).to_csv(tmp_path / "task2.csv", index=False)
    commands.figure3(tmp_path / "task2.csv", *outputs)
    assert "Saliency AUROC" in text_of(outputs)


def write_trials(path, kept, aupr, valid):
    table = pd.DataFrame({name: 0.5 for name in trial_columns("task1")}, index=range(len(kept)))
    table = table.assign(
        architecture="c24", label="C24", baseline="c24", modules="", activation="relu", status="early_stopped"
    )
    table = table.assign(trial=range(len(kept)), kept=kept, aupr=aupr, valid_auroc=valid)
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("selection", "trial"), [({}, 3), ({"selection": {"split": "valid", "metric": "auroc"}}, 0)])
def test_filter_sheet_of_the_best_trial_by_the_selection(tmp_path, outputs, selection, trial):
    meme, table = write_filters(tmp_path, list(FOUND))
    trials = write_trials(tmp_path / "trials.csv", [True] * 4, [0.6, 0.7, 0.8, 0.9], [0.9, 0.8, 0.7, 0.6])
    settings = json.dumps({"label": "C24", **selection})
    commands.filter_sheet(meme, table, trials, "c24", "relu", settings, *outputs)
    assert f"C24, ReLU, trial {trial}" in text_of(outputs)


def test_training_curves_of_a_results_folder(tmp_path, outputs):
    for activation in ("relu", "exponential"):
        path = tmp_path / "task2" / "c24" / activation / "log.csv"
        path.parent.mkdir(parents=True)
        log().to_csv(path, index=False)
    settings = {"architectures": DESIGNS, "activations": ["relu", "exponential"], "label": "Task 2", "keep": 5}
    commands.training_curves(tmp_path, "task2", json.dumps(settings), *outputs)
    assert "no training log" in text_of(outputs)
    commands.training_curves(tmp_path, "task2", json.dumps({**settings, "monitor": "aupr"}), *outputs)
    assert "Validation AUPR" in text_of(outputs)
    (tmp_path / "task2" / "c24" / "exponential" / "log.csv").write_text("left over, not a table of the network\n")
    commands.training_curves(tmp_path, "task2", json.dumps({**settings, "trained": ["c24/relu"]}), *outputs)


def test_a_selection_that_is_no_map_is_an_error(tmp_path, outputs):
    meme, table = write_filters(tmp_path, list(FOUND))
    trials = write_trials(tmp_path / "trials.csv", [True], [0.6], [0.9])
    settings = json.dumps({"label": "C24", "selection": "test"})
    with pytest.raises(InputError, match="selection must be a map with split and metric, found 'test'"):
        commands.filter_sheet(meme, table, trials, "c24", "relu", settings, *outputs)
