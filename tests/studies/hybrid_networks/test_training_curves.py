"""Validation curves of trials: lines, best epochs, diverged trials, panels."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text
from hybrid_inputs import paper_architectures

from regulens.core.errors import InputError
from regulens.plotting.style import activation_style
from regulens.studies.hybrid_networks.training_curves import (
    curves_figure,
    grid_of,
    logs_in,
    read_logs,
    score_limits,
    training_curves,
)

ACTIVATIONS = ["relu", "exponential"]


def log(trials=3, seed=0, top=0.95):
    """A log of trials that stop at different epochs."""
    random, rows = np.random.default_rng(seed), []
    for trial in range(trials):
        epochs = 8 + 3 * trial
        score = top - (top - 0.5) * np.exp(-np.arange(1, epochs + 1) / 2) + random.normal(0, 0.002, epochs)
        rows += [
            (trial, trial, epoch, 1e-3, 0.2, 0.3, value, value - 0.1, 1.0)
            for epoch, value in enumerate(score.round(6), 1)
        ]
    columns = ["trial", "seed", "epoch", "learning_rate", "train_loss", "valid_loss", "valid_auroc", "valid_aupr"]
    return pd.DataFrame(rows, columns=[*columns, "seconds"])


@pytest.fixture
def folder(tmp_path):
    """Logs of all 17 networks of task 1."""
    for number, name in enumerate(paper_architectures()):
        for place, activation in enumerate(ACTIVATIONS):
            path = tmp_path / "task1" / name / activation / "log.csv"
            path.parent.mkdir(parents=True)
            log(seed=2 * number + place).to_csv(path, index=False)
    return tmp_path


@pytest.fixture
def runs(folder):
    return logs_in(folder, "task1", paper_architectures(), ACTIVATIONS)


def curves(axes):
    return [line for line in axes.lines if line.get_marker() == "None"]


def marks(axes, marker):
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == marker]


def titled(figure, title):
    return next(axes for axes in figure.axes if axes.get_title() == title)


def test_a_panel_for_every_network_in_the_rows_of_figures_2_and_3(runs):
    grid = grid_of(runs)
    assert [len(row) for row in grid] == [6, 6, 5]
    figure = curves_figure(runs, read_logs(runs))
    shown = [axes.get_title() for axes in figure.axes if axes.axison]
    assert shown == [design.label for design in paper_architectures().values()]


def test_lines_are_the_logs_and_dots_the_first_best_epochs(runs):
    figure = curves_figure(runs, read_logs(runs))
    for run in runs:
        table, look = pd.read_csv(run.path), activation_style(run.activation)
        axes = titled(figure, run.label)
        lines = [line for line in curves(axes) if line.get_color() == look.colour]
        assert len(lines) == 3
        for line, (_, trial) in zip(lines, table.groupby("trial"), strict=True):
            np.testing.assert_allclose(line.get_ydata(), trial["valid_auroc"])
            best = trial.loc[trial["valid_auroc"].idxmax()]
            assert (best["epoch"], best["valid_auroc"]) in marks(axes, look.marker)
            assert line.get_linestyle() == look.line
    assert not any(marks(axes, "x") for axes in figure.axes)


def test_the_monitored_score_can_be_aupr(runs):
    figure = curves_figure(runs, read_logs(runs, "aupr"), "aupr")
    assert figure.axes[0].get_ylabel() == "Validation AUPR"
    np.testing.assert_allclose(
        curves(figure.axes[0])[0].get_ydata(), pd.read_csv(runs[0].path).query("trial == 0")["valid_aupr"]
    )
    with pytest.raises(InputError, match="monitor: 'accuracy' is not a validation metric; valid: auroc, aupr"):
        read_logs(runs, "accuracy")


@pytest.mark.parametrize("column", ["valid_auroc", "train_loss"])
def test_a_diverged_trial_ends_with_a_cross(runs, column):
    table = pd.read_csv(runs[0].path)
    last = table.index[(table["trial"] == 1)][-1]
    table.loc[last, column] = np.nan
    table.to_csv(runs[0].path, index=False)
    figure = curves_figure(runs[:2], read_logs(runs[:2]))
    before = table.loc[last - 1]
    assert marks(figure.axes[0], "x") == [(before["epoch"], before["valid_auroc"])]
    assert "diverged" in [text.get_text() for text in figure.legends[0].get_texts()]
    table["valid_auroc"] = np.nan  # all of a network, from the first epoch
    table.to_csv(runs[0].path, index=False)
    check_text(curves_figure(runs[:2], read_logs(runs[:2])))


def test_limits_leave_out_first_epochs_but_no_trial():
    logs = pd.DataFrame({"architecture": "a", "activation": "relu", "trial": 0, "score": [0.1, *np.full(99, 0.9)]})
    low, high = score_limits(logs)
    assert 0.1 < low < 0.9 < high
    lost = pd.DataFrame({"architecture": "a", "activation": "relu", "trial": 1, "score": [0.5]})
    assert score_limits(pd.concat([logs, lost]))[0] < 0.5
    assert score_limits(lost.assign(score=np.nan)) == (0, 1)


def test_networks_trained_elsewhere_have_an_empty_panel(folder):
    for activation in ACTIVATIONS:
        (folder / "task1" / "c24_att" / activation / "log.csv").unlink()
    runs = logs_in(folder, "task1", paper_architectures(), ACTIVATIONS)
    figure = curves_figure(runs, read_logs(runs))
    assert titled(figure, "C24-Att").texts[0].get_text() == "no training log"
    assert len(curves(titled(figure, "C24"))) == 6


def test_a_log_of_trials_that_were_replaced_is_not_drawn(folder):
    trained = [f"{name}/{activation}" for name in paper_architectures() for activation in ACTIVATIONS]
    trained.remove("c24_att/relu")
    runs = logs_in(folder, "task1", paper_architectures(), ACTIVATIONS, trained)
    assert [f"{run.architecture}/{run.activation}" for run in runs if run.path] == trained
    assert len(curves(titled(curves_figure(runs, read_logs(runs)), "C24-Att"))) == 3
    with pytest.raises(InputError, match="no task1/ARCHITECTURE/ACTIVATION/log.csv"):
        logs_in(folder, "task1", paper_architectures(), ACTIVATIONS, [])


def test_a_folder_without_any_log_is_an_error(folder):
    with pytest.raises(InputError, match="no task2/ARCHITECTURE/ACTIVATION/log.csv of the configured networks"):
        logs_in(folder, "task2", paper_architectures(), ACTIVATIONS)


def test_text_is_readable(runs, folder, tmp_path):
    check_text(curves_figure(runs, read_logs(runs)))
    check_text(curves_figure(runs[:1], read_logs(runs[:1])))
    one = {"c24": paper_architectures()["c24"]}
    training_curves(folder, "task1", one, ACTIVATIONS, tmp_path / "c.pdf", tmp_path / "c.png")
    assert "Validation AUROC" in pdf_text(tmp_path / "c.pdf")
    assert (tmp_path / "c.png").exists()


DESIGNS = {"c24": {"label": "C24", "baseline": "c24"}, "own": {"label": "Own", "baseline": "c4", "modules": ["lstm"]}}


def test_training_of_a_results_folder(tmp_path, draw):
    for activation in ("relu", "exponential"):
        path = tmp_path / "task2" / "c24" / activation / "log.csv"
        path.parent.mkdir(parents=True)
        log().to_csv(path, index=False)
    words = ["training-curves", tmp_path, "--task", "task2"]
    values = {"architectures": DESIGNS, "activations": ["relu", "exponential"]}
    assert "no training log" in draw(*words, **values)
    assert "Validation AUPR" in draw(*words, **values, monitor="aupr")
    (tmp_path / "task2" / "c24" / "exponential" / "log.csv").write_text("left over, not a table of the network\n")
    draw(*words, **values, trained=["c24/relu"])
