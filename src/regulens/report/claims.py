"""The claims tables of the studies, and how many of their claims hold."""

from collections import Counter
from pathlib import Path

import pandas as pd

from regulens.core.errors import InputError
from regulens.studies.claims import COLUMNS, FAILS, HOLDS, NOT_TESTED


def read_claims(path: Path) -> list[dict[str, str]]:
    """Rows of a claims table, all as text.

    Raises `InputError` that names the file when it is absent, lacks a column or has an unknown verdict.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: make the claims table of the study and write the page again") from None
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: not a readable CSV ({error}): make it again") from None
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise InputError(f"{path}: no column {missing[0]}; a claims table has {', '.join(COLUMNS)}")
    unknown = table.loc[~table["verdict"].isin([HOLDS, FAILS, NOT_TESTED])]
    if len(unknown):
        row = unknown.iloc[0]
        raise InputError(
            f"{path}: claim {row['claim']}: unknown verdict '{row['verdict']}'; valid: {HOLDS}, {FAILS}, {NOT_TESTED}"
        )
    return table[COLUMNS].to_dict("records")


def counted(claims: list[dict[str, str]]) -> dict[str, int]:
    """Number of claims by verdict: holds, does not hold, not tested in this run."""
    numbers = Counter(claim["verdict"] for claim in claims)
    return {verdict: numbers[verdict] for verdict in (HOLDS, FAILS, NOT_TESTED)}
