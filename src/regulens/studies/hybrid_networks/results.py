"""Result tables of the hybrid networks: summary of every model's kept trials, beside the paper's numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.published import Number, Place, published_numbers
from regulens.core.settings import Settings
from regulens.core.statistics import mean_interval, welch_interval
from regulens.core.tables import (
    TextTable,
    decimal,
    interval,
    markdown_table,
    read_table,
    require_one_of,
    signed,
    spread,
    with_sd,
    write_csv,
)
from regulens.models.settings import HybridArchitecture
from regulens.motifs.tomtom import Compared, facts_path, group_by_way, read_hits, write_comparisons

# Trials of the hybrid networks: collects the results of every model and selects the trials to keep. The paper trains
# every network several times and reports the best few, chosen on the test set (docs/papers.md, "trial-selection"). Here
# the table has every trial and states whether it was kept.

STATUSES = ["early_stopped", "max_epochs", "diverged"]
"""Ways in which a trial's training ends."""

MODEL_COLUMNS = ["architecture", "label", "baseline", "modules", "activation"]
"""Columns that identify a model; ``modules`` are joined by '+' ('' for none)."""

TRIAL_COLUMNS = ["trial", "seed", "status", "epochs", "best_epoch", "parameters"]
"""Columns of ``metrics.csv`` that say how a trial was trained."""


class Task(NamedTuple):
    """Metrics of a task, and the files and columns that they come from."""

    classification: Mapping[str, str]
    """Metric to its column of ``metrics.csv``."""
    interpretation: Mapping[str, str]
    """Metric to its column of ``source``."""
    source: str
    """File in a model's folder with its interpretability metrics, one row per trial."""

    @property
    def metrics(self) -> list[str]:
        """All metrics, in the order of the tables."""
        return [*self.classification, *self.interpretation]


TASKS = {
    "task1": Task(
        {
            "aupr": "test_aupr",
            "auroc": "test_auroc",
            "valid_aupr": "valid_aupr",
            "valid_auroc": "valid_auroc",
            "aupr_exact": "test_aupr_exact",
            "auroc_exact": "test_auroc_exact",
        },
        {
            name: name
            for name in ("tpr", "fpr", "match_any", "motif_recall", "false_discovery", "no_hit", "flat", "empty")
        },
        "filter_statistics.csv",
    ),
    "task2": Task(
        {
            "classification_auroc": "test_auroc",
            "classification_aupr": "test_aupr",
            "valid_auroc": "valid_auroc",
            "valid_aupr": "valid_aupr",
            "classification_auroc_exact": "test_auroc_exact",
            "classification_aupr_exact": "test_aupr_exact",
        },
        {
            "saliency_auroc": "auroc",
            "saliency_aupr": "aupr",
            "saliency_snr": "snr",
            "snr_zero": "snr_zero",
            "saturated": "saturated",
        },
        "saliency.csv",
    ),
}


def task_metrics(task: str) -> Task:
    """The columns of a task; raises `InputError` for names other than task1 and task2."""
    require_one_of(task, TASKS, "task")
    return TASKS[task]


def trial_columns(task: str) -> list[str]:
    """Columns of a table of `collect_trials`."""
    return [*MODEL_COLUMNS, *TRIAL_COLUMNS, "kept", *task_metrics(task).metrics]


def collect_trials(
    folder: Path | str,
    task: str,
    architectures: Mapping[str, HybridArchitecture],
    activations: Sequence[str],
    keep: int,
    split: str = "test",
    metric: str = "aupr",
) -> pd.DataFrame:
    """Every trial of every model of a task, one row each, columns ``trial_columns(task)``.

    Arguments:
        folder: results of the study; a model's files lie in ``folder/task/architecture/activation``.
        task: task1 or task2.
        architectures, activations: configured ones, in the order of the rows.
        keep: number of trials of a model to keep, see `best_rows`.
        split, metric: how they are selected: on test or valid, by aupr or auroc.

    Raises what `read_table` raises, and InputError if a model's two files have different trials.
    """
    what, chosen_by = task_metrics(task), _chosen_by(split, metric)
    if keep < 1:
        raise InputError(f"keep: {keep} trials cannot be kept; at least 1")
    if not architectures or not activations:
        raise InputError("architectures, activations: at least one of each is needed for a table")
    frames = []
    for name, architecture in architectures.items():
        for activation in activations:
            place = Path(folder) / task / name / activation
            sources = list(dict.fromkeys([*what.classification.values(), chosen_by]))
            trials = _read_by_trial(place / "metrics.csv", [*TRIAL_COLUMNS, *sources], ["status"])
            read = _read_by_trial(place / what.source, ["trial", *what.interpretation.values()])
            _same_trials(trials, place / "metrics.csv", read, place / what.source)
            interpretation = read.set_index("trial").loc[trials["trial"]]
            rows = {
                "architecture": name,
                "label": architecture.label,
                "baseline": architecture.baseline,
                "modules": "+".join(architecture.modules),
                "activation": activation,
            }
            rows |= {column: trials[column] for column in TRIAL_COLUMNS}
            rows["kept"] = best_rows(trials[chosen_by], keep)
            rows |= {name: trials[column] for name, column in what.classification.items()}
            rows |= {name: interpretation[column].to_numpy() for name, column in what.interpretation.items()}
            frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)[trial_columns(task)]


