"""Result tables of the hybrid networks for readers: Markdown and LaTeX, with the same cells and the same notes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from regulens.figures.task_runs import spread
from regulens.figures.text_tables import decimal, latex_table, markdown_table, with_sd

SHOWN = {
    "task1": {"aupr": "AUPR", "tpr": "TPR", "fpr": "FPR"},
    "task2": {
        "classification_auroc": "Classification AUROC",
        "saliency_auroc": "Saliency AUROC",
        "saliency_aupr": "Saliency AUPR",
        "saliency_snr": "SNR",
    },
}
"""Columns of the paper's tables."""
FURTHER = {
    "task1": {
        "motif_recall": "Motif recall",
        "false_discovery": "False discovery",
        "match_any": "Any match",
        "no_hit": "No hit",
        "flat": "Flat",
        "empty": "Empty",
        "auroc": "AUROC",
        "aupr_exact": "Average precision",
        "valid_aupr": "Validation AUPR",
    },
    "task2": {
        "snr_zero": "SNR set to 0",
        "saturated": "Saturated",
        "classification_aupr": "Classification AUPR",
        "classification_auroc_exact": "Exact AUROC",
        "classification_aupr_exact": "Average precision",
        "valid_auroc": "Validation AUROC",
    },
}
"""Columns of the second table: plain definitions, and what else was measured."""
ACTIVATIONS = {"relu": "ReLU", "exponential": "exponential"}
SUBJECTS = {"task1": "motifs of the first-layer filters", "task2": "saliency maps"}
TASK_TITLES = {task: f"Task {task[-1]}, {subject}" for task, subject in SUBJECTS.items()}
_DEFINITIONS = {
    "task1": [
        "AUPR: area under the precision-recall curve of the test set, all classes in one, over 200 thresholds as Keras "
        "computes it. TPR: share of all filters with a match to a matrix listed for one of the planted factors, "
        "whichever. FPR: share of all filters that match some matrix but none listed. Both are of all filters and add "
        "up to at most 1. Which matches are left out is set by hybrid_networks.filters; in the paper a filter that "
        "matches MA0615.1 alone.",
    ],
    "task2": [
        "Classification AUROC: test set, over 200 thresholds as Keras computes it. Saliency AUROC, saliency AUPR and "
        "SNR: gradient × input of the output (hybrid_networks.saliency.of; in the paper of the probability), on the "
        "positive test sequences, positions of planted motifs against positions of background; each is computed in "
        "every sequence and averaged. SNR: mean at planted positions divided by the mean of the largest positive "
        "scores of the background; sequences with too few of those count as 0.",
    ],
}
_FURTHER_DEFINITIONS = {
    "task1": [
        "Plain definitions: motif recall is the share of the planted motifs with at least one matching filter (the "
        "usual true positive rate), false discovery the share of the filters with a match whose matches are all wrong. "
        "Any match is TPR + FPR, no hit the share of filters without any match; a filter whose only matches are left "
        "out is in neither. AUROC as Keras computes it; average precision: exact, mean over the classes.",
        "Flat: share of filters without an informative column, empty ones included; empty: share without a site in the "
        "test sequences. Hits of filters without an informative column do not count by default "
        "(hybrid_networks.filters.count_flat), because memelite's distance ed gives uniform columns hits to a few "
        "targets, whatever a network has learned; the published code counts them.",
    ],
    "task2": [
        "SNR set to 0: share of sequences with too few positive background scores. Saturated: share of sequences whose "
        "saliency is 0 at every base, because the output is so close to 0 or 1 that its gradient vanishes; they count "
        "with a saliency AUROC of 0.5, an SNR of 0 and, as is usual for the area of equal scores, a saliency AUPR "
        "halfway between the share of planted positions and 1.",
        "Classification AUPR as Keras computes it; exact AUROC and average precision: over all thresholds.",
    ],
}
_PUBLISHED = {
    "task1": "Published: the authors' table of this task, means over 3 of 10 trials.",
    "task2": "Published: the authors' table of this task, means over 5 trials.",
}


def title(task: str, label: str | None) -> str:
    """Heading of a table: what people call the task, and what it is about."""
    return f"{label}, {SUBJECTS[task]}" if label else TASK_TITLES[task]


def _rows(table: pd.DataFrame) -> list[pd.DataFrame]:
    """One part of the table for each model, indexed by metric, in the order of the table."""
    groups = table.groupby(["architecture", "activation"], sort=False)
    return [part.set_index("metric", drop=False) for _, part in groups]


def _model_cells(part: pd.DataFrame) -> list[str]:
    first = part.iloc[0]
    activation = ACTIVATIONS.get(first["activation"], first["activation"])
    return [first["label"], activation, f"{first['n_kept']} of {first['n_trials']}"]


def _measured(row: pd.Series) -> str:
    return with_sd(row["mean"], row["sd"])


def main_table(table: pd.DataFrame, task: str, published_sd: bool = True) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the paper's table; '' where the paper has no such model."""
    header = ["Network", "Activation", "Trials"]
    for label in SHOWN[task].values():
        header += [label, "published"]
    lines = []
    for part in _rows(table):
        line = _model_cells(part)
        for metric in SHOWN[task]:
            row = part.loc[metric]
            sd = row["published_sd"] if published_sd else np.nan
            known = "" if pd.isna(row["published"]) else with_sd(row["published"], sd)
            line += [_measured(row), known]
        lines.append(line)
    return header, lines


