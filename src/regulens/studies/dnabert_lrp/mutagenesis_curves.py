"""Figures 1 and 2 of DNABERT-LRP: accuracy by number of mutated bases for every score, one panel per task."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from scipy.optimize import isotonic_regression

from regulens.core.errors import InputError
from regulens.core.runs import CLASSES
from regulens.interpret.scores import score_label
from regulens.plotting.style import (
    BLACK,
    DOUBLE_COLUMN,
    RANDOM,
    SINGLE_COLUMN,
    SMALL,
    new_figure,
    score_style,
    styled,
)
from regulens.studies.dnabert_lrp.table1 import RANDOM_SEQUENCE, UNMUTATED
from regulens.studies.dnabert_lrp.tasks import ClassNames, class_name, over_seeds, tasks_of

LEFT, RIGHT, TOP, BOTTOM = 10.5, 28.5, 5.5, 9.0
"""Margins around the axes of a panel in mm: tick labels, labels of the lines, title, x axis."""

HEIGHT, STRIP, GAP = 66.0, 7.0, 2.0
"""Heights of the axes, of the separate strip, and of the break between them, in mm."""

LINE = 3.0
"""Distance between line labels in mm: a line of 6 pt with some space."""


class Panel(NamedTuple):
    """Axes of one task: the curves, and those of the random-sequence line (a separate strip if it is far away)."""

    curves: Axes
    level: Axes


def spread_labels(values: np.ndarray, distance: float, low: float, high: float) -> np.ndarray:
    """Positions of labels near ``values``, at least ``distance`` apart and inside [``low``, ``high``].

    Keeps the order and minimises the sum of squared shifts, by isotonic regression of the values minus their places in
    a stack. Labels that do not fit start at ``low``.
    """
    order = np.argsort(values, kind="stable")
    stack = np.arange(len(values)) * distance
    places = isotonic_regression(values[order] - stack).x
    result = np.empty(len(values))
    result[order] = np.clip(places, low, max(low, high - (len(values) - 1) * distance)) + stack
    return result


def mean_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Curves averaged over the seeds, with the means of the seeds' limits; see ``over_seeds``."""
    return over_seeds(curves, ["class", "score", "n"], "accuracy", ["low", "high", "draw_low", "draw_high"])


