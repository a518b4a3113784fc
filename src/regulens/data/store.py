"""Stores of training examples: one HDF5 file per shard, and a virtual data set per split that joins them.

Layout, the same for both: ``sequence`` uint8 codes A, C, G, T, N = 0 to 4 (examples, input_bp); ``target`` float16
(examples, bins, tracks); ``location`` bytes ``contig:start-end``, the 0-based half-open span of the input, empty where
unknown. Attributes: ``tracks`` (the track table as tab-separated text), ``input_bp``, ``bins``, ``bin_bp``, ``split``;
a virtual data set also has ``shards`` (JSON: file relative to the store, examples); where coverage was beyond the range
of float16, ``out_of_range`` (JSON: track to counts). Every example has a checksum.
"""

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pandas as pd

from regulens.core.command import command
from regulens.core.errors import InputError
from regulens.core.hdf5 import OutputFile, hdf5_output, open_hdf5
from regulens.core.io import note_read
from regulens.core.progress import progress
from regulens.data.settings import Geometry
from regulens.data.tracks import tracks_from_text, tracks_to_text

LOCATION_BYTES = 96
"""Longest location in bytes."""

_ATTRIBUTES = ("tracks", "input_bp", "bins", "bin_bp", "split")

_FLUSH_BYTES = 4 << 20
"""Examples are written in blocks of about this size: one HDF5 call costs as much as a small example."""

# Writing: shards, and what joins them.


