"""From coverage to bins, and from fine bins to coarse ones, against formulas written out here."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.data.crop import (
    BinPooler,
    bin_coverage,
    clean_coverage,
    clip_values,
    interpolate_gaps,
    summarise,
    undo_clip_soft,
)

NAN = np.nan


def flat(*values, repeat=128):
    return np.repeat(np.array(values, np.float32), repeat)


def recipe(**changes):
    return {"bin_bp": 128, "scale": 1.0, "sum_stat": "sum", "clip": 1e9, "clip_soft": NAN} | changes


@pytest.mark.parametrize(
    ("sum_stat", "expected"),
    [
        ("mean", 3.0),
        ("median", 3.0),
        ("max", 3.0),
        ("sum", 384.0),
        ("sum_sqrt", np.sqrt(385) - 1),
        ("mean_sqrt", 1.0),
        ("peak", 1.0),
    ],
)
def test_constant_coverage(sum_stat, expected):
    """Constant coverage 1.5, scaled by 2 before it is summarised."""
    bins = bin_coverage(flat(1.5, 1.5), **recipe(scale=2.0, sum_stat=sum_stat))
    assert bins.dtype == np.float16
    np.testing.assert_array_equal(bins, np.full(2, expected, np.float16))


def test_statistics_of_varying_coverage():
    values = np.random.default_rng(0).gamma(0.5, 0.1, (4, 128)).astype(np.float32)
    wide = values.astype(np.float64)
    expected = {
        "sum": wide.sum(1),
        "mean": wide.mean(1),
        "median": np.median(wide, 1),
        "max": wide.max(1),
        "sum_sqrt": np.sqrt(1 + wide.sum(1)) - 1,
        "mean_sqrt": np.sqrt(1 + wide.mean(1)) - 1,
        "peak": np.minimum(np.sqrt(4 * wide.mean(1)), 1),
    }
    for sum_stat, summary in expected.items():
        np.testing.assert_allclose(summarise(values, sum_stat), summary, rtol=1e-6, atol=1e-7)


def test_clips():
    """Soft clip c: f(c) = c, continuous; f(c + 3) = c + 1. Then the hard clip on both sides, then float16's ceiling."""
    values = np.array([-50.0, 31.0, 32.0, 32.001, 35.0, 40.0, 1e6], np.float32)
    np.testing.assert_allclose(
        clip_values(values, clip=40.0, clip_soft=32.0).astype(float), [-40, 31, 32, 32, 33, 34, 40], atol=0.02
    )
    assert clip_values(values, clip=1e9)[-1] == 65504
    assert clip_values(-values, clip=1e9)[-1] == -65504
    np.testing.assert_allclose(undo_clip_soft(np.array([31.0, 32.0, 33.0, 34.0]), 32.0), [31, 32, 35, 40])


def test_square_root_of_negative_sums():
    np.testing.assert_allclose(
        bin_coverage(flat(-0.5 / 128), **recipe(sum_stat="sum_sqrt")), np.sqrt(0.5) - 1, rtol=1e-3
    )
    with pytest.raises(ValueError, match=r"sum_sqrt of a bin whose sum is -128"):
        bin_coverage(flat(1.0, -1.0), **recipe(sum_stat="sum_sqrt"))


def test_coverage_is_rounded_to_float16_first():
    values = clean_coverage(flat(0.1, 1e6, -1e6), 128)
    assert values[0] == np.float16(0.1) != np.float32(0.1)
    assert values.max() == 65504
    assert values.min() == -65504


def test_gaps_get_the_baseline_which_is_0_beside_them():
    """As in Basenji, one gap makes the median, and so the baseline, 0: bases without a value are not covered."""
    values = flat(*[2.0] * 10)
    values[100:110] = NAN
    cleaned = clean_coverage(values, 128)
    assert (cleaned[100:110] == 0).all()
    assert (np.delete(cleaned, np.s_[100:110]) == 2).all()
    binned = bin_coverage(cleaned, **recipe(sum_stat="sum_sqrt"))
    np.testing.assert_allclose(binned, np.sqrt(1 + np.array([236, *[256] * 9])) - 1, rtol=1e-3)  # not nan everywhere


