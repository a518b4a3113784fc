"""Commands that turn first-layer filters into motifs and judge their matches."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import OutputOption, SettingsOption, ThreadsOption, parse, part, use_threads
from regulens.motifs.settings import FilterSettings

app = typer.Typer()


@app.command("align-filters")
def align_filters(
    model: Annotated[Path, typer.Argument(help="Trained trials (model.pt).")],
    data: Annotated[Path, typer.Option("--data", help="Simulated sequences; the test sequences are aligned.")],
    settings: SettingsOption,
    meme: Annotated[Path, typer.Option("--meme", help="Motifs of the filters of all trials to write, as MEME text.")],
    output: OutputOption,
    threads: ThreadsOption = 1,
) -> None:
    """Motifs of the first-layer filters of all trials, by alignment of the sequences that activate them."""
    from regulens.interpret import filters

    use_threads(threads)
    filters.align_filters(model, data, part(parse(settings), "filters", FilterSettings), meme, output)


@app.command("match-filters")
def match_filters(
    hits: Annotated[Path, typer.Argument(help="Hits of `regulens tomtom` for the motifs of the filters.")],
    targets: Annotated[Path, typer.Option("--targets", help="Annotation of `regulens jaspar-targets`.")],
    aligned: Annotated[Path, typer.Option("--aligned", help="Table of `regulens align-filters`.")],
    settings: SettingsOption,
    output: OutputOption,
    statistics: Annotated[Path, typer.Option("--statistics", help="Rates of every trial to write.")],
) -> None:
    """Best match of every filter, and the share of filters that match planted and other motifs, by trial."""
    from regulens.motifs import filter_matches

    values = part(parse(settings), "filters", FilterSettings)
    filter_matches.match_filters(hits, targets, aligned, values, output, statistics)
