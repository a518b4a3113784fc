"""Relevance of every base of every sequence of a task, by every score: computation, and the file format.

Importing this module does not import torch, which figures do not need.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output, open_hdf5
from regulens.core.progress import progress
from regulens.core.settings import nearest
from regulens.data.sequences import read_sequences
from regulens.interpret.scores import SCORES
from regulens.interpret.settings import RelevanceSettings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from regulens.interpret.relevance import Readings

ATTRIBUTES = ("task", "seed", "rules", "target", "k", "model")
"""Attributes of a score file: name of the task, seed of the classifier, propagation rules, class whose relevance was
propagated ("predicted" or "label"), k of the k-mers, label of the model."""


@command("score-relevance", threads=True)
def score_sequences(
    model_path: Path | str,
    /,
    test: Path | str,
    output: Path | str,
    settings: Part[RelevanceSettings],
    task: str,
    seed: int,
    label: str = "BERT",
    accelerator: str = "auto",
) -> None:
    """Relevance of every base of every test sequence, by every score (see `ScoreFile`).

    ``task``, ``seed`` and ``label`` (of the model) identify the classifier in the file; ``accelerator`` is auto, cpu or
    gpu. Computed in float32.

    Raises `InputError` for a score or start layer that does not exist, for sequences whose length is not the model's,
    and if a score is not finite.
    """
    import torch

    from regulens.models.bert import load_classifier
    from regulens.training.device import best_device

    for name in settings.scores:
        if name not in SCORES:
            raise InputError(f"relevance.scores: unknown score '{name}'; {nearest(name, list(SCORES))}")
    model, content = load_classifier(model_path)
    sequences, k = read_sequences(test), content["settings"]["k"]
    length, layers = sequences.codes.shape[1], content["settings"]["layers"]
    if length != content["length_bp"]:
        raise InputError(
            f"{test} has sequences of {length} bp, the model {model_path} is for {content['length_bp']} bp"
        )
    if settings.start_layer >= layers:
        raise InputError(f"relevance.start_layer: {settings.start_layer}; {model_path} has layers 0 to {layers - 1}")
    model.to(best_device(accelerator)).requires_grad_(False)
    codes, labels = torch.from_numpy(sequences.codes), torch.from_numpy(sequences.labels)
    facts = {"task": task, "seed": seed, "rules": settings.rules, "target": settings.target, "k": k, "model": label}
    with write_score_file(output, sequences.ids, sequences.labels, sequences.codes, settings.scores, **facts) as writer:
        for start in progress(range(0, len(codes), settings.batch), f"relevance, {task}"):
            rows = slice(start, start + settings.batch)
            logits, scores = score_batch(model, codes[rows], labels[rows], k, settings, start)
            for name, values in scores.items():
                if not values.isfinite().all():
                    row = start + int((~values.isfinite()).any(1).nonzero()[0, 0])
                    raise InputError(
                        f"{test}: the score '{name}' of {sequences.ids[row]} is not a finite number: the model "
                        f"{model_path} may have diverged in training"
                    )
            writer.append(logits.cpu().numpy(), {name: values.cpu().numpy() for name, values in scores.items()})


def score_batch(
    model: torch.nn.Module, codes: Tensor, labels: Tensor, k: int, settings: RelevanceSettings, first: int = 0
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits (B, 2) of a BERT and the relevance of the bases by each configured score, (B, L), for one batch.

    ``codes`` uint8 (B, L) and ``labels`` (B,) on any device; ``first`` is the number of the first sequence in its set.
    """
    from regulens.core.kmers import token_ids
    from regulens.interpret.relevance import Readings, bert_forward

    device = next(model.parameters()).device
    readings = Readings(
        partial(bert_forward, model=model, input_ids=token_ids(codes.to(device), k)),
        rules=settings.rules,
        target=labels.long().to(device) if settings.target == "label" else None,
        start_layer=settings.start_layer,
        index=list(range(first, first + len(codes))),
        seed=settings.seed,
    )
    return readings.logits, {name: base_scores(readings, name, codes.shape[1], k) for name in settings.scores}