def _chosen_by(split: str, metric: str) -> str:
    """Column of ``metrics.csv`` that trials are chosen by; raises InputError for another split or metric."""
    require_one_of(split, ["test", "valid"], "selection.split")
    require_one_of(metric, ["aupr", "auroc"], "selection.metric")
    return f"{split}_{metric}"


def best_rows(values: pd.Series, keep: int) -> np.ndarray:
    """Mask of the ``keep`` largest values, bool (rows,); of ties the first.

    Rows without a number are never chosen, even if fewer than ``keep`` remain: the mean of a network without
    predictions is undefined.
    """
    numbers = values.to_numpy(dtype=np.float64)
    order = np.argsort(-numbers, kind="stable")  # NaN comes last
    chosen = np.zeros(len(numbers), bool)
    chosen[order[:keep]] = True
    return chosen & np.isfinite(numbers)


def _read_by_trial(path: Path, columns: Sequence[str], text: Sequence[str] = ()) -> pd.DataFrame:
    """A table with one row per trial, sorted by trial; ``columns`` are numeric except those in ``text``."""
    table = read_table(path, columns, [name for name in columns if name not in text])
    return table.sort_values("trial", ignore_index=True)


def _same_trials(first: pd.DataFrame, first_path: Path, second: pd.DataFrame, second_path: Path) -> None:
    differing = sorted(set(first["trial"]) ^ set(second["trial"]))
    if differing:
        has, lacks = first_path, second_path
        if differing[0] not in set(first["trial"]):
            has, lacks = lacks, has
        raise InputError(f"{lacks}: trial {differing[0]} is missing, {has} has it; make both files again")


def read_trials(path: Path | str, task: str) -> pd.DataFrame:
    """Read a table of `collect_trials` from CSV, e.g. to find the best kept trial of a model."""
    columns = trial_columns(task)
    table = read_table(path, columns, ["kept", *task_metrics(task).metrics])[columns]
    return table.fillna({"modules": ""})


def best_trial(
    path: Path | str, task: str, architecture: str, activation: str, split: str = "test", metric: str = "aupr"
) -> int:
    """Number of the kept trial of a network with the highest classification metric; of ties the first.

    Arguments:
        path: CSV of the trials of the task, a table of `collect_trials`.
        task: task1 or task2.
        architecture, activation: the network.
        split, metric: how trials were selected: on test or valid, by aupr or auroc.

    If none was kept, because no trial gave predictions, it is the first one. Raises `InputError` for an architecture or
    activation that is not in the table.
    """
    chosen_by = _chosen_by(split, metric)
    trials = read_trials(path, task)
    require_one_of(architecture, dict.fromkeys(trials["architecture"]), f"{path}: architecture")
    trials = trials[trials["architecture"] == architecture]
    require_one_of(activation, dict.fromkeys(trials["activation"]), f"{path}: activation of {architecture}")
    trials = trials[trials["activation"] == activation]
    column = next(name for name, source in task_metrics(task).classification.items() if source == chosen_by)
    kept = trials[trials["kept"]].sort_values(column, ascending=False, kind="stable")
    return int((trials if kept.empty else kept)["trial"].iloc[0])


# Result tables of the hybrid networks as Markdown and LaTeX, with the same cells and notes.

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
"""Columns of the second table: plain definitions, and further metrics."""

EXPONENTIAL, RELU = "exponential", "relu"
ACTIVATIONS = {RELU: "ReLU", EXPONENTIAL: "exponential"}

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
        "(hybrid_networks.filters.count_flat), because the distance ed gives uniform columns hits to a few "
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

