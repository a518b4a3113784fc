"""Predictions of trained assay models and of references, and their correlation with the truth."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import OutputFile, hdf5_output, open_hdf5
from regulens.core.io import atomic_output
from regulens.core.progress import progress
from regulens.core.sequence import one_hot
from regulens.core.tables import CORRELATION_COLUMNS
from regulens.data.settings import Geometry
from regulens.data.store import LOCATION_BYTES, AssayStore, track_means
from regulens.data.tracks import tracks_from_text, tracks_to_text
from regulens.models.base import AssayModel
from regulens.training.batches import StoreDataset, evaluation_batches, loader, reverse_complement
from regulens.training.checkpoint import build_from_checkpoint, read_checkpoint, track_differences
from regulens.training.device import best_device
from regulens.training.settings import MEAN, REFERENCE_ROWS, REPLICATE, RIDGE


@command("predict", threads=True)
def predict(
    model: Path | str,
    /,
    data: Path | str,
    output: Path | str,
    batch: Part[int] = 8,
    both_strands: Part[bool] = False,
    accelerator: str = "auto",
    seed: int | None = None,
    name: str | None = None,
) -> None:
    """Predict every example of a store in float32 (`write_predictions`).

    ``batch`` examples at a time; ``both_strands``: the mean of the predictions for both strands, those of the reverse
    complement turned back; ``accelerator`` is auto, cpu or gpu; ``name`` and ``seed`` identify the model in the
    file (default: architecture and seed of the checkpoint). Memory use does not depend on the size of the store.

    Raises `InputError` when the checkpoint is unreadable or was made for another geometry or other tracks.
    """
    content = read_checkpoint(model)
    network = build_from_checkpoint(content, model)
    device = best_device(accelerator)
    with AssayStore(data) as store:
        differences = [] if network.geometry == store.geometry else [f"geometry: {network.geometry} in the model"]
        differences += track_differences(content["tracks"], store)
        if differences:
            raise InputError(f"{model} does not fit the data of {data}:\n  " + "\n  ".join(differences))
        name = content["architecture"] if name is None else name
        seed = content.get("seed") if seed is None else seed
        batches = loader(StoreDataset(store), evaluation_batches(len(store), batch), pin=device.type == "cuda")
        network.to(device)
        pairs = torch.from_numpy(store.tracks["strand_pair"].to_numpy(copy=True)).to(device)
        with write_predictions(output, store, name, seed) as writer, torch.inference_mode():
            for each in progress(batches, f"predicting {name}"):
                codes = each.codes.to(device, non_blocking=True)
                writer.append(predicted(network, codes, pairs if both_strands else None).cpu().numpy())


def frozen_model(path: Path | str) -> tuple[AssayModel, pd.DataFrame]:
    """A trained model for inference, on the best device and without gradients of its weights, and its track table."""
    content = read_checkpoint(path)
    network = build_from_checkpoint(content, path).requires_grad_(False).to(best_device())
    return network, tracks_from_text(content["tracks"])


def predicted(network: AssayModel, codes: torch.Tensor, strand_pairs: torch.Tensor | None = None) -> torch.Tensor:
    """Predictions (B, bins, tracks) for codes (B, input_bp).

    ``strand_pairs``: row of the other strand of every track; then the mean over both strands.
    """
    values = network(one_hot(codes))
    if strand_pairs is None:
        return values
    codes, _ = reverse_complement(codes, values, strand_pairs)
    return (values + reverse_complement(codes, network(one_hot(codes)), strand_pairs)[1]) / 2


@command("pearson")
def pearson_table(predictions: Path | str, /, test: Path | str, output: Path | str) -> pd.DataFrame:
    """Pearson r of every track over all segments and bins, written as CSV and returned.

    One row per track with `CORRELATION_COLUMNS`. Genomic Interpreter, section 4; docs/papers.md, "Track correlation".
    Raises `InputError` if the predictions do not belong to the store.
    """
    from regulens.training.correlation import TrackPearson  # predictions do not wait for torchmetrics

    with AssayStore(test) as store, open_predictions(predictions, store) as predicted:
        pearson = TrackPearson(len(store.tracks))
        for index in progress(range(len(store)), "correlation"):
            prediction, target = torch.from_numpy(predicted[index]), torch.from_numpy(store.target(index))
            pearson.update(prediction[None], target[None].float())
        found, tracks = pearson.correlation(), store.tracks
    constant = np.where(found.constant_target, "target", np.where(found.constant_prediction, "prediction", ""))
    table = pd.DataFrame(
        {
            "track": range(len(tracks)),
            "identifier": tracks["identifier"],
            "description": tracks["description"],
            "group": tracks["group"],
            "pearson": found.pearson.numpy(),
            "constant": constant,
        },
        columns=CORRELATION_COLUMNS,
    )
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False)
    return table


# Reference predictions without a neural network: the mean of each track, a regression on GC and CpG content, and the
# replicates of a measurement, which no model can predict better than they agree.


@command("predict-reference")
def predict_reference(
    reference: str, /, train: Path | str, test: Path | str, output: Path | str, ridge_alpha: Part[float] = 1.0
) -> None:
    """Predictions of a reference row of Table 1, by its name in `REFERENCE_ROWS`; `InputError` for another name."""
    if reference == MEAN:
        training_mean(train, test, output)
    elif reference == RIDGE:
        gc_cpg_ridge(train, test, output, ridge_alpha)
    elif reference == REPLICATE:
        replicates(test, output)
    else:
        raise InputError(f"unknown reference '{reference}': use {', '.join(REFERENCE_ROWS)}")


def training_mean(train_store: Path | str, test_store: Path | str, output: Path | str) -> None:
    """Predict the mean of each track over the training set, everywhere.

    The correlation of a constant is undefined: the table of correlations has no r and "prediction" in its column
    ``constant``.
    """
    with AssayStore(train_store) as train, AssayStore(test_store) as test:
        _same_kind(train, test)
        means = np.broadcast_to(track_means(train).astype(np.float32), (test.geometry.bins, len(test.tracks)))
        # One value repeated: the lowest gzip level compresses it to almost nothing.
        with write_predictions(output, test, MEAN, None, compression=1) as writer:
            for _ in progress(range(len(test)), "training mean"):
                writer.append(means[None])


def replicates(test_store: Path | str, output: Path | str) -> None:
    """Predict each track by the mean of its replicates: the other tracks with the same text in ``replicates``.

    What a model can reach at most, unless it averages noise out that replicates share. A track without a replicate is
    predicted as 0 everywhere, whose correlation is undefined. Raises `InputError` if no track has one.
    """
    with AssayStore(test_store) as test:
        names = test.tracks["replicates"].to_numpy()
        same = (names[:, None] == names) & (names != "")
        np.fill_diagonal(same, False)
        if not same.any():
            raise InputError(
                f"{test.path}: no two tracks have the same text in the column replicates of the track table: fill it "
                f"in, or take {REPLICATE} out of evaluation.references"
            )
        weights = (same / np.maximum(same.sum(axis=0), 1)).astype(np.float32)
        with write_predictions(output, test, REPLICATE, None) as writer:
            for index in progress(range(len(test)), "replicates"):
                writer.append((test.target(index).astype(np.float32) @ weights)[None])


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
    """GC and CpG content of each target bin, float64 (bins, 2); nan if a bin has only N.

    ``codes`` is uint8 (input_bp,), A, C, G, T, N = 0 to 4. GC: share of G and C among bases other than N. CpG: share of
    CG among pairs of neighbouring bases without N; a pair belongs to the bin of its first base.
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
    # The intercept has no penalty: centre both sides. The mean of z is 0 but for rounding, also with bins of N (z = 0).
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


