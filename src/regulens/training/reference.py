"""Predictions without a neural network, to compare models with: the mean of each track, and GC and CpG content."""

from pathlib import Path

import numpy as np

from regulens.data.settings import Geometry
from regulens.data.store import AssayStore
from regulens.errors import InputError
from regulens.reference_rows import MEAN, RIDGE
from regulens.training.display import progress
from regulens.training.predictions import write_predictions
from regulens.training.statistics import track_means

"""Names of the two references in files of predictions."""


def predict_reference(
    reference: str, train_store: Path | str, test_store: Path | str, output: Path | str, alpha: float = 1.0
) -> None:
    """Write the predictions of a reference by its name, `MEAN` or `RIDGE`; `InputError` for another name."""
    if reference == MEAN:
        training_mean(train_store, test_store, output)
    elif reference == RIDGE:
        gc_cpg_ridge(train_store, test_store, output, alpha)
    else:
        raise InputError(f"unknown reference '{reference}': use {MEAN} or {RIDGE}")


def training_mean(train_store: Path | str, test_store: Path | str, output: Path | str) -> None:
    """Predict the training set's mean of each track everywhere.

    Correlation with a constant is undefined: the table of correlations has no r and says "prediction" in its column
    ``constant``.
    """
    with AssayStore(train_store) as train, AssayStore(test_store) as test:
        _same_kind(train, test)
        means = np.broadcast_to(track_means(train).astype(np.float32), (test.geometry.bins, len(test.tracks)))
        # One value repeated: the lowest level of gzip leaves next to nothing of it.
        with write_predictions(output, test, MEAN, None, compression=1) as writer:
            for _ in progress(range(len(test)), "training mean"):
                writer.append(means[None])


def gc_cpg_ridge(train_store: Path | str, test_store: Path | str, output: Path | str, alpha: float = 1.0) -> None:
    """Predict each bin of the test store by ridge regression on the bin's own GC and CpG content.

    Minimises over the training bins, for each track, sum (y - intercept - w.z)^2 + alpha |w|^2, where z are the two
    features of `composition` with mean 0 and standard deviation 1 in training; the intercept has no penalty. A bin
    without a value (all N) has z = 0. Solved in closed form from sums in float64, in one pass.

    Raises `InputError` when the stores differ in geometry or tracks.
    """
    with AssayStore(train_store) as train, AssayStore(test_store) as test:
        _same_kind(train, test)
        mean, sd, weights, intercept = _fit(train, alpha)
        with write_predictions(output, test, RIDGE, None) as writer:
            for index in progress(range(len(test)), "GC + CpG ridge"):
                z = _standardised(composition(test.sequence(index), test.geometry), mean, sd)
                writer.append((z @ weights + intercept)[None])


def composition(codes: np.ndarray, geometry: Geometry) -> np.ndarray:
    """GC and CpG content of each target bin, float64 (bins, 2); nan where a bin has nothing but N.

    ``codes`` is uint8 (input_bp,), A, C, G, T, N = 0 to 4. GC: share of G and C among the bases that are not N. CpG:
    share of CG among the pairs of neighbours without N; a pair belongs to the bin of its first base.
    """
    start = (geometry.input_bp - geometry.target_bp) // 2
    stop = start + geometry.target_bp
    following = np.append(codes, 4)[start + 1 : stop + 1]
    codes = codes[start:stop]
    shape = (geometry.bins, geometry.bin_bp)
    counts = [
        values.reshape(shape).sum(axis=1, dtype=np.float64)
        for values in (
            (codes == 1) | (codes == 2),
            codes < 4,
            (codes == 1) & (following == 2),
            (codes < 4) & (following < 4),
        )
    ]
    with np.errstate(invalid="ignore"):
        return np.stack([counts[0] / counts[1], counts[2] / counts[3]], axis=1)


def _fit(train: AssayStore, alpha: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean and sd of the features (2,), weights (2, tracks) and intercept (tracks,)."""
    every = np.concatenate(
        [composition(train.sequence(i), train.geometry) for i in progress(range(len(train)), "GC and CpG content")]
    )
    mean, sd = np.nanmean(every, axis=0), np.nanstd(every, axis=0)
    z = _standardised(every, mean, sd)
    bins, n_tracks = train.geometry.bins, len(train.tracks)
    sum_y, sum_zy = np.zeros(n_tracks), np.zeros((2, n_tracks))
    for index in progress(range(len(train)), "GC + CpG ridge, fit"):
        y = train.target(index).astype(np.float64)
        sum_y += y.sum(axis=0)
        sum_zy += z[index * bins : (index + 1) * bins].T @ y
    # The intercept has no penalty: centre both sides (bins of N shift the mean of z away from 0).
    z_mean, y_mean = z.mean(axis=0), sum_y / len(z)
    centred = z - z_mean
    gram, moments = centred.T @ centred + alpha * np.eye(2), sum_zy - len(z) * np.outer(z_mean, y_mean)
    weights = np.linalg.lstsq(gram, moments, rcond=None)[0]  # a feature without variance gets weight 0
    return mean, sd, weights, y_mean - z_mean @ weights


def _standardised(features: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    return np.nan_to_num((features - mean) / np.where(sd > 0, sd, 1.0))


def _same_kind(train: AssayStore, test: AssayStore) -> None:
    if train.geometry != test.geometry or train.tracks["identifier"].tolist() != test.tracks["identifier"].tolist():
        raise InputError(f"{train.path} and {test.path} differ in geometry or tracks: make both from the same settings")
