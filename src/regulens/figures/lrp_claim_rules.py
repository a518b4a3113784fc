"""Criteria on test accuracy, Table 1 and random sequences, by which claims about DNABERT and LRP are judged.

Every function makes a `claims.Rule` of the evidence of `lrp_evidence`.
"""

import pandas as pd

from regulens.figures.claims import NotTested, Rule, Verdict
from regulens.figures.claims_text import clear, signed
from regulens.figures.lrp_evidence import (
    ATTENTION,
    LRP_STAR,
    NEGATIVE,
    POSITIVE,
    RANDOM_SEQUENCE,
    UNMUTATED,
    Difference,
    LrpEvidence,
    cell,
    classes,
    independent,
    of_task,
    tasks,
)
from regulens.figures.text_tables import decimal, interval, p_text
from regulens.interpret.score_names import score_label

DROP = (UNMUTATED, RANDOM_SEQUENCE)
"""Columns of Table 1 between which a class loses its accuracy."""
EQUAL = 1e-9
"""Accuracies that differ by less are the same number of sequences."""


def with_limits(value: float, low: float, high: float, show=decimal) -> str:
    """'0.859 [0.839, 0.878]'; without limits the number alone."""
    return show(value) + (f" {interval(low, high)}" if pd.notna(low) and pd.notna(high) else "")


def _signed(found: Difference) -> str:
    return with_limits(*found, show=signed)


def _cell(row: pd.Series) -> str:
    return with_limits(row["accuracy"], row["low"], row["high"])


def reaches(task: str, accuracy: float) -> Rule:
    """The test accuracy, or the upper limit of its interval where it has one, is at least the paper's, as rounded."""

    def rule(evidence: LrpEvidence) -> Verdict:
        rows = of_task(evidence.metrics, task)
        rows = rows[(rows["subset"] == "all") & (rows["row"] == "bert") & (rows["metric"] == "accuracy")]
        if rows.empty:
            raise NotTested(f"no accuracy of the whole test set of {task}")
        row = rows.iloc[0]
        top = row["high"] if pd.notna(row["high"]) else row["value"]
        return Verdict(bool(top >= accuracy - 0.005), f"accuracy {with_limits(row['value'], row['low'], row['high'])}")

    return rule


def _drop(table: pd.DataFrame, name: str) -> Difference:
    """Accuracy unmutated less accuracy on random sequences."""
    return independent([cell(table, name, UNMUTATED)], [cell(table, name, RANDOM_SEQUENCE)])


def drops_on_random(task: str) -> Rule:
    """The accuracy of the positive class on random sequences is below that on its own, by more than chance."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = of_task(evidence.accuracy, task)
        found = _drop(table, POSITIVE)
        text = f"{_cell(cell(table, POSITIVE, UNMUTATED))} to {_cell(cell(table, POSITIVE, RANDOM_SEQUENCE))}"
        return Verdict(clear(found.low), f"accuracy {text}, difference {_signed(found)}")

    return rule


def positive_drops_more(task: str) -> Rule:
    """The accuracy that random sequences cost is larger in the positive class, by more than chance."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = of_task(evidence.accuracy, task)
        before, after = ([cell(table, name, column) for name in (POSITIVE, NEGATIVE)] for column in DROP)
        excess = independent([before[0], after[1]], [after[0], before[1]])
        text = f"positive {_signed(_drop(table, POSITIVE))}, negative {_signed(_drop(table, NEGATIVE))}"
        return Verdict(clear(excess.low), f"drop of the accuracy: {text}; difference {_signed(excess)}")

    return rule


def random_is_negative() -> Rule:
    """In every task random sequences are called negative by more than half."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for task, label in tasks(evidence).items():
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            positive, negative = (cell(table, name, RANDOM_SEQUENCE) for name in (POSITIVE, NEGATIVE))
            holds &= positive["high"] < 0.5 < negative["low"]
            parts.append(f"{label}: positive {_cell(positive)}, negative {_cell(negative)}")
        return Verdict(bool(holds), "accuracy on random sequences, " + "; ".join(parts))

    return rule


def random_sums_to_one() -> Rule:
    """In every task the accuracies of both classes on random sequences add up to 1 within their interval."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for task, label in tasks(evidence).items():
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            found = independent([cell(table, name, RANDOM_SEQUENCE) for name in (POSITIVE, NEGATIVE)], [])
            holds &= found.low <= 1 <= found.high
            parts.append(f"{label} {with_limits(*found)}")
        return Verdict(bool(holds), f"sum {', '.join(parts)}")

    return rule


