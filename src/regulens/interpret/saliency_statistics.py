"""Do saliency scores separate the bases of planted motifs from the background? (001 section 2.4; SPEC 5.6).

Everything is computed within one sequence and averaged afterwards. All three statistics are scale-free: multiplying
the scores of a sequence by a positive number changes none of them.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

LOG_FLOOR = 1e-10
"""Added to probabilities before the logarithm, as in the paper's code."""
STATISTIC_COLUMNS = ("sequences", "auroc", "aupr", "snr", "snr_zero", "saturated")


class Positions(NamedTuple):
    """What is compared in N sequences of L bp; positions that are neither are ignored."""

    signal: np.ndarray
    """bool (N, L): bases of planted motifs."""
    background: np.ndarray
    """bool (N, L): bases without any motif."""

    @property
    def usable(self) -> np.ndarray:
        """bool (N,): sequences with signal and with background; the areas of others are not defined."""
        return self.signal.any(axis=1) & self.background.any(axis=1)


def information_bits(model: np.ndarray) -> np.ndarray:
    """Information of each position of sequence models against a uniform background: float64 (..., L), in bits.

    ``model`` (..., L, 4): probability of A, C, G, T at every position.
    """
    model = np.asarray(model, np.float64)
    return 2 + (model * np.log2(model + LOG_FLOOR)).sum(axis=-1)


def truth_positions(model: np.ndarray, signal_bits: float, tolerance: float) -> Positions:
    """Signal (more than ``signal_bits``) and background (within ``tolerance`` bits of the sequence's minimum).

    ``model`` (N, L, 4): the planted sequence model. A position is never both. Columns between, the uninformative ones
    inside a motif, are neither.
    """
    bits = information_bits(model)
    signal = bits > signal_bits
    return Positions(signal, (bits <= bits.min(axis=1, keepdims=True) + tolerance) & ~signal)


def row_areas(scores: np.ndarray, positions: Positions) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the ROC and the precision-recall curve of each row: two float64 (N,).

    ``scores`` (N, L). Equal to scikit-learn's ``roc_auc_score`` and ``auc`` of ``precision_recall_curve`` on the
    positions that are signal or background: the trapezoidal area, which is not the average precision. If all scores
    of a row are equal they are 1/2 and (1 + share of signal) / 2. NaN where a score is not finite, or where signal or
    background is missing.
    """
    signal, background = positions
    used = signal | background
    defined = positions.usable & np.isfinite(np.where(used, scores, 0)).all(axis=1)
    # Descending order of the used positions; the ignored ones come last and add nothing.
    key = np.where(used, -np.asarray(scores, np.float64), np.inf)
    key[~defined] = 0
    order = np.argsort(key, axis=1, kind="stable")
    key = np.take_along_axis(key, order, axis=1)
    true = np.take_along_axis(signal, order, axis=1).cumsum(axis=1)
    false = np.take_along_axis(background, order, axis=1).cumsum(axis=1)
    # A point of the curve lies where a run of equal scores ends.
    point = np.ones(key.shape, bool)
    point[:, :-1] = key[:, 1:] != key[:, :-1]
    point &= key < np.inf
    true_before, false_before = _at_last_point(true, point), _at_last_point(false, point)
    precision = true / np.maximum(true + false, 1)
    seen_before = true_before + false_before
    precision_before = np.where(seen_before > 0, true_before / np.maximum(seen_before, 1), 1.0)
    roc = (point * (false - false_before) * (true + true_before) / 2).sum(axis=1)
    recall = (point * (true - true_before) * (precision + precision_before) / 2).sum(axis=1)
    n_signal, n_background = signal.sum(axis=1), background.sum(axis=1)
    none = np.full(len(key), np.nan)
    return (
        np.divide(roc, n_signal * n_background, out=none.copy(), where=defined),
        np.divide(recall, n_signal, out=none, where=defined),
    )


def _at_last_point(counts: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Running counts (N, L) as they were at the last point of the curve before each position; 0 before the first."""
    before = np.zeros_like(counts)
    before[:, 1:] = np.maximum.accumulate(np.where(point, counts, 0), axis=1)[:, :-1]
    return before


def signal_to_noise(scores: np.ndarray, positions: Positions, worst: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Mean score of the signal over the mean of the ``worst`` largest background scores: float64 (N,), bool (N,).

    ``scores`` (N, L). The second array tells which rows have fewer than ``worst`` positive background scores: their
    ratio is 0, as in the paper's code, however good the scores are. NaN where a score is not finite, or where signal
    or background is missing.
    """
    signal, background = positions
    scores = np.asarray(scores, np.float64)
    defined = positions.usable & np.isfinite(np.where(signal | background, scores, 0)).all(axis=1)
    noise = np.sort(np.where(background & defined[:, None], scores, -np.inf), axis=1)[:, ::-1][:, :worst]
    few = (noise > 0).sum(axis=1) < worst
    mean = np.where(signal & defined[:, None], scores, 0).sum(axis=1) / np.maximum(signal.sum(axis=1), 1)
    ratio = np.divide(mean, np.where(few[:, None], 1, noise).mean(axis=1))
    return np.where(defined, np.where(few, 0.0, ratio), np.nan), few & defined


def trial_statistics(scores: np.ndarray, positions: Positions, worst: int = 20) -> pd.DataFrame:
    """One row a trial, `STATISTIC_COLUMNS`: means over the usable sequences.

    ``scores`` (T, N, L). ``sequences``: how many are usable. ``snr_zero``: share of sequences whose signal-to-noise
    ratio is 0 because fewer than ``worst`` background scores are positive. ``saturated``: share whose scores are zero
    at every base. A trial with a score that is not finite (it diverged in training) has NaN everywhere.
    """
    rows, usable = [], positions.usable
    positions = Positions(positions.signal[usable], positions.background[usable])
    for values in scores:
        values = values[usable]
        if not len(values) or not np.isfinite(values).all():
            rows.append((len(values), *[np.nan] * 5))
            continue
        areas = row_areas(values, positions)
        snr, few = signal_to_noise(values, positions, worst)
        saturated = (values == 0).all(axis=1)
        rows.append((len(values), *(part.mean() for part in (*areas, snr, few, saturated))))
    return pd.DataFrame(rows, columns=STATISTIC_COLUMNS)
