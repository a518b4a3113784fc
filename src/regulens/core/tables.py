"""Reads small delimited text tables, plain or gzip, with errors that name file and line."""

import csv
import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.errors import InputError
from regulens.core.io import atomic_output, note_read, read_text
from regulens.core.runs import Run


def read_text_table(path: Path | str, required: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table with a header line; all values are strings, the index is the line number in the file, from 1.

    Fields are separated by tabs if the header has one, else by commas (with optional quotes). Column names are
    lower-cased, empty lines skipped. Compression is detected by the first bytes, not by the name.

    Raises `InputError` for a file that is missing, truncated, not text or without rows, that lacks a column of
    ``required`` or has one twice, and for a row whose number of fields differs from the header.
    """
    lines = read_text(path).split("\n")
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise InputError(f"{path}: the file is empty: its first line must name the columns")
    if "\t" in first:
        rows = [(number, line.split("\t")) for number, line in enumerate(lines, start=1) if line.strip()]
    else:
        reader = csv.reader(lines)
        try:
            rows = [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
        except csv.Error as error:
            raise InputError(f"{path}, line {reader.line_num}: not a comma-separated row: {error}") from None
    header = [name.strip().lower() for name in rows[0][1]]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise InputError(f"{path}: the column {twice!r} occurs twice: remove one")
    for name in required:
        if name not in header:
            raise InputError(f"{path}: there is no column {name!r}; found: {', '.join(header)}")
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise InputError(f"{path}, line {number}: {len(row)} fields where the header has {len(header)}")
    if len(rows) == 1:
        raise InputError(f"{path}: the table has a header but no rows")
    columns = [[field.strip() for field in column] for column in zip(*(row for _, row in rows[1:]), strict=True)]
    return pd.DataFrame(dict(zip(header, columns, strict=True)), index=[number for number, _ in rows[1:]], dtype=object)


def whole_numbers(table: pd.DataFrame, name: str, path: Path | str) -> pd.Series:
    """A column of `read_text_table` as int64; `InputError` naming the line of a value that is not an integer."""
    wrong = ~table[name].str.fullmatch(r"[+-]?\d{1,18}")
    if wrong.any():
        line = wrong.idxmax()
        raise InputError(f"{path}, line {line}: {name} must be a whole number, found {table[name][line]!r}")
    return table[name].astype("int64")


def one_of(table: pd.DataFrame, name: str, allowed: Sequence[str], path: Path | str) -> pd.Series:
    """A column of `read_text_table`; `InputError` naming the line of a value that is not in ``allowed``."""
    wrong = ~table[name].isin(allowed)
    if wrong.any():
        line = wrong.idxmax()
        raise InputError(f"{path}, line {line}: {name} must be {' or '.join(allowed)}, found {table[name][line]!r}")
    return table[name]


def unique_ids(table: pd.DataFrame, path: Path | str) -> pd.Series:
    """The column ``id`` of `read_text_table`; `InputError` naming the line of an empty, repeated or unprintable one."""
    ids = table["id"]
    wrong = np.array([not name.isprintable() for name in ids]) | (ids == "")  # a quoted field may hold a tab
    if wrong.any():
        raise InputError(f"{path}, line {wrong.idxmax()}: {ids[wrong.idxmax()]!r} cannot be an id")
    if ids.duplicated().any():
        line = ids.duplicated().idxmax()
        first = (ids == ids[line]).idxmax()
        raise InputError(f"{path}, line {line}: the id {ids[line]!r} is on line {first} too: ids must differ")
    return ids


# Reading tables that commands wrote. Their manifests have checksums, so only columns and types are checked.

CORRELATION_COLUMNS = ["track", "identifier", "description", "group", "pearson", "constant"]
"""Columns of a table of correlations: ``pearson`` is empty if undefined; ``constant`` says which side ("target" or
"prediction") is constant."""

DISTANCE_COLUMNS = ["layer", "block", "bp_per_token", "head", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"]


def require_one_of(value: object, valid: Iterable, key: str) -> None:
    """Raise `InputError` naming the key and the nearest valid values if ``value`` is not among ``valid``."""
    valid = list(valid)
    if value in valid:
        return
    names = [str(name) for name in valid]
    near = difflib.get_close_matches(str(value), names, n=3, cutoff=0.5)
    shown = ", ".join(near or names[:12]) + (", ..." if not near and len(names) > 12 else "")
    intro = "nearest valid" if near else "valid"
    raise InputError(f"{key}: {value!r} does not exist; {intro}: {shown or 'none'} ({len(names)} in all)")


def damaged(path: Path | str, problem: str) -> InputError:
    """The error for a damaged file that a command wrote."""
    return InputError(f"{path}: {problem}: the file is damaged or of another version, make it again")


def read_table(
    path: Path | str, columns: Sequence[str], numeric: Sequence[str] = (), *, may_be_empty: bool = False, **options
) -> pd.DataFrame:
    """Read a table that a command wrote, by default a CSV. It is not checked line by line.

    Arguments:
        columns: required columns; others are kept.
        numeric: columns that hold numbers only (NaN where a cell is empty).
        may_be_empty: whether it may have no rows.
        options: of `pandas.read_csv`, e.g. ``sep``; ``keep_default_na=False`` gives '' for an empty cell, not NaN, and
            leaves names such as NA as they are.

    Raises InputError for a file that is missing, is not a table, or lacks a column, rows or numbers.
    """
    note_read(path)
    try:
        table = pd.read_csv(path, **options)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read the table: {error.strerror}") from None
    except ValueError as error:  # pandas' own errors are ValueErrors
        raise damaged(path, f"not a table ({str(error).strip()})") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise damaged(path, f"column {', '.join(missing)} is missing, found {', '.join(map(str, table.columns))}")
    if table.empty and not may_be_empty:
        raise damaged(path, "the table has no rows")
    for name in numeric:
        if len(table) and not pd.api.types.is_numeric_dtype(table[name]):
            wrong = pd.to_numeric(table[name], errors="coerce").isna().to_numpy() & table[name].notna().to_numpy()
            first = int(wrong.argmax())
            found = f" (row {first + 1}: {table[name].iloc[first]!r})" if wrong.any() else ""
            raise damaged(path, f"column {name} has values that are not numbers{found}")
    return table


def numbers(column: pd.Series, path: Path | str) -> pd.Series:
    """A column as numbers, NaN for empty cells; raises `InputError` with the first cell that is text."""
    values = pd.to_numeric(column, errors="coerce")
    wrong = column[values.isna() & column.notna()]
    if len(wrong):
        raise InputError(f"{path}: column {column.name}, row {wrong.index[0] + 1}: {wrong.iloc[0]!r} is not a number")
    return values


def means_over_seeds(table: pd.DataFrame, keys: Sequence[str], *values: str) -> pd.DataFrame:
    """Means of all numbers over the rows with equal ``keys``, one row a seed, in the order of the table.

    Adds ``seeds``, their number, and the standard deviation of each of ``values``: ``sd``, of several ``<value>_sd``.
    """
    grouped = table.groupby(list(keys), sort=False)
    means = grouped.mean(numeric_only=True).reset_index()
    for name in values:
        means["sd" if len(values) == 1 else f"{name}_sd"] = grouped[name].std().to_numpy()
    return means.assign(seeds=grouped.size().to_numpy())


def read_runs(runs: Sequence[Run], columns: Sequence[str]) -> pd.DataFrame:
    """The concatenated tables of several runs, with columns model, label and seed in front."""
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

    Columns model, label, seed, track, identifier, description, group, pearson (NaN = undefined) and constant ('' |
    'target' | 'prediction': what is constant). Raises `InputError` if the runs do not cover the same tracks.
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
    """Model names to labels of a tidy table, in its order."""
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


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
    }
)


def latex_escape(text: str) -> str:
    """Text escaped for LaTeX; ± becomes a formula."""
    return text.translate(_LATEX)


# Tables of text as Markdown and LaTeX, and number formatting.

MINUS = "\N{MINUS SIGN}"

NOT_COMPUTED = "not computed"
"""Text of a cell that was not computed."""


def decimal(value: float, digits: int = 3) -> str:
    """A number with a real minus sign, none for 0; 'undefined' for NaN."""
    return f"{value:z.{digits}f}".replace("-", MINUS) if math.isfinite(value) else "undefined"


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign: '+0.448'; without one if it is undefined or 0 at this precision."""
    text = decimal(value, digits)
    return text if text.startswith(MINUS) or not round(value, digits) > 0 else f"+{text}"


def with_sd(value: float, sd: float, digits: int = 3) -> str:
    """'0.812 ± 0.010', or '0.812' with one seed (``sd`` NaN)."""
    return decimal(value, digits) + (f" ± {sd:.{digits}f}" if math.isfinite(sd) else "")


def interval(low: float, high: float, digits: int = 3) -> str:
    """'[0.780, 0.848]'; 'undefined' if a limit is missing."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "undefined"
    return f"[{decimal(low, digits)}, {decimal(high, digits)}]"


def marked(text: str, low: float, high: float, chance: float = 0.0) -> str:
    """A cell in bold if its interval lies above ``chance``, in italics if below; as it is if a limit is missing."""
    mark = "**" if low > chance else "*" if high < chance else ""
    return f"{mark}{text}{mark}"


def spread(values: pd.Series) -> str:
    """A count for a sentence: '500', or '480 to 500' if it differs between rows; empty cells are ignored."""
    values = values.dropna()
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def p_text(p: float) -> str:
    """A p-value with two significant digits: '0.34', '0.0042', '3.1e-05', '< 1e-10'."""
    if not math.isfinite(p):
        return "undefined"
    if p < 1e-10:
        return "< 1e-10"
    if p < 0.001:
        return f"{p:.1e}"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.{1 - math.floor(math.log10(p))}f}"


@dataclass(frozen=True)
class TextTable:
    """A table of text, with the same cells and notes as Markdown and as LaTeX; a cell may hold ``**bold**`` text."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    """Sentences below the table."""
    left: int = 1
    """The first columns, which are aligned left."""
    others: str = "r"
    """How LaTeX aligns the other columns: r (right) or c (centred)."""
    caption: str = ""
    """LaTeX only."""
    units: Sequence[str] = ()
    """Second header line, as LaTeX source; LaTeX only."""
    blocks: Sequence[int] = ()
    """Rows before which LaTeX draws a thin rule."""

    def markdown(self, *, padded: bool = True) -> str:
        """GitHub-flavoured Markdown; without ``padded``, a longer cell changes only its own line of a file."""
        lines = [[cell.replace("|", r"\|") for cell in row] for row in [self.header, *self.rows]]
        widths = [max(3, *map(len, column)) if padded else 3 for column in zip(*lines, strict=True)]
        rule = [width * "-" if i < self.left else (width - 1) * "-" + ":" for i, width in enumerate(widths)]
        if padded:
            to_left = [i < self.left or self.others == "c" for i in range(len(widths))]
            lines = [
                [c.ljust(w) if flush else c.rjust(w) for c, w, flush in zip(row, widths, to_left, strict=True)]
                for row in lines
            ]
        text = [f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]]]
        if self.notes:
            text += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(text) + "\n"

    def latex(self, size: str = r"\footnotesize") -> str:
        """A LaTeX ``table`` (package booktabs) with its notes below; ``size``: LaTeX source that sets the font size."""
        body = []
        for number, row in enumerate(self.rows):
            if number in self.blocks:
                body.append(r"\midrule")
            body.append(_latex_line(map(_latex, row)))
        lines = [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            rf"\centering{size}",
            rf"\caption{{{_latex(self.caption)}}}",
            rf"\begin{{tabular}}{{{'l' * self.left}{self.others * (len(self.header) - self.left)}}}",
            r"\toprule",
            _latex_line(map(_latex, self.header)),
            *([_latex_line(self.units)] if self.units else []),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\par\smallskip\footnotesize\raggedright",
            *map(_latex, self.notes),
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"


def _latex_line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex(text: str) -> str:
    text = latex_escape(text).replace(MINUS, "$-$").replace("×", r"$\times$").replace("<", "$<$")
    return re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)


def markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), *, left: int = 1
) -> str:
    """A `TextTable` that is written as Markdown only."""
    return TextTable(header, rows, notes, left).markdown()


def write_csv(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table as CSV atomically, numbers with six significant digits."""
    with atomic_output(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