@styled
def curves_figure(curves: pd.DataFrame, label: int, class_names: ClassNames | None = None) -> Figure:
    """Accuracy on one class against the number of mutated bases.

    Lines are means over the draws and seeds, bars 95 % bootstrap intervals over the sequences (means of the seeds'
    limits), small dots the seeds where there are several. The black point is the accuracy without mutation, where all
    lines start; the dashed line is that on random sequences, in a separate strip if it is far from the curves. The grey
    band is where 95 % of single draws of random positions are expected. Markers are shifted slightly from their n so
    that bars do not hide each other. Panels have their own y axes.

    Arguments:
        curves: table of ``read_curves``.
        label: 1 for the positive class, 0 for the negative one.
        class_names: task to {'positive': name, 'negative': name}.

    Raises InputError when the class is not in the table.
    """
    chosen = curves[curves["label"] == label]
    if chosen.empty:
        raise InputError(f"class {CLASSES.get(label, label)} is not in the tables of curves")
    means, tasks = mean_curves(chosen), tasks_of(chosen)
    columns = min(2, len(tasks))
    rows = -(-len(tasks) // columns)
    figure = new_figure(SINGLE_COLUMN if columns == 1 else DOUBLE_COLUMN, rows * (TOP + HEIGHT + BOTTOM))
    figure.set_layout_engine("none")  # positions in mm, because labels are kept apart in mm
    for number, (task, task_label) in enumerate(tasks.items()):
        part = means[means["task"] == task]
        panel = _axes(figure, divmod(number, columns), columns, rows, part)
        _draw(panel, part, chosen[chosen["task"] == task])
        seeds = part["seeds"].max()
        title = f"{task_label}: {class_name(class_names, task, CLASSES[label])}"
        top = max(panel, key=lambda axes: axes.get_position().y1)
        title += f" (mean of {seeds} seeds)" if seeds > 1 else ""
        top.set_title(title, loc="left")  # names of tasks and classes may be wider than the axes
    return figure


def _axes(figure: Figure, place: tuple[int, int], columns: int, rows: int, part: pd.DataFrame) -> Panel:
    """Axes of a panel; the line of random sequences gets its own if it would squeeze the curves."""
    page_width, page_height = figure.get_size_inches() * 25.4
    cell = page_width / columns
    left, bottom = place[1] * cell + LEFT, (rows - 1 - place[0]) * (TOP + HEIGHT + BOTTOM) + BOTTOM
    width = cell - LEFT - RIGHT

    def rectangle(low: float, height: float, **options) -> Axes:
        place = (left / page_width, (bottom + low) / page_height, width / page_width, height / page_height)
        return figure.add_axes(place, **options)

    inside = part[part["score"] != RANDOM_SEQUENCE]
    bars, band = inside[inside["score"] != RANDOM], inside[inside["score"] == RANDOM]  # values drawn in either part
    low = min(inside["accuracy"].min(), bars["low"].min(), band["draw_low"].min())
    high = max(inside["accuracy"].max(), bars["high"].max(), band["draw_high"].max())
    levels = part.loc[part["score"] == RANDOM_SEQUENCE, "accuracy"]
    level = levels.iloc[0] if len(levels) else low
    margin = 0.04 * (high - low) or 0.02
    if low - level <= 0.35 * (high - low) and level - high <= 0.35 * (high - low):
        axes = rectangle(0, HEIGHT)
        axes.set_ylim(min(low, level) - margin, max(high, level) + margin)
        return Panel(axes, axes)
    below = level < low
    main = rectangle(STRIP + GAP if below else 0, HEIGHT - STRIP - GAP)
    strip = rectangle(0 if below else HEIGHT - STRIP, STRIP, label="broken axis")
    main.set_ylim(low - margin, high + margin)
    strip.set_ylim(level - 0.02, level + 0.02)
    strip.yaxis.set_major_locator(FixedLocator([level]))
    strip.yaxis.set_major_formatter(lambda value, _: f"{value:.2f}")
    upper, lower = (main, strip) if below else (strip, main)
    upper.spines["bottom"].set_visible(False)
    upper.xaxis.set_major_locator(NullLocator())
    slant = {"marker": [(-1, -0.5), (1, 0.5)], "color": BLACK, "markersize": 5, "linestyle": "", "markeredgewidth": 0.6}
    upper.plot([0], [0], transform=upper.transAxes, clip_on=False, **slant)
    lower.plot([0], [1], transform=lower.transAxes, clip_on=False, **slant)
    return Panel(main, strip)


def _draw(panel: Panel, part: pd.DataFrame, seeds: pd.DataFrame) -> None:
    axes = panel.curves
    names = [name for name in part["score"].unique() if name not in (UNMUTATED, RANDOM_SEQUENCE)]
    counts = np.sort(part.loc[part["score"].isin(names), "n"].unique())
    last = counts[-1]
    start = part[part["score"] == UNMUTATED]
    ends: list[tuple[str, float, float]] = []
    drawn = [name for name in names if name != RANDOM]
    for name in names:
        curve = part[part["score"] == name].sort_values("n")
        look = score_style(name)
        x = curve["n"].to_numpy() + (
            _dodge(curve["n"].to_numpy(), counts, drawn.index(name), len(drawn)) if name != RANDOM else 0
        )
        line = np.r_[start["n"], x], np.r_[start["accuracy"], curve["accuracy"]]
        if name == RANDOM:
            band = [np.r_[start["accuracy"], curve[limit]] for limit in ("draw_low", "draw_high")]
            axes.fill_between(line[0], *band, color=look.colour, alpha=0.22, linewidth=0, zorder=0, label="band")
        else:
            errors = np.abs(curve[["low", "high"]].to_numpy().T - curve["accuracy"].to_numpy())
            axes.errorbar(
                x, curve["accuracy"], errors, fmt="none", ecolor=look.colour, elinewidth=0.5, alpha=0.5, zorder=2
            )
        axes.plot(*line, color=look.colour, linestyle=look.line, zorder=3, label=name)
        axes.plot(x, curve["accuracy"], look.marker, color=look.colour, markeredgewidth=0, zorder=4)
        if part["seeds"].max() > 1:
            of_score = seeds[seeds["score"] == name]
            places = of_score["n"].map(dict(zip(curve["n"], x, strict=True)))
            axes.plot(places, of_score["accuracy"], "o", color=look.colour, markersize=1.4, markeredgewidth=0, zorder=3)
        ends.append((name, x[-1], curve["accuracy"].iloc[-1]))
    if len(start):
        error = np.abs(start[["low", "high"]].to_numpy().T - start["accuracy"].to_numpy())
        axes.errorbar(
            start["n"], start["accuracy"], error, fmt="o", color=BLACK, elinewidth=0.6, zorder=5, label=UNMUTATED
        )
    levels = part[part["score"] == RANDOM_SEQUENCE]
    for accuracy in levels["accuracy"]:
        panel.level.axhline(
            accuracy, color=BLACK, linewidth=0.7, linestyle=(0, (5, 2.5)), zorder=1, label=RANDOM_SEQUENCE
        )
    for one in set(panel):
        one.set_xlim(-0.035 * last, 1.05 * last)
    bottom = min(panel, key=lambda one: one.get_position().y0)
    bottom.xaxis.set_major_locator(FixedLocator(_apart([0, *counts], 0.045 * last)))
    bottom.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    bottom.set_xlabel("Mutated bases, n")
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Accuracy")
    _label_lines(panel, ends, levels)


def _dodge(n: np.ndarray, counts: np.ndarray, number: int, of: int) -> np.ndarray:
    """Shift of a score's markers along x, smaller where neighbouring n are close."""
    every = np.r_[0, counts]
    nearest = np.array([np.abs(every[every != count] - count).min() for count in n])
    return np.minimum(0.32 * nearest, 0.03 * counts[-1]) * (2 * number / max(of - 1, 1) - 1)


def _apart(values: Sequence[float], distance: float) -> list[float]:
    """Ticks whose labels do not touch, always including the last."""
    kept = []
    for value in sorted(values, reverse=True):
        if not kept or kept[-1] - value >= distance:
            kept.append(value)
    return kept[::-1]


def _label_lines(panel: Panel, ends: list[tuple[str, float, float]], levels: pd.DataFrame) -> None:
    """Names at the right of the lines' ends, with their markers, kept apart and joined to the ends by thin lines."""
    axes = panel.curves
    low, high = axes.get_ylim()
    per_mm = (high - low) / (axes.get_position().height * axes.figure.get_size_inches()[1] * 25.4)
    width = axes.get_position().width * axes.figure.get_size_inches()[0] * 25.4
    left, right = axes.get_xlim()
    step = (right - left) / width
    entries = [(_line_label(name), score_style(name), x, y) for name, x, y in ends]
    text = f"All bases, n = {levels['n'].iloc[0]:.0f}" if len(levels) else ""
    if len(levels) and panel.level is axes:
        entries.append((text, None, right, levels["accuracy"].iloc[0]))
    elif len(levels):
        panel.level.text(right + 5.5 * step, levels["accuracy"].iloc[0], text, fontsize=SMALL, va="center")
        panel.level.plot(
            [right, right + 4.5 * step], levels["accuracy"].iloc[[0, 0]], color=BLACK, linewidth=0.4, clip_on=False
        )
    places = spread_labels(np.array([y for *_, y in entries]), LINE * per_mm, low + per_mm, high)
    for (name, look, x, y), place in zip(entries, places, strict=True):
        colour, end = (look.colour, 3) if look else (BLACK, 4.5)
        axes.plot([x, right, right + end * step], [y, y, place], color=colour, linewidth=0.4, clip_on=False, zorder=1)
        if look:
            axes.plot(right + 4 * step, place, look.marker, color=colour, markeredgewidth=0, clip_on=False)
        axes.text(right + 5.5 * step, place, name, fontsize=SMALL, va="center")


def _line_label(name: str) -> str:
    return score_label(name) + (", 95 % band" if name == RANDOM else "")