def further_table(table: pd.DataFrame, task: str) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the second table."""
    header = ["Network", "Activation", "Trials", *FURTHER[task].values()]
    lines = [[*_model_cells(part), *(_measured(part.loc[metric]) for metric in FURTHER[task])] for part in _rows(table)]
    return header, lines


def notes(table: pd.DataFrame, task: str, selection, data_note: str | None, facts: Mapping[str, int]) -> list[str]:
    """Sentences under the table, each true of this table; ``selection``: a `Selection`."""
    lines = [_selection_note(table, selection), *_selection_gain(table, task)]
    lines.append(
        "± is the standard deviation over the kept trials, dividing by their number as the published ones do (none "
        "with one trial)."
    )
    if (table["n_defined"] < table["n_kept"]).any():
        lines.append("Where a number exists for some of the kept trials only, mean and ± are over these.")
    lines += _trial_notes(table, selection.keep) + _DEFINITIONS[task]
    for way, models in facts.items():
        which = "Filters" if len(facts) == 1 else f"Filters of {models} of the networks"
        lines.append(f"{which} compared with Tomtom by {way}.")
    if facts:
        lines.append(
            "The paper: Tomtom of the MEME Suite, distance pearson, q <= 0.1, against 1,964 matrices of JASPAR; other "
            "engines, distances and q-values give other numbers of matches."
        )
    if table["published"].notna().any():
        lines.append(_PUBLISHED[task])
    return [*lines, data_note] if data_note else lines


def _selection_note(table: pd.DataFrame, selection) -> str:
    name = {"aupr": "AUPR", "auroc": "AUROC"}[selection.metric]
    first = table.drop_duplicates(["architecture", "activation"])
    trials, kept = spread(first["n_trials"]), spread(first["n_kept"])
    if (first["n_kept"] == first["n_trials"]).all():
        return f"Means over all trials of a network ({trials}): none was left out."
    sentence = f"Means over the {kept} of {trials} trials of a network with the highest {name} on the "
    if selection.split == "valid":
        return sentence + "validation set."
    return (
        sentence + "test set, as published. The same test set gives the numbers, so that they are optimistic: those of "
        "a single new training would on average be lower."
    )


def _trial_notes(table: pd.DataFrame, keep: int) -> list[str]:
    """How the trials ended, and which networks have fewer kept trials than asked for."""
    models = table.drop_duplicates(["architecture", "activation"])
    total = models[["n_trials", "n_early_stopped", "n_max_epochs", "n_diverged"]].sum()
    lines = [
        f"Of {total['n_trials']:,} trials {total['n_early_stopped']:,} stopped early, {total['n_max_epochs']:,} ran to "
        f"the last epoch and {total['n_diverged']:,} diverged."
    ]
    diverged = models[models["n_diverged"] > 0]
    if len(diverged):
        lines.append(f"Diverged trials: {_listed(diverged, 'n_diverged')}.")
    short = models[models["n_kept"] < np.minimum(keep, models["n_trials"])]
    if len(short):
        lines.append(
            f"Fewer kept trials than {keep}, because the others gave no finite predictions: {_listed(short, 'n_kept')}."
        )
    return lines


def _listed(models: pd.DataFrame, column: str) -> str:
    names = (
        f"{m.label} {ACTIVATIONS.get(m.activation, m.activation)} {getattr(m, column)}" for m in models.itertuples()
    )
    return ", ".join(names)


def _selection_gain(table: pd.DataFrame, task: str) -> list[str]:
    """How much the choice of the trials moves the classification metric, one sentence, or none without a choice."""
    metric, label = next(iter(SHOWN[task].items()))
    rows = table[(table["metric"] == metric) & (table["n_kept"] < table["n_trials"])]
    gains = (rows["mean"] - rows["mean_all"]).dropna()
    if gains.empty:
        return []
    most = rows.loc[gains.idxmax()]
    return [
        f"Kept trials against all trials of the same network: {label} is higher by {decimal(gains.median())} in the "
        f"median network and by {decimal(gains.max())} in {most['label']} with "
        f"{ACTIVATIONS.get(most['activation'], most['activation'])}."
    ]


def to_markdown(
    table: pd.DataFrame,
    task: str,
    selection,
    *,
    label: str | None = None,
    data_note: str | None = None,
    facts: Mapping[str, int] | None = None,
) -> str:
    """The paper's table with its notes, then the plain definitions; ``table``: that of `join_published`."""
    sentences = notes(table, task, selection, data_note, facts or {})
    text = f"# {title(task, label)}\n\n" + markdown_table(*main_table(table, task), sentences, left=2)
    further = markdown_table(*further_table(table, task), _FURTHER_DEFINITIONS[task], left=2)
    return f"{text}\n## Further numbers of the same trials\n\n{further}"


def to_latex(
    table: pd.DataFrame,
    task: str,
    selection,
    *,
    label: str | None = None,
    data_note: str | None = None,
    facts: Mapping[str, int] | None = None,
) -> str:
    """The paper's table as a LaTeX ``table`` (package booktabs), published numbers without their ±."""
    header, lines = main_table(table, task, published_sd=False)
    baselines = [part["baseline"].iloc[0] for part in _rows(table)]
    blocks = [n for n in range(1, len(baselines)) if baselines[n] != baselines[n - 1]]
    sentences = notes(table, task, selection, data_note, facts or {})
    caption = f"{title(task, label)}: reproduced and published."
    text = latex_table(header, lines, sentences, caption=caption, left=2, rules_before=blocks)
    # Eleven columns: smaller letters and narrow gaps, so that the table fits a page.
    return text.replace(r"\centering\footnotesize", r"\centering\scriptsize\setlength{\tabcolsep}{3pt}", 1)
