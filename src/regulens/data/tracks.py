"""The track table: the assays of a data set, how their coverage was processed, and their groups."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.errors import InputError
from regulens.core.io import read_text
from regulens.core.settings import nearest

SUMMARY_STATISTICS = ("sum", "mean", "median", "max", "sum_sqrt", "mean_sqrt", "peak")
"""Summary statistics of a bin (docs/papers.md, "Coverage to bins", step 8)."""

COLUMNS = ("identifier", "file", "clip", "clip_soft", "scale", "sum_stat", "strand_pair", "replicates", "description")
"""Columns of every track table, in order; ``group`` follows once groups are assigned."""

_REQUIRED = ("identifier", "file", "clip", "scale", "sum_stat", "description")


def read_track_table(path: Path | str) -> pd.DataFrame:
    """Read and check a Basenji target table.

    ``path`` is a tab-separated file with a header. It needs the columns identifier, file, clip, scale, sum_stat and
    description; clip_soft, strand_pair and replicates are optional, and an unnamed first column or one called ``index``
    numbers the rows. Other columns are ignored.

    Returns one row per track, in the order of the targets, with `COLUMNS`: clip, clip_soft (nan = none) and scale as
    float, strand_pair as the 0-based row of the other strand of the same assay (a track without one is its own pair),
    replicates as a text that replicates of one another, on one strand, share (empty: the track has none).

    Raises `InputError` naming file, line and column of what is missing or wrong.
    """
    return _parse(read_text(path, "track table"), str(path))


def track_row(tracks: pd.DataFrame, track: str | int, key: str = "figure3.track") -> int:
    """Row of a track given by its identifier or description (a text, even of digits), or by its row (a number).

    ``key`` is the setting that messages name.
    """
    if isinstance(track, int):
        if track not in range(len(tracks)):
            raise InputError(f"{key}: {track} does not exist; valid: rows 0 to {len(tracks) - 1}")
        return track
    for column in ("identifier", "description"):
        rows = np.flatnonzero(tracks[column].astype(str) == track)
        if len(rows) > 1:
            raise InputError(f"{key}: {len(rows)} tracks have the {column} {track!r}; give the row number")
        if len(rows):
            return int(rows[0])
    identifiers = list(tracks["identifier"].astype(str))
    raise InputError(f"{key}: {track!r} does not exist; {nearest(track, identifiers)}")


def tracks_to_text(table: pd.DataFrame) -> str:
    """Tab-separated text of a track table, as stores keep it; `tracks_from_text` reads it back unchanged.

    The order of the groups, which may differ from that of the tracks, is kept in the column ``group_order``.
    """
    if "group" in table:
        table = table.assign(group_order=table["group"].cat.codes)
    return table.to_csv(sep="\t", index=False, na_rep="", lineterminator="\n", quoting=csv.QUOTE_NONE)


def tracks_from_text(text: str, origin: str = "track table") -> pd.DataFrame:
    """The table that `tracks_to_text` wrote, with ``group`` when it has one; ``origin`` names it in errors."""
    return _parse(text, origin)


def assign_groups(
    table: pd.DataFrame, groups: Mapping[str, Sequence[str]], origin: Path | str = "track table"
) -> pd.DataFrame:
    """Add the column ``group`` by the assay type at the start of each description (``DNASE:thymus``: DNASE).

    ``groups`` maps a group's name to the types it holds, e.g. ``{"DNase": ["DNASE", "ATAC"], "CAGE": ["CAGE"]}`` (the
    group of ATAC is a choice: docs/papers.md, "track-groups"). The column is an ordered categorical of the groups that
    occur, in the order of the map, so that sorting and grouping keep that order. ``origin`` names the table in errors.

    Raises `InputError` for a type in no group or in two, and for a description without a type.
    """
    group_of: dict[str, str] = {}
    for group, types in groups.items():
        for kind in types:
            if kind in group_of:
                raise InputError(f"track type {kind} is in the groups {group_of[kind]} and {group}: keep it in one")
            group_of[kind] = group
    found = []
    for row, (identifier, description) in enumerate(zip(table["identifier"], table["description"], strict=True)):
        kind, colon, _ = description.partition(":")
        if not colon:
            raise InputError(
                f"{origin}: track {row} ({identifier}) has the description {description!r}: it must start with its "
                "type and a colon, such as 'CAGE:liver'"
            )
        if kind not in group_of:
            raise InputError(
                f"{origin}: track {row} ({identifier}) has the type {kind}, which is in no group: add {kind} to one of "
                f"the groups {', '.join(groups)}"
            )
        found.append(group_of[kind])
    occurring = set(found)
    order = [group for group in groups if group in occurring]
    return table.assign(group=pd.Categorical(found, categories=order, ordered=True))


def _parse(text: str, origin: str) -> pd.DataFrame:
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        raise InputError(f"{origin}: not a track table: {error}") from None
    header, *body = [row for row in rows if any(field.strip() for field in row)] or [[]]
    if not header:
        raise InputError(f"{origin}: the track table is empty")
    missing = [name for name in _REQUIRED if name not in header]
    if missing:
        raise InputError(f"{origin}: the track table has no column {', '.join(missing)} (its header is {header})")
    if not body:
        raise InputError(f"{origin}: the track table has a header and no tracks")
    for number, row in enumerate(body):
        if len(row) != len(header):
            raise InputError(f"{origin}: track {number} has {len(row)} fields where the header has {len(header)}")
    column = {name: [row[position] for row in body] for position, name in enumerate(header)}
    size = len(body)
    table = pd.DataFrame(
        {
            "identifier": column["identifier"],
            "file": column["file"],
            "clip": _numbers(column["clip"], "clip", origin),
            "clip_soft": _numbers(column.get("clip_soft", [""] * size), "clip_soft", origin, optional=True),
            "scale": _numbers(column["scale"], "scale", origin),
            "sum_stat": column["sum_stat"],
            "strand_pair": _strand_pairs(column, header, size, origin),
            "replicates": [text.strip() for text in column.get("replicates", [""] * size)],
            "description": column["description"],
        }
    )
    _check(table, origin)
    if "group_order" in header:
        order = dict(sorted(zip(map(int, column["group_order"]), column["group"], strict=True)))
        table["group"] = pd.Categorical(column["group"], categories=list(order.values()), ordered=True)
    return table


def _numbers(values: Sequence[str], name: str, origin: str, optional: bool = False) -> np.ndarray:
    parsed = np.empty(len(values))
    for row, value in enumerate(values):
        if optional and value.strip().lower() in ("", "nan", "na"):
            parsed[row] = math.nan
            continue
        try:
            parsed[row] = float(value)
        except ValueError:
            parsed[row] = math.nan
        if not (math.isfinite(parsed[row]) and parsed[row] > 0):
            raise InputError(f"{origin}: track {row} has {name} {value!r}: it must be a positive number")
    return parsed


def _strand_pairs(column: Mapping[str, list[str]], header: Sequence[str], size: int, origin: str) -> np.ndarray:
    """Row of each track's other strand. The file refers to its index column, which may not start at 0."""
    if "strand_pair" not in column:
        return np.arange(size)
    labels = column.get(header[0], []) if header[0] in ("", "index") else column.get("index", [])
    row_of = {label.strip(): row for row, label in enumerate(labels or map(str, range(size)))}
    pairs = np.arange(size)
    for row, value in enumerate(column["strand_pair"]):
        if value.strip() == "":
            continue
        if value.strip() not in row_of:
            raise InputError(f"{origin}: track {row} has strand_pair {value!r}, which is the index of no track")
        pairs[row] = row_of[value.strip()]
    wrong = np.flatnonzero(pairs[pairs] != np.arange(size))
    if len(wrong):
        row = wrong[0]
        raise InputError(
            f"{origin}: track {row} names track {pairs[row]} as its strand_pair, but that one names track "
            f"{pairs[pairs[row]]}: a pair must point both ways"
        )
    return pairs


def _check(table: pd.DataFrame, origin: str) -> None:
    known = table["sum_stat"].isin(SUMMARY_STATISTICS)
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise InputError(
            f"{origin}: track {row} has sum_stat {table['sum_stat'][row]!r}: use one of {', '.join(SUMMARY_STATISTICS)}"
        )
    doubled = table["identifier"].duplicated()
    if doubled.any():
        row = int(np.flatnonzero(doubled)[0])
        raise InputError(f"{origin}: the identifier {table['identifier'][row]!r} of track {row} occurs twice")
