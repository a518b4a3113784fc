"""Boundaries: matched places, the difference of made-up maps with a wall at every boundary, table and figure."""

import h5py
import numpy as np
import pandas as pd
import pytest
from figure_inputs import pdf_text

from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.interpret.interactions import InteractionMaps
from regulens.studies.sequence_to_function.boundaries import COLUMNS, boundaries, matched_places

BINS, TARGETS = 40, 12


@pytest.fixture
def files(tmp_path):
    """Every target has boundaries in two of its bins, across which interactions are weaker."""
    rng = np.random.default_rng(0)
    places = [(row, int(place)) for row in range(TARGETS) for place in rng.choice([8, 14, 20, 26], 2, replace=False)]
    bins = np.arange(BINS)
    base = 1 / (1 + abs(bins[:, None] - bins))
    maps = base * rng.lognormal(sigma=0.1, size=(TARGETS, BINS, BINS))
    for row, place in places:
        maps[row][(bins[:, None] < place) != (bins < place)] /= 3
    for seed in (1, 2):
        with h5py.File(tmp_path / f"{seed}.h5", "w") as file:
            file["contig"] = np.array(["chr1"] * TARGETS, object)
            file["start"], file.attrs["bin_bp"] = np.arange(TARGETS) * BINS * 100, 100
            file["coverage"] = rng.random((TARGETS, BINS)).astype(np.float32)
            file["maps/effect"] = maps.astype(np.float32)
            if seed == 1:
                file["maps/attention"] = np.ones_like(maps, np.float32)
    table = pd.DataFrame([("chr1", row * BINS * 100 + place * 100 + 50) for row, place in places])
    table.columns = ["contig", "position"]
    table.to_csv(tmp_path / "positions.csv", index=False)
    return tmp_path


def analyse(folder, seeds=(1, 2), **options):
    outputs = {name: folder / f"out.{name}" for name in ("csv", "md", "pdf", "png")}
    runs = [Run("enformer", "Enformer", seed, folder / f"{seed}.h5") for seed in seeds]
    settings = {"reach": 3, "apart_bp": 400, "resamples": 20, "seed": 1} | options
    return boundaries(runs, positions=folder / "positions.csv", **outputs, **settings), outputs


def test_walls_are_found_in_the_effects_and_not_in_even_attention(files):
    table, outputs = analyse(files)
    assert list(table.columns) == COLUMNS
    found = table.set_index(["map", "places"])
    assert found["difference"]["effect", "boundaries"] < -0.3
    assert found["high"]["effect", "boundaries"] < 0
    assert abs(found["difference"]["effect", "random"]) < 0.3
    assert found["difference"]["attention", "boundaries"] == pytest.approx(0, abs=1e-6)
    assert found["seeds"]["effect", "boundaries"] == 2
    assert found["seeds"]["attention", "boundaries"] == 1
    assert found["pairs"]["effect", "boundaries"] <= 2 * TARGETS
    assert f"{TARGETS} test targets" in outputs["md"].read_text()
    for word in ("Boundaries", "Matched places", "In-silico", "Enformer"):
        assert word in pdf_text(outputs["pdf"])


def test_matched_places_have_the_nearest_coverage_and_are_used_once():
    coverage = np.ones((1, 20), np.float32)
    coverage[0, [5, 12]] = 4
    coverage[0, 6] = 9
    maps = InteractionMaps(["chr1"], np.array([0]), 100, coverage, {})
    assert matched_places(maps, [(0, 6)], 2, 2) == {(0, 6): (0, 12)}  # 5 is too near
    assert matched_places(maps, [(0, 0)], 2, 2) == {}  # too near the end
    found = matched_places(maps, [(0, 8), (0, 9)], 3, 2)
    assert len(set(found.values())) == 2


def test_what_cannot_be_compared_is_told(files):
    with pytest.raises(InputError, match="boundaries.reach: 30 bins on either side do not fit into targets of 40 bins"):
        analyse(files, reach=30)
    with pytest.raises(InputError, match="no boundary in the test targets has a matched place 4,000 bp"):
        analyse(files, apart_bp=4000)
