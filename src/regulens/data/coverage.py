"""From the coverage of one window, base by base, to the bins of a training target (SPEC 4.2)."""

import math
from collections.abc import Sequence

import numpy as np

from regulens.data.summary import FLOAT16_MAX, clip_values, summarise, to_float16, to_float32

_FEWEST_BINS = 8  # a shorter window has no baseline: half of it may be one peak


def clean_coverage(
    values: np.ndarray, bin_bp: int, blacklist: Sequence[tuple[int, int]] = (), interpolate: bool = False
) -> np.ndarray:
    """Steps 1 to 5: round to float16, fill gaps, flatten blacklisted regions. Returns float32 (bp,).

    ``values`` float32 (bp,) is one track's coverage of one window, nan where the file says nothing. The baseline is the
    median of the window, and 0 when the window has a gap or fewer than 8 bins of ``bin_bp``. ``blacklist`` holds
    intervals (start, end) relative to the window, already extended, which may reach beyond it: their values are clipped
    to [-baseline, baseline]. Remaining gaps get the baseline; ``interpolate`` fills them linearly before that, beyond
    the first and last value with a fall to 0.

    Deviations from Basenji, each in a case where its result is not meant (SPEC S30, 11): an interval that starts before
    the window is clipped to it (a negative index drops it there), and the baseline's magnitude bounds blacklisted
    values (a negative baseline inverts the bounds there).
    """
    values = to_float32(to_float16(np.clip(values, -FLOAT16_MAX, FLOAT16_MAX)))
    if interpolate:
        values = interpolate_gaps(values)
    gaps = np.isnan(values)
    has_gaps = gaps.any()
    baseline = 0.0 if has_gaps or len(values) < _FEWEST_BINS * bin_bp else float(np.median(values))
    for start, end in blacklist:
        region = slice(max(start, 0), max(end, 0))
        values[region] = np.clip(values[region], -abs(baseline), abs(baseline))
    if has_gaps:
        values[gaps] = baseline
    return values


def interpolate_gaps(values: np.ndarray) -> np.ndarray:
    """Replace nan by linear interpolation along (bp,); beyond the first and last value the coverage falls to 0."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == len(values):
        return values
    padded = np.concatenate([[0.0], values[known], [0.0]])
    positions = np.concatenate([[-1], known, [len(values)]])
    return np.interp(np.arange(len(values)), positions, padded).astype(np.float32)


def bin_coverage(
    values: np.ndarray, bin_bp: int, scale: float, sum_stat: str, clip: float, clip_soft: float = math.nan
) -> np.ndarray:
    """Steps 7 to 11: scale ``values`` (bp,), summarise each ``bin_bp`` by ``sum_stat``, clip. Returns float16 (bins,).

    Basenji's last step clips a finished track at its 99.99999th percentile. It is left out: it needs every window of
    the data set before the first can be written, and touches about one bin in ten million.
    Raises `ValueError` for a square root of a negative sum.
    """
    scaled = values.astype(np.float32) * np.float32(scale)
    return clip_values(summarise(scaled.reshape(-1, bin_bp), sum_stat), clip, clip_soft)
