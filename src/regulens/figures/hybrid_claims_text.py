"""What the claims page of the hybrid networks says beside verdicts and criteria: notes, and every difference."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from regulens.figures.claims_text import CRITERIA, signed
from regulens.figures.hybrid_tables_text import ACTIVATIONS, SHOWN, TASK_TITLES
from regulens.figures.task_runs import spread
from regulens.figures.text_tables import interval, markdown_table


def differences_text(gaps: pd.DataFrame) -> str:
    """Exponential less ReLU in every task, of a table of `hybrid_claims.all_differences`, as Markdown."""
    parts = []
    for task in dict.fromkeys(gaps["task"]):
        parts.append(f"## {TASK_TITLES[task]}: exponential less ReLU\n")
        parts.append(_differences(gaps[gaps["task"] == task], SHOWN[task]))
    return "\n".join(parts)


def claims_notes(trials: Mapping[str, pd.DataFrame], data_note: str | None) -> list[str]:
    """Sentences under the verdicts, each true of this run."""
    lines = [
        CRITERIA,
        "A claim on every network of a baseline is judged on those that were run.",
    ]
    for task, table in trials.items():
        counts = table.groupby(["architecture", "activation"])["kept"].agg(["sum", "size"])
        activations = " and ".join(ACTIVATIONS.get(name, name) for name in table["activation"].unique())
        networks = table.drop_duplicates("architecture")["baseline"].value_counts()
        run = ", ".join(f"{networks.get(name, 0)} of {name.upper()}" for name in ("c24", "c4c6", "c4"))
        lines.append(
            f"{TASK_TITLES[task]}: networks {run} (the paper: 6, 6 and 5), activations {activations}, "
            f"{spread(counts['sum'])} of {spread(counts['size'])} trials of each kept."
        )
    lines.append(
        "95 % intervals: Welch's t interval over the kept trials, no correction for the number of comparisons. Where "
        "the best of several trials are kept, they vary less than trials do, and the intervals are too narrow for "
        "them. Those of the paper's table rest on its rounded means and standard deviations of 3 (task 1) or 5 (task "
        "2) trials."
    )
    return [*lines, data_note] if data_note else lines


def _differences(gaps: pd.DataFrame, metrics: Mapping[str, str]) -> str:
    """One line a network: the difference in every metric with its interval, beside the published one."""
    shown = {name: label for name, label in metrics.items() if name in set(gaps["metric"])}
    header = ["Network"]
    for label in shown.values():
        header += [label, "published"]
    cells = gaps.set_index(["label", "metric"])
    lines = []
    for network in dict.fromkeys(gaps["label"]):
        line = [network]
        for metric in shown:
            line += _cell(cells.loc[network, metric]) if (network, metric) in cells.index else ["", ""]
        lines.append(line)
    return markdown_table(header, lines)


def _cell(row: pd.Series) -> list[str]:
    limits = f" {interval(row['low'], row['high'])}" if np.isfinite(row["low"]) else ""
    known = row["published_difference"]
    return [signed(row["difference"]) + limits, "" if pd.isna(known) else signed(known)]
