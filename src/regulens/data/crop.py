"""Crops training examples out of a genome (`crop_bigwig`) or TFRecords (`crop_tfrecord`) into a store.

See docs/papers.md, "Geometry" and "Enformer and Basenji2".

An example is a window of the sequence and, around its centre, the coverage of every track in bins. Coverage comes base
by base from bigWig files and is cleaned and binned here, or in finished bins from the records of a Basenji data set,
which are pooled to wider ones. Both routes use the same windows (BED), splits and summary statistics.
"""

import json
import math
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyBigWig
import torch

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import GZIP, atomic_output, note_read, read_text
from regulens.core.progress import progress, say
from regulens.data.genome import CONTIG_NAMES, Genome, check_contigs, map_contigs, pad_with_n
from regulens.data.settings import SPLITS, ContigSplits, CropSettings, Geometry
from regulens.data.store import write_store
from regulens.data.tfrecord import decode_sequence, parse_example, read_records
from regulens.data.tracks import assign_groups, read_track_table

FLOAT16_MAX = float(np.finfo(np.float16).max)
"""65,504; larger values are clipped to it before they are stored."""

_FLOAT16_TINY = float(np.finfo(np.float16).tiny)  # 6e-5; below it, float16 has fewer digits, and below 3e-8 none

_RANGE = ("bases_above", "bases_below", "bins_at_limit")
"""What is counted of a track where float16 is too narrow."""

_SQUARE_ROOT = ("sum_sqrt", "mean_sqrt")

_FEWEST_BINS = 8  # a shorter window has no baseline: half of it may be one peak

_OPEN_FILES = 400  # bigWig files open at a time: most systems limit a process to 1,024 files


class Region(NamedTuple):
    """A row of a BED file: 0-based, half-open."""

    contig: str
    start: int
    end: int
    split: str
    """train, valid or test; empty if the file has no such column."""
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


# From genome and bigWig files.


@command("crop-bigwig")
def crop_bigwig(
    *,
    fasta: Path | str,
    windows: Path | str,
    tracks: Path | str,
    coverage: Sequence[Path | str],
    blacklist: Path | str | None = None,
    split: str,
    shard: int,
    shards: int,
    geometry: Part[Geometry],
    groups: Part[Mapping[str, Sequence[str]]],
    crop: Part[CropSettings],
    output: Path | str,
) -> int:
    """Crop one shard of the examples of a split from FASTA and bigWig files; returns its number of examples.

    ``windows`` is a BED of target regions with their split; the examples of ``split``, in file order, are divided
    evenly over ``shards`` shards, numbered from 0. ``tracks`` is the track table, whose column ``file`` names bigWig
    files in the folder ``coverage``, or in the first of several that has it. ``blacklist`` is a BED of regions with
    untrustworthy coverage. Coverage is cleaned over the whole target region of a window, whose median is the baseline,
    and then binned (see `clean_coverage`, `bin_coverage`). One window is in memory at a time.

    An input that reaches beyond the end of its contig is padded with N or dropped. A contig missing from a bigWig has
    no coverage there; one missing from the FASTA is an error. Contigs are named as in the FASTA, after
    ``crop.contig_names``. What float16 cannot hold of the coverage is counted in the store and said.

    Raises `InputError`, and leaves no output, for that, for overlapping splits, windows beyond their contig or shorter
    than a target, a blacklist or a bigWig that shares no contig with them or has one under another name, a bigWig that
    disagrees on a contig's length, and malformed files.
    """
    settings = crop
    if not 0 <= shard < shards:
        raise InputError(f"shard {shard} of {split}: shards are numbered from 0 to {shards - 1}")
    table = assign_groups(read_track_table(tracks), groups, tracks)
    regions = read_windows(windows, settings.contig_names)
    check_splits_disjoint(regions, windows)
    with Genome(fasta) as genome, Coverage(table, coverage, tracks, settings) as measured:
        _check_regions(regions, genome, windows)
        lengths = {region.contig: genome.lengths[region.contig] for region in regions}
        masks = _masks(blacklist, genome, lengths, settings) if blacklist else {}
        measured.check_contigs(lengths, genome.path)
        examples = _examples(regions, split, genome, geometry, settings, windows)
        first, last = len(examples) * shard // shards, len(examples) * (shard + 1) // shards
        with write_store(output, table, geometry, split, settings.compression) as store:
            for work in progress(_by_window(examples[first:last]), f"windows of {split} {shard}"):
                contig, start = work.window.contig, work.window.start
                mask = [(a - start, b - start) for a, b in masks.get(contig, ())]
                targets = measured.targets(work, geometry, mask)
                for tile, target in zip(work.tiles, targets, strict=True):
                    left, right = start + tile.input_start, start + tile.input_start + geometry.input_bp
                    store.append(genome.codes(contig, left, right), target, f"{contig}:{left}-{right}")
            store.out_of_range = measured.report()
            return store.examples


