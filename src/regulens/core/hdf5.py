"""HDF5 files: atomic output (complete or absent), even if the disk fills up, and opening with one clear error."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py

from regulens.core.errors import InputError
from regulens.core.io import atomic_output


class _Stream(io.FileIO):
    """A file that records its first write error instead of raising it.

    The HDF5 library would crash with a segmentation fault on closing a file that it could not write.
    """

    failure: OSError | None = None

    def write(self, data) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest and self.failure is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.failure = error
        return size


class OutputFile(h5py.File):
    """An HDF5 file being written; created by `hdf5_output`."""

    def __init__(self, stream: _Stream, **options):
        super().__init__(stream, "w", **options)
        self._stream = stream

    def check(self) -> None:
        """Raise `OSError` if something could not be written, to stop early."""
        if self._stream.failure is not None:
            raise self._stream.failure


@contextmanager
def hdf5_output(target: Path | str, **options) -> Iterator[OutputFile]:
    """Open an HDF5 file for writing, with ``options`` of `h5py.File`; it appears when the block ends without an error.

    Raises `InputError` when the disk is full: at the end of the block, or earlier where the block calls ``check``.
    """
    with atomic_output(target) as temporary, _Stream(temporary, "w+") as stream:
        try:
            with OutputFile(stream, **options) as file:
                yield file
        finally:
            if stream.failure is not None:  # the cause of any later HDF5 error
                raise stream.failure


def open_hdf5(path: Path | str, what: str, make: str, needed: Sequence[str] = (), **options) -> h5py.File:
    """Open a file for reading, with ``options`` of `h5py.File`.

    ``what`` it is ("file of attributions") and how to ``make`` it are told in the error. Raises `InputError` for a file
    that is missing, damaged or not HDF5, and that lacks a data set, group or attribute of ``needed``.
    """
    try:
        file = h5py.File(path, "r", **options)
    except FileNotFoundError:
        raise InputError(f"{path}: the {what} does not exist: {make}") from None
    except OSError as error:
        raise InputError(f"{path}: not a {what}: no readable HDF5 file ({error}): delete it and {make}") from None
    missing = [name for name in needed if name not in file and name not in file.attrs]
    if missing:
        file.close()
        raise InputError(f"{path}: not a {what}: {', '.join(missing)} missing: delete it and {make}")
    return file
