"""Every architecture at a size that builds and runs in a moment."""

import numpy as np
import torch

from regulens.core.sequence import one_hot
from regulens.data.settings import Geometry
from regulens.models.base import AssayModel, build

TRANSFORMER = {"depth": 2, "heads": 2, "key_dim": 4, "functions": 3}
CONVOLUTIONS = {"stem_width": 6, "widths": [6, 8, 8, 8, 10, 12], "final_width": 14}
SMALL = {
    "maxpool_cnn": CONVOLUTIONS,
    "attpool_cnn": CONVOLUTIONS,
    "attpool_dilated": CONVOLUTIONS | {"dilated_layers": 3, "dilated_width": 5},
    "enformer": CONVOLUTIONS | {"transformer": TRANSFORMER},
    "swin1d": {
        "embedding_width": 6,
        "widths": [8, 8, 8, 10, 10, 12, 12],
        "windows": [20, 20, 16, 16, 10, 10, 140],
        "heads": 2,
        "key_dim": 4,
        "functions": 3,
        "transformer": TRANSFORMER,
    },
}
PAPER = Geometry()
TINY = Geometry(input_bp=1000, bins=3, bin_bp=128)
"""1,000 bp, padded to 9 bins = 1,152 bp, of which the 3 central ones are predicted."""


def small_model(name: str, geometry: Geometry = TINY, n_tracks: int = 5, seed: int = 0, **settings) -> AssayModel:
    """An architecture at its small size; more settings replace those of the small size."""
    torch.manual_seed(seed)
    return build(name, SMALL[name] | settings, geometry, n_tracks)


def random_sequence(batch: int, length: int, seed: int = 1) -> torch.Tensor:
    """One-hot (batch, 4, length) with a few N."""
    codes = np.random.default_rng(seed).choice(5, size=(batch, length), p=[0.3, 0.2, 0.2, 0.28, 0.02])
    return one_hot(torch.as_tensor(codes.astype(np.uint8)))
