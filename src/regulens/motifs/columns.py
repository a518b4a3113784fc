"""Tables of motifs and of their annotation, read with errors that name the file."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from regulens.errors import InputError
from regulens.files import note_read


def read_columns(path: Path | str, columns: Sequence[str], sep: str = ",") -> pd.DataFrame:
    """Read a text table that must have these columns (others are kept); an empty cell is '', also the name NA is text.

    Raises `InputError` when the file cannot be read, is no table, or lacks a column.
    """
    note_read(path)
    try:
        table = pd.read_csv(path, sep=sep, keep_default_na=False)
    except OSError as error:
        raise InputError(f"{path}: cannot read the table: {error.strerror}") from None
    except ValueError as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path}: not a table: {error}") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"{path}: column {', '.join(missing)} is missing; found {', '.join(map(str, table.columns))}")
    return table
