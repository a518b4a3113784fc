"""Files of ``torch.save``: the same content gives the same bytes; read with their checksums."""

import zipfile
from pathlib import Path
from typing import Any

import torch


def write_tensors(path: Path | str, content: Any) -> None:
    """Write a file of ``torch.save``. To a path it would write that path's name as well, and other bytes each time."""
    with open(path, "wb") as file:
        torch.save(content, file)


def read_tensors(path: Path | str) -> Any:
    """The content of a file of ``torch.save`` (tensors and plain values only), on the CPU.

    PyTorch does not look at the checksums that it writes: a changed byte would be a changed weight. Raises `ValueError`
    for a wrong checksum, `FileNotFoundError`, and whatever else a damaged or foreign file leads to.
    """
    if zipfile.is_zipfile(path):  # the format before PyTorch 1.6 has no checksums
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
        if wrong is not None:
            raise ValueError(f"the checksum of {wrong} is wrong")
    return torch.load(path, map_location="cpu", weights_only=True)
