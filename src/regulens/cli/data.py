"""Commands that make the examples: download, simulate, crop, link."""

import json
from pathlib import Path
from typing import Annotated

import typer

from regulens.cli.options import OutputOption, SettingsOption, SplitOption, parse, part
from regulens.core.settings import validated
from regulens.data.settings import CropSettings, DownloadSettings, Geometry, SimulationSettings, Source

app = typer.Typer()
TracksOption = Annotated[Path, typer.Option("--tracks", help="Track table.")]
ShardOption = Annotated[int, typer.Option("--shard", min=0, help="Number of the shard, from 0.")]


@app.command("download")
def download(
    name: Annotated[str, typer.Argument(help="Name of the source: its path in the mirror folder.")],
    source: Annotated[str, typer.Option("--source", help="URL, checksum and licence, as JSON.")],
    settings: SettingsOption,
    output: OutputOption,
    lock: Annotated[Path | None, typer.Option("--lock", help="Checksums seen of sources that state none.")] = None,
    licence: Annotated[str, typer.Option("--licence", help="Licence of the data, for the manifest.")] = "",
) -> None:
    """Fetch one file, from the mirror folder or its URL, and check its sha256."""
    from regulens.data.download import download as fetch

    entry = validated(Source, json.loads(source), "source")
    fetch(name, entry, output, validated(DownloadSettings, parse(settings), "download"), lock)


@app.command("simulate-genome")
def simulate_genome(settings: SettingsOption, output: OutputOption) -> None:
    """Simulate a genome with planted motifs and the coverage that follows from them, into a folder."""
    from regulens.data.simulate.genome import simulate_genome as simulate
    from regulens.motifs.meme import load_matrices

    values = validated(SimulationSettings, parse(settings), "simulation")
    simulate(values, output, load_matrices(values.motifs, values.release))


@app.command("crop-tfrecord")
def crop_tfrecord(
    tfrecord: Annotated[Path, typer.Argument(help="Zlib TFRecord file.")],
    windows: Annotated[Path, typer.Option("--windows", help="BED of the target regions, rows in record order.")],
    tracks: TracksOption,
    statistics: Annotated[Path, typer.Option("--statistics", help="Basenji statistics.json.")],
    split: SplitOption,
    shard: ShardOption,
    settings: SettingsOption,
    output: OutputOption,
) -> None:
    """Crop the examples of one TFRecord file into one shard."""
    from regulens.data.crop import crop_tfrecord as crop

    values = parse(settings)
    crop(
        tfrecord,
        tracks,
        statistics,
        output,
        split=split,
        shard=shard,
        geometry=part(values, "geometry", Geometry),
        groups=part(values, "groups"),
        settings=part(values, "crop", CropSettings),
        windows=windows,
    )


@app.command("crop-bigwig")
def crop_bigwig(
    fasta: Annotated[Path, typer.Option("--fasta", help="Genome sequence.")],
    windows: Annotated[Path, typer.Option("--windows", help="BED of the target regions (contig, start, end, split).")],
    tracks: TracksOption,
    coverage: Annotated[Path, typer.Option("--coverage", help="Folder of the bigWig files of the track table.")],
    split: SplitOption,
    shard: ShardOption,
    shards: Annotated[int, typer.Option("--shards", min=1, help="Shards of this split.")],
    settings: SettingsOption,
    output: OutputOption,
    blacklist: Annotated[Path | None, typer.Option("--blacklist", help="BED of regions to clip.")] = None,
) -> None:
    """Crop one shard of the examples of a split from FASTA and bigWig files."""
    from regulens.data.crop import crop_bigwig as crop

    values = parse(settings)
    crop(
        fasta,
        windows,
        tracks,
        coverage,
        output,
        split=split,
        shard=shard,
        n_shards=shards,
        geometry=part(values, "geometry", Geometry),
        groups=part(values, "groups"),
        settings=part(values, "crop", CropSettings),
        blacklist=blacklist,
    )


@app.command("link-shards")
def link_shards(
    shards: Annotated[list[Path], typer.Argument(help="Shards of one split, in order.")], output: OutputOption
) -> None:
    """Join the shards of a split into one HDF5 virtual data set."""
    from regulens.data.store import link_shards as link

    link(shards, output)
