"""What the explorer shows: segments, sequences and tracks."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.explorer.choice import best_to_worst, correlations, explored_tracks


def test_best_middling_and_worst_of_many():
    quality = np.arange(100.0)[::-1]  # row 0 is the best
    found = best_to_worst(quality, 9)
    assert [row for row, why in found.items() if why == "best"] == [0, 1, 2]
    assert [row for row, why in found.items() if why == "middling"] == [48, 49, 50]
    assert [row for row, why in found.items() if why == "worst"] == [97, 98, 99]


def test_rows_of_figures_come_first_and_only_once():
    found = best_to_worst(np.array([0.1, 0.9, 0.5, 0.3]), 3, {1: "Figure 3"})
    assert found == {1: "Figure 3", 2: "best", 0: "worst"}


@pytest.mark.parametrize("count", range(1, 12))
def test_no_row_twice_whatever_the_count(count):
    quality = np.array([0.3, np.nan, 0.2, 0.9, np.nan, 0.1, 0.4])
    found = best_to_worst(quality, count, {5: "Figure 3"})
    assert len(found) == min(count, len(quality))


def test_what_has_no_quality_is_worst():
    assert best_to_worst(np.array([np.nan, 0.1, -0.9]), 3) == {1: "best", 2: "middling", 0: "worst"}


def test_correlation_of_every_segment_and_track():
    random = np.random.default_rng(1)
    x, y = random.random((3, 8, 2)), random.random((3, 8, 2))
    y[1, :, 0] = 4
    found = correlations(x, y)
    assert np.isnan(found[1, 0])
    assert found[2, 1] == pytest.approx(np.corrcoef(x[2, :, 1], y[2, :, 1])[0, 1])


def test_one_track_of_every_group_after_that_of_figure_3():
    tracks = pd.DataFrame({"identifier": ["a", "b", "c", "d"], "description": ["A", "B", "C", "D"]})
    tracks["group"] = pd.Categorical(["DNase", "CAGE", "DNase", "CAGE"], ["DNase", "CAGE"])
    assert explored_tracks(tracks, None, "c") == [2, 0, 1]
    assert explored_tracks(tracks, ["d", 0], "c") == [3, 0]
    with pytest.raises(InputError, match=r"explorer.tracks: 'e' does not exist"):
        explored_tracks(tracks, ["e"], "c")
