"""Scatter plots of exponential activations against ReLU, one point per architecture, for Figures 2 and 3."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from regulens.core.errors import InputError
from regulens.core.tables import read_table, spread
from regulens.plotting.style import (
    BASELINES,
    BLACK,
    DARK_GREY,
    DOUBLE_COLUMN,
    NORMAL,
    POOLING,
    SMALL,
    marker_size,
    modules_style,
    new_figure,
    styled,
)

MODEL_COLUMNS = ["architecture", "label", "baseline", "modules", "activation", "metric"]

NUMBERS = ["mean", "sd", "published", "n_kept", "n_trials"]

X, Y = "relu", "exponential"
"""Activations on the two axes."""


class Metric(NamedTuple):
    """A column of panels."""

    name: str
    """Name in the table of results."""
    title: str
    short: str
    """Label of the axes."""
    limits: tuple[float, float]
    """Axis limits of the paper's figure (docs/papers.md, "Figures 2 and 3"), widened for points outside."""


def read_results(path: Path | str, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Rows of a task's table of results with these metrics; empty ``modules`` are ''.

    Raises InputError for what `read_table` raises, and for the table of the other task.
    """
    table = read_table(path, MODEL_COLUMNS + NUMBERS, NUMBERS).fillna({"modules": ""})
    missing = [metric.name for metric in metrics if metric.name not in set(table["metric"])]
    if missing:
        raise InputError(f"{path}: metric {', '.join(missing)} is missing: is this the table of the other task?")
    table = table[table["metric"].isin([metric.name for metric in metrics])]
    return table.reset_index(drop=True)


def by_activation(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row per architecture, in the order of the table, with its numbers for both activations.

    Index: architecture. Columns label, baseline, modules, then x, x_sd, x_published (ReLU) and y, y_sd, y_published
    (exponential); NaN where there is no number.
    """
    rows = results.drop_duplicates("architecture").set_index("architecture")[["label", "baseline", "modules"]]
    of_metric = results[results["metric"] == metric]
    for axis, activation in (("x", X), ("y", Y)):
        part = of_metric[of_metric["activation"] == activation].set_index("architecture")
        for column, suffix in (("mean", ""), ("sd", "_sd"), ("published", "_published")):
            rows[axis + suffix] = part[column].reindex(rows.index)
    return rows.replace([np.inf, -np.inf], np.nan)


def axis_limits(points: pd.DataFrame, limits: tuple[float, float]) -> tuple[float, float]:
    """``limits``, widened if a point, its error bar or a published point of ``by_activation`` would be outside."""
    drawn = points.dropna(subset=["x", "y"])
    published = points.dropna(subset=["x_published", "y_published"])
    means = np.concatenate([drawn[["x", "y"]].to_numpy(), published[["x_published", "y_published"]].to_numpy()])
    if not len(means):
        return limits
    bars = drawn[["x_sd", "y_sd"]].fillna(0).to_numpy()
    ends = np.concatenate([drawn[["x", "y"]].to_numpy() - bars, drawn[["x", "y"]].to_numpy() + bars, means])
    low, high = min(limits[0], ends.min()), max(limits[1], ends.max())
    margin = 0.03 * (high - low)  # room for a marker
    return (
        limits[0] if ends.min() >= limits[0] + 1e-9 else ends.min() - margin,
        limits[1] if ends.max() <= limits[1] - 1e-9 else ends.max() + margin,
    )


@styled
def activation_scatter(results: pd.DataFrame, metrics: Sequence[Metric]) -> Figure:
    """Grid of scatter plots: a row for every baseline, a column for every metric.

    A point is an architecture: mean over its kept trials with ReLU on x and with exponential activation on y, bars
    their standard deviations, each along its own axis (swapped in the paper's figures: docs/papers.md, "error-bars").
    Faint open markers are the published means. Panels of a column share their limits. A baseline without a model has no
    row and is named below; the number of points without both values is given in the panel.

    Arguments:
        results: table of ``read_results``.
        metrics: columns of panels.
    """
    baselines = [name for name in BASELINES if name in set(results["baseline"])]
    row = (DOUBLE_COLUMN - 34) / len(metrics) + (0 if len(metrics) < 4 else 2)
    figure = new_figure(DOUBLE_COLUMN, row * len(baselines) + 11)
    grid = figure.subplots(len(baselines), len(metrics), squeeze=False)
    for column, metric in zip(grid.T, metrics, strict=True):
        points = by_activation(results, metric.name)
        limits = axis_limits(points, metric.limits)
        for axes, baseline in zip(column, baselines, strict=True):
            axes.set(xlim=limits, ylim=limits, box_aspect=1)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
            _panel(axes, points[points["baseline"] == baseline])
        column[0].set_title(metric.title, fontweight="bold", pad=11)  # above the line with the count
        column[-1].set_xlabel(f"{metric.short}, ReLU")
        for axes in column:
            axes.set_ylabel(f"{metric.short}, exponential")
    for row, baseline in zip(grid, baselines, strict=True):
        _legend(row[-1], results[results["baseline"] == baseline], baseline)
    published = results["published"].notna().any()
    figure.legend(handles=_key(results, published), loc="outside lower center", ncols=4, handlelength=1.8)
    return figure


def _panel(axes: Axes, points: pd.DataFrame) -> None:
    """One panel; its limits are set."""
    axes.axline((0, 0), slope=1, color=BLACK, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)
    for row in points.dropna(subset=["x_published", "y_published"]).itertuples():
        look = modules_style(_modules(row.modules))
        axes.plot(
            row.x_published,
            row.y_published,
            look.marker,
            color="none",
            markeredgecolor=DARK_GREY,
            markeredgewidth=0.6,
            markersize=marker_size(look.marker),
            alpha=0.7,
            zorder=2,
            label=f"published {row.label}",
        )
    drawn = points.dropna(subset=["x", "y"])
    for row in drawn.itertuples():
        look = modules_style(_modules(row.modules))
        axes.errorbar(
            row.x,
            row.y,
            xerr=np.nan_to_num(row.x_sd),
            yerr=np.nan_to_num(row.y_sd),
            fmt=look.marker,
            color=look.colour,
            markeredgecolor="white",
            markeredgewidth=0.3,
            markersize=marker_size(look.marker),
            elinewidth=0.6,
            clip_on=False,  # a marker at the edge stays whole
            zorder=3,
            label=row.label,
        )
    undefined = len(points) - len(drawn)
    if drawn.empty:
        _write_message(axes, "no model with numbers\nfor both activations")
        return
    above = f"above the line: {int((drawn['y'] > drawn['x']).sum())} of {len(drawn)}"
    note = above + (f"; not drawn: {undefined}" if undefined else "")
    axes.text(0.5, 1.02, note, transform=axes.transAxes, ha="center", va="bottom", fontsize=SMALL)


def _write_message(axes: Axes, text: str) -> None:
    patch = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=DARK_GREY, bbox=patch)


