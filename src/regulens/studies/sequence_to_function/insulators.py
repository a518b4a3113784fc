"""Insulators: whether a model sees less of an enhancer behind one than of an enhancer at the same distance without."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.runs import Run, labelled
from regulens.core.statistics import bootstrap_weights, percentile_interval
from regulens.core.tables import interval, markdown_table, means_over_seeds, read_runs, spread, with_sd, write_csv
from regulens.plotting.style import DOUBLE_COLUMN, GREY, in_order, new_figure, save, score_style, styled
from regulens.studies.sequence_to_function.enhancers import MODEL_FREE

PAIR_SCORES = ["contig", "position", "cell", "element", "distance_bp", "between", "insulators", "method"]

PAIR_SCORES += ["method_label", "score"]

COLUMNS = ["model", "label", "method", "method_label", "difference", "sd", "low", "high", "seeds", "across", "without"]


def comparable(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a promoter and an enhancer of its cell type with exactly one known element between them."""
    kind, _, cells = pairs["element"].str.partition(":").T.to_numpy()
    active = [cell in names.split("+") for cell, names in zip(pairs["cell"], cells, strict=True)]
    return pairs[(kind == "enhancer") & np.array(active, bool) & (pairs["between"] == 1)]


def insulator_table(pairs: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """Mean score of enhancers behind an insulator less that of those behind another element: `COLUMNS`.

    In standard deviations of the score over both. Means over seeds with their standard deviation; 95 % bootstrap
    intervals over pairs. Raises `InputError` if there are fewer than two pairs of either kind.
    """
    rows = []
    for (model, label, run, method, method_label), part in comparable(pairs).groupby(
        ["model", "label", "seed", "method", "method_label"], sort=False
    ):
        if method in MODEL_FREE:
            continue
        across = (part["insulators"] > 0).to_numpy()
        if min(across.sum(), (~across).sum()) < 2:
            raise InputError(
                f"insulators: {across.sum()} enhancers behind an insulator and {(~across).sum()} behind another "
                "element are too few: leave enhancers.pairs.promoters out, or simulate more contigs"
            )
        values = part["score"].to_numpy() / (part["score"].std() or 1.0)
        means = [
            bootstrap_weights(len(kind), resamples, np.random.default_rng([seed, number])) @ kind
            for number, kind in enumerate((values[across], values[~across]))
        ]
        low, high = percentile_interval(means[0] - means[1])
        difference = values[across].mean() - values[~across].mean()
        rows.append((model, label, run, method, method_label, difference, low, high, across.sum(), (~across).sum()))
    if not rows:
        raise InputError("insulators: no promoter has an enhancer behind another element within its input")
    names = ["model", "label", "run", "method", "method_label", "difference", "low", "high", "across", "without"]
    table = pd.DataFrame(rows, columns=names)
    means = means_over_seeds(table, ["model", "label", "method", "method_label"], "difference")
    return means[COLUMNS].astype({"across": int, "without": int})


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of `insulator_table` with its notes."""
    rows, last = [], None
    for row in means.itertuples():
        label = row.label if row.label != last else ""
        rows.append([label, row.method_label, with_sd(row.difference, row.sd, 2), interval(row.low, row.high, 2)])
        last = row.label
    notes = [
        f"Mean score of {spread(means['across'])} enhancers with an insulator between them and their promoter, less "
        f"that of {spread(means['without'])} with another element between, in standard deviations of the score; 95 % "
        "interval: bootstrap over the pairs. Below 0: the model sees less of an enhancer behind an insulator.",
    ]
    header = ["Model", "Method", "Difference", "95 % interval"]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


@styled
def insulator_figure(means: pd.DataFrame) -> Figure:
    """Differences with intervals, a panel for each model, a row for each method; the line at 0 is no effect."""
    models = dict(means[["model", "label"]].drop_duplicates().itertuples(index=False))
    methods = in_order(means["method"])
    labels = dict(zip(means["method"], means["method_label"], strict=True))
    figure = new_figure(DOUBLE_COLUMN, 18 + 5 * len(methods))
    figure.get_layout_engine().set(w_pad=0.06)  # long names of methods reach the edge of the page
    panels = figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (model, label) in zip(panels, models.items(), strict=True):
        of = means[means["model"] == model].set_index("method")
        axes.axvline(0, color=GREY, linewidth=0.6)
        for place, name in enumerate(methods):
            if name not in of.index:
                continue
            row, look = of.loc[name], score_style(name)
            axes.plot([row["low"], row["high"]], [place, place], color=look.colour, linewidth=1)
            axes.plot(row["difference"], place, "o", color=look.colour, markersize=4)
        axes.set_title(label)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(methods)), [labels[name] for name in methods])
    panels[0].set_ylim(len(methods) - 0.5, -0.5)
    figure.supxlabel("Score behind an insulator less that behind another element (s.d.); below 0: less is seen")
    return figure


@command("sequence-to-function insulators")
def insulators(
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
    """Scores of enhancers behind an insulator against those behind another element: table and figure.

    Arguments:
        runs: scored elements of every model and seed (`regulens score-elements`).
        csv, md: the table, to write.
        labels: names of the models in table and figure.
        data_note: one sentence on the data.

    Returns the table, columns ``COLUMNS``.
    """
    means = insulator_table(read_runs(labelled(runs, labels), PAIR_SCORES), resamples, seed)
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(insulator_figure(means), pdf, png)
    return means
