"""Relevance by position in aligned sequences, around a place where every positive sequence has a site."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.runs import TaskRun, labelled
from regulens.core.statistics import bootstrap_interval
from regulens.core.tables import decimal, interval, markdown_table, spread, with_sd, write_csv
from regulens.data.sequences import read_sites
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.scores import score_label
from regulens.plotting.style import DOUBLE_COLUMN, GREY, LIGHT_GREY, new_figure, save, score_style, styled
from regulens.studies.dnabert_lrp.tasks import highest_first, over_seeds, seeds_note, tasks_of

COLUMNS = ["task", "task_label", "score", "score_label", "place", "start", "end", "enrichment", "sd", "low", "high"]

COLUMNS += ["above", "seeds", "sequences"]


def relative_relevance(values: np.ndarray) -> np.ndarray:
    """Size of the relevance of each base as a multiple of the mean of its sequence, (N, L), from scores (N, L).

    Signs are dropped: a base that speaks against the explained class counts, too. Sequences without any relevance are
    left out.
    """
    size = np.abs(values.astype(np.float64))
    mean = size.mean(axis=1, keepdims=True)
    return (size / np.where(mean > 0, mean, 1))[mean[:, 0] > 0]


def read_place(sites: Path | str, ids: Sequence[str]) -> tuple[str, int, int]:
    """Name, start and end (0-based, half-open) of the one place that all sites of these sequences have.

    Raises InputError if there is none, or if the sites are at several places.
    """
    table = read_sites(sites)
    table = table[table["id"].isin(ids) & (table["role"] == "positive")]
    places = table[["motif", "start", "end"]].drop_duplicates()
    if len(places) != 1:
        raise InputError(f"{sites}: sites at {len(places)} places in the scored sequences, where one is needed")
    name, start, end = places.iloc[0]
    return name, int(start), int(end)


def enrichment(relative: np.ndarray, start: int, end: int, resamples: int, seed: int) -> dict[str, float]:
    """How much more relevance a place has than an average base, from the output of `relative_relevance`.

    enrichment: mean inside the place, 1 for an average base; low, high: its 95 % bootstrap interval over sequences;
    above: share of all other windows of the same width, none of whose bases is inside, with a lower mean; sequences.
    """
    inside = relative[:, start:end].mean(axis=1)
    low, high = bootstrap_interval(inside, resamples, np.random.default_rng([seed, 0]))
    profile, width = relative.mean(axis=0), end - start
    windows = np.convolve(profile, np.ones(width) / width, "valid")
    first = np.arange(len(windows))
    others = windows[(first + width <= start) | (first >= end)]
    above = float((others < inside.mean()).mean()) if len(others) else np.nan
    return {"enrichment": inside.mean(), "low": low, "high": high, "above": above, "sequences": len(inside)}


def read_profiles(
    runs: Sequence[TaskRun], sites: Mapping[str, Path | str], resamples: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Enrichment of every task, seed and score, and the mean `relative_relevance` of each position.

    Both tables have the columns task, task_label, seed, score, and place, start and end or position and relevance.
    Only positive sequences count.
    """
    rows, profiles = [], []
    for run in runs:
        with ScoreFile(run.path) as file:
            positive = np.flatnonzero(file.labels == 1)
            place, start, end = read_place(sites[run.task], [file.ids[row] for row in positive])
            for name in file.names:
                relative = relative_relevance(file.score(name)[positive])
                if not len(relative):
                    raise InputError(f"{run.path}: the score {name} is 0 in all positive sequences")
                front = {"task": run.task, "task_label": run.label, "seed": run.seed, "score": name}
                found = enrichment(relative, start, end, resamples, seed)
                rows.append(front | {"place": place, "start": start, "end": end} | found)
                positions = {"position": np.arange(relative.shape[1]), "relevance": relative.mean(axis=0)}
                profiles.append(pd.DataFrame(front | positions))
    if not rows:
        raise InputError("no file of relevance given: at least one task is needed")
    return pd.DataFrame(rows), pd.concat(profiles, ignore_index=True)


