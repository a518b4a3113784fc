"""Boxes and arrows on a page measured in millimetres, for the schematic figures."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from regulens.figures.style import BLACK, SMALL, new_figure


class BoxLook(NamedTuple):
    """How the box of one kind of stage looks; tints stay light, so that black text on them is readable in grey."""

    fill: str
    line: str
    narrowing: bool = False
    """Drawn as a trapezoid: fewer tokens leave than enter."""


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
    """A page whose coordinates are millimetres from the upper left corner."""
    figure = new_figure(width_mm, height_mm)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width_mm), ylim=(height_mm, 0))
    axes.set_axis_off()
    return figure, axes


def box(
    axes: Axes, x: float, y: float, width: float, height: float, text: str, kind: str, dashed: bool = False
) -> None:
    """A box with its upper left corner at (x, y) and its text in the middle; unknown kinds look like convolutions."""
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
