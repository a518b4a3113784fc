"""Variants: do predicted effects tell causal from matched variants, with the right sign and size?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.runs import Run, labelled
from regulens.core.statistics import bootstrap_weights, percentile_interval
from regulens.core.tables import decimal, interval, markdown_table, with_sd, write_csv
from regulens.data.simulate.variants import TRUE
from regulens.data.variants import read_variants
from regulens.interpret.variants import read_effects
from regulens.plotting.style import DOUBLE_COLUMN, GREY, SMALL, model_style, new_figure, save, styled

STATISTICS = {"auroc": "AUROC, causal against matched", "sign": "Sign accuracy", "pearson": "Correlation of effects"}
"""Statistics of a track, with their labels."""

CHANCE = {"auroc": 0.5, "sign": 0.5, "pearson": 0.0}
"""What a model without any knowledge reaches."""

COLUMNS = [
    "model",
    "label",
    "assay",
    "statistic",
    "value",
    "sd",
    "low",
    "high",
    "seeds",
    "tracks",
    "causal",
    "variants",
]


def track_statistics(
    predicted: np.ndarray, true: np.ndarray, causal: np.ndarray, pair: np.ndarray, chosen: np.ndarray
) -> dict[str, float]:
    """The `STATISTICS` of one track among pairs of variants, ``chosen`` (with repeats): NaN where undefined.

    Arrays (V,); ``true``: the effect on this track. Pairs whose causal variant has no effect on the track are left out.
    """
    found = dict.fromkeys(STATISTICS, np.nan)
    first = {number: row for row, number in enumerate(pair) if causal[row]}
    other = {number: row for row, number in enumerate(pair) if not causal[row]}
    numbers = [number for number in chosen if number in first and true[first[number]] != 0]
    rows = np.array([first[number] for number in numbers], int)
    beside = np.array([other[number] for number in numbers if number in other], int)
    if len(rows) and len(beside):
        labels = np.repeat([1, 0], [len(rows), len(beside)])
        found["auroc"] = roc_auc_score(labels, np.abs(np.concatenate([predicted[rows], predicted[beside]])))
    if len(rows) > 2 and np.ptp(true[rows]) > 0 and np.ptp(predicted[rows]) > 0:
        found["sign"] = float((np.sign(predicted[rows]) == np.sign(true[rows])).mean())
        found["pearson"] = float(np.corrcoef(predicted[rows], true[rows])[0, 1])
    return found


def variant_table(runs: Sequence[Run], variants: Path | str, resamples: int, seed: int) -> pd.DataFrame:
    """`STATISTICS` of every model, averaged over the tracks of an assay: `COLUMNS`.

    ``runs``: files of effects; ``variants``: the table with ``causal``, ``pair`` and `TRUE` columns. Means over seeds
    with their standard deviation; 95 % bootstrap intervals over pairs.
    """
    table = read_variants(variants)
    truth = {name.removeprefix(TRUE): table[name].to_numpy(float) for name in table if name.startswith(TRUE)}
    if not truth or not {"causal", "pair"} <= set(table):
        raise InputError(f"{variants}: columns causal, pair and {TRUE}<track> are needed to compare effects with truth")
    causal, pair = table["causal"].to_numpy(int) == 1, table["pair"].to_numpy(int)
    pairs = np.unique(pair)
    weights = bootstrap_weights(len(pairs), resamples, np.random.default_rng(seed))
    draws = [pairs, *(np.repeat(pairs, np.rint(weight * len(pairs)).astype(int)) for weight in weights)]
    rows = []
    for run in runs:
        effects = read_effects(run.path)
        if effects.variants != list(table["variant"].astype(str)):
            raise InputError(f"{run.path}: made for other variants than those of {variants}: make it again")
        assays: dict[str, list[int]] = {}
        for column, track in enumerate(effects.tracks):
            if track.lower() in truth:
                assays.setdefault(track.split(".")[0], []).append(column)
        for assay, columns in assays.items():
            drawn = pd.DataFrame(
                [
                    pd.DataFrame(
                        track_statistics(
                            effects.window[:, column], truth[effects.tracks[column].lower()], causal, pair, draw
                        )
                        for column in columns
                    ).mean()
                    for draw in draws
                ]
            )
            used = sum(np.count_nonzero(causal & (truth[effects.tracks[column].lower()] != 0)) for column in columns)
            for statistic in STATISTICS:
                low, high = percentile_interval(drawn[statistic].iloc[1:].dropna().to_numpy())
                front = {"model": run.model, "label": run.label, "assay": assay, "statistic": statistic}
                limits = {"value": drawn[statistic].iloc[0], "low": low, "high": high}
                rows.append(front | limits | {"tracks": len(columns), "causal": used, "variants": len(table)})
    found = pd.DataFrame(rows)
    grouped = found.groupby(["model", "label", "assay", "statistic"], sort=False)
    means = grouped.mean(numeric_only=True).reset_index()
    means["sd"], means["seeds"] = grouped["value"].std().to_numpy(), grouped.size().to_numpy()
    return means[COLUMNS].astype({"tracks": int, "causal": int, "variants": int})


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of `variant_table` with its notes."""
    rows, last = [], None
    for (label, assay), part in means.groupby(["label", "assay"], sort=False):
        of = part.set_index("statistic")
        cells = [label if label != last else "", f"{assay} ({of['tracks'].iloc[0]} tracks)"]
        for name in STATISTICS:
            cells += [with_sd(of["value"][name], of["sd"][name]), interval(of["low"][name], of["high"][name])]
        rows.append([*cells, f"{of['causal'].iloc[0]:,}"])
        last = label
    rows.append(["Random", "", *(cell for name in STATISTICS for cell in (decimal(CHANCE[name], 1), "")), ""])
    notes = [
        "Effect: change of the prediction summed over all bins of the target, alternative less reference. AUROC: size "
        "of the effects of causal variants and of matched ones beside them; sign and correlation: of causal variants, "
        "predicted against true. Mean over tracks, each with the variants that affect it; 95 % interval: bootstrap "
        "over pairs of variants. Last column: pairs of a variant and a track that it affects.",
    ]
    header = ["Model", "Assay", *(cell for label in STATISTICS.values() for cell in (label, "95 % interval")), "n"]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


