"""The numbers that the papers print: reader of ``config/published.csv``."""

from pathlib import Path
from typing import NamedTuple

from regulens.core.errors import InputError
from regulens.core.tables import read_table

COLUMNS = ["study", "item", "subject", "metric", "condition", "value", "sd"]


class Place(NamedTuple):
    """Position of a number in its table."""

    subject: str
    """Row: a model, a task, a score."""
    metric: str
    condition: str
    """Column: a track group, a number of mutated bases, an activation; '' if there is none."""


class Number(NamedTuple):
    """A printed number."""

    value: float
    sd: float
    """Standard deviation; NaN where the paper prints none."""


def published_texts(path: Path | str, study: str, item: str, metric: str | None = None) -> dict[Place, str]:
    """Published values of an item (``table1``, ``section53``, ...) as printed, in the order of the file.

    ``metric``: only this one. Raises `InputError` if there is no such row.
    """
    return {place: str(value) for place, value, _ in _rows(path, study, item, metric)}


def published_numbers(path: Path | str, study: str, item: str, metric: str | None = None) -> dict[Place, Number]:
    """Like `published_texts`, as numbers; raises `InputError` also if a value is not a number."""
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
