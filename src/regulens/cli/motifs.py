"""Commands that find motifs and compare them with JASPAR."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from regulens.cli.options import OutputOption, SettingsOption, parse, part
from regulens.motifs.settings import ComparisonSettings

app = typer.Typer()


@app.command("jaspar-targets")
def jaspar_targets(
    settings: SettingsOption,
    meme: Annotated[Path, typer.Option("--meme", help="Target motifs to write, as MEME text.")],
    annotation: Annotated[Path, typer.Option("--annotation", help="Factor, class and family of each, to write.")],
) -> None:
    """Target motifs and their annotation from the installed JASPAR."""
    from regulens.motifs.jaspar import write_targets

    write_targets(part(parse(settings), "comparison", ComparisonSettings), meme, annotation)


@app.command("tomtom")
def tomtom(
    queries: Annotated[Path, typer.Argument(help="Query motifs, MEME text.")],
    targets: Annotated[Path, typer.Option("--targets", help="Target motifs, MEME text.")],
    settings: SettingsOption,
    output: OutputOption,
) -> None:
    """Compare motifs with Tomtom of the MEME Suite, or with memelite where it is not installed."""
    from regulens.motifs.tomtom import compare

    values = part(parse(settings), "comparison", ComparisonSettings)
    name = " ".join(filter(None, [values.release, values.collection, values.tax_group]))
    for note in compare(queries, targets, values, output, targets_name=name).notes:
        print(note, file=sys.stderr)


@app.command("compile-memelite")
def compile_memelite(
    engine: Annotated[Literal["auto", "memelite"], typer.Option("--engine", help="auto: not where tomtom is there.")],
    output: OutputOption,
) -> None:
    """Compile memelite's Tomtom, which takes a minute or two, where it will be used; the output is a mark."""
    from regulens.core.io import atomic_output
    from regulens.motifs.tomtom import find_tomtom, memelite_version, warm_up

    with atomic_output(output) as temporary:
        if engine == "auto" and find_tomtom():
            temporary.write_text("not needed: the MEME Suite's tomtom is installed\n")
        else:
            print(f"memelite is ready after {warm_up():.1f} s", file=sys.stderr)
            temporary.write_text(f"memelite {memelite_version()}: ready\n")
