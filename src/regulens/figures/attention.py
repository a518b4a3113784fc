"""Figures 4 and 6: attention maps along the sequence, by layer, window and head (000 Figures 4 and 6)."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from regulens.figures.attention_file import AttentionFile, LayerAttention
from regulens.figures.style import (
    ATTENTION_COLOURS,
    DOUBLE_COLUMN,
    PAGE_HEIGHT,
    SMALL,
    base_pairs,
    new_figure,
    page_width,
    save,
    styled,
    title,
)
from regulens.figures.text_tables import decimal

LARGEST_GRID = 4
"""Windows of a layer that Figure 6 shows at most: those around the centre."""
ACROSS = 9
"""Layers side by side at most."""


def colour_norm(maps: Iterable[np.ndarray]) -> LogNorm:
    """Logarithmic colours for multiples of uniform attention: from 1/2 or less to 2 or more, in powers of two.

    The range follows the data, because attention that has hardly left uniform would be one flat colour otherwise.
    """
    values = np.concatenate([m[np.isfinite(m)].ravel() for m in maps])
    low, high = np.percentile(values, [1, 99.8])
    top = min(64.0, max(2.0, 2.0 ** math.ceil(math.log2(max(high, 1)))))
    bottom = max(1 / 16, min(1 / 2, 2.0 ** math.floor(math.log2(max(low, 1e-9)))))
    return LogNorm(bottom, top, clip=True)


def show_map(axes: Axes, values: np.ndarray, first_bp: float, last_bp: float, norm: LogNorm):
    """Draw one map, queries from top to bottom; what no window reaches stays white.

    Without interpolation, a PDF holds the values themselves as pixels, which is small and sharp at any zoom.
    """
    extent = (first_bp, last_bp, last_bp, first_bp)
    image = axes.imshow(
        np.ma.masked_invalid(values), cmap=ATTENTION_COLOURS, norm=norm, extent=extent, interpolation="none"
    )
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.xaxis.set_minor_locator(NullLocator())
    return image


def label_ends(axes: Axes, first_bp: float, last_bp: float, labels: tuple[str, str]) -> None:
    """Ticks at both ends only, with these labels on x, set inwards so that neighbouring panels do not collide."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([first_bp, last_bp]))
    axes.set_xticklabels(labels)
    axes.set_yticklabels(labels)
    left, right = axes.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    top, bottom = axes.get_yticklabels()
    top.set_verticalalignment("top")
    bottom.set_verticalalignment("bottom")


def colour_bar(figure: Figure, image, panels, norm: LogNorm) -> None:
    """Colour bar whose ticks read as multiples of uniform attention."""
    bar = figure.colorbar(image, ax=panels, fraction=0.04, pad=0.01, aspect=30, extend="both")
    ticks = 2.0 ** np.arange(round(math.log2(norm.vmin)), round(math.log2(norm.vmax)) + 1)
    bar.set_ticks(ticks[:: 1 if len(ticks) <= 8 else 2])
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}×" if v >= 1 else f"1/{1 / v:g}×"))
    bar.set_label("Attention, multiple of uniform")


def segment_name(file: AttentionFile) -> str:
    """Where the example lies, for a title."""
    return file.location or f"test example {file.example}"


@styled
def layers_figure(file: AttentionFile) -> Figure:
    """Figure 4a: the attention of every layer, heads averaged, regular block.

    Upper row: the whole segment, the same interval for every layer, white where no window reaches: the range of a
    layer is the width of its diagonal. Lower row: the window at the centre of the sequence, each layer on its own
    scale, which grows from layer to layer. Colours are multiples of uniform attention over the window, the same for
    all panels.
    """
    layers = [file.layer(number) for number in file.layers]
    wholes = [layer.whole() for layer in layers]
    windows = [layer.fold(layer.central_window()) for layer in layers]
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
    maps = [layer.fold(number, head) for head in heads]
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
        axes.set_title(f"Head {head + 1}, mean distance {base_pairs(layer.spread(head))}", fontsize=SMALL)
    for axes in panels[-1]:
        axes.set_xlabel("Attended position (kb)")
    for axes in panels[:, 0]:
        axes.set_ylabel("Attending position (kb)")
    colour_bar(figure, image, panels, norm)
    title(figure, _layer_title(file, layer))
    return figure


@styled
def windows_figure(file: AttentionFile, layer_number: int) -> Figure:
    """Figure 6: windows (rows) and heads (columns) of one layer, regular block.

    At most ``LARGEST_GRID`` windows, those around the centre, are shown. Raises InputError when the layer is not in the
    file.
    """
    layer = file.layer(layer_number, "attention.windows_layer")
    heads, count = layer.weights.shape[:2]
    first = max(0, (count - LARGEST_GRID) // 2)
    shown = range(first, min(count, first + LARGEST_GRID))
    norm = colour_norm(layer.fold(number, head) for number in shown for head in range(heads))
    page = page_width(21 * heads + 36)
    cell = min((page - 36) / heads, (PAGE_HEIGHT - 17) / len(shown) - 2.5, 40)
    figure = new_figure(page, (cell + 2.5) * len(shown) + 17)
    panels = figure.subplots(len(shown), heads, squeeze=False)
    for row, number in zip(panels, shown, strict=True):
        tokens = layer.window_tokens(number)
        start = layer.position(int(tokens[0]))
        end = start + len(tokens) * layer.bp_per_token
        for head, axes in enumerate(row):
            image = show_map(axes, layer.fold(number, head), start, end, norm)
            label_ends(axes, start, end, (decimal(start / 1000, 2), decimal(end / 1000, 2)))
            if head:
                axes.set_yticklabels([])
        row[0].set_ylabel(f"Window {number + 1} of {count}", fontsize=SMALL)
    for head, axes in enumerate(panels[0]):
        axes.set_title(f"Head {head + 1}", fontsize=SMALL)
    figure.align_ylabels(panels[:, 0])
    figure.supxlabel("Attended position (kb)")
    figure.supylabel("Attending position (kb)")
    colour_bar(figure, image, panels, norm)
    title(figure, _layer_title(file, layer))
    return figure


def _layer_title(file: AttentionFile, layer: LayerAttention) -> str:
    kind = "Transformer block" if layer.block == "full" else f"{layer.block} block, windows of {layer.window} tokens"
    return f"{segment_name(file)}, layer {layer.layer} ({layer.bp_per_token} bp/token, {kind})"


def figure4a(attention: Path | str, pdf: Path | str, png: Path | str) -> None:
    """Write Figure 4a; see ``layers_figure``."""
    save(layers_figure(AttentionFile(attention)), pdf, png)


def figure4b(attention: Path | str, layer: int, pdf: Path | str, png: Path | str) -> None:
    """Write Figure 4b; see ``heads_figure``."""
    save(heads_figure(AttentionFile(attention), layer), pdf, png)


def figure6(attention: Path | str, layer: int, pdf: Path | str, png: Path | str) -> None:
    """Write Figure 6; see ``windows_figure``."""
    save(windows_figure(AttentionFile(attention), layer), pdf, png)
