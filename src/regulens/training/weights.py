"""Weights from a file into a model that must have the same ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from regulens.errors import InputError
from regulens.models.weight_files import listed, weight_differences


def load_weights(model: nn.Module, weights: Mapping[str, Any], path: Path | str, what: str) -> None:
    """Load a state dictionary that was read from ``path``; ``what`` is what it must fit, for the message.

    Raises `InputError` with the first differences in names and shapes.
    """
    lines = weight_differences(weights, model.state_dict())
    if lines:
        raise InputError(f"{path}: {len(lines)} weights do not fit {what}:{listed(lines)}")
    model.load_state_dict(weights)
