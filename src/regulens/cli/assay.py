"""Commands that train and evaluate the assay models."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import (
    EpochsOption,
    HardwareOption,
    OutputOption,
    SettingsOption,
    StateOption,
    ThreadsOption,
    parse,
    part,
    use_threads,
)
from regulens.core.settings import validated
from regulens.training.settings import TrainingSettings

app = typer.Typer()
ModelArgument = Annotated[Path, typer.Argument(help="Trained model (model.ckpt).")]
TrainOption = Annotated[Path, typer.Option("--train", help="Store of the training set.")]
TestOption = Annotated[Path, typer.Option("--test", help="Store of the test set.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Random seed.")]


@app.command("train")
def train(
    train: TrainOption,
    valid: Annotated[Path, typer.Option("--valid", help="Store of the validation set.")],
    settings: SettingsOption,
    hardware: HardwareOption,
    seed: SeedOption,
    state: StateOption,
    epochs_log: EpochsOption,
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Train one model; run again after an interruption, it goes on at the last finished epoch."""
    from regulens.training.assay import train_assay as run

    use_threads(threads)
    values = parse(settings)
    run(
        part(values, "architecture"),
        part(values, "settings"),
        train,
        valid,
        validated(TrainingSettings, part(values, "training") | parse(hardware), "training"),
        seed,
        output,
        epochs_log,
        state,
    )


@app.command("adopt-checkpoint")
def adopt_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of a trained model.")],
    train: TrainOption,
    settings: SettingsOption,
    output: OutputOption,
) -> None:
    """Take a trained model instead of training one, after checking that it fits the configuration and the data."""
    from regulens.training.resume import adopt_checkpoint as adopt

    values = parse(settings)
    adopt(checkpoint, part(values, "architecture"), part(values, "settings"), train, output)


@app.command("predict")
def predict(
    model: ModelArgument,
    data: Annotated[Path, typer.Option("--data", help="Store to predict.")],
    settings: SettingsOption,
    name: Annotated[str, typer.Option("--name", help="Name of the model in the tables.")],
    seed: SeedOption,
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Predict every example of a store."""
    from regulens.training.evaluate import predict as run

    use_threads(threads)
    run(model, data, output, batch=part(parse(settings), "batch"), name=name, seed=seed)


@app.command("predict-reference")
def predict_reference(
    reference: Annotated[str, typer.Argument(help="mean or gc_cpg_ridge.")],
    train: TrainOption,
    test: TestOption,
    settings: SettingsOption,
    output: OutputOption,
) -> None:
    """Predictions of a reference row of Table 1: the training mean, or a ridge regression on GC and CpG content."""
    from regulens.training.evaluate import predict_reference as run

    run(reference, train, test, output, alpha=part(parse(settings), "ridge_alpha"))


@app.command("pearson")
def pearson(
    predictions: Annotated[Path, typer.Argument(help="Predictions of the test set.")],
    test: TestOption,
    output: OutputOption,
) -> None:
    """Pearson correlation of every track, over all segments and bins."""
    from regulens.training.evaluate import pearson_table

    pearson_table(predictions, test, output)


@app.command("describe-models")
def describe_models(test: TestOption, settings: SettingsOption, output: OutputOption) -> None:
    """Length and width of every stage of the configured models, as a table."""
    from regulens.data.store import AssayStore
    from regulens.studies.genomic_interpreter.figure1 import describe_models as describe

    with AssayStore(test) as store:
        describe(part(parse(settings), "models"), store, output)


@app.command("export-attention")
def export_attention(
    model: ModelArgument,
    test: TestOption,
    settings: SettingsOption,
    name: Annotated[str, typer.Option("--name", help="Name of the model in the figures.")],
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Attention weights of a model on one test segment."""
    from regulens.data.store import AssayStore
    from regulens.interpret.attention import export_attention as export
    from regulens.training.device import best_device
    from regulens.training.resume import load_model

    use_threads(threads)
    with AssayStore(test) as store:
        export(load_model(model).to(best_device()), store, part(parse(settings), "example"), output, name)


@app.command("attention-distance")
def attention_distance(
    model: ModelArgument, test: TestOption, settings: SettingsOption, output: OutputOption, threads: ThreadsOption = 1
) -> None:
    """Mean distance under the attention of each layer, block and head, over the test set."""
    from regulens.data.store import AssayStore
    from regulens.interpret.attention import write_distances
    from regulens.training.device import best_device
    from regulens.training.resume import load_model

    use_threads(threads)
    with AssayStore(test) as store:
        write_distances(load_model(model).to(best_device()), store, output, part(parse(settings), "batch"))
