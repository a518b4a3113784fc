"""Figure 7: zoom on the strongest link."""

import h5py
import numpy as np
import pytest
from figure_inputs import maps, write_attention

from regulens.core.errors import InputError
from regulens.studies.genomic_interpreter.attention import AttentionFile
from regulens.studies.genomic_interpreter.figure7 import strongest_link, token_label, zoom_figure


def test_zoom_finds_the_planted_link(tmp_path):
    path = write_attention(tmp_path / "a.h5", layers=4)
    with h5py.File(path, "a") as file:
        weights = file["layer3_regular/weights"][:]
        weights[2, 5, 40, 3] = 0.9
        weights[1, 5, 20, 21] = 1.0  # stronger, but beside the diagonal
        weights[0, 0, 2, 40] = 1.0  # stronger, but from the N padding
        file["layer3_regular/weights"][:] = weights
    file = AttentionFile(path)
    zoom = strongest_link(file, file.layer(3), 8)
    assert (zoom.head, zoom.window, zoom.peak, zoom.tokens) == (2, 5, (40, 3), 8)
    assert (zoom.row, zoom.column) == (36, 0)
    figure = zoom_figure(file, 3, 8)
    window, part = maps(figure)[:2]
    np.testing.assert_allclose(part, window[36:44, 0:8])
    layer = file.layer(3)
    rows = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    columns = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert rows == [file.token_letters(layer, 5 * 48 + row) for row in range(36, 44)]
    assert columns == [file.token_letters(layer, 5 * 48 + column) for column in range(8)]
    assert "148 bp apart" in figure.get_suptitle()


def test_zoom_stays_inside_a_small_window(tmp_path):
    file = AttentionFile(write_attention(tmp_path / "a.h5", layers=2, window=6))
    figure = zoom_figure(file, 2, 16)
    assert maps(figure)[1].shape == (6, 6)


def test_zoom_without_readable_tokens_is_an_error(tmp_path):
    path = write_attention(tmp_path / "a.h5", layers=2)
    with h5py.File(path, "a") as file:
        file["sequence"][:] = 4
    with pytest.raises(InputError, match="attention.zoom_layer: layer 2"):
        zoom_figure(AttentionFile(path), 2)


def test_long_tokens_are_shortened():
    assert token_label("ACGTACGTACGTACGT") == "ACGTACGTACGTACGT"
    assert token_label("AAAAAACCCCCCCCCCCCCCCCCCCCGGTTTT") == "AAAAAA…GGTTTT"
