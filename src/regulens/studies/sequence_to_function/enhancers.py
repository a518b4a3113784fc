"""Enhancer prioritisation: which scores find the elements that act on a promoter, by distance."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.progress import progress
from regulens.core.runs import Run, labelled
from regulens.core.statistics import bootstrap_weights, percentile_interval, weighted_areas
from regulens.core.tables import (
    decimal,
    interval,
    markdown_table,
    marked,
    means_over_seeds,
    read_runs,
    signed,
    spread,
    with_sd,
    write_csv,
)
from regulens.plotting.style import (
    DOUBLE_COLUMN,
    GREY,
    SMALL,
    base_pairs,
    in_order,
    new_figure,
    save,
    score_style,
    styled,
)

PAIR_SCORES = ["readout", "contig", "position", "distance_bp", "regulated", "method", "method_label", "score"]

REFERENCE = "inverse_distance"
"""The method that every other one is compared with."""

MODEL_FREE = (REFERENCE, "activity", "activity_by_distance")
"""Methods that need no model."""

ALL = "all"

COLUMNS = ["model", "label", "method", "method_label", "group"]
COLUMNS += [
    f"{area}{part}"
    for area in ("auprc", "auroc")
    for part in ("", "_sd", "_low", "_high", "_gain", "_gain_low", "_gain_high")
]
COLUMNS += ["seeds", "pairs", "regulated", "promoters"]


def distance_groups(distances: pd.Series, bounds: Sequence[int]) -> dict[str, np.ndarray]:
    """Masks of all pairs and of those between two bounds in bp, by name; empty groups are left out."""
    groups = {ALL: np.ones(len(distances), bool)}
    for low, high in zip(bounds, bounds[1:], strict=False):
        inside = ((distances >= low) & (distances < high)).to_numpy()
        if inside.any():
            groups[f"{base_pairs(low) if low else 0} to {base_pairs(high)}"] = inside
    return groups


Groups = Callable[[pd.DataFrame], Mapping[str, np.ndarray]]
"""From pairs to masks of groups of them, by name."""


def areas_table(pairs: pd.DataFrame, groups_of: Groups, resamples: int, seed: int) -> pd.DataFrame:
    """Average precision and AUROC of every model, method and group of pairs: `COLUMNS`.

    ``pairs``: `PAIR_SCORES` of all models and seeds. Means over seeds with their standard deviation; intervals are 95 %
    bootstrap intervals over promoters, because the pairs of one promoter are not independent. Gain: difference from
    `REFERENCE`, with its interval from the same draws (NaN without that method). Methods without a model have one row,
    of the model "".
    """
    rows, first = [], tuple(pairs[["model", "seed"]].iloc[0])
    for (model, label, run), of_model in progress(list(pairs.groupby(["model", "label", "seed"], sort=False)), "areas"):
        labels = dict(zip(of_model["method"], of_model["method_label"], strict=True))
        methods = [name for name in labels if (model, run) == first or name not in MODEL_FREE]
        areas = {
            method: _areas(part, groups_of(part), resamples, seed)
            for method, part in of_model.groupby("method", sort=False)
            if method in (*methods, REFERENCE)
        }
        for method in methods:
            of = {"model": "", "label": "No model"} if method in MODEL_FREE else {"model": model, "label": label}
            for group, (counts, drawn) in areas[method].items():
                row = {**of, "run": run, "method": method, "method_label": labels[method], "group": group, **counts}
                for name, values in drawn.items():
                    known = areas[REFERENCE][group][1][name] if REFERENCE in areas else np.nan
                    row |= _with_interval(name, values) | _with_interval(f"{name}_gain", values - known)
                rows.append(row)
    means = means_over_seeds(
        pd.DataFrame(rows), ["model", "label", "method", "method_label", "group"], "auprc", "auroc"
    )
    return means[COLUMNS].astype({"pairs": int, "regulated": int, "promoters": int})


def _areas(part: pd.DataFrame, groups: Mapping[str, np.ndarray], resamples: int, seed: int) -> dict[str, tuple]:
    """By group: its counts, and both areas of all pairs and of every draw, arrays (1 + resamples,)."""
    promoter = pd.factorize(part["contig"] + ":" + part["position"].astype(str))[0]
    weights = bootstrap_weights(promoter.max() + 1, resamples, np.random.default_rng(seed))
    drawn = np.vstack([np.ones(len(part)), weights[:, promoter]])
    truth, score = part["regulated"].to_numpy(bool), part["score"].to_numpy()
    return {
        group: (
            {"pairs": inside.sum(), "regulated": truth[inside].sum(), "promoters": len(set(promoter[inside]))},
            dict(zip(("auprc", "auroc"), weighted_areas(truth[inside], score[inside], drawn[:, inside]), strict=True)),
        )
        for group, inside in groups.items()
    }


def _with_interval(name: str, drawn: np.ndarray) -> dict[str, float]:
    low, high = percentile_interval(drawn[1:][np.isfinite(drawn[1:])])
    return {name: drawn[0], f"{name}_low": low, f"{name}_high": high}


def area_cells(row: pd.Series, area: str) -> list[str]:
    """Two cells with 95 % intervals: an area, and what it gains over the reference, which has none over itself."""
    value = f"{with_sd(row[area], row[f'{area}_sd'])} {interval(row[f'{area}_low'], row[f'{area}_high'])}"
    low, high = row[f"{area}_gain_low"], row[f"{area}_gain_high"]
    if pd.isna(low) or low == high == 0:
        return [value, ""]
    return [value, f"{marked(signed(row[f'{area}_gain']), low, high)} {interval(low, high)}"]


SURE = "bold if its 95 % interval is above 0, in italics if it is below"
"""Note on the marks of `area_cells`."""


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of `areas_table` with its notes: average precision by distance, AUROC of all pairs."""
    distances = list(means["group"].unique())
    rows, last = [], None
    for (label, name), part in means.groupby(["label", "method_label"], sort=False):
        of = part.set_index("group")
        whole = of.loc[ALL]
        cells = [label if label != last else "", name, *area_cells(whole, "auprc"), *area_cells(whole, "auroc")]
        cells += [decimal(of["auprc"].get(distance, np.nan)) for distance in distances if distance != ALL]
        rows.append(cells)
        last = label
    first = means[means["method"] == means["method"].iloc[0]].drop_duplicates("group").set_index("group")
    shares = [f"{name} {row.regulated / row.pairs:.3f} (n = {row.pairs:,})" for name, row in first.iterrows()]
    notes = [
        f"Average precision of the elements that act on a promoter, of {spread(first['promoters'].head(1))} promoters; "
        "in brackets the 95 % bootstrap interval over promoters; in the last columns by distance of the element.",
        f"Gain: difference from 1 / distance on the same promoters, {SURE}. One in 20 intervals misses by chance, and "
        "other seeds of a model differ, too.",
        f"A random order has the share of acting elements: {', '.join(shares)}.",
        "Attributions are summed over the element, with their signs.",
    ]
    header = ["Model", "Method", "Average precision", "Gain in precision", "AUROC", "Gain in AUROC"]
    header += [distance for distance in distances if distance != ALL]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


