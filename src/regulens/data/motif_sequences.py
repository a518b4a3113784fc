"""Labelled sequences whose true per-position base probabilities are known: one HDF5 file with all three splits.

Data sets of the file: codes uint8 (N, L), labels uint8 (N, C), model float32 (N, L, 4), split uint8 (N,). Attributes:
format, classes (JSON list of C names), settings (JSON of the simulation). A checksum goes with every chunk.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from regulens.data.hdf5 import hdf5_output
from regulens.errors import InputError
from regulens.sequence import N_CODE

FORMAT = "regulens motif sequences 1"
SPLITS = ("train", "valid", "test")
"""Names of the splits, by code."""
_ROWS_PER_CHUNK = 256
"""Sequences of one chunk: 200 bp make 0.8 MB of the model, little enough to be compressed in the cache."""


@dataclass(frozen=True)
class MotifSequences:
    """N sequences of L bp with C binary labels."""

    codes: np.ndarray
    """Bases, uint8 (N, L): A, C, G, T = 0 to 3, N = 4."""
    labels: np.ndarray
    """1 where a sequence belongs to a class, uint8 (N, C)."""
    model: np.ndarray | None
    """True probabilities of A, C, G, T at each position, float32 (N, L, 4); background 0.25. None: not read."""
    split: np.ndarray
    """uint8 (N,): 0 train, 1 valid, 2 test."""
    classes: tuple[str, ...]
    """Names of the C classes."""

    def of(self, split: str) -> "MotifSequences":
        """The sequences of one split, train, valid or test, in their order."""
        rows = self.split == _code(split)
        model = None if self.model is None else self.model[rows]
        return replace(self, codes=self.codes[rows], labels=self.labels[rows], model=model, split=self.split[rows])

    def __len__(self) -> int:
        return len(self.codes)


def _code(split: str) -> int:
    if split not in SPLITS:
        raise InputError(f"no split '{split}'; choose one of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def write_motif_sequences(path: Path | str, data: MotifSequences, settings_json: str) -> None:
    """Write all splits to one file; it appears when it is whole. ``settings_json`` is kept with the data."""
    if data.model is None:
        raise ValueError("data without their model cannot be written")
    with hdf5_output(path) as file:
        file.attrs["format"], file.attrs["classes"] = FORMAT, json.dumps(data.classes)
        file.attrs["settings"] = settings_json
        for name in ("codes", "labels", "model", "split"):
            values = getattr(data, name)
            chunk = (min(len(data), _ROWS_PER_CHUNK), *values.shape[1:])
            file.create_dataset(name, data=values, chunks=chunk, compression="lzf", fletcher32=True)


def read_motif_sequences(path: Path | str, split: str | None = None, model: bool = True) -> MotifSequences:
    """Read the sequences of one split (train, valid or test; None: all), in the file's order.

    ``model`` False leaves the true model out, which is most of the file. Raises `InputError` for a file that is
    missing, not of this format or contradicts itself, and for a split without sequences.
    """
    with _open(Path(path)) as file:
        classes = _check(path, file)
        names = ("codes", "labels", "split", *(("model",) if model else ()))
        try:
            arrays = {name: file[name][:] for name in names}
        except OSError as error:
            raise InputError(f"{path}: damaged ({error}): delete it and make it again") from None
    data = MotifSequences(**({"model": None} | arrays), classes=classes)
    for name, largest in (("codes", N_CODE), ("labels", 1), ("split", len(SPLITS) - 1)):
        if len(data) and (found := getattr(data, name).max()) > largest:
            raise InputError(f"{path}: {name} must be 0 to {largest}, found {found}: delete it and make it again")
    if split is not None:
        data = data.of(split)
    if not len(data):
        what = "no sequences" if split is None else f"no {split} sequences"
        raise InputError(f"{path}: {what} in it: simulate more, or change the splits")
    return data


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        raise InputError(f"{path}: the file of motif sequences does not exist: run the step that makes it")
    try:
        return h5py.File(path, "r")
    except OSError:
        raise InputError(f"{path}: not HDF5, or damaged: delete it and make it again") from None


def _check(path: Path | str, file: h5py.File) -> tuple[str, ...]:
    """Names of the classes, after a look at format, types and shapes."""
    if (found := file.attrs.get("format")) != FORMAT:
        raise InputError(
            f"{path}: not a file of motif sequences (its format is '{found or 'missing'}', expected '{FORMAT}'): "
            "make it with `regulens simulate-motif-sequences`"
        )
    missing = [name for name in ("codes", "labels", "model", "split") if name not in file]
    missing += [name for name in ("classes", "settings") if name not in file.attrs]
    if missing:
        raise InputError(f"{path}: {', '.join(missing)} missing: delete it and make it again")
    try:
        classes = tuple(json.loads(file.attrs["classes"]))
    except (TypeError, ValueError):
        raise InputError(f"{path}: its classes are not a JSON list of names: delete it and make it again") from None
    rows, length = (*file["codes"].shape, 0)[:2]
    expected = {
        "codes": ("uint8", (rows, length)),
        "labels": ("uint8", (rows, len(classes))),
        "model": ("float32", (rows, length, 4)),
        "split": ("uint8", (rows,)),
    }
    for name, (dtype, shape) in expected.items():
        if (str(file[name].dtype), file[name].shape) != (dtype, shape):
            raise InputError(
                f"{path}: {name} is {file[name].dtype} {file[name].shape}, expected {dtype} {shape}: "
                "delete it and make it again"
            )
    return classes
