"""Sites of motifs along a sequence, as arrows with names."""

import textwrap
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Polygon
from matplotlib.textpath import TextPath

from regulens.figures.style import BLACK, GREY, PURPLE, SKY_BLUE, SMALL

ROLE_COLOURS = {"positive": SKY_BLUE, "negative": PURPLE, "shared": GREY}
"""Colours of sites by the class whose sequences have the motif; apart from those of the letters."""
ROLE_LINES = {"positive": "none", "negative": "-", "shared": ":"}
"""Line around a site: a grey print loses the colours."""
ROLE_LABELS = {
    "positive": "Site of positive sequences",
    "negative": "Site of negative sequences",
    "shared": "Site of both classes",
}
_MM_PER_POINT = 25.4 / 72
_PAD_MM = 0.8
_LONGEST = 24


class PlacedSite(NamedTuple):
    """The part of a site on one line of the figure."""

    start: int
    end: int
    name: str
    strand: str
    role: str
    level: int
    """Row of the track, 0 on top."""
    text_at: float
    """Middle of the name."""
    cut_left: bool
    """The site begins on the line before."""
    cut_right: bool


def place_sites(sites: pd.DataFrame | None, start: int, end: int, mm_per_bp: float) -> list[PlacedSite]:
    """Sites of the line from ``start`` to ``end`` (bp), each on the first row where its arrow and its name are free.

    A name stands in its arrow where it fits, beside it otherwise. A site across the end of a line is on both lines.
    """
    placed, free = [], []  # free: first free position of every row
    if sites is None:
        return placed
    for site in sites.sort_values(["start", "end"]).itertuples():
        left, right = max(site.start, start), min(site.end, end)
        if left >= right:
            continue
        name = textwrap.shorten(site.motif, _LONGEST, placeholder="…") or site.motif[: _LONGEST - 1] + "…"
        width = (_text_mm(name) + 2 * _PAD_MM) / mm_per_bp
        room = right - left - _head_bp(mm_per_bp)
        if width <= room:
            low, high = left, right
            text_at = (left + right) / 2
        elif right + width <= end:
            low, high, text_at = left, right + width, right + width / 2
        else:
            low, high, text_at = left - width, right, left - width / 2
        level = next((number for number, position in enumerate(free) if position <= low), len(free))
        free[level : level + 1] = [high]
        cut = (site.start < start, site.end > end)
        placed.append(PlacedSite(left, right, name, site.strand, site.role, level, text_at, *cut))
    return placed


def role_patch(role: str) -> dict:
    """How a site's arrow, and its patch in a legend, are filled and outlined."""
    line = {"edgecolor": (BLACK, 0 if ROLE_LINES[role] == "none" else 1), "linestyle": ROLE_LINES[role]}
    return {"facecolor": (ROLE_COLOURS[role], 0.5), "linewidth": 0.6, **line}


def draw_sites(axes: Axes, sites: list[PlacedSite]) -> None:
    """Arrows from 5' to 3' of the site's strand; a site without a strand is a box. The axes show nothing else."""
    axes.set_axis_off()
    levels = 1 + max((site.level for site in sites), default=0)
    axes.set_ylim(levels, 0)
    box = axes.get_position()
    width_mm = box.width * axes.figure.get_figwidth() * 25.4
    low, high = axes.get_xlim()
    head = _head_bp(width_mm / (high - low))
    for site in sites:
        top, bottom, middle = site.level + 0.08, site.level + 0.92, site.level + 0.5
        head_bp = min(head, site.end - site.start)
        left, right = [(site.start, top), (site.start, bottom)], [(site.end, bottom), (site.end, top)]
        if site.strand == "+" and not site.cut_right:
            right = [(site.end - head_bp, bottom), (site.end, middle), (site.end - head_bp, top)]
        elif site.strand == "-" and not site.cut_left:
            left = [(site.start + head_bp, top), (site.start, middle), (site.start + head_bp, bottom)]
        axes.add_patch(Polygon(left + right, **role_patch(site.role)))
        axes.text(site.text_at, middle, site.name, fontsize=SMALL, ha="center", va="center_baseline")


def _head_bp(mm_per_bp: float) -> float:
    """Length of an arrow's head."""
    return 1.5 / mm_per_bp


def _text_mm(text: str) -> float:
    path = TextPath((0, 0), text, size=SMALL, prop=FontProperties(family="DejaVu Sans"))
    return path.get_extents().width * _MM_PER_POINT
