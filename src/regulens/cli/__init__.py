"""The command line: every function with the decorator `core.command.command` is a command.

Commands are found by scanning the sources, so that a module is imported only when one of its commands runs.
"""

import difflib
import errno
import importlib
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click

from regulens.core.errors import InputError

ROOT = Path(__file__).parents[1]

_DECORATED = re.compile(r'^@command\("([^"]+)".*\)\n(?:@.*\n)*def (\w+)\([^\x00]*?"""(.+?)(?:"""|\n)', re.M)

GROUPS = {
    "genomic-interpreter": "Tables and figures of Genomic Interpreter.",
    "dnabert-lrp": "Tables and figures of DNABERT-LRP.",
    "hybrid-networks": "Tables and figures of the hybrid networks.",
    "sequence-to-function": "Tables and figures of what the assay models know of regulation.",
}


class Place(NamedTuple):
    """Where a command is defined."""

    module: str
    function: str
    summary: str
    """First line of its docstring."""


@cache
def commands() -> dict[str, Place]:
    """Where every command is defined, by its name: 'train', 'genomic-interpreter figure2'."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "\n@command(" not in text:
            continue
        module = ".".join(["regulens", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
        for name, function, summary in _DECORATED.findall(text):
            found[name] = Place(module, function, summary)
    return dict(sorted(found.items()))


def load(name: str) -> Callable:
    """Import the function behind a command."""
    place = commands()[name]
    return getattr(importlib.import_module(place.module), place.function)


class Commands(click.Group):
    """Click group of the commands that share a first word (the name of a study), or that have none."""

    def __init__(self, prefix: str = "", **rest):
        super().__init__(no_args_is_help=True, **rest)
        self.prefix = prefix

    def list_commands(self, context: click.Context) -> list[str]:
        inside = [name.removeprefix(self.prefix).strip() for name in commands() if name.startswith(self.prefix)]
        return sorted({name.split()[0] for name in inside if self.prefix or " " not in name} | self._groups())

    def _groups(self) -> set[str]:
        return set() if self.prefix else set(GROUPS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self._groups():
            return Commands(name, name=name, help=GROUPS[name])
        if (whole := f"{self.prefix} {name}".strip()) not in commands():
            return None
        from regulens.cli.signature import click_command

        return click_command(load(whole))

    def resolve_command(self, context: click.Context, args: list[str]):
        """Find the command of the first argument; the error for an unknown one suggests the closest name."""
        known = self.list_commands(context)
        try:
            return super().resolve_command(context, args)
        except click.UsageError:
            close = difflib.get_close_matches(args[0], known, n=1)
            hint = (
                f"; did you mean '{close[0]}'?"
                if close
                else f"; `regulens {self.prefix}".rstrip() + " --help` lists all"
            )
            context.fail(f"no command '{args[0]}'{hint}")

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their summaries, without importing their modules."""
        rows = []
        for name in self.list_commands(context):
            place = commands().get(f"{self.prefix} {name}".strip())
            rows.append((name, GROUPS.get(name, "") if place is None else place.summary.replace("``", "")))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


app = Commands(
    name="regulens",
    help="Steps to every table and figure of three papers; `snakemake -n -p` prints the commands of a run.",
)


def main() -> None:
    """Run the command line; bad input ends with one message and status 2 instead of a traceback."""
    try:
        app()
    except InputError as error:
        message = str(error)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        message = f"{error.filename}: {error.strerror}: no permission to read or write it"
    else:
        return
    print(f"regulens: error: {message}", file=sys.stderr)
    sys.exit(2)
