"""Commands that pre-train, fine-tune and evaluate the BERT of k-mers."""

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
from regulens.models.settings import BertSettings
from regulens.training.settings import FineTuningSettings, MaskedTrainingSettings, PretrainingSettings

app = typer.Typer()
TrainOption = Annotated[Path, typer.Option("--train", help="Training sequences.")]
ValidOption = Annotated[Path, typer.Option("--valid", help="Validation sequences.")]
TestOption = Annotated[Path, typer.Option("--test", help="Test sequences.")]
TaskOption = Annotated[str, typer.Option("--task", help="Name of the task.")]


@app.command("pretrain")
def pretrain(
    settings: SettingsOption,
    hardware: HardwareOption,
    state: StateOption,
    epochs_log: EpochsOption,
    output: OutputOption,
    fasta: Annotated[list[Path] | None, typer.Option("--fasta", help="FASTA file; once for each.")] = None,
    sequences: Annotated[
        list[Path] | None, typer.Option("--sequences", help="Training sequences of a task; once for each.")
    ] = None,
    threads: ThreadsOption = 1,
) -> None:
    """Pre-train the encoder on masked k-mers; run again after an interruption, it goes on where it was."""
    from regulens.training.loop import train
    from regulens.training.pretraining import masked_kmer_task

    use_threads(threads)
    values = parse(settings)
    bert, data = part(values, "model", BertSettings), part(values, "data", PretrainingSettings)
    training = validated(MaskedTrainingSettings, part(values, "training") | parse(hardware), "training")
    length_bp = part(values, "length_bp")
    train(
        lambda: masked_kmer_task(fasta or [], sequences or [], bert, data, length_bp),
        training,
        part(values, "seed"),
        output,
        epochs_log,
        state,
    )


@app.command("fine-tune")
def fine_tune(
    train: TrainOption,
    valid: ValidOption,
    settings: SettingsOption,
    hardware: HardwareOption,
    task: TaskOption,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")],
    state: StateOption,
    epochs_log: EpochsOption,
    output: OutputOption,
    initial: Annotated[Path | None, typer.Option("--initial", help="Pre-trained weights to start from.")] = None,
    threads: ThreadsOption = 1,
) -> None:
    """Fine-tune a classifier; run again after an interruption, it goes on at the last finished epoch."""
    from regulens.training.classification import classification_task
    from regulens.training.loop import train as run

    use_threads(threads)
    values = parse(settings)
    bert = part(values, "model", BertSettings)
    training = validated(FineTuningSettings, part(values, "training") | parse(hardware), "training")
    run(
        lambda: classification_task(train, valid, bert, initial, task, training.augmentation),
        training,
        seed,
        output,
        epochs_log,
        state,
    )


@app.command("adopt-classifier")
def adopt_classifier(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of a fine-tuned classifier.")],
    test: TestOption,
    settings: SettingsOption,
    task: TaskOption,
    output: OutputOption,
) -> None:
    """Take a fine-tuned classifier instead of training one, after checking that it fits configuration and data."""
    from regulens.data.sequences import read_sequences
    from regulens.training.classification import adopt_classifier as adopt

    length_bp = read_sequences(test).codes.shape[1]
    adopt(checkpoint, part(parse(settings), "model", BertSettings), length_bp, output, task=task)


@app.command("classify")
def classify(
    model: Annotated[Path, typer.Argument(help="Fine-tuned classifier (model.ckpt).")],
    test: TestOption,
    settings: SettingsOption,
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Probability of the positive class for every test sequence."""
    from regulens.training.classification import predict_classes

    use_threads(threads)
    predict_classes(model, test, output, part(parse(settings), "batch"))


@app.command("classify-by-kmers")
def classify_by_kmers(
    train: TrainOption, valid: ValidOption, test: TestOption, settings: SettingsOption, output: OutputOption
) -> None:
    """The reference row: a logistic regression on k-mer frequencies, trained on the same sequences."""
    from regulens.training.classification import predict_by_kmers

    predict_by_kmers([train, valid], test, output, part(parse(settings), "reference_k"))


@app.command("classifier-metrics")
def classifier_metrics(
    predictions: Annotated[Path, typer.Argument(help="Predictions of the classifier.")],
    reference: Annotated[Path, typer.Option("--reference", help="Predictions of the logistic regression.")],
    train: TrainOption,
    valid: ValidOption,
    test: TestOption,
    settings: SettingsOption,
    output: OutputOption,
) -> None:
    """Test scores beside the logistic regression's: of all sequences, and of those that do not overlap training's."""
    from regulens.training.classification import classifier_metrics as metrics

    metrics(predictions, reference, [train, valid], test, output, part(parse(settings), "bootstrap"))
