"""What every store file must contain, and the check that it does; `regulens.data.store` describes the layout."""

import json
from pathlib import Path

import h5py
import numpy as np

from regulens.data.settings import Geometry
from regulens.errors import InputError

LOCATION_BYTES = 96
"""Longest location in bytes."""

_ATTRIBUTES = ("tracks", "input_bp", "bins", "bin_bp", "split")


def example_datasets(geometry: Geometry, n_tracks: int) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Name, shape of one example, and type of each data set of a store."""
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
    """Set an attribute of fixed length: those of variable length lie where HDF5 has no checksum.

    It was seen to loop for ever over a damaged heap of them.
    """
    file.attrs[name] = np.bytes_(text.encode("utf-8"))


def _text(file: h5py.File, name: str) -> str:
    value = file.attrs[name]
    return value.decode("utf-8") if isinstance(value, bytes) else value


def damaged(path: Path, error: Exception, place: str = "it") -> InputError:
    """The error for a store whose content cannot be read."""
    return InputError(
        f"{path}: the file is damaged: {place} cannot be read ({error}): delete the file and start again, which makes "
        "it again"
    )


def open_store(path: Path, **options) -> h5py.File:
    """Open an HDF5 file for reading; `InputError` when it is missing or broken."""
    if not path.is_file():
        raise InputError(f"{path}: the store does not exist: run the step that makes it")
    try:
        return h5py.File(path, "r", **options)
    except OSError as error:
        raise InputError(f"{path}: not a readable HDF5 file ({error}): delete it and make it again") from None


class StoreShape:
    """What must agree between the shards of a split, read from one file and checked against that file's data sets."""

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
        """Read the shape of ``path``; `InputError` when tracks, geometry or split differ from ``like``."""
        with open_store(path) as file:
            try:
                shape = cls(path, file)
            except (OSError, KeyError, RuntimeError, ValueError) as error:  # HDF5's structures, or text in them
                raise damaged(path, error) from None
        for name in ("tracks", "geometry", "split") if like else ():
            if getattr(shape, name) != getattr(like, name):
                raise InputError(f"{path}: its {name} differs from the other shards': delete it and make it again")
        return shape
