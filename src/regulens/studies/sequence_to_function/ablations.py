"""Ablations: what every part of an architecture earns, as the correlation of models that differ in one choice."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import Run, labelled
from regulens.core.statistics import welch_interval
from regulens.core.tables import groups_of, interval, markdown_table, read_correlations, with_sd, write_csv
from regulens.plotting.style import BLUE, DOUBLE_COLUMN, GREY, SMALL, VERMILION, new_figure, save, styled

COLUMNS = ["question", "model", "label", "group", "pearson", "sd", "seeds", "difference", "low", "high"]


def ablation_table(
    table: pd.DataFrame, questions: Mapping[str, Sequence[str]], base: str, groups: Sequence[str] | None = None
) -> pd.DataFrame:
    """Mean correlation of the tracks of every group, by model of each question, and the difference to ``base``.

    ``table``: `read_correlations`; ``questions``: name to models, to whose front the base is put. Means over seeds,
    with their standard deviation; the difference with Welch's 95 % interval over seeds (NaN with one seed). `COLUMNS`.
    """
    names = [*groups_of(table, groups), "Overall"]
    by_seed = {
        name: (table if name == "Overall" else table[table["group"] == name])
        .groupby(["model", "seed"])["pearson"]
        .mean()
        for name in names
    }
    labels = dict(table[["model", "label"]].drop_duplicates().to_numpy())
    rows = []
    for question, models in questions.items():
        for model in [base, *(name for name in models if name != base)]:
            for name in names:
                own, other = by_seed[name][model], by_seed[name][base]
                difference, low, high = own.mean() - other.mean(), np.nan, np.nan
                if model != base and min(len(own), len(other)) > 1:
                    parts = [value for part in (own, other) for value in (part.mean(), part.var(), len(part))]
                    difference, low, high = welch_interval(*parts)
                front = (question, model, labels[model], name, own.mean(), own.std(), len(own))
                rows.append((*front, difference, low, high))
    return pd.DataFrame(rows, columns=COLUMNS)


def to_markdown(found: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of `ablation_table` with its notes."""
    names, rows, last = list(found["group"].unique()), [], None
    for (question, label), part in found.groupby(["question", "label"], sort=False):
        of = part.set_index("group")
        cells = [question if question != last else "", label]
        cells += [with_sd(of["pearson"][name], of["sd"][name]) for name in names]
        whole = of.loc["Overall"]
        gap = "" if whole["difference"] == 0 else f"{whole['difference']:+.3f}"
        gap += "" if np.isnan(whole["low"]) else f" {interval(whole['low'], whole['high'])}"
        rows.append([*cells, gap])
        last = question
    notes = [
        "Mean Pearson correlation over the tracks of a group on the test set, mean and standard deviation over seeds. "
        "Last column: less the first model of the question, over all tracks, with Welch's 95 % interval over seeds.",
    ]
    header = ["Question", "Model", *names, "Difference"]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


@styled
def ablation_figure(found: pd.DataFrame) -> Figure:
    """Correlation of every model, a column for each group of tracks, rows by question; lines: s.d. over the seeds.

    The dashed line of a question is its first model.
    """
    names = list(found["group"].unique())
    order = found.drop_duplicates(["question", "model"])[["question", "model", "label"]]
    gaps = (order["question"] != order["question"].shift()).cumsum() - 1
    places = np.arange(len(order)) + 0.7 * gaps.to_numpy()
    figure = new_figure(DOUBLE_COLUMN, 18 + 4.2 * (places[-1] + 1))
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        part = found[found["group"] == name]
        for question in order["question"].unique():
            of = part[part["question"] == question]
            rows = places[(order["question"] == question).to_numpy()]
            axes.plot([of["pearson"].iloc[0]] * 2, [rows[0], rows[-1]], "--", color=GREY, linewidth=0.6)
            axes.errorbar(of["pearson"], rows, xerr=of["sd"], fmt="o", color=BLUE, markersize=3, elinewidth=0.8)
            axes.plot(of["pearson"].iloc[0], rows[0], "o", color=VERMILION, markersize=3)
        axes.set_title(name)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(places, order["label"], fontsize=SMALL)
    panels[0].set_ylim(places[-1] + 0.6, -1)
    for question in order["question"].unique():
        first = places[(order["question"] == question).to_numpy()][0]
        panels[0].annotate(
            question, (0, first - 0.62), xycoords=("axes fraction", "data"), fontsize=SMALL, weight="bold"
        )
    figure.supxlabel("Mean Pearson correlation")
    return figure


@command("sequence-to-function ablations")
def ablations(
    runs: Sequence[Run],
    /,
    csv: Path | str,
    md: Path | str,
    pdf: Path | str,
    png: Path | str,
    base: Part[str],
    questions: Part[Mapping[str, list[str]]],
    labels: Part[Mapping[str, str] | None] = None,
    groups: Part[Mapping[str, list[str]] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Models that differ in one choice, by question: table and figure.

    Arguments:
        runs: correlations of every model and seed (`regulens pearson`).
        csv, md: the table, to write.
        base: the model from which the others of a question differ.
        labels: names of the models in table and figure.
        groups: track groups, in their order.
        data_note: one sentence on the data.

    Returns the table, columns ``COLUMNS``.
    """
    table = read_correlations(labelled(runs, labels))
    found = ablation_table(table, questions, base, list(groups) if groups else None)
    write_csv(found, csv)
    write_text(to_markdown(found, data_note), md)
    save(ablation_figure(found), pdf, png)
    return found
