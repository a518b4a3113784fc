"""Options that several commands share, and how a settings option is read."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.core.settings import nearest, validated

SettingsOption = Annotated[str, typer.Option("--settings", help="Part of the configuration, as JSON.")]
OutputOption = Annotated[Path, typer.Option("--output", help="File to write; it appears when it is whole.")]
SplitOption = Annotated[str, typer.Option("--split", help="train, valid or test.")]
ThreadsOption = Annotated[int, typer.Option("--threads", help="CPU threads.", min=1)]
RunsOption = Annotated[list[str], typer.Option("--run", help="MODEL:SEED=FILE; once for each file.")]
PublishedOption = Annotated[Path, typer.Option("--published", help="Numbers that the papers print.")]
CsvOption = Annotated[Path, typer.Option("--csv", help="Tidy table to write.")]
MdOption = Annotated[Path, typer.Option("--md", help="Markdown table to write.")]
TexOption = Annotated[Path, typer.Option("--tex", help="LaTeX table to write.")]
PdfOption = Annotated[Path, typer.Option("--pdf", help="PDF to write.")]
PngOption = Annotated[Path, typer.Option("--png", help="PNG to write.")]
StateOption = Annotated[Path, typer.Option("--state", help="Folder of the state that an interrupted run resumes from.")]
EpochsOption = Annotated[Path, typer.Option("--epochs-log", help="CSV with a row for every epoch.")]
HardwareOption = Annotated[str, typer.Option("--hardware", help="Devices, batch and loaders, as JSON.")]


def use_threads(threads: int) -> None:
    """Give PyTorch and its libraries this many CPU threads."""
    import torch

    torch.set_num_threads(threads)


def parse(text: str) -> dict:
    """A JSON option as a map."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"--settings is not valid JSON ({error}): {text[:80]}") from None
    if not isinstance(values, dict):
        raise InputError(f"--settings must be a JSON map, found {text[:80]}")
    return values


def part(values: dict, key: str, model=None):
    """One part of a settings option, validated by its settings class when one is given."""
    if key not in values:
        raise InputError(f"--settings has no part '{key}'; found {', '.join(values) or 'nothing'}")
    return validated(model, values[key], key) if model else values[key]


def whole(values: dict, key: str) -> int:
    """One part of a settings option that must be a positive whole number."""
    value = part(values, key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"--settings: {key} must be a positive whole number, found {value!r}")
    return value


def parse_runs(options: list[str], labels: dict[str, str]) -> list[Run]:
    """`MODEL:SEED=FILE` options as runs with the label of their model."""
    runs = []
    for option in options:
        found = re.fullmatch(r"(?P<model>[^:]+):(?P<seed>\d+)=(?P<path>.+)", option)
        if not found:
            raise InputError(f"--run must be MODEL:SEED=FILE, found '{option}'")
        if found["model"] not in labels:
            raise InputError(f"--run {option}: no such model; {nearest(found['model'], list(labels))}")
        runs.append(Run(found["model"], labels[found["model"]], int(found["seed"]), Path(found["path"])))
    return runs