def _masks(
    path: Path | str, genome: Genome, windows: Iterable[str], settings: CropSettings
) -> dict[str, list[tuple[int, int]]]:
    """Intervals of a blacklist by contig, extended; a warning if none is on a contig of the windows."""
    masks: dict[str, list[tuple[int, int]]] = {}
    for region in read_bed(path, names=settings.contig_names):
        extended = (region.start - settings.blacklist_extend_bp, region.end + settings.blacklist_extend_bp)
        masks.setdefault(region.contig, []).append(extended)
    if masks:
        check_contigs(masks, path, genome.lengths, genome.path, CONTIG_NAMES)
    if masks.keys().isdisjoint(windows):
        say(f"{path}: none of its {sum(map(len, masks.values()))} regions is on a contig of the windows")
    return masks


def _check_regions(regions: Sequence[Region], genome: Genome, path: Path | str) -> None:
    for region in regions:
        if region.contig not in genome.lengths:
            unknown = [other.contig for other in regions if other.contig not in genome.lengths]
            known = ", ".join(list(genome.lengths)[:3])
            raise InputError(
                f"{path}: {region} is on a contig that {genome.path} lacks (it has {known}, ...): use the FASTA of the "
                f"same assembly, or {map_contigs(unknown, genome.lengths, CONTIG_NAMES)}"
            )
        if region.end > genome.lengths[region.contig]:
            raise InputError(
                f"{path}: {region} ends beyond its contig of {genome.lengths[region.contig]} bp in {genome.path}: use "
                "the FASTA of the same assembly"
            )


class _Work(NamedTuple):
    """Adjoining examples of one window."""

    window: Region
    tiles: list[Tile]


def _examples(
    regions: Sequence[Region], split: str, genome: Genome, geometry: Geometry, settings: CropSettings, path: Path | str
) -> list[tuple[Region, Tile]]:
    """Examples of a split that are kept, in window order."""
    examples = []
    for region in regions:
        if region.split != split:
            continue
        try:
            tiles = tile_window(region.end - region.start, geometry, settings)
        except InputError as error:
            raise InputError(f"{path}: {region}: {error}") from None
        for tile in tiles:
            start = region.start + tile.input_start
            inside = start >= 0 and start + geometry.input_bp <= genome.lengths[region.contig]
            if inside or settings.overhang == "pad":
                examples.append((region, tile))
    if not examples:
        raise InputError(
            f"{path}: there are no examples of {split} in it: add windows of that split"
            + (", or use overhang: pad" if settings.overhang == "drop" else "")
        )
    return examples


def _by_window(examples: Sequence[tuple[Region, Tile]]) -> list[_Work]:
    work: list[_Work] = []
    for window, tile in examples:
        if not work or work[-1].window is not window:
            work.append(_Work(window, []))
        work[-1].tiles.append(tile)
    return work


class _BigWig(NamedTuple):
    """An open bigWig file."""

    file: Any
    names: dict[str, str]
    """Its contigs: their name in the FASTA to that in the file."""
    empty: bool
    """It has no entry."""


