"""Commands that compute and draw the saliency of hybrid networks."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.hybrid_networks import selection
from regulens.cli.options import (
    OutputOption,
    PdfOption,
    PngOption,
    SettingsOption,
    ThreadsOption,
    parse,
    part,
    use_threads,
)
from regulens.core.errors import InputError
from regulens.interpret.settings import SaliencySettings

app = typer.Typer()


@app.command("score-saliency")
def score_saliency(
    model: Annotated[Path, typer.Argument(help="Trained trials (model.pt).")],
    data: Annotated[Path, typer.Option("--data", help="Sequences with planted motifs (HDF5).")],
    settings: SettingsOption,
    output: OutputOption,
    examples: Annotated[Path, typer.Option("--examples", help="Saliency of a few sequences to write (HDF5).")],
    threads: ThreadsOption = 1,
) -> None:
    """Saliency of the positive test sequences by every trial, against their planted motifs."""
    from regulens.interpret.saliency import score_saliency

    use_threads(threads)
    score_saliency(model, data, output, examples, part(parse(settings), "saliency", SaliencySettings))


@app.command("saliency-logo")
def saliency_logo(
    examples: Annotated[list[str], typer.Option("--examples", help="ACTIVATION=FILE; once for each activation.")],
    trials_table: Annotated[Path, typer.Option("--trials-table", help="Table of all trials of the task.")],
    architecture: Annotated[str, typer.Option("--architecture", help="Name of the architecture.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """Figure: saliency of one sequence as logos, by the best kept trial with each activation."""
    from regulens.studies.hybrid_networks.results import best_trial
    from regulens.studies.hybrid_networks.saliency_logo import saliency_logo

    values, files = parse(settings), _files(examples)
    by = selection(values, "auroc")
    trials = {name: best_trial(trials_table, "task2", architecture, name, **by) for name in files}
    saliency_logo(files, trials, part(values, "label"), pdf, png, values.get("example", 0))


def _files(options: list[str]) -> dict[str, Path]:
    """`ACTIVATION=FILE` options."""
    files = {}
    for option in options:
        name, mark, path = option.partition("=")
        if not (name and mark and path):
            raise InputError(f"--examples must be ACTIVATION=FILE, found '{option}'")
        if name in files:
            raise InputError(f"--examples: {name} is given twice")
        files[name] = Path(path)
    return files
