"""Training of the assay models: Poisson loss on tracks, best epoch by their correlation."""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchmetrics import PearsonCorrCoef

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.progress import progress
from regulens.core.sequence import one_hot
from regulens.data.store import AssayStore
from regulens.models.base import AssayModel, build
from regulens.training import loop
from regulens.training.batches import Batch, EpochAugmentation, StoreDataset
from regulens.training.checkpoint import save_model
from regulens.training.resume import TrainingTask
from regulens.training.settings import TrainingSettings

_HEAD_EXAMPLES = 1000
"""Number of training examples from which the initial biases of the head are estimated."""


@command("train", threads=True)
def train_assay(
    *,
    train: Path | str,
    valid: Path | str,
    architecture: Part[str],
    settings: Part[dict[str, Any]],
    training: Part[TrainingSettings],
    seed: int,
    state: Path | str,
    epochs_log: Path | str,
    output: Path | str,
) -> None:
    """Train an assay model; after an interruption, the same command resumes from the last finished epoch.

    Arguments:
        train, valid: stores of the training and the validation set.
        architecture, settings: the model.
        training: how it is trained.
        seed: random seed.
        state: folder of the state that an interrupted run resumes from.
        epochs_log: CSV to write, one row per epoch.
        output: the weights of the best epoch (Genomic Interpreter, section 3.5).

    See `loop.train`; Genomic Interpreter, section 3.5; docs/papers.md, "Assay training". Also raises `InputError` for
    stores that are empty or do not fit each other.
    """

    @contextmanager
    def task() -> Iterator[AssayTask]:
        with _stores(train, valid) as stores:
            model = build(architecture, settings, stores[0].geometry, len(stores[0].tracks))
            yield AssayTask(model, stores, training)

    loop.train(task, training, seed, output, epochs_log, state)


@contextmanager
def _stores(train: Path | str, valid: Path | str) -> Iterator[list[AssayStore]]:
    """Both stores, checked to hold examples of the same kind."""
    with AssayStore(train) as first, AssayStore(valid) as second:
        for store in (first, second):
            if not len(store):
                raise InputError(f"{store.path} has no examples: nothing to train or validate on")
        if first.geometry != second.geometry:
            raise InputError(f"{first.path} and {second.path} differ in geometry: make both from the same settings")
        if first.tracks["identifier"].tolist() != second.tracks["identifier"].tolist():
            raise InputError(f"{first.path} and {second.path} differ in tracks: make both from the same track table")
        yield [first, second]


def data_identity(store: AssayStore) -> str:
    """Hash of a store's contents, independent of its path: geometry, tracks, number of examples, and 16 examples."""
    digest = hashlib.sha256(f"{len(store)} {store.geometry.model_dump_json()}".encode())
    digest.update(store.tracks.drop(columns=["file", "group"]).to_csv(sep="\t", index=False).encode())
    for index in evenly_spaced(len(store), 16):
        digest.update(store.location(index).encode())
        digest.update(store.sequence(index).tobytes())
        digest.update(store.target(index).tobytes())
    return digest.hexdigest()


class AssayTask(TrainingTask):
    """An assay model on two stores with the same geometry and tracks."""

    scores = ("pearson",)

    def __init__(self, model: AssayModel, stores: list[AssayStore], settings: TrainingSettings):
        train, valid = stores
        super().__init__(model, StoreDataset(train, settings.examples(len(train))), StoreDataset(valid))
        self.stores, self.settings = stores, settings
        tracks = stores[0].tracks
        self.pearson = TrackPearson(len(tracks))
        strand_pair = torch.from_numpy(tracks["strand_pair"].to_numpy(dtype="int64", copy=True))
        self.register_buffer("strand_pair", strand_pair, persistent=False)

    def identity(self) -> dict[str, Any]:
        return {
            "architecture": self.model.architecture,
            "model": self.model.settings.model_dump(mode="json"),
            "data": [data_identity(store) for store in self.stores],
        }

    def code_modules(self) -> set[str]:
        # The architecture's module is found by the registry at run time; a module outside regulens has no hash.
        own = type(self.model).__module__
        return {"training.assay"} | ({own.removeprefix("regulens.")} if own.startswith("regulens.") else set())

    def initialise(self) -> None:
        self.model.initialise_head(torch.from_numpy(track_means(self.stores[0], _HEAD_EXAMPLES)))

    def start_epoch(self, seed: int, epoch: int) -> None:
        augmentation = self.settings.augmentation
        self.augmentation = EpochAugmentation(augmentation, len(self.train_data), self.strand_pair, seed, epoch)

    def training_losses(self, batch: Batch) -> Tensor:
        batch = self.augmentation(batch)
        return poisson_loss(self.model(one_hot(batch.codes)), batch.target)

    def validation_losses(self, batch: Batch) -> Tensor:
        rate = self.model(one_hot(batch.codes))
        real = batch.weight.bool()
        self.pearson.update(rate[real], batch.target[real])
        return poisson_loss(rate, batch.target)

    def reset_scores(self) -> None:
        self.pearson.reset()

    def score_values(self) -> dict[str, float]:
        return {"pearson": float(self.pearson.correlation().mean())}

    def save(self, output: Path, weights: dict[str, Tensor], **facts: Any) -> None:
        save_model(output, self.model, weights, self.stores[0], **facts)


