"""Mean attention distance of every layer, which quantifies Figure 4a."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from regulens.core.command import command
from regulens.core.errors import InputError
from regulens.core.tables import DISTANCE_COLUMNS, read_table
from regulens.plotting.style import (
    BLACK,
    DARK_VERMILION,
    GREY,
    SINGLE_COLUMN,
    SMALL,
    VERMILION,
    new_figure,
    save,
    styled,
)

_BLOCKS = {
    "regular": ("o", "-", -0.08, VERMILION),
    "shifted": ("s", "--", 0.08, DARK_VERMILION),
    "full": ("D", "-", 0.0, BLACK),
}


@styled
def distance_figure(table: pd.DataFrame) -> Figure:
    """Mean distance |i − j| in bp by layer, on a logarithmic scale; one line per kind of block.

    Large markers: mean over heads, with the standard deviation over test segments. Small ones: single heads. Grey bars:
    the distance of uniform attention over the same windows. ``table`` has the columns of ``attention_distance.csv``.

    Raises `InputError` for an unknown kind of block.
    """
    table = table.assign(head=table["head"].astype(str))
    unknown = sorted(set(table["block"]) - set(_BLOCKS))
    if unknown:
        raise InputError(f"attention_distance: block {', '.join(unknown)} is unknown; valid: {', '.join(_BLOCKS)}")
    figure = new_figure(SINGLE_COLUMN, 66)
    axes = figure.subplots()
    for block, (marker, line, shift, colour) in _BLOCKS.items():
        part = table[table["block"] == block]
        overall = part[part["head"] == "all"].sort_values("layer")
        if overall.empty:
            continue
        heads = part[part["head"] != "all"]
        axes.plot(heads["layer"] + shift, heads["mean_distance_bp"], ".", color=colour, markersize=2.5, alpha=0.4)
        axes.errorbar(
            overall["layer"] + shift,
            overall["mean_distance_bp"],
            yerr=overall["sd_bp"],
            fmt=marker + line,
            color=colour,
            label="Transformer block" if block == "full" else f"{block} block",
            capsize=1.5,
            elinewidth=0.6,
        )
        axes.plot(
            overall["layer"] + shift,
            overall["uniform_bp"],
            "_",
            color=GREY,
            markersize=9,
            markeredgewidth=1.2,
            zorder=1,
        )
    axes.plot([], [], "_", color=GREY, markersize=9, label="uniform attention")
    axes.plot([], [], ".", color=GREY, markersize=2.5, label="single heads")
    layers = table.drop_duplicates("layer").sort_values("layer")
    axes.set_xticks(
        layers["layer"], [f"{row.layer}\n{row.bp_per_token}" for row in layers.itertuples()], fontsize=SMALL
    )
    axes.set_xlabel("Layer (below: bp per token)")
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    segments = int(table["n_segments"].max())
    axes.set_ylabel("Mean distance |i − j| (bp)")
    bars = "bars: s.d. over " if segments > 1 else ""
    axes.set_title(f"{bars}{segments:,} test segment{'s' * (segments != 1)}", fontsize=SMALL, loc="right")
    axes.legend(loc="upper left")
    return figure


@command("genomic-interpreter attention-distance-plot")
def attention_distance_plot(distances: Path | str, /, pdf: Path | str, png: Path | str) -> None:
    """Figure 4a in numbers: mean distance under the attention of each layer.

    See `distance_figure`. ``distances``: table of `regulens attention-distance`.
    """
    save(distance_figure(read_table(distances, DISTANCE_COLUMNS)), pdf, png)
