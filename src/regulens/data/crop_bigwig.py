"""Crops training examples out of a genome (FASTA), windows (BED) and coverage tracks (bigWig) (SPEC 2.3, 4.2)."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyBigWig
from tqdm import tqdm

from regulens.data.coverage import bin_coverage, clean_coverage
from regulens.data.fasta import Genome
from regulens.data.settings import CropSettings, Geometry
from regulens.data.store import write_store
from regulens.data.tracks import assign_groups, read_track_table
from regulens.data.windows import Region, Tile, check_splits_disjoint, read_bed, read_windows, tile_window
from regulens.errors import InputError
from regulens.files import note_read

_OPEN_FILES = 400  # bigWig files held open at a time: most systems allow a process 1,024 files


def crop_bigwig(
    fasta: Path | str,
    windows: Path | str,
    tracks: Path | str,
    track_folder: Path | str,
    output: Path | str,
    *,
    split: str,
    shard: int,
    n_shards: int,
    geometry: Geometry,
    groups: Mapping[str, Sequence[str]],
    settings: CropSettings,
    blacklist: Path | str | None = None,
) -> int:
    """Write shard ``shard`` (from 0) of the ``n_shards`` of a split to a store; returns its number of examples.

    ``windows`` is a BED of target regions with their split; the examples of ``split``, in file order, are divided
    evenly over the shards. ``tracks`` is the track table, whose column ``file`` names bigWig files relative to
    ``track_folder``. ``blacklist`` is a BED of regions whose coverage is not to be trusted. Coverage is cleaned over
    the whole target region of a window, whose median is the baseline, then binned (see `clean_coverage`,
    `bin_coverage`). One window is in memory at a time.

    An input that hangs over its contig's end is padded with N or dropped. A contig that a bigWig lacks has no coverage
    there; one that the FASTA lacks is an error.

    Raises `InputError`, and leaves no output, for that and for splits that overlap, windows beyond their contig or
    shorter than a target, a bigWig that shares no contig with the windows or has another length for one, and malformed
    files.
    """
    if not 0 <= shard < n_shards:
        raise InputError(f"shard {shard} of {split}: shards are numbered from 0 to {n_shards - 1}")
    table = assign_groups(read_track_table(tracks), groups)
    regions = read_windows(windows)
    check_splits_disjoint(regions, windows)
    masks: dict[str, list[tuple[int, int]]] = {}
    for region in read_bed(blacklist) if blacklist else ():
        extended = (region.start - settings.blacklist_extend_bp, region.end + settings.blacklist_extend_bp)
        masks.setdefault(region.contig, []).append(extended)
    with Genome(fasta) as genome, _Coverage(table, Path(track_folder), tracks) as coverage:
        _check_regions(regions, genome, windows)
        coverage.check_contigs({region.contig: genome.lengths[region.contig] for region in regions}, genome.path)
        examples = _examples(regions, split, genome, geometry, settings, windows)
        first, last = len(examples) * shard // n_shards, len(examples) * (shard + 1) // n_shards
        with write_store(output, table, geometry, split, settings.compression) as store:
            # A bar for a person at a terminal only (disable=None): a log would fill with them.
            for work in tqdm(_by_window(examples[first:last]), f"{split} {shard}", disable=None, unit=" windows"):
                contig, start = work.window.contig, work.window.start
                mask = [(a - start, b - start) for a, b in masks.get(contig, ())]
                targets = coverage.targets(work, geometry, mask, settings)
                for tile, target in zip(work.tiles, targets, strict=True):
                    left, right = start + tile.input_start, start + tile.input_start + geometry.input_bp
                    store.append(genome.codes(contig, left, right), target, f"{contig}:{left}-{right}")
            return store.examples


class _Work(NamedTuple):
    """Examples of one window, which adjoin each other."""

    window: Region
    tiles: list[Tile]


def _check_regions(regions: Sequence[Region], genome: Genome, path: Path | str) -> None:
    for region in regions:
        if region.contig not in genome.lengths:
            known = ", ".join(list(genome.lengths)[:3])
            raise InputError(
                f"{path}: {region} is on a contig that {genome.path} lacks (it has {known}, ...): use the FASTA of the "
                "same assembly, with the same contig names"
            )
        if region.end > genome.lengths[region.contig]:
            raise InputError(
                f"{path}: {region} ends beyond its contig of {genome.lengths[region.contig]} bp in {genome.path}: use "
                "the FASTA of the same assembly"
            )


def _examples(
    regions: Sequence[Region], split: str, genome: Genome, geometry: Geometry, settings: CropSettings, path: Path | str
) -> list[tuple[Region, Tile]]:
    """Examples of a split that are kept, in the order of its windows."""
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


class _Coverage:
    """The bigWig files of a track table; a context manager."""

    def __init__(self, table: pd.DataFrame, folder: Path, origin: Path | str):
        self._tracks = list(table[["identifier", "scale", "sum_stat", "clip", "clip_soft"]].itertuples(index=False))
        self._paths = [folder / file for file in table["file"]]
        self._origin = origin
        self._open: OrderedDict[int, object] = OrderedDict()

    def check_contigs(self, lengths: Mapping[str, int], fasta: Path) -> None:
        """Open every file once and compare its contigs with those of the windows, ``lengths`` in bp."""
        for row, path in enumerate(self._paths):
            contigs = self._file(row).chroms()
            shared = [name for name in lengths if name in contigs]
            if not shared:
                raise InputError(
                    f"{path}: it shares no contig with the windows (it has {', '.join(list(contigs)[:3])}, ..., they "
                    f"have {', '.join(list(lengths)[:3])}, ...): use coverage of the same assembly and contig names"
                )
            for name in shared:
                if contigs[name] != lengths[name]:
                    raise InputError(
                        f"{path}: {name} has {contigs[name]} bp there and {lengths[name]} bp in {fasta}: use coverage "
                        "of the same assembly"
                    )

    def targets(
        self, work: _Work, geometry: Geometry, mask: Sequence[tuple[int, int]], settings: CropSettings
    ) -> np.ndarray:
        """Targets float16 (examples, bins, tracks); ``mask`` holds blacklisted intervals relative to the window."""
        window, tiles = work
        first, last = tiles[0].target_start, tiles[-1].target_start + geometry.target_bp
        targets = np.empty((len(tiles), geometry.bins, len(self._tracks)), dtype=np.float16)
        for row, (identifier, *recipe) in enumerate(self._tracks):
            file = self._file(row)
            if window.contig in file.chroms():
                try:
                    values = file.values(window.contig, window.start, window.end, numpy=True)
                except RuntimeError as error:
                    raise InputError(
                        f"{self._paths[row]}: the bigWig file is damaged at {window} ({error}): delete it and get it "
                        "again"
                    ) from None
            else:
                values = np.zeros(window.end - window.start, dtype=np.float32)
            values = clean_coverage(values, geometry.bin_bp, mask, settings.interpolate_gaps)
            try:
                bins = bin_coverage(values[first:last], geometry.bin_bp, *recipe)
            except ValueError as error:
                raise InputError(
                    f"{self._paths[row]}: track {row} ({identifier}) cannot be binned at {window}: {error}: use "
                    "another sum_stat, or coverage without negative values"
                ) from None
            targets[:, :, row] = bins.reshape(len(tiles), geometry.bins)
        return targets

    def _file(self, row: int):
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
                f"{path}: the coverage of track {row} in {self._origin} is not a readable bigWig file: "
                "delete it and get it again"
            )
        if len(self._open) == _OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        self._open[row] = file
        return file

    def __enter__(self) -> "_Coverage":
        return self

    def __exit__(self, *_) -> None:
        for file in self._open.values():
            file.close()
