"""Saturation mutagenesis of one element: the effect of every change of every base, predicted above known."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.runs import Run, labelled
from regulens.core.sequence import ALPHABET
from regulens.core.settings import nearest
from regulens.core.tables import write_csv
from regulens.data.simulate.variants import SATURATED, TRUE
from regulens.data.variants import read_variants
from regulens.interpret.variants import read_effects_on
from regulens.plotting.style import BLACK, DOUBLE_COLUMN, SIGNED_COLOURS, new_figure, save, styled
from regulens.studies.sequence_to_function.enhancers import ALL

COLUMNS = ["model", "label", "variant", "contig", "position", "ref", "alt", "track", "known", "predicted", "seeds"]


def saturation_table(
    runs: Sequence[Run], variants: Path | str, panel: str | None, tracks: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Known and predicted effect (mean over seeds) of every variant of the panel, by model: `COLUMNS`.

    Simulated variants: those marked as saturated, on the track on which they act most. Measured ones: those of the
    group ``panel``, and the mean over its tracks.
    """
    table = read_variants(variants)
    if panel is None:
        shown = table[table[SATURATED] == 1]
        true = shown[[name for name in table if name.startswith(TRUE)]].abs().sum()
        best = true.idxmax()
        known, of_panel = shown[best].to_numpy(), [best.removeprefix(TRUE)]
    else:
        groups = list(table["group"].astype(str).unique()) if "group" in table else []
        if panel not in groups:
            raise InputError(f"{variants}: no group {panel!r} for the saturation panel; {nearest(panel, groups)}")
        shown = table[table["group"].astype(str) == panel]
        known, of_panel = shown["effect"].to_numpy(), list(tracks.get(panel, tracks.get(ALL, [])))
    rows = []
    for (model, label), of_model in _by_model(runs).items():
        predicted = []
        for run in of_model:
            effects = read_effects_on(table, run.path, variants)
            columns = [
                place
                for place, name in enumerate(effects.tracks)
                if not of_panel or {name, name.lower()} & set(of_panel)
            ]
            predicted.append(effects.window[shown.index][:, columns].mean(1))
        front = shown[["variant", "contig", "position", "ref", "alt"]].assign(model=model, label=label)
        values = {"known": known, "predicted": np.mean(predicted, axis=0), "seeds": len(predicted)}
        rows.append(front.assign(track=", ".join(effects.tracks[column] for column in columns), **values))
    return pd.concat(rows, ignore_index=True)[COLUMNS]


def _by_model(runs: Sequence[Run]) -> dict[tuple[str, str], list[Run]]:
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.model, run.label), []).append(run)
    return found


@styled
def saturation_figure(table: pd.DataFrame) -> Figure:
    """Maps of the effects, base that replaces by position: one for each model, and below the known effects."""
    models = list(table.groupby(["label"], sort=False))
    figure = new_figure(DOUBLE_COLUMN, 12 + 24 * (len(models) + 1))
    panels = figure.subplots(len(models) + 1, 1, sharex=True)
    for axes, ((label,), part) in zip(panels, models, strict=False):
        r = np.corrcoef(part["known"], part["predicted"])[0, 1]
        image = _effect_map(axes, part, "predicted")
        axes.set_title(f"{label}, predicted: r = {r:.2f} with known effects, n = {len(part):,}", loc="left")
        figure.colorbar(image, ax=axes, aspect=12, pad=0.01, label="Change of coverage")
    image = _effect_map(panels[-1], part, "known")
    panels[-1].set_title(f"Known effects ({part['track'].iloc[0]})", loc="left")
    figure.colorbar(image, ax=panels[-1], aspect=12, pad=0.01, label="Change of coverage")
    panels[-1].set_xlabel(f"Position on {part['contig'].iloc[0]} (bp); dots: the base that is there")
    return figure


def _effect_map(axes: Axes, part: pd.DataFrame, column: str):
    """Effects as an image (4, positions), white where nothing is known; dots at the reference bases."""
    first, last = part["position"].min(), part["position"].max()
    single = part[(part["ref"].str.len() == 1) & (part["alt"].str.len() == 1)]
    values = np.full((4, last - first + 1), np.nan)
    values[single["alt"].map(ALPHABET.index), single["position"] - first] = single[column]
    limit = np.nanmax(abs(values)) or 1
    options = {"cmap": SIGNED_COLOURS, "vmin": -limit, "vmax": limit, "aspect": "auto", "interpolation": "none"}
    image = axes.imshow(values, extent=(first + 0.5, last + 1.5, 3.5, -0.5), **options)
    bases = single.drop_duplicates("position")
    axes.plot(bases["position"] + 1, bases["ref"].map(ALPHABET.index), ".", color=BLACK, markersize=1.8)
    axes.set_yticks(range(4), list(ALPHABET))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)
    return image


@command("sequence-to-function saturation")
def saturation(
    runs: Sequence[Run],
    /,
    truth: Path | str,
    csv: Path | str,
    pdf: Path | str,
    png: Path | str,
    panel: Part[str | None] = None,
    tracks: Part[Mapping[str, Sequence[str]] | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
) -> pd.DataFrame:
    """Saturation mutagenesis of one element, predicted above known effects: table and figure.

    Arguments:
        runs: effects of every model and seed (`regulens variant-effects`).
        truth: the variants, with what is known of them.
        csv: the table, to write.
        panel: group of measured variants to show; none: the saturated promoter of a simulation.
        tracks: tracks whose mean effect is compared with a measured one, by group (`ALL`: of all others).
        labels: names of the models in the figure.

    Returns the table, columns ``COLUMNS``.
    """
    table = saturation_table(labelled(runs, labels), truth, panel, tracks or {})
    write_csv(table, csv)
    save(saturation_figure(table), pdf, png)
    return table
