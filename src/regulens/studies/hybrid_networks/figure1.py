"""Figure 1 of the hybrid networks: the networks as configured, in the paper's three stages."""

import itertools
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import Field

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.models.hybrid import HybridNetwork, Stage
from regulens.models.settings import HybridArchitecture, HybridNetworkSettings
from regulens.plotting.schematic import arrow, box, canvas
from regulens.plotting.style import (
    BASELINES,
    DARK_GREY,
    DOUBLE_COLUMN,
    LARGE,
    MIDDLE_GREY,
    NORMAL,
    SMALL,
    combination,
    marker_size,
    modules_style,
    save,
    styled,
    thousands,
)

# Content of Figure 1: the stages of the networks, merged where several networks share them.


Networks = Mapping[str, HybridNetworkSettings]
"""Architecture to the network of one task."""


@command("hybrid-networks figure1")
def figure1(
    architectures: Part[Mapping[str, HybridArchitecture]],
    designs: Part[Annotated[Mapping[str, Annotated[Networks, Field(min_length=1)]], Field(min_length=1)]],
    pdf: Path | str,
    png: Path | str,
    activations: Part[Sequence[str]] = ("relu", "exponential"),
) -> None:
    """Figure 1: the networks as configured, in three stages.

    ``designs``: label of a task to architecture to its network. See `architecture_figure`.
    """
    save(architecture_figure(architectures, designs, activations), pdf, png)


class Parts(NamedTuple):
    """One network in the paper's three stages."""

    baseline: list[Stage]
    on_top: list[Stage]
    head: list[Stage]
    parameters: int


class Box(NamedTuple):
    """A box for the stage of several networks, with their differences side by side."""

    name: str
    detail: str
    size: str
    """Output length and channels."""
    note: str = ""
    """Text under the size, in italics; a box with a note is dashed."""


def parts_of(network: HybridNetworkSettings) -> Parts:
    """The stages of a network from its own description; the last ones before the dense layer are one per module."""
    built = HybridNetwork(network, 1)
    stages = built.stages()
    head = next(place for place, stage in enumerate(stages) if stage.name == "dense")
    end = head - len(network.modules)
    return Parts(stages[:end], stages[end:head], stages[head:], built.parameter_count())


def merged_words(texts: Sequence[str]) -> str:
    """Texts of equal structure merged, with differing words side by side: '32/24 filters'. Else all of them."""
    words = [text.split() for text in dict.fromkeys(texts)]
    if len({len(row) for row in words}) > 1:
        return " / ".join(dict.fromkeys(texts))
    return " ".join(_alternatives(column) for column in zip(*words, strict=True))


def _alternatives(words: Iterable[str]) -> str:
    words = list(dict.fromkeys(words))
    tails = {re.search(r"[,;]?$", word).group() for word in words}
    return "/".join(word.rstrip(",;") for word in words) + (tails.pop() if len(tails) == 1 else "")


def merged_stages(columns: Sequence[Sequence[Sequence[Stage]]]) -> list[Box]:
    """Boxes for the stages that several networks have at the same positions.

    ``columns``: for every task the stages of every network, all of the same build. Sizes that differ between tasks
    are joined by '/', those that differ between the networks of a task by ','.
    """
    result = []
    for place in range(len(columns[0][0])):
        by_task = [[stages[place] for stages in networks] for networks in columns]
        everyone = [stage for networks in by_task for stage in networks]

        def joined(attribute: str, by_task=by_task) -> str:
            sets = [",".join(dict.fromkeys(str(getattr(one, attribute)) for one in networks)) for networks in by_task]
            return "/".join(dict.fromkeys(sets))

        length, channels = joined("length"), joined("channels")
        size = channels if length == "1" else f"{length} × {channels}"
        result.append(Box(everyone[0].name, merged_words([one.detail for one in everyone]), size))
    return result


