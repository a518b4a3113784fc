"""Figure 4: attention maps of (a) every layer and (b) every head of one layer (Genomic Interpreter, Figure 4)."""

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.plotting.style import DOUBLE_COLUMN, SMALL, base_pairs, new_figure, page_width, save, styled, title
from regulens.studies.genomic_interpreter.attention import (
    AttentionFile,
    LayerAttention,
    colour_bar,
    colour_norm,
    label_ends,
    layer_title,
    segment_name,
    show_map,
)

ACROSS = 9
"""Maximum number of layers side by side."""


@command("genomic-interpreter figure4a")
def figure4a(attention: Path | str, /, pdf: Path | str, png: Path | str) -> None:
    """Figure 4a: attention of every layer.

    See `layers_figure`. ``attention``: attention file of one test segment (`regulens export-attention`).
    """
    save(layers_figure(AttentionFile(attention)), pdf, png)


@command("genomic-interpreter figure4b")
def figure4b(attention: Path | str, /, heads_layer: Part[int], pdf: Path | str, png: Path | str) -> None:
    """Figure 4b: the heads of one layer.

    See `heads_figure`. ``attention``: attention file of one test segment (`regulens export-attention`).
    """
    save(heads_figure(AttentionFile(attention), heads_layer), pdf, png)


@styled
def layers_figure(file: AttentionFile) -> Figure:
    """Figure 4a: the attention of every layer, heads averaged, regular block.

    Upper row: the whole segment, the same interval for every layer, white outside the windows, so that the range of a
    layer shows as the width of its diagonal. Lower row: the window at the centre of the sequence, each layer on its own
    scale. Colours are multiples of uniform attention over the window, the same for all panels.
    """
    layers = [file.layer(number) for number in file.layers]
    wholes = [layer.sequence_map() for layer in layers]
    windows = [layer.window_map(layer.central_window()) for layer in layers]
    norm = colour_norm(windows)
    bands = math.ceil(len(layers) / ACROSS)
    across = math.ceil(len(layers) / bands)
    page = page_width(28 * across + 30)
    cell = min(28.0, (page - 30) / across)
    figure = new_figure(page, bands * (2 * cell + 16) + 8)
    panels = figure.subplots(2 * bands, across, squeeze=False)
    for axes in panels.ravel():
        axes.set_axis_off()
    image = None
    for number, (layer, whole, window) in enumerate(zip(layers, wholes, windows, strict=True)):
        band, column = divmod(number, across)
        upper, lower = panels[2 * band, column], panels[2 * band + 1, column]
        upper.set_axis_on()
        lower.set_axis_on()
        _whole_panel(upper, file, layer, whole, norm, column == 0)
        image = _window_panel(lower, layer, window, norm, column == 0)
    colour_bar(figure, image, panels, norm)
    figure.align_ylabels(panels[:, 0])
    figure.supxlabel("Attended position (bp or kb, as written; the attending position has the same scale)")
    title(figure, f"{segment_name(file)}, heads averaged, {_blocks(layers)}")
    return figure


def _blocks(layers: list[LayerAttention]) -> str:
    full = [layer.layer for layer in layers if layer.block == "full"]
    if len(full) == len(layers):
        return "Transformer blocks"
    return "regular blocks" + (f", Transformer from layer {full[0]}" if full else "")


def _whole_panel(axes: Axes, file: AttentionFile, layer: LayerAttention, values, norm: LogNorm, first: bool) -> None:
    last = layer.position(layer.tokens)
    show_map(axes, values, layer.start_bp, last, norm)
    start, end = -file.pad_bp, file.segment_bp + file.pad_bp
    axes.set(xlim=(start, end), ylim=(end, start))
    label_ends(axes, 0, file.segment_bp, ("0", f"{file.segment_bp / 1000:.1f} kb"))
    axes.set_title(f"Layer {layer.layer}\n{layer.bp_per_token} bp/token", fontsize=SMALL)
    if first:
        axes.set_ylabel("Whole segment\nattending position", fontsize=SMALL)
    else:
        axes.set_yticklabels([])


def _window_panel(axes: Axes, layer: LayerAttention, values: np.ndarray, norm: LogNorm, first: bool):
    length = len(values) * layer.bp_per_token
    image = show_map(axes, values, 0, length, norm)
    label_ends(axes, 0, length, ("0", base_pairs(length)))
    axes.set_yticklabels([])
    if first:
        axes.set_ylabel("Central window\nattending position", fontsize=SMALL)
    return image


@styled
def heads_figure(file: AttentionFile, layer_number: int) -> Figure:
    """Figure 4b: the heads of one layer, each with the mean distance |i - j| under its attention.

    A layer with several windows shows the window at its centre. Raises InputError when the layer is not in the file.
    """
    layer = file.layer(layer_number, "attention.heads_layer")
    number = layer.central_window()
    heads = range(len(layer.weights))
    maps = [layer.window_map(number, head) for head in heads]
    norm = colour_norm(maps)
    across = min(4, len(maps))
    down = math.ceil(len(maps) / across)
    figure = new_figure(DOUBLE_COLUMN, 40 * down + 14)
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    start = layer.position(int(layer.window_tokens(number)[0])) / 1000
    end = start + len(maps[0]) * layer.bp_per_token / 1000
    for axes in panels.ravel()[len(maps) :]:
        axes.set_axis_off()
    for axes, values, head in zip(panels.ravel(), maps, heads, strict=False):
        image = show_map(axes, values, start, end, norm)
        axes.set_title(f"Head {head + 1}, mean distance {base_pairs(layer.mean_distance_bp(head))}", fontsize=SMALL)
    for axes in panels[-1]:
        axes.set_xlabel("Attended position (kb)")
    for axes in panels[:, 0]:
        axes.set_ylabel("Attending position (kb)")
    colour_bar(figure, image, panels, norm)
    title(figure, layer_title(file, layer))
    return figure
