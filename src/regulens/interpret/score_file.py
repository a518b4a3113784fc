"""Files of relevance scores: every base of every test sequence of a task, by every score."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from regulens.data.hdf5 import hdf5_output
from regulens.errors import InputError

ATTRIBUTES = ("task", "seed", "rules", "target", "k", "model")
"""Attributes of a score file: name of the task, seed of the classifier, propagation rules, class whose relevance was
propagated ("predicted" or "label"), k of the k-mers, label of the model."""


class ScoreWriter:
    """Takes batches in the order of the sequences; made by `write_score_file`."""

    def __init__(self, file: h5py.File, sequences: int, length_bp: int, names: list[str]):
        group = file.create_group("scores", track_order=True)
        self._scores = {name: group.create_dataset(name, (sequences, length_bp), dtype=np.float32) for name in names}
        self._predicted = file.create_dataset("predicted", (sequences,), dtype=np.uint8)
        self._logits = file.create_dataset("logits", (sequences, 2), dtype=np.float32)
        self.written = 0
        """Sequences written so far."""

    def append(self, logits: np.ndarray, scores: dict[str, np.ndarray]) -> None:
        """Add the next sequences: logits (B, 2) and the relevance of their bases by every score, (B, length)."""
        rows = slice(self.written, self.written + len(logits))
        self._logits[rows], self._predicted[rows] = logits, logits.argmax(axis=1)
        for name, data in self._scores.items():
            data[rows] = scores[name]
        self.written = rows.stop


@contextmanager
def write_score_file(
    path: Path | str, ids: list[str], labels: np.ndarray, codes: np.ndarray, names: list[str], **attributes: Any
) -> Iterator[ScoreWriter]:
    """Open a score file for the sequences ``ids``; it appears when the block ends without an error.

    ``labels`` uint8 (N,), ``codes`` uint8 (N, L); ``names`` are the scores in their order; ``attributes`` are
    `ATTRIBUTES`. HDF5 with data sets id, label, codes, predicted uint8 (N,), logits float32 (N, 2) and
    ``scores/<name>`` float32 (N, L).
    """
    if missing := set(ATTRIBUTES) - set(attributes):
        raise ValueError(f"attributes missing: {', '.join(sorted(missing))}")
    with hdf5_output(path) as file:
        file.attrs.update(attributes)
        file["id"] = np.array([name.encode() for name in ids])
        file["label"], file["codes"] = np.asarray(labels, np.uint8), np.asarray(codes, np.uint8)
        writer = ScoreWriter(file, *codes.shape, names)
        yield writer
        if writer.written != len(ids):
            raise ValueError(f"{writer.written} of {len(ids)} sequences were scored")


class ScoreFile:
    """A score file, opened for reading; a context manager. Raises `InputError` for anything else."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        try:
            self._file = h5py.File(self.path, "r")
        except FileNotFoundError:
            raise InputError(f"{path}: the score file does not exist") from None
        except OSError:
            raise InputError(f"{path}: not a score file (not HDF5, or damaged): compute the scores again") from None
        missing = [name for name in ("id", "label", "codes", "predicted", "logits", "scores") if name not in self._file]
        missing += [name for name in ATTRIBUTES if name not in self._file.attrs]
        if missing:
            self._file.close()
            raise InputError(f"{path}: not a score file: {', '.join(missing)} missing")

    @property
    def names(self) -> list[str]:
        """The scores, in the order in which they were configured."""
        return list(self._file["scores"])

    @property
    def attributes(self) -> dict[str, Any]:
        """`ATTRIBUTES` by name."""
        return {name: _plain(self._file.attrs[name]) for name in ATTRIBUTES}

    @cached_property
    def ids(self) -> list[str]:
        """Names of the N sequences."""
        return [name.decode() for name in self._file["id"][:]]

    @cached_property
    def labels(self) -> np.ndarray:
        """True class, uint8 (N,), 1 = positive."""
        return self._file["label"][:]

    @cached_property
    def predicted(self) -> np.ndarray:
        """Class with the higher logit, uint8 (N,)."""
        return self._file["predicted"][:]

    @cached_property
    def logits(self) -> np.ndarray:
        """float32 (N, 2)."""
        return self._file["logits"][:]

    @cached_property
    def codes(self) -> np.ndarray:
        """Bases, uint8 (N, L), A, C, G, T = 0 to 3."""
        return self._file["codes"][:]

    def score(self, name: str) -> np.ndarray:
        """Relevance of every base by one score, float32 (N, L); `InputError` for a score that is not there."""
        if name not in self._file["scores"]:
            raise InputError(f"{self.path}: no score '{name}'; it has {', '.join(self.names)}")
        return self._file["scores"][name][:]

    def __enter__(self) -> "ScoreFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
