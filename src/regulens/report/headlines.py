"""The few numbers that the page begins with: for each study, published and of this run, from its tables."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from regulens.core.runs import EvidenceKind
from regulens.core.settings import Settings
from regulens.core.tables import decimal, interval, read_table, with_sd

COMPARABLE: dict[EvidenceKind, str] = {"paper": "yes", "real": "in direction", "simulated": "no"}
"""Whether a number may be compared with the published one, by what the data are."""

MEANING: dict[EvidenceKind, str] = {
    "paper": "with its sizes, too; numbers may be compared with the published ones.",
    "real": "or smaller models; differences may be compared in their direction, numbers may not.",
    "simulated": "they tell whether a method finds what was planted; no number may be compared with a published one.",
}
"""The same in a sentence."""


class Headline(Settings):
    """Where a number is: rows of a table, of which one is shown, or each that has a published number."""

    label: str
    """What the number is, with fields for columns of its row, and {rows}: among how many the best was chosen."""
    table: str
    """CSV in the folder of the study."""
    where: dict[str, str] = {}
    """Only rows with these values, by column."""
    without: dict[str, list[str]] = {}
    """No rows with these values, by column."""
    best: str | None = None
    """The row with the highest value, and that with the highest published one, are shown: their name, with fields for
    columns. None: each row that has a published value, or the only one."""
    value: str
    """Column of the number."""
    n: str
    """Column of what it is a mean over, ..."""
    of: str
    """... and its name in the plural. Means over trials have a standard deviation, and no interval."""


class Shown(NamedTuple):
    """A line of the table, as text."""

    label: str
    here: str
    n: str
    published: str
    comparable: str


def headlines(wanted: list[Headline], folder: Path, evidence: EvidenceKind) -> list[Shown]:
    """The lines of one study, of the tables that are in its folder."""
    return [line for one in wanted if (folder / one.table).is_file() for line in _lines(one, folder, evidence)]


def _lines(wanted: Headline, folder: Path, evidence: EvidenceKind) -> list[Shown]:
    table = read_table(folder / wanted.table, [*wanted.where, *wanted.without, wanted.value, wanted.n])
    for column, value in wanted.where.items():
        table = table[table[column].fillna("").astype(str) == value]
    for column, values in wanted.without.items():
        table = table[~table[column].fillna("").astype(str).isin(values)]
    table = table[table[wanted.value].notna()]
    if "published" not in table:
        table = table.assign(published=float("nan"))
    if table.empty:
        return []
    if wanted.best is None:
        rows = table[table["published"].notna()] if len(table) > 1 else table
        return [_line(wanted, row, evidence) for _, row in rows.iterrows()]
    published = ""
    if table["published"].notna().any():
        row = table.loc[table["published"].idxmax()]
        published = f"{wanted.best.format(**row)}, {_printed(row['published'])}"
    best = table.loc[table[wanted.value].idxmax()]
    line = _line(wanted, best, evidence, len(table))
    return [line._replace(here=f"{wanted.best.format(**best)}, {line.here}", published=published or line.published)]


def _line(wanted: Headline, row: pd.Series, evidence: EvidenceKind, rows: int = 1) -> Shown:
    found = {name.removeprefix(f"{wanted.value}_"): row[name] for name in row.index}
    here = with_sd(row[wanted.value], float(found.get("sd", float("nan"))))
    if wanted.of != "trials" and pd.notna(found.get("low")) and pd.notna(found.get("high")):
        here = f"{decimal(row[wanted.value])} {interval(found['low'], found['high'])}"
    known = pd.notna(row["published"])
    return Shown(
        wanted.label.format(rows=rows, **row),
        here,
        f"{int(row[wanted.n]):,} {wanted.of}",
        _printed(row["published"]) if known else "none",
        COMPARABLE[evidence] if known else "",
    )


def _printed(value: float) -> str:
    """A published number with the digits that it was printed with."""
    return f"{value:.4f}".rstrip("0").ljust(5, "0")
