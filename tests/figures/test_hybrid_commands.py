"""The commands of the hybrid networks' tables and figures: what they make of their settings."""

import pandas as pd
import pytest
from commands import run_command
from figure_inputs import pdf_text
from hybrid_inputs import PUBLISHED, paper_architectures, results_table, write_paper
from test_filter_sheet import FOUND, write_filters
from test_hybrid_figures_curves import log

from regulens.core.errors import InputError
from regulens.core.io import manifest_path
from regulens.studies.hybrid_networks.results import trial_columns

SELECTION = {"split": "test", "metric": "aupr"}
DESIGNS = {"c24": {"label": "C24", "baseline": "c24"}, "own": {"label": "Own", "baseline": "c4", "modules": ["lstm"]}}
SIZES = {"filters": 8, "lstm": 8, "dense": 16}
NETWORKS = {
    name: {"baseline": design["baseline"], "modules": design.get("modules", []), "sizes": SIZES, "classes": 3}
    for name, design in DESIGNS.items()
}


def settings(drop=(), **changes):
    every = paper_architectures()
    values = {
        "architectures": {name: every[name].model_dump(mode="json") for name in ("c24", "c4c6")},
        "activations": ["relu", "exponential"],
        "keep": 2,
        "selection": SELECTION,
        "label": "Task 1 {of} 'two'",
        "data_note": "A note.",
    } | changes
    return {key: value for key, value in values.items() if key not in drop}


@pytest.fixture
def folder(tmp_path):
    every = paper_architectures()
    write_paper(tmp_path, "task1", 3, 2, {name: every[name] for name in ("c24", "c4c6")})
    return tmp_path


def results(folder, values, task="task1"):
    names = {"--csv": "task1.csv", "--trials": "task1_trials.csv", "--md": "task1.md", "--tex": "task1.tex"}
    names["--facts"] = "task1.facts.json"
    outputs = [folder / name for name in names.values()]
    words = ["--task", task, "--published", PUBLISHED]
    words += [word for pair in zip(names, outputs, strict=True) for word in pair]
    run_command("hybrid-networks results", folder, *words, folder=folder.parent, settings=values)
    return outputs


def test_results_and_claims(folder):
    outputs = results(folder, settings())
    table = pd.read_csv(folder / "task1.csv")
    assert list(table["architecture"].unique()) == ["c24", "c4c6"]
    assert set(table["n_kept"]) == {2}
    assert (folder / "task1.md").read_text().startswith("# Task 1 {of} 'two', motifs of the first")
    words = ["--task1", outputs[1], "--published", PUBLISHED, "--csv", folder / "claims.csv", "--md", folder / "c.md"]
    values = settings(["activations", "keep", "selection", "label"])
    run_command("hybrid-networks claims", *words, folder=folder.parent, settings=values)
    assert "- A note." in (folder / "c.md").read_text()


def test_a_command_leaves_only_its_outputs_and_their_manifests(folder):
    before = set(folder.rglob("*"))
    outputs = results(folder, settings())
    assert set(folder.rglob("*")) - before == {*outputs, *map(manifest_path, outputs)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": ["keep"]}, r"--part \[keep=\]PATH is missing"),
        ({"selection": {"split": "test"}}, "selection.metric: this key is missing"),
        ({"selection": "test"}, "selection: input should be a valid dictionary.*; found 'test'"),
        ({"selection": {"split": "train", "metric": "aupr"}}, "selection.split: 'train'"),
        ({"architectures": {}}, "at least 1"),
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


@pytest.fixture
def draw(tmp_path):
    """Run the command of a figure; returns the text in it."""

    def run(name, *words, **settings) -> str:
        outputs = tmp_path / "f.pdf", tmp_path / "f.png"
        words = [*words, "--pdf", outputs[0], "--png", outputs[1]]
        run_command(f"hybrid-networks {name}", *words, folder=tmp_path, settings=settings or None)
        assert all(path.stat().st_size for path in outputs)
        return pdf_text(outputs[0])

    return run


@pytest.mark.parametrize("tasks", [["Sites"], ["Sites", "Code"]])
def test_figure1_with_the_networks_of_one_task_or_of_several(draw, tasks):
    shown = draw("figure1", architectures=DESIGNS, activations=["relu"], designs=dict.fromkeys(tasks, NETWORKS))
    assert "Own" in shown
    assert ("Code" in shown) == ("Code" in tasks)
    assert "exponential" not in shown


@pytest.mark.parametrize(
    ("designs", "message"),
    [
        ({"Sites": {**NETWORKS, "own": {**NETWORKS["own"], "baseline": "c5"}}}, "designs.Sites.own.baseline: unknown"),
        ({}, "designs: .* at least 1"),
        ([], "designs: input should be a valid dictionary"),
        ({"Sites": {}}, "designs.Sites: .* at least 1"),
        ({"Sites": 3}, "designs.Sites: input should be a valid dictionary"),
    ],
)
def test_figure1_names_what_is_wrong_with_its_settings(draw, designs, message):
    with pytest.raises(InputError, match=message):
        draw("figure1", architectures=DESIGNS, designs=designs)


def test_figures_2_and_3_are_drawn_from_their_tables(tmp_path, draw):
    results_table("task1", 3, 10).to_csv(tmp_path / "task1.csv", index=False)
    assert "C4C6-LSTM-Trans2" in draw("figure2", tmp_path / "task1.csv")
    results_table("task2", 5, 5).to_csv(tmp_path / "task2.csv", index=False)
    assert "Saliency AUROC" in draw("figure3", tmp_path / "task2.csv")


def write_trials(path, kept, aupr, valid):
    table = pd.DataFrame({name: 0.5 for name in trial_columns("task1")}, index=range(len(kept)))
    table = table.assign(
        architecture="c24", label="C24", baseline="c24", modules="", activation="relu", status="early_stopped"
    )
    table = table.assign(trial=range(len(kept)), kept=kept, aupr=aupr, valid_auroc=valid)
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("selection", "trial"), [(SELECTION, 3), ({"split": "valid", "metric": "auroc"}, 0)])
def test_filters_of_the_best_trial_by_the_selection(tmp_path, draw, selection, trial):
    meme, table = write_filters(tmp_path, list(FOUND))
    trials = write_trials(tmp_path / "trials.csv", [True] * 4, [0.6, 0.7, 0.8, 0.9], [0.9, 0.8, 0.7, 0.6])
    words = [meme, "--matches", table, "--trials", trials, "--architecture", "c24", "--activation", "relu"]
    shown = draw("filters", *words, label="C24", selection=selection)
    assert f"C24, ReLU, trial {trial}" in shown
    assert "lter 6, " in shown  # fi is one glyph, which pdf_text passes over


def test_training_of_a_results_folder(tmp_path, draw):
    for activation in ("relu", "exponential"):
        path = tmp_path / "task2" / "c24" / activation / "log.csv"
        path.parent.mkdir(parents=True)
        log().to_csv(path, index=False)
    words = ["training", tmp_path, "--task", "task2"]
    values = {"architectures": DESIGNS, "activations": ["relu", "exponential"]}
    assert "no training log" in draw(*words, **values)
    assert "Validation AUPR" in draw(*words, **values, monitor="aupr")
    (tmp_path / "task2" / "c24" / "exponential" / "log.csv").write_text("left over, not a table of the network\n")
    draw(*words, **values, trained=["c24/relu"])
