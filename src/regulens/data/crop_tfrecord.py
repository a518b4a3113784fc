"""Crops training examples out of one TFRecord file of a Basenji data set (000 section 3.4; SPEC 2.4, 4.4)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from regulens.data.settings import CropSettings, Geometry
from regulens.data.store import write_store
from regulens.data.summary import BinPooler
from regulens.data.tfrecord import decode_sequence, parse_example, read_records
from regulens.data.tracks import assign_groups, read_track_table
from regulens.data.windows import Tile, check_splits_disjoint, read_windows, tile_window
from regulens.errors import InputError
from regulens.sequence import N_CODE


def crop_tfrecord(
    tfrecord: Path | str,
    tracks: Path | str,
    statistics: Path | str,
    output: Path | str,
    *,
    split: str,
    shard: int,
    geometry: Geometry,
    groups: Mapping[str, Sequence[str]],
    settings: CropSettings,
    windows: Path | str | None = None,
) -> int:
    """Write the examples of one TFRecord file to a store; returns their number. Memory stays at a few records.

    ``tfrecord`` is file number ``shard`` (from 0) of ``split``, ``tracks`` the target table and ``statistics`` the
    statistics.json of the data set. ``windows`` is its sequences.bed, whose rows of one split are in the order of the
    records: file ``shard`` begins with row ``shard`` x ``settings.records_per_file``. Without it the examples have no
    location.

    The target span of an example is pooled from ``pool_width`` to ``geometry.bin_bp`` where the latter is a multiple
    (see `BinPooler` for what is exact). An input that hangs over the record's sequence is padded with N or dropped.

    Raises `InputError`, and leaves no output, when the table, the statistics, the windows or the geometry do not fit
    the records, or a record is broken.
    """
    table = assign_groups(read_track_table(tracks), groups)
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
    # The kept examples adjoin each other: their bins are pooled in one go.
    first = tiles[0].target_start // record.pool_width
    last = (tiles[-1].target_start + geometry.target_bp) // record.pool_width
    number = -1
    with write_store(output, table, geometry, split, settings.compression) as store:
        # A bar for a person at a terminal only (disable=None): a log would fill with them.
        bar = tqdm(read_records(tfrecord), Path(tfrecord).name, expected, disable=None, unit=" records")
        for number, payload in enumerate(bar):
            if number == expected:
                break
            try:
                sequence, target = record.unpack(parse_example(payload))
                targets = pooler(_finite(target[first:last])).reshape(len(tiles), geometry.bins, record.tracks)
                for tile, bins in zip(tiles, targets, strict=True):
                    start = tile.input_start + record.crop_bp
                    codes = _cut(sequence, record.sequence_bp, start, start + geometry.input_bp)
                    location = "" if rows is None else _location(rows[number], start, geometry.input_bp)
                    store.append(codes, bins, location)
            except ValueError as error:
                raise InputError(f"{tfrecord}: record {number} is not usable: {error}") from None
        if expected is not None and number + 1 != expected:
            found = f"more than {expected}" if number == expected else str(number + 1)
            raise InputError(
                f"{tfrecord}: it has {found} records, but as file {shard} of {split} with records_per_file = "
                f"{settings.records_per_file} it should have {expected} of the rows of {windows}: check these three"
            )
        return store.examples


@dataclass(frozen=True)
class RecordFormat:
    """What statistics.json says of the records."""

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
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{path}: the statistics of the data set do not exist") from None
        except (OSError, ValueError) as error:
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
        """How many bins of the records make one of the geometry; `InputError` when that is not a whole number."""
        if geometry.bin_bp % self.pool_width:
            raise InputError(
                f"bin_bp = {geometry.bin_bp} is no multiple of the data's pool_width = {self.pool_width} ({origin}): "
                "bins are pooled, not split"
            )
        return geometry.bin_bp // self.pool_width

    def tiles(self, geometry: Geometry, settings: CropSettings, origin: Path | str) -> list[Tile]:
        """Examples of one record that are kept; `InputError` when their target spans miss the records' bins."""
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


def _cut(sequence: memoryview, length: int, start: int, end: int) -> np.ndarray:
    """Codes of bases ``start`` to ``end``, N where these lie outside of the sequence."""
    inside = decode_sequence(sequence, length, min(max(start, 0), length), min(max(end, 0), length))
    if len(inside) == end - start:
        return inside
    left = min(max(-start, 0), end - start)
    return np.pad(inside, (left, end - start - left - len(inside)), constant_values=N_CODE)


def _finite(target: np.ndarray) -> np.ndarray:
    bits = target.view(np.uint16) & 0x7FFF  # without the sign, infinity and nan are the largest of float16's patterns
    if bits.max() >= 0x7C00:
        row, track = np.unravel_index(bits.argmax(), bits.shape)
        raise ValueError(f"its target of track {track} is {target[row, track]}, which no model can learn")
    return target


def _location(row: tuple[str, int], start: int, length: int) -> str:
    contig, sequence_start = row
    return f"{contig}:{sequence_start + start}-{sequence_start + start + length}"


def _shard_rows(
    path: Path | str, record: RecordFormat, split: str, shard: int, settings: CropSettings
) -> list[tuple[str, int]]:
    """Contig and first base of the sequence of each record of a shard.

    Rows are target regions or whole sequences, both in use; their width tells which.
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
    if first >= len(mine):
        raise InputError(
            f"{path}: file {shard} of {split} would start at row {first} of {len(mine)}: there are too many files for "
            f"records_per_file = {settings.records_per_file}"
        )
    return [(row.contig, row.start - record.crop_bp) for row in mine[first : first + settings.records_per_file]]
