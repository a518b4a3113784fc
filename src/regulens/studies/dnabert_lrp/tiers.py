"""Consistency, faithfulness and truth of the relevance scores of every task."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import TaskRun, labelled
from regulens.core.tables import write_csv
from regulens.studies.dnabert_lrp.tasks import read_task_runs
from regulens.studies.tiers import TEST_COLUMNS, tiers_markdown, tiers_table


@command("dnabert-lrp tiers")
def tiers(
    runs: Sequence[TaskRun],
    /,
    csv: Path | str,
    md: Path | str,
    resamples: Part[int],
    seed: Part[int],
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """All tests of the relevance scores of every task in one table; returns it, columns ``COLUMNS`` of `studies.tiers`.

    Arguments:
        runs: tests of every task and seed (`regulens check-relevance`).
        csv, md: the table, to write.
        labels: names of the tasks.
        data_note: one sentence on the data.
    """
    tests = read_task_runs(labelled(runs, labels), TEST_COLUMNS, ["value", "scale"])
    means = tiers_table(tests.rename(columns={"task": "subject", "task_label": "label"}), resamples, seed)
    write_csv(means, csv)
    write_text(tiers_markdown(means, "sequences", data_note), md)
    return means
