"""Criteria on the means of networks and groups of networks, by which claims about the hybrid networks are judged.

Every function makes a `claims.Rule` of the evidence of `hybrid_evidence`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from regulens.figures.claims import NotTested, Rule, Verdict
from regulens.figures.claims_text import signed, value_range
from regulens.figures.hybrid_claim_rules import LARGE, SMALL
from regulens.figures.hybrid_evidence import EXPONENTIAL, RELU, select
from regulens.figures.text_tables import decimal

DEEP = 4
"""Transformer blocks of a deep network."""


def named_means(rows: pd.DataFrame) -> pd.Series:
    """Means by network and activation."""
    names = [f"{row.label} {'ReLU' if row.activation == RELU else row.activation}" for row in rows.itertuples()]
    return pd.Series(rows["mean"].to_numpy(), index=names)


def every_mean_above(task: str, metric: str, baselines: Sequence[str], limit: float) -> Rule:
    """Every network's mean is above ``limit`` with either activation."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence, task, metric, baselines)
        for activation in (RELU, EXPONENTIAL):
            select(rows, task, metric, baselines, activation)
        values = named_means(rows)
        return Verdict(
            bool((values > limit).all()), f"{(values > limit).sum()} of {len(values)}; {value_range(values)}"
        )

    return rule


def similar_means(task: str, metric: str, limit: float) -> Rule:
    """Largest and smallest mean of the networks that are not deep differ by at most ``limit``."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence[evidence["transformers"] < DEEP], task, metric)
        if len(rows) < 2:
            raise NotTested("one network only")
        values = named_means(rows)
        spread = values.max() - values.min()
        return Verdict(spread <= limit, f"{len(values)} means, {value_range(values)}, spread {decimal(spread)}")

    return rule


def _deep_and_rest(evidence: pd.DataFrame, task: str, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = select(evidence, task, metric)
    deep = rows["transformers"] >= DEEP
    if not deep.any() or deep.all():
        raise NotTested(f"needs networks with {DEEP} transformer blocks and others")
    return rows[deep], rows[~deep]


def deep_below_rest(task: str, metric: str) -> Rule:
    """With each activation, every deep network's mean is below that of every other network."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        deep, rest = _deep_and_rest(evidence, task, metric)
        lowest = rest.groupby("activation")["mean"].min()
        limits = deep["activation"].map(lowest)
        if limits.isna().any():
            raise NotTested("an activation was run with deep networks only")
        below = deep["mean"] < limits
        text = f"{below.sum()} of {len(deep)} are below all others; {value_range(named_means(deep))}, the others "
        return Verdict(bool(below.all()), text + value_range(named_means(rest)))

    return rule


def deep_vary_more(task: str, metric: str) -> Rule:
    """The standard deviation over all trials, kept or not, is larger in the median deep network than in the others'."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        deep, rest = (part["sd_all"].dropna() for part in _deep_and_rest(evidence, task, metric))
        if deep.empty or rest.empty:
            raise NotTested("all trials of the networks are needed, not the kept ones only")
        text = f"median {decimal(deep.median())} over {len(deep)} deep networks, {decimal(rest.median())} over "
        return Verdict(deep.median() > rest.median(), f"{text}{len(rest)} others")

    return rule


def every_above_every(task: str, metric: str, higher: Callable, lower: Callable, names: tuple[str, str]) -> Rule:
    """The lowest mean of the networks that ``higher`` picks is above the highest of those that ``lower`` picks.

    ``higher``, ``lower``: evidence to a mask of its rows; ``names``: what the two groups are called.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence, task, metric)
        first, second = (named_means(rows[pick(rows)]) for pick in (higher, lower))
        for values, name in ((first, names[0]), (second, names[1])):
            if values.empty:
                raise NotTested(f"no network of the group '{name}'")
        text = f"{names[0]} {value_range(first)}; {names[1]} {value_range(second)}"
        return Verdict(bool(first.min() > second.max()), text)

    return rule


def catches_up(task: str, metric: str, margin: float) -> Rule:
    """With exponential the means of C4C6 and of C4 networks are at most ``margin`` below that of C24 with ReLU."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        goal = select(evidence, task, metric, LARGE, RELU)["mean"].mean()
        means = select(evidence, task, metric, SMALL, EXPONENTIAL).groupby("baseline", sort=False)["mean"].mean()
        beside = ", ".join(f"{name.upper()} {decimal(value)}" for name, value in means.items())
        return Verdict(
            bool((means >= goal - margin).all()), f"{beside} with exponential, C24 {decimal(goal)} with ReLU"
        )

    return rule


def rank_correlation(first: tuple[str, str], second: tuple[str, str]) -> Rule:
    """Over networks and activations, two (task, metric) have a positive rank correlation with p < 0.05."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        keys = ["architecture", "activation"]
        a, b = (select(evidence, *pair).set_index(keys)["mean"] for pair in (first, second))
        both = pd.concat([a.rename("a"), b.rename("b")], axis=1, join="inner")
        if len(both) < 5 or both["a"].nunique() < 2 or both["b"].nunique() < 2:
            raise NotTested("fewer than five networks, activations counted apart, have both numbers")
        rho, p = spearmanr(both["a"], both["b"])
        text = f"Spearman {signed(rho, 2)} over {len(both)} networks and activations (p {p:.2g})"
        for activation, part in both.groupby(level="activation", sort=False):
            if len(part) >= 5 and part["a"].nunique() > 1 and part["b"].nunique() > 1:
                name = "ReLU" if activation == RELU else activation
                text += f", {signed(spearmanr(part['a'], part['b'])[0], 2)} with {name} alone"
        return Verdict(bool(rho > 0 and p < 0.05), text)

    return rule


def baseline_explains(task: str, metric: str, activation: str) -> Rule:
    """More than half of the variance between the networks of one activation lies between the baselines.

    Adjusted for their number: 1 - (1 - share)(N - 1)/(N - K) for N networks on K baselines, which is 0 on average where
    the baseline does not matter.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence, task, metric, activation=activation)
        sizes = rows["baseline"].value_counts()
        if (sizes >= 2).sum() < 2:
            raise NotTested("needs two baselines with at least two networks each")
        groups = rows.groupby("baseline", sort=False)["mean"]
        total = ((rows["mean"] - rows["mean"].mean()) ** 2).sum()
        within = ((rows["mean"] - groups.transform("mean")) ** 2).sum()
        share = np.nan if total == 0 else 1 - within / total * (len(rows) - 1) / (len(rows) - len(sizes))
        means = ", ".join(f"{name.upper()} {decimal(value)}" for name, value in groups.mean().items())
        sd = np.sqrt(within / (len(rows) - len(sizes)))
        text = f"adjusted share {decimal(share, 2)}; means {means}; sd within a baseline {decimal(sd)}"
        return Verdict(bool(share > 0.5), text)

    return rule
