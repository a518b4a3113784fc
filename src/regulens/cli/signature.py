"""Builds the command line of a function from its signature; see `core.command`."""

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from regulens.core.command import Command, settings_of
from regulens.core.errors import InputError
from regulens.core.settings import nearest, part_of, validated
from regulens.core.yaml_file import read_yaml
from regulens.provenance.record import manifests, usable_cpus


def click_command(function: Callable) -> click.Command:
    """Click command of a function with the decorator `core.command.command`."""
    facts: Command = function.command
    hints, wanted = get_type_hints(function), settings_of(function)
    _, _, meanings = described(function)
    parameters: list[click.Parameter] = []
    parsers: dict[str, Callable[[Any], Any]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in wanted:
            continue
        if found := _parameter(name, parameter, hints[name], meanings.get(name, "")):
            parameters.append(found[0])
            parsers[name] = found[1]
    if wanted:
        words = f"Where a setting is in the configuration, as [NAME=]PATH; settings: {', '.join(wanted)}."
        parameters += [
            click.Option(
                ["--config"], type=click.Path(path_type=Path), required=True, help="Configuration of the run."
            ),
            click.Option(["--part"], multiple=True, help=words),
        ]
    if facts.threads:
        parameters.append(
            click.Option(["--threads"], type=click.IntRange(min=1), default=1, show_default=True, help="CPU threads.")
        )

    def run(config: Path | None = None, part: tuple[str, ...] = (), threads: int | None = None, **given: Any) -> None:
        options = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
        settings = read_parts(function, config, part) if wanted else {}
        arguments = {name: parsers[name](value) for name, value in options.items()}
        arguments |= {name: validated(wanted[name], value, path) for name, (path, value) in settings.items()}
        if facts.threads:
            options["threads"] = use_threads(threads)
        plain = {name: value for name, (_, value) in settings.items()}
        with manifests(facts.name, options, plain) if facts.manifests else nullcontext():
            call(function, arguments)

    words, rest, _ = described(function)
    return click.Command(facts.name.split()[-1], callback=run, params=parameters, help=f"{words}\n\n{rest}".strip())


def call(function: Callable, arguments: Mapping[str, Any]) -> None:
    """Call a function with arguments given by name, some of which are positional-only."""
    kinds = {name: parameter.kind for name, parameter in inspect.signature(function).parameters.items()}
    first = [arguments[name] for name, kind in kinds.items() if kind is inspect.Parameter.POSITIONAL_ONLY]
    function(*first, **{name: value for name, value in arguments.items() if kinds[name] != 0})


def use_threads(threads: int) -> int:
    """Give PyTorch and its libraries this many CPU threads, at most as many as there are CPUs; returns it."""
    import torch

    threads = min(threads, usable_cpus())
    torch.set_num_threads(threads)
    return threads


def read_parts(function: Callable, config: Path, parts: tuple[str, ...]) -> dict[str, tuple[str, Any]]:
    """Settings that `--part [NAME=]PATH` takes from a configuration: name to path and value.

    Raises InputError for a path that does not exist, a setting that the command does not have, and a missing setting.
    """
    wanted, values, found = settings_of(function), read_configuration(config), {}
    for word in parts:
        name, _, path = word.rpartition("=")
        value = part_of(values, path, str(config))
        name = name or path.rpartition("/")[2]
        if name not in wanted:
            raise InputError(
                f"--part {word}: {function.command.name} has no setting '{name}'; {nearest(name, list(wanted))}; "
                "--part NAME=PATH states a name that is not the last word of the path"
            )
        found[name] = (path, value)
    parameters = inspect.signature(function).parameters
    missing = [n for n in wanted if n not in found and parameters[n].default is inspect.Parameter.empty]
    if missing:
        raise InputError(f"--part [{missing[0]}=]PATH is missing: give the path of {' and '.join(missing)} in {config}")
    return found


def read_configuration(path: Path) -> dict[str, Any]:
    """The configuration that a run has written, as plain maps."""
    words = "no such configuration: a run writes it when it starts; to write it without a run, use"
    return read_yaml(path, f"{words} `regulens configuration`")


def described(function: Callable) -> tuple[str, str, dict[str, str]]:
    """First line of a docstring, the rest without arguments, and the description of each argument."""
    text = (inspect.getdoc(function) or "").replace("``", "")
    text, _, arguments = text.partition("\nArguments:\n")
    first, _, rest = text.partition("\n")
    meanings: dict[str, str] = {}
    for line in arguments.partition("\n\n")[0].splitlines():
        if found := re.match(r"    (\w[\w, ]*): (.+)", line):
            names = re.split(r", ?", found[1])
            meanings |= dict.fromkeys(names, found[2])
        elif meanings and line.startswith("     "):
            meanings |= {name: f"{meanings[name]} {line.strip()}" for name in names}
    return first, rest.strip(), meanings


def _parameter(
    name: str, parameter: inspect.Parameter, hint: Any, meaning: str
) -> tuple[click.Parameter, Callable[[Any], Any]] | None:
    """Click parameter, and the conversion of click's value; None for a parameter that only Python code can set."""
    required = parameter.default is inspect.Parameter.empty
    meaning = meaning[:1].upper() + meaning[1:]
    try:
        kind, many, parser = _kind(hint)
    except KeyError:
        if required:
            raise TypeError(f"{name}: the type {hint} is not supported on the command line") from None
        return None
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        return click.Argument([name], type=kind, required=required, nargs=-1 if many else 1), parser
    flag = f"--{name.replace('_', '-')}"
    if kind is bool:
        return click.Option([flag], is_flag=True, default=bool(parameter.default), help=meaning), bool
    shown: dict[str, Any] = {"multiple": True} if many else {}
    if not required and parameter.default is not None:
        shown |= {"default": parameter.default, "show_default": True}
    return click.Option([flag, name], type=kind, required=required, help=meaning, **shown), parser


def _same(value: Any) -> Any:
    return value


_KINDS = {Path: click.Path(path_type=Path), str: str, int: int, float: float, bool: bool}


def _kind(hint: Any) -> tuple[Any, bool, Callable[[Any], Any]]:
    """Click type of an annotation, whether it takes several values, and the conversion of click's value.

    Raises KeyError for an annotation that is not supported on the command line.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):  # X | None, Path | str
        kind, many, parser = _kind(inner[0])
        return kind, many, lambda value: None if value is None else parser(value)
    if origin in (list, Sequence):
        kind, _, parser = _kind(inner[0])
        return kind, True, lambda values: [parser(value) for value in values]
    if (
        origin in (dict, Mapping)
        and _KINDS.get(get_args(inner[1])[0] if get_args(inner[1]) else inner[1]) is _KINDS[Path]
    ):
        return str, True, _named_files
    if origin is Literal:
        return click.Choice(inner), False, _same
    if hasattr(hint, "parse"):
        return str, False, hint.parse
    return _KINDS[hint], False, _same


def _named_files(words: list[str]) -> dict[str, Path]:
    """Parse repeated `NAME=FILE` options into a map."""
    found = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise InputError(f"must be NAME=FILE, found '{word}'")
        if name in found:
            raise InputError(f"{name} is given twice")
        found[name] = Path(path)
    return found
