"""The claims table of the hybrid networks: what the paper says, whether this run shows it, and what its table shows."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.errors import InputError
from regulens.figures.hybrid_claims_list import CLAIMS, Claim
from regulens.figures.hybrid_claims_text import to_markdown
from regulens.figures.hybrid_evidence import NotTested, differences, of_paper, of_trials
from regulens.figures.hybrid_runs import read_trials
from regulens.figures.hybrid_tables_text import SHOWN
from regulens.files import atomic_output

HOLDS, FAILS = "holds", "does not hold"
NOT_TESTED, NOT_PUBLISHED = "not tested in this run", "not in the paper's table"
COLUMNS = ["claim", "where", "sentence", "criterion", "verdict", "numbers", "published_verdict", "published_numbers"]
DIFFERENCE_COLUMNS = ["task", "label", "metric", "difference", "low", "high", "published_difference"]


def judge(claim: Claim, evidence: pd.DataFrame, untested: str = NOT_TESTED) -> tuple[str, str]:
    """Verdict (`HOLDS`, `FAILS` or ``untested``) and the numbers behind it, or what is missing."""
    try:
        holds, numbers = claim.rule(evidence)
    except NotTested as reason:
        return untested, str(reason)
    return (HOLDS if holds else FAILS), numbers


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
    rows = []
    for claim in CLAIMS:
        verdict, numbers = judge(claim, run)
        published_verdict, published_numbers = judge(claim, paper, NOT_PUBLISHED)
        front = (claim.name, claim.where, claim.sentence, claim.criterion)
        rows.append((*front, verdict, numbers, published_verdict, published_numbers))
    table = pd.DataFrame(rows, columns=COLUMNS)
    gaps = all_differences(run, paper, {label: name for label, name in published_as.items() if name})
    outputs = [(csv, table)] + ([(differences_csv, gaps)] if differences_csv else [])
    text = to_markdown(table, gaps, tables, data_note)
    for path, content in outputs:
        with atomic_output(path) as target:
            content.to_csv(target, index=False, float_format="%.6g")
    with atomic_output(markdown) as target:
        target.write_text(text, encoding="utf-8")
    return table
