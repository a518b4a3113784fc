"""What the claims about the hybrid networks are judged on: a run's trials, or the paper's own table (001)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from regulens.figures.claims import NotTested
from regulens.figures.hybrid_tables import read_published, summarise
from regulens.statistics import LEVEL

EVIDENCE_COLUMNS = ["task", "architecture", "label", "baseline", "transformers", "activation", "metric"]
EVIDENCE_COLUMNS += ["mean", "sd", "n", "sd_all"]
PAPER_KEPT = {"task1": 3, "task2": 5}
"""Trials behind a number of the paper's tables (SPEC S15)."""
EXPONENTIAL, RELU = "exponential", "relu"


def of_trials(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Evidence of a run, columns ``EVIDENCE_COLUMNS``: task to its table of `read_trials`.

    ``mean`` and ``sd`` (population) are over the ``n`` kept trials that have the number, ``sd_all`` over all trials;
    ``transformers``: transformer blocks of the network.
    """
    parts = []
    for task, trials in tables.items():
        part = summarise(trials, task).rename(columns={"n_defined": "n"})
        part["transformers"] = part["modules"].str.split("+").map(lambda modules: modules.count("transformer"))
        parts.append(part.assign(task=task))
    return pd.concat(parts, ignore_index=True)[EVIDENCE_COLUMNS]


def of_paper(published: Path | str, tasks: Sequence[str] = ("task1", "task2")) -> pd.DataFrame:
    """Evidence of the paper's tables; a network's baseline and depth are read from its name there."""
    rows = []
    for task in tasks:
        for (name, metric, activation), (mean, sd) in read_published(published, task).items():
            baseline, *_, last = name.split("-") * 2
            depth = int(last.removeprefix("Trans")) if last.startswith("Trans") else 0
            row = (task, name, name, baseline.lower(), depth, activation, metric, mean, sd, PAPER_KEPT[task], np.nan)
            rows.append(row)
    return pd.DataFrame(rows, columns=EVIDENCE_COLUMNS)


def select(
    evidence: pd.DataFrame,
    task: str,
    metric: str,
    baselines: Sequence[str] | None = None,
    activation: str | None = None,
) -> pd.DataFrame:
    """Rows of one metric, of some baselines and one activation (None: all), that have a mean.

    Raises `NotTested` when there is none.
    """
    rows = evidence[(evidence["task"] == task) & (evidence["metric"] == metric)]
    if baselines is not None:
        rows = rows[rows["baseline"].isin(baselines)]
    if activation is not None:
        rows = rows[rows["activation"] == activation]
    rows = rows[rows["mean"].notna()]
    if rows.empty:
        names = " or ".join(map(str.upper, baselines or [])) + " " if baselines else ""
        kind = f" with {activation}" if activation else ""
        raise NotTested(f"no {names}network{kind} has {metric} in {task}")
    return rows


def differences(evidence: pd.DataFrame, task: str, metric: str, baselines: Sequence[str] | None = None) -> pd.DataFrame:
    """Exponential less ReLU of every network that has both, with its 95 % interval, indexed by label.

    Columns difference, low, high: Welch's t interval of the difference of two means, from the standard deviations over
    trials; NaN with fewer than two trials of either. The trials of the two activations are not paired, because which
    ones are kept differs. Raises `NotTested` when no network has both.
    """
    rows = select(evidence, task, metric, baselines)
    rows = rows.assign(variance=rows["sd"] ** 2 * rows["n"] / (rows["n"] - 1).where(rows["n"] > 1))
    wide = rows.pivot(index=["architecture", "label"], columns="activation", values=["mean", "variance", "n"])
    order = rows.drop_duplicates("architecture").set_index(["architecture", "label"]).index
    wide = wide.reindex(order).droplevel("architecture")
    both = {EXPONENTIAL, RELU}
    if not both <= set(rows["activation"]):
        raise NotTested(f"{task} was not run with both activations")
    wide = wide[wide["mean"][[EXPONENTIAL, RELU]].notna().all(axis=1)]
    if wide.empty:
        raise NotTested(f"no network has {metric} with both activations in {task}")
    parts = [wide[part][name].to_numpy(float) for name in (EXPONENTIAL, RELU) for part in ("mean", "variance", "n")]
    return pd.DataFrame(welch(*parts), index=wide.index)


def welch(mean_a, variance_a, n_a, mean_b, variance_b, n_b) -> dict[str, np.ndarray]:
    """Difference a - b of means and its 95 % interval (Welch); ``variance``: unbiased, of one value.

    Without any variance, as where all values are equal after rounding, the interval is the difference itself.
    """
    part_a, part_b = variance_a / n_a, variance_b / n_b
    squared = part_a + part_b
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = squared**2 / (part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1))
        half = t.ppf((1 + LEVEL / 100) / 2, degrees) * np.sqrt(squared)
    half = np.where(squared == 0, 0.0, half)
    return {"difference": mean_a - mean_b, "low": mean_a - mean_b - half, "high": mean_a - mean_b + half}
