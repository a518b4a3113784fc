"""Commands that make the tables and figures of the Genomic Interpreter study."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import (
    CsvOption,
    MdOption,
    PdfOption,
    PngOption,
    PublishedOption,
    RunsOption,
    SettingsOption,
    TexOption,
    parse,
    parse_runs,
    part,
)
from regulens.training.settings import REFERENCE_ROWS

app = typer.Typer(no_args_is_help=True, help=__doc__)
ArchitecturesArgument = Annotated[Path, typer.Argument(help="Table of `regulens describe-models`.")]
AttentionArgument = Annotated[Path, typer.Argument(help="Attention file of one test segment.")]


def labels(values: dict) -> dict[str, str]:
    """Label of every model and reference row."""
    return {name: entry["label"] for name, entry in part(values, "models").items()} | REFERENCE_ROWS


@app.command("table1")
def table1(
    run: RunsOption,
    published: PublishedOption,
    settings: SettingsOption,
    csv: CsvOption,
    md: MdOption,
    tex: TexOption,
) -> None:
    """Table 1: Pearson correlation by model and track group."""
    from regulens.studies.genomic_interpreter.table1 import table1 as make

    values = parse(settings)
    make(
        parse_runs(run, labels(values)),
        published,
        csv,
        md,
        tex,
        groups=list(part(values, "groups")),
        data_note=part(values, "data_note"),
    )


@app.command("claims")
def claims(
    run: RunsOption,
    distances: Annotated[Path, typer.Option("--distances", help="Table of `regulens attention-distance`.")],
    attention: Annotated[Path, typer.Option("--attention", help="Attention file of one test segment.")],
    published: PublishedOption,
    settings: SettingsOption,
    csv: CsvOption,
    md: MdOption,
) -> None:
    """What the paper says of its models, whether this run shows it, and what the paper's own table shows."""
    from regulens.studies.genomic_interpreter.claims import Shown, claims_table

    values = parse(settings)
    shown = Shown(*(part(values, key) for key in Shown._fields))
    claims_table(
        parse_runs(run, labels(values)),
        distances,
        attention,
        published,
        csv,
        md,
        shown=shown,
        groups=list(part(values, "groups")),
        data_note=part(values, "data_note"),
    )


@app.command("figure1")
def figure1(architectures: ArchitecturesArgument, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Figure 1: Genomic Interpreter as configured."""
    from regulens.studies.genomic_interpreter.figure1 import figure1 as draw

    draw(architectures, part(parse(settings), "main_model"), pdf, png)


@app.command("figure2")
def figure2(run: RunsOption, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Figure 2: correlation of every track, main model against each other model."""
    from regulens.studies.genomic_interpreter.figure2 import figure2 as draw

    values = parse(settings)
    draw(parse_runs(run, labels(values)), part(values, "main_model"), pdf, png, groups=list(part(values, "groups")))


@app.command("figure3")
def figure3(
    run: RunsOption,
    test: Annotated[Path, typer.Option("--test", help="Store of the test set.")],
    settings: SettingsOption,
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """Figure 3: one track along one test segment, measured and predicted."""
    from regulens.studies.genomic_interpreter.figure3 import figure3 as draw

    values = parse(settings)
    predictions = {entry.model: (entry.label, entry.path) for entry in parse_runs(run, labels(values))}
    shown = part(values, "figure3")
    draw(test, predictions, shown["track"], shown["example"], pdf, png)


@app.command("figure4a")
def figure4a(attention: AttentionArgument, pdf: PdfOption, png: PngOption) -> None:
    """Figure 4a: attention of every layer."""
    from regulens.studies.genomic_interpreter.figure4 import figure4a as draw

    draw(attention, pdf, png)


@app.command("figure4b")
def figure4b(attention: AttentionArgument, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Figure 4b: the heads of one layer."""
    from regulens.studies.genomic_interpreter.figure4 import figure4b as draw

    draw(attention, part(parse(settings), "heads_layer"), pdf, png)


@app.command("attention-distance-plot")
def attention_distance_plot(
    distances: Annotated[Path, typer.Argument(help="Table of `regulens attention-distance`.")],
    pdf: PdfOption,
    png: PngOption,
) -> None:
    """The number behind Figure 4a: mean distance under the attention of each layer."""
    from regulens.studies.genomic_interpreter.attention_distance import attention_distance_plot as draw

    draw(distances, pdf, png)


@app.command("figure5")
def figure5(architectures: ArchitecturesArgument, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Figure 5: the models as configured, side by side."""
    from regulens.studies.genomic_interpreter.figure1 import figure5 as draw

    draw(architectures, part(parse(settings), "main_model"), pdf, png)


@app.command("figure6")
def figure6(attention: AttentionArgument, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Figure 6: windows and heads of one layer."""
    from regulens.studies.genomic_interpreter.figure4 import figure6 as draw

    draw(attention, part(parse(settings), "windows_layer"), pdf, png)


@app.command("figure7")
def figure7(attention: AttentionArgument, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Figure 7: zoom into one attention map, with the bases of each token."""
    from regulens.studies.genomic_interpreter.figure7 import figure7 as draw

    values = parse(settings)
    draw(attention, part(values, "zoom_layer"), part(values, "zoom_tokens"), pdf, png)


@app.command("loss-curves")
def loss_curves(run: RunsOption, settings: SettingsOption, pdf: PdfOption, png: PngOption) -> None:
    """Training and validation loss of every model, by epoch."""
    from regulens.studies.loss_curves import loss_curves as draw

    values = parse(settings)
    draw(parse_runs(run, labels(values)), pdf, png, select=part(values, "select"))
