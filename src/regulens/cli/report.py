"""Command that writes the page of a run."""

from typing import Annotated

import typer

from regulens.cli.options import OutputOption, SettingsOption, parse
from regulens.core.settings import validated

app = typer.Typer()


@app.command("report")
def report(
    settings: SettingsOption,
    output: OutputOption,
    rebuild: Annotated[
        str, typer.Option("--rebuild", help="Command that makes a file again, its path left out.")
    ] = "snakemake --cores all --force",
) -> None:
    """The page of a run: every figure and table in the papers' order, beside claims, captions and origin."""
    from regulens.report.items import PageSettings
    from regulens.report.page import write_page

    write_page(validated(PageSettings, parse(settings)), rebuild, output)
