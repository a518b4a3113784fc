"""Small inputs of the tables and figures of relevance scores, with the structure of real ones."""

from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd

from regulens.core.runs import TaskRun

SCORES = ["lrp", "lrp_last", "full_lrp", "rollout", "gradcam", "attention", "gradient_x_input", "random"]
TASKS = {"promoters": "Promoters", "enhancers": "Enhancers"}
CLASS_NAMES = {
    "promoters": {"positive": "Promoter", "negative": "Non-promoter"},
    "enhancers": {"positive": "Enhancer", "negative": "Non-enhancer"},
}
MUTATIONS = [1, 5, 10, 15, 20]
START = {("promoters", 1): 0.95, ("promoters", 0): 0.87, ("enhancers", 1): 0.86, ("enhancers", 0): 0.88}
LEVEL = {("promoters", 1): 0.31, ("promoters", 0): 0.68, ("enhancers", 1): 0.47, ("enhancers", 0): 0.62}
DROP = dict(zip(SCORES, [0.16, 0.145, 0.05, 0.06, 0.12, 0.11, 0.13, 0.045], strict=True))
"""Accuracy that a score costs at the largest number of mutated bases, for a promoter; enhancers lose twice as much."""


def tied(label: int, score: str, n: int) -> float:
    """Chosen by lot: GradCAM in half of the positive sequences, where it is 0 on all bases; Rollout hardly ever."""
    return {"gradcam": 0.514 if label else 0.042, "rollout": 0.004}.get(score, 0.0) if n else 0.0


def curves_table(task: str, seed: int, scores=SCORES, mutations=MUTATIONS, length=200, n_sequences=500) -> pd.DataFrame:
    """Accuracies that fall with n, at a pace of their own for each score, so that lines cross."""
    random = np.random.default_rng([seed, crc32(task.encode())])
    rows = []

    def add(label, score, n, accuracy, repeats):
        half = 1.96 * np.sqrt(max(accuracy * (1 - accuracy), 1e-4) / n_sequences)
        draws = (np.nan, np.nan) if n == 0 else (accuracy - 0.015, accuracy + 0.015)
        numbers = (accuracy, accuracy - half, accuracy + half, *draws, tied(label, score, n), n_sequences, repeats)
        rows.append((label, score, n, *numbers))

    for label in (0, 1):
        start = START.get((task, label), 0.9) + random.normal(0, 0.008)
        add(label, "unmutated", 0, start, 1)
        for number, score in enumerate(scores):
            depth = DROP[score] * (2 if task == "enhancers" else 1) * (1 if label else 0.4) * random.normal(1, 0.08)
            for n in mutations:
                pace = (n / max(mutations)) ** (0.6 + 0.15 * (number % 4))
                add(label, score, n, float(np.clip(start - depth * pace + random.normal(0, 0.003), 0, 1)), 20)
        add(label, "random_sequence", length, LEVEL.get((task, label), 0.5), 20)
    columns = ["label", "score", "n", "accuracy", "low", "high", "draw_low", "draw_high"]
    columns += ["tied", "sequences", "repeats"]
    return pd.DataFrame(rows, columns=columns)


def write_task_tables(folder: Path, make, seeds=(1,), tasks=TASKS, **options) -> list[TaskRun]:
    """One table of ``make(task, seed, **options)`` for each task and seed."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = []
    for task, label in tasks.items():
        for seed in seeds:
            path = folder / f"{task}.{seed}.csv"
            make(task, seed, **options).to_csv(path, index=False)
            runs.append(TaskRun(task, label, seed, path))
    return runs


def agreement_table(task: str, seed: int, scores=SCORES) -> pd.DataFrame:
    """Symmetric correlations: related scores near 0.9, the random one near 0, gradient x input below 0 with some."""
    random = np.random.default_rng([seed, crc32(task.encode()), 3])
    rows = []
    for label in (0, 1):
        factor = random.normal(0, 1, (len(scores), 2)) + [2, 0]
        factor[-1] = 0
        matrix = np.corrcoef(factor @ random.normal(0, 1, (2, 60)) + random.normal(0, 0.8, (len(scores), 60)))
        for i, a in enumerate(scores):
            for j, b in enumerate(scores):
                rows.append((label, a, b, matrix[i, j], 0.0 if i == j else 0.1, 500))
    return pd.DataFrame(rows, columns=["label", "score_a", "score_b", "spearman", "sd", "sequences"])


def metrics_table(task: str, seed: int, overlap=("promoters",)) -> pd.DataFrame:
    """The network above the regression, below it without overlap; the regression does not depend on the seed."""
    shift = np.random.default_rng(seed).normal(0, 0.004) + (0.03 if task == "promoters" else 0)
    subsets = {"all": (0.83 + shift, 9034)} | ({"not_overlapping": (0.80 + shift / 4, 6120)} if task in overlap else {})
    rows = []
    for subset, (bert, number) in subsets.items():
        for row, level in {"bert": bert, "kmer_logistic_regression": 0.815}.items():
            values = {"accuracy": level, "balanced_accuracy": level - 0.02, "auroc": level + 0.07, "mcc": 2 * level - 1}
            values["f1"] = level - 0.01
            rows += [(subset, row, name, value, value - 0.011, value + 0.011, number) for name, value in values.items()]
        difference = bert - 0.815
        limits = difference - 0.009, difference + 0.009
        rows.append((subset, "bert_minus_logistic_regression", "accuracy", difference, *limits, number))
    return pd.DataFrame(rows, columns=["subset", "row", "metric", "value", "low", "high", "sequences"])


def paired_table(task: str, seed: int, scores=SCORES, mutations=MUTATIONS) -> pd.DataFrame:
    """Differences against attention and random; p-values from 1 down to 1e-40."""
    random = np.random.default_rng([seed, crc32(task.encode()), 4])
    rows = []
    for label in (0, 1):
        for against in ("attention", "random"):
            for score in scores:
                for n in mutations if score != against else []:
                    difference = (DROP[against] - DROP[score]) * n / max(mutations) + random.normal(0, 0.004)
                    p = min(1.0, 10 ** (-300 * abs(difference)))
                    numbers = (difference, difference - 0.02, difference + 0.02, p, tied(label, score, n), 500, 20)
                    rows.append((label, score, against, n, *numbers))
    columns = ["label", "score", "against", "n", "difference", "low", "high", "p_value", "tied", "sequences", "repeats"]
    return pd.DataFrame(rows, columns=columns)


def truth_table(task: str, seed: int, scores=SCORES) -> pd.DataFrame:
    """LRP and gradient x input find planted bases, full_LRP does not."""
    random = np.random.default_rng([seed, crc32(task.encode()), 5])
    rows = []
    for score in scores:
        value = 0.5 + 2.2 * (DROP[score] - 0.045) + random.normal(0, 0.01)
        half = 0.012
        if score == "random":
            value, half = 0.5, 0.008
        rows.append((score, value, value - half, value + half, 800))
    return pd.DataFrame(rows, columns=["score", "auroc", "low", "high", "sequences"])
