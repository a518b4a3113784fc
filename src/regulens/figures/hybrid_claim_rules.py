"""Criteria on the difference between the activations, by which claims about the hybrid networks are judged.

Every function makes a `claims.Rule` of the evidence of `hybrid_evidence`.
"""

from collections.abc import Sequence

import pandas as pd

from regulens.figures.claims import NotTested, Rule, Verdict
from regulens.figures.claims_text import signed, value_range
from regulens.figures.hybrid_evidence import EXPONENTIAL, differences, select

LARGE, SMALL = ["c24"], ["c4c6", "c4"]
"""Baselines with a large first max-pooling, and those with a small one."""


def every_difference(
    task: str,
    metric: str,
    baselines: Sequence[str],
    *,
    above: float = 0.0,
    sign: int = 1,
    significant: bool = False,
    or_equal: bool = False,
) -> Rule:
    """In every network ``sign`` x (exponential - ReLU) is greater than ``above``.

    ``significant``: and its 95 % interval lies on that side of ``above``. ``or_equal``: equal will do.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        found = differences(evidence, task, metric, baselines)
        value = sign * found["difference"]
        meets = value >= above if or_equal else value > above
        span = value_range(found["difference"], signed)
        text = f"{meets.sum()} of {len(found)} networks; exponential less ReLU {span}"
        if significant:
            limit = found["low"] if sign > 0 else -found["high"]
            beyond, unknown = limit > above, limit.isna()
            if unknown.all():
                raise NotTested("fewer than two kept trials a network, so no interval")
            if unknown.any() and (meets & (beyond | unknown)).all():
                names = ", ".join(found.index[unknown])
                raise NotTested(f"{text}; fewer than two kept trials, so no interval, of {names}")
            text += f"; the 95 % interval excludes {above:g} in {beyond.sum()} of {len(found)}"
            meets &= beyond
        return Verdict(bool(meets.all()), text)

    return rule


def mean_difference_within(task: str, metric: str, baselines: Sequence[str] | None, limit: float) -> Rule:
    """The mean over the networks of exponential - ReLU is at most ``limit`` in size."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        found = differences(evidence, task, metric, baselines)["difference"]
        text = f"mean difference {signed(found.mean())} over {len(found)} networks, {value_range(found, signed)}"
        return Verdict(abs(found.mean()) <= limit, text)

    return rule


def slight_gain(task: str, metric: str) -> Rule:
    """The mean gain of the C24 networks is above 0 and below those of the C4C6 and of the C4 networks."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        found = differences(evidence, task, metric, LARGE)["difference"]
        others = {}
        for baseline in SMALL:
            try:
                others[baseline.upper()] = differences(evidence, task, metric, [baseline])["difference"].mean()
            except NotTested:
                continue
        if not others:
            raise NotTested("no C4C6 or C4 network to compare the gain with")
        beside = ", ".join(f"{name} {signed(gain)}" for name, gain in others.items())
        text = f"mean gain {signed(found.mean())}, in {(found > 0).sum()} of {len(found)} networks, "
        text += f"{value_range(found, signed)}; mean gain of {beside}"
        return Verdict(0 < found.mean() < min(others.values()), text)

    return rule


def right_or_none() -> Rule:
    """In C24 networks the exponential has at most 5 % of filters with a wrong match only, and more without a match.

    Filters without a match: 1 - TPR - FPR, which the paper's table has, too.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        wrong = select(evidence, "task1", "fpr", LARGE, EXPONENTIAL).set_index("label")["mean"]
        tpr, fpr = (differences(evidence, "task1", name, LARGE)["difference"] for name in ("tpr", "fpr"))
        silent = -(tpr + fpr)
        text = f"FPR with exponential {value_range(wrong)}; filters without a match, exponential less ReLU, "
        text += f"{value_range(silent, signed)}, more in {(silent > 0).sum()} of {len(silent)}"
        return Verdict(bool((wrong <= 0.05).all() and (silent > 0).all()), text)

    return rule