def _modules(text: str) -> list[str]:
    return [name for name in text.split("+") if name]


def _legend(axes: Axes, rows: pd.DataFrame, baseline: str) -> None:
    handles = []
    for row in rows.drop_duplicates("architecture").itertuples():
        look = modules_style(_modules(row.modules))
        marker = {"marker": look.marker, "markersize": marker_size(look.marker)}
        handles.append(Line2D([], [], color=look.colour, ls="", label=row.label, **marker))
    title = f"{BASELINES[baseline]},\n{POOLING[baseline]}"
    legend = axes.legend(
        handles=handles, title=title, loc="upper left", bbox_to_anchor=(1.03, 1.03), handletextpad=0.2, borderpad=0
    )
    legend.get_title().set(fontsize=NORMAL, multialignment="left")
    legend._legend_box.align = "left"


def _key(results: pd.DataFrame, published: bool) -> list[Line2D]:
    """Legend entries for points, open points and the line."""
    bar = {"marker": "+", "markersize": 7, "color": BLACK, "ls": "", "markeredgewidth": 0.6}
    one = (results["n_kept"] <= 1).all()
    handles = [Line2D([], [], label=f"{'value of' if one else 'mean ± s.d. over'} {_counts(results)}", **bar)]
    if published:
        open_marker = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": DARK_GREY, "markeredgewidth": 0.6}
        handles.append(Line2D([], [], ls="", markersize=4.5, label="published mean", **open_marker))
    handles.append(Line2D([], [], color=BLACK, linewidth=0.6, ls=(0, (4, 2)), label="equal with both activations"))
    absent = [title for name, title in BASELINES.items() if name not in set(results["baseline"])]
    if absent:
        handles.append(Line2D([], [], ls="", label=f"not run: networks on {', '.join(absent)}"))
    return handles


def _counts(results: pd.DataFrame) -> str:
    """'the best 3 of 10 trials', with ranges if architectures differ; those without kept trials are ignored."""
    results = results[results["n_kept"] > 0] if (results["n_kept"] > 0).any() else results

    kept, trials = spread(results["n_kept"]), spread(results["n_trials"])
    if (results["n_kept"] == results["n_trials"]).all():
        return "the one trial" if trials == "1" else f"{trials} trials"
    return f"the best {'' if kept == '1' else f'{kept} '}of {trials} trials"
