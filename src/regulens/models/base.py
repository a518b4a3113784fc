"""Base class of the assay models: padding, a trunk that turns bases into bins, and a softplus head.

Architectures have names: `register` registers a class, `build` makes a model from a name and settings.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import regulens.models
from regulens.core.errors import InputError
from regulens.core.settings import Settings, nearest, validated
from regulens.data.settings import Geometry

Block = Literal["regular", "shifted", "full"]

StageKind = Literal["input", "conv", "pool", "swin", "merge", "transformer", "dilated", "crop", "head"]


@dataclass(frozen=True)
class AttentionMap:
    """Attention of one layer and block for a batch, windows kept apart.

    Position ``p`` of window ``j`` is token ``(offset + j * w + p) % tokens`` of the layer if ``j * w + p < tokens``.
    Later positions are padding: their keys have no weight and their query rows are meaningless.
    """

    layer: int
    """Layer of the model, from 1."""
    block: Block
    """First (`regular`) or second (`shifted`) block of a Swin layer, or `full` attention of a Transformer."""
    bp_per_token: int
    """Bases per token."""
    tokens: int
    """Tokens of the layer, before the last window is padded."""
    offset: int
    """Token at which window 0 starts: 0, or half a window in a shifted block."""
    weights: Tensor
    """Softmax over the keys, float (batch, heads, windows, w queries, w keys)."""
    start_bp: int = 0
    """Position of the first token in the padded input, in bp (not 0 after a crop)."""


Observer = Callable[[AttentionMap], None]


@dataclass(frozen=True)
class Stage:
    """One step of an architecture and its output, for the schematic figures."""

    name: str
    kind: StageKind
    tokens: int
    """Length of the output in tokens."""
    width: int
    """Channels of the output."""
    bp_per_token: int
    note: str = ""


class AssayModel(nn.Module):
    """Base class: pads the input to the bin grid, calls :meth:`trunk`, applies the head in float32.

    A subclass has a nested ``Settings``, sets ``self.head = self.make_head(width)`` in ``__init__`` and implements
    :meth:`trunk` and :meth:`describe`; :meth:`check` compares settings with the geometry before anything is built. On
    padding and crop see docs/papers.md, "Geometry".
    """

    architecture: ClassVar[str] = ""
    Settings: ClassVar[type[Settings]]

    def __init__(self, settings: Settings, geometry: Geometry, n_tracks: int):
        super().__init__()
        self.settings, self.geometry, self.n_tracks = settings, geometry, n_tracks

    @classmethod
    def check(cls, settings: Settings, geometry: Geometry) -> None:
        """Raise ``ValueError`` naming the key if the settings do not fit the geometry."""

    @classmethod
    def attention_layers(cls, settings: Settings, geometry: Geometry) -> int:
        """Number of layers with attention, which :meth:`attention` numbers from 1; 0 for none."""
        return 0

    def trunk(self, x: Tensor, observe: Observer | None = None) -> Tensor:
        """One-hot (batch, 4, padded_bp), rows A, C, G, T, to (batch, bins, width).

        ``observe``, if given, is called with every attention map as soon as it is computed.
        """
        raise NotImplementedError

    def describe(self) -> list[Stage]:
        """The steps from input to output with their true lengths and widths (Figures 1 and 5)."""
        raise NotImplementedError

    def make_head(self, width: int) -> nn.Linear:
        """Linear read-out of the tracks; softplus follows in :meth:`forward`."""
        return nn.Linear(width, self.n_tracks)

    def pad(self, x: Tensor) -> Tensor:
        """(batch, 4, input_bp) to (batch, 4, padded_bp) with zeros (N) on both sides."""
        if x.shape[-2:] != (4, self.geometry.input_bp):
            raise ValueError(f"expected one-hot (batch, 4, {self.geometry.input_bp}), found {tuple(x.shape)}")
        side = (self.geometry.padded_bp - self.geometry.input_bp) // 2
        return F.pad(x, (side, side)) if side else x

    def crop(self, tokens: Tensor) -> Tensor:
        """(batch, padded_bins, width) to (batch, bins, width): the centre (Genomic Interpreter, equation 2)."""
        return tokens[:, self.geometry.crop_bins : self.geometry.crop_bins + self.geometry.bins]

    def forward(self, x: Tensor) -> Tensor:
        """One-hot float (batch, 4, input_bp) to rates, float32 (batch, bins, tracks), all positive.

        The head computes in float32 even under autocast: a bfloat16 rate has only three digits.
        """
        tokens = self.trunk(self.pad(x))
        with torch.autocast(tokens.device.type, enabled=False):
            return F.softplus(self.head(tokens.float()))

    def attention(self, x: Tensor, observe: Observer | None = None) -> list[AttentionMap]:
        """Attention maps of all layers for one-hot (batch, 4, input_bp); an empty list for models without attention.

        With ``observe`` each map is passed on and not kept, and the list stays empty: a map of the paper's first layers
        takes 80 MB per example. Call it in evaluation mode under ``torch.no_grad()``.
        """
        maps: list[AttentionMap] = []
        self.trunk(self.pad(x), observe or maps.append)
        return maps

    @torch.no_grad()
    def initialise_head(self, mean_per_track: Tensor) -> None:
        """Set the head's bias so that an untrained model predicts roughly the mean of each track.

        ``mean_per_track`` is (tracks,): the mean of the training targets. Means below 1e-3 count as 1e-3, because the
        gradient of softplus vanishes far below zero.
        """
        mean = torch.as_tensor(mean_per_track, dtype=torch.float64).clamp(min=1e-3)
        if mean.shape != self.head.bias.shape:
            raise ValueError(f"expected {self.head.bias.numel()} track means, found shape {tuple(mean.shape)}")
        self.head.bias.copy_(softplus_inverse(mean))

    def _input_stage(self) -> Stage:
        side = (self.geometry.padded_bp - self.geometry.input_bp) // 2
        note = f"{self.geometry.input_bp:,} bp + 2 x {side} N" if side else ""
        return Stage("One-hot DNA", "input", self.geometry.padded_bp, 4, 1, note)

    def _crop_stage(self, width: int) -> Stage:
        geometry = self.geometry
        note = f"{geometry.crop_bins} + {geometry.crop_bins} tokens removed"
        return Stage("Crop", "crop", geometry.bins, width, geometry.bin_bp, note)

    def _head_stage(self) -> Stage:
        return Stage("Head", "head", self.geometry.bins, self.n_tracks, self.geometry.bin_bp, "Linear, softplus")


def softplus_inverse(rate: Tensor) -> Tensor:
    """x with softplus(x) = rate, for positive rates: log(exp(rate) - 1), without overflow."""
    return rate + torch.log(-torch.expm1(-rate))


def halvings(geometry: Geometry) -> int:
    """Number of halvings from bases to bins: 7 for 128 bp. ``ValueError`` for bins of one base."""
    if geometry.bin_bp < 2:
        raise ValueError(f"geometry.bin_bp must be at least 2, found {geometry.bin_bp}")
    return geometry.bin_bp.bit_length() - 1


def halved(tokens: int, times: int) -> int:
    """Length after ``times`` halvings; odd lengths are rounded up (the last token is its own partner)."""
    for _ in range(times):
        tokens = -(-tokens // 2)
    return tokens


_ARCHITECTURES: dict[str, type[AssayModel]] = {}


def register(name: str) -> Callable[[type[AssayModel]], type[AssayModel]]:
    """Class decorator: registers an :class:`AssayModel` under ``name``.

    Raises ``ValueError`` if the name is taken, or if the class has no nested ``Settings``.
    """

    def remember(model: type[AssayModel]) -> type[AssayModel]:
        known = _ARCHITECTURES.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (model.__module__, model.__qualname__):
            raise ValueError(f"architecture '{name}' is defined twice: {known.__module__} and {model.__module__}")
        if not (isinstance(getattr(model, "Settings", None), type) and issubclass(model.Settings, Settings)):
            raise ValueError(f"{model.__qualname__} needs a nested class Settings(regulens.core.settings.Settings)")
        model.architecture = name
        _ARCHITECTURES[name] = model
        return model

    return remember


def architectures() -> dict[str, type[AssayModel]]:
    """Every registered architecture by name, in alphabetical order; imports all modules of ``regulens.models``."""
    for module in pkgutil.iter_modules(regulens.models.__path__, "regulens.models."):
        importlib.import_module(module.name)
    return dict(sorted(_ARCHITECTURES.items()))


def build(architecture: str, settings: dict | Settings, geometry: Geometry, n_tracks: int) -> AssayModel:
    """A model with freshly initialised weights (from torch's global random state).

    ``settings`` are keys of the architecture's ``Settings`` (missing ones keep their default). Raises ``InputError`` as
    :func:`model_settings` does.
    """
    return _architecture(architecture)(model_settings(architecture, settings, geometry), geometry, n_tracks)


def model_settings(architecture: str, settings: dict | Settings, geometry: Geometry) -> Settings:
    """Validated settings of an architecture, also checked against the geometry, without building the model.

    Raises ``InputError`` that names the key, for an unknown architecture, an unknown key, a value of the wrong kind, or
    sizes that do not fit the geometry (such as a list of widths of the wrong length).
    """
    model = _architecture(architecture)
    if not isinstance(settings, model.Settings):
        values = settings.model_dump() if isinstance(settings, Settings) else settings
        settings = validated(model.Settings, values, architecture)
    try:
        model.check(settings, geometry)
    except ValueError as error:
        raise InputError(f"{architecture}: {error}") from None
    return settings


def _architecture(name: str) -> type[AssayModel]:
    known = architectures()
    if name not in known:
        raise InputError(f"unknown architecture '{name}'; {nearest(name, list(known))}")
    return known[name]
