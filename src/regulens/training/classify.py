"""Classifiers of labelled sequences on the test set, beside a logistic regression on k-mer frequencies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.kmers import kmer_ids, token_ids, vocabulary_size
from regulens.core.progress import progress
from regulens.core.statistics import bootstrap_weights, percentile_interval, weighted_areas
from regulens.data.overlap import overlapping
from regulens.data.sequences import SequenceSet, read_sequences
from regulens.models.bert import load_classifier
from regulens.training.device import best_device

METRICS = ("accuracy", "balanced_accuracy", "auroc", "mcc", "f1")
"""Scores of a classifier; balanced accuracy is the mean recall of both classes, f1 that of the positive class."""

ALL, NOT_OVERLAPPING = "all", "not_overlapping"
"""Test sequences that are scored: all, and those that overlap no training or validation sequence."""

CLASSIFIER_ROW, REFERENCE_ROW = "bert", "kmer_logistic_regression"

DIFFERENCE_ROW = "bert_minus_logistic_regression"

_COLUMNS = ("id", "label", "probability")

_RESAMPLES_AT_ONCE = 100


@command("classify", threads=True)
def predict_classes(
    model_path: Path | str,
    /,
    test: Path | str,
    output: Path | str,
    batch: Part[int] = 256,
    accelerator: str = "auto",
) -> None:
    """Probability of the positive class for every test sequence: CSV with id, label (the true one), probability.

    Raises `InputError` if the model is unreadable or was made for another length.
    """
    model, content = load_classifier(model_path)
    sequences = read_sequences(test)
    if sequences.codes.shape[1] != content["length_bp"]:
        raise InputError(
            f"{model_path} was made for {content['length_bp']} bp, {test} has sequences of "
            f"{sequences.codes.shape[1]}: use one length_bp for both"
        )
    device = best_device(accelerator)
    model.to(device)
    k, codes, found = content["settings"]["k"], torch.from_numpy(sequences.codes), []
    with torch.inference_mode():
        for part in progress(codes.split(batch), f"predicting {Path(test).name}"):
            found.append(model(token_ids(part.to(device), k)).logits.softmax(1)[:, 1].cpu())
    _write_predictions(output, sequences, torch.cat(found).numpy())


@command("classify-by-kmers")
def predict_by_kmers(train: Sequence[Path | str], test: Path | str, output: Path | str, k: Part[int] = 4) -> None:
    """The reference row: a logistic regression on standardised k-mer frequencies; output as of `regulens classify`.

    ``train``: the training and validation tables, which are concatenated, because nothing is selected here.

    Raises `InputError` for tables of different lengths and a training set of one class.
    """
    tables, held_out = _read_tables(train, test)
    labels = np.concatenate([table.labels for table in tables])
    if len(np.unique(labels)) < 2:
        raise InputError(f"{', '.join(map(str, train))}: all labels are {labels[0]}, both classes are needed")
    from sklearn.linear_model import LogisticRegression  # the other commands do not wait for it
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(np.concatenate([kmer_frequencies(table.codes, k) for table in tables]), labels)
    _write_predictions(output, held_out, model.predict_proba(kmer_frequencies(held_out.codes, k))[:, 1])


def kmer_frequencies(codes: np.ndarray, k: int = 4) -> np.ndarray:
    """Share of each k-mer among those of a sequence: float32 (N, 4 ** k) from uint8 codes (N, L) without N."""
    first = vocabulary_size(k) - 4**k
    kmers = kmer_ids(torch.from_numpy(codes), k) - first
    counts = torch.zeros(len(codes), 4**k).scatter_add_(1, kmers, torch.ones(kmers.shape))
    return (counts / kmers.shape[1]).numpy()


@command("classifier-metrics")
def classifier_metrics(
    predictions: Path | str,
    /,
    reference: Path | str,
    train: Sequence[Path | str],
    test: Path | str,
    output: Path | str,
    bootstrap: Part[int] = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Test scores of a classifier and of the logistic regression, written as CSV and returned.

    Columns: subset, row (`CLASSIFIER_ROW`, `REFERENCE_ROW`, `DIFFERENCE_ROW`), metric (`METRICS`), value, low, high
    (95 % bootstrap over the sequences of the subset, the same resamples for both, so that the difference is paired),
    sequences (of the subset). A score is empty where it is undefined, such as AUROC of one class.

    ``train`` are the training and validation tables, which the classifiers have seen. The subset `ALL` is the whole
    test table; `NOT_OVERLAPPING` excludes sequences that overlap those tables (`overlapping`): a classifier that
    memorises regions does better on the first than on unseen sequences. If nothing overlaps, the second subset is not
    written, because it would be the same.

    Raises `InputError` if a file cannot be read or does not belong to the test table, or if the tables have different
    lengths.
    """
    tables, held_out = _read_tables(train, test)
    probabilities = []
    for path in (predictions, reference):
        found = _read_predictions(path)
        if found["id"].tolist() != held_out.ids or found["label"].tolist() != held_out.labels.tolist():
            raise InputError(f"{path}: not predictions of the sequences of {test}: make the file again")
        probabilities.append(found["probability"].to_numpy())
    apart = ~overlapping(held_out.codes, np.concatenate([table.codes for table in tables]))
    subsets = {ALL: np.ones(len(apart), dtype=bool)} | ({} if apart.all() else {NOT_OVERLAPPING: apart})
    parts = []
    for subset, chosen in subsets.items():
        compared = _compare(*(values[chosen] for values in probabilities), held_out.labels[chosen], bootstrap, seed)
        compared.insert(0, "subset", subset)
        parts.append(compared)
    table = pd.concat(parts, ignore_index=True)
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def _compare(first: np.ndarray, second: np.ndarray, label: np.ndarray, bootstrap: int, seed: int) -> pd.DataFrame:
    """Rows of `classifier_metrics` from the probabilities of both classifiers and the labels, each (N,)."""
    rng, both = np.random.default_rng(seed), (first, second)
    values, draws = [np.full(len(METRICS), np.nan)] * 2, [np.empty((0, len(METRICS)))] * 2
    if len(label):
        whole, parts = np.full((1, len(label)), 1 / len(label)), []
        for start in range(0, bootstrap, _RESAMPLES_AT_ONCE):
            weights = bootstrap_weights(len(label), min(_RESAMPLES_AT_ONCE, bootstrap - start), rng)
            parts.append([weighted_metrics(probability, label, weights) for probability in both])
        values = [weighted_metrics(probability, label, whole)[0] for probability in both]
        draws = [np.concatenate([part[which] for part in parts]) for which in range(2)]
    values, draws = [*values, values[0] - values[1]], [*draws, draws[0] - draws[1]]
    rows = []
    for row, value, drawn in zip((CLASSIFIER_ROW, REFERENCE_ROW, DIFFERENCE_ROW), values, draws, strict=True):
        for column, metric in enumerate(METRICS):
            defined = drawn[~np.isnan(drawn[:, column]), column]
            low, high = percentile_interval(defined) if len(defined) else (np.nan, np.nan)
            rows.append((row, metric, value[column], low, high, len(label)))
    return pd.DataFrame(rows, columns=["row", "metric", "value", "low", "high", "sequences"])


