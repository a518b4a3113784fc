"""Correlation of predicted tracks with the truth, over any number of batches and processes."""

import warnings
from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics import PearsonCorrCoef


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