# Loss and correlation of predicted tracks.


def poisson_loss(rate: Tensor, target: Tensor) -> Tensor:
    """Poisson loss of each example: the mean over bins and tracks of rate - target log(rate).

    ``rate`` and ``target`` are (batch, bins, tracks); computed in float32, result float32 (batch,). The logarithm's
    argument is at least 1e-20, so that a rate of zero has a finite loss. Genomic Interpreter, section 3.5;
    docs/papers.md, "Assay training".
    """
    rate, target = rate.float(), target.float()
    return (rate - target * rate.clamp(min=1e-20).log()).mean(dim=(1, 2))


class Correlation(NamedTuple):
    """Correlation of each track; ``pearson`` is nan if undefined because one side is constant."""

    pearson: Tensor
    """Pearson r, float64 (tracks,)."""
    constant_target: Tensor
    """Tracks with a constant target, bool (tracks,)."""
    constant_prediction: Tensor
    """Tracks with a constant prediction, bool (tracks,)."""

    def mean(self) -> Tensor:
        """Mean over the tracks where r is defined (nan if there is none), float64."""
        return self.pearson.nanmean()


class TrackPearson(PearsonCorrCoef):
    """Pearson r of each track, pooled over all segments and bins, accumulated in float64.

    Merges over the processes of a distributed run. A track is constant if its minimum equals its maximum, a test that
    is not affected by rounding. See docs/papers.md, "Track correlation".
    """

    def __init__(self, n_tracks: int):
        super().__init__(num_outputs=n_tracks)
        self.set_dtype(torch.float64)
        for name in ("prediction", "target"):
            start = torch.full((n_tracks,), torch.inf, dtype=torch.float64)
            self.add_state(f"{name}_min", start, dist_reduce_fx="min")
            self.add_state(f"{name}_max", -start, dist_reduce_fx="max")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add examples: ``prediction`` and ``target`` (batch, bins, tracks); an empty batch changes nothing."""
        if not len(prediction):
            return
        for name, values in (("prediction", prediction), ("target", target)):
            low, high = values.amin(dim=(0, 1)).double(), values.amax(dim=(0, 1)).double()
            setattr(self, f"{name}_min", torch.minimum(getattr(self, f"{name}_min"), low))
            setattr(self, f"{name}_max", torch.maximum(getattr(self, f"{name}_max"), high))
        shape = (-1, self.num_outputs)
        super().update(prediction.double().reshape(shape), target.double().reshape(shape))

    def compute(self) -> Correlation:
        """Same as `correlation`, but for a single track torchmetrics turns the result into numbers."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about constant tracks: here they are part of the result
            pearson = super().compute().reshape(self.num_outputs)
        target = self.target_min >= self.target_max
        prediction = self.prediction_min >= self.prediction_max
        return Correlation(pearson.masked_fill(target | prediction, torch.nan), target, prediction)

    def correlation(self) -> Correlation:
        """The correlation of each track over everything added so far, in all processes."""
        return Correlation(*(values.reshape(self.num_outputs) for values in self.compute()))


# Statistics over a store.


def track_means(store: AssayStore, limit: int | None = None) -> np.ndarray:
    """Mean of each track over examples and bins, float64 (tracks,).

    ``limit``: use only that many examples, evenly spaced over the store.
    """
    total = np.zeros(len(store.tracks))
    chosen = evenly_spaced(len(store), limit or len(store))
    for index in progress(chosen, "track means"):
        total += store.target(index).sum(axis=0, dtype=np.float64)
    return total / (len(chosen) * store.geometry.bins)


def evenly_spaced(total: int, count: int) -> list[int]:
    """At most ``count`` of the positions 0 to ``total`` - 1, evenly spaced and in order."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int)).tolist()
