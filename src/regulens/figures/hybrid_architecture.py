"""Figure 1: the hybrid networks as they are configured, in the paper's three stages (001 Figure 1)."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regulens.errors import InputError
from regulens.figures.hybrid_parts import Drawn, Parts, first_stage, merged_stages, parts_of, second_stage
from regulens.figures.hybrid_style import BASELINES, marker_size, modules_style
from regulens.figures.schematic import arrow, box, canvas
from regulens.figures.style import DARK_GREY, DOUBLE_COLUMN, LARGE, MIDDLE_GREY, NORMAL, SMALL, save, styled, thousands
from regulens.hybrid_settings import HybridArchitecture, HybridNetworkSettings

KINDS = {
    "input": "input",
    "convolution": "conv",
    "max pool": "pool",
    "BiLSTM": "swin",
    "attention": "dilated",
    "transformer": "transformer",
    "dense": "head",
    "output": "head",
}
"""Name of a stage to the look of its box."""
COLUMNS, BODY, BESIDE = 3, 121.0, 17.3
"""Most columns of boxes beside each other, the width of all, and what stands beside a box, in mm."""
GAP, LINE = 1.8, 2.5
"""Arrow between boxes and height of a line of text in mm."""
TABLE = 124.0
"""Left edge of the table of models in mm."""

Networks = Mapping[str, HybridNetworkSettings]
"""Architecture to the network of one task."""


@styled
def architecture_figure(
    architectures: Mapping[str, HybridArchitecture],
    tasks: Mapping[str, Networks],
    activations: Sequence[str] = ("relu", "exponential"),
) -> Figure:
    """The three stages, box by box, with the length and channels that leave each, and a table of the networks.

    Arguments:
        architectures: the configured networks in the order of the tables.
        tasks: label of a task to its networks, one for each architecture; what differs between tasks is joined by '/'.
        activations: activations of the first convolution.

    Raises InputError when a task lacks a network.
    """
    for label, networks in tasks.items():
        missing = [name for name in architectures if name not in networks]
        if missing:
            raise InputError(f"networks of {label or 'the task'}: {', '.join(missing)} is missing")
    parts = [{name: parts_of(networks[name]) for name in architectures} for networks in tasks.values()]
    first = first_stage(architectures, parts, activations)
    second = second_stage(architectures, parts)
    head = merged_stages([[part.head for part in of_task.values()] for of_task in parts])
    rows = [dict(list(second.items())[at : at + COLUMNS]) for at in range(0, len(second), COLUMNS)]
    column = BODY / max(map(len, [first, *rows, head]))
    heights = [max(_height(boxes, column) for boxes in row.values()) for row in [first, *rows]]
    last = max(_box_height(one, column) for one in head)
    body = 8.2 + sum(height + 3 for height in heights) + 8 * bool(second) + 6 + last + 9
    figure, axes = canvas(DOUBLE_COLUMN, max(body, 17 + 3.6 * len(architectures)))
    y = _heading(axes, 1, 3.2, "a", "Stage 1: baselines")
    y = _columns(axes, y, {BASELINES[name]: boxes for name, boxes in first.items()}, heights[0], column)
    if second:
        plain = any(not design.modules for design in architectures.values())
        y = _heading(axes, 1, y + 3, "b", "Stage 2: attention-based modules" + ", or none" * plain)
        for row, height in zip(rows, heights[1:], strict=True):
            y = _columns(axes, y, row, height, column)
    y = _heading(axes, 1, y + 3, "c" if second else "b", "Stage 3: output, on the flattened sequence")
    _row(axes, y - 2, head, column)
    several = len(tasks) > 1
    notes = "beside a box: length × channels" + (f"; {' / '.join(tasks)}" if several else "")
    if any("," in one.size for boxes in second.values() for one in boxes):
        notes += "; with a comma: not the same on all baselines"
    bottom = axes.get_ylim()[0]
    axes.text(1, bottom - 5.4, notes, fontsize=SMALL, va="center", color=DARK_GREY)
    axes.text(1, bottom - 2.4, _dropout(tasks), fontsize=SMALL, va="center", color=DARK_GREY)
    _table(axes, architectures, tasks, parts, "d" if second else "c")
    return figure


def _text(one: Drawn, column: float) -> str:
    detail = re.sub(r"(\d) bp\b", "\\1\xa0bp", one.detail)  # a number and its unit stay on one line
    lines = textwrap.wrap(detail, int((column - BESIDE) / 1.15), break_long_words=False, break_on_hyphens=False)
    return "\n".join([one.name[0].upper() + one.name[1:], *lines])


def _box_height(one: Drawn, column: float) -> float:
    return 1.6 + LINE * (1 + _text(one, column).count("\n"))


def _height(boxes: Sequence[Drawn], column: float) -> float:
    """Height of a column of boxes, ``column`` mm wide, with its arrows and without its title."""
    return sum(_box_height(one, column) + GAP for one in boxes)


def _heading(axes: Axes, x: float, y: float, letter: str, text: str) -> float:
    axes.text(x, y, letter, fontsize=LARGE, fontweight="bold", va="center")
    axes.text(x + 4, y, text, fontsize=NORMAL, va="center")
    return y + 5


def _columns(axes: Axes, y: float, columns: Mapping[str, Sequence[Drawn]], height: float, column: float) -> float:
    """Columns of boxes under their titles; returns where they end."""
    for number, (title, boxes) in enumerate(columns.items()):
        left, top = 1 + number * column, y + 3
        axes.text(left, y, title, fontsize=NORMAL, fontweight="bold", va="center")
        for place, one in enumerate(boxes):
            tall = _box_height(one, column)
            _box(axes, left, top, tall, one, column)
            if place + 1 < len(boxes):
                middle = left + (column - BESIDE) / 2
                arrow(axes, [(middle, top + tall), (middle, top + tall + GAP)])
            top += tall + GAP
    return y + 3 + height


def _row(axes: Axes, y: float, boxes: Sequence[Drawn], column: float) -> None:
    """Boxes of one height beside each other."""
    tall = max(_box_height(one, column) for one in boxes)
    for place, one in enumerate(boxes):
        left = 1 + place * column
        _box(axes, left, y, tall, one, column)
        if place + 1 < len(boxes):
            arrow(axes, [(left + column - 4, y + tall / 2), (left + column, y + tall / 2)])


def _box(axes: Axes, left: float, top: float, tall: float, one: Drawn, column: float) -> None:
    kind, wide = KINDS.get(one.name, "conv"), column - BESIDE
    box(axes, left, top, wide, tall, _text(one, column), kind, dashed=bool(one.note))
    middle = top + tall / 2 - (2.2 if one.note else 0)
    axes.text(left + wide + 0.8, middle, one.size, fontsize=SMALL, va="center")
    if one.note:
        axes.text(left + wide + 0.8, middle + 3.4, one.note, fontsize=SMALL, va="center", style="italic")


def _dropout(tasks: Mapping[str, Networks]) -> str:
    sizes = [network.sizes for networks in tasks.values() for network in networks.values()]
    low, high = (
        "/".join(dict.fromkeys(f"{getattr(one, key):g}" for one in sizes)) for key in ("dropout", "dense_dropout")
    )
    return f"dropout of {low} behind every max pool, BiLSTM and attention, of {high} behind the dense layer"


def _table(
    axes: Axes,
    architectures: Mapping[str, HybridArchitecture],
    tasks: Mapping[str, Networks],
    parts: Sequence[Mapping[str, Parts]],
    letter: str,
) -> None:
    """Every network with its marker in Figures 2 and 3 and its number of trainable parameters."""
    y = _heading(axes, TABLE, 3.2, letter, "Networks and trainable parameters")
    columns = [DOUBLE_COLUMN - 1 - 14 * place for place in range(len(tasks))][::-1]
    for label, x in zip(tasks, columns, strict=True):
        axes.text(x, y, textwrap.shorten(label, 12, placeholder="…"), fontsize=SMALL, ha="right", va="center")
    y += 4
    before = None
    for name, design in architectures.items():
        if before not in (None, design.baseline):
            axes.plot([TABLE, DOUBLE_COLUMN - 1], [y - 1.8] * 2, color=MIDDLE_GREY, linewidth=0.4)
        before = design.baseline
        look = modules_style(design.modules)
        axes.plot([TABLE + 1.5], [y], look.marker, color=look.colour, markersize=0.8 * marker_size(look.marker))
        axes.text(TABLE + 4, y, design.label, fontsize=SMALL, va="center")
        for of_task, x in zip(parts, columns, strict=True):
            axes.text(x, y, thousands(of_task[name].parameters), fontsize=SMALL, ha="right", va="center")
        y += 3.6


def hybrid_architectures(
    architectures: Mapping[str, HybridArchitecture],
    tasks: Mapping[str, Networks],
    pdf: Path | str,
    png: Path | str,
    *,
    activations: Sequence[str] = ("relu", "exponential"),
) -> None:
    """Write Figure 1; see ``architecture_figure``."""
    save(architecture_figure(architectures, tasks, activations), pdf, png)
