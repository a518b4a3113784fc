"""Criteria on motifs, known sites, the classifier and its data, by which claims about DNABERT and LRP are judged.

Every function makes a `claims.Rule` of the evidence of `lrp_evidence`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from regulens.figures.claims import NotTested, Rule, Verdict
from regulens.figures.claims_text import clear, signed
from regulens.figures.lrp_claim_rules import with_limits
from regulens.figures.lrp_evidence import LrpEvidence, of_task
from regulens.figures.text_tables import decimal
from regulens.interpret.score_names import score_label

AUROC = ["auroc", "low", "high"]


def _top(evidence: LrpEvidence, task: str) -> dict[str, pd.Series]:
    """Top motif of every score of the paper's Section 5.3."""
    rows = of_task(evidence.motifs, task).sort_values("rank", kind="stable").drop_duplicates("score")
    return {row["score"]: row for _, row in rows.iterrows()}


def _matched(row: pd.Series) -> bool:
    return isinstance(row["target"], str) and bool(row["target"])


def _motif(row: pd.Series) -> str:
    if not _matched(row):
        return "no motif that matches a factor"
    q = f", q {row['q_value']:.1g}" if np.isfinite(row["q_value"]) else ""
    return f"{row['tf_class']} ({row['target_name']}{q})"


def top_class(task: str, score: str, tf_class: str) -> Rule:
    """The top motif of a score matches a factor of this class (of a dimer, either partner counts)."""

    def rule(evidence: LrpEvidence) -> Verdict:
        top = _top(evidence, task)
        if score not in top:
            raise NotTested(f"motifs of {score_label(score)} were not sought")
        found = top[score]
        holds = _matched(found) and tf_class in str(found["tf_class"]).split("::")
        return Verdict(holds, f"top motif of {score_label(score)}: {_motif(found)}")

    return rule


def classes_differ(task: str, scores: Sequence[str]) -> Rule:
    """The top motifs of these scores match factors of different classes."""

    def rule(evidence: LrpEvidence) -> Verdict:
        top = _top(evidence, task)
        if missing := [score for score in scores if score not in top or not _matched(top[score])]:
            raise NotTested(f"no motif of {score_label(missing[0])} that matches a factor")
        text = ", ".join(f"{score_label(score)} {_motif(top[score])}" for score in scores)
        return Verdict(len({top[score]["tf_class"] for score in scores}) == len(scores), text)

    return rule


def motifs_found(task: str, scores: Sequence[str]) -> Rule:
    """Each of these scores has a motif that matches a factor."""

    def rule(evidence: LrpEvidence) -> Verdict:
        top = _top(evidence, task)
        if missing := [score for score in scores if score not in top]:
            raise NotTested(f"motifs of {score_label(missing[0])} were not sought")
        text = ", ".join(f"{score_label(score)} {_motif(top[score])}" for score in scores)
        return Verdict(all(_matched(top[score]) for score in scores), text)

    return rule


def above_random_sites(scores: Sequence[str]) -> Rule:
    """In every task with known sites the AUROC of each of these scores is above the band of random scores."""

    def rule(evidence: LrpEvidence) -> Verdict:
        rows = _truth(evidence)
        rows = rows[rows["score"].isin(scores)]
        if rows.empty:
            raise NotTested(f"{', '.join(map(score_label, scores))} was not computed")
        below = rows[rows["above_random"] != "yes"]
        text = f"{len(rows) - len(below)} of {len(rows)} above random; AUROC {_aurocs(rows)}"
        return Verdict(below.empty, text)

    return rule


def _truth(evidence: LrpEvidence) -> pd.DataFrame:
    if evidence.truth.empty:
        raise NotTested("no motif sites are known")
    return evidence.truth


def _aurocs(rows: pd.DataFrame) -> str:
    parts = []
    for label, part in rows.groupby("task_label", sort=False):
        values = ", ".join(f"{score_label(row.score)} {decimal(row.auroc)}" for row in part.itertuples())
        parts.append(f"{label}: {values}")
    return "; ".join(parts)


def lrp_finds_sites_better() -> Rule:
    """In every task with known sites the better of LRP and LRP_last is above attention, intervals apart."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for label, part in _truth(evidence).groupby("task_label", sort=False):
            lrp = part[part["score"].isin(["lrp", "lrp_last"])].sort_values("auroc", ascending=False)
            attention = part[part["score"] == "attention"]
            if lrp.empty or attention.empty:
                raise NotTested("LRP and attention are needed")
            first, second = lrp.iloc[0], attention.iloc[0]
            holds &= bool(first["low"] > second["high"])
            both = (f"{score_label(row['score'])} {with_limits(*row[AUROC])}" for row in (first, second))
            parts.append(f"{label}: {', '.join(both)}")
        return Verdict(bool(holds), f"AUROC {'; '.join(parts)}")

    return rule


def above_regression(subset: str) -> Rule:
    """In every task the network's test accuracy is above that of the k-mer regression, with its paired interval."""

    def rule(evidence: LrpEvidence) -> Verdict:
        if evidence.printed:
            raise NotTested("the paper has no k-mer regression")
        rows = evidence.metrics[(evidence.metrics["metric"] == "accuracy") & (evidence.metrics["subset"] == subset)]
        rows = rows[rows["row"] == "bert_minus_logistic_regression"]
        if rows.empty:
            raise NotTested("no test sequence overlaps training sequences: there is no such part of a test set")
        text = ", ".join(
            f"{row.task_label} {with_limits(row.value, row.low, row.high, show=signed)}" for row in rows.itertuples()
        )
        return Verdict(bool(rows["low"].map(clear).all()), f"difference in accuracy: {text}")

    return rule


def _counts(evidence: LrpEvidence) -> pd.DataFrame:
    if evidence.printed:
        raise NotTested("the paper gives no counts")
    if evidence.filters.empty:
        raise NotTested("no task is read from data with a test set of their own (route coordinates)")
    return evidence.filters


def share_of_test(low: float, high: float) -> Rule:
    """In every task whose data come with a test set, its share of all sequences is between two limits."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = _counts(evidence)
        total = table.groupby("task_label", sort=False)["kept"].sum()
        share = table[table["split"] == "test"].groupby("task_label", sort=False)["kept"].sum() / total
        text = ", ".join(f"{label} {100 * value:.1f} % of {total[label]:,.0f}" for label, value in share.items())
        return Verdict(bool(share.between(low, high).all()), f"test sequences: {text}")

    return rule


def balanced(low: float, high: float) -> Rule:
    """In every task whose data come with a test set, the positive share of that set is between two limits."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = _counts(evidence)
        kept = table[table["split"] == "test"].groupby(["task_label", "class"], sort=False)["kept"].sum().unstack()
        share = kept["positive"] / kept.sum(axis=1)
        text = ", ".join(f"{label} {100 * value:.1f} %" for label, value in share.items())
        return Verdict(bool(share.between(low, high).all()), f"positive share of the test sequences: {text}")

    return rule
