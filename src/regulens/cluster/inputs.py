"""Amount of data of a configuration: examples, tracks and sequences, and bytes of downloads and stores.

Counted in tables that exist locally, else known from the public data sets; None if neither tells. Nothing is
downloaded.
"""

import csv
import os
import re
from collections import Counter
from itertools import chain
from pathlib import Path

from regulens.config import Config
from regulens.config.dnabert_lrp import DnabertLrp
from regulens.config.genomic_interpreter import BigwigData, GenomicInterpreter, SimulatedData, TfrecordData
from regulens.config.sequence_to_function import SequenceToFunction
from regulens.core.errors import InputError
from regulens.core.io import read_text
from regulens.core.settings import nearest
from regulens.data.settings import (
    ClassFileSequences,
    CoordinateSequences,
    SimulatedSequences,
    coordinate_tables,
    find_source,
)

BASENJI2 = "gs://basenji_barnyard/data/human/"

BASENJI2_EXAMPLES = {"train": 34_021, "valid": 2_213, "test": 1_937}
"""Human examples (docs/papers.md, "Basenji2 data")."""

BASENJI2_TFRECORD_BYTES = 319e9 / 150
"""Size of one of the 150 files, about 319 GB in all (docs/papers.md, "Basenji2 data")."""

BASENJI2_TRACKS = ("manuscripts/cross2020/targets_human.txt", 5313)

SEQUENCES = {"human_nontata_promoters": (27_097, 9_034), "human_enhancers_ensembl": (123_872, 30_970)}
"""Training and test sequences in Genomic Benchmarks (docs/papers.md, "Promoters and enhancers")."""

GENOME = ("/hg38/bigZips/hg38.fa.gz", 1.0e9, 3.3e9)
"""End of the URL to size in bytes, packed and unpacked, rounded up."""


def needed_sources(config: Config) -> list[str]:
    """Names of all files that the run downloads."""
    names = chain(data_files(config).values(), [config.dnabert_lrp and config.dnabert_lrp.model.weights])
    return [name for name in dict.fromkeys(names) if name and find_source(config.sources, name)]


def data_files(config: Config) -> dict[str, str]:
    """Key to name of every data file that the run reads, its own and its downloads; files of a pattern one by one."""
    files = (
        (_assay_files(config.genomic_interpreter) if config.genomic_interpreter else {})
        | (_sequence_files(config.dnabert_lrp) if config.dnabert_lrp else {})
        | (_function_files(config.sequence_to_function) if config.sequence_to_function else {})
        | ({"explorer.fasta": config.explorer.fasta} if config.explorer else {})
    )
    return {key: name for key, name in files.items() if name}


def genomes(config: Config) -> list[str]:
    """Names of the genomes that the run downloads; they are read at random places."""
    fastas = {name for key, name in data_files(config).items() if re.search(r"fasta(\[\d+\])?$", key)}
    return [name for name in needed_sources(config) if name in fastas]


def _assay_files(study: GenomicInterpreter) -> dict[str, str | None]:
    data, key = study.data, "genomic_interpreter.data"
    files = {f"{key}.{name}": getattr(data, name, None) for name in ("windows", "tracks", "statistics", "fasta")}
    files[f"{key}.crop.blacklist"] = data.crop.blacklist
    if isinstance(data, BigwigData):
        files |= {f"{key}.positions.{name}.file": table.file for name, table in data.positions.items()}
    if isinstance(data, TfrecordData):
        for split, count in data.shards.items():
            for shard in range(count):
                name = data.tfrecords.replace("{split}", split).replace("{shard}", str(shard))
                files[f"{key}.tfrecords, {split} {shard}"] = name
    return files


def _sequence_files(study: DnabertLrp) -> dict[str, str | None]:
    files = {}
    for number, name in enumerate(study.pretraining.data.fasta if study.pretraining else []):
        files[f"dnabert_lrp.pretraining.data.fasta[{number}]"] = name
    for task, settings in study.tasks.items():
        key = f"dnabert_lrp.tasks.{task}.data"
        names = ("fasta", "table", "sites", "positive", "negative")
        files |= {f"{key}.{name}": getattr(settings.data, name, None) for name in names}
        if isinstance(settings.data, CoordinateSequences):
            for (split, label), name in coordinate_tables(settings.data.coordinates).items():
                files[f"{key}.coordinates, {split} {label}"] = name
    return files


