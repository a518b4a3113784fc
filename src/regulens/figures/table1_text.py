"""Table 1 for readers: Markdown and LaTeX, with the same cells and the same notes."""

from typing import NamedTuple

import pandas as pd

from regulens.reference_rows import REFERENCE_ROWS

DIGITS = 3
PUBLISHED_DIGITS = 4


class Cell(NamedTuple):
    """One cell: the measured number as text, whether it is the column's best, and the paper's number ('' = none)."""

    measured: str
    best: bool
    published: str


def cells(table: pd.DataFrame) -> dict[tuple[str, str], Cell]:
    """Text of every cell by (model, group).

    The best model of a column is marked, ties at the printed precision included; reference rows never are.
    """
    best = {}
    models = table[~table["model"].isin(REFERENCE_ROWS)]
    for group, part in models.groupby("group"):
        if part["pearson"].notna().any():
            best[group] = f"{part['pearson'].max():.{DIGITS}f}"
    result = {}
    for row in table.itertuples():
        if pd.isna(row.pearson):
            measured, is_best = "undefined", False
        else:
            measured = f"{row.pearson:.{DIGITS}f}"
            is_best = row.model not in REFERENCE_ROWS and measured == best[row.group]
            if pd.notna(row.sd):
                measured += f" ± {row.sd:.{DIGITS}f}"
        published = "" if pd.isna(row.published) else f"{row.published:.{PUBLISHED_DIGITS}f}"
        result[row.model, row.group] = Cell(measured, is_best, published)
    return result


def notes(table: pd.DataFrame, data_note: str | None) -> list[str]:
    """Sentences under the table, each true of this table."""
    seeds = table["n_seeds"].max()
    lines = ["Mean Pearson correlation over the tracks of a group; the correlation of a track is over all test bins."]
    if seeds > 1:
        lines.append(f"± is the standard deviation over {seeds} seeds.")
    lines.append("Bold: best model of the column, reference rows aside.")
    if table["published"].notna().any():
        lines.append("In brackets: the paper's number, measured on the paper's data and tracks.")
    if data_note:
        lines.append(data_note)
    undefined = table[table["pearson"].isna()]
    for label in dict.fromkeys(undefined["label"]):
        groups = list(undefined.loc[undefined["label"] == label, "group"])
        where = "" if len(groups) == table["group"].nunique() else f" on {', '.join(groups)}"
        lines.append(f"{label}{where}: undefined, because a prediction that does not vary has no correlation.")
    lines += _constant_tracks(table) + _beaten_by_reference(table)
    return lines


def _constant_tracks(table: pd.DataFrame) -> list[str]:
    defined = table[table["pearson"].notna() & (table["group"] != "Overall")]
    left_out = defined[defined["n_constant"] > 0]
    if left_out.empty:
        return ["No track was constant, none is left out."]
    lines = []
    for group, part in left_out.groupby("group", sort=False):
        rows = defined[defined["group"] == group]
        counts = ", ".join(f"{row.label} {row.n_constant}" for row in part.itertuples())
        if len(part) == len(rows) and part["n_constant"].nunique() == 1:
            counts = f"{part['n_constant'].iloc[0]} in every row"
        lines.append(f"Constant tracks left out of {group} (of {part['n_tracks'].iloc[0]}): {counts}.")
    return lines


def _beaten_by_reference(table: pd.DataFrame) -> list[str]:
    is_reference = table["model"].isin(REFERENCE_ROWS)
    best = table[~is_reference].groupby("group")["pearson"].max()
    lines = []
    for label, part in table[is_reference & table["pearson"].notna()].groupby("label", sort=False):
        groups = [row.group for row in part.itertuples() if row.pearson > best.get(row.group, float("inf"))]
        if groups:
            lines.append(f"{label} is above every model on {', '.join(groups)}.")
    return lines


def _headers(table: pd.DataFrame) -> dict[str, int]:
    return dict(table.drop_duplicates("group")[["group", "n_tracks"]].itertuples(index=False, name=None))


def to_markdown(table: pd.DataFrame, data_note: str | None = None) -> str:
    """The table as GitHub-flavoured Markdown, with its notes as a list."""
    text, headers = cells(table), _headers(table)
    rows = [["Model", *(f"{group} ({count} track{'s' * (count != 1)})" for group, count in headers.items())]]
    for model, label in table.drop_duplicates("model")[["model", "label"]].itertuples(index=False, name=None):
        row = [label.replace("|", r"\|")]
        for group in headers:
            cell = text[model, group]
            measured = f"**{cell.measured}**" if cell.best else cell.measured
            row.append(f"{measured} ({cell.published})" if cell.published else measured)
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "| " + " | ".join(("-" * w) if c == 0 else ("-" * (w - 1) + ":") for c, w in enumerate(widths)) + " |"
    return "\n".join([lines[0], rule, *lines[1:], "", *(f"- {note}" for note in notes(table, data_note))]) + "\n"


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
    """Text that LaTeX prints as it stands; ± becomes a formula."""
    return text.translate(_LATEX)


def to_latex(table: pd.DataFrame, data_note: str | None = None) -> str:
    """The table as a LaTeX ``table`` (package booktabs), with its notes below the rules."""
    text, headers = cells(table), _headers(table)
    first = " & ".join(["Model", *(latex_escape(group) for group in headers)])
    second = " & ".join(["", *(f"$n = {count}$" for count in headers.values())])
    body = []
    for model, label in table.drop_duplicates("model")[["model", "label"]].itertuples(index=False, name=None):
        if model in REFERENCE_ROWS and r"\midrule" not in body:
            body.append(r"\midrule")
        row = [latex_escape(label)]
        for group in headers:
            cell = text[model, group]
            measured = latex_escape(cell.measured)
            measured = rf"\textbf{{{measured}}}" if cell.best else measured
            row.append(f"{measured} ({cell.published})" if cell.published else measured)
        body.append(" & ".join(row) + r" \\")
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        r"\caption{Pearson correlation of assay models on the test set.}",
        rf"\begin{{tabular}}{{l{'c' * len(headers)}}}",
        r"\toprule",
        first + r" \\",
        second + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip\footnotesize\raggedright",
        *(latex_escape(note) for note in notes(table, data_note)),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