class Coverage:
    """The bigWig files of a track table; a context manager."""

    def __init__(self, table: pd.DataFrame, folders: Sequence[Path | str], origin: Path | str, settings: CropSettings):
        folders = [folders] if isinstance(folders, str | Path) else folders  # a text is a sequence, too
        self._tracks = list(table[["identifier", "scale", "sum_stat", "clip", "clip_soft"]].itertuples(index=False))
        places = [[Path(folder) / file for folder in folders] for file in table["file"]]
        self._paths = [next(filter(Path.is_file, found), found[-1]) for found in places]
        self._origin = origin
        self._settings = settings
        self._rounded = np.zeros((len(table), len(_RANGE)), np.int64)
        self._open: OrderedDict[int, _BigWig] = OrderedDict()

    def check_contigs(self, lengths: Mapping[str, int], fasta: Path) -> None:
        """Open every file once and compare its contigs with those of the windows, ``lengths`` in bp."""
        for row, path in enumerate(self._paths):
            opened = self._file(row)
            contigs = {ours: opened.file.chroms(theirs) for ours, theirs in opened.names.items()}
            check_contigs(contigs, path, lengths, f"the windows, whose names are those of {fasta}", CONTIG_NAMES)
            for name in lengths:
                if contigs.get(name, lengths[name]) != lengths[name]:
                    raise InputError(
                        f"{path}: {name} has {contigs[name]} bp there and {lengths[name]} bp in {fasta}: use coverage "
                        "of the same assembly"
                    )
            if opened.empty:
                say(f"{path}: the bigWig file has no entry: track {row} ({self._tracks[row][0]}) is 0 everywhere")

    def targets(self, work: _Work, geometry: Geometry, mask: Sequence[tuple[int, int]]) -> np.ndarray:
        """Targets float16 (examples, bins, tracks); ``mask`` holds blacklisted intervals relative to the window."""
        window, tiles = work
        settings = self._settings
        first, last = tiles[0].target_start, tiles[-1].target_start + geometry.target_bp
        targets = np.empty((len(tiles), geometry.bins, len(self._tracks)), dtype=np.float16)
        for row, (identifier, scale, *recipe) in enumerate(self._tracks):
            values = self.values(row, window)
            if settings.scale_first:
                values, scale = values * np.float32(scale), 1.0
            self._rounded[row, :2] += out_of_range(values)
            values = clean_coverage(values, geometry.bin_bp, mask, settings.interpolate_gaps)
            try:
                bins = bin_coverage(values[first:last], geometry.bin_bp, scale, *recipe)
            except ValueError as error:
                raise InputError(
                    f"{self._paths[row]}: track {row} ({identifier}) cannot be binned at {window}: {error}: use "
                    "another sum_stat, or coverage without negative values"
                ) from None
            if recipe[1] > FLOAT16_MAX:  # else it is the clip of the track
                self._rounded[row, 2] += np.count_nonzero(np.abs(bins) == FLOAT16_MAX)
            targets[:, :, row] = bins.reshape(len(tiles), geometry.bins)
        return targets

    def report(self) -> dict[str, dict[str, int]]:
        """What float16 could not hold, by track: bases above and below its range, bins at its largest value.

        A warning names the tracks and the remedy.
        """
        found = {
            identifier: dict(zip(_RANGE, counts, strict=True))
            for (identifier, *_), counts in zip(self._tracks, self._rounded.tolist(), strict=True)
            if any(counts)
        }
        if found:
            above, below, bins = (sum(counts[kind] for counts in found.values()) for kind in _RANGE)
            named = ", ".join(list(found)[:3]) + (", ..." if len(found) > 3 else "")
            remedy = (
                "choose another scale for these tracks"
                if self._settings.scale_first
                else "set crop.scale_first: true, which multiplies by the scale of the track before it rounds"
            )
            say(
                f"{self._origin}: float16 cannot hold the coverage of {len(found)} of the tracks ({named}): {above:,} "
                f"bases beyond {FLOAT16_MAX:,.0f} were clipped to it, {below:,} bases below {_FLOAT16_TINY:.1g} "
                f"became 0 or changed by more than 1 %, {bins:,} bins have reached {FLOAT16_MAX:,.0f}: {remedy}"
            )
        return found

    def values(self, row: int, window: Region) -> np.ndarray:
        """Coverage of a window, base by base, nan where the file has none; 0 on a contig that it lacks."""
        opened = self._file(row)
        if opened.empty or window.contig not in opened.names:
            return np.zeros(window.end - window.start, dtype=np.float32)
        try:
            return opened.file.values(opened.names[window.contig], window.start, window.end, numpy=True)
        except RuntimeError as error:
            raise InputError(
                f"{self._paths[row]}: the bigWig file is damaged at {window} ({error}): copy it again from where it "
                "came from"
            ) from None

    def _file(self, row: int) -> _BigWig:
        if row in self._open:
            self._open.move_to_end(row)
            return self._open[row]
        path = self._paths[row]
        if not path.is_file():
            raise InputError(
                f"{path}: the coverage of track {row} ({self._tracks[row][0]}) in {self._origin} is missing"
            )
        note_read(path)
        try:
            file = pyBigWig.open(str(path))
        except RuntimeError:
            file = None
        if file is None or not file.isBigWig():
            raise InputError(
                f"{path}: the coverage of track {row} ({self._tracks[row][0]}) in {self._origin} is not a readable "
                f"bigWig file: {_other_format(path, file)}"
            )
        if len(self._open) == _OPEN_FILES:
            self._open.popitem(last=False)[1].file.close()
        names = {self._settings.contig_names.get(name, name): name for name in file.chroms() or {}}
        names.pop(None, None)
        self._open[row] = _BigWig(file, names, not file.header()["nBasesCovered"])
        return self._open[row]

    def __enter__(self) -> "Coverage":
        return self

    def __exit__(self, *_) -> None:
        for opened in self._open.values():
            opened.file.close()


