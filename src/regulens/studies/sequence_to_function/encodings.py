"""Positional encodings of the lecture on attention as matrices: sines and cosines, and relative basis functions."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.tables import write_csv
from regulens.plotting.style import ATTENTION_COLOURS, DOUBLE_COLUMN, SIGNED_COLOURS, new_figure, save, styled

FAMILIES = {"exponential": "Exponential", "central_mask": "Central mask", "gamma": "Gamma"}
"""Families of relative basis functions with their titles."""

WIDTH = 32
"""Channels of the sinusoidal encoding, as on the slide."""

FUNCTIONS = 8
"""Functions of each family."""

COLUMNS = ["encoding", "position", "channel", "value"]
"""``position``: of a token from 0, or the distance between two; in tokens."""


def encodings_table(tokens: int) -> pd.DataFrame:
    """Values of all encodings of ``tokens`` tokens: `COLUMNS`."""
    # The functions are those of the models, which need PyTorch.
    from regulens.models.attention import basis_functions, sinusoidal_positions

    matrices = {"sinusoidal": (sinusoidal_positions(tokens, WIDTH).numpy(), 0)}
    for family in FAMILIES:
        matrices[family] = (basis_functions([family], FUNCTIONS, tokens)[:, :FUNCTIONS].numpy(), 1 - tokens)
    parts = []
    for name, (matrix, first) in matrices.items():
        rows, columns = np.indices(matrix.shape)
        values = {"position": rows.ravel() + first, "channel": columns.ravel(), "value": matrix.ravel()}
        parts.append(pd.DataFrame(values).assign(encoding=name))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


@styled
def encodings_figure(table: pd.DataFrame) -> Figure:
    """One matrix an encoding: position or distance down, channel or function across."""
    figure = new_figure(DOUBLE_COLUMN, 75)
    panels = figure.subplots(1, 1 + len(FAMILIES), width_ratios=[2, *[1] * len(FAMILIES)])
    for axes, (name, part) in zip(panels, table.groupby("encoding", sort=False), strict=True):
        matrix = part.pivot(index="position", columns="channel", values="value")
        sinusoidal = name == "sinusoidal"
        image = axes.imshow(
            matrix.to_numpy(),
            cmap=SIGNED_COLOURS if sinusoidal else ATTENTION_COLOURS,
            vmin=-1 if sinusoidal else 0,
            vmax=1,
            aspect="auto",
            interpolation="none",
            extent=(-0.5, matrix.shape[1] - 0.5, matrix.index[-1] + 0.5, matrix.index[0] - 0.5),
        )
        axes.set_title("Sines and cosines" if sinusoidal else FAMILIES[name])
        axes.set_xlabel("Channel" if sinusoidal else "Function")
        if name in ("sinusoidal", next(iter(FAMILIES))):
            axes.set_ylabel("Position (tokens)" if sinusoidal else "Distance (tokens)")
        else:
            axes.set_yticklabels([])
        if sinusoidal:
            figure.colorbar(image, ax=axes, pad=0.02, aspect=30, label="Value")
    figure.colorbar(image, ax=panels[-1], pad=0.02, aspect=30, label="Value")
    return figure


@command("sequence-to-function encodings")
def encodings(*, bins: Part[int], csv: Path | str, pdf: Path | str, png: Path | str) -> pd.DataFrame:
    """Positional encodings of the models' tokens, one a target bin, as matrices: table and figure.

    Arguments:
        bins: bins of the target.
        csv: the table, to write.

    Returns the table, columns ``COLUMNS``.
    """
    table = encodings_table(bins)
    write_csv(table, csv)
    save(encodings_figure(table), pdf, png)
    return table
