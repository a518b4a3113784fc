"""What the claims about Genomic Interpreter are judged on: a run's correlations and attention, or Table 1."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t

from regulens.errors import InputError
from regulens.figures.attention_file import AttentionFile
from regulens.figures.claims import NotTested
from regulens.figures.claims_text import clear
from regulens.figures.inputs import DISTANCE_COLUMNS, numbers, read_correlations, read_table
from regulens.figures.table1 import OVERALL, group_means, read_published
from regulens.reference_rows import REFERENCE_ROWS
from regulens.runs import Run
from regulens.statistics import LEVEL

SWIN, ENFORMER, MAX_POOL, ATT_POOL, DILATED = "swin1d", "enformer", "maxpool_cnn", "attpool_cnn", "attpool_dilated"
CNNS = (MAX_POOL, ATT_POOL, DILATED)
LABELS = {SWIN: "1D-Swin", ENFORMER: "Enformer", MAX_POOL: "MaxPoolCNNs", ATT_POOL: "AttPoolCNNs"}
LABELS |= {DILATED: "AttPoolDilate"}
"""The paper's models by the names that the configuration gives them, and what Table 1 calls them."""


class Shown(NamedTuple):
    """What the figures of a run show."""

    main_model: str
    """Model whose attention was measured."""
    track: str
    """Track of Figure 3: identifier, description or row number."""
    other: str
    """Model beside the main one in Figure 3."""
    heads_layer: int
    """Layer of Figure 4b."""
    windows_layer: int
    """Layer of Figure 6."""


class AssayEvidence(NamedTuple):
    """Numbers of a run, or of the paper: what is missing is empty or None."""

    means: pd.DataFrame
    """Columns model, group, pearson, as in Table 1."""
    correlations: pd.DataFrame
    """Every track, model and seed: table of `inputs.read_correlations`."""
    distances: pd.DataFrame
    """``attention_distance.csv``, heads as text."""
    attention: AttentionFile | None
    """Attention on one test segment."""
    shown: Shown | None


class Margin(NamedTuple):
    """How far one model's mean correlation is above another's."""

    difference: float
    low: float
    high: float
    """Limits of the 95 % t interval over the tracks, paired; NaN where no tracks are known, or only one."""
    tracks: int
    """Tracks that both models have a correlation for; 0 where only means are known."""
    seeds: int
    """Seeds that both models have."""
    seeds_above: int
    """Seeds in which the mean is above."""

    @property
    def above(self) -> bool:
        """The difference is positive, and its interval excludes 0 where there are tracks."""
        return self.difference > 0 and (self.tracks == 0 or clear(self.low))


def of_run(
    runs: Sequence[Run],
    distances: Path | str,
    attention: Path | str,
    shown: Shown,
    groups: Sequence[str] | None = None,
) -> AssayEvidence:
    """Evidence of a run.

    Arguments:
        runs: per-track correlation tables of models and reference rows.
        distances: ``attention_distance.csv``.
        attention: attention of one test segment.
        shown: what the figures show.
        groups: order of the track groups.

    Raises InputError on bad files.
    """
    correlations = read_correlations(runs)
    table = read_table(distances, DISTANCE_COLUMNS).astype({"head": str})
    for name in ("layer", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"):
        table[name] = numbers(table[name], distances)
    return AssayEvidence(group_means(correlations, groups), correlations, table, AttentionFile(attention), shown)


def of_paper(published: Path | str) -> AssayEvidence:
    """Evidence of the paper's Table 1."""
    rows = [(*key, value) for key, value in read_published(published).items()]
    means = pd.DataFrame(rows, columns=["model", "group", "pearson"])
    if strange := sorted(set(means["model"]) - set(LABELS)):
        raise InputError(f"{published}: {strange[0]} is not a model of Table 1; valid: {', '.join(LABELS)}")
    return AssayEvidence(means, pd.DataFrame(), pd.DataFrame(), None, None)


def label(model: str) -> str:
    """What tables call a model or a reference row."""
    return LABELS.get(model) or REFERENCE_ROWS.get(model, model)


def on(group: str) -> str:
    """'on DNase tracks', 'over all tracks'."""
    return "over all tracks" if group == OVERALL else f"on {group} tracks"


def mean(evidence: AssayEvidence, model: str, group: str) -> float:
    """Mean correlation of a model on a track group. Raises `NotTested` when there is none."""
    rows = evidence.means[evidence.means["model"] == model]
    if rows.empty:
        raise NotTested(f"there is no row {label(model)}")
    rows = rows[rows["group"] == group]
    if rows.empty:
        raise NotTested(f"the data have no {group} tracks")
    value = float(rows["pearson"].iloc[0])
    if not np.isfinite(value):
        raise NotTested(f"{label(model)} has no defined correlation {on(group)}")
    return value


def known(evidence: AssayEvidence, models: Sequence[str]) -> list[str]:
    """Those of the models that the evidence has. Raises `NotTested` when it has none of them."""
    found = [name for name in models if name in set(evidence.means["model"])]
    if not found:
        raise NotTested(f"there is no row {' or '.join(map(label, models))}")
    return found


def by_track(evidence: AssayEvidence, model: str, group: str) -> pd.Series:
    """Correlation of every track of a group, mean over the seeds, by track; empty where no tracks are known."""
    table = evidence.correlations
    if table.empty:
        return pd.Series(dtype=float)
    rows = table[(table["model"] == model) & ((table["group"] == group) | (group == OVERALL))]
    return rows.groupby("track")["pearson"].mean()


def margin(evidence: AssayEvidence, first: str, second: str, group: str) -> Margin:
    """How far ``first`` is above ``second`` on a track group, as the paired difference over the tracks.

    Tracks are paired, because a track that is easy for one model is easy for the other. Raises `NotTested` when a model
    or the group is missing.
    """
    gap = mean(evidence, first, group) - mean(evidence, second, group)
    pairs = (by_track(evidence, first, group) - by_track(evidence, second, group)).dropna()
    count = len(pairs)
    if not count:
        return Margin(gap, np.nan, np.nan, 0, 0, 0)
    middle, half = pairs.mean(), np.nan
    if count > 1:
        half = t.ppf((1 + LEVEL / 100) / 2, count - 1) * pairs.std(ddof=1) / np.sqrt(count)
    return Margin(middle, middle - half, middle + half, count, *_by_seed(evidence.correlations, first, second, group))


def _by_seed(table: pd.DataFrame, first: str, second: str, group: str) -> tuple[int, int]:
    """Seeds that both models have, and in how many of them the first one's mean is higher."""
    rows = table[(table["group"] == group) | (group == OVERALL)]
    wide = rows[rows["model"].isin([first, second])].groupby(["seed", "model"])["pearson"].mean().unstack("model")
    wide = wide.dropna()
    return len(wide), int((wide[first] > wide[second]).sum())