@styled
def variant_figure(means: pd.DataFrame) -> Figure:
    """A panel for each statistic: dots with 95 % intervals by assay, one for each model; the line is chance."""
    models = dict(means[["model", "label"]].drop_duplicates().itertuples(index=False))
    assays = list(means["assay"].unique())
    figure = new_figure(DOUBLE_COLUMN, 58)
    panels = figure.subplots(1, len(STATISTICS))
    for axes, (statistic, label) in zip(panels, STATISTICS.items(), strict=True):
        axes.axhline(CHANCE[statistic], color=GREY, linewidth=0.6, linestyle="--")
        for place, (model, name) in enumerate(models.items()):
            of = means[(means["model"] == model) & (means["statistic"] == statistic)].set_index("assay").reindex(assays)
            x = np.arange(len(assays)) + (place - (len(models) - 1) / 2) * 0.16
            look = model_style(model)
            axes.vlines(x, of["low"], of["high"], color=look.colour, linewidth=0.8)
            axes.plot(x, of["value"], look.marker, color=look.colour, markersize=3.5, label=name)
        axes.set_xticks(range(len(assays)), assays, fontsize=SMALL)
        axes.set_xlim(-0.5, len(assays) - 0.5)
        axes.set_title(label)
        axes.tick_params(axis="x", length=0)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(models))
    return figure


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
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Predicted effects of variants against their true ones: table and figure.

    Arguments:
        runs: effects of every model and seed (`regulens variant-effects`).
        truth: the variants, with their true effects.
        csv, md: the table, to write.
        labels: names of the models in table and figure.
        data_note: one sentence on the data.

    Returns the table, columns ``COLUMNS``.
    """
    means = variant_table(labelled(runs, labels), truth, resamples, seed)
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(variant_figure(means), pdf, png)
    return means
