"""The numbers that the papers print: reader of ``config/published.csv``."""

from pathlib import Path
from typing import NamedTuple

from regulens.core.errors import InputError
from regulens.core.tables import read_table

COLUMNS = ["study", "item", "subject", "metric", "condition", "value", "sd"]


class Place(NamedTuple):
    """Where a number stands in its table."""

    subject: str
    """Row: a model, a task, a score."""
    metric: str
    condition: str
    """Column: a track group, a number of mutated bases, an activation; '' where there is none."""


class Number(NamedTuple):
    """A printed number."""

    value: float
    sd: float
    """Standard deviation; NaN where the paper prints none."""


def published_texts(path: Path | str, study: str, item: str, metric: str | None = None) -> dict[Place, str]:
    """What a paper prints in an item (``table1``, ``section5.3``, ...), as it is written there, in the file's order.

    ``metric``: of this one only. Raises `InputError` when the paper has no such row.
    """
    return {place: str(value) for place, value, _ in _rows(path, study, item, metric)}


def published_numbers(path: Path | str, study: str, item: str, metric: str | None = None) -> dict[Place, Number]:
    """The same as numbers. Raises `InputError` too when one of them is no number."""
    numbers = {}
    for place, value, sd in _rows(path, study, item, metric):
        try:
            numbers[place] = Number(float(value), float(sd))
        except ValueError:
            where = ", ".join(filter(None, place))
            raise InputError(f"{path}: {where}: {value!r} or its sd {sd!r} is not a number") from None
    return numbers


def _rows(path: Path | str, study: str, item: str, metric: str | None) -> list[tuple[Place, object, object]]:
    table = read_table(path, COLUMNS).fillna({"condition": ""})
    rows = table[(table["study"] == study) & (table["item"] == item)]
    if metric:
        rows = rows[rows["metric"] == metric]
    if rows.empty:
        raise InputError(
            f"{path}: no row with study {study} and item {item}" + (f" and metric {metric}" if metric else "")
        )
    places = map(Place, rows["subject"], rows["metric"], rows["condition"])
    return list(zip(places, rows["value"], rows["sd"], strict=True))
