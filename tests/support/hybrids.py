"""The study's architectures and sizes, and small networks, for the tests of the hybrid networks."""

import torch

from regulens.core.sequence import one_hot
from regulens.models.settings import HybridNetworkSettings, HybridSizes

ARCHITECTURES = {
    f"{baseline}{suffix}": (baseline, lstm * (suffix not in ("", "_att")) + modules)
    for baseline, lstm in (("c24", ["lstm"]), ("c4c6", ["lstm"]), ("c4", []))
    for suffix, modules in {
        "": [],
        "_att": ["attention"],
        "_lstm_att": ["attention"],
        "_trans1": ["transformer"],
        "_trans2": ["transformer"] * 2,
        "_trans4": ["transformer"] * 4,
    }.items()
    if not (baseline == "c4" and suffix == "_lstm_att")
}
"""Baseline and modules of the 17 architectures."""
SMALL = HybridSizes(filters=6, kernel_bp=5, lstm=8, attention=8, heads=2, feed_forward=5, dense=7)
TASK_2 = HybridSizes(filters=24, lstm=48, attention=48, dense=96)


def small(name: str, activation: str = "relu", input_bp: int = 53) -> HybridNetworkSettings:
    """Settings of a small network of this architecture with three classes; 53 bp leave a remainder in every pool."""
    baseline, modules = ARCHITECTURES[name]
    parts = {"baseline": baseline, "modules": modules, "activation": activation}
    return HybridNetworkSettings(**parts, sizes=SMALL, input_bp=input_bp, classes=3)


def sequences(trials: int, batch: int, length_bp: int = 53, seed: int = 1) -> torch.Tensor:
    """One-hot sequences (trials, batch, 4, length_bp), float32, with some N."""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 5, (trials, batch, length_bp), dtype=torch.uint8, generator=generator)
    return one_hot(codes)
