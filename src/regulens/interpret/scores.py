"""The relevance scores, each a function of the `Readings` of a batch (docs/papers.md, "Relevance scores").

A new score is one function with the decorator `score`: it gets the `Readings` of a batch and returns a value for each
token. Attention and embedding, their gradients and relevance are properties of `Readings`, computed once for all
scores. A score that needs a pass of its own makes it with `Readings.propagate`: the gradient at half of the embedding
is ``readings.propagate(embedding=readings.embedding / 2)[1]``.

This module does not import torch: configuration and figures read the names and labels of the scores from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from regulens.interpret.relevance import Readings


@dataclass(frozen=True)
class Score:
    """One way to score the tokens of a sequence."""

    label: str
    """Name in tables and figures."""
    read: Callable[[Readings], Tensor]
    """From the readings of a batch to (B, T) values of the tokens, CLS first and SEP last."""
    per_base: bool = False
    """True: ``read`` takes the number of bases too and gives a value for each base, (B, bases)."""


RANDOM = "random"
"""The random score, with which the others are compared."""

SCORES: dict[str, Score] = {}
"""Every score by name, in the order of tables and legends."""

SCORE_LABELS: dict[str, str] = {}
"""Label of every score by name, in the same order."""


def score(name: str, label: str, per_base: bool = False) -> Callable:
    """Decorator that registers a score; `ValueError` for a name that is taken."""

    def remember(read: Callable) -> Callable:
        if name in SCORES:
            raise ValueError(f"score '{name}' is defined twice")
        SCORES[name] = Score(label, read, per_base)
        SCORE_LABELS[name] = label
        return read

    return remember


@score("lrp", "LRP")
def lrp(readings: Readings) -> Tensor:
    """Rollout of gradient x relevance of the attention (Chefer et al.'s method), from ``start_layer`` to the last."""
    pairs = zip(readings.attention_gradient, readings.attention_relevance, strict=True)
    layers = [(gradient * relevance).clamp_(min=0).mean(1) for gradient, relevance in pairs]
    return rollout_row(layers[readings.start_layer :])


@score("lrp_last", "LRP_last")
def lrp_last(readings: Readings) -> Tensor:
    """Relevance of the last layer's attention, without the gradient."""
    return readings.attention_relevance[-1][:, :, 0].clamp(min=0).mean(1)


@score("full_lrp", "full_LRP")
def full_lrp(readings: Readings) -> Tensor:
    """Relevance at the output of the embeddings, signed."""
    return readings.embedding_relevance.sum(-1)


@score("rollout", "Rollout")
def rollout(readings: Readings) -> Tensor:
    """Rollout of the attention itself, independent of the class."""
    return rollout_row([attention.mean(1) for attention in readings.attention])


@score("gradcam", "GradCAM")
def gradcam(readings: Readings) -> Tensor:
    """Last attention, weighted by each head's mean gradient, scaled to 0..1 (docs/papers.md, "gradcam-weights")."""
    heads = readings.attention_gradient[-1].mean((2, 3), keepdim=True)
    weighted = (heads * readings.attention[-1]).mean(1).clamp_(min=0)
    low, high = weighted.amin((1, 2)), weighted.amax((1, 2))
    scale = (high - low).masked_fill(high == low, 1)  # a constant map stays 0
    return (weighted[:, 0] - low[:, None]) / scale[:, None]


@score("attention", "Attention")
def attention(readings: Readings) -> Tensor:
    """Last attention of CLS, mean over heads (DNABERT sums them: the same ranking)."""
    return readings.attention[-1][:, :, 0].mean(1)


@score("attnlrp", "AttnLRP")
def attnlrp(readings: Readings) -> Tensor:
    """Relevance at the output of the embeddings by the rules of Achtibat et al. (2024), signed."""
    return readings.propagate("attnlrp")[1].sum(-1)


@score("gradient_x_input", "Gradient × input")
def gradient_x_input(readings: Readings) -> Tensor:
    """Gradient times value of the embeddings' output, signed."""
    return (readings.embedding_gradient * readings.embedding).sum(-1)


@score(RANDOM, "Random", per_base=True)
def random(readings: Readings, bases: int) -> Tensor:
    """Uniform random numbers, fixed for each sequence whatever its batch."""
    values = [np.random.default_rng([readings.seed, index]).random(bases) for index in readings.index]
    return readings.logits.new_tensor(np.stack(values))


def rollout_row(layers: list[Tensor]) -> Tensor:
    """CLS row of the product of rownorm(M + I) over layers (B, T, T), the last layer leftmost: (B, T), sums to 1.

    Only that row is propagated, from the last layer to the first, so that no T x T product is needed.
    """
    row = layers[0].new_zeros(layers[0][:, :1].shape)
    row[:, :, 0] = 1
    for layer in reversed(layers):
        row = row / (layer.sum(-1) + 1)[:, None]
        row = row @ layer + row
    return row[:, 0]


def score_label(name: str) -> str:
    """Label of a score; an unknown name is returned unchanged."""
    return SCORE_LABELS.get(name, name)
