"""The claims table of Genomic Interpreter: what the paper says, whether this run shows it, and what its table shows."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from regulens.figures.claims import judge_all, write_claims
from regulens.figures.claims_text import CRITERIA
from regulens.figures.interpreter_claims_list import CLAIMS
from regulens.figures.interpreter_evidence import AssayEvidence, Shown, of_paper, of_run
from regulens.figures.table1 import OVERALL
from regulens.figures.task_runs import spread
from regulens.reference_rows import REFERENCE_ROWS
from regulens.runs import Run


def claims_table(
    runs: Sequence[Run],
    distances: Path | str,
    attention: Path | str,
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    *,
    shown: Shown,
    groups: Sequence[str] | None = None,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Judge every claim on this run and on the paper's Table 1; write CSV and Markdown.

    Arguments:
        runs: per-track correlation tables of the models and the reference rows.
        distances: ``attention_distance.csv`` of the main model.
        attention: its attention on one test segment.
        published: ``config/published.csv``.
        csv, markdown: output paths.
        shown: what the figures show, see `Shown`.
        groups: order of the track groups.
        data_note: one sentence on the data and the sizes.

    Returns the claims, columns ``claims.COLUMNS``. Raises InputError on bad files.
    """
    run = of_run(runs, distances, attention, shown, groups)
    table = judge_all(CLAIMS, run, of_paper(published))
    write_claims(table, csv, markdown, _notes(run, data_note))
    return table


def _notes(run: AssayEvidence, data_note: str | None) -> list[str]:
    """Sentences under the verdicts, each true of this run."""
    means = run.means[~run.means["model"].isin(list(REFERENCE_ROWS))]
    groups = means.drop_duplicates("group")
    tracks = ", ".join(f"{row.n_tracks:,} {row.group.replace(OVERALL, 'in all')}" for row in groups.itertuples())
    seeds = spread(means["n_seeds"])
    lines = [
        CRITERIA,
        f"Models: {', '.join(means['label'].unique())}, {seeds} seed{'s' * (seeds != '1')} each; tracks: {tracks}. A "
        "claim on several models is judged on those that were run.",
        "95 % intervals of a difference of correlations: t interval over the tracks, paired, after the mean over the "
        "seeds; no correction for the number of comparisons. They say how much the difference varies from track to "
        "track, not how much it would vary from training to training. Tracks of like assays are not independent.",
        "95 % intervals of attention distances: t interval over the test segments, of the first seed's model.",
    ]
    return [*lines, data_note] if data_note else lines
