"""Figure 1: architecture of the 1D-Swin as configured, with its lengths and widths."""

import math
import re
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.tables import models_of, require_one_of
from regulens.plotting.schematic import GAP, ROW, arrow, box, canvas, draw_block_pair
from regulens.plotting.style import (
    DARK_GREEN,
    DARK_GREY,
    DARK_VERMILION,
    DOUBLE_COLUMN,
    LARGE,
    MIDDLE_GREY,
    NORMAL,
    SMALL,
    save,
    styled,
    thousands,
)
from regulens.studies.genomic_interpreter.architectures import read_architectures

STRIP = 29.0
"""Length of a segment in the strips of windows, in mm."""

NARROWEST = 0.2
"""Windows narrower than this, in mm, are drawn as one strip, because narrow stripes would give moiré patterns."""


@command("genomic-interpreter figure1")
def figure1(architectures: Path | str, /, main_model: Part[str], pdf: Path | str, png: Path | str) -> None:
    """Figure 1: Genomic Interpreter as configured.

    See `genomic_interpreter_figure`. ``architectures``: table of `regulens genomic-interpreter architectures`.
    """
    save(genomic_interpreter_figure(read_architectures(architectures), main_model), pdf, png)


def window_of(note: str) -> int | None:
    """Tokens per window according to a Swin stage's note ('window 140, ...'); None if it has none."""
    found = re.search(r"\bwindow (\d+)", note)
    return int(found[1]) if found else None


@styled
def genomic_interpreter_figure(stages: pd.DataFrame, model: str) -> Figure:
    """Figure 1: (a) the stages of one model from input to output, (b) the pair of attention blocks in a 1D-Swin layer.

    Beside every stage of (a): its output tokens and channels, bp per token, and the attention windows, drawn to scale
    along the padded segment, with their number and length. (b) is omitted for a model without Swin layers.

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
    """Draw the windows of one stage as a strip of alternating shades, centred on the segment, with their number."""
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
