"""Weights from a file into a model that must have the same ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from regulens.errors import InputError


def load_weights(model: nn.Module, weights: Mapping[str, Any], path: Path | str, what: str) -> None:
    """Load a state dictionary that was read from ``path``; ``what`` is what it must fit, for the message.

    Raises `InputError` with the first differences in names and shapes.
    """
    expected = model.state_dict()
    lines = [f"missing: {name}" for name in expected.keys() - weights.keys()]
    lines += [f"unknown: {name}" for name in weights.keys() - expected.keys()]
    for name in expected.keys() & weights.keys():
        found, shape = getattr(weights[name], "shape", None), expected[name].shape
        if found != shape:
            lines.append(f"{name}: shape {found and tuple(found)}, the model has {tuple(shape)}")
    if lines:
        shown = "\n  ".join(sorted(lines)[:6] + ["..."] * (len(lines) > 6))
        raise InputError(f"{path}: {len(lines)} weights do not fit {what}:\n  {shown}")
    model.load_state_dict(weights)