def weighted_metrics(probability: np.ndarray, label: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`METRICS` of weighted sequences, float64 (resamples, 5), nan where undefined.

    ``probability`` of class 1 and ``label`` (0 or 1) are (N,), ``weights`` (resamples, N) with rows that sum to 1: all
    resamples at once, while scikit-learn takes them one by one. A probability above 0.5 predicts class 1. With one
    class only accuracy is defined, and f1 if it is the positive one.
    """
    predicted, positive = probability > 0.5, label == 1
    hits, misses = weights @ (predicted & positive), weights @ (~predicted & positive)
    false, correct = weights @ (predicted & ~positive), weights @ (~predicted & ~positive)
    with np.errstate(divide="ignore", invalid="ignore"):
        positives, negatives = hits + misses, correct + false
        balanced = (hits / positives + correct / negatives) / 2
        sides = (hits + false) * positives * negatives * (correct + misses)
        # As in scikit-learn, MCC of a constant prediction is 0; for constant labels it is undefined.
        mcc = np.where(sides > 0, (hits * correct - false * misses) / np.sqrt(sides), 0)
        mcc = np.where((positives > 0) & (negatives > 0), mcc, np.nan)
        f1 = np.where(positives > 0, 2 * hits / (2 * hits + false + misses), np.nan)
        auroc = weighted_areas(positive, probability, weights)[1]
    return np.stack([hits + correct, balanced, auroc, mcc, f1], axis=1)


def _read_tables(train_paths: Sequence[Path | str], test_path: Path | str) -> tuple[list[SequenceSet], SequenceSet]:
    """Training tables and test table; raises `InputError` if their sequences differ in length."""
    tables, test = [read_sequences(path) for path in train_paths], read_sequences(test_path)
    for path, table in zip(train_paths, tables, strict=True):
        if table.codes.shape[1] != test.codes.shape[1]:
            raise InputError(f"{path} has sequences of {table.codes.shape[1]} bp, {test_path} of {test.codes.shape[1]}")
    return tables, test


def _write_predictions(output: Path | str, sequences: SequenceSet, probability: np.ndarray) -> None:
    table = pd.DataFrame(dict(zip(_COLUMNS, (sequences.ids, sequences.labels, probability), strict=True)))
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def _read_predictions(path: Path | str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={"id": str}, keep_default_na=False)
        table = table[list(_COLUMNS)].astype({"label": int, "probability": float})
    except FileNotFoundError:
        raise InputError(f"{path}: the file of predictions does not exist") from None
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: not a table with the columns {', '.join(_COLUMNS)}: {error}") from None
    if not len(table) or not table["label"].isin((0, 1)).all() or not table["probability"].between(0, 1).all():
        raise InputError(
            f"{path}: every row needs a label of 0 or 1 and a probability from 0 to 1; make the file again"
        )
    return table
