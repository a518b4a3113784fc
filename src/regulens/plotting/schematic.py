"""Boxes and arrows on a page measured in millimetres, for the schematic figures."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from regulens.plotting.style import BLACK, DARK_VERMILION, NORMAL, SMALL, new_figure

_LEFT, _BOX, _HEIGHT = 7.0, 27.0, 7.5

ROW, GAP = 4.0, 1.6
"""Height of a box and of the arrow under it, in mm, where boxes stand in a column."""


class BoxLook(NamedTuple):
    """Style of the box of one kind of stage; tints are light, so that black text is legible in grey."""

    fill: str
    line: str
    narrowing: bool = False
    """Drawn as a trapezoid: the output has fewer tokens than the input."""


LOOKS = {
    "input": BoxLook("#FFFFFF", "-"),
    "conv": BoxLook("#E3E3E3", "-"),
    "pool": BoxLook("#C9E4F5", "-", narrowing=True),
    "swin": BoxLook("#F6D3BC", "-"),
    "merge": BoxLook("#FBE8C3", "-", narrowing=True),
    "transformer": BoxLook("#BFE5DA", "-"),
    "dilated": BoxLook("#F0DCE8", "-"),
    "crop": BoxLook("#FFFFFF", ":"),
    "head": BoxLook("#CFCFCF", "-"),
}


def canvas(width_mm: float, height_mm: float) -> tuple[Figure, Axes]:
    """Figure and axes with coordinates in mm from the upper left corner."""
    figure = new_figure(width_mm, height_mm)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width_mm), ylim=(height_mm, 0))
    axes.set_axis_off()
    return figure, axes


def box(
    axes: Axes, x: float, y: float, width: float, height: float, text: str, kind: str, dashed: bool = False
) -> None:
    """Draw a box with its upper left corner at (x, y) and centred text; unknown kinds look like convolutions."""
    look = LOOKS.get(kind, LOOKS["conv"])
    cut = width * 0.07 if look.narrowing else 0
    corners = [(x, y), (x + width, y), (x + width - cut, y + height), (x + cut, y + height)]
    line = "--" if dashed else look.line
    axes.add_patch(Polygon(corners, closed=True, facecolor=look.fill, edgecolor=BLACK, linewidth=0.5, linestyle=line))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=SMALL, linespacing=1.15)


def arrow(axes: Axes, points: list[tuple[float, float]]) -> None:
    """A line through these points with a head at the last one."""
    if len(points) > 2:
        axes.plot(*zip(*points[:-1], strict=True), color=BLACK, linewidth=0.5, solid_capstyle="butt")
    style = {"arrowstyle": "-|>,head_length=0.25,head_width=0.12", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", points[-1], points[-2], arrowprops={**style, "facecolor": BLACK})


# Detail (b) of Genomic Interpreter's Figure 1: the two attention blocks of a 1D-Swin layer, and the merging.


def draw_block_pair(axes: Axes, x: float, y: float, window: int | None, merge: str) -> None:
    """Draw the detail with its upper left corner at (x, y) in mm; it is 56 mm wide and about 100 mm high.

    ``window`` is the number of tokens per window (None: it differs between layers), ``merge`` is 'linear' or 'concat'.
    """
    shift = f"by {window // 2} tokens" if window else "by half a window"
    y = _tokens(axes, x, y, shifted=False, text=f"windows of\n{window} tokens each" if window else "windows\nof tokens")
    y = _block(axes, x, y, "regular")
    y = _step(axes, x, y, f"Roll {shift}", "crop")
    y = _tokens(axes, x, y, shifted=True, text="windows over\nthe old borders")
    y = _block(axes, x, y, "shifted")
    y = _step(axes, x, y, "Roll back", "crop")
    how = "concatenate, Linear" if merge == "linear" else "concatenate"
    _step(axes, x, y, f"Merge pairs of tokens:\n{how}", "merge", last=True, height=6.5)


def _centre(x: float) -> float:
    return x + _LEFT + _BOX / 2


def _tokens(axes: Axes, x: float, y: float, shifted: bool, text: str) -> float:
    """Sixteen tokens in windows of four; when rolled, the first half window comes last."""
    order = list(range(16))
    order = order[2:] + order[:2] if shifted else order
    side = _BOX / 17.2
    for place, token in enumerate(order):
        left = x + _LEFT + place * side + (place // 4) * side * 0.4
        shade = ["#F6D3BC", "#E7A47B", "#C8692F", DARK_VERMILION][token // 4]
        axes.fill_between(
            [left, left + side * 0.92], y, y + side * 0.92, facecolor=shade, edgecolor=BLACK, linewidth=0.3
        )
    axes.text(x + _LEFT + _BOX + 3, y + side / 2, text, fontsize=SMALL, va="center", linespacing=1.1)
    bottom = y + side
    axes.plot([_centre(x)] * 2, [bottom + 0.4, bottom + 2], color=BLACK, linewidth=0.5)
    return bottom + 2


def _block(axes: Axes, x: float, y: float, name: str) -> float:
    """Two residual steps: attention inside the windows, then feed-forward."""
    top, left, centre = y, x + _LEFT, _centre(x)
    for text, kind in (("LayerNorm\nwindow attention", "swin"), ("LayerNorm\nfeed-forward", "conv")):
        add = y + 2 + _HEIGHT + 3.2
        axes.plot([centre, left - 4, left - 4], [y, y, add], color=BLACK, linewidth=0.5)
        arrow(axes, [(left - 4, add), (centre - 1.1, add)])
        arrow(axes, [(centre, y), (centre, y + 2)])
        box(axes, left, y + 2, _BOX, _HEIGHT, text, kind)
        arrow(axes, [(centre, y + 2 + _HEIGHT), (centre, add - 1.1)])
        ring = {"markerfacecolor": "white", "markeredgecolor": BLACK, "markeredgewidth": 0.5}
        axes.plot([centre], [add], marker="o", markersize=6, **ring)
        axes.text(centre, add, "+", fontsize=NORMAL, ha="center", va="center_baseline")
        axes.plot([centre, centre], [add + 1.1, add + 2.2], color=BLACK, linewidth=0.5)
        y = add + 2.2
    _bracket(axes, left + _BOX + 2, top, y, f"{name} block,\nown weights")
    arrow(axes, [(centre, y), (centre, y + 2)])
    return y + 2


def _bracket(axes: Axes, x: float, top: float, bottom: float, text: str) -> None:
    axes.plot([x, x + 1.2, x + 1.2, x], [top + 1, top + 1, bottom - 1, bottom - 1], color=BLACK, linewidth=0.5)
    axes.text(x + 2.4, (top + bottom) / 2, text, fontsize=SMALL, va="center", linespacing=1.1)


def _step(axes: Axes, x: float, y: float, text: str, kind: str, last: bool = False, height: float = 4.5) -> float:
    box(axes, x + _LEFT, y, _BOX, height, text, kind)
    if not last:
        arrow(axes, [(_centre(x), y + height), (_centre(x), y + height + 2)])
    return y + height + 2
