"""Figures 4, 6 and 7 and the plot of distances: what is in the panels."""

import h5py
import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text, write_attention, write_distances

from regulens.core.errors import InputError
from regulens.studies.genomic_interpreter.attention import AttentionFile, colour_norm
from regulens.studies.genomic_interpreter.attention_distance_plot import attention_distance_plot, distance_figure
from regulens.studies.genomic_interpreter.figure4 import figure4a, heads_figure, layers_figure
from regulens.studies.genomic_interpreter.figure6 import windows_figure
from regulens.studies.genomic_interpreter.figure7 import figure7, strongest_link, token_label, zoom_figure


def maps(figure):
    """The maps of a figure, by panel, without the colour bar."""
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


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


def test_windows_by_heads(attention_file):
    figure = windows_figure(attention_file, 6)
    layer = attention_file.layer(6)
    shown = np.array(maps(figure)).reshape(4, 4, 48, 48)
    np.testing.assert_allclose(shown[2, 1], layer.weights[1, 2] * 48, rtol=1e-6)
    assert figure.axes[0].get_ylabel() == "Window 1 of 4"
    assert figure.axes[0].images[0].get_extent()[:2] == [-72, -72 + 48 * 32]


def test_of_many_windows_the_central_ones_are_shown(attention_file):
    figure = windows_figure(attention_file, 3)  # 32 windows
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel().startswith("Window")]
    assert labels == [f"Window {number} of 32" for number in (15, 16, 17, 18)]


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


def test_distances_are_drawn_for_every_layer_block_and_head(tmp_path):
    table = pd.read_csv(write_distances(tmp_path / "d.csv"))
    figure = distance_figure(table)
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    handles, labels = axes.get_legend_handles_labels()
    regular = handles[labels.index("regular block")].lines[0].get_xydata()
    expected = table[(table["block"] == "regular") & (table["head"] == "all")]
    np.testing.assert_allclose(regular[:, 1], expected["mean_distance_bp"])
    drawn = np.concatenate([line.get_ydata() for line in axes.lines if line.get_marker() == "."])
    assert len(drawn) == (table["head"] != "all").sum()
    uniform = np.concatenate([line.get_ydata() for line in axes.lines if line.get_markersize() == 9])
    np.testing.assert_allclose(np.sort(uniform), np.sort(table[table["head"] == "all"]["uniform_bp"]))
    assert [label.get_text() for label in axes.get_xticklabels()][-1] == "8\n128"
    check_text(figure)


def test_one_segment_has_no_error_bars(tmp_path):
    table = pd.read_csv(write_distances(tmp_path / "d.csv", segments=1)).assign(sd_bp=np.nan)
    figure = distance_figure(table)
    check_text(figure)
    assert figure.axes[0].get_title(loc="right") == "1 test segment"


def test_unknown_blocks_and_missing_columns_are_errors(tmp_path):
    path = write_distances(tmp_path / "d.csv")
    with pytest.raises(InputError, match="block diagonal is unknown; valid: regular, shifted, full"):
        distance_figure(pd.read_csv(path).assign(block="diagonal"))
    pd.read_csv(path).drop(columns="uniform_bp").to_csv(path, index=False)
    with pytest.raises(InputError, match="column uniform_bp is missing"):
        attention_distance_plot(path, tmp_path / "d.pdf", tmp_path / "d.png")
