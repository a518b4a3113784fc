"""Relevance of every base of one test sequence as logos, one track per score.

Letters need about 1.5 mm to be read, so a sequence of 200 bp takes two lines of 100 bp over both columns of a page.
"""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.tables import require_one_of
from regulens.data.sequences import check_sites, read_sites
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.scores import score_label
from regulens.plotting.logos import (
    ROLE_COLOURS,
    ROLE_LABELS,
    draw_logo,
    draw_sites,
    place_sites,
    relevance_heights,
    role_patch,
)
from regulens.plotting.style import (
    DARK_GREY,
    DOUBLE_COLUMN,
    GREY,
    LARGE,
    MM,
    NORMAL,
    PAGE_HEIGHT,
    SMALL,
    new_figure,
    save,
    styled,
)

# One sequence with its relevance scores and sites, for figures.


class Example(NamedTuple):
    """One sequence of L bp with the data of its logos."""

    name: str
    row: int
    """Row in the file of scores, from 0."""
    label: int
    """1 = positive, 0 = negative."""
    predicted: int
    probability: float
    """Of the predicted class."""
    explained: int
    """Class whose relevance was propagated."""
    codes: np.ndarray
    """uint8 (L,), A, C, G, T = 0 to 3."""
    scores: dict[str, np.ndarray]
    """Relevance of every base by name of the score, (L,), in the order of the tracks."""
    sites: pd.DataFrame | None
    """Columns of `data.sequences.SITE_COLUMNS`; empty: this sequence has no sites; None: sites are unknown."""


def read_example(
    scores_path: Path | str,
    example: int | str,
    scores: Sequence[str] | None = None,
    sites_path: Path | str | None = None,
) -> Example:
    """One sequence from a file of base relevances, with its sites.

    Arguments:
        example: row of the sequence in the file, from 0 (a number), or its id (a text, which may consist of digits).
        scores: names in the order of the tracks; None: all, as in the file.
        sites_path: sites of the task's sequences; None: none are known.

    Raises InputError for an unknown sequence, a score that the file does not have, and a site beyond the end.
    """
    with ScoreFile(scores_path) as file:
        ids, names = file.ids, file.names
        rows = ids if isinstance(example, str) else range(len(ids))
        if example not in rows:
            raise InputError(
                f"{scores_path}: example {example!r} does not exist; valid: rows 0 to {len(ids) - 1}, or an id such as "
                f"{ids[0]!r}"
            )
        row = rows.index(example)
        scores = list(scores or names)
        for name in scores:
            require_one_of(name, names, f"{scores_path}: score")
        codes = np.asarray(file.codes[row])
        values = {name: np.asarray(file.score(name)[row], dtype=np.float64) for name in scores}
        label, predicted = int(file.labels[row]), int(file.predicted[row])
        logits = np.asarray(file.logits[row], dtype=np.float64)
        explained = label if file.attributes["target"] == "label" else predicted
    odds = np.exp(logits - logits.max())
    sites = None
    if sites_path is not None:
        sites = read_sites(sites_path)
        sites = sites[sites["id"] == ids[row]]
        check_sites(sites, pd.Series({ids[row]: len(codes)}), sites_path)
    probability = float(odds[predicted] / odds.sum())
    return Example(ids[row], row, label, predicted, probability, explained, codes, values, sites)


def best_window(example: Example, span_bp: int | None) -> tuple[int, int]:
    """Start and end of the part that is shown: ``span_bp`` bases, or all if that is None or longer than the sequence.

    It has as many bases of sites as possible (of the positive class, if there are any); among such windows, the one
    with the highest total relevance (absolute values of the first score); among ties, the first.
    """
    length = len(example.codes)
    if span_bp is None or span_bp >= length:
        return 0, length
    if span_bp < 1:
        raise InputError(f"span_bp: {span_bp} bp cannot be shown; give a positive number")
    covered = np.zeros(length)
    if example.sites is not None and len(example.sites):
        positive = example.sites[example.sites["role"] == "positive"]
        for site in (positive if len(positive) else example.sites).itertuples():
            covered[site.start : site.end] = 1
    first = np.abs(next(iter(example.scores.values())))
    sums = [np.lib.stride_tricks.sliding_window_view(values, span_bp).sum(axis=1) for values in (first, covered)]
    best = np.flatnonzero(sums[1] == sums[1].max())
    start = int(best[np.argmax(sums[0][best])])
    return start, start + span_bp


