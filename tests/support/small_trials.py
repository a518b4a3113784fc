"""Small sequences and networks for the tests of trials."""

from pathlib import Path

import numpy as np
import torch

from regulens.core.sequence import encode
from regulens.data.simulate.motifs import MotifSequences, write_motif_sequences
from regulens.models.settings import HybridNetworkSettings, HybridSizes
from regulens.training.settings import TrialTraining
from regulens.training.trials import LabelledCodes

LENGTH_BP = 48
SIZES = HybridSizes(
    filters=6, kernel_bp=7, second_kernel=3, lstm=8, attention=8, heads=2, feed_forward=4, dense=8, dense_dropout=0.2
)
TRAINING = TrialTraining(epochs=4, batch=20, learning_rate=0.01)


def network(baseline: str = "c24", *modules: str, activation: str = "relu", **changes) -> HybridNetworkSettings:
    """Settings of a small network for `sequences`."""
    values = {"input_bp": LENGTH_BP, "classes": 2, "sizes": SIZES} | changes
    return HybridNetworkSettings(baseline=baseline, modules=list(modules), activation=activation, **values)


def sequences(train: int = 110, valid: int = 60, test: int = 60, seed: int = 0) -> MotifSequences:
    """Random bases with one of two words planted where the label of its class is 1."""
    rng = np.random.default_rng(seed)
    total = train + valid + test
    codes = rng.integers(0, 4, (total, LENGTH_BP), dtype=np.uint8)
    labels = rng.integers(0, 2, (total, 2), dtype=np.uint8)
    for word, (start, column) in {"TGACTCA": (2, 0), "CCGGAAG": (26, 1)}.items():
        for row in np.flatnonzero(labels[:, column]):
            place = start + rng.integers(0, 15)
            codes[row, place : place + len(word)] = encode(word)
    model = np.full((total, LENGTH_BP, 4), 0.25, dtype=np.float32)
    split = np.repeat(np.array([0, 1, 2], dtype=np.uint8), [train, valid, test])
    return MotifSequences(codes, labels, model, split, ("AP-1", "ETS"))


def write_sequences(path: Path, **sizes) -> Path:
    """A file of `sequences`."""
    write_motif_sequences(path, sequences(**sizes), "{}")
    return path


def split(data: MotifSequences, name: str) -> LabelledCodes:
    """A split as the training takes it."""
    part = data.of(name)
    return LabelledCodes(torch.from_numpy(part.codes), torch.from_numpy(part.labels != 0))
