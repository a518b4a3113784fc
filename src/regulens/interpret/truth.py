"""Base relevance against known sites: which scores rank them above the other bases?"""

from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import progress
from regulens.core.statistics import bootstrap_interval, percentile_interval, row_auroc
from regulens.data.sequences import check_sites, read_sites
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.scores import RANDOM

TRUTH_COLUMNS = ("score", "auroc", "low", "high", "sequences", "above_random")

DRAWS = 200
"""Number of random scores for the row `RANDOM`."""


@command("score-truth")
def write_truth(
    scores: Path | str,
    /,
    sites: Path | str,
    output: Path | str,
    resamples: Part[int],
    seed: Part[int],
    draws: int = DRAWS,
) -> None:
    """AUROC of every score of a score file against known motif sites, as CSV.

    ``sites``: a table of sites (`data.sequences`); see `truth_table`. Sites of sequences that were not scored are
    ignored. Raises `InputError` if no positive sequence of the score file has a site with the role positive, for a site
    beyond the end of its sequence, and for NaN scores.
    """
    with ScoreFile(scores) as file:
        truth = site_numbers(file.ids, file.codes.shape[1], sites) > 0
        rows = np.flatnonzero((file.labels == 1) & truth.any(axis=1) & ~truth.all(axis=1))
        if not len(rows):
            raise InputError(
                f"{sites}: none of its sites of role positive is in a positive sequence of {scores}: ids must be those "
                "of the scored sequences"
            )
        table = truth_table(
            truth[rows], {name: file.score(name)[rows] for name in file.names}, resamples, seed, draws, scores
        )
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def site_numbers(ids: list[str], length_bp: int, path: Path | str) -> np.ndarray:
    """Bases inside sites of role positive (not negative, not shared by both classes): int (len(ids), length_bp).

    0 elsewhere, else the number of the motif, from 1, in the order of the table.
    """
    sites = read_sites(path)
    sites = sites[sites["id"].isin(ids) & (sites["role"] == "positive")]
    check_sites(sites, pd.Series(length_bp, index=ids), path)
    row_of = {name: row for row, name in enumerate(ids)}
    numbers = np.zeros((len(ids), length_bp), int)
    motif = pd.factorize(sites["motif"])[0] + 1
    for name, start, end, number in zip(sites["id"], sites["start"], sites["end"], motif, strict=True):
        numbers[row_of[name], start:end] = number
    return numbers


def truth_table(
    truth: np.ndarray,
    scores: dict[str, np.ndarray],
    resamples: int,
    seed: int,
    draws: int = DRAWS,
    source: Path | str = "the scores",
) -> pd.DataFrame:
    """AUROC of each score's base relevance against the bases inside sites: `TRUTH_COLUMNS`.

    ``truth`` bool (N, L), with bases inside and outside sites in each row; ``scores`` float (N, L) by name; ``source``
    is named in errors. Signs of scores are kept: in full_lrp, bases that speak against the explained class rank lowest.
    ``auroc`` is the mean over sequences of the AUROC within each, ``low`` and ``high`` its 95 % bootstrap interval over
    sequences. The last row is always `RANDOM`: mean, 2.5 and 97.5 percentiles of the same average over ``draws`` random
    scores. ``above_random``: whether ``auroc`` is above the ``high`` of that row.
    """
    draw_low, draw_high, draw_mean = _random_auroc(truth, draws, np.random.default_rng([seed, 1]))
    rows = []
    for name, values in scores.items():
        if name == RANDOM:
            continue
        if np.isnan(values).any():
            wrong = np.isnan(values).any(axis=1).sum()
            raise InputError(f"{source}: the score {name} is NaN in {wrong} sequences: compute it again")
        found = row_auroc(values, truth)
        # The same resamples for every score, so that intervals differ by the scores alone.
        interval = bootstrap_interval(found, resamples, np.random.default_rng([seed, 0]))
        rows.append((name, found.mean(), *interval, len(truth), bool(found.mean() > draw_high)))
    rows.append((RANDOM, draw_mean, draw_low, draw_high, len(truth), False))
    return pd.DataFrame(rows, columns=TRUTH_COLUMNS)


def _random_auroc(truth: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """2.5 and 97.5 percentiles and mean over ``draws`` of the mean AUROC of random ranks."""
    inside = truth.sum(axis=1)
    outside = truth.shape[1] - inside
    ranks = np.tile(np.arange(1, truth.shape[1] + 1, dtype=np.int32), (len(truth), 1))
    means = []
    for _ in progress(range(draws), "random scores"):
        wins = rng.permuted(ranks, axis=1).sum(axis=1, where=truth) - inside * (inside + 1) / 2
        means.append((wins / (inside * outside)).mean())
    return *percentile_interval(np.array(means)), float(np.mean(means))