def _activations(stages: Sequence[Stage], activations: Sequence[str]) -> list[Stage]:
    """The stages of a baseline, with all activations listed in the first convolution."""
    names = {"relu": "ReLU", "exponential": "exponential"}
    shown = "/".join(names[name] for name in activations)
    first = next(place for place, stage in enumerate(stages) if stage.name == "convolution")
    head, _, last = stages[first].detail.rpartition(", ")
    if last not in names.values():
        return list(stages)
    return [
        replace(stage, detail=f"{head}, {shown}") if place == first else stage for place, stage in enumerate(stages)
    ]


def module_family(modules: Sequence[str]) -> str:
    """Name of a second stage without the number of encoder blocks: 'LSTM-TransN'."""
    return re.sub(r"Trans\d+", "TransN", combination(modules))


def second_stages(architectures: Mapping[str, HybridArchitecture]) -> dict[str, list[str]]:
    """Architectures with modules, grouped by the kinds of these.

    'TransN' on the baseline that includes a BiLSTM joins 'LSTM-TransN' (hybrid networks, section 2).
    """
    groups: dict[str, list[str]] = {}
    for name, design in architectures.items():
        if design.modules:
            groups.setdefault(module_family(design.modules), []).append(name)
    for key in [key for key in groups if f"LSTM-{key}" in groups]:
        if "Trans" in key and all(architectures[name].baseline == "c4" for name in groups[key]):
            groups[f"LSTM-{key}"] += groups.pop(key)
    return groups


def first_stage(
    architectures: Mapping[str, HybridArchitecture], parts: Sequence[Mapping[str, Parts]], activations: Sequence[str]
) -> dict[str, list[Box]]:
    """Boxes of every baseline that is configured, in the order of Figures 2 and 3.

    ``parts``: for every task the stages of every network. ``activations``: those of the first convolution.
    """
    result = {}
    for baseline in BASELINES:
        names = [name for name, design in architectures.items() if design.baseline == baseline]
        if names:
            stages = [[_activations(of_task[name].baseline, activations) for name in names] for of_task in parts]
            result[baseline] = merged_stages(stages)
    return result


def second_stage(
    architectures: Mapping[str, HybridArchitecture], parts: Sequence[Mapping[str, Parts]]
) -> dict[str, list[Box]]:
    """Boxes of every second stage, by its name; consecutive encoder blocks are one box with their number."""
    result = {}
    for key, names in second_stages(architectures).items():
        runs = {name: _runs(architectures[name].modules) for name in names}
        most = max(map(len, runs.values()))
        whole = [name for name in names if len(runs[name]) == most]
        boxes = merged_stages([[_once(of_task[name], runs[name]) for name in whole] for of_task in parts])
        for place, one in enumerate(boxes, start=-most):  # from the end: a merged one lacks the first
            if one.name == "transformer":
                counts = sorted({runs[name][place] for name in names})
                text = f"{'N = ' * (len(counts) > 1)}{', '.join(map(str, counts))} block{'s' * (counts != [1])}"
                boxes[place] = one._replace(detail=f"{text}: {one.detail}")
        if len(whole) < len(names):
            boxes[0] = boxes[0]._replace(note=f"not on\n{BASELINES['c4']}")
        titles = {combination(architectures[name].modules) for name in whole}
        result[titles.pop() if len(titles) == 1 else key] = boxes
    return result


def _runs(modules: Sequence[str]) -> list[int]:
    """Number of modules per box of a second stage: consecutive encoder blocks are one box."""
    lengths = []
    for module, run in itertools.groupby(modules):
        count = len(list(run))
        lengths += [count] if module == "transformer" else [1] * count
    return lengths


def _once(parts: Parts, runs: Sequence[int]) -> list[Stage]:
    """The first stage of every run."""
    return [parts.on_top[sum(runs[:place])] for place in range(len(runs))]


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
"""Name of a stage to the style of its box."""

COLUMNS, BODY, BESIDE = 3, 121.0, 17.3
"""Maximum number of columns of boxes, their total width, and the space beside a box, in mm."""

GAP, LINE = 1.8, 2.5
"""Arrow between boxes and height of a line of text in mm."""

