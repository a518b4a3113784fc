"""Variants: do predicted effects tell causal from matched variants, with the right sign and size?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.progress import progress
from regulens.core.runs import Run, labelled
from regulens.core.settings import nearest
from regulens.core.statistics import bootstrap_weights, percentile_interval, weighted_areas
from regulens.core.tables import decimal, interval, markdown_table, marked, means_over_seeds, with_sd, write_csv
from regulens.data.simulate.variants import SATURATED, TRUE
from regulens.data.variants import read_variants
from regulens.interpret.variants import VariantEffects, read_effects_on
from regulens.plotting.style import DOUBLE_COLUMN, GREY, SMALL, model_style, new_figure, save, styled
from regulens.studies.sequence_to_function.enhancers import ALL

STATISTICS = {"auroc": "AUROC, causal against matched", "sign": "Sign accuracy", "pearson": "Correlation of effects"}
"""Statistics of a comparison, with their labels."""

CHANCE = {"auroc": 0.5, "sign": 0.5, "pearson": 0.0}
"""What a model without any knowledge reaches."""

COLUMNS = ["model", "label", "group", "statistic", "value", "sd", "low", "high", "seeds", "tracks", "compared"]


class Comparison(NamedTuple):
    """Predicted effects of V variants beside what is known of them; arrays (V,)."""

    effect: np.ndarray
    """Predicted, with its sign."""
    size: np.ndarray
    """Predicted, without."""
    true: np.ndarray
    """True or measured; NaN: unknown."""
    causal: np.ndarray
    """1 or 0; NaN: unknown."""
    unit: np.ndarray
    """What is drawn in the bootstrap: the number of the pair or of the variant."""


def statistics(compared: Comparison, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The `STATISTICS` of a comparison for many weightings of its variants, (resamples, V); NaN where undefined.

    Sign accuracy is that of the larger half of the true effects, because the sign of the smallest is noise.
    """
    nothing = np.full(len(weights), np.nan)
    found = dict.fromkeys(STATISTICS, nothing)
    if {0, 1} <= set(compared.causal):
        found["auroc"] = weighted_areas(compared.causal == 1, compared.size, weights)[1]
    known = np.isfinite(compared.true) & (compared.causal != 0)
    if np.count_nonzero(known) < 3:
        return found
    effect, true, weights = compared.effect[known], compared.true[known], weights[:, known]
    sizable = abs(true) >= np.median(abs(true))
    right = (np.sign(effect) == np.sign(true))[sizable]
    with np.errstate(divide="ignore", invalid="ignore"):
        found["sign"] = weights[:, sizable] @ right / weights[:, sizable].sum(1)
        weights = weights / weights.sum(1, keepdims=True)
        x, y = (values - (weights @ values)[:, None] for values in (effect, true))
        variances = (weights * x**2).sum(1) * (weights * y**2).sum(1)
        found["pearson"] = (weights * x * y).sum(1) / np.sqrt(variances)
    return found


def simulated_comparisons(
    table: pd.DataFrame, effects: VariantEffects, groups: Mapping[str, Sequence[str]]
) -> dict[str, list[Comparison]]:
    """By track group (assay, if in none), a comparison for each track: the pairs whose causal variant affects it."""
    group_of = {assay: group for group, assays in groups.items() for assay in assays}
    table, window = table[table[SATURATED] == 0], effects.window[table[SATURATED] == 0]
    truth = {name.removeprefix(TRUE): table[name].to_numpy(float) for name in table if name.startswith(TRUE)}
    causal, pair = table["causal"].to_numpy(float), table["pair"].to_numpy(int)
    found: dict[str, list[Comparison]] = {}
    for column, track in enumerate(effects.tracks):
        true = truth.get(track.lower())
        rows = np.isin(pair, pair[true != 0]) if true is not None else []
        if np.any(rows):
            effect = window[rows, column]
            compared = Comparison(effect, abs(effect), true[rows], causal[rows], pair[rows])
            assay = track.split(".")[0]
            found.setdefault(group_of.get(assay, assay), []).append(compared)
    return found


