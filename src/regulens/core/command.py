"""Decorator that makes a function a `regulens` command, whose signature defines the command line.

A parameter of type `Part` is a setting, which the command line takes from the configuration of the run; the others are
options (positional-only ones: arguments). The function itself is unchanged.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints

Function = TypeVar("Function", bound=Callable)
Value = TypeVar("Value")

_PART = object()

Part = Annotated[Value, _PART]
"""``main_model: Part[str]`` is a setting: the value at a path of the configuration (`--part`)."""


class Command(NamedTuple):
    """What the decorator states about a function."""

    name: str
    """The words after `regulens`."""
    threads: bool
    manifests: bool


def command(name: str, *, threads: bool = False, manifests: bool = True) -> Callable[[Function], Function]:
    """Make a function the command `regulens NAME`; ``name`` must be a plain string on the line of the decorator.

    Arguments:
        name: the words after `regulens`: 'train', 'genomic-interpreter figure2'.
        threads: the command has `--threads`, the number of CPU threads that PyTorch uses.
        manifests: every file that it writes gets a manifest.
    """

    def mark(function: Function) -> Function:
        function.command = Command(name, threads, manifests)
        return function

    return mark


def settings_of(function: Callable) -> dict[str, Any]:
    """Parameters of a command that are settings: name to type."""
    hints = get_type_hints(function, include_extras=True)
    return {name: hint for name, hint in hints.items() if _PART in getattr(hint, "__metadata__", ())}
