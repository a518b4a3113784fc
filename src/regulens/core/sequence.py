"""Sequences as codes, in the order A, C, G, T everywhere: letters, one-hot, reverse complement, information content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

ALPHABET = "ACGT"

N_CODE = 4
"""Code of N and of every other letter that is not A, C, G or T."""

_ENCODE = np.full(256, N_CODE, dtype=np.uint8)

for _code, _base in enumerate(ALPHABET):
    _ENCODE[ord(_base)] = _ENCODE[ord(_base.lower())] = _code

_DECODE = np.frombuffer(b"ACGTN", dtype=np.uint8)

COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)
"""Code of the complementary base, by code."""


def encode(sequence: str | bytes) -> np.ndarray:
    """Letters to uint8 codes: A, C, G, T = 0 to 3 in either case, anything else 4. Shape (length,)."""
    raw = sequence.encode("ascii") if isinstance(sequence, str) else sequence
    return _ENCODE[np.frombuffer(raw, dtype=np.uint8)]


def decode(codes: np.ndarray) -> str:
    """uint8 codes (length,) to upper-case letters, code 4 to N."""
    return _DECODE[np.asarray(codes)].tobytes().decode("ascii")


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Reverse complement of uint8 codes along the last axis; N stays N."""
    return COMPLEMENT[np.asarray(codes)[..., ::-1]]


def one_hot(codes: torch.Tensor | np.ndarray, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Codes (..., length) to one-hot (..., 4, length), rows A, C, G, T; N becomes zeros; None: float32.

    Runs on the device of ``codes``, so that only one byte per base is sent to a GPU.
    """
    import torch  # the other functions serve figures and tables, which start without it

    codes = torch.as_tensor(codes)
    bases = torch.arange(4, device=codes.device, dtype=codes.dtype)
    return (codes.unsqueeze(-2) == bases.unsqueeze(-1)).to(dtype or torch.float32)


def information_content(probabilities: np.ndarray, floor: float = 0) -> np.ndarray:
    """Information of each position against a uniform background, in bits: float64 (...,) from (..., 4), rows sum to 1.

    ``floor`` is added to every probability before its logarithm, as published codes do; without it 0 log 0 is 0.
    """
    p = np.asarray(probabilities, np.float64)
    return 2 + (p * np.log2(p + floor if floor else np.where(p > 0, p, 1))).sum(axis=-1)