FEWEST = 3
"""Trials, or networks, whose difference is shown with an interval; that of two would often be wider than the scale."""


_PUBLISHED = {
    "task1": "Published: the authors' table of this task, means over 3 of 10 trials.",
    "task2": "Published: the authors' table of this task, means over 5 trials.",
}


def title(task: str, label: str | None) -> str:
    """Heading of a table: label and subject of the task."""
    return f"{label}, {SUBJECTS[task]}" if label else TASK_TITLES[task]


def _rows(table: pd.DataFrame) -> list[pd.DataFrame]:
    """One part of the table for each model, indexed by metric, in the order of the table."""
    groups = table.groupby(["architecture", "activation"], sort=False)
    return [part.set_index("metric", drop=False) for _, part in groups]


def _model_cells(part: pd.DataFrame) -> list[str]:
    first = part.iloc[0]
    return [first["label"], _activation(first["activation"]), f"{first['n_kept']} of {first['n_trials']}"]


def _activation(name: str) -> str:
    return ACTIVATIONS.get(name, name)


def _measured(row: pd.Series) -> str:
    return with_sd(row["mean"], row["sd"])


def main_table(table: pd.DataFrame, task: str, published_sd: bool = True) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the paper's table; '' if the paper has no such model."""
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


def activation_differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Exponential less ReLU of every network that has a mean with both: architecture, label, difference, low, high.

    ``rows``: one metric of every model, with mean, sd (population) and n, the number of trials. With at least `FEWEST`
    trials of both, 95 % limits by Welch's t from the standard deviations over trials, else NaN. The trials of the two
    activations are not paired, because different ones may be kept.
    """
    enough = rows["n"].where(rows["n"] >= FEWEST)
    rows = rows.assign(variance=rows["sd"] ** 2 * enough / (enough - 1))
    keys, parts, both = ["architecture", "label"], ["mean", "variance", "n"], [EXPONENTIAL, RELU]
    wide = rows.pivot(index=keys, columns="activation", values=parts)
    wide = wide.reindex(pd.MultiIndex.from_frame(rows[keys].drop_duplicates()))
    wide = wide.reindex(columns=pd.MultiIndex.from_product([parts, both]))
    wide = wide[wide["mean"].notna().all(axis=1)]
    found = welch_interval(*(wide[part, name].to_numpy(float) for name in both for part in parts))
    return pd.DataFrame(dict(zip(["difference", "low", "high"], found, strict=True)), wide.index).reset_index()


def difference_table(table: pd.DataFrame, task: str) -> tuple[list[str], list[list[str]]]:
    """Head and lines of `activation_differences` in the paper's metrics: every network, and the mean of each baseline.

    The 95 % interval of a baseline's mean is Student's, over its networks. Intervals: of `FEWEST` and more.
    """
    header, lines = ["Network"], {}
    for place, (metric, label) in enumerate(SHOWN[task].items()):
        header += [label, "published"]
        for row in _differences(table[table["metric"] == metric]).itertuples():
            line = lines.setdefault((row.architecture, row.label), [row.label] + [""] * 2 * len(SHOWN[task]))
            line[1 + 2 * place] = signed(row.difference)
            if not pd.isna(row.low):
                line[1 + 2 * place] += f" {interval(row.low, row.high)}"
            line[2 + 2 * place] = "" if pd.isna(row.published) else signed(row.published)
    return header, list(lines.values())


def _differences(rows: pd.DataFrame) -> pd.DataFrame:
    paper = activation_differences(rows.assign(mean=rows["published"], sd=np.nan, n=np.nan))
    found = activation_differences(rows.assign(n=rows["n_defined"])).merge(
        paper[["architecture", "difference"]].rename(columns={"difference": "published"}), "left", "architecture"
    )
    baselines = rows.drop_duplicates("architecture").set_index("architecture")["baseline"]
    for baseline, part in found.groupby(found["architecture"].map(baselines), sort=False):
        if len(part) > 1:
            mean, sd, n = part["difference"].mean(), part["difference"].std(), len(part)
            limits = mean_interval(mean, sd, n) if n >= FEWEST else (np.nan, np.nan)
            name = f"Mean of {len(part)} {baseline.upper()} networks"
            found.loc[len(found)] = ["", name, mean, *limits, part["published"].mean()]
    return found


def notes(
    table: pd.DataFrame, task: str, selection, data_note: str | None, comparisons: Sequence[Compared]
) -> list[str]:
    """Sentences under the table, each true of this table; ``selection``: a `Selection`."""
    lines = [_selection_note(table, selection), *_selection_gain(table, task)]
    lines.append(
        "± is the standard deviation over the kept trials, dividing by their number as the published ones do (none "
        "with one trial)."
    )
    if (table["n_defined"] < table["n_kept"]).any():
        lines.append("Where a number exists for some of the kept trials only, mean and ± are over these.")
    lines += _trial_notes(table, selection.keep) + _DEFINITIONS[task]
    lines += [f"{one.what} compared with Tomtom by {one}." for one in comparisons]
    if comparisons:
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
    return ", ".join(f"{m.label} {_activation(m.activation)} {getattr(m, column)}" for m in models.itertuples())


def _selection_gain(table: pd.DataFrame, task: str) -> list[str]:
    """One sentence on how much the selection of trials changes the classification metric; empty without selection."""
    metric, label = next(iter(SHOWN[task].items()))
    rows = table[(table["metric"] == metric) & (table["n_kept"] < table["n_trials"])]
    gains = (rows["mean"] - rows["mean_all"]).dropna()
    if gains.empty:
        return []
    most = rows.loc[gains.idxmax()]
    return [
        f"Kept trials against all trials of the same network: {label} is higher by {decimal(gains.median())} in the "
        f"median network and by {decimal(gains.max())} in {most['label']} with "
        f"{_activation(most['activation'])}."
    ]


def texts(
    table: pd.DataFrame,
    task: str,
    selection,
    *,
    label: str | None = None,
    data_note: str | None = None,
    comparisons: Sequence[Compared] = (),
) -> tuple[str, str]:
    """The table of `join_published` as Markdown and as LaTeX (package booktabs).

    Markdown: the paper's table with its notes, the gain by the exponential, then the plain definitions. LaTeX: the
    paper's table, published numbers without their ±.
    """
    name, sentences = title(task, label), notes(table, task, selection, data_note, comparisons)
    paper = markdown_table(*main_table(table, task), sentences, left=2)
    further = markdown_table(*further_table(table, task), _FURTHER_DEFINITIONS[task], left=2)
    header, lines = difference_table(table, task)
    brackets = any("[" in cell for line in lines for cell in line)
    gain_note = (
        "In brackets: 95 % interval over the trials of a network (Welch), or over the networks of a baseline; none "
        f"over fewer than {FEWEST}."
        if brackets
        else f"Without intervals, for which at least {FEWEST} trials of each activation are needed: not certain."
    )
    gain = f"## Exponential less ReLU\n\n{markdown_table(header, lines, [gain_note])}\n" if lines else ""
    markdown = f"# {name}\n\n{paper}\n{gain}## Further numbers of the same trials\n\n{further}"

    header, lines = main_table(table, task, published_sd=False)
    baselines = [part["baseline"].iloc[0] for part in _rows(table)]
    blocks = [n for n in range(1, len(baselines)) if baselines[n] != baselines[n - 1]]
    caption = f"{name}: reproduced and published."
    text = TextTable(header, lines, sentences, left=2, caption=caption, blocks=blocks)
    # Eleven columns: smaller letters and narrow gaps, so that the table fits a page.
    return markdown, text.latex(size=r"\scriptsize\setlength{\tabcolsep}{3pt}")


STUDY = "hybrid_networks"

COUNTS = ["n_kept", "n_defined", "n_trials", *(f"n_{status}" for status in STATUSES)]

COLUMNS = [
    *MODEL_COLUMNS,
    "metric",
    "mean",
    "sd",
    "low",
    "high",
    *COUNTS,
    "mean_all",
    "sd_all",
    "published",
    "published_sd",
]


class Chosen(Settings):
    """Split and metric by which trials of a network are selected."""

    split: str
    """Split: test or valid."""
    metric: str
    """aupr or auroc."""


class Selection(NamedTuple):
    """How many trials are kept, and how they are selected."""

    keep: int
    split: str
    """test (as published) or valid."""
    metric: str
    """aupr or auroc."""


def read_published(path: Path | str, task: str) -> dict[Place, Number]:
    """The paper's numbers of a task, by (model, metric, activation) (docs/papers.md, "Published tables")."""
    return published_numbers(path, STUDY, task)


