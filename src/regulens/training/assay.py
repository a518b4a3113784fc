"""Training of the assay models: Poisson loss on tracks, best epoch by their correlation."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.sequence import one_hot
from regulens.data.store import AssayStore, evenly_spaced, track_means
from regulens.models.base import AssayModel, build
from regulens.training import loop
from regulens.training.batches import Batch, EpochAugmentation, StoreDataset
from regulens.training.checkpoint import save_model
from regulens.training.correlation import TrackPearson
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


def poisson_loss(rate: Tensor, target: Tensor) -> Tensor:
    """Poisson loss of each example: the mean over bins and tracks of rate - target log(rate).

    ``rate`` and ``target`` are (batch, bins, tracks); computed in float32, result float32 (batch,). The logarithm's
    argument is at least 1e-20, so that a rate of zero has a finite loss. Genomic Interpreter, section 3.5;
    docs/papers.md, "Assay training".
    """
    rate, target = rate.float(), target.float()
    return (rate - target * rate.clamp(min=1e-20).log()).mean(dim=(1, 2))