def _other_format(path: Path, file) -> str:
    """What a file that is no bigWig is, and what to do."""
    with path.open("rb") as stream:
        start = stream.read(2)
    if file is not None:
        return "it is a bigBed file, which has intervals, not coverage; name the bigWig file of the experiment"
    if start == GZIP:
        return "it is compressed; decompress it (gunzip)"
    return "it is of another format, or was cut short; name another file, or copy it again from where it came from"


# From a TFRecord file of a Basenji data set (Genomic Interpreter, section 3.4; docs/papers.md, "BasenjiSmall" and
# "TFRecords").


@command("crop-tfrecord")
def crop_tfrecord(
    *,
    tfrecord: Path | str,
    windows: Path | str | None = None,
    tracks: Path | str,
    statistics: Path | str,
    split: str,
    shard: int,
    geometry: Part[Geometry],
    groups: Part[Mapping[str, Sequence[str]]],
    crop: Part[CropSettings],
    output: Path | str,
) -> int:
    """Crop the examples of one TFRecord file into one shard; returns their number. Memory stays at a few records.

    ``tfrecord`` is file number ``shard`` (from 0) of ``split``, ``tracks`` the target table and ``statistics`` the
    statistics.json of the data set. ``windows`` is its sequences.bed, whose rows of one split are in the order of the
    records: file ``shard`` begins with row ``shard`` x ``crop.records_per_file``. Without it the examples have no
    location.

    The target span of an example is pooled from ``pool_width`` to ``geometry.bin_bp`` if the latter is a multiple
    (`BinPooler` says when this is exact). An input that reaches beyond the record's sequence is padded with N or
    dropped.

    Raises `InputError`, and leaves no output, when the table, the statistics, the windows or the geometry do not fit
    the records, or a record is broken.
    """
    settings = crop
    table = assign_groups(read_track_table(tracks), groups, tracks)
    record = RecordFormat.read(statistics)
    if len(table) != record.tracks:
        raise InputError(
            f"{tracks}: the table has {len(table)} tracks, the data have num_targets = {record.tracks} ({statistics}): "
            "use the table that came with the data"
        )
    pooler = BinPooler(table, record.factor(geometry, statistics))
    tiles = record.tiles(geometry, settings, statistics)
    rows = None if windows is None else _shard_rows(windows, record, split, shard, settings)
    expected = None if rows is None else len(rows)
    # The kept examples are adjacent, so their bins are pooled in one go.
    first = tiles[0].target_start // record.pool_width
    last = (tiles[-1].target_start + geometry.target_bp) // record.pool_width
    number = -1
    with write_store(output, table, geometry, split, settings.compression) as store:
        for number, payload in enumerate(progress(read_records(tfrecord), Path(tfrecord).name, expected)):
            if number == expected:
                break
            try:
                sequence, target = record.unpack(parse_example(payload))
                targets = pooler(_finite(target[first:last])).reshape(len(tiles), geometry.bins, record.tracks)
                for tile, bins in zip(tiles, targets, strict=True):
                    start = tile.input_start + record.crop_bp
                    end, location = start + geometry.input_bp, ""
                    first_bp, last_bp = (min(max(place, 0), record.sequence_bp) for place in (start, end))
                    codes = pad_with_n(decode_sequence(sequence, record.sequence_bp, first_bp, last_bp), start, end)
                    if rows is not None:
                        contig, offset = rows[number]
                        location = f"{contig}:{offset + start}-{offset + end}"
                    store.append(codes, bins, location)
            except ValueError as error:
                raise InputError(f"{tfrecord}: record {number} is not usable: {error}") from None
        if expected == 0 and number == 0:
            raise InputError(
                f"{tfrecord}: file {shard} of {split} would start at row {shard * settings.records_per_file} of that "
                f"split in {windows}, which has fewer: there are too many files for records_per_file = "
                f"{settings.records_per_file}"
            )
        if expected is not None and number + 1 != expected:
            found = f"more than {expected}" if number == expected else str(number + 1)
            raise InputError(
                f"{tfrecord}: it has {found} records, but as file {shard} of {split} with records_per_file = "
                f"{settings.records_per_file} it should have {expected} of the rows of {windows}: check these three"
            )
        return store.examples


