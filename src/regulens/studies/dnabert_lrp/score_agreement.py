"""Agreement of the scores: rank correlation of base relevance between each pair, one panel per task."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.runs import CLASSES, TaskRun, labelled
from regulens.core.statistics import standard_ranks
from regulens.core.tables import decimal, write_csv
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.scores import score_label
from regulens.plotting.style import DOUBLE_COLUMN, SIGNED_COLOURS, SINGLE_COLUMN, SMALL, new_figure, save, styled
from regulens.studies.dnabert_lrp.tasks import ClassNames, class_name, over_seeds, read_task_runs, tasks_of

LEFT, RIGHT, TOP, BOTTOM, GAP = 20.0, 16.0, 9.0, 20.0, 3.0
"""Margins beside, above, below and between the panels in mm, for names of scores, colour bar and title."""

BAR = 11.0
"""Space in mm for a colour bar below a single panel: beside it, the numbers would not fit their cells."""

AGREEMENT_COLUMNS = ["label", "score_a", "score_b", "spearman", "sd", "sequences"]


def read_agreements(runs: Sequence[TaskRun]) -> pd.DataFrame:
    """Agreement of the scores in all tasks and seeds: ``read_task_runs`` of ``agreement.csv``."""
    table = read_task_runs(runs, AGREEMENT_COLUMNS, ["spearman", "sd", "sequences"])
    return table.rename(columns={"sd": "sd_sequences"})


def agreement_matrix(means: pd.DataFrame, scores: Sequence[str], column: str = "spearman") -> np.ndarray:
    """Correlations of one task, (scores, scores): the positive class above the diagonal, the negative class below.

    ``means`` has columns class, score_a, score_b and ``column``. The diagonal is NaN, as are undefined pairs.
    """
    matrix = np.full((len(scores), len(scores)), np.nan)
    values = means.set_index(["class", "score_a", "score_b"])[column]
    for i, first in enumerate(scores):
        for j, second in enumerate(scores):
            if i != j:
                matrix[i, j] = values.get((CLASSES[int(j > i)], first, second), np.nan)
    return matrix


@styled
def agreement_figure(agreements: pd.DataFrame, class_names: ClassNames | None = None) -> Figure:
    """Heat map of the mean Spearman correlation between scores; above the diagonal positives, below it negatives.

    The numbers are means over seeds and over the sequences in which both scores vary; in brackets, without a colour,
    where these are less than half. A dash marks a pair without a correlation, because a score varies in no sequence.

    Arguments:
        agreements: table of ``read_agreements``.
        class_names: task to {'positive': name, 'negative': name}.

    Raises InputError when a table has fewer than two scores.
    """
    tasks = tasks_of(agreements)
    means = over_seeds(agreements, ["class", "score_a", "score_b"], "spearman", ["sequences"])
    means["share"] = means["sequences"] / means.groupby(["task", "class"])["sequences"].transform("max")
    columns = min(2, len(tasks))
    rows = -(-len(tasks) // columns)
    scores = list(dict.fromkeys(agreements["score_a"]))
    if len(scores) < 2:
        raise InputError(f"agreement: {scores[0]} is the only score, there is nothing to compare it with")
    one = columns == 1
    width = SINGLE_COLUMN if one else DOUBLE_COLUMN
    side = (width - LEFT - (2 if one else RIGHT) - (columns - 1) * GAP) / columns
    foot = BAR if one else 0
    height = rows * (TOP + side + BOTTOM) + foot
    figure = new_figure(width, height)
    figure.set_layout_engine("none")  # panels in mm: constrained layout lets long names run off the page
    for number, (task, label) in enumerate(tasks.items()):
        row, column = divmod(number, columns)
        left, bottom = LEFT + column * (side + GAP), height - (row + 1) * (TOP + side) - row * BOTTOM
        axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
        of_task = means[means["task"] == task]
        few = agreement_matrix(of_task, scores, "share") < 0.5
        cells = _heat_map(axes, agreement_matrix(of_task, scores), few, scores)
        above, below = (class_name(class_names, task, name) for name in ("positive", "negative"))
        axes.set_title(f"{label}\nabove the diagonal: {above}, below: {below}")
        if column:
            axes.set_yticklabels([])
    place = (
        (LEFT + 2, foot - 3.5, side - 4, 2.5)
        if one
        else (width - RIGHT + 2.5, height - TOP - 0.8 * side, 2.5, 0.6 * side)
    )
    bar = figure.add_axes((place[0] / width, place[1] / height, place[2] / width, place[3] / height))
    direction = "horizontal" if one else "vertical"
    drawn = figure.colorbar(
        cells, cax=bar, orientation=direction, ticks=[-1, -0.5, 0, 0.5, 1], label="Spearman correlation"
    )
    drawn.outline.set_linewidth(0.4)
    return figure


def _heat_map(axes: Axes, matrix: np.ndarray, few: np.ndarray, scores: Sequence[str]) -> QuadMesh:
    edges = np.arange(len(scores) + 1) - 0.5
    cells = axes.pcolormesh(
        edges,
        edges,
        np.where(few, np.nan, matrix),
        cmap=SIGNED_COLOURS,
        vmin=-1,
        vmax=1,
        edgecolors="white",
        linewidth=0.4,
    )
    for (i, j), value in np.ndenumerate(matrix):
        if i == j:
            continue
        text = decimal(value, 2) if np.isfinite(value) else "\N{EN DASH}"
        text = f"({text})" if few[i, j] else text
        colour = "white" if abs(value) > 0.65 and not few[i, j] else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=SMALL - 1.5 * bool(few[i, j]))
    labels = [score_label(name) for name in scores]
    axes.set_xticks(range(len(scores)), labels, rotation=90)
    axes.set_yticks(range(len(scores)), labels)
    axes.plot([-0.5, len(scores) - 0.5], [-0.5, len(scores) - 0.5], color="black", linewidth=0.6)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlim=(-0.5, len(scores) - 0.5), ylim=(len(scores) - 0.5, -0.5), aspect="equal")
    return cells


@command("dnabert-lrp score-agreement")
def score_agreement(
    runs: Sequence[TaskRun],
    /,
    pdf: Path | str,
    png: Path | str,
    class_names: Part[ClassNames | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
) -> None:
    """Heat map of the rank correlation between the scores.

    ``runs``: the table of `write_agreement` of every task and seed; see ``agreement_figure``.
    """
    save(agreement_figure(read_agreements(labelled(runs, labels)), class_names), pdf, png)


# Agreement of the relevance scores: rank correlation of base relevance within each sequence.


@command("score-agreement")
def write_agreement(scores: Path | str, /, output: Path | str) -> None:
    """Rank correlation between every two scores of a score file, as CSV.

    See `agreement_table`. Raises `InputError` when a score is not a number somewhere.
    """
    with ScoreFile(scores) as file:
        table = agreement_table(file.labels, {name: file.score(name) for name in file.names}, scores)
    write_csv(table, output)


def agreement_table(
    labels: np.ndarray, scores: dict[str, np.ndarray], source: Path | str = "the scores"
) -> pd.DataFrame:
    """Spearman correlation of each pair of scores over the bases of a sequence, by class: `AGREEMENT_COLUMNS`.

    ``labels`` (N,); ``scores`` float (N, L) by name; ``source`` is named in errors. All ordered pairs, including the
    diagonal. ``spearman`` and ``sd`` are mean and sample standard deviation over the ``sequences`` in which both scores
    vary (a constant score has no ranks); empty without such a sequence (``sd``: without two).
    """
    ranks = {}
    for name, values in scores.items():
        if np.isnan(values).any():
            wrong = np.isnan(values).any(axis=1).sum()
            raise InputError(f"{source}: the score {name} is NaN in {wrong} sequences: compute it again")
        ranks[name] = standard_ranks(values).astype(np.float32)  # half the memory; six digits are written
    rows = []
    for label in np.unique(labels):
        of_class = {name: values[labels == label] for name, values in ranks.items()}
        for a, b in product(scores, repeat=2):
            found = np.einsum("nl,nl->n", of_class[a], of_class[b]).astype(np.float64)
            found = found[~np.isnan(found)]
            mean = found.mean() if len(found) else np.nan
            sd = found.std(ddof=1) if len(found) > 1 else np.nan
            rows.append((int(label), a, b, mean, sd, len(found)))
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)
