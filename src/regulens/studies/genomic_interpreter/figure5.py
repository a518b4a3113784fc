"""Figure 5: the architectures of the models as configured, side by side."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.tables import models_of, require_one_of
from regulens.plotting.schematic import GAP, ROW, arrow, box, canvas
from regulens.plotting.style import (
    DARK_GREY,
    DOUBLE_COLUMN,
    LARGE,
    NORMAL,
    SINGLE_COLUMN,
    SMALL,
    model_colour,
    save,
    styled,
    thousands,
)
from regulens.studies.genomic_interpreter.architectures import read_architectures

LINE = 2.5
"""Height of a further line of text in a box, in mm."""


@command("genomic-interpreter figure5")
def figure5(architectures: Path | str, /, main_model: Part[str], pdf: Path | str, png: Path | str) -> None:
    """Figure 5: the models as configured, side by side.

    See `comparison_figure`. ``architectures``: table of `regulens genomic-interpreter architectures`.
    """
    save(comparison_figure(read_architectures(architectures), main_model), pdf, png)


def merged_columns(stages: pd.DataFrame, main: str) -> list[list[str]]:
    """Models by column of Figure 5: main model first, then those with a Transformer, then the others.

    Models that differ only in dilated convolutions share a column, led by the one that has them.
    """
    names = list(models_of(stages))
    steps = {
        name: [tuple(row) for row in part[["name", "kind", "tokens", "width"]].itertuples(index=False)]
        for name, part in stages.groupby("model", sort=False)
    }
    plain = {name: [step for step in steps[name] if step[1] != "dilated"] for name in names}
    rank = {name: (name != main, not any(step[1] == "transformer" for step in steps[name])) for name in names}
    columns: list[list[str]] = []
    for name in sorted(names, key=lambda name: (rank[name], len(plain[name]) == len(steps[name]))):
        for column in columns:
            if plain[column[0]] == plain[name] and len(steps[column[0]]) > len(steps[name]):
                column.append(name)
                break
        else:
            columns.append([name])
    order = {column[0]: min(names.index(name) for name in column) for column in columns}
    return sorted(columns, key=lambda column: (rank[column[0]], order[column[0]]))


@styled
def comparison_figure(stages: pd.DataFrame, main: str) -> Figure:
    """Figure 5: every configured model as a column of stages, with the output tokens and channels of each.

    Models that differ only in dilated convolutions share a column, in which these are dashed. Raises `InputError` if
    the main model is not in the table.
    """
    labels = models_of(stages)
    require_one_of(main, labels, "main_model")
    columns = merged_columns(stages, main)
    page = SINGLE_COLUMN if len(columns) == 1 else DOUBLE_COLUMN
    width = min(52.0, page / len(columns))
    parts = [list(stages[stages["model"] == column[0]].itertuples()) for column in columns]
    heights = [11 + sum(_height(row, width * 0.56) + GAP for row in rows) for rows in parts]
    figure, axes = canvas(page, max(heights) + 1)
    for number, (column, rows) in enumerate(zip(columns, parts, strict=True)):
        _column(axes, number, width, column, rows, labels)
    return figure


def _text(row, width: float) -> str:
    if row.kind not in ("transformer", "dilated") or not row.note:
        return row.name
    return row.name + "\n" + textwrap.fill(row.note, int(width / 1.25))


def _height(row, width: float) -> float:
    return ROW + LINE * _text(row, width).count("\n")


def _column(axes: Axes, number: int, width: float, names: Sequence[str], rows: list, labels: dict[str, str]) -> None:
    left, wide = number * width + 1, width * 0.56
    title = ", ".join(labels[name] for name in sorted(names, key=list(labels).index))
    axes.text(left, 3, "abcdefghijklmnopqrstuvwxyz"[number % 26], fontsize=LARGE, fontweight="bold", va="center")
    axes.text(left + 4, 3, title, fontsize=NORMAL, va="center")
    part = (width - 3) / len(names)
    for place, name in enumerate(sorted(names, key=list(labels).index)):
        ends = [left + place * part, left + (place + 1) * part]
        axes.plot(ends, [5.4, 5.4], color=model_colour(name), linewidth=1.5, solid_capstyle="butt")
    axes.text(left + width - 3, 7.6, "tokens × channels", fontsize=SMALL, ha="right", va="center", color=DARK_GREY)
    y = 10.0
    for place, row in enumerate(rows):
        height = _height(row, wide)
        optional = row.kind == "dilated" and len(names) > 1
        box(axes, left, y, wide, height, _text(row, wide), row.kind, dashed=optional)
        note = f"{thousands(row.tokens)} × {thousands(row.width)}"
        right, middle = left + width - 3, y + height / 2
        axes.text(right, middle - 2.6 * optional, note, fontsize=SMALL, ha="right", va="center")
        if optional:
            only = f"{labels[names[0]]}\nonly"
            axes.text(right, middle + 2, only, fontsize=SMALL, ha="right", va="center", style="italic")
        if place + 1 < len(rows):
            arrow(axes, [(left + wide / 2, y + height), (left + wide / 2, y + height + GAP)])
        y += height + GAP
