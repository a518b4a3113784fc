"""Coverage from tables of positions: counts of transcription start sites, nucleosome dyads, sites of a protein.

Such a table has one row per position and becomes one bigWig file, or one for each strand, without a value everywhere
else, which the crop reads as 0. From there on it is coverage like any other.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyBigWig

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output, read_text
from regulens.core.progress import say
from regulens.core.settings import nearest
from regulens.data.genome import CONTIG_NAMES, Genome, check_contigs, map_contigs
from regulens.data.settings import PositionTable


@command("positions-to-bigwig")
def positions_to_bigwig(
    table: Path | str,
    /,
    fasta: Path | str,
    positions: Part[PositionTable],
    contig_names: Part[Mapping[str, str | None]],
    output: Path | str,
    strand: Literal["both", "plus", "minus"] = "both",
) -> int:
    """Write the positions of a table as a bigWig file; returns the number of rows with a count above 0.

    Arguments:
        fasta: genome, whose contigs the file gets.
        positions: where the columns are.
        contig_names: contigs that the table names otherwise than the FASTA; null leaves one out.
        strand: rows of this strand only.

    Raises `InputError` naming file, line and column of a malformed row, a position beyond its contig, and a contig that
    is not in the FASTA.
    """
    rows = read_positions(table, positions)
    with Genome(fasta) as genome:
        lengths = genome.lengths
    rows["contig"] = renamed(rows["contig"], contig_names)
    rows = rows.dropna(subset="contig")
    _check_inside(rows, table, fasta, lengths)
    if strand != "both":
        if positions.strand is None:
            raise InputError(f"{table}: its entry in data.positions names no column of strands: set its key strand")
        rows = rows[rows["strand"] == {"plus": "+", "minus": "-"}[strand]]
    rows = rows[rows["count"] > 0]
    with atomic_output(output) as temporary:
        file = pyBigWig.open(str(temporary), "w")
        file.addHeader(list(lengths.items()))
        for contig, length in lengths.items():  # in the order of the header
            if (of := rows[rows["contig"] == contig]).empty:
                continue
            starts, ends, values = footprints(
                of["position"].to_numpy(), of["count"].to_numpy(), positions.width_bp, length
            )
            file.addEntries([contig] * len(starts), starts.tolist(), ends=ends.tolist(), values=values.tolist())
        file.close()
    if rows.empty:
        say(f"{table}: it has no position on strand {strand}: the coverage is 0 everywhere")
    return len(rows)


def footprints(
    positions: np.ndarray, counts: np.ndarray, width_bp: int, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals of constant coverage above 0 if each position covers ``width_bp`` bases around it, by its count.

    ``positions`` int64 (n,), 0-based, and ``counts`` float64 (n,) in any order. Returns starts, ends (0-based,
    half-open, cut at 0 and ``length``) and values. An even width reaches one base further to the left.
    """
    starts = np.maximum(positions - width_bp // 2, 0)
    ends = np.minimum(positions - width_bp // 2 + width_bp, length)
    places, inverse = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    change = np.bincount(inverse, weights=np.concatenate([counts, -counts]))
    open_ones = np.cumsum(np.bincount(inverse, weights=np.repeat([1.0, -1.0], len(counts))))[:-1]
    covered = open_ones > 0.5  # not the sum of counts, which may be left with a rounding error
    return places[:-1][covered], places[1:][covered], np.cumsum(change)[:-1][covered]


def read_positions(path: Path | str, settings: PositionTable) -> pd.DataFrame:
    """Rows of a table: contig, position (0-based), strand, count (float64) and line (from 1), in file order.

    ``strand`` is empty if the table has none. Blank and comment lines (#), and those that `where` excludes, are left
    out. Raises `InputError` naming file, line and column of what is missing or malformed.
    """
    lines = [
        (number, line)
        for number, line in enumerate(read_text(path, "table of positions").split("\n"), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not lines:
        raise InputError(f"{path}: there are no positions in it")
    separator = "\t" if "\t" in lines[0][1] else None
    rows = [(number, line.split(separator)) for number, line in lines]
    wanted = {key: getattr(settings, key) for key in ("contig", "position", "end", "strand", "count")}
    columns = {key: column for key, column in wanted.items() if column is not None}
    if settings.where:
        columns["where"] = settings.where.column
    named = isinstance(settings.contig, str)
    header = [field.strip() for field in rows.pop(0)[1]] if named else []
    places = {}
    for key, column in columns.items():
        if isinstance(column, str) and column not in header:
            raise InputError(f"{path}: there is no column {column!r} for {key}: {nearest(column, header)}")
        places[key] = header.index(column) if isinstance(column, str) else column - 1
    needed = max(places.values()) + 1
    for number, fields in rows:
        if len(fields) < needed:
            raise InputError(f"{path}, line {number}: {len(fields)} columns where {needed} are needed")
    found = pd.DataFrame({key: [fields[place].strip() for _, fields in rows] for key, place in places.items()})
    found["line"] = [number for number, _ in rows]
    if settings.where:
        found = found[found["where"].str.match(settings.where.matches)]
    if found.empty:
        raise InputError(f"{path}: it has no row" + (f" that matches {settings.where}" if settings.where else ""))
    start = _numbers(found, "position", path, whole=True) - settings.first
    if "end" in columns:
        end = _numbers(found, "end", path, whole=True)  # the same number for 0-based, half-open and 1-based intervals
        _refuse(end < start, found, "end", path, "the end must not be before the start")
        start = np.maximum(start, (start + end - 1) // 2)
    if "strand" in columns:
        _refuse(~found["strand"].isin(["+", "-"]), found, "strand", path, "the strand must be + or -")
    return pd.DataFrame(
        {
            "contig": found["contig"],
            "position": start,
            "strand": found.get("strand", ""),
            "count": _numbers(found, "count", path) if "count" in columns else 1.0,
            "line": found["line"],
        }
    )


def _numbers(table: pd.DataFrame, column: str, path: Path | str, whole: bool = False) -> pd.Series:
    values = pd.to_numeric(table[column], errors="coerce")
    wrong = ~np.isfinite(values) | (values < 0) | (whole & (values % 1 != 0))
    _refuse(wrong, table, column, path, f"a{' whole' if whole else ''} number of at least 0 is needed")
    return values.astype(np.int64 if whole else np.float64)


def _refuse(wrong: pd.Series, table: pd.DataFrame, column: str, path: Path | str, what: str) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        raise InputError(f"{path}, line {row['line']}, {column}: {what}, found {row[column]!r}")


def _check_inside(rows: pd.DataFrame, path: Path | str, fasta: Path | str, lengths: Mapping[str, int]) -> None:
    contigs = rows["contig"].unique()
    check_contigs(contigs, path, lengths, fasta, CONTIG_NAMES)
    unknown = ~rows["contig"].isin(lengths)
    if unknown.any():
        row = rows[unknown].iloc[0]
        others = map_contigs(rows["contig"][unknown].unique(), lengths, CONTIG_NAMES)
        raise InputError(
            f"{path}, line {row['line']}: {fasta} has no contig {row['contig']!r} (it has "
            f"{', '.join(list(lengths)[:3])}, ...): {others}, or to null, which leaves it out"
        )
    beyond = (rows["position"] < 0) | (rows["position"] >= rows["contig"].map(lengths))
    if beyond.any():
        row = rows[beyond].iloc[0]
        raise InputError(
            f"{path}, line {row['line']}: base {row['position'] + 1} of {row['contig']}, which has "
            f"{lengths[row['contig']]} bp: use the genome of these positions, or set first (0 for 0-based ones)"
        )


def renamed(contigs: pd.Series, names: Mapping[str, str | None]) -> pd.Series:
    """Contigs by their names in the genome; those that ``names`` does not list keep theirs."""
    return contigs.map({theirs: names.get(theirs, theirs) for theirs in contigs.unique()})
