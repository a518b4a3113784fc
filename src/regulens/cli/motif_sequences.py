"""Command that simulates sequences with planted motifs and a known truth at every position."""

import sys

import typer

from regulens.cli.options import OutputOption, SettingsOption, parse, part
from regulens.core.settings import validated
from regulens.data.settings import MotifSequenceData

app = typer.Typer()


@app.command("simulate-motif-sequences")
def simulate_motif_sequences(settings: SettingsOption, output: OutputOption) -> None:
    """Simulate labelled sequences with planted motifs: binding sites, or a regulatory code."""
    from regulens.motifs.jaspar import write_simulation

    values = validated(MotifSequenceData, {"data": part(parse(settings), "data")})
    data = write_simulation(values.data, output)
    sizes = ", ".join(f"{len(data.of(split)):,} {split}" for split in ("train", "valid", "test"))
    print(f"{output}: {sizes} sequences; classes: {', '.join(data.classes)}", file=sys.stderr)
