"""The claims table of DNABERT and LRP: what the paper says, whether this run shows it, and what its numbers show."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from regulens.figures.claims import judge_all, write_claims
from regulens.figures.claims_text import CRITERIA
from regulens.figures.lrp_claims_list import CLAIMS
from regulens.figures.lrp_evidence import PAPER_N, LrpEvidence, Tables, of_paper, of_run, tasks
from regulens.figures.task_runs import PublishedAs, spread


def claims_table(
    tables: Tables,
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    *,
    n: int,
    published_as: PublishedAs,
    given_splits: Collection[str] = (),
    data_note: str | None = None,
) -> pd.DataFrame:
    """Judge every claim on this run and on the numbers that the paper prints; write CSV and Markdown.

    Arguments:
        tables: tables of the run.
        published: ``config/published.csv``.
        csv, markdown: output paths.
        n: mutated bases of Table 1.
        published_as: task to the paper's task that it repeats; claims about one task are judged on the first that does.
        given_splits: tasks whose data come with a test set of their own.
        data_note: one sentence on the data and the model.

    Returns the claims, columns ``claims.COLUMNS``. Raises InputError on bad files.
    """
    run = of_run(tables, published_as, n, set(given_splits))
    table = judge_all(CLAIMS, run, of_paper(published))
    write_claims(table, csv, markdown, _notes(run, data_note))
    return table


def _notes(run: LrpEvidence, data_note: str | None) -> list[str]:
    """Sentences under the verdicts, each true of this run."""
    repeats = run.accuracy.drop_duplicates("task").set_index("task")["paper"]
    shown = [
        f"{label} (the paper's {repeats[task]})" if repeats[task] else f"{label} (not in the paper)"
        for task, label in tasks(run).items()
    ]
    seeds = spread(run.accuracy["seeds"])
    other_n = "" if run.n == PAPER_N else f" Where the criteria say n = {PAPER_N}, n is {run.n} here."
    lines = [
        CRITERIA,
        "The paper's TATA class is the positive class of the promoters, its non-TATA class the negative one: its data "
        "set has non-TATA promoters and non-promoters.",
        f"Tasks: {', '.join(shown)}; {seeds} seed{'s' * (seeds != '1')}, {spread(run.accuracy['sequences'])} sequences "
        f"of a class mutated.{other_n}",
        "95 % intervals: bootstrap over the sequences; where scores are compared, on the same sequences; between "
        "classes, and against random sequences, from the intervals of both. An interval excludes 0 where it does as "
        "printed. p: exact McNemar test, the largest of the seeds. No correction for the number of comparisons. "
        "Intervals of the paper's table are binomial, of its 500 sequences and one draw.",
    ]
    return [*lines, data_note] if data_note else lines
