"""Logos: stacked letters A, C, G and T as outlines, and sites of motifs as arrows along them.

logomaker draws the same logos, but through pyplot and with one patch per letter; here all letters of one base in a
panel are one path, which is fast enough for thousands of letters in one figure.
"""

import functools
import textwrap
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from regulens.plotting.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, SMALL, VERMILION

LETTERS = "ACGT"

LETTER_COLOURS = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": VERMILION}
"""The usual green, blue, yellow and red, from a palette that colour-blind readers can distinguish."""

LETTER_WIDTH = 0.92
"""Width of a letter in base pairs, so that neighbours do not touch."""

ROLE_COLOURS = {"positive": SKY_BLUE, "negative": PURPLE, "shared": GREY}
"""Colours of sites by the class whose sequences have the motif, distinct from those of the letters."""

ROLE_LINES = {"positive": "none", "negative": "-", "shared": ":"}
"""Outline of a site, because a grey print loses the colours."""

ROLE_LABELS = {
    "positive": "Site of positive sequences",
    "negative": "Site of negative sequences",
    "shared": "Site of both classes",
}

_MM_PER_POINT = 25.4 / 72

_PAD_MM = 0.8

_LONGEST = 24


def draw_logo(axes: Axes, heights: np.ndarray, start: float = 0) -> None:
    """Draw a stack of letters at every position; the limits of the axes are left to the caller.

    Arguments:
        heights: (L, 4), columns A, C, G, T, in data units. Positive letters stand on zero, the tallest on top;
            negative ones hang below it, upright, the longest at the bottom.
        start: left edge of the first position; position i fills [start + i, start + i + 1].
    """
    heights = np.nan_to_num(np.asarray(heights, dtype=np.float64))
    order = np.argsort(np.abs(heights), axis=1, kind="stable")
    stacked = np.take_along_axis(heights, order, axis=1)
    far = np.where(stacked > 0, np.maximum(stacked, 0).cumsum(axis=1), np.minimum(stacked, 0).cumsum(axis=1))
    edges = np.empty_like(far)
    np.put_along_axis(edges, order, far, axis=1)
    left = start + np.arange(len(heights)) + (1 - LETTER_WIDTH) / 2
    for column, letter in enumerate(LETTERS):
        there = heights[:, column] != 0
        if not there.any():
            continue
        size = np.abs(heights[there, column])
        bottom = np.minimum(edges[there, column], edges[there, column] - heights[there, column])
        path = _letters(letter, left[there], bottom, size)
        axes.add_artist(PathPatch(path, facecolor=LETTER_COLOURS[letter], linewidth=0, gid=letter))


def relevance_heights(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Heights (L, 4) of a logo with one letter per base: ``values`` (L,) in the columns ``codes`` (L,), else 0."""
    heights = np.zeros((len(codes), 4))
    heights[np.arange(len(codes)), codes] = values
    return heights


def _letters(letter: str, left: np.ndarray, bottom: np.ndarray, height: np.ndarray) -> Path:
    """One path with a letter in every box [left, left + LETTER_WIDTH] x [bottom, bottom + height]."""
    outline = letter_outline(letter)
    scale = np.stack([np.full_like(height, LETTER_WIDTH), height], axis=1)[:, None]
    vertices = outline.vertices * scale + np.stack([left, bottom], axis=1)[:, None]
    return Path(vertices.reshape(-1, 2), np.tile(outline.codes, len(left)))


@functools.cache
def letter_outline(letter: str) -> Path:
    """Outline of a letter that fills the box from (0, 0) to (1, 1)."""
    path = TextPath((0, 0), letter, size=10, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = path.get_extents()
    vertices = (path.vertices - box.min) / box.size
    # The vertex of a CLOSEPOLY is not drawn but counts for the extent of the path, so it is put inside the box.
    return Path(np.clip(vertices, 0, 1), path.codes)


# Track of motif sites along a sequence, as arrows with names.


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

    A name is inside its arrow if it fits, otherwise beside it. A site across the end of a line is drawn on both lines.
    """
    placed, free = [], []  # first free position of every row
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


def role_patch(role: str) -> dict:
    """How a site's arrow, and its patch in a legend, are filled and outlined."""
    line = {"edgecolor": (BLACK, 0 if ROLE_LINES[role] == "none" else 1), "linestyle": ROLE_LINES[role]}
    return {"facecolor": (ROLE_COLOURS[role], 0.5), "linewidth": 0.6, **line}


def _head_bp(mm_per_bp: float) -> float:
    """Length of an arrow's head."""
    return 1.5 / mm_per_bp


def _text_mm(text: str) -> float:
    path = TextPath((0, 0), text, size=SMALL, prop=FontProperties(family="DejaVu Sans"))
    return path.get_extents().width * _MM_PER_POINT