def measured_comparisons(
    table: pd.DataFrame, effects: VariantEffects, tracks: Mapping[str, Sequence[str]], path: Path | str
) -> dict[str, list[Comparison]]:
    """One comparison for each group of variants: the mean over its tracks, those of `ALL` or else every track."""
    unknown = {name for names in tracks.values() for name in names} - set(effects.tracks)
    if unknown:
        name = sorted(unknown)[0]
        raise InputError(
            f"variants.variants.tracks: the models have no track {name!r}; {nearest(name, effects.tracks)}"
        )
    group = table["group"].astype(str) if "group" in table else pd.Series(ALL, table.index)
    true, causal = (
        table[name].to_numpy(float) if name in table else np.full(len(table), np.nan) for name in ("effect", "causal")
    )
    if np.isnan(true).all() and np.isnan(causal).all():
        raise InputError(
            f"{path}: nothing is known of these variants: name the column in variants.variants.effect or causal"
        )
    unit = np.arange(len(table))
    found = {}
    for name in group.unique():
        rows = (group == name).to_numpy()
        chosen = tracks.get(name, tracks.get(ALL, effects.tracks))
        values = effects.window[np.ix_(rows, [effects.tracks.index(track) for track in chosen])]
        found[name] = [Comparison(values.mean(1), abs(values).mean(1), true[rows], causal[rows], unit[rows])]
    return found


