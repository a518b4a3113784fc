"""Sums over a store."""

import numpy as np

from regulens.data.store import AssayStore
from regulens.training.display import progress


def track_means(store: AssayStore, limit: int | None = None) -> np.ndarray:
    """Mean of each track over examples and bins, float64 (tracks,).

    ``limit`` takes that many examples, evenly spaced over the store, instead of all.
    """
    total = np.zeros(len(store.tracks))
    chosen = evenly_spaced(len(store), limit or len(store))
    for index in progress(chosen, "track means"):
        total += store.target(index).sum(axis=0, dtype=np.float64)
    return total / (len(chosen) * store.geometry.bins)


def evenly_spaced(total: int, count: int) -> list[int]:
    """At most ``count`` of the positions 0 to ``total`` - 1, evenly spaced and in order."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int)).tolist()
