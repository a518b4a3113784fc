"""Cutting an aligned motif to its informative columns (SPEC 5.5, item 2)."""

from typing import NamedTuple

import numpy as np

_FLOOR = 1e-7
"""What the published code adds to a frequency before its logarithm."""


class Span(NamedTuple):
    """Columns of a motif, 0-based, end exclusive."""

    start: int
    end: int
    informative: bool
    """False: no column is, and the span is the whole motif."""


def informative_span(frequencies: np.ndarray, min_information: float = 0.5, pad_bp: int = 3) -> Span:
    """Columns from the first to the last with more than ``min_information`` bits, ``pad_bp`` more on each side.

    ``frequencies``: (width, 4), rows A, C, G, T that sum to 1. Without such a column: the whole motif. The published
    code also keeps the whole motif where column 0 is the only informative one (a slip: it asks whether any *index* is
    true); here that column is cut out like any other.
    """
    frequencies = np.asarray(frequencies, dtype=np.float64)
    information = 2 + (frequencies * np.log2(frequencies + _FLOOR)).sum(axis=1)
    columns = np.flatnonzero(information > min_information)
    if not len(columns):
        return Span(0, len(frequencies), False)
    return Span(max(int(columns[0]) - pad_bp, 0), min(int(columns[-1]) + 1 + pad_bp, len(frequencies)), True)
