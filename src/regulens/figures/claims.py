"""Claims of a paper and how they are judged: what the claims tables of the three studies share.

A study brings its list of claims and its evidence. The evidence exists twice, of a run and of the numbers that the
authors published, and the same rule judges both.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from regulens.figures.claims_text import FAILS, HOLDS, NOT_PUBLISHED, NOT_TESTED, to_markdown
from regulens.files import atomic_output

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
