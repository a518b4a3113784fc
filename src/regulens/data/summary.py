"""From values to bins: summary statistics, soft and hard clip, and the exact way from fine bins to coarser ones.

Everything here works in float32 on arrays (bins, ...) and follows SPEC 4.2, steps 7 to 11.
"""

import math

import numpy as np
import pandas as pd
import torch

from regulens.errors import InputError

FLOAT16_MAX = float(np.finfo(np.float16).max)
"""65,504: larger values are clipped to it before they are stored."""

_SQUARE_ROOT = ("sum_sqrt", "mean_sqrt")


def to_float32(values: np.ndarray) -> np.ndarray:
    """float16 to float32. By PyTorch: its conversions are vectorised, this one twice as fast as NumPy's."""
    return torch.from_numpy(values).float().numpy()


def to_float16(values: np.ndarray) -> np.ndarray:
    """float32 to float16; by PyTorch, twenty times as fast as NumPy. Values beyond `FLOAT16_MAX` become infinite."""
    return torch.from_numpy(values).half().numpy()


def summarise(values: np.ndarray, sum_stat: str) -> np.ndarray:
    """Summarise ``values`` float32 (bins, width, ...) over their second axis; returns float32 (bins, ...).

    ``sum_sqrt`` is -1 + sqrt(1 + sum), ``mean_sqrt`` the same of the mean, ``peak`` sqrt(4 mean) clipped to [0, 1].
    Raises `ValueError` when a square root would be of a negative number.
    """
    if sum_stat in ("median", "max"):
        return getattr(np, sum_stat)(values, axis=1).astype(np.float32)
    statistic = sum_stat.removesuffix("_sqrt")
    summary = _sum(values)
    if statistic != "sum":
        summary /= values.shape[1]
    if sum_stat == "peak":
        return np.sqrt(np.clip(4 * summary, 0, 1))
    if sum_stat in _SQUARE_ROOT:
        summary += 1
        if summary.min(initial=0) < 0:
            raise ValueError(f"{sum_stat} of a bin whose {statistic} is {summary.min() - 1:.4g}")
        np.sqrt(summary, out=summary)
        summary -= 1
    return summary


def _sum(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        return values.sum(axis=1, dtype=np.float32)
    total = values[:, 0].copy()
    for position in range(1, values.shape[1]):  # whole rows at a time: faster than a sum over the middle axis
        total += values[:, position]
    return total


def clip_values(values: np.ndarray, clip: float, clip_soft: float = math.nan) -> np.ndarray:
    """Clip bins and store them: x > clip_soft becomes clip_soft - 1 + sqrt(x - clip_soft + 1), then [-clip, clip].

    A ``clip_soft`` of nan leaves the first step out. Returns float16, limited to `FLOAT16_MAX`.
    """
    if values.max(initial=0) > clip_soft:  # never true for nan
        values = np.where(values > clip_soft, clip_soft - 1 + np.sqrt(np.maximum(values - clip_soft, 0) + 1), values)
    limit = min(clip, FLOAT16_MAX)
    return to_float16(np.clip(values, -limit, limit))


def undo_clip_soft(values: np.ndarray, clip_soft: float) -> np.ndarray:
    """Inverse of the soft clip: y > clip_soft becomes (y - clip_soft + 1)^2 + clip_soft - 1; nan changes nothing."""
    if math.isnan(clip_soft):
        return values
    if values.max(initial=0) <= clip_soft:
        return values
    return np.where(values > clip_soft, (values - clip_soft + 1) ** 2 + clip_soft - 1, values)


class BinPooler:
    """Pools ``factor`` neighbouring bins of processed targets into one, as if coverage had been binned coarsely.

    ``tracks`` is a track table. The soft clip and the square root of a fine bin are undone, the fine bins summarised
    with the track's own statistic, and both applied again. That is exact, up to the rounding of float16, for mean, max,
    sum, mean_sqrt and sum_sqrt wherever no fine bin reached the hard clip ``clip``; one that did counts as if its value
    were the clip. Targets that were rounded before they were stored carry that rounding through the square.

    Raises `InputError` for a track whose statistic cannot be pooled: a median of medians is not the median, and a
    ``peak`` saturates at 1.
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
        values = to_float32(target)
        pooled = np.empty((len(target) // self.factor, target.shape[1]), dtype=np.float16)
        for columns, sum_stat, clip, clip_soft in self._runs:
            fine = undo_clip_soft(np.ascontiguousarray(values[:, columns]), clip_soft)
            if sum_stat in _SQUARE_ROOT:
                fine += 1
                fine *= fine
                fine -= 1
            coarse = summarise(fine.reshape(len(pooled), self.factor, -1), sum_stat)
            pooled[:, columns] = clip_values(coarse, clip, clip_soft)
        return pooled
