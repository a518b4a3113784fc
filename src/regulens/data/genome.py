"""Random access to a genome in a FASTA file."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pyfaidx

from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.sequence import N_CODE, encode


class Genome:
    """A FASTA file, opened for reading spans; a context manager.

    ``lengths`` maps each contig to its length in bp. Raises `InputError` for a missing, malformed or compressed file.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        index = index_fasta(self.path)
        try:
            self._faidx = pyfaidx.Faidx(str(self.path), indexname=str(index), rebuild=False, as_raw=True)
        except Exception as error:  # pyfaidx raises several unrelated types
            raise InputError(f"{index}: not an index of {self.path} ({error}): delete it, it is made again") from None
        self.lengths: dict[str, int] = {name: entry.rlen for name, entry in self._faidx.index.items()}

    def codes(self, contig: str, start: int, end: int) -> np.ndarray:
        """uint8 codes (end - start,) of a 0-based half-open span, N beyond the ends of the contig."""
        first, last = max(start, 0), min(end, self.lengths[contig])
        inside = encode(self._faidx.fetch(contig, first + 1, last)) if first < last else np.empty(0, np.uint8)
        return pad_with_n(inside, start, end)

    def __enter__(self) -> "Genome":
        return self

    def __exit__(self, *_) -> None:
        self._faidx.close()


def pad_with_n(inside: np.ndarray, start: int, end: int) -> np.ndarray:
    """Codes of bases ``start`` to ``end`` from those ``inside`` their sequence: N where they hang over it."""
    if len(inside) == end - start:
        return inside
    left = min(max(-start, 0), end - start)
    return np.pad(inside, (left, end - start - left - len(inside)), constant_values=N_CODE)


def index_fasta(path: Path | str) -> Path:
    """Write the index ``PATH.fai`` if it is missing or older than the FASTA; returns its path.

    Jobs that start together may all write it, each under a temporary name that is then renamed. If the folder is
    read-only, the index goes to the system's temporary folder.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            magic = file.read(2)
    except OSError as error:
        raise InputError(f"{path}: cannot read the FASTA file: {error.strerror}") from None
    if magic == b"\x1f\x8b":
        raise InputError(f"{path}: a compressed FASTA has no random access: decompress it first (gunzip)")
    changed = path.stat().st_mtime_ns
    index = Path(f"{path}.fai")
    if index.is_file() and index.stat().st_mtime_ns >= changed:
        return index
    if not os.access(path.parent, os.W_OK):
        index = Path(tempfile.gettempdir()) / f"regulens-{os.getuid()}" / f"{path.name}.{changed}.fai"
    with atomic_output(index) as temporary:
        try:
            pyfaidx.Faidx(str(path), indexname=str(temporary)).close()
        except Exception as error:  # pyfaidx raises several unrelated types
            raise InputError(f"{path}: not a FASTA file that can be indexed: {error}") from None
    return index