LINE_BP = 100
"""Maximum number of bases per line, so that letters are 1.5 mm wide."""

LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 28, 3, 10, 9

TRACK_MM, LOWEST_MM, SEQUENCE_MM, SITE_MM, GAP_MM, LINE_GAP_MM = 7, 4, 2.6, 3.2, 1.2, 7

WIDTH_MM = DOUBLE_COLUMN - LEFT_MM - RIGHT_MM


@styled
def logo_figure(example: Example, class_names: Mapping[str, str], span_bp: int | None = None) -> Figure:
    """All scores of one sequence as logos; the height of a letter is the relevance of its base.

    Every track has its own scale, which ends at the score's largest absolute value in the whole sequence (written at
    the axis). Negative relevance hangs below zero, letters upright. Sites are shaded, with their names and strands in
    a track on top.

    Arguments:
        class_names: labels of the classes 'positive' and 'negative'.
        span_bp: show only this many bases (`best_window`).
    """
    start, end = best_window(example, span_bp)
    count = -(-(end - start) // LINE_BP)
    line_bp = -(-(end - start) // count)
    lines = [(first, min(first + line_bp, end)) for first in range(start, end, line_bp)]
    limits = {name: _limits(values) for name, values in example.scores.items()}
    placed = [place_sites(example.sites, *line, WIDTH_MM / line_bp) for line in lines]
    site_mm = [SITE_MM * (1 + max((site.level for site in sites), default=0)) for sites in placed]
    if example.sites is None:
        site_mm = [0] * count

    # Tracks with values on both sides of zero are taller, so that equal heights are equal shares of a scale.
    share = {name: (high - low) / max(high, -low) for name, (low, high) in limits.items()}
    share = {name: 0.75 * value if value > 4 / 3 else value for name, value in share.items()}
    above = [mm + SEQUENCE_MM + GAP_MM * (len(limits) + 1) for mm in site_mm]
    # Tracks shrink to fit a page, down to `LOWEST_MM`.
    fixed = TOP_MM + BOTTOM_MM + sum(above) + LINE_GAP_MM * (count - 1)
    track_mm = float(np.clip((PAGE_HEIGHT - fixed) / (count * sum(share.values())), LOWEST_MM, TRACK_MM))
    height_mm = fixed + count * track_mm * sum(share.values())

    figure = new_figure(DOUBLE_COLUMN, height_mm)
    figure.set_layout_engine("none")
    y = height_mm - TOP_MM
    for line, sites, sites_height in zip(lines, placed, site_mm, strict=True):

        def panel(mm: float, line: tuple[int, int] = line) -> Axes:
            nonlocal y
            y -= mm
            width = WIDTH_MM * (line[1] - line[0]) / line_bp  # letters are as wide on a shorter last line
            place = (LEFT_MM / DOUBLE_COLUMN, y / height_mm, width / DOUBLE_COLUMN, mm / height_mm)
            axes = figure.add_axes(place, xlim=line)
            y -= GAP_MM
            return axes

        if example.sites is not None:
            draw_sites(panel(sites_height), sites)
            _track_name(figure.axes[-1], "Sites")
        else:
            y -= GAP_MM
        axes = panel(SEQUENCE_MM)
        axes.set_axis_off()
        axes.set_ylim(0, 1)
        codes = example.codes[slice(*line)]
        draw_logo(axes, relevance_heights(codes, np.ones(len(codes))), line[0])
        _track_name(axes, "Sequence")
        for name, values in example.scores.items():
            axes = panel(track_mm * share[name])
            draw_logo(axes, relevance_heights(codes, values[slice(*line)]), line[0])
            _dress(axes, name, limits[name], bool(values.any()))
            for site in sites:
                axes.axvspan(site.start, site.end, color=ROLE_COLOURS[site.role], alpha=0.25, linewidth=0, zorder=0)
        axes.tick_params(axis="x", length=2, labelbottom=True)
        axes.xaxis.set_major_locator(MultipleLocator(10 if line_bp > 40 else 5))
        y -= LINE_GAP_MM - GAP_MM
    axes.set_xlabel("Position in the sequence (bp)", loc="right")  # the legend of the sites is on the left
    _write_titles(figure, example, class_names, [site.role for sites in placed for site in sites])
    return figure


def _limits(values: np.ndarray) -> tuple[float, float]:
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    return (low, high) if low < high else (0.0, 1.0)


def _track_name(axes: Axes, name: str) -> None:
    x = (2 - LEFT_MM) / (axes.get_position().width * DOUBLE_COLUMN)
    text = textwrap.fill(name, 13, break_long_words=True)
    axes.text(x, 0.5, text, fontsize=NORMAL, transform=axes.transAxes, va="center", linespacing=1)


def _dress(axes: Axes, name: str, limits: tuple[float, float], any_relevance: bool) -> None:
    """Name, scale and zero line of one track."""
    _track_name(axes, score_label(name))
    axes.set_ylim(limits)
    axes.spines["bottom"].set_visible(limits[0] == 0)
    if limits[0] < 0:
        axes.axhline(0, color=GREY, linewidth=0.4, zorder=0.5)
    values = limits if any_relevance else limits[:1]
    axes.set_yticks(values, [f"{value:.2g}".replace("-", "\N{MINUS SIGN}") for value in values])
    for label, side in zip(axes.get_yticklabels(), ("bottom", "top"), strict=False):
        label.set_verticalalignment(side)  # within the height of the track, because the next one follows closely
    axes.tick_params(axis="x", length=0, labelbottom=False)
    if not any_relevance:
        axes.text(0.5, 0.5, "zero at every base", fontsize=SMALL, color=GREY, transform=axes.transAxes, ha="center")


def _write_titles(figure: Figure, example: Example, class_names: Mapping[str, str], roles: Sequence[str]) -> None:
    height_mm = figure.get_figheight() / MM
    classes = [class_names["negative"], class_names["positive"]]
    name = textwrap.shorten(example.name, 60, placeholder="...") if " " in example.name else example.name[:60]
    title = (
        f"{name} (row {example.row}): {classes[example.label]}, predicted {classes[example.predicted]} "
        f"with probability {example.probability:.3g}"
    )
    note = (
        f"Letter height: relevance of the base; scores that depend on a class explain {classes[example.explained]}. "
        "Every score has its own scale, up to its largest absolute value."
    )
    figure.text(2 / DOUBLE_COLUMN, 1 - 2 / height_mm, title, fontsize=LARGE, va="top")
    figure.text(2 / DOUBLE_COLUMN, 1 - 6 / height_mm, note, fontsize=SMALL, va="top", color=DARK_GREY)
    handles = [Patch(label=label, **role_patch(role)) for role, label in ROLE_LABELS.items() if role in roles]
    if handles:
        place = {"loc": "lower left", "bbox_to_anchor": (0, 0), "borderaxespad": 0.3}
        figure.legend(handles=handles, ncols=len(handles), handlelength=1.2, columnspacing=1.2, **place)


@command("dnabert-lrp relevance-logo")
def relevance_logo(
    scores_path: Path | str,
    /,
    example: int,
    class_names: Part[Mapping[str, str]],
    pdf: Path | str,
    png: Path | str,
    scores: Part[Sequence[str] | None] = None,
    sites: Path | str | None = None,
    span_bp: Part[int | None] = None,
) -> None:
    """Relevance of every base of one test sequence, by every score.

    See ``read_example`` and ``logo_figure``.

    Arguments:
        example: row of the test set, from 0.
        sites: motif sites of the sequences.
    """
    save(logo_figure(read_example(scores_path, example, scores, sites), class_names, span_bp), pdf, png)
