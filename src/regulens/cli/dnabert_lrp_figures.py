"""Commands that draw the figures of the DNABERT + LRP study."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.dnabert_lrp import MotifsArgument, TaskOption, class_names, known_task, task_runs
from regulens.cli.options import PdfOption, PngOption, RunsOption, SettingsOption, parse, part
from regulens.core.runs import CLASSES, Run
from regulens.core.settings import nearest
from regulens.interpret.scores import score_label

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command("mutagenesis-curves")
def mutagenesis_curves(
    run: RunsOption,
    label: Annotated[str, typer.Option("--label", help="Class of the sequences: positive or negative.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """Figures 1 and 2: accuracy against the number of mutated bases."""
    from regulens.studies.dnabert_lrp.figure1 import mutagenesis_curves as draw

    numbers = {name: number for number, name in CLASSES.items()}
    if label not in numbers:
        raise typer.BadParameter(f"--label {label}: {nearest(label, list(numbers))}")
    values = parse(settings)
    draw(task_runs(run, values), numbers[label], pdf, png, class_names=class_names(values))


@app.command("agreement")
def agreement(run: RunsOption, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Heat map of the rank correlation between the scores."""
    from regulens.studies.dnabert_lrp.score_agreement import agreement_heatmap

    values = parse(settings)
    agreement_heatmap(task_runs(run, values), pdf, png, class_names=class_names(values))


@app.command("relevance-logo")
def relevance_logo(
    relevance: Annotated[Path, typer.Argument(help="Score file of `regulens score-relevance`.")],
    task: TaskOption,
    example: Annotated[int, typer.Option("--example", min=0, help="Row of the test set.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
    sites: Annotated[Path | None, typer.Option("--sites", help="Motif sites of the sequences.")] = None,
) -> None:
    """Relevance of every base of one test sequence, by every score."""
    from regulens.studies.dnabert_lrp.relevance_logo import relevance_logo as draw

    values = parse(settings)
    names, scores, span = class_names(values), part(values, "scores"), part(values, "span_bp")
    draw(relevance, example, names[known_task(task, names)], pdf, png, scores=scores, sites=sites, span_bp=span)


@app.command("fine-tuning-curves")
def fine_tuning_curves(run: RunsOption, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Loss and validation accuracy of every task, by epoch."""
    from regulens.studies.loss_curves import CLASSES as QUANTITIES
    from regulens.studies.loss_curves import loss_curves

    values = parse(settings)
    runs = [Run(*entry) for entry in task_runs(run, values)]
    loss_curves(runs, pdf, png, select=part(values, "select"), quantities=QUANTITIES)


@app.command("pretraining-curves")
def pretraining_curves(
    epochs: Annotated[Path, typer.Argument(help="Log of `regulens pretrain`.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """Loss and validation accuracy of the pre-training, by epoch."""
    from regulens.studies.loss_curves import MASKED_KMERS, loss_curves

    select = {"pretraining": part(parse(settings), "training")["select"]}
    run = Run("pretraining", "Masked k-mers", 0, epochs)
    loss_curves([run], pdf, png, select=select, quantities=MASKED_KMERS)


@app.command("motif-logos")
def motif_logos(
    motifs: MotifsArgument,
    targets: Annotated[Path, typer.Option("--targets", help="Target motifs, MEME text.")],
    table: Annotated[Path, typer.Option("--table", help="Table of Section 5.3.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """The top motif of each score beside its best match."""
    from regulens.studies.dnabert_lrp.motif_logos import MotifFiles
    from regulens.studies.dnabert_lrp.motif_logos import motif_logos as draw

    runs = [
        MotifFiles(score, score_label(score), motifs / score / "motifs.meme", motifs / score / "tomtom.tsv")
        for score in part(parse(settings), "scores")
    ]
    draw(table, runs, targets, pdf, png)
