"""Bootstrap, McNemar, combined p-values, rank correlation and AUROC of rows."""

import numpy as np
import pytest
from scipy.stats import binomtest, spearmanr, ttest_1samp
from sklearn.metrics import average_precision_score, roc_auc_score

from regulens.core.statistics import (
    bootstrap_interval,
    bootstrap_weights,
    combined_p_value,
    draw_interval,
    mcnemar,
    mean_interval,
    percentile_interval,
    row_auroc,
    standard_ranks,
    weighted_areas,
)


def test_percentile_interval_leaves_a_fortieth_on_either_side():
    low, high = percentile_interval(np.arange(1001.0))
    assert (low, high) == (25, 975)
    low, high = percentile_interval(np.arange(8.0).reshape(2, 4), axis=1)
    assert np.allclose(low, [0.075, 4.075])
    assert np.allclose(high, [2.925, 6.925])


@pytest.mark.parametrize("count", [2, 5])
def test_draw_interval_holds_95_percent_of_the_next_draws(count):
    random, inside = np.random.default_rng(count), 0
    rates = random.random(60)
    for _ in range(2000):
        draws = random.random((count + 1, 60)) < rates
        low, high = draw_interval(draws[:-1])
        inside += low <= draws[-1].mean() <= high
    assert inside / 2000 == pytest.approx(0.95, abs=0.02)
    assert draw_interval(np.ones((3, 8))) == (1, 1)


def test_mean_interval_is_student_s_and_needs_two_values():
    values = np.random.default_rng(0).normal(1, 2, (9, 3))
    expected = ttest_1samp(values, 0).confidence_interval()
    assert np.allclose(mean_interval(values.mean(axis=0), values.std(axis=0, ddof=1), 9), expected)
    low, high = mean_interval(np.ones(3), np.array([np.nan, np.nan, 2.0]), np.array([0, 1, 8]))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False]


def test_bootstrap_weights_are_counts_of_resampled_items():
    weights = bootstrap_weights(7, 500, np.random.default_rng(0))
    assert weights.shape == (500, 7)
    assert np.allclose(weights.sum(1), 1)
    assert np.allclose(weights * 7, np.round(weights * 7))
    # A resample with replacement leaves an item out with probability (1 - 1/7) ** 7.
    assert (weights == 0).mean() == pytest.approx((6 / 7) ** 7, abs=0.02)


def test_bootstrap_interval_is_that_of_the_mean():
    values = np.random.default_rng(0).normal(3, 2, (900, 2))
    low, high = bootstrap_interval(values, 2000, np.random.default_rng(1))
    error = 1.96 * values.std(0) / 30
    assert np.allclose(low, values.mean(0) - error, atol=0.02)
    assert np.allclose(high, values.mean(0) + error, atol=0.02)
    again = bootstrap_interval(values[:, 0], 2000, np.random.default_rng(1))
    assert np.allclose(again, (low[0], high[0]))


def test_mcnemar_is_the_binomial_test_of_discordant_pairs():
    first, second = np.meshgrid(np.arange(12), np.arange(12))
    p_values = mcnemar(first, second)
    assert p_values.shape == (12, 12)
    for b, c, p in zip(first.flat, second.flat, p_values.flat, strict=True):
        assert p == pytest.approx(1 if b + c == 0 else binomtest(b, b + c).pvalue)
    assert mcnemar(1, 20) == pytest.approx(2 * 22 / 2**21)


def test_combined_p_value_is_twice_the_median_and_valid_under_dependence():
    assert combined_p_value(np.array([0.01, 0.02, 0.9])) == pytest.approx(0.04)
    assert combined_p_value(np.array([0.4, 0.9, 0.7])) == 1
    rng = np.random.default_rng(0)
    shared = rng.random((1, 20_000))
    for p_values in (
        np.repeat(shared, 20, 0),
        rng.random((20, 20_000)),
        np.where(rng.random((20, 1)) < 0.5, shared, 1),
    ):
        assert (combined_p_value(p_values) <= 0.05).mean() <= 0.055


def test_standard_ranks_give_spearman_and_nothing_for_constants():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, (20, 30)), rng.random((20, 30)).astype(np.float32)
    a[3] = 2
    found = (standard_ranks(a) * standard_ranks(b)).sum(1)
    assert np.isnan(found[3])
    for row in set(range(20)) - {3}:
        assert found[row] == pytest.approx(spearmanr(a[row], b[row]).statistic)


def test_row_auroc_counts_ties_half():
    rng = np.random.default_rng(0)
    values, truth = rng.integers(0, 5, (30, 25)), rng.random((30, 25)) < 0.3
    truth[0], truth[1] = True, False
    found = row_auroc(values, truth)
    assert np.isnan(found[:2]).all()
    assert np.allclose(found[2:], [roc_auc_score(t, v) for t, v in zip(truth[2:], values[2:], strict=True)])
    assert row_auroc(np.ones((1, 4)), np.array([[True, False, False, True]])) == [0.5]


def test_weighted_areas_are_those_of_scikit_learn_with_ties_and_weights():
    rng = np.random.default_rng(0)
    truth, score = rng.random(60) < 0.3, rng.integers(12, size=60) / 4
    weights = np.vstack([np.ones(60), bootstrap_weights(60, 20, rng)])
    precision, roc = weighted_areas(truth, score, weights)
    for row, weight in enumerate(weights):
        assert precision[row] == pytest.approx(average_precision_score(truth, score, sample_weight=weight))
        assert roc[row] == pytest.approx(roc_auc_score(truth, score, sample_weight=weight))


def test_areas_of_one_kind_of_items_are_undefined():
    truth, score = np.array([True, False, False]), np.array([3.0, 2.0, 1.0])
    weights = np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    for area in weighted_areas(truth, score, weights):
        assert np.isnan(area).tolist() == [True, True, False]
        assert area[2] == 1