class StoreWriter:
    """Appends examples to a shard; created by `write_store`."""

    def __init__(self, file: OutputFile, geometry: Geometry, n_tracks: int, compression: str | None):
        self._file = file
        self._shapes = example_datasets(geometry, n_tracks)
        self._data = {
            name: file.create_dataset(
                name,
                (0, *shape),
                maxshape=(None, *shape),
                chunks=(1 if shape else 1024, *shape),
                dtype=dtype,
                compression=compression if shape else None,
                fletcher32=True,
            )
            for name, (shape, dtype) in self._shapes.items()
        }
        size = max(1, _FLUSH_BYTES // (geometry.input_bp + 2 * geometry.bins * n_tracks))
        self._block = {name: np.empty((size, *shape), dtype) for name, (shape, dtype) in self._shapes.items()}
        self._pending = 0
        self.examples = 0
        """Examples appended so far."""
        self.out_of_range: dict[str, dict[str, int]] = {}
        """What float16 could not hold, by track; see `crop.crop_bigwig`."""

    def append(self, sequence: np.ndarray, target: np.ndarray, location: str = "") -> None:
        """Add one example: ``sequence`` uint8 codes (input_bp,), ``target`` float16 (bins, tracks), its ``location``.

        Raises `ValueError` for a wrong shape or type, and `InputError` for a location that is too long.
        """
        for name, array in (("sequence", sequence), ("target", target)):
            shape, dtype = self._shapes[name]
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(f"{name} must be {dtype} {shape}, found {array.dtype} {array.shape}")
        encoded = location.encode("utf-8")
        if len(encoded) > LOCATION_BYTES:
            raise InputError(f"location {location} is longer than {LOCATION_BYTES} bytes: shorten the contig's name")
        for name, value in (("sequence", sequence), ("target", target), ("location", encoded)):
            self._block[name][self._pending] = value
        self._pending += 1
        self.examples += 1
        if self._pending == len(self._block["location"]):
            self.flush()

    def flush(self) -> None:
        """Write the examples that are still in memory."""
        if not self._pending:
            return
        for name, data in self._data.items():
            data.resize(self.examples, axis=0)
            data[self.examples - self._pending :] = self._block[name][: self._pending]
        self._pending = 0
        self._file.check()


@contextmanager
def write_store(
    output: Path | str,
    tracks: pd.DataFrame,
    geometry: Geometry,
    split: str,
    compression: Literal["lzf"] | None = None,
) -> Iterator[StoreWriter]:
    """Open a shard for writing, example by example; it appears under its name only if the block ends without an error.

    ``tracks`` is a track table with groups. Memory is constant: at most a few MB of examples are buffered.
    """
    with hdf5_output(output, libver="latest") as file:  # this file format has checksums of its metadata
        write_attributes(file, tracks_to_text(tracks), geometry, split)
        writer = StoreWriter(file, geometry, len(tracks), compression)
        yield writer
        writer.flush()
        if writer.out_of_range:
            set_text(file, "out_of_range", json.dumps(writer.out_of_range))


@command("link-shards")
def link_shards(shards: Sequence[Path | str], /, output: Path | str) -> int:
    """Join the shards of a split, in the given order, into one HDF5 virtual data set; returns its number of examples.

    Sources are stored relative to ``output``, so that the common folder can be moved. Shards may be empty.

    Raises `InputError` if there is no shard, or one that differs from the first in tracks, geometry or split.
    """
    if not shards:
        raise InputError(f"{output}: there are no shards to link")
    output = Path(output)
    folder = output.resolve().parent
    paths = [Path(shard).resolve() for shard in shards]
    first = StoreShape.read(paths[0])
    shapes = [first, *(StoreShape.read(path, first) for path in paths[1:])]
    total = sum(shape.examples for shape in shapes)
    names = [os.path.relpath(path, folder) for path in paths]
    with hdf5_output(output, libver="latest") as file:
        write_attributes(file, first.tracks, first.geometry, first.split)
        linked = [{"file": name, "examples": shape.examples} for name, shape in zip(names, shapes, strict=True)]
        set_text(file, "shards", json.dumps(linked))
        if counts := _summed(shape.out_of_range for shape in shapes):
            set_text(file, "out_of_range", json.dumps(counts))
        for dataset, (inner, dtype) in example_datasets(first.geometry, first.n_tracks).items():
            layout = h5py.VirtualLayout((total, *inner), dtype)
            layout.dcpl.set_obj_track_times(False)  # no timestamps: the same shards give the same bytes
            start = 0
            for name, shape in zip(names, shapes, strict=True):
                if shape.examples:  # HDF5 has no mapping of zero length
                    source = h5py.VirtualSource(name, dataset, (shape.examples, *inner), dtype)
                    layout[start : start + shape.examples] = source
                    start += shape.examples
            file.create_virtual_dataset(dataset, layout)
    return total


def _summed(counts: Iterable[dict[str, dict[str, int]]]) -> dict[str, Counter]:
    """Counts of all shards together, by track."""
    total: defaultdict[str, Counter] = defaultdict(Counter)
    for shard in counts:
        for track, found in shard.items():
            total[track].update(found)
    return dict(total)


# What every store file must contain, and the check that it does.


class StoreShape:
    """Properties that the shards of a split must share, read from one file and checked against its data sets."""

    def __init__(self, path: Path, file: h5py.File):
        datasets = ("sequence", "target", "location")
        missing = [name for name in datasets if name not in file]
        missing += [name for name in _ATTRIBUTES if name not in file.attrs]
        if missing:
            raise InputError(
                f"{path}: not a store of examples, it has no {', '.join(missing)}: delete it and make it again"
            )
        self.tracks: str = _text(file, "tracks")
        self.geometry = Geometry(**{name: int(file.attrs[name]) for name in ("input_bp", "bins", "bin_bp")})
        self.split: str = _text(file, "split")
        self.shards: list[dict] | None = json.loads(_text(file, "shards")) if "shards" in file.attrs else None
        self.out_of_range = json.loads(_text(file, "out_of_range")) if "out_of_range" in file.attrs else {}
        self.n_tracks = self.tracks.count("\n") - 1
        self.examples: int = file["target"].shape[0]
        for name, (inner, dtype) in example_datasets(self.geometry, self.n_tracks).items():
            expected = (self.examples, *inner)
            if file[name].shape != expected or file[name].dtype != dtype:
                raise InputError(
                    f"{path}: {name} is {file[name].dtype} {file[name].shape} where its attributes say {dtype} "
                    f"{expected}: delete the file and make it again"
                )

    @classmethod
    def read(cls, path: Path, like: "StoreShape | None" = None) -> "StoreShape":
        """Read the properties of ``path``; `InputError` if tracks, geometry or split differ from ``like``."""
        with open_store(path) as file:
            try:
                shape = cls(path, file)
            except (OSError, KeyError, RuntimeError, ValueError) as error:  # HDF5's structures, or text in them
                raise damaged(path, error) from None
        for name in ("tracks", "geometry", "split") if like else ():
            if getattr(shape, name) != getattr(like, name):
                raise InputError(f"{path}: its {name} differs from the other shards': delete it and make it again")
        return shape


def example_datasets(geometry: Geometry, n_tracks: int) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Data sets of a store: name to shape of one example and type."""
    return {
        "sequence": ((geometry.input_bp,), np.dtype("u1")),
        "target": ((geometry.bins, n_tracks), np.dtype("<f2")),
        "location": ((), np.dtype(f"S{LOCATION_BYTES}")),
    }


def write_attributes(file: h5py.File, tracks: str, geometry: Geometry, split: str) -> None:
    """Set the attributes of a new store; ``tracks`` is the text of the track table."""
    set_text(file, "tracks", tracks)
    for name in ("input_bp", "bins", "bin_bp"):
        file.attrs[name] = getattr(geometry, name)
    set_text(file, "split", split)


def set_text(file: h5py.File, name: str, text: str) -> None:
    """Set an attribute of fixed length: HDF5 keeps those of variable length where it has no checksum.

    HDF5 was seen to loop forever over damaged attributes of variable length.
    """
    file.attrs[name] = np.bytes_(text.encode("utf-8"))


def _text(file: h5py.File, name: str) -> str:
    value = file.attrs[name]
    return value.decode("utf-8") if isinstance(value, bytes) else value


def open_store(path: Path, **options) -> h5py.File:
    """Open an HDF5 file for reading; `InputError` if it is missing or broken."""
    return open_hdf5(path, "store", "make it", **options)


_LOCATION = re.compile(r"^(?P<contig>.+):(?P<start>-?\d+)-(?P<end>\d+)$")
"""The start is negative if an input reaches beyond its contig and is padded with N."""


def parse_location(location: str) -> tuple[str, int, int] | None:
    """'contig:start-end', 0-based and half-open, to its parts; None for an empty (unknown) location."""
    if not location:
        return None
    match = _LOCATION.match(location)
    if not match:
        raise InputError(f"location: {location!r} is not contig:start-end")
    return match["contig"], int(match["start"]), int(match["end"])


def damaged(path: Path, error: Exception, place: str = "it") -> InputError:
    """The error for a store whose content cannot be read."""
    return InputError(
        f"{path}: the file is damaged: {place} cannot be read ({error}): delete the file and start again, which makes "
        "it again"
    )


# Reading.


class AssayStore:
    """Reads a shard or a virtual data set.

    Opening checks every source of a virtual data set (existence, tracks, geometry, number of examples), because HDF5
    reads a missing one as zeros. Examples are then read from the shards themselves, so that a shard deleted later is an
    error too, and so is an example with a wrong checksum (stores made by older versions have none). Files are opened on
    first use in each process, so that a store can be passed to loader workers.

    Raises `InputError` that names the shard and says what to do.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        shape = StoreShape.read(self.path)
        self.tracks: pd.DataFrame = tracks_from_text(shape.tracks, f"{self.path}, attribute tracks")
        """The track table, with the column group."""
        self.geometry: Geometry = shape.geometry
        """Shape of an example."""
        self.split: str = shape.split
        """train, valid or test."""
        self.out_of_range: dict[str, dict[str, int]] = shape.out_of_range
        """What float16 could not hold of the coverage, by track: bases above and below its range, bins at its limit."""
        self._sources = [self.path] if shape.shards is None else self._check_sources(shape)
        counts = [shape.examples] if shape.shards is None else [shard["examples"] for shard in shape.shards]
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._open: dict[int, tuple[h5py.Dataset, ...]] = {}
        self._process = os.getpid()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def sequence(self, index: int) -> np.ndarray:
        """Codes of one example: uint8 (input_bp,), A, C, G, T, N = 0 to 4."""
        return self._read(0, index)

    def target(self, index: int) -> np.ndarray:
        """Targets of one example: float16 (bins, tracks)."""
        return self._read(1, index)

    def location(self, index: int) -> str:
        """``contig:start-end`` of one example's input, 0-based and half-open; empty if unknown."""
        return self._read(2, index).decode("utf-8")

    def close(self) -> None:
        """Close the files of this process; the next read opens them again."""
        for datasets in self._open.values():
            datasets[0].file.close()
        self._open = {}

    def __enter__(self) -> "AssayStore":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_open": {}}

    def _read(self, column: int, index: int):
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.path} has {len(self)} examples, number {index} was requested")
        index = index % len(self)
        source = int(np.searchsorted(self._starts, index, side="right")) - 1
        if self._process != os.getpid():  # forked: the parent's handles must not be used here
            self._open, self._process = {}, os.getpid()
        if source not in self._open:
            # Examples are whole chunks in random order: a chunk cache would only add a copy.
            file = open_store(self._sources[source], rdcc_nbytes=0)
            self._open[source] = (file["sequence"], file["target"], file["location"])
        try:
            return self._open[source][column][index - int(self._starts[source])]
        except OSError as error:  # the checksum of a chunk is wrong, or the disk fails
            raise damaged(self._sources[source], error, f"example {index - int(self._starts[source])}") from None

    def _check_sources(self, shape: StoreShape) -> list[Path]:
        paths = [self.path.resolve().parent / shard["file"] for shard in shape.shards]
        advice = f"make that shard again, or delete {self.path} and link it again"
        for path, shard in zip(paths, shape.shards, strict=True):
            if not path.is_file():
                raise InputError(f"{self.path}: its shard {path} is missing: {advice}")
            note_read(path)
            found = StoreShape.read(path, shape)
            if found.examples != shard["examples"]:
                raise InputError(
                    f"{self.path}: its shard {path} has {found.examples} examples, {shard['examples']} when it was "
                    f"linked: delete {self.path} and link it again"
                )
        return paths


# Statistics over a store.


def track_means(store: AssayStore, limit: int | None = None) -> np.ndarray:
    """Mean of each track over examples and bins, float64 (tracks,).

    ``limit``: use only that many examples, evenly spaced over the store.
    """
    total = np.zeros(len(store.tracks))
    chosen = evenly_spaced(len(store), limit or len(store))
    for index in progress(chosen, "track means"):
        total += store.target(index).sum(axis=0, dtype=np.float64)
    return total / (len(chosen) * store.geometry.bins)


def evenly_spaced(total: int, count: int) -> list[int]:
    """At most ``count`` of the positions 0 to ``total`` - 1, evenly spaced and in order."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int)).tolist()
