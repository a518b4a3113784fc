"""Commands that make the tables and figures of the study of hybrid networks."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import CsvOption, MdOption, PublishedOption, SettingsOption, TexOption, parse, part, whole
from regulens.core.errors import InputError
from regulens.core.settings import validated
from regulens.models.settings import HybridArchitecture

app = typer.Typer(no_args_is_help=True, help=__doc__)


def architectures(values: dict) -> dict[str, HybridArchitecture]:
    """The configured architectures of a settings option, in its order."""
    found = part(values, "architectures")
    if not isinstance(found, dict) or not found:
        raise InputError("--settings: architectures must map at least one name to an architecture")
    return {name: validated(HybridArchitecture, entry, f"architectures.{name}") for name, entry in found.items()}


def selection(values: dict, metric: str) -> dict[str, str]:
    """Set and metric by which the trials of a figure were kept; test and ``metric`` where the settings do not say."""
    given = values.get("selection", {})
    if not isinstance(given, dict):
        raise InputError(f"--settings: selection must be a map with split and metric, found {given!r}")
    return {"split": "test", "metric": metric} | {key: given[key] for key in ("split", "metric") if key in given}


@app.command("results")
def results(
    folder: Annotated[Path, typer.Argument(help="Results of the study: FOLDER/TASK/ARCHITECTURE/ACTIVATION.")],
    task: Annotated[str, typer.Option("--task", help="task1 or task2.")],
    published: PublishedOption,
    settings: SettingsOption,
    csv: CsvOption,
    trials: Annotated[Path, typer.Option("--trials", help="Table of all trials to write.")],
    md: MdOption,
    tex: TexOption,
) -> None:
    """Result table of a task: every network with both activations, beside the paper's numbers."""
    from regulens.studies.hybrid_networks.results import Selection, results_table

    values = parse(settings)
    by = part(values, "selection")
    chosen = Selection(whole(values, "keep"), part(by, "split"), part(by, "metric"))
    results_table(
        folder,
        task,
        architectures(values),
        part(values, "activations"),
        chosen,
        published,
        csv=csv,
        trials=trials,
        markdown=md,
        latex=tex,
        label=values.get("label"),
        data_note=values.get("data_note"),
    )


@app.command("claims")
def claims(
    published: PublishedOption,
    settings: SettingsOption,
    csv: CsvOption,
    md: MdOption,
    task1: Annotated[Path | None, typer.Option("--task1", help="Table of all trials of task 1.")] = None,
    task2: Annotated[Path | None, typer.Option("--task2", help="Table of all trials of task 2.")] = None,
    differences: Annotated[
        Path | None, typer.Option("--differences", help="Exponential less ReLU of every network, CSV to write.")
    ] = None,
) -> None:
    """What the paper says of its networks, whether this run shows it, and what the paper's own table shows.

    The settings are those of `results`, or a map of task1 and task2 to theirs.
    """
    from regulens.studies.hybrid_networks.claims import claims_table

    values = parse(settings)
    values = next((values[task] for task in ("task1", "task2") if task in values), values)
    given = {name: path for name, path in (("task1", task1), ("task2", task2)) if path is not None}
    names = {network.label: network.published for network in architectures(values).values()}
    note = values.get("data_note")
    claims_table(given, published, csv, md, published_as=names, differences_csv=differences, data_note=note)
