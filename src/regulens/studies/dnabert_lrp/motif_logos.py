"""Logos for section 5.3 of DNABERT-LRP: the top motif of every score above its best match in JASPAR."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.tables import read_table
from regulens.data.matrices import PositionWeightMatrix
from regulens.interpret.scores import score_label
from regulens.motifs.meme import read_meme
from regulens.motifs.tomtom import read_hits
from regulens.plotting.logos import draw_logo
from regulens.plotting.style import (
    DOUBLE_COLUMN,
    GREY,
    LIGHT_GREY,
    NORMAL,
    SMALL,
    new_figure,
    page_width,
    save,
    styled,
)

COLUMNS = 3
"""Maximum number of scores side by side."""

LEFT_MM, RIGHT_MM, BOTTOM_MM = 9, 2, 9

TITLE_MM, LOGO_MM, BETWEEN_MM, ROW_GAP_MM, COLUMN_GAP_MM = 9, 15, 13.5, 2, 9

LINE_MM = 2.6

LONGEST_LINE = 40
"""Maximum number of 6 pt characters on a third of the page width."""


class MotifFiles(NamedTuple):
    """Output files of motif discovery and comparison for one score."""

    score: str
    label: str
    """Label of the score."""
    motifs: Path | str
    """MEME text."""
    hits: Path | str
    """``tomtom.tsv``."""


class Match(NamedTuple):
    """The best match of a motif."""

    target: PositionWeightMatrix
    offset: int
    """Position i of the motif is aligned to position i + offset of the target, on the strand of ``orientation``."""
    orientation: str
    """'+', or '-' if the match is with the target's reverse complement."""
    q_value: float
    tf_class: str


class TopMotif(NamedTuple):
    """The top motif of one score; ``motif`` is None if there is none, ``match`` is None if nothing is similar."""

    label: str
    motif: PositionWeightMatrix | None
    instances: int
    match: Match | None
    note: str
    """Reason why motif or match is missing; '' if both exist."""


def read_top_motifs(section53: Path | str, runs: Sequence[MotifFiles], targets: Path | str) -> list[TopMotif]:
    """The top motif of every score, in the order of ``runs``.

    Arguments:
        section53: its CSV (one task); of every score the row with the lowest rank counts.
        targets: MEME text of the targets.

    Raises `InputError` if a score, motif, target or hit is missing in its file, and if the overlap of a hit is
    inconsistent with its offset.
    """
    table = read_table(section53, ["score", "rank", "motif", "instances", "target", "tf_class", "q_value", "note"])
    table = table.fillna({"motif": "", "target": "", "tf_class": "", "note": ""})
    known = {motif.matrix.matrix_id: motif.matrix for motif in read_meme(targets).motifs}
    result = []
    for run in runs:
        rows = table[table["score"] == run.score].sort_values("rank", kind="stable", na_position="last")
        if rows.empty:
            raise InputError(f"{section53}: score {run.score} has no row: write the table again")
        if (rows["rank"] == rows["rank"].iloc[0]).sum() > 1:
            raise InputError(
                f"{section53}: score {run.score} has rank {rows['rank'].iloc[0]:g} twice: one task at a time"
            )
        top = rows.iloc[0]
        if not top["motif"]:
            result.append(TopMotif(run.label, None, 0, None, top["note"]))
            continue
        found = [one.matrix for one in read_meme(run.motifs).motifs if one.matrix.matrix_id == top["motif"]]
        if not found:
            raise InputError(f"{run.motifs}: no motif {top['motif']}, which {section53} names: write the table again")
        match = _read_match(run.hits, top, found[0], known, targets) if top["target"] else None
        result.append(TopMotif(run.label, found[0], int(top["instances"]), match, top["note"]))
    return result


def _read_match(
    path: Path | str, row: pd.Series, motif: PositionWeightMatrix, known: dict, targets: Path | str
) -> Match:
    hits, _ = read_hits(path)
    hits = hits[(hits["query"] == row["motif"]) & (hits["target"] == row["target"])]
    if len(hits) != 1:
        raise InputError(f"{path}: {len(hits)} hits of {row['motif']} with {row['target']}, 1 expected: compare again")
    if row["target"] not in known:
        raise InputError(f"{targets}: no target {row['target']}, which {path} names: compare the motifs again")
    hit, target = hits.iloc[0], known[row["target"]]
    offset = int(hit["offset"])
    low, high = _overlap(motif.width, target.width, offset)
    if high - low != hit["overlap"]:
        raise InputError(
            f"{path}: {row['motif']} and {row['target']} overlap by {hit['overlap']} positions, but their widths "
            f"({motif.width} and {target.width}) and the offset {offset} give {high - low}: compare the motifs again"
        )
    return Match(target, offset, hit["orientation"], float(row["q_value"]), row["tf_class"])


def _overlap(motif_width: int, target_width: int, offset: int) -> tuple[int, int]:
    """Start and end of the part of the motif that is aligned to the target."""
    return max(0, -offset), min(motif_width, target_width - offset)


def draw_aligned(upper: Axes, lower: Axes, motif: PositionWeightMatrix, match: Match | None) -> None:
    """A motif (``upper``) above its match (``lower``) in positions of the motif, their overlap shaded.

    The target is drawn as Tomtom aligned it: as its reverse complement where the orientation is '-'.
    """
    draw_logo(upper, motif.letter_heights)
    if match is None:
        return
    target = match.target.reverse_complement() if match.orientation == "-" else match.target
    draw_logo(lower, target.letter_heights, -match.offset)
    for axes in (upper, lower):
        axes.axvspan(*_overlap(motif.width, target.width, match.offset), color=LIGHT_GREY, alpha=0.5, lw=0, zorder=0)


