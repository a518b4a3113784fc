"""Loss curves of every model, to see whether training has converged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from regulens.core.runs import Run
from regulens.core.tables import models_of, read_runs
from regulens.plotting.style import BLACK, DNABERT, GREY, SMALL, model_colour, new_figure, page_width, save, styled

TRAINING_COLUMNS = ["epoch", "train_loss", "valid_loss"]


class LoggedQuantities(NamedTuple):
    """Logged quantities of a kind of training, with axis labels."""

    score: str
    loss_label: str
    score_label: str
    model: str | None = None
    """Model trained in all panels, which determines their colour; None: one model per panel."""


ASSAY = LoggedQuantities("pearson", "Poisson loss per bin\nand track", "Validation Pearson r,\nmean over tracks")

CLASSES = LoggedQuantities("accuracy", "Cross entropy (nat)", "Validation accuracy", DNABERT)

MASKED_KMERS = LoggedQuantities(
    "accuracy", "Cross entropy (nat)\nof masked k-mers", "Validation accuracy\nof masked k-mers", DNABERT
)


def best_epoch(log: pd.DataFrame, select: str = "pearson") -> pd.Series:
    """The row of a run's log whose weights are kept: highest validation score or lowest loss, the first of ties.

    If the score is undefined, the first row. ``select`` is a score, 'loss' or 'last', as in the training settings.
    """
    log = log.reset_index(drop=True)
    if select == "last":
        return log.loc[len(log) - 1]
    column = log[f"valid_{select}"]
    if column.isna().all():
        return log.loc[0]
    return log.loc[column.idxmin() if select == "loss" else column.idxmax()]


@styled
def loss_figure(
    logs: pd.DataFrame, select: Mapping[str, str] | None = None, quantities: LoggedQuantities = ASSAY
) -> Figure:
    """Loss (top) and validation score (bottom) by epoch, one column per model, one thin line per seed.

    Dashed: training loss, solid: validation. The marker is the best epoch, whose weights are kept. Rows share their
    axes, so that models can be compared; the loss axis excludes the first epoch if it dwarfs the rest.

    Arguments:
        logs: columns model, label, seed, epoch, train_loss, valid_loss and the score of ``quantities`` (valid_pearson).
        select: what selects the best epoch of each model: a score (default: that of ``quantities``), 'loss' or 'last'.
        quantities: the score, and the names of both on the axes.
    """
    labels, score_column = models_of(logs), f"valid_{quantities.score}"
    figure = new_figure(page_width(14 + 35 * len(labels)), 72)
    panels = figure.subplots(2, len(labels), sharex=True, sharey="row", squeeze=False)
    for (model, label), (loss, score) in zip(labels.items(), panels.T, strict=True):
        colour = model_colour(quantities.model or model)
        for _, log in logs[logs["model"] == model].groupby("seed"):
            log = log.sort_values("epoch")
            loss.plot(log["epoch"], log["train_loss"], "--", color=colour, linewidth=0.7)
            loss.plot(log["epoch"], log["valid_loss"], "-", color=colour, linewidth=0.7)
            score.plot(log["epoch"], log[score_column], "-", color=colour, linewidth=0.7)
            best = best_epoch(log, (select or {}).get(model, quantities.score))
            for axes, column in ((loss, "valid_loss"), (score, score_column)):
                axes.plot(best["epoch"], best[column], "o", color=colour, markeredgecolor=BLACK, markeredgewidth=0.5)
        loss.set_title(label)
        score.set_xlabel("Epoch")
        score.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    panels[0, 0].set_ylabel(quantities.loss_label)
    panels[1, 0].set_ylabel(quantities.score_label)
    panels[0, 0].set_ylim(*_loss_limits(logs))
    panels[1, 0].set_ylim(*_score_limits(logs[score_column]))
    for axes in panels[:, 0]:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    figure.align_ylabels(panels[:, 0])
    handles = [
        Line2D([], [], color=GREY, linestyle="--", linewidth=0.9, label="training"),
        Line2D([], [], color=GREY, linewidth=0.9, label="validation"),
        Line2D(
            [], [], color=GREY, marker="o", linestyle="", markeredgecolor=BLACK, label="best epoch of a seed (kept)"
        ),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=SMALL)
    return figure


def _loss_limits(logs: pd.DataFrame) -> tuple[float, float]:
    """Limits over all losses, without the first epoch if it alone would take more than half of the axis.

    With two epochs there is nothing to see without the first.
    """
    later = logs[(logs["epoch"] > logs["epoch"].min()) & (logs["epoch"].nunique() > 2)]

    def span(table: pd.DataFrame) -> tuple[float, float]:
        values = table[["train_loss", "valid_loss"]].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        return (values.min(), values.max()) if len(values) else (0.0, 1.0)

    low, high = span(logs)
    if len(later):
        low_later, high_later = span(later)
        if high - low > 2 * (high_later - low_later) > 0:
            low, high = low_later, high_later
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _score_limits(scores: pd.Series) -> tuple[float, float]:
    """Limits over all scores; not below 0 unless a score is."""
    values = scores.to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.05
    if 0 <= low < margin:
        return -0.05 * (high + margin), high + margin  # keep a line at 0 fully visible
    return low - margin, high + margin


def loss_curves(
    runs: Sequence[Run],
    pdf: Path | str,
    png: Path | str,
    *,
    select: Mapping[str, str] | None = None,
    quantities: LoggedQuantities = ASSAY,
) -> None:
    """Write the loss curves from the training logs (CSV: epoch, train_loss, valid_loss, a validation score, ...)."""
    columns = [*TRAINING_COLUMNS, f"valid_{quantities.score}"]
    save(loss_figure(read_runs(runs, columns), select, quantities), pdf, png)