def above_random_sequences() -> Rule:
    """In every class the accuracy after mutation by LRP* is above that on random sequences, by more than chance."""

    def rule(evidence: LrpEvidence) -> Verdict:
        found = {}
        for task, name in classes(evidence):
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            mutated = cell(table, name, LRP_STAR)
            found[mutated["class_name"]] = independent([mutated], [cell(table, name, RANDOM_SEQUENCE)])
        text = ", ".join(f"{name} {_signed(gap)}" for name, gap in found.items())
        return Verdict(all(clear(gap.low) for gap in found.values()), f"accuracy by LRP* less random sequences: {text}")

    return rule


def paired_row(evidence: LrpEvidence, task: str, name: str, score: str, against: str, n: int) -> pd.Series:
    """Difference of two scores on the same sequences. Raises `NotTested`."""
    table = evidence.paired
    if evidence.printed:
        raise NotTested("outcomes of the same sequences are not published")
    rows = table[(table["task"] == task) & (table["class"] == name) & (table["n"] == n)]
    rows = rows[(rows["score"] == score) & (rows["against"] == against)]
    if rows.empty:
        raise NotTested(f"no paired test of {score_label(score)} against {against} at n = {n}")
    return rows.iloc[0]


def _less_attention(evidence: LrpEvidence, table: pd.DataFrame, name: str) -> tuple[float, str]:
    """Accuracy by LRP* less accuracy by attention in one class, and both in words."""
    star, attention = cell(table, name, LRP_STAR), cell(table, name, ATTENTION)
    gap = star["accuracy"] - attention["accuracy"]
    which = f" ({score_label(star['score'])})" if pd.notna(star["score"]) else ""
    text = f"LRP*{which} {decimal(star['accuracy'])}, attention {decimal(attention['accuracy'])}, difference "
    if evidence.printed:
        text += f"{signed(gap)}, {abs(gap) * star['sequences']:.0f} of {star['sequences']} sequences in one draw"
    else:
        test = paired_row(evidence, star["task"], name, star["score"], "attention", evidence.n)
        text += with_limits(gap, test["low"], test["high"], show=signed)
        text += f" on the same sequences, p {p_text(test['p_value'])}"
    return gap, text


def lrp_below_attention(task: str, name: str) -> Rule:
    """In one class the accuracy after mutation by LRP* is below that by attention."""

    def rule(evidence: LrpEvidence) -> Verdict:
        gap, text = _less_attention(evidence, of_task(evidence.accuracy, task), name)
        return Verdict(bool(gap < -EQUAL), text)

    return rule


def lrp_surely_below_attention() -> Rule:
    """In every class the paired interval of the difference, LRP* less attention, lies below 0."""

    def rule(evidence: LrpEvidence) -> Verdict:
        found, parts = [], []
        for task, name in classes(evidence):
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            star, p = cell(table, name, LRP_STAR), ""
            if evidence.printed:
                found.append(independent([star], [cell(table, name, ATTENTION)]))
            else:
                test = paired_row(evidence, task, name, star["score"], "attention", evidence.n)
                found.append(Difference(test["difference"], test["low"], test["high"]))
                p = f" (p {p_text(test['p_value'])})"
            parts.append(f"{star['class_name']} {_signed(found[-1])}{p}")
        below, text = sum(clear(-gap.high) for gap in found), ", ".join(parts)
        if evidence.printed:
            raise NotTested(
                "outcomes of the same sequences are not published; taken as independent, the interval lies below 0 in "
                f"{below} of {len(found)} classes: {text}"
            )
        return Verdict(below == len(found), f"below 0 in {below} of {len(found)} classes: {text}")

    return rule


def lrp_closer_to_random() -> Rule:
    """In every class the accuracy by LRP* is closer to that on random sequences than the accuracy by attention is."""

    def rule(evidence: LrpEvidence) -> Verdict:
        closer, parts = [], []
        for task, name in classes(evidence):
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            goal = cell(table, name, RANDOM_SEQUENCE)["accuracy"]
            star, attention = (abs(cell(table, name, column)["accuracy"] - goal) for column in (LRP_STAR, ATTENTION))
            closer.append(star < attention - EQUAL)
            parts.append(f"{cell(table, name, LRP_STAR)['class_name']} {decimal(star)} against {decimal(attention)}")
        return Verdict(all(closer), f"closer in {sum(closer)} of {len(closer)} classes; distance {', '.join(parts)}")

    return rule
