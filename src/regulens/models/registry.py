"""Names of the architectures, and ``build``: from a name and its settings to a model."""

import importlib
import pkgutil
from collections.abc import Callable

import regulens.models
from regulens.data.settings import Geometry
from regulens.errors import InputError
from regulens.models.base import AssayModel
from regulens.settings import Settings
from regulens.validation import nearest, validated

_ARCHITECTURES: dict[str, type[AssayModel]] = {}


def register(name: str) -> Callable[[type[AssayModel]], type[AssayModel]]:
    """Class decorator: makes an :class:`AssayModel` known under ``name``.

    Raises ``ValueError`` when another class has the name already, or when the class has no nested ``Settings``.
    """

    def remember(model: type[AssayModel]) -> type[AssayModel]:
        known = _ARCHITECTURES.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (model.__module__, model.__qualname__):
            raise ValueError(f"architecture '{name}' is defined twice: {known.__module__} and {model.__module__}")
        if not (isinstance(getattr(model, "Settings", None), type) and issubclass(model.Settings, Settings)):
            raise ValueError(f"{model.__qualname__} needs a nested class Settings(regulens.settings.Settings)")
        model.architecture = name
        _ARCHITECTURES[name] = model
        return model

    return remember


def architectures() -> dict[str, type[AssayModel]]:
    """Every registered architecture by name, in alphabetical order; imports all modules of ``regulens.models``."""
    for module in pkgutil.iter_modules(regulens.models.__path__, "regulens.models."):
        importlib.import_module(module.name)
    return dict(sorted(_ARCHITECTURES.items()))


def _architecture(name: str) -> type[AssayModel]:
    known = architectures()
    if name not in known:
        raise InputError(f"unknown architecture '{name}'; {nearest(name, list(known))}")
    return known[name]


def model_settings(architecture: str, settings: dict | Settings, geometry: Geometry) -> Settings:
    """Validated settings of an architecture, checked against the geometry too; builds nothing.

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


def build(architecture: str, settings: dict | Settings, geometry: Geometry, n_tracks: int) -> AssayModel:
    """A model with freshly initialised weights (from torch's global random state).

    ``settings`` are keys of the architecture's ``Settings`` (missing ones keep their default). Raises ``InputError`` as
    :func:`model_settings` does.
    """
    return _architecture(architecture)(model_settings(architecture, settings, geometry), geometry, n_tracks)