def _extent(top: TopMotif) -> tuple[int, int]:
    """Start and end of motif and target together."""
    if top.motif is None or top.match is None:
        return (0, 0) if top.motif is None else (0, top.motif.width)
    offset = top.match.offset
    return min(0, -offset), max(top.motif.width, top.match.target.width - offset)


@styled
def motif_figure(motifs: Sequence[TopMotif]) -> Figure:
    """For every score the logo of its top motif and, below, the aligned logo of its best match.

    All letters have one width and one scale (0 to 2 bits). A score without a motif or without a match says so.
    """
    columns, rows = min(COLUMNS, len(motifs)), -(-len(motifs) // COLUMNS)
    block_mm = TITLE_MM + 2 * LOGO_MM + BETWEEN_MM + BOTTOM_MM
    height_mm = rows * block_mm + (rows - 1) * ROW_GAP_MM
    column_mm = (DOUBLE_COLUMN - LEFT_MM - RIGHT_MM - (COLUMNS - 1) * COLUMN_GAP_MM) / COLUMNS
    page_mm = page_width(LEFT_MM + RIGHT_MM + columns * column_mm + (columns - 1) * COLUMN_GAP_MM)
    longest = max(1, *(high - low for low, high in map(_extent, motifs)))

    figure = new_figure(page_mm, height_mm)
    figure.set_layout_engine("none")
    for number, top in enumerate(motifs):
        left = LEFT_MM + number % COLUMNS * (column_mm + COLUMN_GAP_MM)
        y = height_mm - number // COLUMNS * (block_mm + ROW_GAP_MM) - TITLE_MM - LOGO_MM
        low, high = _extent(top)
        pad = (longest - (high - low)) / 2
        upper, lower = (
            figure.add_axes(
                (left / page_mm, bottom / height_mm, column_mm / page_mm, LOGO_MM / height_mm),
                xlim=(low - pad, high + pad),
                ylim=(0, 2),
            )
            for bottom in (y, y - BETWEEN_MM - LOGO_MM)
        )
        _above(upper, 2, top.label, fontweight="bold", fontsize=NORMAL)
        if top.motif is None:
            _empty(upper, top.note or "no motif")
            lower.set_axis_off()
            continue
        draw_aligned(upper, lower, top.motif, top.match)
        count = f"{top.instances:,} instance{'s' if top.instances > 1 else ''}"
        _above(upper, 1, f"{_shortened(top.motif.matrix_id, LONGEST_LINE - len(count) - 2)}, {count}")
        for axes in (upper, lower):
            axes.set_yticks([0, 1, 2])
            axes.set_ylabel("Bits")
        ticks = [1, *range(5, top.motif.width + 1, 5)]
        upper.set_xticks([tick - 0.5 for tick in ticks], [""] * len(ticks))
        if top.match is None:
            _empty(lower, top.note or "no match")
            upper.set_xticklabels(ticks)
            upper.set_xlabel("Position in the motif (bp)")
            continue
        lower.set_xticks([tick - 0.5 for tick in ticks], ticks)
        lower.set_xlabel("Position in the motif (bp)")
        _name_match(lower, top.match)
    return figure


def _name_match(axes: Axes, match: Match) -> None:
    suffix = f" ({match.target.matrix_id})" + (", reverse complement" if match.orientation == "-" else "")
    classes = " :: ".join(dict.fromkeys(match.tf_class.split("::")))  # for a dimer, usually the same class twice
    facts = f"q = {match.q_value:.2g}; {classes or 'class unknown'}"
    lines = [_shortened(match.target.name, max(8, LONGEST_LINE - len(suffix))) + suffix]
    lines += textwrap.wrap(facts, LONGEST_LINE, max_lines=3, placeholder=" …")
    for number, line in enumerate(lines):
        _above(axes, len(lines) - number, line)


def _above(axes: Axes, line: int, text: str, fontsize: float = SMALL, **style) -> None:
    """Text at the left above a panel, on line 1 (lowest), 2, ..."""
    y = 1 + (line - 0.6) * LINE_MM * (1.15 if line > 1 else 1) / LOGO_MM
    axes.text(0, y, text, transform=axes.transAxes, fontsize=fontsize, **style)


def _empty(axes: Axes, text: str) -> None:
    axes.set_axis_off()
    shown = textwrap.fill(text.replace("<=", "≤"), LONGEST_LINE)
    axes.text(0.5, 0.5, shown, transform=axes.transAxes, ha="center", va="center", color=GREY)


def _shortened(text: str, longest: int) -> str:
    """Text abbreviated in the middle if it is too long."""
    if len(text) <= longest:
        return text
    keep = longest - 1
    return f"{text[: keep - keep // 2]}…{text[len(text) - keep // 2 :]}"


@command("dnabert-lrp motif-logos")
def motif_logos(
    motifs: Path | str,
    /,
    table: Path | str,
    targets: Path | str,
    scores: Part[Sequence[str]],
    pdf: Path | str,
    png: Path | str,
) -> None:
    """The top motif of each score above its best match.

    See ``read_top_motifs`` and ``motif_figure``.

    Arguments:
        motifs: folder with a folder of motifs and matches for each score.
        table: table of section 5.3.
        targets: target motifs, MEME text.
        scores: in the order of the panels.
    """
    folders = {score: Path(motifs) / score for score in scores}
    runs = [
        MotifFiles(score, score_label(score), folder / "motifs.meme", folder / "tomtom.tsv")
        for score, folder in folders.items()
    ]
    save(motif_figure(read_top_motifs(table, runs, targets)), pdf, png)
