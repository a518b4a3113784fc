"""Figure 4: maps of every layer and of every head."""

import h5py
import numpy as np
import pytest
from figure_inputs import check_text, maps, pdf_text, write_attention

from regulens.core.errors import InputError
from regulens.studies.genomic_interpreter.attention import AttentionFile, colour_norm
from regulens.studies.genomic_interpreter.figure4 import figure4a, heads_figure, layers_figure
from regulens.studies.genomic_interpreter.figure6 import windows_figure
from regulens.studies.genomic_interpreter.figure7 import figure7, strongest_link, zoom_figure


def test_layers_show_the_whole_segment_and_the_central_window(attention_file):
    shown = maps(layers_figure(attention_file))
    assert len(shown) == 16
    whole, window = shown[0::2], shown[1::2]
    if shown[1].shape != (48, 48):  # panels come row by row
        whole, window = shown[:8], shown[8:]
    for number, values in zip(attention_file.layers, window, strict=True):
        layer = attention_file.layer(number)
        np.testing.assert_allclose(values, layer.window_map(layer.central_window()), rtol=1e-6)
    reach = [1 - np.ma.getmaskarray(values).mean() for values in whole]
    assert all(np.diff(reach[:7]) > 0)  # the reachable share of the map grows from layer to layer
    assert reach[7] == 1


def test_layers_share_the_interval_and_the_colours(attention_file):
    figure = layers_figure(attention_file)
    panels = [axes for axes in figure.axes if axes.images]
    upper = panels[:8]
    assert {axes.get_xlim() for axes in upper} == {(-72, 6072)}
    assert len({axes.images[0].norm for axes in panels}) == 1
    target = upper[-1].images[0].get_extent()  # the Transformer sees the cropped centre
    assert target[:2] == [-72 + 1024, -72 + 1024 + 32 * 128]
    assert figure.get_suptitle().endswith("regular blocks, Transformer from layer 8")
    assert [axes.get_title() for axes in upper[:2]] == ["Layer 1\n1 bp/token", "Layer 2\n2 bp/token"]


def test_many_layers_are_wrapped(tmp_path):
    path = write_attention(tmp_path / "a.h5", layers=6, window=16)
    with h5py.File(path, "a") as file:
        for number in range(8, 13):
            file.copy("layer7_full", f"layer{number}_full")
            file[f"layer{number}_full/weights"].attrs["layer"] = number
    figure = layers_figure(AttentionFile(path))
    assert len(maps(figure)) == 24
    check_text(figure)


def test_heads_are_shown_with_their_mean_distance(attention_file):
    figure = heads_figure(attention_file, 8)
    layer = attention_file.layer(8)
    assert len(maps(figure)) == 4
    for head, values in enumerate(maps(figure)):
        np.testing.assert_allclose(values, layer.weights[head, 0] * 32, rtol=1e-6)
    titles = [axes.get_title() for axes in figure.axes[:4]]
    assert titles[0] == f"Head 1, mean distance {layer.mean_distance_bp(0):.0f} bp"
    assert titles[3] == f"Head 4, mean distance {layer.mean_distance_bp(3) / 1000:.3g} kb"
    assert layer.mean_distance_bp(3) > layer.mean_distance_bp(0)


@pytest.mark.parametrize(
    ("draw", "key"),
    [(heads_figure, "heads_layer"), (windows_figure, "windows_layer"), (zoom_figure, "zoom_layer")],
)
def test_a_layer_that_is_not_there_is_named(attention_file, draw, key):
    with pytest.raises(InputError, match=f"attention.{key}: layer 9 .*valid layers: 1, 2"):
        draw(attention_file, 9)


def test_colours_cover_the_data_and_uniform_attention():
    norm = colour_norm([np.array([[0.5, 1.0], [2.0, np.nan]])])
    assert (norm.vmin, norm.vmax) == (1 / 2, 2)
    norm = colour_norm([np.full((30, 30), 20.0), np.full((3, 3), 0.1)])
    assert norm.vmax == 32
    assert norm.vmin == 1 / 2


def test_text_of_attention_figures_is_readable(attention_file):
    for figure in (
        layers_figure(attention_file),
        heads_figure(attention_file, 8),
        windows_figure(attention_file, 6),
        zoom_figure(attention_file, 4, 16),
        zoom_figure(attention_file, 6, 16),
    ):
        check_text(figure)


def test_files_hold_the_text(attention_path, tmp_path):
    figure4a(attention_path, tmp_path / "a.pdf", tmp_path / "a.png")
    figure7(attention_path, 4, 12, tmp_path / "z.pdf", tmp_path / "z.png")
    assert "chr7:1000-7000" in pdf_text(tmp_path / "a.pdf")
    file = AttentionFile(attention_path)
    layer = file.layer(4)
    zoom = strongest_link(file, layer, 12)
    letters = file.token_letters(layer, int(layer.window_tokens(zoom.window)[zoom.peak[0]]))
    assert letters in pdf_text(tmp_path / "z.pdf")
