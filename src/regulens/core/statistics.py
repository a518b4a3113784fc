"""Statistics that several studies share: intervals, bootstrap, paired tests, rank correlations and AUROC of rows."""

import numpy as np
from scipy.stats import binom, norm, rankdata, t

LEVEL = 95
"""Percent covered by every interval."""


def percentile_interval(values: np.ndarray, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The 2.5 and 97.5 percentiles of ``values`` along ``axis``; NaN if there are no values."""
    if not values.shape[axis]:
        return (np.full(np.delete(values.shape, axis), np.nan)[()],) * 2
    outside = (100 - LEVEL) / 2
    low, high = np.percentile(values, [outside, 100 - outside], axis=axis)
    return low, high


def _t_quantile(degrees: np.ndarray | float) -> np.ndarray | float:
    return t.ppf((1 + LEVEL / 100) / 2, degrees)


def mean_interval(mean, sd, n) -> tuple[np.ndarray, np.ndarray]:
    """Limits of Student's 95 % interval of means; ``sd``: unbiased, of the ``n`` values; NaN of fewer than two."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = _t_quantile(n - 1) * sd / np.sqrt(n)
    return mean - half, mean + half


def draw_interval(values: np.ndarray) -> tuple[float, float]:
    """Where the mean over the items of 95 % of further draws is expected, given R >= 2 draws of N items, (R, N).

    Items vary independently, so that the variance of a draw's mean is that of each item over the draws, summed, / N^2:
    with few draws and many items this is known far better than the spread of the few means.
    """
    draws, items = values.shape
    half = norm.ppf((1 + LEVEL / 100) / 2) * np.sqrt(values.var(axis=0, ddof=1).sum() * (1 + 1 / draws)) / items
    return values.mean() - half, values.mean() + half


def welch_interval(mean_a, variance_a, n_a, mean_b, variance_b, n_b) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Difference a - b of means and the limits of its 95 % interval (Welch); ``variance``: unbiased, of one value.

    Without any variance, e.g. if all values are equal after rounding, the interval is the difference itself.
    """
    part_a, part_b = variance_a / n_a, variance_b / n_b
    squared, gap = part_a + part_b, mean_a - mean_b
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = squared**2 / (part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1))
        half = _t_quantile(degrees) * np.sqrt(squared)
    half = np.where(squared == 0, 0.0, half)
    return gap, gap - half, gap + half


def bootstrap_weights(items: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Weight of each item in each bootstrap resample, float64 (resamples, items), rows sum to 1.

    The mean of a quantity over every resample is ``weights @ values``: one set of weights serves any number of
    quantities, and the difference of two quantities is then resampled in pairs.
    """
    return rng.multinomial(items, np.full(items, 1 / items), size=resamples) / items


def bootstrap_interval(
    values: np.ndarray, resamples: int, rng: np.random.Generator
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Percentile bootstrap interval of the mean over the first axis of ``values``, (items, ...)."""
    return percentile_interval(np.tensordot(bootstrap_weights(len(values), resamples, rng), values, axes=1))


def mcnemar(only_first: np.ndarray, only_second: np.ndarray) -> np.ndarray:
    """Exact two-sided p-value of McNemar's test for paired outcomes of two classifiers.

    ``only_first``, ``only_second``: numbers of items, arrays of one shape, that only the first or only the second
    classifier gets right; under the null hypothesis a discordant item falls on either side with probability 1/2.
    Without discordant items p is 1.
    """
    only_first, only_second = np.asarray(only_first), np.asarray(only_second)
    fewer = np.minimum(only_first, only_second)
    return np.minimum(1.0, 2 * binom.cdf(fewer, only_first + only_second, 0.5))


def combined_p_value(p_values: np.ndarray, axis: int = 0) -> np.ndarray:
    """One p-value from those of repeated tests of one hypothesis: min(1, twice their median).

    Valid under any dependence between the repeats (Rüger 1978, Metrika 25: "twice the median"), so repeats on the same
    sequences may be combined; adding repeats does not make p smaller.
    """
    return np.minimum(1.0, 2 * np.median(p_values, axis=axis))


def standard_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within each row (ties: mean rank), centred and of unit norm: float64 (rows, columns).

    The product of two such rows is Spearman's rank correlation. A constant row has none: it is NaN.
    """
    ranks = rankdata(values, axis=1) - (values.shape[1] + 1) / 2
    norm = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    return np.divide(ranks, norm, out=np.full_like(ranks, np.nan), where=norm > 0)


def row_auroc(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each row: float64 (rows,), NaN for a row whose truth is all true or all false.

    ``values`` (rows, columns), ``truth`` bool (rows, columns). Ties count one half (Mann-Whitney).
    """
    positive = truth.sum(axis=1)
    pairs = positive * (truth.shape[1] - positive)
    rank_sum = (rankdata(values, axis=1) * truth).sum(axis=1)
    wins = rank_sum - positive * (positive + 1) / 2
    return np.divide(wins, pairs, out=np.full(len(truth), np.nan), where=pairs > 0)


def weighted_areas(truth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and area under the ROC curve for many weightings of the items: two arrays (resamples,).

    ``truth`` bool (items,), ``score`` (items,), ``weights`` (resamples, items), such as those of `bootstrap_weights`.
    Ties count as scikit-learn counts them. NaN where one of the two kinds of items has no weight.
    """
    order = np.argsort(-score, kind="stable")
    first = np.flatnonzero(np.diff(score[order], prepend=np.inf))  # of the items with one score
    true = np.add.reduceat(np.where(truth, weights, 0.0)[:, order], first, axis=1)
    false = np.add.reduceat(np.where(truth, 0.0, weights)[:, order], first, axis=1)
    above, below = true.cumsum(1), false.cumsum(1)
    all_true, all_false = above[:, -1:], below[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(true > 0, true * above / (above + below), 0.0).sum(1, keepdims=True) / all_true
        roc = (false * (above - true / 2)).sum(1, keepdims=True) / (all_true * all_false)
    undefined = (all_true == 0) | (all_false == 0)
    return tuple(np.where(undefined, np.nan, area)[:, 0] for area in (precision, roc))