def variant_table(
    runs: Sequence[Run],
    variants: Path | str,
    resamples: int,
    seed: int,
    tracks: Mapping[str, Sequence[str]],
    assays: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """`STATISTICS` of every model and group of variants: `COLUMNS`.

    ``runs``: files of effects. ``variants``: the table, with ``causal``, ``pair`` and `TRUE` columns (a group is the
    tracks of some assays, over which is averaged), or with ``effect`` or ``causal``, and ``group``. Means over seeds
    with their standard deviation; 95 % bootstrap intervals over pairs or variants.
    """
    table = read_variants(variants)
    simulated = any(name.startswith(TRUE) for name in table)
    if simulated:
        if not {"causal", "pair", SATURATED} <= set(table):
            raise InputError(f"{variants}: the columns causal, pair and {SATURATED} are needed beside {TRUE}<track>")
        causal = table[table[SATURATED] == 0].groupby("pair")["causal"]
        wrong = causal.size().ne(2) | causal.sum().ne(1)
        if wrong.any():
            raise InputError(f"{variants}: pair {wrong.idxmax()} is not one causal variant and one matched one")
    rows = []
    for run in runs:
        effects = read_effects_on(table, run.path, variants)
        groups = (
            simulated_comparisons(table, effects, assays)
            if simulated
            else measured_comparisons(table, effects, tracks, variants)
        )
        for group, comparisons in progress(groups.items(), run.label):
            units = max(compared.unit.max() for compared in comparisons) + 1
            weights = bootstrap_weights(units, resamples, np.random.default_rng(seed))
            weights = np.vstack([np.ones(units), weights])
            drawn = [statistics(part, weights[:, part.unit]) for part in comparisons]
            compared = sum(np.count_nonzero(part.causal != 0) for part in comparisons)
            for statistic in STATISTICS:
                values = pd.DataFrame(part[statistic] for part in drawn).mean().to_numpy()
                if np.isfinite(values[0]):
                    low, high = percentile_interval(values[1:][np.isfinite(values[1:])])
                    front = {"model": run.model, "label": run.label, "group": group, "statistic": statistic}
                    limits = {"value": values[0], "low": low, "high": high}
                    rows.append(front | limits | {"tracks": len(comparisons), "compared": compared})
    means = means_over_seeds(pd.DataFrame(rows), ["model", "label", "group", "statistic"], "value")
    return means[COLUMNS].astype({"tracks": int, "compared": int})


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of `variant_table` with its notes."""
    rows, last = [], None
    shown = [name for name in STATISTICS if name in set(means["statistic"])]
    for (label, group), part in means.groupby(["label", "group"], sort=False):
        of = part.set_index("statistic").reindex(shown)
        number = part["tracks"].iloc[0]
        cells = [label if label != last else "", f"{group} ({number} tracks)" if number > 1 else group]
        for name in shown:
            limits = of["low"][name], of["high"][name]
            value = marked(with_sd(of["value"][name], of["sd"][name]), *limits, CHANCE[name])
            cells.append(f"{value} {interval(*limits)}" if np.isfinite(of["value"][name]) else "undefined")
        rows.append([*cells, f"{part['compared'].iloc[0]:,}"])
        last = label
    rows.append(["Random", "", *(decimal(CHANCE[name], 1) for name in shown), ""])
    notes = [
        "Bold: above chance with the whole interval, in italics: below it. Effect: change of the prediction summed "
        "over all bins of the target, alternative less reference. AUROC: size of the effects of causal variants and "
        "of matched ones. Correlation of predicted and known effects, and share of right signs among the larger "
        "half of the known ones. Mean over tracks, each with the variants that affect it; in brackets: 95 % "
        "bootstrap interval over variants, each with its matched one and on all tracks, because the tracks of a "
        "variant are not independent. n: pairs of a track and a variant that is not a matched one.",
    ]
    header = ["Model", "Group", *(STATISTICS[name] for name in shown), "n"]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


@styled
def variant_figure(means: pd.DataFrame) -> Figure:
    """A panel for each statistic: dots with 95 % intervals by group, one for each model; the line is chance."""
    models = dict(means[["model", "label"]].drop_duplicates().itertuples(index=False))
    groups = list(means["group"].unique())
    shown = [name for name in STATISTICS if name in set(means["statistic"])]
    figure = new_figure(DOUBLE_COLUMN, 58 if len(groups) < MANY else 75)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, statistic in zip(panels, shown, strict=True):
        axes.axhline(CHANCE[statistic], color=GREY, linewidth=0.6, linestyle="--")
        for place, (model, name) in enumerate(models.items()):
            of = means[(means["model"] == model) & (means["statistic"] == statistic)].set_index("group").reindex(groups)
            x = np.arange(len(groups)) + (place - (len(models) - 1) / 2) * 0.16
            look = model_style(model)
            axes.vlines(x, of["low"], of["high"], color=look.colour, linewidth=0.8)
            axes.plot(x, of["value"], look.marker, color=look.colour, markersize=3.5, label=name)
        axes.set_xticks(range(len(groups)), groups, fontsize=SMALL, rotation=0 if len(groups) < MANY else 90)
        axes.set_xlim(-0.5, len(groups) - 0.5)
        axes.set_title(STATISTICS[statistic])
        axes.tick_params(axis="x", length=0)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(models))
    return figure


MANY = 6
"""Groups from which their names stand upright."""


@command("sequence-to-function variants")
def variants(
    runs: Sequence[Run],
    /,
    truth: Path | str,
    csv: Path | str,
    md: Path | str,
    pdf: Path | str,
    png: Path | str,
    resamples: Part[int],
    seed: Part[int],
    tracks: Part[Mapping[str, Sequence[str]] | None] = None,
    groups: Part[Mapping[str, Sequence[str]] | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Predicted effects of variants against their true ones: table and figure.

    Arguments:
        runs: effects of every model and seed (`regulens variant-effects`).
        truth: the variants, with what is known of them.
        csv, md: the table, to write.
        tracks: tracks whose mean effect is compared with a measured one, by group (`ALL`: of all others).
        groups: assays of each group of tracks, for simulated variants.
        labels: names of the models in table and figure.
        data_note: one sentence on the data.

    Returns the table, columns ``COLUMNS``.
    """
    means = variant_table(labelled(runs, labels), truth, resamples, seed, tracks or {}, groups or {})
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(variant_figure(means), pdf, png)
    return means
