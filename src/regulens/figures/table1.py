"""Table 1: mean Pearson correlation of every model on every track group (000 Table 1), as numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.errors import InputError
from regulens.figures.inputs import groups_of, models_of, read_correlations, read_table
from regulens.figures.table1_text import to_latex, to_markdown
from regulens.files import atomic_output
from regulens.reference_rows import REFERENCE_ROWS
from regulens.runs import Run

OVERALL = "Overall"
COLUMNS = ["model", "label", "group", "pearson", "sd", "n_seeds", "n_tracks", "n_constant", "published"]


def group_means(correlations: pd.DataFrame, groups: Sequence[str] | None = None) -> pd.DataFrame:
    """Mean Pearson correlation of every model on every track group and over all tracks.

    The mean over tracks is taken for each seed; ``pearson`` and ``sd`` are the mean and the sample standard deviation
    of those (NaN with one seed). A track without a correlation, because its target or its prediction does not vary, is
    left out of the mean and counted in ``n_constant`` (with several seeds: the largest count). Source: SPEC 2.4.

    Arguments:
        correlations: tidy table of ``read_correlations``.
        groups: order of the track groups; None: as they occur.

    Returns columns model, label, group ('Overall' last), pearson, sd, n_seeds, n_tracks, n_constant; models in the
    order of the table, reference rows after them.
    """
    groups = groups_of(correlations, groups)
    labels = models_of(correlations)
    rows = []
    for model in ordered_models(labels):
        of_model = correlations[correlations["model"] == model]
        for group in [*groups, OVERALL]:
            part = of_model if group == OVERALL else of_model[of_model["group"] == group]
            seeds = part.groupby("seed")["pearson"]
            means = seeds.mean().dropna()
            rows.append(
                {
                    "model": model,
                    "label": labels[model],
                    "group": group,
                    "pearson": means.mean() if len(means) else np.nan,
                    "sd": means.std(ddof=1) if len(means) > 1 else np.nan,
                    "n_seeds": part["seed"].nunique(),
                    "n_tracks": part["track"].nunique(),
                    "n_constant": int(seeds.apply(lambda r: r.isna().sum()).max()),
                }
            )
    return pd.DataFrame(rows)


def ordered_models(names: Sequence[str]) -> list[str]:
    """Model names with the reference rows moved to the end."""
    return [name for name in names if name not in REFERENCE_ROWS] + [name for name in REFERENCE_ROWS if name in names]


def read_published(path: Path | str) -> dict[tuple[str, str], float]:
    """Numbers of the paper's Table 1: (model, group) to mean Pearson correlation."""
    table = read_table(path, ["study", "item", "subject", "metric", "condition", "value"])
    table = table[
        (table["study"] == "genomic_interpreter") & (table["item"] == "table1") & (table["metric"] == "pearson")
    ]
    if table.empty:
        raise InputError(f"{path}: no row with study genomic_interpreter, item table1 and metric pearson")
    values = {}
    for row in table.itertuples():
        try:
            values[row.subject, row.condition] = float(row.value)
        except ValueError:
            raise InputError(f"{path}: {row.subject}, {row.condition}: {row.value!r} is not a number") from None
    return values


def table1(
    runs: Sequence[Run],
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    latex: Path | str,
    *,
    groups: Sequence[str] | None = None,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Write Table 1 as tidy CSV, Markdown and LaTeX (booktabs).

    Arguments:
        runs: per-track correlation tables, models in the order of the rows; the reference rows ``mean`` and
            ``gc_cpg_ridge`` come last wherever they stand.
        published: ``config/published.csv``.
        csv, markdown, latex: output paths.
        groups: order of the track groups (the keys of the configuration's map); only those that occur are shown.
        data_note: one sentence on the data, printed under the table; say here when they are not the paper's.

    Returns the tidy table. Raises InputError on a missing file or column, or runs over different tracks.
    """
    correlations = read_correlations(runs)
    table = group_means(correlations, groups)
    known = read_published(published)
    table["published"] = [known.get(key, np.nan) for key in zip(table["model"], table["group"], strict=True)]
    table = table[COLUMNS]
    with atomic_output(csv) as target:
        table.to_csv(target, index=False, float_format="%.6g")
    for path, text in ((markdown, to_markdown(table, data_note)), (latex, to_latex(table, data_note))):
        with atomic_output(path) as target:
            target.write_text(text, encoding="utf-8")
    return table