@styled
def enhancer_figure(means: pd.DataFrame) -> Figure:
    """Average precision by distance, a panel for each model, a bar for each method; dashed: share that acts."""
    models = {
        name: label for name, label in means[["model", "label"]].drop_duplicates().itertuples(index=False) if name
    }
    distances = list(means["group"].unique())
    figure = new_figure(DOUBLE_COLUMN, 14 + 42 * len(models))
    panels = figure.subplots(len(models), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (name, label) in zip(panels, models.items(), strict=True):
        _bars(axes, means[means["model"].isin([name, ""])], distances)
        axes.set_title(label, loc="left")
        axes.set_ylabel("Average precision")
        axes.tick_params(axis="x", length=0)
    panels[0].set_ylim(0, min(1, 1.05 * means["auprc_high"].max()))
    panels[0].set_title("dashed: share of acting elements", loc="right", fontsize=SMALL)
    panels[-1].set_xlim(-0.5, len(distances) - 0.5)
    panels[-1].set_xticks(range(len(distances)), ["all distances" if name == ALL else name for name in distances])
    panels[-1].set_xlabel("Distance between promoter and element")
    bars = {method: bar for axes in panels for bar, method in zip(*axes.get_legend_handles_labels(), strict=True)}
    labels, methods = dict(zip(means["method"], means["method_label"], strict=True)), in_order(means["method"])
    figure.legend([bars[name] for name in methods], [labels[name] for name in methods], loc="outside right center")
    return figure


def _bars(axes: Axes, means: pd.DataFrame, distances: Sequence[str]) -> None:
    methods = in_order(means["method"])
    width = 0.84 / len(methods)
    for place, method in enumerate(methods):
        of = means[means["method"] == method].set_index("group").reindex(distances)
        x = np.arange(len(distances)) + (place - (len(methods) - 1) / 2) * width
        colour = score_style(method).colour
        # Pale, so that the lower halves of the intervals are seen in dark bars, too.
        fill, edge = to_rgba(colour, 0.45), {"edgecolor": colour, "linewidth": 0.6}
        axes.bar(x, of["auprc"], width * 0.85, color=fill, label=method, **edge)
        errors = np.abs(of[["auprc_low", "auprc_high"]].to_numpy().T - of["auprc"].to_numpy())
        axes.errorbar(x, of["auprc"], errors, fmt="none", ecolor="black", elinewidth=0.5)
    first = means[means["method"] == methods[0]].set_index("group").reindex(distances)
    for place, share in enumerate(first["regulated"] / first["pairs"]):
        axes.plot([place - 0.45, place + 0.45], [share, share], "--", color=GREY, linewidth=0.8)


@command("sequence-to-function enhancers")
def enhancers(
    runs: Sequence[Run],
    /,
    csv: Path | str,
    md: Path | str,
    pdf: Path | str,
    png: Path | str,
    distance_bounds_bp: Part[Sequence[int]],
    resamples: Part[int],
    seed: Part[int],
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Enhancer prioritisation by every model and method, by distance: table and figure.

    Arguments:
        runs: scored elements of every model and seed (`regulens score-elements`).
        csv, md: the table, to write.
        labels: names of the models in table and figure.
        data_note: one sentence on the data.

    Returns the table, columns ``COLUMNS``.
    """
    pairs = read_runs(labelled(runs, labels), PAIR_SCORES)
    if pairs["score"].isna().any():
        raise InputError(f"{runs[0].path}: scores are missing: make the file again")
    means = areas_table(pairs, lambda part: distance_groups(part["distance_bp"], distance_bounds_bp), resamples, seed)
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(enhancer_figure(means), pdf, png)
    return means
