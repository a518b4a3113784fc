"""Writes the simulated genome: FASTA, bigWig, track table, windows, and the truth as BED."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
from rich.console import Console
from rich.progress import track as progress

from regulens.data.settings import SimulationSettings
from regulens.data.simulate_coverage import STEP_BP, expand_tracks, promoter_activity, simulate_coverage
from regulens.data.simulate_sequence import SLOT_BP, SLOTS, SimulatedContig, simulate_contig
from regulens.errors import InputError
from regulens.files import atomic_output, note_folder
from regulens.sequence import decode

FASTA_LINE = 80
RECIPES = {
    "DNASE": {"clip": 32, "clip_soft": "", "scale": 2, "sum_stat": "mean"},
    "CHIP": {"clip": 32, "clip_soft": "", "scale": 2, "sum_stat": "mean"},
    "CAGE": {"clip": 384, "clip_soft": 64, "scale": 1, "sum_stat": "sum"},
}
"""How the crop turns coverage into targets, by assay: the recipes of Basenji2 (SPEC 4.1), and a soft clip for CAGE."""


def simulate_genome(settings: SimulationSettings, output_folder: Path | str, matrices: Mapping) -> None:
    """Simulate a genome and write it into a folder; the same settings always give the same sequences and intervals.

    ``matrices``: `PositionWeightMatrix` of every name in ``settings.motifs``
    (`load_matrices(settings.motifs, settings.release)`). Files:

    * ``genome.fa``, ``genome.fa.fai``: contigs sim1, sim2, ..., in the order of ``settings.contigs``.
    * ``windows.bed``: contig, start, end, split of the target regions, tiled from each contig's start.
    * ``targets.tsv``: track table, `file` relative to ``coverage``; ``coverage/<identifier>.bw``: one bigWig a track.
    * ``planted.bed``: every planted site (contig, start, end, motif, score, strand, kind of its element or
      `singleton`; score 1000 = consensus) and every element (name: `promoter`, `insulator`, `enhancer:CELL+...`, kind
      `element`).
    * ``links.tsv``: the long-range rule: every pair of a promoter and an enhancer that acts on it.

    Each file is whole or absent. Raises InputError for a matrix that is missing or too wide.
    """
    for name in settings.motifs:
        if name not in matrices:
            raise InputError(f"motif {name}: no matrix was loaded for it.")
        if matrices[name].width > SLOT_BP:
            raise InputError(
                f"motif {name}: matrix {matrices[name].matrix_id} has {matrices[name].width} bp, elements hold sites "
                f"of at most {SLOT_BP} bp; choose another matrix."
            )
    folder = Path(output_folder)
    tracks = expand_tracks(settings)
    splits = [split for split, count in settings.contigs.items() for _ in range(count)]
    names = [f"sim{number}" for number in range(1, len(splits) + 1)]
    if not names:
        raise InputError("simulation.contigs: at least one contig is needed.")
    note_folder(folder / "coverage")
    with ExitStack() as stack:

        def output(name: str) -> Path:
            return stack.enter_context(atomic_output(folder / name))

        bigwigs = []
        for track in tracks:
            bigwigs.append(pyBigWig.open(str(output(f"coverage/{track.identifier}.bw")), "w"))
            bigwigs[-1].addHeader([(name, settings.contig_bp) for name in names])
        planted, links = [], []
        with open(output("genome.fa"), "w") as fasta:
            for number, name in enumerate(
                progress(names, "Simulating", console=Console(stderr=True), disable=not sys.stderr.isatty())
            ):
                contig = simulate_contig(settings, {key: matrices[key] for key in settings.motifs}, name, number)
                write_fasta_record(fasta, name, contig.codes)
                planted.append(planted_table(settings, contig))
                links.append(links_table(settings, contig))
                for bigwig, track, values in zip(
                    bigwigs, tracks, simulate_coverage(settings, contig, number), strict=True
                ):
                    add_coverage(bigwig, name, values, STEP_BP[track.assay])
        for bigwig in bigwigs:
            bigwig.close()
        write_fasta_index(output("genome.fa.fai"), names, settings.contig_bp)
        options = {"sep": "\t", "index": False, "lineterminator": "\n"}
        pd.concat(planted).to_csv(output("planted.bed"), header=False, **options)
        pd.concat(links).to_csv(output("links.tsv"), **options)
        windows = [
            (name, start, start + settings.window_bp, split)
            for name, split in zip(names, splits, strict=True)
            for start in range(0, settings.contig_bp - settings.window_bp + 1, settings.window_bp)
        ]
        pd.DataFrame(windows).to_csv(output("windows.bed"), header=False, **options)
        track_table(settings).to_csv(output("targets.tsv"), **options)


def track_table(settings: SimulationSettings) -> pd.DataFrame:
    """The track table: index, identifier, file, clip, clip_soft, scale, sum_stat, strand_pair (row), description."""
    tracks = expand_tracks(settings)
    rows = {(track.assay, track.cell, track.strand): row for row, track in enumerate(tracks)}
    return pd.DataFrame(
        {
            "index": row,
            "identifier": track.identifier,
            "file": f"{track.identifier}.bw",
            **RECIPES[track.assay],
            "strand_pair": rows[track.assay, track.cell, "-+"["+-".index(track.strand)]] if track.strand else row,
            "description": track.description,
        }
        for row, track in enumerate(tracks)
    )


def write_fasta_record(fasta, name: str, codes: np.ndarray) -> None:
    """Append one record with lines of `FASTA_LINE` bases."""
    text = decode(codes)
    lines = (text[start : start + FASTA_LINE] for start in range(0, len(text), FASTA_LINE))
    fasta.write(f">{name}\n" + "\n".join(lines) + "\n")


def write_fasta_index(path: Path, names: list[str], length: int) -> None:
    """Write the `.fai` of a FASTA file whose records all have the same length."""
    offset, rows = 0, []
    for name in names:
        offset += len(name) + 2  # ">" and the line end
        rows.append(f"{name}\t{length}\t{offset}\t{FASTA_LINE}\t{FASTA_LINE + 1}\n")
        offset += length + -(-length // FASTA_LINE)
    path.write_text("".join(rows))


def add_coverage(bigwig, contig: str, values: np.ndarray, step: int) -> None:
    """Append the values (length / step,) of one contig to an open bigWig, equal neighbours as one interval."""
    first = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    ends = np.append(first[1:], len(values)) * step
    bigwig.addEntries(np.full(len(first), contig), first * step, ends=ends, values=values[first].astype(np.float64))


def planted_table(settings: SimulationSettings, contig: SimulatedContig) -> pd.DataFrame:
    """Rows of ``planted.bed`` of one contig, by start: elements and sites."""
    elements, sites = contig.elements, contig.sites
    half = SLOTS * SLOT_BP // 2
    cells = list(settings.cells)
    names = [
        "+".join(cell for cell, yes in zip(cells, active, strict=True) if yes)
        for active in elements[cells].to_numpy(bool)
    ]
    element_rows = pd.DataFrame(
        {
            "contig": contig.name,
            "start": elements["centre"] - half,
            "end": elements["centre"] + half,
            "name": [f"{kind}:{name}" if name else kind for kind, name in zip(elements["kind"], names, strict=True)],
            "score": 0,
            "strand": elements["strand"],
            "kind": "element",
        }
    )
    kinds = np.append(elements["kind"].to_numpy(object), "singleton")  # row -1 is the last one
    site_rows = pd.DataFrame(
        {
            "contig": contig.name,
            "start": sites["start"],
            "end": sites["end"],
            "name": sites["motif"],
            "score": (1000 * sites["score"].clip(0, 1)).round().astype(int),
            "strand": sites["strand"],
            "kind": kinds[sites["element"]],
        }
    )
    return pd.concat([element_rows, site_rows]).sort_values(["start", "end"], kind="stable", ignore_index=True)


def links_table(settings: SimulationSettings, contig: SimulatedContig) -> pd.DataFrame:
    """Rows of ``links.tsv``: promoters and the enhancers beside them that act on them, by cell type.

    Columns: contig, promoter and enhancer (centres in bp), strand of the promoter, distance_bp (enhancer - promoter),
    cell, activity (of the promoter in this cell type: `promoter_activity`, all its enhancers together).
    """
    elements = contig.elements
    rows = []
    for cell in settings.cells:
        activity = promoter_activity(settings, contig, cell)
        for step in (-1, 1):
            promoter = np.flatnonzero(elements["kind"] == "promoter")
            beside = promoter + step
            promoter, beside = (array[(beside >= 0) & (beside < len(elements))] for array in (promoter, beside))
            active = elements[cell].to_numpy()[beside]
            for here, there in zip(promoter[active], beside[active], strict=True):
                centre, enhancer = int(elements["centre"][here]), int(elements["centre"][there])
                strand = elements["strand"][here]
                rows.append((contig.name, centre, strand, enhancer, enhancer - centre, cell, round(activity[here], 4)))
    columns = ["contig", "promoter", "strand", "enhancer", "distance_bp", "cell", "activity"]
    return pd.DataFrame(rows, columns=columns).sort_values(["promoter", "cell", "enhancer"], ignore_index=True)
