"""Loss curves of every model: whether training had come to rest."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from regulens.figures.inputs import TRAINING_COLUMNS, Run, models_of, read_runs
from regulens.figures.style import (
    BLACK,
    DOUBLE_COLUMN,
    GREY,
    SINGLE_COLUMN,
    SMALL,
    model_colour,
    new_figure,
    save,
    styled,
)


def best_epoch(log: pd.DataFrame, select: str = "pearson") -> pd.Series:
    """The row of one run's log with the highest validation correlation (or lowest loss), the first of equals.

    Where no correlation is defined, the first row. ``select`` is 'pearson' or 'loss', as in the training settings.
    """
    log = log.reset_index(drop=True)
    if select == "pearson" and log["valid_pearson"].isna().all():
        return log.loc[0]
    if select == "pearson":
        return log.loc[log["valid_pearson"].idxmax()]
    return log.loc[log["valid_loss"].idxmin()]


@styled
def loss_figure(logs: pd.DataFrame, select: Mapping[str, str] | None = None) -> Figure:
    """Loss (top) and validation correlation (bottom) against the epoch, one column a model, one thin line a seed.

    Dashed: training loss, solid: validation. The marker is the best epoch, whose weights are kept. Rows share their
    axes, so that models can be compared; the loss axis leaves out the first epoch where that one dwarfs the rest.

    Arguments:
        logs: columns model, label, seed, epoch, train_loss, valid_loss, valid_pearson.
        select: model to the score that chose its best epoch, 'pearson' (the default) or 'loss'.
    """
    labels = models_of(logs)
    figure = new_figure(min(DOUBLE_COLUMN, max(SINGLE_COLUMN, 14 + 41 * len(labels))), 72)
    panels = figure.subplots(2, len(labels), sharex=True, sharey="row", squeeze=False)
    for (model, label), (loss, pearson) in zip(labels.items(), panels.T, strict=True):
        colour = model_colour(model)
        for _, log in logs[logs["model"] == model].groupby("seed"):
            log = log.sort_values("epoch")
            loss.plot(log["epoch"], log["train_loss"], "--", color=colour, linewidth=0.7)
            loss.plot(log["epoch"], log["valid_loss"], "-", color=colour, linewidth=0.7)
            pearson.plot(log["epoch"], log["valid_pearson"], "-", color=colour, linewidth=0.7)
            best = best_epoch(log, (select or {}).get(model, "pearson"))
            for axes, column in ((loss, "valid_loss"), (pearson, "valid_pearson")):
                axes.plot(best["epoch"], best[column], "o", color=colour, markeredgecolor=BLACK, markeredgewidth=0.5)
        loss.set_title(label)
        pearson.set_xlabel("Epoch")
        pearson.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panels[0, 0].set_ylabel("Poisson loss per bin\nand track")
    panels[1, 0].set_ylabel("Validation Pearson r,\nmean over tracks")
    panels[0, 0].set_ylim(*_loss_limits(logs))
    for axes in panels[:, 0]:
        axes.yaxis.set_major_locator(MaxNLocator(5))
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
    """Limits over all losses, without the first epoch when it alone would take more than half of the axis."""
    later = logs[logs["epoch"] > logs["epoch"].min()]

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


def loss_curves(
    runs: Sequence[Run], pdf: Path | str, png: Path | str, *, select: Mapping[str, str] | None = None
) -> None:
    """Write the loss curves from the training logs (CSV: epoch, train_loss, valid_loss, valid_pearson, ...)."""
    save(loss_figure(read_runs(runs, TRAINING_COLUMNS), select), pdf, png)
