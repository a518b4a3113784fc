"""Windows of the genome, their splits, and the examples that are cut from each."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from regulens.data.settings import CropSettings, Geometry
from regulens.errors import InputError

SPLITS = ("train", "valid", "test")
"""Names of the splits."""


class Region(NamedTuple):
    """A row of a BED file: 0-based, half-open."""

    contig: str
    start: int
    end: int
    split: str
    """train, valid or test; empty when the file has no such column."""
    line: int
    """Line number in the file, from 1."""

    def __str__(self) -> str:
        return f"line {self.line} ({self.contig}:{self.start}-{self.end}{f', {self.split}' if self.split else ''})"


class Tile(NamedTuple):
    """One example of a window, in bp from the start of the window's target region."""

    target_start: int
    """First base of the target span."""
    input_start: int
    """First base of the input sequence; negative where it begins before the target region."""


def tile_window(target_bp: int, geometry: Geometry, settings: CropSettings) -> list[Tile]:
    """Examples of a window whose target region is ``target_bp`` long, left to right.

    ``centre`` gives one, whose target span is the centre of the region (000 section 3.4). ``adjoining`` gives as many
    as fit side by side, centred as a whole. A middle that is not a whole base is rounded down.

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


def read_bed(path: Path | str, with_split: bool = False) -> list[Region]:
    """Read a BED file, in file order; ``with_split`` asks for a split (train, valid, test) in the fourth column.

    Empty, comment, ``track`` and ``browser`` lines and further columns are skipped.
    Raises `InputError` naming file and line of a malformed row.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: the BED file does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read the BED file: {error}") from None
    needed = 4 if with_split else 3
    regions = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(("#", "track ", "browser ")):
            continue
        fields = line.split("\t")
        if len(fields) < needed:
            raise InputError(f"{path}, line {number}: {len(fields)} tab-separated fields where {needed} are needed")
        try:
            start, end = int(fields[1]), int(fields[2])
        except ValueError:
            raise InputError(f"{path}, line {number}: start and end must be numbers, found {fields[1:3]}") from None
        if not 0 <= start < end:
            raise InputError(f"{path}, line {number}: need 0 <= start < end, found start {start} and end {end}")
        split = fields[3].strip() if with_split else ""
        if with_split and split not in SPLITS:
            raise InputError(f"{path}, line {number}: split {split!r} is not one of {', '.join(SPLITS)}")
        regions.append(Region(fields[0], start, end, split, number))
    return regions


def read_windows(path: Path | str) -> list[Region]:
    """Read a BED of windows whose fourth column is the split, in file order; `InputError` when it has none."""
    windows = read_bed(path, with_split=True)
    if not windows:
        raise InputError(f"{path}: there are no windows in it")
    return windows


def check_splits_disjoint(targets: Sequence[Region], path: Path | str) -> None:
    """Raise `InputError` naming both rows of ``path`` when the target regions of two splits share a base.

    Inputs may overlap: the sequence beside a target is context, and its own coverage is never asked for.
    """
    furthest: dict[str, Region] = {}  # by split, the region of this contig that reaches furthest so far
    contig = None
    for region in sorted(targets):
        if region.contig != contig:
            furthest, contig = {}, region.contig
        for other in furthest.values():
            if other.split != region.split and other.end > region.start:
                raise InputError(
                    f"{path}: the target regions of {other} and {region} overlap: remove one of them, or two splits "
                    "share targets"
                )
        if region.split not in furthest or furthest[region.split].end < region.end:
            furthest[region.split] = region
