"""Consistency, faithfulness and truth of the attributions of every model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import Run, labelled
from regulens.core.tables import read_runs, write_csv
from regulens.studies.tiers import TEST_COLUMNS, tiers_markdown, tiers_table


@command("sequence-to-function tiers")
def tiers(
    runs: Sequence[Run],
    /,
    csv: Path | str,
    md: Path | str,
    resamples: Part[int],
    seed: Part[int],
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """All tests of the attributions of every model in one table; returns it, columns ``COLUMNS`` of `studies.tiers`.

    Arguments:
        runs: tests of every model and seed (`regulens check-attributions`).
        csv, md: the table, to write.
        labels: names of the models.
        data_note: one sentence on the data.
    """
    tests = read_runs(labelled(runs, labels), TEST_COLUMNS).rename(columns={"model": "subject"})
    means = tiers_table(tests, resamples, seed)
    write_csv(means, csv)
    write_text(tiers_markdown(means, "read-outs", data_note), md)
    return means
