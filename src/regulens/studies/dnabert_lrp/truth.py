"""How well each score finds the bases of known motif sites: table and figure, for tasks with known truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.runs import TaskRun, labelled
from regulens.core.tables import interval, markdown_table, signed, spread, with_sd, write_csv
from regulens.interpret.scores import score_label
from regulens.plotting.style import (
    BLACK,
    DOUBLE_COLUMN,
    LIGHT_GREY,
    RANDOM,
    SINGLE_COLUMN,
    SMALL,
    new_figure,
    save,
    score_style,
    styled,
)
from regulens.studies.dnabert_lrp.tasks import highest_first, over_seeds, read_task_runs, seeds_note, tasks_of

NUMBERS = ["auroc", "low", "high", "sequences"]

TRUTH_COLUMNS = ["score", *NUMBERS]

COLUMNS = ["task", "task_label", "score", "score_label", "auroc", "sd", "low", "high", "above_random", "seeds"]

COLUMNS += ["sequences"]


def read_truth(runs: Sequence[TaskRun]) -> pd.DataFrame:
    """AUROC against known sites in all tasks and seeds: ``read_task_runs`` of ``truth.csv``.

    Raises `InputError` for a malformed table, or one without the row ``random``, with which the others are compared.
    """
    table = read_task_runs(runs, TRUTH_COLUMNS, NUMBERS)
    for run in runs:
        of_run = table[(table["task"] == run.task) & (table["seed"] == run.seed)]
        if RANDOM not in set(of_run["score"]):
            raise InputError(f"{run.path}: no row {RANDOM}; compute that score too, the others are compared with it")
    return table


def truth_means(table: pd.DataFrame) -> pd.DataFrame:
    """AUROC averaged over the seeds, columns ``COLUMNS``, highest first in each task.

    ``above_random``: whether the AUROC exceeds the upper 95 % limit of random scores (both averaged over seeds); empty
    for the random score itself.
    """
    means = over_seeds(table, ["score"], "auroc", ["low", "high", "sequences"])
    means["score_label"] = means["score"].map(score_label)
    limits = means[means["score"] == RANDOM].set_index("task")["high"]
    above = pd.Series(np.where(means["auroc"] > means["task"].map(limits), "yes", "no"), means.index)
    means["above_random"] = above.mask(means["score"] == RANDOM, "")
    return highest_first(means, "auroc")[COLUMNS]


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of ``truth_means`` with its notes."""
    lines, last = [], None
    random = means[means["score"] == RANDOM].set_index("task")["auroc"]
    for row in means.itertuples():
        limits, gain = interval(row.low, row.high), signed(row.auroc - random[row.task])
        gain = f"**{gain}**" if row.above_random == "yes" else gain if row.above_random else ""
        task = row.task_label if row.task != last else ""
        lines.append([task, row.score_label, with_sd(row.auroc, row.sd), limits, gain])
        last = row.task
    notes = [
        "AUROC of base relevance against the bases of known sites, in each positive sequence that has one, mean over "
        f"{spread(means.loc[means['score'] != RANDOM, 'sequences'])} sequences; 95 % interval: bootstrap over the "
        "sequences.",
        "Random: mean and 2.5 to 97.5 percentiles over random scores. Bold: the AUROC is above the upper limit of that "
        "band.",
    ]
    notes += seeds_note(means)
    header = ["Task", "Score", "AUROC", "95 % interval", "Above random"]
    return markdown_table(header, lines, [*notes, data_note] if data_note else notes, left=2)


@styled
def truth_figure(table: pd.DataFrame) -> Figure:
    """Dots with 95 % intervals, one row per score, best on top; one panel per task, the band of random scores shaded.

    The order is that of the mean over the tasks. Small dots are the seeds, where there are several.
    """
    means, tasks = truth_means(table), tasks_of(table)
    ranked = means.groupby("score", sort=False)["auroc"].mean().sort_values(ascending=False, kind="stable").index
    scores = [name for name in ranked if name != RANDOM]
    figure = new_figure(SINGLE_COLUMN if len(tasks) == 1 else DOUBLE_COLUMN, 20 + 5 * len(scores))
    figure.get_layout_engine().set(w_pad=0.05)  # long names of scores reach the edge of the page
    panels = figure.subplots(1, len(tasks), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (task, label) in zip(panels, tasks.items(), strict=True):
        _dots(axes, means[means["task"] == task].set_index("score"), table[table["task"] == task], scores)
        seeds = means.loc[means["task"] == task, "seeds"].max()
        axes.set_title(label + (f" (mean of {seeds} seeds)" if seeds > 1 else ""), pad=11)
        axes.set_xlabel("AUROC of known sites")
    panels[0].set_yticks(range(len(scores)), [score_label(name) for name in scores])
    panels[0].set_ylim(len(scores) - 0.5, -0.5)
    return figure


def _dots(axes: Axes, means: pd.DataFrame, seeds: pd.DataFrame, scores: Sequence[str]) -> None:
    random = means.loc[RANDOM]
    axes.axvspan(random["low"], random["high"], color=LIGHT_GREY, linewidth=0, zorder=0, label="band")
    axes.axvline(random["auroc"], color=score_style(RANDOM).colour, linewidth=0.7, zorder=1, label=RANDOM)
    for place, name in enumerate(scores):
        if name not in means.index:
            continue
        row, look = means.loc[name], score_style(name)
        axes.plot([row["low"], row["high"]], [place, place], color=look.colour, linewidth=1, zorder=2)
        axes.plot(row["auroc"], place, look.marker, color=look.colour, markersize=4, zorder=3, label=name)
        of_score = seeds.loc[seeds["score"] == name, "auroc"]
        if len(of_score) > 1:
            places = np.full(len(of_score), place + 0.25)
            axes.plot(of_score, places, "o", color=look.colour, markersize=1.6, markeredgewidth=0, zorder=2)
    axes.annotate(
        "random",
        (random["auroc"], 1),
        (0, 1.5),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=BLACK,
        fontsize=SMALL,
    )
    axes.tick_params(axis="y", length=0)


@command("dnabert-lrp truth")
def truth(
    runs: Sequence[TaskRun],
    /,
    csv: Path | str,
    md: Path | str,
    pdf: Path | str,
    png: Path | str,
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Every score against the known motif sites: table and figure.

    Arguments:
        runs: ``truth.csv`` of every task and seed.
        csv, md: the table, to write.
        labels: names of the tasks in table and figure.
        data_note: one sentence on the data and the model.

    Returns the table, columns ``COLUMNS``.
    """
    table = read_truth(labelled(runs, labels))
    means = truth_means(table)
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(truth_figure(table), pdf, png)
    return means
