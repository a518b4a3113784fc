"""Sites: do the scores at a start site find what a factor binds, among equally good matches that it does not bind?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import Run, labelled
from regulens.core.tables import decimal, markdown_table, read_runs, write_csv
from regulens.plotting.style import DOUBLE_COLUMN, GREY, in_order, new_figure, save, score_style, styled
from regulens.studies.sequence_to_function.enhancers import ALL, PAIR_SCORES, SURE, area_cells, areas_table


def factor_groups(pairs: pd.DataFrame) -> dict[str, np.ndarray]:
    """Pairs of each factor, and all together."""
    of = {name: (pairs["cell"] == name).to_numpy() for name in pairs["cell"].unique()}
    return {ALL: np.ones(len(pairs), bool)} | of


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """AUROC of every model and method, of all sites and of each factor, with notes."""
    groups, rows, last = list(means["group"].unique()), [], None
    for (label, name), part in means.groupby(["label", "method_label"], sort=False):
        of = part.set_index("group")
        cells = [label if label != last else "", name, *area_cells(of.loc[ALL], "auroc")]
        rows.append([*cells, *(decimal(of["auroc"].get(group, np.nan)) for group in groups if group != ALL)])
        last = label
    first = means[means["method"] == means["method"].iloc[0]].set_index("group")
    counts = ", ".join(f"{name} {row.regulated} of {row.pairs}" for name, row in first.iterrows() if name != ALL)
    notes = [
        "AUROC of bound sites against unbound matches of the motif with like score and distance from a start site: an "
        "attribution summed over the site, with its sign. In brackets: 95 % bootstrap interval over start sites.",
        f"Gain: difference from 1 / distance on the same sites, {SURE}.",
        f"Bound sites: {counts}.",
    ]
    header = ["Model", "Method", "AUROC", "Gain in AUROC", *(group for group in groups if group != ALL)]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


@styled
def site_figure(means: pd.DataFrame) -> Figure:
    """AUROC of all sites with intervals, a panel for each model, a row for each method; small marks: single factors."""
    models = {name: label for name, label in means[["model", "label"]].drop_duplicates().to_numpy() if name}
    methods = in_order(means["method"])
    labels = dict(zip(means["method"], means["method_label"], strict=True))
    factors = [name for name in means["group"].unique() if name != ALL]
    figure = new_figure(DOUBLE_COLUMN, 22 + 5 * len(methods))
    figure.get_layout_engine().set(w_pad=0.06)  # long names of methods reach the edge of the page
    panels = figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (model, label) in zip(panels, models.items(), strict=True):
        of = means[means["model"].isin([model, ""])].set_index(["method", "group"])
        axes.axvline(0.5, color=GREY, linewidth=0.6, linestyle="--")
        for place, name in enumerate(methods):
            if (name, ALL) not in of.index:
                continue
            row, look = of.loc[name, ALL], score_style(name)
            axes.plot([row["auroc_low"], row["auroc_high"]], [place, place], color=look.colour, linewidth=1)
            axes.plot(row["auroc"], place, "o", color=look.colour, markersize=4)
            for factor, marker in zip(factors, "+x1234|_", strict=False):
                if (name, factor) in of.index:
                    axes.plot(of.loc[name, factor]["auroc"], place + 0.3, marker, color=look.colour, markersize=3)
        axes.set_title(label)
        axes.set_xlabel("AUROC, bound against unbound sites")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(methods)), [labels[name] for name in methods])
    panels[0].set_ylim(len(methods) - 0.4, -0.6)
    for factor, marker in zip(factors, "+x1234|_", strict=False):
        panels[0].plot([], [], marker, color=GREY, markersize=3, label=factor)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(factors))
    return figure


@command("sequence-to-function sites")
def sites(
    runs: Sequence[Run],
    /,
    csv: Path | str,
    md: Path | str,
    pdf: Path | str,
    png: Path | str,
    resamples: Part[int],
    seed: Part[int],
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Bound sites against unbound matches of the same motifs, by every model and method: table and figure.

    Arguments:
        runs: scored sites of every model and seed (`regulens score-elements`).
        csv, md: the table, to write.
        labels: names of the models in table and figure.
        data_note: one sentence on the data.

    Returns the table, columns ``COLUMNS`` of `enhancers`.
    """
    pairs = read_runs(labelled(runs, labels), [*PAIR_SCORES, "cell"])
    means = areas_table(pairs, factor_groups, resamples, seed)
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(site_figure(means), pdf, png)
    return means
