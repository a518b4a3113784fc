"""A claims table for readers: verdicts first, then criteria with numbers; and numbers in words."""

from collections.abc import Callable, Sequence

import pandas as pd

from regulens.figures.text_tables import MINUS, decimal, markdown_table

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
