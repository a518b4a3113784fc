"""The claims table of the hybrid networks: what the paper says, whether this run shows it, and what its table shows."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.errors import InputError
from regulens.figures.claims import NotTested, judge_all, write_claims
from regulens.figures.hybrid_claims_list import CLAIMS
from regulens.figures.hybrid_claims_text import claims_notes, differences_text
from regulens.figures.hybrid_evidence import differences, of_paper, of_trials
from regulens.figures.hybrid_runs import read_trials
from regulens.figures.hybrid_tables_text import SHOWN
from regulens.files import atomic_output

DIFFERENCE_COLUMNS = ["task", "label", "metric", "difference", "low", "high", "published_difference"]


def all_differences(evidence: pd.DataFrame, paper: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Exponential less ReLU of every network in the metrics of the paper's tables, columns ``DIFFERENCE_COLUMNS``.

    ``names``: label of a network to that of the paper's which it repeats. A metric that the run lacks has no rows.
    """
    parts = []
    for task, metrics in SHOWN.items():
        for metric in metrics:
            try:
                found = differences(evidence, task, metric)
            except NotTested:
                continue
            known = differences(paper, task, metric)["difference"]
            published = [known.get(names.get(label), np.nan) for label in found.index]
            part = found.rename_axis("label").reset_index()
            parts.append(part.assign(task=task, metric=metric, published_difference=published))
    return (
        pd.concat(parts, ignore_index=True)[DIFFERENCE_COLUMNS] if parts else pd.DataFrame(columns=DIFFERENCE_COLUMNS)
    )


def claims_table(
    trials: Mapping[str, Path | str],
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    *,
    published_as: Mapping[str, str | None],
    differences_csv: Path | str | None = None,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Judge every claim on this run and on the paper's table; write CSV and Markdown.

    Arguments:
        trials: task to its table of trials (`hybrid_tables.results_table`); a task that was not run may be left out,
            its claims are then not tested.
        published: ``config/published.csv``.
        csv, markdown: output paths.
        published_as: label of a network to that of the paper's which it repeats (None: none), for the published
            differences; the verdicts are on all networks of a baseline, the user's own too.
        differences_csv: where to write the difference between the activations of every network; None: in the
            Markdown only.
        data_note: one sentence on the data and the sizes.

    Returns the claims, columns ``COLUMNS``. Raises InputError without any table, or on bad ones.
    """
    if not trials:
        raise InputError("no table of trials given: claims need at least one of task1 and task2")
    tables = {task: read_trials(path, task) for task, path in trials.items()}
    run, paper = of_trials(tables), of_paper(published)
    table = judge_all(CLAIMS, run, paper)
    gaps = all_differences(run, paper, {label: name for label, name in published_as.items() if name})
    if differences_csv:
        with atomic_output(differences_csv) as target:
            gaps.to_csv(target, index=False, float_format="%.6g")
    write_claims(table, csv, markdown, claims_notes(tables, data_note), differences_text(gaps))
    return table
