"""Validation curves of the hybrid networks: every trial of every architecture, with both activations."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.tables import read_table
from regulens.models.settings import HybridArchitecture
from regulens.plotting.style import (
    BASELINES,
    BLACK,
    DARK_GREY,
    GREY,
    SINGLE_COLUMN,
    activation_style,
    new_figure,
    page_width,
    save,
    styled,
)

SCORES = {"auroc": "AUROC", "aupr": "AUPR"}

PANEL_MM, ROW_MM = 28, 34
"""Width and height of a panel including labels, in mm."""

MOST_COLUMNS = 6

CUT = 2.0
"""Percentage of values that may lie below the axis: first epochs, which would compress the rest."""


@command("hybrid-networks training-curves")
def training_curves(
    folder: Path | str,
    /,
    task: str,
    architectures: Part[Mapping[str, HybridArchitecture]],
    activations: Part[Sequence[str]],
    pdf: Path | str,
    png: Path | str,
    trained: Part[Sequence[str] | None] = None,
    monitor: Part[str] = "auroc",
) -> None:
    """Validation score of every trial of every network, by epoch; see `curves_figure`.

    ``folder``: results of the study, FOLDER/TASK/ARCHITECTURE/ACTIVATION/log.csv.

    Arguments:
        task: task1 or task2.
        trained: networks (architecture/activation) whose logs are drawn; None: all.
        monitor: the score that training monitors, 'auroc' or 'aupr'.
    """
    runs = logs_in(folder, task, architectures, activations, trained)
    save(curves_figure(runs, read_logs(runs, monitor), monitor), pdf, png)


class TrialLog(NamedTuple):
    """The log of all trials of one network."""

    architecture: str
    label: str
    baseline: str
    activation: str
    path: Path | str | None
    """CSV of ``regulens train-trials``; None: the trials were trained elsewhere and have no log."""


def logs_in(
    folder: Path | str,
    task: str,
    architectures: Mapping[str, HybridArchitecture],
    activations: Sequence[str],
    trained: Sequence[str] | None = None,
) -> list[TrialLog]:
    """Logs of the networks in a results folder (``folder/task/architecture/activation/log.csv``; None if missing).

    ``trained``: networks (architecture/activation) that were trained there; logs of other networks are outdated,
    because their trials were replaced, and ignored. None: all. Raises `InputError` if there is no log at all.
    """
    runs = []
    for name, design in architectures.items():
        for activation in activations:
            path = Path(folder) / task / name / activation / "log.csv"
            own = path.exists() and (trained is None or f"{name}/{activation}" in trained)
            runs.append(TrialLog(name, design.label, design.baseline, activation, path if own else None))
    if all(run.path is None for run in runs):
        raise InputError(f"{folder}: no {task}/ARCHITECTURE/ACTIVATION/log.csv of the configured networks")
    return runs


def read_logs(runs: Sequence[TrialLog], score: str = "auroc") -> pd.DataFrame:
    """The concatenated logs: columns architecture, activation, trial, epoch, score.

    ``score`` is NaN if it or the training loss was not finite, i.e. the trial diverged. At least one run must have a
    log.

    Raises InputError for a missing file or column, and for another ``score`` than 'auroc' and 'aupr'.
    """
    if score not in SCORES:
        raise InputError(f"monitor: {score!r} is not a validation metric; valid: {', '.join(SCORES)}")
    frames = []
    for run in runs:
        if run.path is None:
            continue
        columns = ["trial", "epoch", "train_loss", f"valid_{score}"]
        table = read_table(run.path, columns, columns)
        finite = np.isfinite(table["train_loss"])
        frames.append(
            pd.DataFrame(
                {
                    "architecture": run.architecture,
                    "activation": run.activation,
                    "trial": table["trial"],
                    "epoch": table["epoch"],
                    "score": table[f"valid_{score}"].where(finite),
                }
            )
        )
    return pd.concat(frames, ignore_index=True).replace([np.inf, -np.inf], np.nan)


def grid_of(runs: Sequence[TrialLog]) -> list[list[str]]:
    """Architectures as rows of panels: one row per baseline, in the order of Figures 2 and 3, wrapped after six."""
    rows = []
    for baseline in dict.fromkeys([*BASELINES, *(run.baseline for run in runs)]):
        names = list(dict.fromkeys(run.architecture for run in runs if run.baseline == baseline))
        rows += [names[start : start + MOST_COLUMNS] for start in range(0, len(names), MOST_COLUMNS)]
    return rows


def score_limits(logs: pd.DataFrame) -> tuple[float, float]:
    """Limits over the scores of all trials without the lowest 2 %, but with the best score of every trial."""
    scores = logs["score"].to_numpy(dtype=float)
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return 0.0, 1.0
    best = logs.groupby(["architecture", "activation", "trial"])["score"].max().min()
    low, high = min(np.percentile(scores, CUT), best), scores.max()
    margin = 0.05 * (high - low) or 0.02
    return low - margin, high + margin


@styled
def curves_figure(runs: Sequence[TrialLog], logs: pd.DataFrame, score: str = "auroc") -> Figure:
    """Validation score against the epoch: a panel for every architecture, a thin line for every trial.

    Colour, line and marker show the activation. A marker is the best epoch of a trial, whose weights are kept; a cross
    the last epoch before a trial diverged (its score was not finite). All panels share their axes.

    Arguments:
        runs: the networks, in the order of the panels.
        logs: table of ``read_logs``.
        score: the score that training monitors, 'auroc' or 'aupr'.
    """
    grid = grid_of(runs)
    labels = {run.architecture: run.label for run in runs}
    columns = max(map(len, grid))
    width = page_width(10 + PANEL_MM * columns)
    figure = new_figure(width, ROW_MM * len(grid) + 10)
    panels = figure.subplots(len(grid), columns, sharex=True, sharey=True, squeeze=False)
    for row, names in zip(panels, grid, strict=True):
        for axes, name in zip(row, names, strict=False):
            axes.set_title(labels[name])
            # Rows may differ in length, so the lowest panel of a column need not be in the last row.
            axes.tick_params(labelbottom=True)
            _draw(axes, logs[logs["architecture"] == name])
        for axes in row[len(names) :]:
            axes.set_axis_off()
        row[0].set_ylabel(f"Validation {SCORES[score]}")
    panels[0, 0].set_ylim(*score_limits(logs))
    panels[0, 0].xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    panels[0, 0].yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    figure.supxlabel("Epoch")
    figure.legend(
        handles=_key(runs, logs),
        loc="outside upper center",
        ncols=3 if figure.get_figwidth() * 25.4 > SINGLE_COLUMN + 1 else 1,
    )
    return figure


def _draw(axes: Axes, logs: pd.DataFrame) -> None:
    if logs.empty:
        axes.text(0.5, 0.5, "no training log", transform=axes.transAxes, ha="center", va="center", color=DARK_GREY)
    for (activation, _), log in logs.groupby(["activation", "trial"], sort=False):
        look = activation_style(activation)
        log = log.sort_values("epoch").reset_index(drop=True)
        axes.plot(log["epoch"], log["score"], look.line, color=look.colour, linewidth=0.6)
        there = log.dropna(subset=["score"])
        if there.empty:
            continue
        best = there.loc[there["score"].idxmax()]
        dot = {"markersize": 2.6, "markeredgecolor": BLACK, "markeredgewidth": 0.3, "zorder": 3}
        axes.plot(best["epoch"], best["score"], look.marker, color=look.colour, **dot)
        if np.isnan(log["score"].iloc[-1]):
            last = there.iloc[-1]
            axes.plot(last["epoch"], last["score"], "x", color=look.colour, markersize=4, zorder=3)


def _key(runs: Sequence[TrialLog], logs: pd.DataFrame) -> list[Line2D]:
    handles = []
    for activation in dict.fromkeys(run.activation for run in runs):
        look = activation_style(activation)
        edge = {"markeredgecolor": BLACK, "markeredgewidth": 0.3}
        label = f"{look.label}; marker: best epoch (kept)"
        handles.append(Line2D([], [], color=look.colour, linestyle=look.line, marker=look.marker, label=label, **edge))
    last = (
        logs.sort_values("epoch")
        .groupby(["architecture", "activation", "trial"])["score"]
        .agg(lambda scores: scores.iloc[-1])
    )
    if last.isna().any():
        handles.append(Line2D([], [], color=GREY, linestyle="", marker="x", label="diverged"))
    return handles
