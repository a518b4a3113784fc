"""Helpers for the checks across keys of all studies."""

from collections.abc import Mapping

from pydantic import ValidationError

from regulens.core.settings import Settings, describe

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
"""A name that becomes part of file names."""


def merged(base: Mapping, override: Mapping) -> dict:
    """``base`` overridden by ``override``, recursively for nested maps."""
    return dict(base) | {
        key: merged(base[key], value) if isinstance(value, Mapping) and isinstance(base.get(key), Mapping) else value
        for key, value in override.items()
    }


def wrong_keys(model: type[Settings], values: dict, path: str) -> list[str]:
    """Errors of one part of the configuration, checked by a class that is chosen at run time."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        return describe(model, error, values, path)
    return []
