"""Commands that score the relevance of bases and measure what the scores are worth."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import OutputOption, SettingsOption, ThreadsOption, parse, part, use_threads
from regulens.core.settings import validated
from regulens.interpret.settings import MutagenesisSettings, RelevanceSettings

app = typer.Typer()
BatchOption = Annotated[str, typer.Option("--hardware", help="Batch, as JSON.")]
RelevanceArgument = Annotated[Path, typer.Argument(help="Score file of `regulens score-relevance`.")]


@app.command("score-relevance")
def score_relevance(
    model: Annotated[Path, typer.Argument(help="Fine-tuned classifier (model.ckpt).")],
    test: Annotated[Path, typer.Option("--test", help="Test sequences.")],
    settings: SettingsOption,
    hardware: BatchOption,
    task: Annotated[str, typer.Option("--task", help="Name of the task.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of the classifier.")],
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Relevance of every base of every test sequence, by every score."""
    from regulens.interpret.score_file import score_sequences

    use_threads(threads)
    values = validated(RelevanceSettings, part(parse(settings), "relevance") | parse(hardware), "relevance")
    score_sequences(model, test, output, values, task=task, seed=seed)


@app.command("mutagenesis")
def mutagenesis(
    relevance: RelevanceArgument,
    model: Annotated[Path, typer.Option("--model", help="The classifier that the scores belong to.")],
    settings: SettingsOption,
    hardware: BatchOption,
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Mutate the bases with the highest relevance and classify again: the outcome of every mutant (HDF5)."""
    from regulens.interpret.mutagenesis import run_mutagenesis

    use_threads(threads)
    values = validated(MutagenesisSettings, part(parse(settings), "mutagenesis") | parse(hardware), "mutagenesis")
    run_mutagenesis(relevance, model, output, values, precision=values.precision)


@app.command("mutagenesis-tables")
def mutagenesis_tables(
    outcomes: Annotated[Path, typer.Argument(help="Outcomes of `regulens mutagenesis`.")],
    settings: SettingsOption,
    curves: Annotated[Path, typer.Option("--curves", help="Accuracy by score and number of mutations to write.")],
    paired: Annotated[Path, typer.Option("--paired", help="Paired tests to write.")],
) -> None:
    """Accuracy by score and number of mutated bases, and the scores against each other."""
    from regulens.interpret.mutagenesis import write_tables

    values = parse(settings)
    write_tables(outcomes, curves, paired, part(values, "bootstrap"), part(values, "seed"))


@app.command("score-agreement")
def score_agreement(relevance: RelevanceArgument, output: OutputOption) -> None:
    """Rank correlation between every two scores."""
    from regulens.studies.dnabert_lrp.score_agreement import write_agreement

    write_agreement(relevance, output)


@app.command("score-truth")
def score_truth(
    relevance: RelevanceArgument,
    sites: Annotated[Path, typer.Option("--sites", help="Motif sites of the sequences.")],
    settings: SettingsOption,
    output: OutputOption,
) -> None:
    """AUROC of every score against known motif sites."""
    from regulens.interpret.truth import write_truth

    values = parse(settings)
    write_truth(relevance, sites, output, part(values, "bootstrap"), part(values, "seed"))
