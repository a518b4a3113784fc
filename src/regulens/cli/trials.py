"""Commands that train and evaluate the trials of a hybrid network."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import (
    OutputOption,
    SettingsOption,
    StateOption,
    ThreadsOption,
    parse,
    part,
    use_threads,
    whole,
)
from regulens.core.settings import validated
from regulens.models.settings import HybridNetworkSettings
from regulens.training.settings import TrialTraining

app = typer.Typer()


@app.command("train-trials")
def train_trials(
    data: Annotated[Path, typer.Argument(help="Sequences of `regulens simulate-motif-sequences`.")],
    settings: SettingsOption,
    hardware: Annotated[str, typer.Option("--hardware", help="Accelerator and trials at once, as JSON.")],
    state: StateOption,
    epochs_log: Annotated[Path, typer.Option("--epochs-log", help="CSV with a row for every trial and epoch.")],
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Train several trials of a hybrid network; run again after an interruption, it goes on where it was."""
    from regulens.training.trials import train_trials as train

    use_threads(threads)
    values = parse(settings)
    network = part(values, "network", HybridNetworkSettings)
    training = validated(TrialTraining, part(values, "training") | parse(hardware), "training")
    train(data, network, training, whole(values, "trials"), part(values, "seed"), output, epochs_log, state)


@app.command("evaluate-trials")
def evaluate_trials(
    model: Annotated[Path, typer.Argument(help="Trained trials (model.pt).")],
    data: Annotated[Path, typer.Option("--data", help="Sequences, of which the test split is used.")],
    settings: SettingsOption,
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Test scores of every trial."""
    from regulens.training.trials import evaluate_trials as evaluate

    use_threads(threads)
    evaluate(model, data, output, whole(parse(settings), "batch"))


@app.command("adopt-trials")
def adopt_trials(
    checkpoint: Annotated[Path, typer.Argument(help="Trained trials (model.pt).")],
    settings: SettingsOption,
    output: OutputOption,
) -> None:
    """Take trained trials instead of training, after checking that they are of the configured network."""
    from regulens.training.trials import adopt_trials as adopt

    adopt(checkpoint, part(parse(settings), "network", HybridNetworkSettings), output)
