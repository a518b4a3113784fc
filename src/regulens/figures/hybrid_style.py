"""How the hybrid networks are named and drawn, the same in every figure of the study (001)."""

from collections.abc import Sequence
from typing import NamedTuple

from regulens.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, VERMILION, WINE, ModelStyle

BASELINES = {
    "c24": "C24",
    "c4c6": "C4C6",
    "c4": "C4-LSTM",
}
"""Baselines in the order of the rows of Figures 2 and 3, with their names (001 section 2)."""
POOLING = {"c24": "max-pooling 24", "c4c6": "max-pooling 4 and 6", "c4": "max-pooling 4 and 6"}
"""What sets the baselines apart: by how much they pool."""


class ActivationStyle(NamedTuple):
    """How the networks with one activation of the first layer are drawn."""

    label: str
    colour: str
    line: str
    marker: str


ACTIVATIONS = {
    "relu": ActivationStyle("ReLU", BLUE, "-", "o"),
    "exponential": ActivationStyle("Exponential", VERMILION, "--", "s"),
}
"""Activations of the first layer: x and y of Figures 2 and 3."""

_STYLES = {  # markers of the paper's figures (SPEC 7)
    "": ModelStyle(BLACK, "o"),
    "Att": ModelStyle(BLUE, "^"),
    "LSTM-Att": ModelStyle(SKY_BLUE, "s"),
    "Trans1": ModelStyle(GREEN, "P"),
    "Trans2": ModelStyle(ORANGE, "*"),
    "Trans4": ModelStyle(VERMILION, "D"),
}
_FURTHER = {
    "LSTM": ModelStyle(GREY, "v"),
    "Trans": ModelStyle(PURPLE, "X"),
    "other": ModelStyle(WINE, "h"),
}


def activation_style(name: str) -> ActivationStyle:
    """Label, colour, line and marker of an activation; one that is not the paper's is grey and keeps its name."""
    return ACTIVATIONS.get(name, ActivationStyle(name, GREY, ":", "D"))


def combination(modules: Sequence[str]) -> str:
    """Name of the modules behind a baseline as the paper has it: '', 'Att', 'LSTM-Att', 'LSTM-Trans2', ...

    Equal neighbours are counted: two encoder blocks of a Transformer in a row are 'Trans2'.
    """
    names, counts = [], []
    for module in modules:
        if module == "transformer" and names and names[-1] == "Trans":
            counts[-1] += 1
            continue
        names.append({"lstm": "LSTM", "attention": "Att", "transformer": "Trans"}.get(module, module))
        counts.append(1)
    return "-".join(f"{name}{count}" if name == "Trans" else name for name, count in zip(names, counts, strict=True))


def modules_style(modules: Sequence[str]) -> ModelStyle:
    """Colour and marker of what stands behind a baseline.

    LSTM-TransN and TransN look alike, because the LSTM of the latter belongs to its baseline (C4-LSTM).
    """
    name = combination(modules)
    name = name.removeprefix("LSTM-") if "Trans" in name else name
    return _STYLES.get(name) or _FURTHER.get("Trans" if name.startswith("Trans") else name) or _FURTHER["other"]


def marker_size(marker: str) -> float:
    """Marker size in points, so that all cover about the same area."""
    return {"*": 6.5, "P": 5.0, "D": 3.8, "s": 4.0}.get(marker, 4.5)
