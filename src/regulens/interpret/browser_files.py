"""Attributions for a genome browser: a score as bigWig, and motif instances with the score of their bases as BED."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyBigWig

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import say
from regulens.core.settings import nearest
from regulens.data.genome import Genome
from regulens.data.matrices import load_matrices, scan
from regulens.interpret.attribution import AttributionFile
from regulens.interpret.settings import MotifScan

BED_COLUMNS = ["contig", "start", "end", "name", "score", "strand", "attribution"]
"""BED6 (score: 1000 x the share of the best possible log odds) and the sum of the attribution over the instance."""


class Stretch(NamedTuple):
    """Bases whose nearest read-out is this one."""

    contig: str
    start: int
    codes: np.ndarray
    """uint8 (length,)."""
    values: np.ndarray
    """float32 (length,)."""


@command("attribution-bigwig")
def attribution_bigwig(
    attributions: Path | str, /, fasta: Path | str, score: str, track: str, output: Path | str
) -> None:
    """Write one score of the read-outs of a track as bigWig; every base gets its value in the nearest read-out."""
    with Genome(fasta) as genome:
        lengths = genome.lengths
    with atomic_output(output) as temporary:
        file = pyBigWig.open(str(temporary), "w")
        file.addHeader(list(lengths.items()))
        stretches = sorted(_stretches(attributions, score, track), key=lambda part: [*lengths].index(part.contig))
        for part in stretches:
            first = max(-part.start, 0)
            values = part.values[first : lengths[part.contig] - part.start].astype(np.float64)
            file.addEntries(part.contig, part.start + first, values=values, span=1, step=1)
        file.close()


@command("attribution-motifs")
def attribution_motifs(
    attributions: Path | str, /, score: str, track: str, motifs: Part[MotifScan], output: Path | str
) -> None:
    """Instances of motifs in the inputs of the read-outs of a track, with the sum of one score (`BED_COLUMNS`)."""
    matrices = load_matrices(motifs.matrices, motifs.release)
    rows = []
    for part in _stretches(attributions, score, track):
        sums = np.append(0.0, part.values.astype(np.float64).cumsum())
        for name, matrix in matrices.items():
            for strand, oriented in (("+", matrix), ("-", matrix.reverse_complement())):
                if len(part.codes) < matrix.width:
                    continue
                found = scan(oriented, part.codes)
                for start in np.flatnonzero(found >= motifs.min_score):
                    end = start + matrix.width
                    place = (part.contig, part.start + start, part.start + end, name)
                    rows.append((*place, round(1000 * found[start]), strand, sums[end] - sums[start]))
    table = pd.DataFrame(rows, columns=BED_COLUMNS).sort_values(["contig", "start", "end", "name"])
    say(f"{len(table):,} instances of {len(matrices)} motifs")
    with atomic_output(output) as temporary:
        table.to_csv(temporary, sep="\t", header=False, index=False, float_format="%.5g", lineterminator="\n")


def _stretches(path: Path | str, score: str, track: str) -> Iterator[Stretch]:
    """The inputs of the read-outs of a track, cut half-way between neighbours, by contig and position."""
    with AttributionFile(path) as file:
        readouts, codes = file.readouts, file.codes
        if score not in file.names:
            raise InputError(f"{path}: there is no score {score!r}; {nearest(score, file.names)}")
        values = file.score(score)
    if track not in set(readouts["track"]):
        raise InputError(f"{path}: no read-out of track {track!r}; {nearest(track, sorted(set(readouts['track'])))}")
    half = codes.shape[1] // 2
    chosen = readouts[readouts["track"] == track].drop_duplicates(["contig", "position"])
    for contig, of in chosen.groupby("contig", sort=False):
        of = of.sort_values("position")
        positions = of["position"].to_numpy()
        between = (positions[1:] + positions[:-1]) // 2
        first = np.maximum(positions - half, np.append(-half, between))
        last = np.minimum(positions - half + codes.shape[1], np.append(between, np.iinfo(np.int64).max))
        for row, position, start, end in zip(of.index, positions, first, last, strict=True):
            inside = slice(start - (position - half), end - (position - half))
            yield Stretch(str(contig), int(start), codes[row, inside], values[row, inside])