def summarise(trials: pd.DataFrame, task: str) -> pd.DataFrame:
    """Mean and spread of every metric of every model over its kept trials, tidy.

    Returns ``MODEL_COLUMNS``, metric, mean, sd (population standard deviation, as published; NaN with one trial), low,
    high (lowest and highest kept trial), n_kept, n_defined (kept trials for which the metric is defined:
    false_discovery, for example, needs a filter with a hit; the mean is over these), n_trials, the number of trials of
    every status, mean_all and sd_all (over all trials that have the number, whether kept or not).
    """
    rows = []
    for key, part in trials.groupby(MODEL_COLUMNS, sort=False, dropna=False):
        counts = {"n_kept": int(part["kept"].sum()), "n_trials": len(part)}
        counts |= {f"n_{status}": int((part["status"] == status).sum()) for status in STATUSES}
        for metric in task_metrics(task).metrics:
            values, everything = part.loc[part["kept"], metric].dropna(), part[metric].dropna()
            row = dict(zip(MODEL_COLUMNS, key, strict=True)) | {"metric": metric, "n_defined": len(values)} | counts
            row["mean"], row["sd"] = values.mean(), _sd(values)
            row["low"], row["high"] = values.min(), values.max()
            row["mean_all"], row["sd_all"] = everything.mean(), _sd(everything)
            rows.append(row)
    return pd.DataFrame(rows)