def base_scores(readings: Readings, name: str, length_bp: int, k: int) -> Tensor:
    """One score of a batch by base: (B, length_bp).

    CLS and SEP are dropped; each base gets the mean of the k-mers that cover it (docs/papers.md, "K-mers to bases").
    """
    from regulens.core.kmers import base_relevance

    score = SCORES[name]
    if score.per_base:
        return score.read(readings, length_bp)
    return base_relevance(score.read(readings)[:, 1:-1], k)


# Files of relevance scores.


class ScoreWriter:
    """Appends batches in the order of the sequences; created by `write_score_file`."""

    def __init__(self, file: h5py.File, sequences: int, length_bp: int, names: list[str]):
        group = file.create_group("scores", track_order=True)
        self._scores = {name: group.create_dataset(name, (sequences, length_bp), dtype=np.float32) for name in names}
        self._predicted = file.create_dataset("predicted", (sequences,), dtype=np.uint8)
        self._logits = file.create_dataset("logits", (sequences, 2), dtype=np.float32)
        self.written = 0
        """Sequences written so far."""

    def append(self, logits: np.ndarray, scores: dict[str, np.ndarray]) -> None:
        """Add the next sequences: logits (B, 2) and the relevance of their bases by every score, (B, length)."""
        rows = slice(self.written, self.written + len(logits))
        self._logits[rows], self._predicted[rows] = logits, logits.argmax(axis=1)
        for name, data in self._scores.items():
            data[rows] = scores[name]
        self.written = rows.stop


@contextmanager
def write_score_file(
    path: Path | str, ids: list[str], labels: np.ndarray, codes: np.ndarray, names: list[str], **attributes: Any
) -> Iterator[ScoreWriter]:
    """Open a score file for the sequences ``ids``; it appears only if the block ends without an error.

    ``labels`` uint8 (N,), ``codes`` uint8 (N, L); ``names`` are the scores in their order; ``attributes`` are
    `ATTRIBUTES`. HDF5 with data sets id, label, codes, predicted uint8 (N,), logits float32 (N, 2) and
    ``scores/<name>`` float32 (N, L).
    """
    if missing := set(ATTRIBUTES) - set(attributes):
        raise ValueError(f"attributes missing: {', '.join(sorted(missing))}")
    with hdf5_output(path) as file:
        file.attrs.update(attributes)
        file["id"] = np.array([name.encode() for name in ids])
        file["label"], file["codes"] = np.asarray(labels, np.uint8), np.asarray(codes, np.uint8)
        writer = ScoreWriter(file, *codes.shape, names)
        yield writer
        if writer.written != len(ids):
            raise ValueError(f"{writer.written} of {len(ids)} sequences were scored")


class ScoreFile:
    """A score file, opened for reading; a context manager. Raises `InputError` for anything else."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        needed = ["id", "label", "codes", "predicted", "logits", "scores", *ATTRIBUTES]
        self._file = open_hdf5(path, "score file", "make it with regulens score-relevance", needed)

    @property
    def names(self) -> list[str]:
        """The scores, in the order in which they were configured."""
        return list(self._file["scores"])

    @property
    def attributes(self) -> dict[str, Any]:
        """`ATTRIBUTES` by name."""
        values = {name: self._file.attrs[name] for name in ATTRIBUTES}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}

    @cached_property
    def ids(self) -> list[str]:
        """Names of the N sequences."""
        return [name.decode() for name in self._file["id"][:]]

    @cached_property
    def labels(self) -> np.ndarray:
        """True class, uint8 (N,), 1 = positive."""
        return self._file["label"][:]

    @cached_property
    def predicted(self) -> np.ndarray:
        """Class with the higher logit, uint8 (N,)."""
        return self._file["predicted"][:]

    @cached_property
    def logits(self) -> np.ndarray:
        """float32 (N, 2)."""
        return self._file["logits"][:]

    @cached_property
    def codes(self) -> np.ndarray:
        """Bases, uint8 (N, L), A, C, G, T = 0 to 3."""
        return self._file["codes"][:]

    def score(self, name: str) -> np.ndarray:
        """Relevance of every base by one score, float32 (N, L); `InputError` for a score that the file lacks."""
        if name not in self._file["scores"]:
            raise InputError(f"{self.path}: no score '{name}'; it has {', '.join(self.names)}")
        return self._file["scores"][name][:]

    def __enter__(self) -> ScoreFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
