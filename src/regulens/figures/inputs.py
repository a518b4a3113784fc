"""Reading what the figures are drawn from, with errors that name the file and what it should hold."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.errors import InputError
from regulens.files import note_read
from regulens.runs import Run

CORRELATION_COLUMNS = ["track", "identifier", "description", "group", "pearson", "constant"]
TRAINING_COLUMNS = ["epoch", "train_loss", "valid_loss"]
ARCHITECTURE_COLUMNS = ["model", "label", "order", "name", "kind", "tokens", "width", "bp_per_token", "note"]
DISTANCE_COLUMNS = ["layer", "block", "bp_per_token", "head", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"]


def one_of(value: object, valid: Iterable, key: str) -> None:
    """Raise InputError when ``value`` is not among ``valid``; it names the key and the nearest valid values."""
    valid = list(valid)
    if value in valid:
        return
    names = [str(name) for name in valid]
    near = difflib.get_close_matches(str(value), names, n=3, cutoff=0.5)
    shown = ", ".join(near or names[:12]) + (", ..." if not near and len(names) > 12 else "")
    intro = "nearest valid" if near else "valid"
    raise InputError(f"{key}: {value!r} is not there; {intro}: {shown or 'none'} ({len(names)} in all)")


def read_table(path: Path | str, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV that must have these columns (others are kept). Text columns hold '' where a cell is empty."""
    note_read(path)
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: not a table: {error}") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"{path}: column {', '.join(missing)} is missing; found {', '.join(map(str, table.columns))}")
    if table.empty:
        raise InputError(f"{path}: the table has no rows")
    return table


def numbers(column: pd.Series, path: Path | str) -> pd.Series:
    """A column as numbers, NaN where a cell is empty; raises InputError with the first cell that is text."""
    values = pd.to_numeric(column, errors="coerce")
    wrong = column[values.isna() & column.notna()]
    if len(wrong):
        raise InputError(f"{path}: column {column.name}, row {wrong.index[0] + 1}: {wrong.iloc[0]!r} is not a number")
    return values


def read_runs(runs: Sequence[Run], columns: Sequence[str]) -> pd.DataFrame:
    """The tables of several runs below each other, with columns model, label and seed in front."""
    if not runs:
        raise InputError("no table given: at least one model is needed")
    frames = []
    for run in runs:
        table = read_table(run.path, columns)
        table = table.drop(columns=["model", "label", "seed"], errors="ignore")
        frames.append(
            pd.concat(
                [pd.DataFrame({"model": run.model, "label": run.label, "seed": run.seed}, table.index), table], axis=1
            )
        )
    return pd.concat(frames, ignore_index=True)


def read_correlations(runs: Sequence[Run]) -> pd.DataFrame:
    """Per-track correlations of all models and seeds as one tidy table.

    Columns model, label, seed, track, identifier, description, group, pearson (NaN = undefined) and constant
    ('' | 'target' | 'prediction': what did not vary). Raises InputError when the runs do not cover the same tracks.
    """
    table = read_runs(runs, CORRELATION_COLUMNS)
    table["constant"] = table["constant"].fillna("").astype(str)
    table["pearson"] = table["pearson"].astype(np.float64)
    first = None
    for run in runs:
        rows = table[(table["model"] == run.model) & (table["seed"] == run.seed)]
        if rows["track"].duplicated().any():
            raise InputError(f"{run.path}: model {run.model}, seed {run.seed} has a track twice (or is given twice)")
        tracks = dict(zip(rows["track"], rows["group"], strict=True))
        first = tracks if first is None else first
        if tracks != first:
            raise InputError(f"{run.path}: its tracks and groups are not those of {runs[0].path}; evaluate both again")
    return table


def models_of(table: pd.DataFrame) -> dict[str, str]:
    """Model names and labels of a tidy table, in its order."""
    return dict(table.drop_duplicates("model")[["model", "label"]].itertuples(index=False, name=None))


def groups_of(table: pd.DataFrame, order: Sequence[str] | None = None) -> list[str]:
    """Track groups that occur in a table of correlations, in the configured order (None: as they occur)."""
    present = list(dict.fromkeys(table["group"]))
    if order is None:
        return present
    unknown = [group for group in present if group not in order]
    if unknown:
        raise InputError(f"groups: the data have tracks of group {', '.join(unknown)}; configured: {', '.join(order)}")
    return [group for group in order if group in present]
