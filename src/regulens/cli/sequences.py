"""Commands that make labelled sequences: unpack a genome, cut, read or simulate, filter, split."""

from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import OutputOption, SettingsOption, parse
from regulens.core.errors import InputError
from regulens.core.settings import validated
from regulens.data.settings import CoordinateSequences, SimulatedSequences, TableSequences

app = typer.Typer()
TrainOutput = Annotated[Path, typer.Option("--train", help="Training sequences to write.")]
ValidOutput = Annotated[Path, typer.Option("--valid", help="Validation sequences to write.")]
TestOutput = Annotated[Path, typer.Option("--test", help="Test sequences to write.")]
FiltersOutput = Annotated[Path, typer.Option("--filters", help="Counts of the filters to write, as CSV.")]
SitesOutput = Annotated[Path | None, typer.Option("--sites", help="Motif sites to write.")]


@app.command("unpack")
def unpack(packed: Annotated[Path, typer.Argument(help="File packed by gzip.")], output: OutputOption) -> None:
    """Unpack a file, so that it can be read at random."""
    from regulens.data.download import decompress

    decompress(packed, output)


@app.command("sequences-from-coordinates")
def sequences_from_coordinates(
    fasta: Annotated[Path, typer.Option("--fasta", help="Genome sequence.")],
    coordinates: Annotated[list[str], typer.Option("--coordinates", help="SPLIT.CLASS=FILE; once for each file.")],
    settings: SettingsOption,
    train: TrainOutput,
    valid: ValidOutput,
    test: TestOutput,
    filters: FiltersOutput,
) -> None:
    """Cut labelled sequences out of a genome, filter and split them."""
    from regulens.data.sequences import SequenceOutputs, from_coordinates

    files = {}
    for option in coordinates:
        key, equals, path = option.partition("=")
        split, dot, name = key.partition(".")
        if not (equals and dot):
            raise InputError(f"--coordinates must be SPLIT.CLASS=FILE, found '{option}'")
        files[split, name] = Path(path)
    values = validated(CoordinateSequences, parse(settings), "data")
    from_coordinates(values, fasta, files, SequenceOutputs(train, valid, test, filters))


@app.command("sequences-from-table")
def sequences_from_table(
    table: Annotated[Path, typer.Argument(help="TSV or CSV of sequences and labels.")],
    settings: SettingsOption,
    train: TrainOutput,
    valid: ValidOutput,
    test: TestOutput,
    filters: FiltersOutput,
    annotated: Annotated[Path | None, typer.Option("--annotated", help="Motif sites in the sequences, as TSV.")] = None,
    sites: SitesOutput = None,
) -> None:
    """Read labelled sequences from a table, filter and split them."""
    from regulens.data.sequences import SequenceOutputs, from_table

    values = validated(TableSequences, parse(settings), "data")
    from_table(values, table, annotated, SequenceOutputs(train, valid, test, filters, sites))


@app.command("simulate-sequences")
def simulate_sequences(
    settings: SettingsOption,
    train: TrainOutput,
    valid: ValidOutput,
    test: TestOutput,
    filters: FiltersOutput,
    sites: SitesOutput,
) -> None:
    """Simulate positive and negative sequences with planted motifs."""
    from regulens.data.matrices import load_matrices
    from regulens.data.sequences import SequenceOutputs
    from regulens.data.simulate.labelled import motif_identifiers, simulate

    values = validated(SimulatedSequences, parse(settings), "data")
    matrices = load_matrices(motif_identifiers(values.simulation), values.simulation.release)
    simulate(values, matrices, SequenceOutputs(train, valid, test, filters, sites))