def test_interpolation_of_gaps():
    values = np.array([NAN, NAN, 3, NAN, 6, NAN], np.float32)
    np.testing.assert_allclose(interpolate_gaps(values), [1, 2, 3, 4.5, 6, 3])
    np.testing.assert_array_equal(interpolate_gaps(np.full(3, NAN)), [0, 0, 0])
    np.testing.assert_allclose(clean_coverage(values, 1, interpolate=True), [1, 2, 3, 4.5, 6, 3])


def test_blacklist_is_clipped_to_the_median():
    values = flat(*[1.0] * 9, 50.0)
    values[0] = -30
    for start, end in ((1152, 1280), (1152, 99999)):
        assert clean_coverage(values, 128, [(start, end)])[1279] == 1
    before = clean_coverage(values, 128, [(-500, 10)])  # starts before the window: still applied
    assert before[0] == -1
    assert before[1279] == 50
    np.testing.assert_array_equal(clean_coverage(values, 128, [(-500, -10), (5000, 6000)]), values)


def test_blacklist_in_a_short_window_is_zeroed():
    values = flat(*[1.0] * 7)
    assert (clean_coverage(values, 128, [(0, 50)])[:50] == 0).all()
    assert (clean_coverage(flat(*[1.0] * 8), 128, [(0, 50)]) == 1).all()


def test_negative_baseline_bounds_by_its_magnitude():
    cleaned = clean_coverage(flat(*[-2.0] * 9, 50.0), 128, [(0, 1280)])
    assert cleaned.max() == 2
    assert cleaned.min() == -2


def table(**columns):
    size = len(columns["sum_stat"])
    plain = {"identifier": [f"t{i}" for i in range(size)], "clip": [1e9] * size, "clip_soft": [NAN] * size}
    return pd.DataFrame(plain | columns)


def test_pooling_equals_coarse_binning():
    """Fine bins pooled are what the same coverage gives when it is binned coarsely, softly clipped tracks included."""
    stats = ["mean", "sum", "sum_sqrt", "sum_sqrt", "mean_sqrt", "max", "mean", "mean"]
    soft = [NAN, 100.0, NAN, 4.0, 0.5, NAN, 1.5, 1.5]
    coverage = np.random.default_rng(1).gamma(0.3, 3.0, (len(stats), 128 * 50)).astype(np.float32)
    fine, coarse = (
        np.stack(
            [
                bin_coverage(values, bin_bp, 1.0, stat, 1e9, clip)
                for values, stat, clip in zip(coverage, stats, soft, strict=True)
            ],
            axis=1,
        )
        for bin_bp in (32, 128)
    )
    assert (fine[:, 3] > 4).any()
    assert (fine[:, 7] > 1.5).any()
    pooled = BinPooler(table(sum_stat=stats, clip_soft=soft), 4)(fine)
    assert pooled.dtype == np.float16
    assert pooled.shape == (50, len(stats))
    # Four roundings to float16 (2^-11 each) travel through squares; max and plain means lose one.
    np.testing.assert_allclose(pooled.astype(float), coarse.astype(float), rtol=4e-3)
    np.testing.assert_array_equal(pooled[:, 5], coarse[:, 5])


def test_pooling_respects_the_hard_clip():
    pooled = BinPooler(table(sum_stat=["sum", "mean"], clip=[10.0, 10.0]), 2)(np.full((4, 2), 10, np.float16))
    np.testing.assert_array_equal(pooled, np.full((2, 2), 10))


def test_pooling_by_one_changes_nothing():
    target = np.random.default_rng(0).random((6, 2)).astype(np.float16)
    assert BinPooler(table(sum_stat=["median", "peak"]), 1)(target) is target


@pytest.mark.parametrize("sum_stat", ["median", "peak"])
def test_statistics_that_cannot_be_pooled(sum_stat):
    with pytest.raises(InputError, match=rf"track 1 \(t1\) has sum_stat {sum_stat}, and .* cannot be pooled"):
        BinPooler(table(sum_stat=["sum", sum_stat]), 4)
