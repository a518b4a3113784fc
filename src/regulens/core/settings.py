"""Base class of every settings object, and validation whose errors name the key and what would be right."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from regulens.core.errors import InputError

DISCRIMINATOR = "route"
"""Key whose value chooses among the classes of a union."""


class Settings(BaseModel):
    """A group of configuration keys: unknown ones are errors, and values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_values_for_numbers(cls, values: Any) -> Any:
        """YAML reads yes, no, on and off as truth values, and Pydantic these as 1 and 0."""
        words = "must be a number, not a truth value (YAML reads yes, no, on and off as true and false)"
        wrong = [
            InitErrorDetails(type=PydanticCustomError("truth_value", words), loc=(name,), input=values[name])
            for name, field in (cls.model_fields if isinstance(values, dict) else {}).items()
            if {int, float} & (kinds := _plain_types(field.annotation))
            and not {bool, Any} & kinds
            and any(isinstance(value, bool) for value in _leaves(values.get(name)))
        ]
        if wrong:
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return values


def _plain_types(annotation: Any) -> set:
    """The types at the ends of a type annotation, through unions, lists and maps."""
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)}
    return set().union(*map(_plain_types, get_args(annotation))) if get_args(annotation) else {annotation}


def _leaves(value: Any) -> Iterator[Any]:
    """The values inside lists and maps."""
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else None
    if inside is None:
        yield value
    else:
        for each in inside:
            yield from _leaves(each)


def validated(kind: Any, values: Any, prefix: str = "") -> Any:
    """Validate values against a settings class or another type; errors are InputErrors written for the user."""
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise InputError("\n".join(describe(kind, error, values, prefix))) from None


def describe(kind: Any, error: ValidationError, values: Any, prefix: str = "") -> list[str]:
    """One line per validation error: path, what is wrong, what was found, what would be right.

    ``kind`` is the settings class, or any type annotation, that the values should be of.
    """
    lines = []
    for item in error.errors():
        location = item["loc"]
        path = ".".join(filter(None, [prefix, _path(location, values)])) or "(top level)"
        found = f"found {item['input']!r}"
        found = found if len(found) < 80 else found[:77] + "..."
        if item["type"] == "extra_forbidden":
            hint = nearest(location[-1], _valid_keys(kind, location))
            lines.append(f"{path}: unknown key ({found}); {hint}")
        elif item["type"] == "missing":
            lines.append(f"{path}: this key is missing")
        elif item["type"] in ("value_error", "assertion_error"):
            lines.append(f"{path}: {item['msg'].removeprefix('Value error, ')}; {found}")
        elif item["type"] == "union_tag_invalid":
            tag = item["ctx"]["tag"]
            valid = [word.strip(" '") for word in item["ctx"]["expected_tags"].split(",")]
            lines.append(f"{path}.{DISCRIMINATOR}: unknown value; found '{tag}'; {nearest(tag, valid)}")
        elif item["type"] == "literal_error":
            valid = [word.strip(" '") for word in item["ctx"]["expected"].replace(" or ", ", ").split(",")]
            lines.append(f"{path}: unknown value; {found}; {nearest(item['input'], valid)}")
        else:
            lines.append(f"{path}: {item['msg'][0].lower()}{item['msg'][1:]}; {found}")
    return lines


def nearest(word: str, valid: list[str]) -> str:
    """Hint for an unknown name: the closest valid one, or the first dozen of them if none is close."""
    close = difflib.get_close_matches(str(word), valid, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"valid: {', '.join(valid[:12])}{', ...' * (len(valid) > 12)}"


def settings_classes(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes inside a type annotation, through unions, lists and maps."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in settings_classes(part)]


def _valid_keys(kind: Any, location: tuple) -> list[str]:
    """Keys that are valid where ``location`` points to (its last part is the unknown key)."""
    classes = settings_classes(kind)
    for part in location[:-1]:
        fields = [c.model_fields[part] for c in classes if part in c.model_fields]
        found = [m for field in fields for m in settings_classes(field.annotation)]
        # Not a field: a key of a map, an index of a list, or the tag of a discriminated union.
        tagged = [c for c in classes if part in _tags(c)]
        classes = found or tagged or classes
    return sorted({key for c in classes for key in c.model_fields})


def _tags(model: type[BaseModel]) -> tuple:
    field = model.model_fields.get(DISCRIMINATOR)
    return get_args(field.annotation) if field else ()


def _path(location: tuple, values: Any) -> str:
    """Dotted path of a key, without the tags that pydantic inserts for discriminated unions."""
    parts = []
    for part in location:
        if isinstance(values, dict) and part not in values and part in values.values():
            continue  # the tag: the value of the discriminator, not a key
        parts.append(f"[{part}]" if isinstance(part, int) else f".{part}")
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            values = None
    return "".join(parts).lstrip(".")


def part_of(values: Mapping[str, Any], path: str, origin: str = "the configuration") -> Any:
    """Value at a path of a configuration of plain maps: `genomic_interpreter/models/swin1d/training`.

    A key may contain slashes itself, as the names of sources do. Raises InputError with the nearest path that exists.
    """
    found, rest = values, path
    while rest:
        keys = [key for key in found if rest == key or rest.startswith(f"{key}/")] if isinstance(found, Mapping) else []
        if not keys:
            before = path.removesuffix(rest)
            if not isinstance(found, Mapping):
                raise InputError(f"{origin}: no {path}: {before.rstrip('/')} is not a map but {found!r}")
            close = difflib.get_close_matches(rest, [str(key) for key in _paths(found)], n=1, cutoff=0.5)
            hint = (
                f"did you mean '{before}{close[0]}'?" if close else f"valid: {', '.join(f'{before}{k}' for k in found)}"
            )
            raise InputError(f"{origin}: no {path}; {hint}")
        key = max(keys, key=len)
        found, rest = found[key], rest[len(key) + 1 :]
    return found


def _paths(values: Mapping[str, Any], before: str = "") -> list[str]:
    """Every path into nested maps."""
    below = [
        path for key, value in values.items() if isinstance(value, Mapping) for path in _paths(value, f"{before}{key}/")
    ]
    return [f"{before}{key}" for key in values] + below
