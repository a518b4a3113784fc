"""Interactions between bins: insulation of maps made by hand, places, the command on a small model."""

import numpy as np
import pytest

from regulens.interpret.interactions import (
    InteractionMaps,
    insulation,
    nearest_bins,
)


def test_insulation_of_a_wall_is_low_and_elsewhere_one():
    """Interactions that fall with distance, and half as strong across bin 10 of the first map."""
    bins = np.arange(20)
    base = 1 / (1 + abs(bins[:, None] - bins))
    across = (bins[:, None] < 10) != (bins < 10)
    maps = np.stack([np.where(across, base / 2, base), base])
    found = insulation(maps, 3)
    assert np.isnan(found[:, [0, 2, 17, 19]]).all()
    assert found[0, 10] < 0.7
    assert found[1, 3:17] == pytest.approx(np.full(14, found[1, 3]), rel=0.2)
    assert found[0, 10] < found[0, 5]
    # Both directions count, and a map of what is expected everywhere is 1.
    assert insulation(base[None], 3)[0, 3:17] == pytest.approx(np.ones(14))
    assert insulation(np.triu(base)[None], 3)[0, 3:17] == pytest.approx(np.ones(14))


def test_positions_become_bins_of_the_targets_that_hold_them():
    maps = InteractionMaps(["chr1", "chr2"], np.array([1000, 0]), 100, np.ones((2, 8), np.float32), {})
    contigs, positions = ["chr1", "chr1", "chr2", "chr3"], np.array([1000, 1799, 250, 10])
    assert nearest_bins(maps, contigs, positions) == [(0, 0), (0, 7), (1, 2)]
    assert nearest_bins(maps, ["chr1"], np.array([999])) == []
