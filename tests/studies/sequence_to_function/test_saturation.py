"""Saturation panel: the chosen track or group, the mean over seeds, one correlation for each model."""

import h5py
import numpy as np
import pandas as pd
import pytest
from figure_inputs import pdf_text

from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.studies.sequence_to_function.saturation import COLUMNS, saturation

TRACKS = ["DNASE.blood", "CAGE.blood.plus"]


@pytest.fixture
def files(tmp_path):
    """20 bases, each changed to each other; the first predicts the CAGE track well, with the second seed shifted."""
    rng = np.random.default_rng(0)
    reference = rng.integers(4, size=20)
    rows = [
        (100 + place, "ACGT"[base], alt)
        for place, base in enumerate(reference)
        for alt in "ACGT"
        if alt != "ACGT"[base]
    ]
    table = pd.DataFrame(rows, columns=["position", "ref", "alt"]).assign(contig="sim7", saturated=1)
    table.insert(0, "variant", [f"v{number}" for number in range(len(table))])
    table["true.dnase.blood"], table["true.cage.blood.plus"] = 0.1, rng.normal(size=60)
    table["effect"], table["group"] = -table["true.cage.blood.plus"], "F9"
    table.to_csv(tmp_path / "variants.csv", index=False)
    for seed in (1, 2):
        effects = np.stack([np.zeros(60), table["true.cage.blood.plus"] + seed], 1).astype(np.float32)
        with h5py.File(tmp_path / f"effects{seed}.h5", "w") as file:
            file["variant"], file["tracks"] = table["variant"].to_numpy(object), np.array(TRACKS, object)
            file["window"], file["tss"] = effects, effects
    return tmp_path


def drawn(folder, **options):
    outputs = {name: folder / f"out.{name}" for name in ("csv", "pdf", "png")}
    runs = [Run("enformer", "Enformer", seed, folder / f"effects{seed}.h5") for seed in (1, 2)]
    return saturation(runs, truth=folder / "variants.csv", **outputs, **options), pdf_text(outputs["pdf"])


def test_simulated_promoter_on_its_most_affected_track(files):
    table, text = drawn(files)
    assert list(table.columns) == COLUMNS
    assert set(table["track"]) == {"CAGE.blood.plus"}
    np.testing.assert_allclose(table["predicted"], table["known"] + 1.5, rtol=1e-6)
    assert set(table["seeds"]) == {2}
    assert "predicted: r = 1.00 with known" in text


def test_measured_element_by_its_tracks(files):
    table, text = drawn(files, panel="F9", tracks={"all": TRACKS})
    np.testing.assert_allclose(table["predicted"], (1.5 - table["known"]) / 2, rtol=1e-6)
    assert "r = -1.00" in text.replace("−", "-")
    with pytest.raises(InputError, match="no group 'F8' for the saturation panel; did you mean 'F9'"):
        drawn(files, panel="F8")
