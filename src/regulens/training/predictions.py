"""Files of predicted tracks for the examples of a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from regulens.data.hdf5 import OutputFile, hdf5_output
from regulens.data.store import AssayStore
from regulens.data.store_format import LOCATION_BYTES
from regulens.data.tracks import tracks_to_text
from regulens.errors import InputError


class PredictionWriter:
    """Takes predictions in the order of the store; made by `write_predictions`."""

    def __init__(self, file: OutputFile, store: AssayStore, compression: int | None):
        geometry, n_tracks = store.geometry, len(store.tracks)
        self._store, self._file = store, file
        self._values = file.create_dataset(
            "prediction",
            (len(store), geometry.bins, n_tracks),
            dtype=np.float32,
            chunks=(1, geometry.bins, n_tracks),
            compression=compression,
            fletcher32=True,
        )
        self._locations = file.create_dataset("location", (len(store),), dtype=f"S{LOCATION_BYTES}")
        self.examples = 0
        """Examples written so far."""

    def append(self, values: np.ndarray) -> None:
        """Add the next examples: (examples, bins, tracks)."""
        rows = range(self.examples, self.examples + len(values))
        self._values[rows.start : rows.stop] = values
        self._locations[rows.start : rows.stop] = [self._store.location(row).encode() for row in rows]
        self.examples = rows.stop
        self._file.check()


@contextmanager
def write_predictions(
    output: Path | str, store: AssayStore, model: str, seed: int | None, compression: int | None = None
) -> Iterator[PredictionWriter]:
    """Open a file of predictions for all examples of ``store``; it appears when the block ends without an error.

    HDF5: ``prediction`` float32 (examples, bins, tracks) and ``location`` as in the store; attributes tracks, input_bp,
    bins, bin_bp as in the store, ``model`` (a name) and, where there is one, ``seed``. ``compression`` is a level
    of gzip.
    """
    with hdf5_output(output) as file:
        file.attrs["tracks"] = tracks_to_text(store.tracks)
        for name in ("input_bp", "bins", "bin_bp"):
            file.attrs[name] = getattr(store.geometry, name)
        file.attrs["model"] = model
        if seed is not None:
            file.attrs["seed"] = seed
        writer = PredictionWriter(file, store, compression)
        yield writer
        if writer.examples != len(store):
            raise ValueError(f"{writer.examples} predictions for {len(store)} examples")


@contextmanager
def open_predictions(path: Path | str, store: AssayStore) -> Iterator[h5py.Dataset]:
    """The data set ``prediction`` of a file, checked to belong to the examples and tracks of ``store``.

    Raises `InputError` when it is missing, broken, or made for other data.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: the predictions do not exist: run the step that makes them")
    again = "delete it and make the predictions again"
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: not a readable HDF5 file ({error}): {again}") from None
    with file:
        if "prediction" not in file or "location" not in file:
            raise InputError(f"{path}: not a file of predictions: it has no prediction and location")
        expected = (len(store), store.geometry.bins, len(store.tracks))
        if file["prediction"].shape != expected:
            raise InputError(
                f"{path} has predictions {file['prediction'].shape}, {store.path} needs {expected}: {again}"
            )
        try:
            locations = file["location"][:]
        except OSError as error:
            raise InputError(f"{path}: the file is damaged ({error}): {again}") from None
        for row in range(len(store)):
            if locations[row].decode() != store.location(row):
                raise InputError(
                    f"{path}: example {row} is {locations[row].decode()!r} there and {store.location(row)!r} in "
                    f"{store.path}: {again}"
                )
        try:
            yield file["prediction"]
        except OSError as error:
            if error.errno is not None:  # of the system, not of HDF5
                raise
            raise InputError(f"{path}: the file is damaged ({error}): {again}") from None