def _function_files(study: SequenceToFunction) -> dict[str, str | None]:
    key = "sequence_to_function"
    files = {f"{key}.fasta": study.fasta}
    if study.enhancers:
        files[f"{key}.enhancers.pairs.table"] = getattr(study.enhancers.pairs, "table", None)
    if study.boundaries and study.boundaries.positions:
        files[f"{key}.boundaries.positions.file"] = study.boundaries.positions.file
    if study.variants:
        files[f"{key}.variants.variants.file"] = getattr(study.variants.variants, "file", None)
    return files


def coverage_files(data: BigwigData, tracks: Path | str, made: str | None) -> list[str]:
    """Paths of the coverage files that a track table names; empty if there is no such table to read.

    Those that are made from tables of positions are in the folder ``made``; None leaves them out. Raises `InputError`
    for other files if no folder is configured.
    """
    try:
        names = [row.get("file") for row in csv.DictReader(read_text(tracks).splitlines(), delimiter="\t")]
    except (InputError, csv.Error):  # the crop says what is wrong
        return []
    of_positions = data.made_coverage()
    names = [name for name in dict.fromkeys(names) if name]
    others = [name for name in names if name not in of_positions]
    for name in others:
        if not data.coverage and not Path(name).is_absolute():
            raise InputError(
                f"genomic_interpreter.data.positions: they make {', '.join(list(of_positions)[:3])}, ..., but {tracks} "
                f"names {name}: {nearest(name, list(of_positions))}; or set coverage, the folder of other files"
            )
    if made is None:
        return [str(Path(data.coverage or "") / name) for name in others]
    return [str(Path(made if name in of_positions else data.coverage or "") / name) for name in names]


def local_copies(config: Config, name: str) -> list[Path]:
    """Existing copies of a configured file: in the download folder, in the mirror, or at the user's own path."""
    mirror = config.download.mirror or os.environ.get("REGULENS_MIRROR")
    places = [Path(config.download.folder) / name, *([Path(mirror) / name] if mirror else [])]
    if not find_source(config.sources, name):
        places = [Path(name)]
    return [place for place in places if place.is_file()]


def source_bytes(config: Config, name: str, bert_parameters: int = 0) -> float | None:
    """Size of a downloaded file including its unpacked copy; None if unknown."""
    url = find_source(config.sources, name).url
    if url.startswith(BASENJI2 + "tfrecords/"):
        return BASENJI2_TFRECORD_BYTES
    if url.endswith(GENOME[0]):
        return GENOME[1] + GENOME[2]
    if config.dnabert_lrp and name == config.dnabert_lrp.model.weights:
        return 4.0 * bert_parameters
    copies = local_copies(config, name)
    return float(copies[0].stat().st_size) if copies else None


def track_count(config: Config) -> int | None:
    """Tracks of the assay data."""
    data = config.genomic_interpreter.data
    if isinstance(data, SimulatedData):
        return sum(2 if track.assay == "CAGE" else 1 for track in data.simulation.tracks)
    if lines := _lines(config, data.tracks):
        return lines - 1
    source = find_source(config.sources, data.tracks)
    return BASENJI2_TRACKS[1] if source and source.url.endswith(BASENJI2_TRACKS[0]) else None


def assay_examples(config: Config) -> dict[str, int] | None:
    """Maximum number of examples of every split: those that hang over an edge may be dropped."""
    data = config.genomic_interpreter.data
    if isinstance(data, SimulatedData):
        simulation = data.simulation
        of_contig = simulation.contig_bp // simulation.window_bp
        return {split: count * of_contig for split, count in simulation.contigs.items()}
    if found := _examples_by_window(config, data):
        return found
    if isinstance(data, BigwigData) and not data.windows:
        return _examples_by_contig(config, data)
    if not isinstance(data, TfrecordData) or data.crop.tiling != "centre":
        return None
    counts = {split: count * data.crop.records_per_file for split, count in data.shards.items()}
    if _is_basenji2(config, config.genomic_interpreter):
        return {split: min(counts[split], count) for split, count in BASENJI2_EXAMPLES.items()}
    return counts


