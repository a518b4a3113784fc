"""Positional encodings: values of the lecture's formula, the shape of every matrix, the figure."""

import numpy as np
import pytest
from figure_inputs import pdf_text

from regulens.studies.sequence_to_function.encodings import COLUMNS, FAMILIES, WIDTH, encodings


def test_values_and_panels(tmp_path):
    outputs = {name: tmp_path / f"out.{name}" for name in ("csv", "pdf", "png")}
    table = encodings(bins=20, **outputs)
    assert list(table.columns) == COLUMNS
    sines = table[table["encoding"] == "sinusoidal"].set_index(["position", "channel"])["value"]
    assert sines[3, 4] == pytest.approx(np.sin(3 / 10_000 ** (4 / WIDTH)), abs=1e-6)
    assert sines[3, 5] == pytest.approx(np.cos(3 / 10_000 ** (4 / WIDTH)), abs=1e-6)
    for family in FAMILIES:
        matrix = table[table["encoding"] == family].pivot(index="position", columns="channel", values="value")
        assert matrix.shape == (39, 8)
        assert np.allclose(matrix.to_numpy(), matrix.to_numpy()[::-1])  # of the distance, whatever its sign
    shown = pdf_text(outputs["pdf"])
    for word in ("Sines and cosines", "Central mask", "Gamma", "Distance (tokens)"):
        assert word in shown
