"""Commands that draw the figures of the study of hybrid networks."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.hybrid_networks import architectures, selection
from regulens.cli.options import PdfOption, PngOption, SettingsOption, parse, part
from regulens.core.errors import InputError
from regulens.core.settings import validated

app = typer.Typer(no_args_is_help=True, help=__doc__)
TableArgument = Annotated[Path, typer.Argument(help="Result table of the task, CSV.")]


def networks(values: dict) -> dict[str, dict]:
    """Networks of every task: label of the task to architecture to its settings."""
    from regulens.models.settings import HybridNetworkSettings

    tasks = part(values, "tasks")
    if not (isinstance(tasks, dict) and tasks) or not all(
        isinstance(found, dict) and found for found in tasks.values()
    ):
        raise InputError("--settings: tasks must map the label of a task to its networks, at least one of each")
    return {
        label: {name: validated(HybridNetworkSettings, entry, f"tasks.{label}.{name}") for name, entry in found.items()}
        for label, found in tasks.items()
    }


@app.command("figure1")
def figure1(settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Figure 1: the networks as configured, in three stages."""
    from regulens.studies.hybrid_networks.figure1 import hybrid_architectures

    values = parse(settings)
    activations = values.get("activations", ["relu", "exponential"])
    hybrid_architectures(architectures(values), networks(values), pdf, png, activations=activations)


@app.command("figure2")
def figure2(table: TableArgument, pdf: PdfOption, png: PngOption) -> None:
    """Figure 2: classification and filter motifs of every network, exponential against ReLU."""
    from regulens.studies.hybrid_networks.figure2 import figure2 as draw

    draw(table, pdf, png)


@app.command("figure3")
def figure3(table: TableArgument, pdf: PdfOption, png: PngOption) -> None:
    """Figure 3: classification and saliency maps of every network, exponential against ReLU."""
    from regulens.studies.hybrid_networks.figure2 import figure3 as draw

    draw(table, pdf, png)


@app.command("filter-sheet")
def filter_sheet(
    meme: Annotated[Path, typer.Argument(help="Motifs of the filters, MEME text.")],
    filters: Annotated[Path, typer.Option("--filters", help="Table of `regulens match-filters`.")],
    trials: Annotated[Path, typer.Option("--trials", help="Table of all trials of the task.")],
    architecture: Annotated[str, typer.Option("--architecture", help="Name of the architecture.")],
    activation: Annotated[str, typer.Option("--activation", help="relu or exponential.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """Logos of the first-layer filters of a network's best kept trial, with their best matches."""
    from regulens.plotting.style import activation_style
    from regulens.studies.hybrid_networks.filters import filter_sheet as draw
    from regulens.studies.hybrid_networks.results import best_trial

    values = parse(settings)
    trial = best_trial(trials, "task1", architecture, activation, **selection(values, "aupr"))
    draw(meme, filters, trial, f"{part(values, 'label')}, {activation_style(activation).label}", pdf, png)


@app.command("training-curves")
def training_curves(
    folder: Annotated[Path, typer.Argument(help="Results of the study: FOLDER/TASK/ARCHITECTURE/ACTIVATION/log.csv.")],
    task: Annotated[str, typer.Option("--task", help="task1 or task2.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """Validation curve of every trial of every network, by the metric `monitor` of the settings.

    `trained` of the settings names the networks whose logs are drawn (ARCHITECTURE/ACTIVATION); without it all are.
    """
    from regulens.studies.hybrid_networks.training import logs_in, trial_curves

    values = parse(settings)
    runs = logs_in(folder, task, architectures(values), part(values, "activations"), values.get("trained"))
    trial_curves(runs, pdf, png, score=values.get("monitor", "auroc"))
