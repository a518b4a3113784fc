"""From values to bins: summary statistics, soft and hard clip, and the exact way from fine bins to coarser ones.

Everything here works in float32 on arrays (bins, ...) and follows SPEC 4.2, steps 7 to 11.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from regulens.errors import InputError

FLOAT16_MAX = float(np.finfo(np.float16).max)
"""65,504: larger values are clipped to it before they are stored."""

_SQUARE_ROOT = ("sum_sqrt", "mean_sqrt")


def summarise(values: np.ndarray, sum_stat: str) -> np.ndarray:
    """Summarise ``values`` (bins, width, ...) over their second axis; returns float32 (bins, ...).

    ``sum_sqrt`` is -1 + sqrt(1 + sum), ``mean_sqrt`` likewise with the mean, ``peak`` is sqrt(4 mean) clipped to [0, 1].
    Raises `ValueError` when a square root would be of a negative number.
    """
    reduce: dict[str, Callable] = {"sum": np.sum, "mean": np.mean, "median": np.median, "max": np.max}
    if sum_stat == "peak":
        return np.sqrt(np.clip(4 * values.mean(axis=1, dtype=np.float32), 0, 1))
    statistic = sum_stat.removesuffix("_sqrt")
    if statistic in ("sum", "mean"):
        summary = reduce[statistic](values, axis=1, dtype=np.float32)
    else:
        summary = reduce[statistic](values, axis=1).astype(np.float32)
    if sum_stat in _SQUARE_ROOT:
        if summary.min(initial=0) < -1:
            raise ValueError(f"{sum_stat} of a bin whose {statistic} is {summary.min():.4g}")
        summary = np.sqrt(1 + summary) - 1
    return summary


def clip_values(values: np.ndarray, clip: float, clip_soft: float = math.nan) -> np.ndarray:
    """Clip bins and store them: x > clip_soft becomes clip_soft - 1 + sqrt(x - clip_soft + 1), then [-clip, clip].

    A ``clip_soft`` of nan leaves the first step out. Returns float16, limited to `FLOAT16_MAX`.
    """
    if not math.isnan(clip_soft):
        over = values > clip_soft
        if over.any():
            values = np.where(over, clip_soft - 1 + np.sqrt(np.maximum(values - clip_soft, 0) + 1), values)
    limit = min(clip, FLOAT16_MAX)
    return np.clip(values, -limit, limit).astype(np.float16)


def undo_clip_soft(values: np.ndarray, clip_soft: float) -> np.ndarray:
    """Inverse of the soft clip: y > clip_soft becomes (y - clip_soft + 1)^2 + clip_soft - 1; nan leaves all unchanged."""
    if math.isnan(clip_soft):
        return values
    over = values > clip_soft
    return np.where(over, (values - clip_soft + 1) ** 2 + clip_soft - 1, values) if over.any() else values


class BinPooler:
    """Pools ``factor`` neighbouring bins of processed targets into one, as if coverage had been binned coarsely.

    ``tracks`` is a track table. The soft clip and the square root of a fine bin are undone, the fine bins summarised with
    the track's own statistic, and both applied again. That is exact, up to the rounding of float16, for mean, max, sum,
    mean_sqrt and sum_sqrt wherever no fine bin reached the hard clip ``clip``; a fine bin that did counts as if its value
    were the clip. Targets that were rounded before they were stored carry that rounding through the square.

    Raises `InputError` for a track whose statistic cannot be pooled: a median of medians is not the median, and a ``peak``
    saturates at 1.
    """

    def __init__(self, tracks: pd.DataFrame, factor: int):
        self.factor = factor
        for row, (identifier, sum_stat) in enumerate(zip(tracks["identifier"], tracks["sum_stat"], strict=True)):
            if factor > 1 and sum_stat in ("median", "peak"):
                raise InputError(
                    f"track {row} ({identifier}) has sum_stat {sum_stat}, and {sum_stat} bins cannot be pooled to bins "
                    f"{factor} times as wide: set bin_bp to the pool_width of the data"
                )
        # Neighbouring tracks with one recipe are processed together; a data set has a handful of such runs.
        recipe = tracks[["sum_stat", "clip", "clip_soft"]].fillna(-1)
        starts = np.flatnonzero((recipe != recipe.shift()).any(axis=1).to_numpy())
        ends = [*starts[1:], len(tracks)]
        self._runs = [
            (slice(start, end), tracks["sum_stat"][start], tracks["clip"][start], tracks["clip_soft"][start])
            for start, end in zip(starts.tolist(), ends, strict=True)
        ]

    def __call__(self, target: np.ndarray) -> np.ndarray:
        """Pool ``target`` float16 (factor x bins, tracks) to float16 (bins, tracks)."""
        if self.factor == 1:
            return target
        values = target.astype(np.float32)
        pooled = np.empty((len(target) // self.factor, target.shape[1]), dtype=np.float16)
        for columns, sum_stat, clip, clip_soft in self._runs:
            fine = undo_clip_soft(values[:, columns], clip_soft)
            if sum_stat in _SQUARE_ROOT:
                fine = (fine + 1) ** 2 - 1
            coarse = summarise(fine.reshape(len(pooled), self.factor, -1), sum_stat)
            pooled[:, columns] = clip_values(coarse, clip, clip_soft)
        return pooled
