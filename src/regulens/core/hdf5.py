"""Atomic HDF5 output (complete or absent), even if the disk fills up."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

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