TABLE = 124.0
"""Left edge of the table of models in mm."""


@styled
def architecture_figure(
    architectures: Mapping[str, HybridArchitecture],
    tasks: Mapping[str, Networks],
    activations: Sequence[str] = ("relu", "exponential"),
) -> Figure:
    """The three stages, box by box, with the output length and channels of each, and a table of the networks.

    Arguments:
        architectures: the configured networks in the order of the tables.
        tasks: label of a task to its networks, one per architecture; values that differ between tasks are joined by
            '/'.
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
    y = _heading(
        axes, 1, y + 3, "c" if second else "b", f"Stage {3 if second else 2}: output, on the flattened sequence"
    )
    _row(axes, y - 2, head, column)
    several = len(tasks) > 1
    notes = "beside a box: length × channels" + (f"; {' / '.join(tasks)}" if several else "")
    if any("," in one.size for boxes in second.values() for one in boxes):
        notes += "; with a comma: not the same on all baselines"
    bottom = axes.get_ylim()[0]
    axes.text(1, bottom - 5.4, notes, fontsize=SMALL, va="center", color=DARK_GREY)
    dropout = _dropout(tasks, ", BiLSTM and attention" * bool(second))
    axes.text(1, bottom - 2.4, dropout, fontsize=SMALL, va="center", color=DARK_GREY)
    _table(axes, architectures, tasks, parts, "d" if second else "c")
    return figure


def _text(one: Box, column: float) -> str:
    detail = re.sub(r"(\d) bp\b", "\\1\xa0bp", one.detail)  # a number and its unit stay on one line
    lines = textwrap.wrap(detail, int((column - BESIDE) / 1.15), break_long_words=False, break_on_hyphens=False)
    return "\n".join([one.name[0].upper() + one.name[1:], *lines])


def _box_height(one: Box, column: float) -> float:
    return 1.6 + LINE * (1 + _text(one, column).count("\n"))


def _height(boxes: Sequence[Box], column: float) -> float:
    """Height of a column of boxes, ``column`` mm wide, with its arrows and without its title."""
    return sum(_box_height(one, column) + GAP for one in boxes)


def _heading(axes: Axes, x: float, y: float, letter: str, text: str) -> float:
    axes.text(x, y, letter, fontsize=LARGE, fontweight="bold", va="center")
    axes.text(x + 4, y, text, fontsize=NORMAL, va="center")
    return y + 5


def _columns(axes: Axes, y: float, columns: Mapping[str, Sequence[Box]], height: float, column: float) -> float:
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


def _row(axes: Axes, y: float, boxes: Sequence[Box], column: float) -> None:
    """Draw boxes of equal height beside each other."""
    tall = max(_box_height(one, column) for one in boxes)
    for place, one in enumerate(boxes):
        left = 1 + place * column
        _box(axes, left, y, tall, one, column)
        if place + 1 < len(boxes):
            arrow(axes, [(left + column - 4, y + tall / 2), (left + column, y + tall / 2)])


def _box(axes: Axes, left: float, top: float, tall: float, one: Box, column: float) -> None:
    kind, wide = KINDS.get(one.name, "conv"), column - BESIDE
    box(axes, left, top, wide, tall, _text(one, column), kind, dashed=bool(one.note))
    middle = top + tall / 2 - (2.2 if one.note else 0)
    axes.text(left + wide + 0.8, middle, one.size, fontsize=SMALL, va="center")
    if one.note:
        axes.text(left + wide + 0.8, middle + 3.4, one.note, fontsize=SMALL, va="center", style="italic")


def _dropout(tasks: Mapping[str, Networks], modules: str) -> str:
    sizes = [network.sizes for networks in tasks.values() for network in networks.values()]
    low, high = (
        "/".join(dict.fromkeys(f"{getattr(one, key):g}" for one in sizes)) for key in ("dropout", "dense_dropout")
    )
    return f"dropout of {low} behind every max pool{modules}, of {high} behind the dense layer"


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
