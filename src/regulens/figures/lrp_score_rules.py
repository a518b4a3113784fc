"""Criteria on single scores: which costs most accuracy, and which is better than random positions (002 Figure 1).

Every function makes a `claims.Rule` of the evidence of `lrp_evidence`.
"""

from collections.abc import Sequence

import pandas as pd

from regulens.figures.claims import NotTested, Rule, Verdict
from regulens.figures.claims_text import clear, signed
from regulens.figures.lrp_claim_rules import EQUAL, paired_row, with_limits
from regulens.figures.lrp_evidence import POSITIVE, LrpEvidence, of_task, tasks
from regulens.figures.text_tables import p_text
from regulens.interpret.score_names import score_label

LRP_SCORES = ("lrp", "lrp_last", "full_lrp")
PAPER_SCORES = (*LRP_SCORES, "rollout", "gradcam", "attention")
"""Scores of the paper's Figure 1; others of a run do not count."""


def _ranking(evidence: LrpEvidence, table: pd.DataFrame) -> pd.DataFrame:
    """The paper's scores in the positive class at Table 1's n, lowest accuracy first."""
    rows = table[(table["class"] == POSITIVE) & table["score"].isin(PAPER_SCORES)]
    if evidence.printed:
        raise NotTested("the curves are drawn, and the table has attention and one LRP score only")
    if missing := [name for name in PAPER_SCORES if name not in set(rows["score"])]:
        raise NotTested(f"{score_label(missing[0])} was not computed")
    return rows.sort_values("accuracy", kind="stable")


def _said(rows: pd.DataFrame) -> str:
    return ", ".join(
        f"{score_label(row.score)} {with_limits(row.accuracy, row.low, row.high)}" for row in rows.itertuples()
    )


def _lowest_are(rows: pd.DataFrame, names: Sequence[str]) -> bool:
    """These scores, and no other, have the lowest accuracies."""
    inside = rows["score"].isin(names)
    return bool(rows.loc[inside, "accuracy"].max() < rows.loc[~inside, "accuracy"].min() - EQUAL)


def lowest_are(task: str, *names: str) -> Rule:
    """In the positive class of a task the lowest accuracies at n are those of these scores."""

    def rule(evidence: LrpEvidence) -> Verdict:
        rows = _ranking(evidence, of_task(evidence.accuracy, task))
        return Verdict(_lowest_are(rows, names), f"accuracy at n = {evidence.n}: {_said(rows)}")

    return rule


def some_lowest(names: Sequence[str]) -> Rule:
    """In the positive class of every task one of these scores has the lowest accuracy at n, shared by no other."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for task, label in tasks(evidence).items():
            rows = _ranking(evidence, evidence.accuracy[evidence.accuracy["task"] == task])
            best = rows[rows["score"].isin(names)].iloc[0]
            rest = rows[~rows["score"].isin(names)]
            holds &= bool(best["accuracy"] < rest["accuracy"].min() - EQUAL)
            parts.append(f"{label}: {_said(best.to_frame().T)}, best other {_said(rest.head(1))}")
        return Verdict(bool(holds), f"accuracy at n = {evidence.n}, " + "; ".join(parts))

    return rule


def _against_random(evidence: LrpEvidence, task: str, score: str) -> pd.DataFrame:
    """Difference to random positions at every n, positive class."""
    if evidence.printed:
        raise NotTested("the curves are drawn, not printed")
    table = evidence.paired
    rows = table[(table["task"] == task) & (table["class"] == POSITIVE) & (table["against"] == "random")]
    rows = rows[rows["score"] == score].sort_values("n")
    if rows.empty:
        raise NotTested(f"no paired test of {score_label(score)} against random positions")
    return rows


def _below(rows: pd.DataFrame) -> pd.Series:
    """Where the interval of the difference lies below 0."""
    return (-rows["high"]).map(clear)


def _beaten(rows: pd.DataFrame) -> str:
    below = _below(rows)
    every, at = (", ".join(f"{n:.0f}" for n in counts) for counts in (rows["n"], rows.loc[below, "n"]))
    if below.all():
        return f"below random at every n ({every})"
    return f"below random at n = {at} of {every}" if at else f"below random at no n ({every})"


def beat_random(task: str, *names: str) -> Rule:
    """In the positive class each of these scores is below random positions at every n, with its interval."""

    def rule(evidence: LrpEvidence) -> Verdict:
        name = _task_name(evidence, task)
        found = {score: _against_random(evidence, name, score) for score in names}
        parts = []
        for score, rows in found.items():
            last = rows.iloc[-1]
            gap = with_limits(last["difference"], last["low"], last["high"], show=signed)
            parts.append(f"{score_label(score)} {_beaten(rows)}; at n = {last['n']:.0f} {gap}")
        return Verdict(all(_below(rows).all() for rows in found.values()), "; ".join(parts))

    return rule


def _task_name(evidence: LrpEvidence, task: str) -> str:
    if evidence.printed:
        raise NotTested("the curves are drawn, not printed")
    return str(of_task(evidence.paired, task)["task"].iloc[0])


def no_other_beats_random(task: str, name: str) -> Rule:
    """In the positive class every other score of the paper fails to be below random positions at some n."""

    def rule(evidence: LrpEvidence) -> Verdict:
        of = _task_name(evidence, task)
        found = {score: _against_random(evidence, of, score) for score in PAPER_SCORES if score != name}
        always = [score_label(score) for score, rows in found.items() if _below(rows).all()]
        text = f"{len(always)} of {len(found)} other scores are below random at every n"
        return Verdict(not always, text + (f": {', '.join(always)}" if always else ""))

    return rule


def attention_not_below_random(task: str) -> Rule:
    """In the positive class attention at Table 1's n is not below random positions: the interval reaches 0."""

    def rule(evidence: LrpEvidence) -> Verdict:
        row = paired_row(evidence, _task_name(evidence, task), POSITIVE, "attention", "random", evidence.n)
        gap = with_limits(row["difference"], row["low"], row["high"], show=signed)
        return Verdict(not clear(-row["high"]), f"attention less random positions {gap}, p {p_text(row['p_value'])}")

    return rule


def attention_unreliable() -> Rule:
    """In the positive class of some task attention is not below random positions at some n."""

    def rule(evidence: LrpEvidence) -> Verdict:
        found = {label: _against_random(evidence, task, "attention") for task, label in tasks(evidence).items()}
        text = "; ".join(f"{label}: {_beaten(rows)}" for label, rows in found.items())
        return Verdict(not all(_below(rows).all() for rows in found.values()), text)

    return rule