def _examples_by_window(config: Config, data: BigwigData | TfrecordData) -> dict[str, int] | None:
    """Examples of windows in a BED file; None if there is none."""
    counts = {"train": 0, "valid": 0, "test": 0}
    for place in local_copies(config, data.windows)[:1] if data.windows else []:
        for line in read_text(place).splitlines():
            _, start, end, split, *_ = (*line.split("\t"), "", "", "")
            if split.strip() in counts and start.isdigit() and end.strip().isdigit():
                tiles = (int(end) - int(start)) // data.geometry.target_bp if data.crop.tiling == "adjoining" else 1
                counts[split.strip()] += tiles
    return counts if any(counts.values()) else None


def _examples_by_contig(config: Config, data: BigwigData) -> dict[str, int] | None:
    """Examples of splits by contig; None if there is no index of the genome, which the first run writes."""
    folder = Path(config.download.folder)
    fasta = folder / data.fasta.removesuffix(".gz") if find_source(config.sources, data.fasta) else Path(data.fasta)
    index = Path(f"{fasta}.fai")
    if not index.is_file():
        return None
    lengths = {name: int(length) for name, length, *_ in map(str.split, read_text(index).splitlines())}
    try:
        windows = data.splits.windows(lengths, data.geometry.target_bp)
    except ValueError:  # the rule says what is wrong
        return None
    return dict(Counter(split for *_, split in windows))


def sequence_counts(config: Config, task: str) -> tuple[int, int] | None:
    """Training (including validation) and test sequences of a task of the second study, before filtering."""
    found, most = _sequence_counts(config, task), config.dnabert_lrp.tasks[task].data.at_most
    return (min(found[0], 2 * most), min(found[1], most)) if found and most else found


def _sequence_counts(config: Config, task: str) -> tuple[int, int] | None:
    data = config.dnabert_lrp.tasks[task].data
    if isinstance(data, SimulatedSequences):
        return data.simulation.train, data.simulation.test
    if isinstance(data, CoordinateSequences):
        for name, counts in SEQUENCES.items():
            if f"/{name}/" in data.coordinates:
                return counts
        tables = coordinate_tables(data.coordinates)
        lines = {key: _lines(config, table) for key, table in tables.items()}
        if None in lines.values():
            return None
        train, test = (sum(n - 1 for (of, _), n in lines.items() if of == split) for split in ("train", "test"))
        return train, test
    if isinstance(data, ClassFileSequences):
        both = [_sequences(config, name) for name in (data.positive, data.negative)]
        rows = None if None in both else sum(both)
    else:
        lines = _lines(config, data.table)
        rows = None if lines is None else lines - 1
    if rows is None:
        return None
    test = round(rows * data.test_fraction)
    return rows - test, test


def store_bytes(study: GenomicInterpreter, examples: dict[str, int], n_tracks: int) -> int:
    """Size of the cropped examples: one byte per base, two per bin and track."""
    from regulens.data.store import LOCATION_BYTES  # loads h5py

    geometry = study.data.geometry
    return sum(examples.values()) * (geometry.input_bp + 2 * geometry.bins * n_tracks + LOCATION_BYTES)


def _is_basenji2(config: Config, study: GenomicInterpreter) -> bool:
    data = study.data
    if isinstance(data, BigwigData | SimulatedData):
        return False
    first = data.tfrecords.replace("{split}", "train").replace("{shard}", "0")
    source = find_source(config.sources, first)
    return bool(source) and source.url.startswith(BASENJI2)


def _sequences(config: Config, name: str) -> int | None:
    """Number of sequences of a FASTA, or of a file with one a line; None if it does not exist."""
    for place in local_copies(config, name):
        lines = [line for line in read_text(place).splitlines() if line.strip()]
        return sum(line.startswith(">") for line in lines) or len(lines)
    return None


def _lines(config: Config, name: str) -> int | None:
    """Number of lines of a table, compressed or not; None if it does not exist."""
    for place in local_copies(config, name):
        return sum(1 for line in read_text(place).splitlines() if line.strip())
    return None
