"""Figure 7 of Genomic Interpreter: a zoom into one attention map, with the bases of every token."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.plotting.style import (
    ATTENTION_COLOURS,
    DOUBLE_COLUMN,
    SMALL,
    VERMILION,
    new_figure,
    save,
    styled,
    thousands,
    title,
)
from regulens.studies.genomic_interpreter.attention import (
    AttentionFile,
    LayerAttention,
    colour_bar,
    colour_norm,
    segment_name,
    show_map,
)

LONGEST_LABEL = 16
"""Maximum number of bases of a token written out; longer tokens show their first and last six."""


@command("genomic-interpreter figure7")
def figure7(
    attention: Path | str, /, zoom_layer: Part[int], zoom_tokens: Part[int], pdf: Path | str, png: Path | str
) -> None:
    """Figure 7: zoom into one attention map, with the bases of each token.

    See `zoom_figure`. ``attention``: attention file of one test segment (`regulens export-attention`).
    """
    save(zoom_figure(AttentionFile(attention), zoom_layer, zoom_tokens), pdf, png)


class Zoom(NamedTuple):
    """Part of one window's map: ``tokens`` queries from row ``row`` and ``tokens`` keys from column ``column``."""

    head: int
    window: int
    row: int
    column: int
    tokens: int
    peak: tuple[int, int]
    """Row and column of the strongest entry, around which the zoom is placed."""


def strongest_link(file: AttentionFile, layer: LayerAttention, tokens: int) -> Zoom:
    """The zoom around the strongest attention between tokens that are far apart.

    Far apart means by more than ``tokens`` tokens, or half of the window if that is less, so that the zoom shows more
    than the diagonal. All heads and windows are searched, except tokens with an N (padding).

    Raises InputError when the window has too few tokens.
    """
    heads, windows = layer.weights.shape[:2]
    tokens = min(tokens, layer.window)
    apart = max(1, min(tokens, layer.window // 2))
    readable = np.array(["N" not in file.token_letters(layer, token) for token in range(layer.tokens)])
    best, place = -1.0, None
    for number in range(windows):
        index = layer.window_tokens(number)
        rank = np.arange(len(index))
        # Neighbours in the window across the wrap-around are not neighbours in the sequence.
        allowed = (np.abs(rank[:, None] - rank[None]) > apart) & readable[index][:, None] & readable[index][None]
        if not allowed.any():
            continue
        for head in range(heads):
            values = np.where(allowed, layer.window_map(number, head), -1.0)
            peak = np.unravel_index(int(values.argmax()), values.shape)
            if values[peak] > best:
                best, place = float(values[peak]), (head, number, int(peak[0]), int(peak[1]), len(index))
    if place is None:
        raise InputError(
            f"attention.zoom_layer: layer {layer.layer} has no two tokens without N that are more than {apart} apart"
        )
    head, number, row, column, size = place
    tokens = min(tokens, size)

    def first(centre: int) -> int:
        return int(np.clip(centre - tokens // 2, 0, size - tokens))

    return Zoom(head, number, first(row), first(column), tokens, (row, column))


def token_label(letters: str) -> str:
    """Bases of a token, abbreviated in the middle if there are many."""
    return letters if len(letters) <= LONGEST_LABEL else f"{letters[:6]}…{letters[-6:]}"


@styled
def zoom_figure(file: AttentionFile, layer_number: int, tokens: int = 16) -> Figure:
    """Left: the window and head with the strongest far link of the layer. Right: the marked part, tokens as k-mers.

    Arguments:
        layer_number: layer of the attention file, regular block.
        tokens: tokens along each axis of the zoom.

    Raises InputError when the layer is not in the file.
    """
    layer = file.layer(layer_number, "attention.zoom_layer")
    zoom = strongest_link(file, layer, tokens)
    window = layer.window_map(zoom.window, zoom.head)
    part = window[zoom.row : zoom.row + zoom.tokens, zoom.column : zoom.column + zoom.tokens]
    norm = colour_norm([window])
    figure = new_figure(DOUBLE_COLUMN, 90)
    left, right = figure.subplots(1, 2, width_ratios=[0.8, 1])
    left.set_anchor("N")
    right.set_anchor("N")

    index = layer.window_tokens(zoom.window)
    start = layer.position(int(index[0]))
    bp = layer.bp_per_token
    show_map(left, window, start / 1000, (start + len(index) * bp) / 1000, norm)
    corner = ((start + zoom.column * bp) / 1000, (start + zoom.row * bp) / 1000)
    size = zoom.tokens * bp / 1000
    left.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=VERMILION, linewidth=1))
    left.set(xlabel="Attended position (kb)", ylabel="Attending position (kb)")
    left.set_title(f"Window {zoom.window + 1}, head {zoom.head + 1}")

    image = right.imshow(part, cmap=ATTENTION_COLOURS, norm=norm, interpolation="none")
    columns = index[zoom.column : zoom.column + zoom.tokens]
    rows = index[zoom.row : zoom.row + zoom.tokens]
    font = {"family": "DejaVu Sans Mono", "fontsize": SMALL}
    right.set_xticks(range(zoom.tokens), [token_label(file.token_letters(layer, int(t))) for t in columns], **font)
    right.set_yticks(range(zoom.tokens), [token_label(file.token_letters(layer, int(t))) for t in rows], **font)
    right.tick_params(axis="x", rotation=90)
    right.add_patch(
        Rectangle(
            (zoom.peak[1] - zoom.column - 0.5, zoom.peak[0] - zoom.row - 0.5), 1, 1, fill=False, edgecolor=VERMILION
        )
    )
    for spine in right.spines.values():
        spine.set_visible(True)
        spine.set_edgecolor(VERMILION)
    right.set_title("Marked part, bases of every token")
    right.set_xlabel(f"Attended tokens ({_span(layer, columns)})", labelpad=4)
    right.set_ylabel(f"Attending tokens ({_span(layer, rows)})", labelpad=5)
    colour_bar(figure, image, right, norm)
    far = abs(int(index[zoom.peak[0]]) - int(index[zoom.peak[1]])) * bp
    title(
        figure,
        f"{segment_name(file)}, layer {layer.layer} ({bp} bp/token): strongest link between distant tokens, "
        f"{thousands(far)} bp apart, {window[zoom.peak]:.1f}× uniform",
    )
    return figure


def _span(layer: LayerAttention, tokens: np.ndarray) -> str:
    first, last = layer.position(int(tokens[0])), layer.position(int(tokens[-1])) + layer.bp_per_token
    return f"{thousands(first)} to {thousands(last)} bp"
