"""Figures 1 and 5: the models as they are configured, with their true lengths and widths (000 Figures 1 and 5)."""

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regulens.core.io import atomic_output
from regulens.core.tables import ARCHITECTURE_COLUMNS, models_of, read_table, require_one_of
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore
from regulens.models.base import build
from regulens.plotting.schematic import arrow, box, canvas, draw_block_pair
from regulens.plotting.style import (
    DARK_GREEN,
    DARK_GREY,
    DARK_VERMILION,
    DOUBLE_COLUMN,
    LARGE,
    MIDDLE_GREY,
    NORMAL,
    SINGLE_COLUMN,
    SMALL,
    model_colour,
    save,
    styled,
    thousands,
)

ROW, GAP = 4.0, 1.6
"""Height of a box and of the arrow under it, in mm."""

LINE = 2.5
"""Height of a further line of text in a box, in mm."""

STRIP = 29.0
"""Length of a segment in the strips of windows, in mm."""

NARROWEST = 0.2
"""Windows narrower than this, in mm, are drawn as one strip: as stripes they would show false ones (moiré)."""


def read_architectures(path: Path | str) -> pd.DataFrame:
    """The table of stages: one row for each stage of each model, in order; empty notes are ''."""
    table = read_table(path, ARCHITECTURE_COLUMNS)
    table["note"] = table["note"].fillna("").astype(str)
    models = list(models_of(table))  # keeps the order of the models
    return table.iloc[np.lexsort((table["order"], table["model"].map(models.index)))].reset_index(drop=True)


def window_of(note: str) -> int | None:
    """Tokens of a window as a Swin stage's note tells them ('window 140, ...'), None where there is none."""
    found = re.search(r"\bwindow (\d+)", note)
    return int(found[1]) if found else None


@styled
def genomic_interpreter_figure(stages: pd.DataFrame, model: str) -> Figure:
    """Figure 1: (a) the stages of one model from input to output, (b) the pair of attention blocks in a 1D-Swin layer.

    Beside every stage of (a): tokens and channels that leave it, bp per token, and the windows that attention sees,
    drawn to scale along the padded segment, with their number and length. (b) is left out for a model without Swin
    layers.

    Raises InputError when the model is not in the table.
    """
    labels = models_of(stages)
    require_one_of(model, labels, "main_model")
    rows = list(stages[stages["model"] == model].itertuples())
    swin = [row for row in rows if row.kind == "swin"]
    height = max(12 + len(rows) * (ROW + GAP) + 2, 118 if swin else 0)
    figure, axes = canvas(DOUBLE_COLUMN, height)
    axes.text(1, 3.2, "a", fontsize=LARGE, fontweight="bold", va="center")
    axes.text(5, 3.2, f"{labels[model]}: stages and what leaves them", fontsize=NORMAL, va="center")
    columns = {"tokens": 44.0, "channels": 57.0, "bp/token": 69.0}
    for title, x in columns.items():
        axes.text(x, 8, title, fontsize=SMALL, ha="right", va="center", color=DARK_GREY)
    axes.text(73, 8, "remark, or windows along the segment", fontsize=SMALL, va="center", color=DARK_GREY)
    whole = max(row.tokens * row.bp_per_token for row in rows)
    y = 11.0
    for number, row in enumerate(rows):
        box(axes, 1, y, 30, ROW, row.name, row.kind)
        middle = y + ROW / 2
        values = (thousands(row.tokens), thousands(row.width), thousands(row.bp_per_token))
        for x, value in zip(columns.values(), values, strict=True):
            axes.text(x, middle, value, fontsize=SMALL, ha="right", va="center")
        if row.kind in ("swin", "transformer"):
            _windows(axes, 73, middle, STRIP, row, whole)
        elif row.note and row.kind != "merge":
            axes.text(73, middle, row.note.replace(" x ", " × "), fontsize=SMALL, va="center", color=DARK_GREY)
        if number + 1 < len(rows):
            arrow(axes, [(16, y + ROW), (16, y + ROW + GAP)])
        y += ROW + GAP
    if swin:
        merges = [row.note for row in rows if row.kind == "merge"]
        axes.text(120, 3.2, "b", fontsize=LARGE, fontweight="bold", va="center")
        axes.text(124, 3.2, "One 1D-Swin layer", fontsize=NORMAL, va="center")
        windows = {window_of(row.note) for row in swin}
        window = windows.pop() if len(windows) == 1 else None
        draw_block_pair(axes, 120, 8, window, merges[0] if merges else "linear")
    return figure