# Files of predicted tracks for the examples of a store.


class PredictionWriter:
    """Appends predictions in the order of the store; created by `write_predictions`."""

    def __init__(self, file: OutputFile, store: AssayStore, compression: int | None):
        geometry, n_tracks = store.geometry, len(store.tracks)
        self._store, self._file = store, file
        self._values = file.create_dataset(
            "prediction",
            (len(store), geometry.bins, n_tracks),
            dtype=np.float32,
            chunks=(1, geometry.bins, n_tracks),
            compression=compression,
            fletcher32=True,
        )
        self._locations = file.create_dataset("location", (len(store),), dtype=f"S{LOCATION_BYTES}")
        self.examples = 0
        """Examples written so far."""

    def append(self, values: np.ndarray) -> None:
        """Add the next examples: (examples, bins, tracks)."""
        rows = range(self.examples, self.examples + len(values))
        self._values[rows.start : rows.stop] = values
        self._locations[rows.start : rows.stop] = [self._store.location(row).encode() for row in rows]
        self.examples = rows.stop
        self._file.check()


@contextmanager
def write_predictions(
    output: Path | str, store: AssayStore, model: str, seed: int | None, compression: int | None = None
) -> Iterator[PredictionWriter]:
    """Open a file of predictions for all examples of ``store``; it appears only if the block ends without an error.

    HDF5: ``prediction`` float32 (examples, bins, tracks) and ``location`` as in the store; attributes tracks, input_bp,
    bins, bin_bp as in the store, ``model`` (a name) and, if there is one, ``seed``. ``compression`` is a gzip level.
    """
    with hdf5_output(output) as file:
        file.attrs["tracks"] = tracks_to_text(store.tracks)
        for name in ("input_bp", "bins", "bin_bp"):
            file.attrs[name] = getattr(store.geometry, name)
        file.attrs["model"] = model
        if seed is not None:
            file.attrs["seed"] = seed
        writer = PredictionWriter(file, store, compression)
        yield writer
        if writer.examples != len(store):
            raise ValueError(f"{writer.examples} predictions for {len(store)} examples")


@contextmanager
def open_predictions(path: Path | str, store: AssayStore) -> Iterator[h5py.Dataset]:
    """The data set ``prediction`` of a file, after checking that it belongs to the examples and tracks of ``store``.

    Raises `InputError` if it is missing, broken, or made for other data.
    """
    again = "delete it and make the predictions again"
    with open_hdf5(path, "file of predictions", "make it", ["prediction", "location"]) as file:
        expected = (len(store), store.geometry.bins, len(store.tracks))
        if file["prediction"].shape != expected:
            raise InputError(
                f"{path} has predictions {file['prediction'].shape}, {store.path} needs {expected}: {again}"
            )
        try:
            locations = file["location"][:]
        except OSError as error:
            raise InputError(f"{path}: the file is damaged ({error}): {again}") from None
        for row in range(len(store)):
            if locations[row].decode() != store.location(row):
                raise InputError(
                    f"{path}: example {row} is {locations[row].decode()!r} there and {store.location(row)!r} in "
                    f"{store.path}: {again}"
                )
        try:
            yield file["prediction"]
        except OSError as error:
            if error.errno is not None:  # an error of the system, not of HDF5
                raise
            raise InputError(f"{path}: the file is damaged ({error}): {again}") from None
