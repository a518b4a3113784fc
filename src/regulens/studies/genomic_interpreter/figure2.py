"""Figure 2 of Genomic Interpreter: one model against every other, one point per track."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETRIGHTBASE, CARETUPBASE
from matplotlib.ticker import MultipleLocator

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.runs import Run, labelled
from regulens.core.tables import decimal, groups_of, models_of, read_correlations, require_one_of
from regulens.plotting.style import (
    DOUBLE_COLUMN,
    PAGE_HEIGHT,
    SINGLE_COLUMN,
    SMALL,
    model_style,
    new_figure,
    save,
    styled,
)
from regulens.studies.genomic_interpreter.table1 import group_means
from regulens.training.settings import REFERENCE_ROWS


@command("genomic-interpreter figure2")
def figure2(
    runs: Sequence[Run],
    /,
    main_model: Part[str],
    pdf: Path | str,
    png: Path | str,
    labels: Part[Mapping[str, str] | None] = None,
    groups: Part[Mapping[str, Sequence[str]] | None] = None,
) -> None:
    """Figure 2: correlation of every track, main model against each other model.

    See `correlation_figure`. ``runs``: tables of `regulens pearson`.
    """
    save(correlation_figure(read_correlations(labelled(runs, labels)), main_model, groups), pdf, png)


def track_means(correlations: pd.DataFrame) -> pd.DataFrame:
    """Correlation of every track, averaged over seeds: rows (group, track), one column per model, NaN = undefined."""
    return correlations.pivot_table(index=["group", "track"], columns="model", values="pearson", aggfunc="mean")


def shared_limits(values: np.ndarray) -> tuple[float, float]:
    """Axis limits for correlations, in steps of 0.1: from 0 (or below the smallest) to above the largest, at most 1."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low = min(0.0, math.floor(values.min() * 10 - 0.05) / 10)
    high = min(1.0, math.ceil(values.max() * 10 + 0.05) / 10)
    return low, max(high, low + 0.2)


@styled
def correlation_figure(correlations: pd.DataFrame, model: str, groups: Sequence[str] | None = None) -> Figure:
    """Grid of scatter plots: a row for every other model, a column for every track group.

    A point is a track, with the correlation of ``model`` on y and of the other on x, each averaged over the seeds;
    tracks without both are left out. The numbers in the axis labels, marked by triangles, are the means of Table 1.
    All panels share their limits. Points are larger where a panel has few.

    Arguments:
        correlations: tidy table of ``read_correlations``; reference rows are not drawn.
        model: name of the model on the y axis.
        groups: order of the track groups; None: as they occur.

    Raises InputError when the model is not in the table or is alone in it.
    """
    labels = {name: label for name, label in models_of(correlations).items() if name not in REFERENCE_ROWS}
    require_one_of(model, labels, "main_model")
    others = [name for name in labels if name != model]
    if not others:
        raise InputError(f"main_model: {model} is the only model, there is nothing to compare it with")
    groups = groups_of(correlations, groups)
    correlations = correlations[correlations["model"].isin(labels)]
    tracks = track_means(correlations).reindex(columns=list(labels))
    means = group_means(correlations, groups).set_index(["model", "group"])["pearson"]
    limits = shared_limits(tracks.to_numpy())
    page = SINGLE_COLUMN if len(groups) == 1 else DOUBLE_COLUMN
    cell = min(50.0, page / len(groups), (PAGE_HEIGHT - 10) / len(others))
    figure = new_figure(page, cell * len(others) + 8)
    figure.get_layout_engine().set(h_pad=0.08)  # else a title looks like the label of the axis above it
    panels = figure.subplots(len(others), len(groups), squeeze=False)
    for row, other in zip(panels, others, strict=True):
        for axes, group in zip(row, groups, strict=True):
            points = tracks.loc[[group]][[other, model]].dropna() if group in tracks.index else tracks.iloc[:0]
            mean_x, mean_y = means[other, group], means[model, group]
            _panel(axes, points[other].to_numpy(), points[model].to_numpy(), mean_x, mean_y, other, limits)
            axes.set_xlabel(f"{labels[other]}, mean r {decimal(mean_x)}", fontsize=SMALL)
            axes.set_ylabel(f"{labels[model]}, mean r {decimal(mean_y)}", fontsize=SMALL)
    for axes, group in zip(panels[0], groups, strict=True):
        axes.set_title(group, fontweight="bold", pad=11)  # above the line with the count
    seeds = correlations.groupby("model")["seed"].nunique().max()
    over = ", mean over the seeds" if seeds > 1 else ""
    figure.supxlabel(f"r: Pearson correlation of one track over the test set{over}", fontsize=SMALL)
    return figure


def _panel(
    axes: Axes, x: np.ndarray, y: np.ndarray, mean_x: float, mean_y: float, other: str, limits: tuple[float, float]
) -> None:
    look = model_style(other)
    many, size = len(x) > 300, 14 if len(x) <= 100 else 9
    low = limits[0]
    axes.plot(limits, limits, color="black", linewidth=0.6, zorder=1)
    axes.scatter(
        x,
        y,
        s=2.5 if many else size,
        alpha=min(0.7, 8 / math.sqrt(max(len(x), 1))),  # fainter where dense: overlaps show as darker
        color=look.colour,
        marker=look.marker,
        linewidths=0,
        rasterized=many,  # thousands of vector points make a PDF slow to open
        zorder=2,
        label="tracks",
    )
    if np.isfinite(mean_x) and np.isfinite(mean_y):
        axes.plot([mean_x, mean_x, low], [low, mean_y, mean_y], color="black", linewidth=0.5, linestyle=":", zorder=3)
    # Triangles stand inside the axes, beside the numbers of the ticks.
    axes.plot([mean_x], [low], marker=CARETUPBASE, color="black", zorder=4, label="mean x")
    axes.plot([low], [mean_y], marker=CARETRIGHTBASE, color="black", zorder=4, label="mean y")
    note = f"above the line: {int((y > x).sum()):,} of {len(x):,}"
    axes.text(0.5, 1.02, note, transform=axes.transAxes, ha="center", va="bottom", fontsize=SMALL)
    step = 0.1 if limits[1] - low <= 0.4 else 0.2
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.yaxis.set_major_locator(MultipleLocator(step))
    axes.set(xlim=limits, ylim=limits, box_aspect=1)