def mean_enrichment(table: pd.DataFrame) -> pd.DataFrame:
    """Enrichment averaged over the seeds, columns `COLUMNS`, highest first in each task."""
    also = ["low", "high", "above", "sequences"]
    means = over_seeds(table, ["score", "place", "start", "end"], "enrichment", also)
    means["score_label"] = means["score"].map(score_label)
    return highest_first(means, "enrichment")[COLUMNS]


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of `mean_enrichment` with its notes."""
    rows, last = [], None
    for row in means.itertuples():
        where = f"{row.task_label}: {row.place}, bases {row.start + 1} to {row.end}"
        cells = [where if row.task != last else "", row.score_label, with_sd(row.enrichment, row.sd, 2)]
        rows.append([*cells, interval(row.low, row.high, 2), decimal(100 * row.above, 0) + " %"])
        last = row.task
    notes = [
        "Relevance: mean size of the relevance of the bases inside the place, as a multiple of the mean of the "
        f"sequence (1: an average base), over {spread(means['sequences'])} positive test sequences; 95 % interval: "
        "bootstrap over the sequences.",
        "Above other windows: share of all other windows of the same width, none of whose bases is inside, that have "
        "less.",
    ]
    notes += seeds_note(means)
    header = ["Place", "Score", "Relevance", "95 % interval", "Above other windows"]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


@styled
def position_figure(table: pd.DataFrame, profiles: pd.DataFrame) -> Figure:
    """Mean relative relevance of every position, a panel for each score, a line for each seed; the place is shaded.

    One block of panels per task; the line at 1 is an average base.
    """
    tasks = tasks_of(table)
    panels = [(task, score) for task in tasks for score in table.loc[table["task"] == task, "score"].unique()]
    rows = -(-len(panels) // 2)
    figure = new_figure(DOUBLE_COLUMN, 10 + 24 * rows)
    grid = figure.subplots(rows, 2, sharex=len(tasks) == 1, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (task, score) in zip(grid.flat, panels, strict=False):
        place = table[(table["task"] == task) & (table["score"] == score)].iloc[0]
        axes.axvspan(place["start"] + 0.5, place["end"] + 0.5, color=LIGHT_GREY, linewidth=0, label=place["place"])
        axes.axhline(1, color=GREY, linewidth=0.5)
        of_score = profiles[(profiles["task"] == task) & (profiles["score"] == score)]
        for _, line in of_score.groupby("seed"):
            axes.plot(line["position"] + 1, line["relevance"], color=score_style(score).colour, linewidth=0.8)
        axes.set_xlim(1, of_score["position"].max() + 1)
        axes.set_ylim(bottom=0)
        name = score_label(score)
        axes.set_title(name if len(tasks) == 1 else f"{tasks[task]}: {name}")
    for column in range(2):
        last = [axes for axes in grid[:, column] if axes.get_visible()]
        if last:
            last[-1].set_xlabel("Position in the sequence (bp)")
            last[-1].tick_params(labelbottom=True)
    figure.supylabel("Relevance (1: average base)")
    return figure


@command("dnabert-lrp relevance-by-position")
def relevance_by_position(
    runs: Sequence[TaskRun],
    /,
    sites: Mapping[str, Path | str],
    csv: Path | str,
    md: Path | str,
    pdf: Path | str,
    png: Path | str,
    resamples: Part[int],
    seed: Part[int],
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Relevance by position in aligned sequences, around the place where each has a site: table and figure.

    Arguments:
        runs: relevance of every task and seed.
        sites: the sites of each task, all at one place.
        csv, md: the table, to write.
        labels: names of the tasks in table and figure.
        data_note: one sentence on the data and the model.

    Returns the table, columns ``COLUMNS``. Raises what `read_profiles` and `read_place` raise.
    """
    table, profiles = read_profiles(labelled(runs, labels), sites, resamples, seed)
    means = mean_enrichment(table)
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(position_figure(table, profiles), pdf, png)
    return means
