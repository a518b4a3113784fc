"""Tables for readers: rows of text as Markdown and LaTeX, numbers with an honest number of digits."""

import math
from collections.abc import Sequence

from regulens.figures.table1_text import latex_escape

MINUS = "\N{MINUS SIGN}"
NOT_COMPUTED = "not computed"
"""Text of a cell whose number was not asked for."""


def decimal(value: float, digits: int = 3) -> str:
    """A number with a true minus sign, 0 without one; 'undefined' where there is none."""
    return f"{value:z.{digits}f}".replace("-", MINUS) if math.isfinite(value) else "undefined"


def with_sd(value: float, sd: float, digits: int = 3) -> str:
    """'0.812 ± 0.010', or '0.812' with one seed (``sd`` NaN)."""
    return decimal(value, digits) + (f" ± {sd:.{digits}f}" if math.isfinite(sd) else "")


def interval(low: float, high: float, digits: int = 3) -> str:
    """'[0.780, 0.848]'; 'undefined' where a limit is missing."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "undefined"
    return f"[{decimal(low, digits)}, {decimal(high, digits)}]"


def p_text(p: float) -> str:
    """A p-value with two digits that count: '0.34', '0.0042', '3.1e-05', '< 1e-10'."""
    if not math.isfinite(p):
        return "undefined"
    if p < 1e-10:
        return "< 1e-10"
    if p < 0.001:
        return f"{p:.1e}"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.{1 - math.floor(math.log10(p))}f}"


def markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), *, left: int = 1
) -> str:
    """GitHub-flavoured Markdown; the first ``left`` columns are aligned left, the rest right; notes as a list."""
    lines = [[cell.replace("|", r"\|") for cell in row] for row in [header, *rows]]
    widths = [max(3, *(len(row[column]) for row in lines)) for column in range(len(header))]
    padded = [
        "| "
        + " | ".join(c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        + " |"
        for row in lines
    ]
    rule = "| " + " | ".join("-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)) + " |"
    text = [padded[0], rule, *padded[1:]]
    if notes:
        text += ["", *(f"- {note}" for note in notes)]
    return "\n".join(text) + "\n"


def latex_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str] = (),
    *,
    caption: str,
    left: int = 1,
    rules_before: Sequence[int] = (),
) -> str:
    """A LaTeX ``table`` (package booktabs) with its notes below; ``rules_before`` are rows that follow a thin rule."""
    body = []
    for number, row in enumerate(rows):
        if number in rules_before:
            body.append(r"\midrule")
        body.append(" & ".join(_latex(cell) for cell in row) + r" \\")
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{_latex(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(header) - left)}}}",
        r"\toprule",
        " & ".join(_latex(cell) for cell in header) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip\footnotesize\raggedright",
        *(_latex(note) for note in notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    return latex_escape(text).replace(MINUS, "$-$").replace("×", r"$\times$").replace("<", "$<$")
