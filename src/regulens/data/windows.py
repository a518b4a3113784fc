"""Windows of the genome, their splits, and the examples that are cut from each."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from regulens.data.settings import CropSettings, Geometry
from regulens.errors import InputError

SPLITS = ("train", "valid", "test")
"""Names of the splits."""


@dataclass(frozen=True)
class Tile:
    """One example of a window, in bp from the start of the window's target region."""

    target_start: int
    """First base of the target span."""
    input_start: int
    """First base of the input sequence; negative where it begins before the target region."""


def tile_window(target_bp: int, geometry: Geometry, settings: CropSettings) -> list[Tile]:
    """Examples of a window whose target region is ``target_bp`` long, left to right.

    ``centre`` gives one, whose target span is the centre of the region (000 section 3.4). ``adjoining`` gives as many as
    fit side by side, centred as a whole. A middle that is not a whole base is rounded down.

    Raises `InputError` when the region is shorter than one target span.
    """
    fit = target_bp // geometry.target_bp
    if fit == 0:
        raise InputError(
            f"a window's target region of {target_bp} bp is shorter than bins x bin_bp = {geometry.target_bp} bp: use "
            "fewer bins or longer windows"
        )
    number = 1 if settings.tiling == "centre" else fit
    first = (target_bp - number * geometry.target_bp) // 2
    context = (geometry.input_bp - geometry.target_bp) // 2
    starts = [first + tile * geometry.target_bp for tile in range(number)]
    return [Tile(start, start - context) for start in starts]


def read_bed(path: Path | str, columns: int = 3) -> pd.DataFrame:
    """Read a BED file: contig, start, end (0-based, half-open) and, with ``columns=4``, split.

    Comment, ``track`` and ``browser`` lines and further columns are skipped; the column ``line`` keeps the line number.
    Raises `InputError` naming file and line of a malformed row.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: the BED file does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read the BED file: {error}") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        fields = line.split("\t")
        if len(fields) < columns:
            raise InputError(f"{path}, line {number}: {len(fields)} tab-separated fields where {columns} are needed")
        try:
            start, end = int(fields[1]), int(fields[2])
        except ValueError:
            raise InputError(f"{path}, line {number}: start and end must be numbers, found {fields[1:3]}") from None
        if not 0 <= start < end:
            raise InputError(
                f"{path}, line {number}: start {start} and end {end} are not a span: need 0 <= start < end"
            )
        if columns > 3 and fields[3].strip() not in SPLITS:
            raise InputError(f"{path}, line {number}: split {fields[3]!r} is not one of {', '.join(SPLITS)}")
        rows.append((fields[0], start, end, *(field.strip() for field in fields[3:columns]), number))
    return pd.DataFrame(rows, columns=["contig", "start", "end", *["split"][: columns - 3], "line"])


def read_windows(path: Path | str) -> pd.DataFrame:
    """Read a BED of windows with their split (train, valid or test) as fourth column; one row a window, in file order."""
    windows = read_bed(path, columns=4)
    if windows.empty:
        raise InputError(f"{path}: there are no windows in it")
    return windows


def check_splits_disjoint(windows: pd.DataFrame, path: Path | str) -> None:
    """Raise `InputError` naming both rows when the target regions of two splits share a base.

    ``windows`` needs contig, start, end (of the target region), split and line. Inputs may overlap: the sequence beside a
    target is context, and its own coverage is never asked for.
    """
    for _, rows in windows.groupby("contig", sort=False):
        last: dict[str, tuple] = {}  # by split, the row seen so far that reaches furthest
        for row in rows.sort_values("start").itertuples():
            for other in last.values():
                if other.split != row.split and other.end > row.start:
                    raise InputError(
                        f"{path}: the target regions of lines {other.line} ({other.split}, {other.contig}:{other.start}-"
                        f"{other.end}) and {row.line} ({row.split}, {row.contig}:{row.start}-{row.end}) overlap: remove "
                        "one, or the splits share their targets"
                    )
            if row.split not in last or last[row.split].end < row.end:
                last[row.split] = row