def _sd(values: pd.Series) -> float:
    return values.std(ddof=0) if len(values) > 1 else np.nan


def join_published(
    table: pd.DataFrame, known: Mapping[Place, Number], architectures: Mapping[str, HybridArchitecture]
) -> pd.DataFrame:
    """The table of `summarise`, with the paper's numbers for models that it has too; columns ``COLUMNS``."""
    names = {name: architecture.published for name, architecture in architectures.items()}
    keys = zip(table["architecture"].map(names), table["metric"], table["activation"], strict=True)
    pairs = [known.get(key, (np.nan, np.nan)) for key in keys]
    return table.assign(published=[p[0] for p in pairs], published_sd=[p[1] for p in pairs])[COLUMNS]


def compared_filters(
    folder: Path | str, task: str, architectures: Mapping[str, HybridArchitecture], activations: Sequence[str]
) -> list[Compared]:
    """How the filters were compared with known motifs, usually all in one way.

    Raises `InputError` if a model's ``tomtom.tsv`` is missing or malformed.
    """
    models = [f"{name}/{activation}" for name in architectures for activation in activations]
    facts = {model: read_hits(Path(folder) / task / model / "tomtom.tsv")[1] for model in models}
    ways = group_by_way(facts)
    several = len(ways) > 1
    return [Compared(f"Filters of {len(of)} of the networks" if several else "Filters", way) for of, way in ways]


@command("hybrid-networks results")
def results(
    folder: Path | str,
    /,
    task: str,
    architectures: Part[Annotated[Mapping[str, HybridArchitecture], Field(min_length=1)]],
    activations: Part[Sequence[str]],
    keep: Part[PositiveInt],
    selection: Part[Chosen],
    published: Path | str,
    csv: Path | str,
    trials: Path | str,
    md: Path | str,
    tex: Path | str,
    facts: Path | str | None = None,
    label: Part[str | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Result table of a task: every network with both activations, beside the paper's numbers.

    ``folder``: results of the study, FOLDER/TASK/ARCHITECTURE/ACTIVATION.

    Arguments:
        task: task1 or task2.
        architectures, activations: configured ones, in the order of the rows.
        keep: number of best trials to keep.
        selection: how they are selected.
        published: numbers that the papers print.
        csv: the summary, to write.
        trials: table of all trials, to write.
        md, tex: the paper's table, to write.
        facts: how filters were compared with known motifs, JSON to write (default: beside the summary).
        label: name of the task in tables.
        data_note: one sentence on the data and the sizes, printed under the table.

    Returns the summary, columns ``COLUMNS``. Raises InputError on bad input, see `collect_trials`.
    """
    kept = Selection(keep, selection.split, selection.metric)
    rows = collect_trials(folder, task, architectures, activations, *kept)
    table = join_published(summarise(rows, task), read_published(published, task), architectures)
    comparisons = compared_filters(folder, task, architectures, activations) if task == "task1" else []
    page, source = texts(table, task, kept, label=label, data_note=data_note, comparisons=comparisons)
    write_csv(rows, trials)
    write_csv(table, csv)
    write_text(page, md)
    write_text(source, tex)
    write_comparisons(comparisons, facts or facts_path(csv))
    return table