def _windows(axes: Axes, x: float, y: float, width: float, row, whole: int) -> None:
    """The windows of one stage as a strip of alternating shades, centred on the segment; their number and length."""
    window = window_of(row.note) or row.tokens
    scale = width / whole
    start = x + (whole - row.tokens * row.bp_per_token) / 2 * scale
    shade = DARK_VERMILION if row.kind == "swin" else DARK_GREEN
    stripes = window * row.bp_per_token * scale >= NARROWEST
    for number, first in enumerate(range(0, row.tokens, window if stripes else row.tokens)):
        length = min(window if stripes else row.tokens, row.tokens - first) * row.bp_per_token * scale
        axes.fill_between(
            [start + first * row.bp_per_token * scale, start + first * row.bp_per_token * scale + length],
            y - 0.9,
            y + 0.9,
            facecolor=shade,
            alpha=0.62 if not stripes else 0.85 if number % 2 == 0 else 0.4,
            linewidth=0,
        )
    axes.plot([x, x + width], [y + 1.25] * 2, color=MIDDLE_GREY, linewidth=0.4)
    note = f"{thousands(math.ceil(row.tokens / window))} × {thousands(window * row.bp_per_token)} bp"
    axes.text(x + width + 0.8, y, note, fontsize=SMALL, va="center")


def merged_columns(stages: pd.DataFrame, main: str) -> list[list[str]]:
    """Models that share a column of Figure 5, main model first, then those with a Transformer, then the others.

    A model joins another's column when the two differ only in dilated convolutions; the one that has them leads.
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
    """Figure 5: every configured model as a column of stages, with the tokens and channels that leave each.

    Models that differ only in dilated convolutions share a column, in which those are dashed. Raises InputError when
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


def figure1(architectures: Path | str, model: str, pdf: Path | str, png: Path | str) -> None:
    """Write Figure 1; see ``genomic_interpreter_figure``."""
    save(genomic_interpreter_figure(read_architectures(architectures), model), pdf, png)


def figure5(architectures: Path | str, model: str, pdf: Path | str, png: Path | str) -> None:
    """Write Figure 5; see ``comparison_figure``."""
    save(comparison_figure(read_architectures(architectures), model), pdf, png)


# The stages of configured models as a table (Figures 1 and 5).


def stages_table(models: Mapping[str, Mapping], geometry: Geometry, n_tracks: int) -> pd.DataFrame:
    """One row a stage: model, label, order, name, kind, tokens, width, bp_per_token, note.

    ``models`` maps a name to ``architecture``, ``label`` and ``settings``. The models are built without memory for
    their weights.
    """
    rows = []
    for name, entry in models.items():
        with torch.device("meta"):
            model = build(entry["architecture"], entry["settings"], geometry, n_tracks)
        for order, stage in enumerate(model.describe()):
            rows.append({"model": name, "label": entry["label"], "order": order, **asdict(stage)})
    return pd.DataFrame(rows)


def describe_models(models: Mapping[str, Mapping], store: AssayStore, output: Path | str) -> None:
    """Write :func:`stages_table` as CSV, for the geometry and the tracks of a store."""
    with atomic_output(output) as path:
        stages_table(models, store.geometry, len(store.tracks)).to_csv(path, index=False)
