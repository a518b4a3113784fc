"""Claims of a paper and how they are judged: what the claims tables of the three studies share.

A study brings its list of claims and its evidence. The evidence exists twice, of a run and of the numbers that the
authors published, and the same rule judges both.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from regulens.core.io import atomic_output
from regulens.core.tables import MINUS, decimal, markdown_table

# A claims table for readers: verdicts first, then criteria with numbers; and numbers in words.

HOLDS, FAILS = "holds", "does not hold"

NOT_TESTED, NOT_PUBLISHED = "not tested in this run", "not in the paper's table"

CRITERIA = (
    "Claims are sentences of the paper in our words. It states directions; the thresholds of the criteria are ours, "
    "and the same criterion is applied to the numbers that the authors published, so that a claim may fail there, too."
)
"""Note that is true of every claims table."""


def clear(limit: float) -> bool:
    """Whether the limit of an interval is above 0 as it is printed, with three digits; not where it is undefined."""
    return bool(round(limit, 3) > 0)


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign: '+0.448'; none where it is 0 at this precision, or undefined."""
    text = decimal(value, digits)
    return text if text.startswith(MINUS) or not round(value, digits) > 0 else f"+{text}"


def value_range(values: pd.Series, show: Callable = decimal) -> str:
    """'0.281 (C4C6) to 0.594 (C4)', or the one value there is."""
    low, high = values.idxmin(), values.idxmax()
    if len(values) == 1:
        return f"{show(values.iloc[0])} ({low})"
    return f"{show(values.min())} ({low}) to {show(values.max())} ({high})"


def to_markdown(claims: pd.DataFrame, notes: Sequence[str], further: str = "") -> str:
    """The page of claims.

    Arguments:
        claims: table of `claims.judge_all`.
        notes: sentences under the verdicts, each true of this run.
        further: Markdown at the end.
    """
    header = ["", "Claim", "Where", "This run", "Paper's table"]
    lines = [
        [str(number), row.sentence, row.where, row.verdict, row.published_verdict]
        for number, row in enumerate(claims.itertuples(), 1)
    ]
    parts = ["# Claims of the paper, and what the numbers say\n", f"{_count(claims)}\n"]
    parts += [markdown_table(header, lines, notes, left=5), "## Criteria and numbers\n"]
    for number, row in enumerate(claims.itertuples(), 1):
        parts.append(
            f"{number}. {row.sentence} ({row.where})\n"
            f"   - Criterion: {row.criterion}\n"
            f"   - {_sentence('In this run', row.verdict)}: {row.numbers}.\n"
            f"   - {_sentence('By the published numbers', row.published_verdict)}: {row.published_numbers}.\n"
        )
    return "\n".join([*parts, further] if further else parts)


def _count(claims: pd.DataFrame) -> str:
    """'30 claims: in this run 10 hold, 11 do not hold, 9 not tested.'"""
    holds, fails, untested = ((claims["verdict"] == verdict).sum() for verdict in (HOLDS, FAILS, NOT_TESTED))
    return f"{len(claims)} claims: in this run {holds} hold, {fails} do not hold, {untested} not tested."


def _sentence(where: str, verdict: str) -> str:
    """'In this run it holds', or the verdict alone where nothing was tested."""
    return verdict.capitalize() if verdict.startswith("not") else f"{where} it {verdict}"


CONTROL = "not in the paper: control"
"""Where a claim stands that is ours."""

COLUMNS = ["claim", "where", "sentence", "criterion", "verdict", "numbers", "published_verdict", "published_numbers"]


class NotTested(Exception):
    """A claim cannot be judged; says what is missing."""


class Verdict(NamedTuple):
    """What a rule finds."""

    holds: bool
    numbers: str


Rule = Callable[[Any], Verdict]
"""Evidence of a study to a verdict; raises `NotTested`."""


class Claim(NamedTuple):
    """One claim and how it is judged."""

    name: str
    where: str
    """Where the paper says so."""
    sentence: str
    criterion: str
    rule: Rule


def out_of_reach(reason: str) -> Rule:
    """No number of the tables measures the claim."""

    def rule(evidence: Any) -> Verdict:
        raise NotTested(reason)

    return rule


def judge(claim: Claim, evidence: Any, untested: str = NOT_TESTED) -> tuple[str, str]:
    """Verdict (`HOLDS`, `FAILS` or ``untested``) and the numbers behind it, or what is missing."""
    try:
        holds, numbers = claim.rule(evidence)
    except NotTested as reason:
        return untested, str(reason)
    return (HOLDS if holds else FAILS), numbers


def judge_all(claims: Sequence[Claim], run: Any, paper: Any) -> pd.DataFrame:
    """Every claim judged on the evidence of a run and on that of the published numbers, columns ``COLUMNS``."""
    rows = []
    for claim in claims:
        front = (claim.name, claim.where, claim.sentence, claim.criterion)
        rows.append((*front, *judge(claim, run), *judge(claim, paper, NOT_PUBLISHED)))
    return pd.DataFrame(rows, columns=COLUMNS)


def write_claims(
    table: pd.DataFrame, csv: Path | str, markdown: Path | str, notes: Sequence[str], further: str = ""
) -> None:
    """Write a table of `judge_all` as CSV and as a page for readers.

    ``notes`` stand under the verdicts; ``further`` is Markdown for the end of the page.
    """
    with atomic_output(csv) as target:
        table.to_csv(target, index=False, float_format="%.6g")
    with atomic_output(markdown) as target:
        target.write_text(to_markdown(table, notes, further), encoding="utf-8")