@dataclass(frozen=True)
class RecordFormat:
    """What statistics.json says about the records."""

    sequence_bp: int
    pool_width: int
    crop_bp: int
    bins: int
    tracks: int
    records: dict[str, int]

    @classmethod
    def read(cls, path: Path | str) -> "RecordFormat":
        """Read and check ``path``; `InputError` naming the key that is missing or does not fit the others."""
        try:
            values = json.loads(read_text(path, "file of the data set's statistics"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: not a readable JSON file: {error}") from None
        keys = ("seq_length", "pool_width", "crop_bp", "target_length", "num_targets")
        for key in keys:
            value = values.get(key) if isinstance(values, dict) else None
            if not isinstance(value, int) or value < (key != "crop_bp"):
                raise InputError(f"{path}: {key} must be a whole number, found {value!r}")
        records = {key.removesuffix("_seqs"): value for key, value in values.items() if key.endswith("_seqs")}
        record = cls(*(values[key] for key in keys), records)
        if record.target_bp + 2 * record.crop_bp != record.sequence_bp:
            raise InputError(
                f"{path}: target_length x pool_width + 2 x crop_bp = {record.target_bp + 2 * record.crop_bp} is not "
                f"seq_length = {record.sequence_bp}"
            )
        return record

    @property
    def target_bp(self) -> int:
        """Length of the target region in bp."""
        return self.bins * self.pool_width

    def factor(self, geometry: Geometry, origin: Path | str) -> int:
        """Number of record bins per bin of the geometry; `InputError` if it is not an integer."""
        if geometry.bin_bp % self.pool_width:
            raise InputError(
                f"bin_bp = {geometry.bin_bp} is not a multiple of the data's pool_width = {self.pool_width} ({origin})"
                ": bins are pooled, not split"
            )
        return geometry.bin_bp // self.pool_width

    def tiles(self, geometry: Geometry, settings: CropSettings, origin: Path | str) -> list[Tile]:
        """Examples of one record that are kept; `InputError` if their target spans are off the record's bins."""
        tiles = tile_window(self.target_bp, geometry, settings)
        if tiles[0].target_start % self.pool_width:
            raise InputError(
                f"the first target span would start {tiles[0].target_start} bp into the record's target, off its grid "
                f"of {self.pool_width} bp ({origin}): it can be centred only if bins x bin_bp / {self.pool_width} is "
                f"{'odd' if self.bins % 2 else 'even'}, as target_length is"
            )
        if settings.overhang == "drop":
            starts = {tile: tile.input_start + self.crop_bp for tile in tiles}
            tiles = [tile for tile in tiles if 0 <= starts[tile] <= self.sequence_bp - geometry.input_bp]
            if not tiles:
                raise InputError(
                    f"every input of {geometry.input_bp} bp hangs over the record's {self.sequence_bp} bp, and "
                    "overhang: drop leaves no example: use overhang: pad or a shorter input_bp"
                )
        return tiles

    def unpack(self, features: Mapping[str, memoryview]) -> tuple[memoryview, np.ndarray]:
        """Raw sequence and float16 target (bins, tracks) of a record; `ValueError` when they do not fit."""
        for name in ("sequence", "target"):
            if name not in features:
                raise ValueError(f"it has no byte feature {name!r}")
        target = np.frombuffer(features["target"], dtype=np.uint8)
        if len(target) != 2 * self.bins * self.tracks:
            raise ValueError(
                f"its target has {len(target)} bytes where target_length x num_targets float16 are "
                f"{2 * self.bins * self.tracks}"
            )
        return features["sequence"], target.view("<f2").reshape(self.bins, self.tracks)


def _shard_rows(
    path: Path | str, record: RecordFormat, split: str, shard: int, settings: CropSettings
) -> list[tuple[str, int]]:
    """Contig and first base of the sequence of each record of a shard; none for a file after the last row.

    (Some data sets end with a file without records.)
    Rows are target regions or whole sequences (both are in use), as determined by their width.
    """
    targets = []
    for row in read_windows(path):
        if row.end - row.start == record.target_bp:
            targets.append(row)
        elif row.end - row.start == record.sequence_bp:
            targets.append(row._replace(start=row.start + record.crop_bp, end=row.end - record.crop_bp))
        else:
            raise InputError(
                f"{path}: {row} is neither a sequence of {record.sequence_bp} bp nor a target region of "
                f"{record.target_bp} bp: use the sequences.bed that came with the data"
            )
    check_splits_disjoint(targets, path)
    mine = [row for row in targets if row.split == split]
    if record.records.get(split, len(mine)) != len(mine):
        raise InputError(
            f"{path}: it has {len(mine)} rows of {split}, but the statistics say {split}_seqs = "
            f"{record.records[split]}: use the sequences.bed that came with the data"
        )
    if not mine:
        raise InputError(f"{path}: it has no rows of {split}")
    first = shard * settings.records_per_file
    return [(row.contig, row.start - record.crop_bp) for row in mine[first : first + settings.records_per_file]]


def _finite(target: np.ndarray) -> np.ndarray:
    bits = target.view(np.uint16) & 0x7FFF  # without the sign, infinity and nan are the largest bit patterns
    if bits.max() >= 0x7C00:
        row, track = np.unravel_index(bits.argmax(), bits.shape)
        raise ValueError(f"its target of track {track} is {target[row, track]}, which cannot be learned")
    return target


# Windows of the genome, their splits, and the examples cut from each.


@command("windows-by-contig")
def windows_by_contig(
    fasta: Path | str, splits: Part[ContigSplits], geometry: Part[Geometry], output: Path | str
) -> dict[str, int]:
    """Write a BED of adjoining windows, each of one target span, from the start of every contig; returns the counts.

    The contig determines the split; what is left at its end is in no window. Raises `InputError` for a name that fits
    no contig or is in two lists, and for a split without a window.
    """
    with Genome(fasta) as genome:
        lengths = genome.lengths
    try:
        windows = splits.windows(lengths, geometry.target_bp)
    except ValueError as error:
        raise InputError(f"{fasta}: {error}") from None
    with atomic_output(output) as temporary:
        temporary.write_text("".join("\t".join(map(str, window)) + "\n" for window in windows), encoding="utf-8")
    return dict(Counter(split for *_, split in windows))


def read_windows(path: Path | str, names: Mapping[str, str | None] | None = None) -> list[Region]:
    """Read a BED of windows with their split in the fourth column, in file order; `InputError` if it is empty.

    ``names`` maps contigs of the file to their names here.
    """
    windows = read_bed(path, with_split=True, names=names)
    if not windows:
        raise InputError(f"{path}: there are no windows in it")
    return windows


def read_bed(path: Path | str, with_split: bool = False, names: Mapping[str, str | None] | None = None) -> list[Region]:
    """Read a BED file, plain or gzip, in file order.

    ``with_split`` requires a split (train, valid, test) in the fourth column; ``names`` maps contigs of the file to
    their names here, or to None, which leaves their rows out. Empty, comment, ``track`` and ``browser`` lines and
    further columns are skipped.

    Raises `InputError` naming file and line of a malformed row.
    """
    needed, names = 4 if with_split else 3, names or {}
    regions = []
    for number, line in enumerate(read_text(path, "BED file").split("\n"), start=1):
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
        contig = names.get(fields[0], fields[0])
        if contig is not None:
            regions.append(Region(contig, start, end, split, number))
    return regions


def check_splits_disjoint(targets: Sequence[Region], path: Path | str) -> None:
    """Raise `InputError` naming both rows of ``path`` if target regions of different splits overlap.

    Inputs may overlap: the sequence beside a target is only context, whose coverage is not predicted.
    """
    furthest: dict[str, Region] = {}  # by split, the region of this contig with the largest end so far
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


def tile_window(target_bp: int, geometry: Geometry, settings: CropSettings) -> list[Tile]:
    """Examples of a window with a target region of ``target_bp``, from left to right.

    ``centre`` gives one, whose target span is the centre of the region (docs/papers.md, "BasenjiSmall"). ``adjoining``
    gives as many as fit side by side, centred together. Centres are rounded down to whole bases.

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


# From the coverage of one window, base by base, to the bins of a target (docs/papers.md, "Coverage to bins").


def clean_coverage(
    values: np.ndarray, bin_bp: int, blacklist: Sequence[tuple[int, int]] = (), interpolate: bool = False
) -> np.ndarray:
    """Coverage after steps 1 to 5: rounded to float16, gaps filled, blacklisted regions flattened; float32 (bp,).

    ``values`` float32 (bp,) is the coverage of one track in one window, nan where the file has no value. The baseline
    is the median of the window, or 0 if the window has a gap or fewer than 8 bins of ``bin_bp``. ``blacklist`` holds
    intervals (start, end) relative to the window, already extended, which may reach beyond it; their values are clipped
    to [-baseline, baseline]. Remaining gaps get the baseline. ``interpolate`` first fills them linearly, falling to 0
    beyond the first and the last value.

    Deviations from Basenji, in this function and in the steps that follow, where its result is not intended
    (docs/papers.md, "Coverage to bins"):

    * values beyond 65,504 become that number, where Basenji has infinity;
    * the rounded values are multiplied by the scale in float32, not in float16;
    * a blacklisted interval that starts before the window is clipped to it (a negative index drops it there);
    * blacklisted values are bounded by the magnitude of the baseline (a negative one inverts the bounds there).

    As there, coverage is rounded before it is scaled, unless `crop.scale_first` is set: what the rounding cannot hold
    is counted (`out_of_range`).
    """
    values = to_float32(to_float16(np.clip(values, -FLOAT16_MAX, FLOAT16_MAX)))
    if interpolate:
        values = interpolate_gaps(values)
    gaps = np.isnan(values)
    has_gaps = gaps.any()
    baseline = 0.0 if has_gaps or len(values) < _FEWEST_BINS * bin_bp else float(np.median(values))
    for start, end in blacklist:
        region = slice(max(start, 0), max(end, 0))
        values[region] = np.clip(values[region], -abs(baseline), abs(baseline))
    if has_gaps:
        values[gaps] = baseline
    return values


def out_of_range(values: np.ndarray) -> tuple[int, int]:
    """Number of values beyond `FLOAT16_MAX`, and of those so near 0 that float16 changes them by more than 1 %."""
    magnitude = np.abs(values)
    small = values[(magnitude < _FLOAT16_TINY) & (magnitude > 0)]
    lost = np.abs(to_float32(to_float16(small)) - small) > 0.01 * np.abs(small)
    return np.count_nonzero(magnitude > FLOAT16_MAX), np.count_nonzero(lost)


def interpolate_gaps(values: np.ndarray) -> np.ndarray:
    """Replace nan by linear interpolation along (bp,); beyond the first and last value the coverage falls to 0."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == len(values):
        return values
    padded = np.concatenate([[0.0], values[known], [0.0]])
    positions = np.concatenate([[-1], known, [len(values)]])
    return np.interp(np.arange(len(values)), positions, padded).astype(np.float32)


def bin_coverage(
    values: np.ndarray, bin_bp: int, scale: float, sum_stat: str, clip: float, clip_soft: float = math.nan
) -> np.ndarray:
    """Bins after steps 7 to 11: ``values`` (bp,) scaled, summarised by ``sum_stat``, clipped; float16 (bins,).

    Basenji's last step, clipping a finished track at its 99.99999th percentile, is left out: it needs every window of
    the data set before the first can be written, and affects about one bin in ten million. Raises `ValueError` for a
    square root of a negative sum.
    """
    scaled = values.astype(np.float32) * np.float32(scale)
    return clip_values(summarise(scaled.reshape(-1, bin_bp), sum_stat), clip, clip_soft)


# Bins: summary statistics, soft and hard clip, and the exact way from fine bins to coarser ones. Everything here works
# in float32 on arrays (bins, ...).


def summarise(values: np.ndarray, sum_stat: str) -> np.ndarray:
    """Summarise ``values`` float32 (bins, width, ...) over their second axis; returns float32 (bins, ...).

    ``sum_sqrt`` is -1 + sqrt(1 + sum), ``mean_sqrt`` the same of the mean, ``peak`` sqrt(4 mean) clipped to [0, 1].
    Raises `ValueError` when a square root would be of a negative number.
    """
    if sum_stat in ("median", "max"):
        return getattr(np, sum_stat)(values, axis=1).astype(np.float32)
    statistic = sum_stat.removesuffix("_sqrt")
    summary = _sum(values)
    if statistic != "sum":
        summary /= values.shape[1]
    if sum_stat == "peak":
        return np.sqrt(np.clip(4 * summary, 0, 1))
    if sum_stat in _SQUARE_ROOT:
        summary += 1
        if summary.min(initial=0) < 0:
            raise ValueError(f"{sum_stat} of a bin whose {statistic} is {summary.min() - 1:.4g}")
        np.sqrt(summary, out=summary)
        summary -= 1
    return summary


def _sum(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        return values.sum(axis=1, dtype=np.float32)
    total = values[:, 0].copy()
    for position in range(1, values.shape[1]):  # whole rows at a time is faster than a sum over the middle axis
        total += values[:, position]
    return total


def clip_values(values: np.ndarray, clip: float, clip_soft: float = math.nan) -> np.ndarray:
    """Clipped bins: x > clip_soft becomes clip_soft - 1 + sqrt(x - clip_soft + 1), then [-clip, clip].

    ``clip_soft`` nan: no soft clip. Returns float16, limited to `FLOAT16_MAX`.
    """
    if values.max(initial=0) > clip_soft:  # never true for nan
        values = np.where(values > clip_soft, clip_soft - 1 + np.sqrt(np.maximum(values - clip_soft, 0) + 1), values)
    limit = min(clip, FLOAT16_MAX)
    return to_float16(np.clip(values, -limit, limit))


def undo_clip_soft(values: np.ndarray, clip_soft: float) -> np.ndarray:
    """Inverse of the soft clip: y > clip_soft becomes (y - clip_soft + 1)^2 + clip_soft - 1; nan changes nothing."""
    if math.isnan(clip_soft):
        return values
    if values.max(initial=0) <= clip_soft:
        return values
    return np.where(values > clip_soft, (values - clip_soft + 1) ** 2 + clip_soft - 1, values)


class BinPooler:
    """Pools ``factor`` neighbouring bins of processed targets into one, as if coverage had been binned coarsely.

    ``tracks`` is a track table. Soft clip and square root of the fine bins are undone, the bins summarised with the
    track's own statistic, and both applied again. This is exact, up to float16 rounding, for mean, max, sum, mean_sqrt
    and sum_sqrt, unless a fine bin reached the hard clip ``clip``, in which case it counts as the clip. Rounding of the
    stored targets propagates through the square.

    Raises `InputError` for a statistic that cannot be pooled: the median of medians is not the median, and ``peak``
    saturates at 1.
    """

    def __init__(self, tracks: pd.DataFrame, factor: int):
        self.factor = factor
        for row, (identifier, sum_stat) in enumerate(zip(tracks["identifier"], tracks["sum_stat"], strict=True)):
            if factor > 1 and sum_stat in ("median", "peak"):
                raise InputError(
                    f"track {row} ({identifier}) has sum_stat {sum_stat}, and {sum_stat} bins cannot be pooled to bins "
                    f"{factor} times as wide: set bin_bp to the pool_width of the data"
                )
        # Neighbouring tracks with the same processing are handled together; a data set has a handful of such runs.
        recipe = tracks[["sum_stat", "clip", "clip_soft"]].fillna(-1)
        starts = np.flatnonzero((recipe != recipe.shift()).any(axis=1).to_numpy())
        ends = [*starts[1:], len(tracks)]
        self._runs = [
            (slice(start, end), tracks["sum_stat"][start], tracks["clip"][start], tracks["clip_soft"][start])
            for start, end in zip(starts.tolist(), ends, strict=True)
        ]

    def __call__(self, target: np.ndarray) -> np.ndarray:
        """Pool ``target`` float16 (factor x bins, tracks) to float16 (bins, tracks)."""
        if self.factor == 1:
            return target
        values = to_float32(target)
        pooled = np.empty((len(target) // self.factor, target.shape[1]), dtype=np.float16)
        for columns, sum_stat, clip, clip_soft in self._runs:
            fine = undo_clip_soft(np.ascontiguousarray(values[:, columns]), clip_soft)
            if sum_stat in _SQUARE_ROOT:
                fine += 1
                fine *= fine
                fine -= 1
            coarse = summarise(fine.reshape(len(pooled), self.factor, -1), sum_stat)
            pooled[:, columns] = clip_values(coarse, clip, clip_soft)
        return pooled


def to_float32(values: np.ndarray) -> np.ndarray:
    """float16 to float32, by PyTorch: its vectorised conversion is twice as fast as NumPy's."""
    return torch.from_numpy(values).float().numpy()


def to_float16(values: np.ndarray) -> np.ndarray:
    """float32 to float16; by PyTorch, twenty times as fast as NumPy. Values beyond `FLOAT16_MAX` become infinite."""
    return torch.from_numpy(values).half().numpy()
