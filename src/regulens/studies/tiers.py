"""One table of all tests of the scores of a study, in three tiers: consistency, faithfulness, truth."""

import numpy as np
import pandas as pd

from regulens.core.statistics import bootstrap_weights, percentile_interval
from regulens.core.tables import interval, markdown_table, means_over_seeds, spread, with_sd

TESTS = {
    "agreement": "Agreement",
    "seeds": "Over seeds",
    "randomised": "Shuffled weights",
    "deletion": "Deletion",
    "insertion": "Insertion",
    "auroc": "AUROC",
    "auprc": "Average precision",
    "least": "Least found",
}
"""Tests of `interpret.score_tests` with their headings, in the order of the table."""

TIERS = {"deletion": "faithfulness", "insertion": "faithfulness", "auroc": "truth", "auprc": "truth", "least": "truth"}
"""The tier of a test; all others are of consistency."""

UNCHANGED = 0.5
"""Rank correlation with the score of shuffled weights from which a score says little of what the model has learned."""

TEST_COLUMNS = ["score", "score_label", "test", "item", "value", "scale"]

COLUMNS = ["subject", "label", "score", "score_label", "tier", "test", "value", "sd", "low", "high", "seeds", "items"]


def tiers_table(tests: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """Every test of every score of every subject (a model, or a task): `COLUMNS`.

    ``tests``: tables of `interpret.score_tests` with the columns subject, label and seed in front. A value is the mean
    over sequences of ``value`` by that of ``scale``, averaged over seeds (``sd``); limits: 95 % bootstrap over
    sequences, the same resamples for every score.
    """
    keys = ["subject", "label", "score", "score_label", "test"]
    rows = []
    for group, part in tests.dropna(subset=["value"]).groupby([*keys, "seed"], sort=False):
        weights = bootstrap_weights(len(part), resamples, np.random.default_rng(seed))
        weights = np.vstack([np.full(len(part), 1 / len(part)), weights])
        value, *drawn = (weights @ part["value"].to_numpy()) / (weights @ part["scale"].to_numpy())
        low, high = percentile_interval(np.array(drawn))
        rows.append((*group, value, low, high, len(part)))
    subjects, scores = (list(tests[name].unique()) for name in ("subject", "score"))
    place = {name: number for number, name in enumerate(TESTS)}
    rows.sort(key=lambda row: (subjects.index(row[0]), scores.index(row[2]), place.get(row[4], len(place))))
    found = pd.DataFrame(rows, columns=[*keys, "run", "value", "low", "high", "items"])
    means = means_over_seeds(found, keys, "value")
    means["tier"] = means["test"].map(TIERS).fillna("consistency")
    return means[COLUMNS].astype({"items": int})


def tiers_markdown(means: pd.DataFrame, what: str, data_note: str | None = None) -> str:
    """The table of `tiers_table`, a column a test, with its notes; ``what`` a sequence is, in the plural."""
    shown = [name for name in TESTS if name in set(means["test"])]
    rows, last = [], None
    for (label, score), part in means.groupby(["label", "score_label"], sort=False):
        of = part.set_index("test").reindex(shown)
        cells = [f"{_marked(row)} {interval(row.low, row.high, 2)}" for row in of.itertuples()]
        cells = [cell if test in set(part["test"]) else "" for test, cell in zip(shown, cells, strict=True)]
        rows.append([label if label != last else "", score, *cells])
        last = label
    few, many = (means.loc[means["tier"].eq("truth") == side, "items"] for side in (False, True))
    truth = f", truth on {spread(many)}" if len(many) else ""
    notes = [
        "Consistency: rank correlation (Spearman) of a score with the others, with the same score of models trained "
        "with other seeds, and with that of the model after its weights were shuffled: a score that stays the same "
        f"does not explain what was learned (in italics from {UNCHANGED} on). Faithfulness: mean fall of the "
        "prediction when the bases with the highest scores are replaced by those of a shuffled sequence, and mean rise "
        "when they are put into it, as a share of the difference between sequence and shuffled sequence: above 1, or "
        "below 0, where some of the bases do more than all, or the opposite. Truth: known bases against the others; "
        "least found: AUROC of that known motif (or element) of a sequence which the score finds least, where it has "
        "several; the least of several is below 0.5 for random scores, too.",
        f"Consistency and faithfulness on {spread(few)} {what}{truth}; in brackets 95 % bootstrap intervals over them.",
    ]
    header = ["", "Score", *(TESTS[name] for name in shown)]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=2)


def _marked(row) -> str:
    """The value of a test; in italics from `UNCHANGED` on."""
    value = with_sd(row.value, row.sd)
    return f"*{value}*" if row.Index == "randomised" and abs(row.value) >= UNCHANGED else value
