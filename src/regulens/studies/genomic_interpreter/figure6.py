"""Figure 6: attention maps of the windows and heads of one layer (Genomic Interpreter, Figure 6)."""

from pathlib import Path

from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.tables import decimal
from regulens.plotting.style import PAGE_HEIGHT, SMALL, new_figure, page_width, save, styled, title
from regulens.studies.genomic_interpreter.attention import (
    AttentionFile,
    colour_bar,
    colour_norm,
    label_ends,
    layer_title,
    show_map,
)

LARGEST_GRID = 4
"""Maximum number of windows shown, those around the centre."""


@command("genomic-interpreter figure6")
def figure6(attention: Path | str, /, windows_layer: Part[int], pdf: Path | str, png: Path | str) -> None:
    """Figure 6: windows and heads of one layer.

    See `windows_figure`. ``attention``: attention file of one test segment (`regulens export-attention`).
    """
    save(windows_figure(AttentionFile(attention), windows_layer), pdf, png)


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
    norm = colour_norm(layer.window_map(number, head) for number in shown for head in range(heads))
    page = page_width(21 * heads + 36)
    cell = min((page - 36) / heads, (PAGE_HEIGHT - 17) / len(shown) - 2.5, 40)
    figure = new_figure(page, (cell + 2.5) * len(shown) + 17)
    panels = figure.subplots(len(shown), heads, squeeze=False)
    for row, number in zip(panels, shown, strict=True):
        tokens = layer.window_tokens(number)
        start = layer.position(int(tokens[0]))
        end = start + len(tokens) * layer.bp_per_token
        for head, axes in enumerate(row):
            image = show_map(axes, layer.window_map(number, head), start, end, norm)
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
    title(figure, layer_title(file, layer))
    return figure
