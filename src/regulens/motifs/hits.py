"""The table of hits that a motif comparison writes: its columns and its reader."""

from pathlib import Path

import pandas as pd

from regulens.errors import InputError
from regulens.files import note_read

TEXT_COLUMNS = ["query", "target", "orientation", "query_consensus", "target_consensus"]
HIT_COLUMNS = [
    "query",
    "target",
    "p_value",
    "e_value",
    "q_value",
    "overlap",
    "offset",
    "orientation",
    "query_consensus",
    "target_consensus",
]
"""``offset``: position i of the query lies on position i + offset of the target, the target read on the strand of
``orientation`` (+ or -); ``overlap``: positions that both have; ``target_consensus`` is on that strand."""


def read_hits(path: Path | str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read a table of `tomtom.compare`: hits with `HIT_COLUMNS`, and the facts of its header (engine, version, ...).

    No hit gives an empty table. Raises `InputError` for a file that is missing or no such table.
    """
    facts: dict[str, str] = {}
    note_read(path)
    try:
        with open(path, encoding="utf-8") as file:
            lines = 0
            for line in file:
                if not line.startswith("# "):
                    break
                key, _, value = line[2:].rstrip("\n").partition(": ")
                facts[key], lines = value, lines + 1
        table = pd.read_csv(
            path, sep="\t", skiprows=lines, keep_default_na=False, dtype=dict.fromkeys(TEXT_COLUMNS, str)
        )
    except OSError as error:
        raise InputError(f"{path}: cannot read the hits: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path}: not a table of hits: {error}") from None
    missing = [name for name in HIT_COLUMNS if name not in table.columns]
    if missing or "engine" not in facts:
        what = f"column {', '.join(missing)}" if missing else "the line '# engine: ...'"
        raise InputError(f"{path}: {what} is missing: compare the motifs again")
    try:
        return table.astype({name: float for name in ("p_value", "e_value", "q_value")}), facts
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
