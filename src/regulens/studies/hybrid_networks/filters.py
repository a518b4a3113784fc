"""Logo sheet of a network's first-layer filters: one trial, every filter with its best match in JASPAR."""

from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.tables import read_table
from regulens.data.matrices import PositionWeightMatrix
from regulens.motifs.filter_matches import FILTER_COLUMNS, filter_id
from regulens.motifs.meme import read_meme
from regulens.plotting.logos import draw_logo
from regulens.plotting.style import (
    BLACK,
    DARK_GREY,
    DOUBLE_COLUMN,
    GREEN,
    GREY,
    LARGE,
    NORMAL,
    SMALL,
    activation_style,
    new_figure,
    save,
    styled,
)
from regulens.studies.hybrid_networks.results import Chosen, best_trial

COLUMNS = 4
"""Filters per row: 32 filters make eight rows on one page."""

LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 6.5, 1.5, 10, 3

LOGO_MM, TITLE_MM, GAP_MM = 12.5, 8, 4
"""Height of a logo and of the lines above it; gap between columns, in mm."""

LONGEST = 26
"""Maximum number of characters of a 6 pt line above a logo."""


@command("hybrid-networks filters")
def filters(
    meme: Path | str,
    /,
    matches: Path | str,
    trials: Path | str,
    architecture: str,
    activation: str,
    label: Part[str],
    selection: Part[Chosen],
    pdf: Path | str,
    png: Path | str,
) -> None:
    """Logos of the first-layer filters of a network's best kept trial, with their best matches.

    ``meme``: motifs of the filters, MEME text.

    Arguments:
        matches: table of `regulens match-filters`.
        trials: table of all trials of task 1.
        architecture, activation: the network.
        label: label of the architecture.
        selection: how the best trial is chosen.
    """
    trial = best_trial(trials, "task1", architecture, activation, selection.split, selection.metric)
    name = f"{label}, {activation_style(activation).label}"
    save(filter_figure(read_filters(meme, matches, trial), name, trial), pdf, png)


class Filter(NamedTuple):
    """A filter as a motif, with its Tomtom matches."""

    number: int
    matrix: PositionWeightMatrix
    sites: int
    """Number of windows in the motif; 0: no high activation, the motif is uniform."""
    hits: int
    """Number of matching targets."""
    best_name: str
    """Factor of the best match, '' if there is none."""
    best_q: float
    truth: str
    """Planted factor that the filter matches, '' if none."""
    matched: bool
    """Whether a match counts; False if all matches are with ignored targets."""


def read_filters(meme: Path | str, filters: Path | str, trial: int) -> list[Filter]:
    """The filters of one trial in order of their number.

    Arguments:
        meme: motifs of the filters of all trials, MEME text.
        filters: table of ``regulens match-filters``.
        trial: number of the trial.

    Raises `InputError` if the trial is missing, or if the two files differ in its filters.
    """
    table = read_table(filters, FILTER_COLUMNS).fillna({"best_name": "", "truth": ""})
    rows = table[table["trial"] == trial].set_index("filter").sort_index()
    if rows.empty:
        trials = ", ".join(map(str, sorted(set(table["trial"]))))
        raise InputError(f"{filters}: no filter of trial {trial}; trials there: {trials}")
    prefix, motifs = filter_id(trial, 0).removesuffix("00"), read_meme(meme).motifs
    matrices = {motif.matrix.matrix_id: motif.matrix for motif in motifs if motif.matrix.matrix_id.startswith(prefix)}
    names = {number: filter_id(trial, number) for number in rows.index}
    if len(names) != len(rows) or set(names.values()) != set(matrices):
        raise InputError(
            f"{meme} has {len(matrices)} motifs trial{trial}_filterNN, {filters} has {len(rows)} filters of trial "
            f"{trial}, not the same: align and compare the filters again"
        )
    return [
        Filter(number, matrices[names[number]], *values)
        for number, *values in rows[["sites", "hits", "best_name", "best_q", "truth", "matched"]].itertuples()
    ]


