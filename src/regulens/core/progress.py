"""Output for the user: messages, and progress bars if there is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


def say(sentence: str) -> None:
    """Print one line to stderr."""
    print(sentence, file=sys.stderr, flush=True)


def bar() -> Progress:
    """A progress bar on stderr that shows nothing if stderr is not a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def say_above(shown: Progress, line: str) -> None:
    """Print one line to stderr, above the progress bar if one is shown."""
    if shown.disable:
        say(line)
    else:
        shown.console.print(line, highlight=False, soft_wrap=True)


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Iterate over ``items`` with a progress bar; ``total``: their number, if it is known but they have no length."""
    with bar() as shown:
        yield from shown.track(items, total=total, description=what)


def reported(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Iterate over ``items`` with a progress bar or, if there is no terminal, a line after each quarter of them."""
    with bar() as shown:
        task = shown.add_task(what, total=total)
        for done, item in enumerate(items, 1):
            yield item
            shown.advance(task)
            if shown.disable and 4 * done // total > 4 * (done - 1) // total:
                say(f"{what}: {done} of {total}")