def filter_title(one: Filter) -> str:
    """Text above a filter's logo: its best match, or why there is none."""
    if not one.hits:
        return "no match" if one.sites else "empty"
    if one.truth and not one.best_name.lower().startswith(one.truth.lower()):
        name = _short(one.best_name, LONGEST - len(one.truth) - len(" (matches )"))
        return f"{name} (matches {one.truth})"
    if not one.matched:
        return f"{_short(one.best_name, LONGEST - 9)}, ignored"
    return f"{_short(one.best_name, LONGEST - 12)}, q = {one.best_q:.2g}"


def _short(text: str, longest: int) -> str:
    return text if len(text) <= max(longest, 6) else text[: max(longest, 6) - 1] + "…"


@styled
def filter_figure(filters: list[Filter], label: str, trial: int) -> Figure:
    """Logos of the filters in bits, all on the same scale.

    Above each its number, its sites, and the name of its best match: bold and green with a planted motif,
    black with any other, grey without one that counts. A filter without sites is uniform: an empty panel.
    """
    rows = -(-len(filters) // COLUMNS)
    height = TOP_MM + rows * (TITLE_MM + LOGO_MM) + BOTTOM_MM
    width = (DOUBLE_COLUMN - LEFT_MM - RIGHT_MM - (COLUMNS - 1) * GAP_MM) / COLUMNS
    longest = max(one.matrix.width for one in filters)
    figure = new_figure(DOUBLE_COLUMN, height)
    figure.set_layout_engine("none")
    for place, one in enumerate(filters):
        row, column = divmod(place, COLUMNS)
        left = LEFT_MM + column * (width + GAP_MM)
        bottom = height - TOP_MM - (row + 1) * (TITLE_MM + LOGO_MM)
        axes = figure.add_axes(
            (left / DOUBLE_COLUMN, bottom / height, width / DOUBLE_COLUMN, LOGO_MM / height),
            xlim=(0, longest),
            ylim=(0, 2),
        )
        _panel(axes, one)
        if column == 0:
            axes.set_yticks([0, 1, 2])
            axes.set_ylabel("Bits", fontsize=SMALL)
        else:
            axes.set_yticks([0, 1, 2], ["", "", ""])
    _heading(figure, filters, label, trial, height)
    return figure


def _panel(axes: Axes, one: Filter) -> None:
    axes.set_xticks([])
    draw_logo(axes, one.matrix.letter_heights)
    axes.spines["bottom"].set_bounds(0, one.matrix.width)
    colour = GREEN if one.truth else BLACK if one.matched else GREY
    weight = "bold" if one.truth else "normal"
    sites = f"{one.sites:,} site{'' if one.sites == 1 else 's'}"
    texts = [(5.8, f"filter {one.number}, {sites}", GREY, "normal"), (3.0, filter_title(one), colour, weight)]
    for up, text, shade, bold in texts:
        y = 1 + (up - 2) / LOGO_MM
        axes.text(0, y, text, transform=axes.transAxes, fontsize=SMALL, color=shade, fontweight=bold)


def _heading(figure: Figure, filters: list[Filter], label: str, trial: int, height: float) -> None:
    """Heading above the logos: name of the network, and how many of its filters match."""
    true = sum(bool(one.truth) for one in filters)
    matched = sum(one.matched for one in filters)
    top = 1 - 3.2 / height
    figure.text(LEFT_MM / DOUBLE_COLUMN, top, f"{label}, trial {trial}", fontsize=LARGE, fontweight="bold")
    note = "Height of a letter: information (bits); width: one base pair"
    figure.text(1 - RIGHT_MM / DOUBLE_COLUMN, top, note, fontsize=SMALL, ha="right", color=DARK_GREY)
    parts = [
        (f"{true} match a planted motif", GREEN, "bold"),
        (f"{matched - true} only another motif of JASPAR", BLACK, "normal"),
        (f"{len(filters) - matched} none", GREY, "normal"),
    ]
    x = LEFT_MM / DOUBLE_COLUMN
    for text, colour, weight in [(f"Of {len(filters)} filters", BLACK, "normal"), *parts]:
        drawn = figure.text(x, 1 - 6.8 / height, text, fontsize=NORMAL, color=colour, fontweight=weight)
        x = drawn.get_window_extent(figure.canvas.get_renderer()).x1 / figure.bbox.width + 3 / DOUBLE_COLUMN
