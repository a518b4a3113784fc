"""Simulates a genome with planted motifs and the coverage that experiments would measure; writes both with the truth.

Elements (promoters, enhancers, insulators) are rows of slots with motif sites on a background with CpG islands. The
coverage of every track is computed from the elements and their sites by rules that a model can learn and a reader can
check.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output, note_folder
from regulens.core.progress import progress
from regulens.core.sequence import decode, reverse_complement
from regulens.core.tables import read_table
from regulens.data.matrices import PositionWeightMatrix, load_matrices
from regulens.data.settings import SimulationSettings

SLOT_BP = 24
"""Length of a slot in bp; an element is a row of slots with at most one site each."""

SLOTS = 9
"""Number of slots of an element: 216 bp, a nucleosome-free region."""

CORE_SLOTS = (2, 4, 6)
"""Slots of the core motif of a promoter, on the strand of transcription."""

ORPHAN_ISLANDS = 0.1
"""Share of enhancers and insulators in a CpG island, so that an island does not imply a promoter."""

SECOND_CELL = 0.25
"""Share of enhancers that are active in a second cell type."""

STEP_BP = {"DNASE": 16, "CHIP": 16, "CAGE": 1}
"""Resolution of the coverage in bp."""

SPREAD_BP = {"DNASE": 80.0, "CHIP": 50.0, "CAGE": 12.0}
"""Standard deviation in bp of the Gaussian peaks; DNase peaks are about 190 bp wide at half height."""

TSS_OFFSET_BP = 40
"""Distance in bp from the promoter's centre downstream to the CAGE peak."""

OPENING = {"own": 1.0, "core": 0.5, "promoter": 0.5, "insulator": 0.9, "enhancer": 0.15}
"""How much one consensus site opens chromatin, by the role of its motif; `own`: only in its own cell type."""

SINGLETON_EFFECT = 0.1
"""Effect of a site outside elements, relative to the same site inside."""

CLOSED_BINDING = 0.2
"""ChIP height of a site in closed chromatin, relative to open chromatin."""

OPEN_CHROMATIN_CHIP = 0.2
"""Unspecific ChIP signal of open chromatin, as a share of its DNase signal."""

FASTA_LINE = 80

RECIPES = {
    "DNASE": {"clip": 32, "clip_soft": "", "scale": 2, "sum_stat": "mean"},
    "CHIP": {"clip": 32, "clip_soft": "", "scale": 2, "sum_stat": "mean"},
    "CAGE": {"clip": 384, "clip_soft": 64, "scale": 1, "sum_stat": "sum"},
}
"""How coverage becomes targets, by assay: as in Basenji2 (docs/papers.md, "Basenji2 data"), and a soft clip for
CAGE."""


@dataclass(frozen=True)
class SimulatedContig:
    """One contig and the truth about it. Positions are 0-based, intervals half-open."""

    name: str
    codes: np.ndarray
    """Sequence, uint8 (length,), A, C, G, T = 0 to 3."""
    elements: pd.DataFrame
    """Elements in order: centre, kind (promoter, enhancer, insulator), strand ("+", "-", "." if none), island (bool),
    and a column with the cell type's name for each of them (bool: an enhancer of this cell type)."""
    sites: pd.DataFrame
    """Planted sites in order: start, end, motif, strand, score (relative, 1 = consensus), element (row, -1 = none)."""


@dataclass(frozen=True)
class Track:
    """One row of the track table."""

    identifier: str
    assay: str
    cell: str
    factor: str | None = None
    strand: str | None = None
    """CAGE only: + or -."""

    @property
    def description(self) -> str:
        """Description in the track table: the assay's prefix, then what was measured."""
        what = {"DNASE": self.cell, "CHIP": f"{self.factor}:{self.cell}", "CAGE": f"{self.cell} ({self.strand} strand)"}
        return f"{self.assay}:{what[self.assay]}, simulated"


@command("simulate-genome")
def simulate_genome(
    simulation: Part[SimulationSettings],
    output: Path | str,
    matrices: Mapping[str, PositionWeightMatrix] | None = None,
) -> None:
    """Simulate a genome and the coverage determined by its planted motifs, and write both into a folder.

    The same settings always give the same sequences and intervals. ``matrices``: the motifs by the names in
    ``simulation.motifs``; None: those of JASPAR. Files:

    * ``genome.fa``, ``genome.fa.fai``: contigs sim1, sim2, ..., in the order of ``settings.contigs``.
    * ``windows.bed``: contig, start, end, split of the target regions, tiled from each contig's start.
    * ``targets.tsv``: track table, `file` relative to ``coverage``; ``coverage/<identifier>.bw``: one bigWig per track.
    * ``planted.bed``: every planted site (contig, start, end, motif, score, strand, kind of its element or
      `singleton`; score 1000 = consensus) and every element (name: `promoter`, `insulator`, `enhancer:CELL+...`, kind
      `element`).
    * ``links.tsv``: every pair of a promoter and an enhancer that acts on it (the long-range rule).

    Each file is written atomically. Raises `InputError` for a matrix that is missing or too wide.
    """
    settings = simulation
    if matrices is None:
        matrices = load_matrices(settings.motifs, settings.release)
    for name in settings.motifs:
        if name not in matrices:
            raise InputError(f"motif {name}: no matrix was loaded for it.")
        if matrices[name].width > SLOT_BP:
            raise InputError(
                f"motif {name}: matrix {matrices[name].matrix_id} has {matrices[name].width} bp, elements hold sites "
                f"of at most {SLOT_BP} bp; choose another matrix."
            )
    folder = Path(output)
    tracks = expand_tracks(settings)
    splits = [split for split, count in settings.contigs.items() for _ in range(count)]
    names = [f"sim{number}" for number in range(1, len(splits) + 1)]
    if not names:
        raise InputError("simulation.contigs: at least one contig is needed.")
    note_folder(folder / "coverage")
    with ExitStack() as stack:

        def written(name: str) -> Path:
            return stack.enter_context(atomic_output(folder / name))

        bigwigs = []
        for track in tracks:
            bigwigs.append(pyBigWig.open(str(written(f"coverage/{track.identifier}.bw")), "w"))
            bigwigs[-1].addHeader([(name, settings.contig_bp) for name in names])
        planted, links = [], []
        with open(written("genome.fa"), "w") as fasta:
            for number, name in enumerate(progress(names, "simulating")):
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
        write_fasta_index(written("genome.fa.fai"), names, settings.contig_bp)
        options = {"sep": "\t", "index": False, "lineterminator": "\n", "quoting": csv.QUOTE_NONE}
        pd.concat(planted).to_csv(written("planted.bed"), header=False, **options)
        pd.concat(links).to_csv(written("links.tsv"), **options)
        windows = [
            (name, start, start + settings.window_bp, split)
            for name, split in zip(names, splits, strict=True)
            for start in range(0, settings.contig_bp - settings.window_bp + 1, settings.window_bp)
        ]
        pd.DataFrame(windows).to_csv(written("windows.bed"), header=False, **options)
        track_table(settings).to_csv(written("targets.tsv"), **options)


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


PLANTED_COLUMNS = ["contig", "start", "end", "name", "score", "strand", "kind"]
"""Columns of ``planted.bed``, which has no header."""


def read_planted(path: Path | str) -> pd.DataFrame:
    """The sites and elements of a ``planted.bed``."""
    return read_table(path, PLANTED_COLUMNS, ["start", "end"], sep="\t", names=PLANTED_COLUMNS)


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
    """Rows of ``links.tsv``: promoters and the enhancers that act on them, by cell type.

    Columns: contig, promoter and enhancer (centres in bp), strand of the promoter, distance_bp (enhancer - promoter),
    cell, activity (of the promoter in this cell type: `promoter_activity`, all its enhancers together).
    """
    elements = contig.elements
    rows = []
    for cell in settings.cells:
        activity = promoter_activity(settings, contig, cell)
        for promoter, other, _ in within_reach(settings, elements):
            acting = (elements["kind"].to_numpy()[promoter] == "promoter") & elements[cell].to_numpy()[other]
            for here, there in zip(promoter[acting], other[acting], strict=True):
                centre, enhancer = int(elements["centre"][here]), int(elements["centre"][there])
                strand = elements["strand"][here]
                rows.append((contig.name, centre, strand, enhancer, enhancer - centre, cell, round(activity[here], 4)))
    columns = ["contig", "promoter", "strand", "enhancer", "distance_bp", "cell", "activity"]
    return pd.DataFrame(rows, columns=columns).sort_values(["promoter", "cell", "enhancer"], ignore_index=True)


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
    """Append the values (length / step,) of one contig to an open bigWig, merging equal neighbours."""
    first = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    ends = np.append(first[1:], len(values)) * step
    bigwig.addEntries(np.full(len(first), contig), first * step, ends=ends, values=values[first].astype(np.float64))


# Sequence: background, CpG islands, regulatory elements and their motif sites.


def simulate_contig(settings: SimulationSettings, matrices: Mapping, name: str, number: int) -> SimulatedContig:
    """Sequence and truth of one contig, determined by the settings and the contig's number alone.

    ``matrices``: name to `PositionWeightMatrix`. Sites are sampled from the matrix, so most differ from the consensus.
    """
    rng = np.random.default_rng([settings.seed, number])
    elements = place_elements(settings, rng)
    region = np.zeros(settings.contig_bp, dtype=np.int8)
    for centre in elements.loc[elements["island"], "centre"]:
        region[centre - settings.island_bp // 2 : centre + settings.island_bp // 2] = 1
    transitions = np.stack(
        [
            dinucleotide_transitions(settings.gc_content, settings.cpg_ratio),
            dinucleotide_transitions(settings.island_gc_content, settings.island_cpg_ratio),
        ]
    )
    codes = markov_sequence(rng, transitions, region)
    sites = place_sites(settings, elements, {key: matrix.width for key, matrix in matrices.items()}, rng)
    sites["score"] = 0.0
    for motif, group in sites.groupby("motif"):
        drawn = matrices[motif].sample(rng, len(group))
        sites.loc[group.index, "score"] = matrices[motif].relative_score(drawn)
        placed = np.where((group["strand"] == "+").to_numpy()[:, None], drawn, reverse_complement(drawn))
        codes[group["start"].to_numpy()[:, None] + np.arange(matrices[motif].width)] = placed
    # Coverage follows from few motifs of many sites, again for every variant: categories are looked up fastest.
    sites = sites.sort_values("start", ignore_index=True).astype({"motif": "category"})
    return SimulatedContig(name, codes, elements, sites)


def place_elements(settings: SimulationSettings, rng: np.random.Generator) -> pd.DataFrame:
    """Elements of one contig (`SimulatedContig.elements`), each of a kind independent of its neighbours."""
    low, high = settings.element_distance_bp
    centre = np.cumsum(rng.integers(low, high + 1, size=settings.contig_bp // low + 1))
    centre = centre[centre < settings.contig_bp - low]
    shares = np.array(list(settings.elements.values()))
    kind = rng.choice(np.array(list(settings.elements), dtype=object), size=len(centre), p=shares / shares.sum())
    forward = rng.random(len(centre)) < 0.5
    elements = pd.DataFrame({"centre": centre, "kind": kind})
    elements["strand"] = np.where(kind == "promoter", np.where(forward, "+", "-"), ".")
    elements["island"] = (kind == "promoter") | (rng.random(len(centre)) < ORPHAN_ISLANDS)
    cells = list(settings.cells)
    first = rng.integers(len(cells), size=len(centre))
    other = (first + rng.integers(1, max(len(cells), 2), size=len(centre))) % len(cells)
    second = rng.random(len(centre)) < SECOND_CELL
    for number, cell in enumerate(cells):
        elements[cell] = (kind == "enhancer") & ((first == number) | (second & (other == number)))
    return elements


def place_sites(
    settings: SimulationSettings, elements: pd.DataFrame, widths: Mapping[str, int], rng: np.random.Generator
) -> pd.DataFrame:
    """Positions of all sites of one contig: `SimulatedContig.sites` without the scores; singletons come last."""
    rows = []

    def plant(motif: str, slot_start: int, strand: str, element: int) -> None:
        start = slot_start + int(rng.integers(SLOT_BP - widths[motif] + 1))
        rows.append((start, start + widths[motif], motif, strand, element))

    for number, element in enumerate(elements.to_dict("records")):
        left = element["centre"] - SLOTS * SLOT_BP // 2
        names = element_motifs(settings, element, rng)
        core = CORE_SLOTS if element["kind"] == "promoter" else ()
        for slot in core:
            plant(settings.core_motif, left + slot * SLOT_BP, element["strand"], number)
        for motif, slot in zip(names, rng.permutation(np.delete(np.arange(SLOTS), core)), strict=False):
            plant(motif, left + slot * SLOT_BP, "+-"[rng.integers(2)], number)
    free = np.arange(0, settings.contig_bp - SLOT_BP, SLOT_BP)
    if len(elements):
        nearest = np.abs(free[:, None] + SLOT_BP // 2 - elements["centre"].to_numpy()).min(axis=1)
        free = free[nearest > SLOTS * SLOT_BP]
    count = min(rng.poisson(settings.singletons_per_kb * settings.contig_bp / 1000), len(free))
    for slot in rng.choice(free, size=count, replace=False):
        plant(str(rng.choice(list(settings.motifs))), int(slot), "+-"[rng.integers(2)], -1)
    return pd.DataFrame(rows, columns=["start", "end", "motif", "strand", "element"])


def element_motifs(settings: SimulationSettings, element: Mapping, rng: np.random.Generator) -> list[str]:
    """Motif of each site of one element, except the core motifs of a promoter; at most `SLOTS`."""
    if element["kind"] == "promoter":
        return [str(name) for name in rng.choice(settings.promoter_motifs, size=rng.integers(1, 5))]
    if element["kind"] == "insulator":
        return [settings.insulator_motif] * int(rng.integers(1, 4))
    own = [motif for cell, motif in settings.cells.items() if element[cell] for _ in range(rng.integers(3, 5))]
    return (own + [name for name in settings.enhancer_motifs for _ in range(rng.integers(0, 3))])[:SLOTS]


def markov_sequence(rng: np.random.Generator, transitions: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Sample an order-1 Markov chain whose transition matrix depends on the position.

    ``transitions``: (regions, 4, 4); ``region``: int (length,), the matrix that leads to each position. Returns codes.
    Every position becomes a map from the previous base to the base; the maps of all blocks are composed in parallel,
    which leaves two loops of about sqrt(length) steps instead of one over the contig.
    """
    length = len(region)
    side = int(np.ceil(np.sqrt(length)))
    thresholds = transitions.cumsum(axis=2)[:, :, :3]
    drawn = np.zeros((side * side, 4), dtype=np.uint8)
    drawn[:length] = (rng.random((length, 1, 1)) >= thresholds[region]).sum(axis=2)
    maps = drawn.reshape(side, side, 4)
    for step in range(1, side):  # maps[block, step] now leads from the base before the block to this position
        maps[:, step] = np.take_along_axis(maps[:, step], maps[:, step - 1], axis=1)
    start = np.zeros(side, dtype=np.uint8)
    start[0] = rng.integers(4)
    for block in range(1, side):
        start[block] = maps[block - 1, -1, start[block - 1]]
    return np.take_along_axis(maps, start[:, None, None], axis=2).reshape(-1)[:length]


def dinucleotide_transitions(gc_content: float, cpg_ratio: float) -> np.ndarray:
    """Transition matrix (4, 4) of an order-1 Markov chain with a given G + C share and CpG content.

    The joint frequency of CG is ``cpg_ratio`` x f(C) x f(G); the other dinucleotides keep their frequencies under
    independence, rescaled (iterative proportional fitting) until A = T and C = G = gc_content / 2 hold again. The chain
    is the same on both strands. Row: base, column: next base.
    """
    base = np.array([1 - gc_content, gc_content, gc_content, 1 - gc_content]) / 2
    joint = np.outer(base, base)
    cg = (1, 2)
    fixed = joint[cg] * cpg_ratio
    for _ in range(200):
        for axis in (1, 0):
            joint[cg] = 0
            missing = base.copy()
            missing[cg[1 - axis]] -= fixed
            joint *= np.expand_dims(missing / joint.sum(axis=axis), axis)
    joint[cg] = fixed
    return joint / joint.sum(axis=1, keepdims=True)


# Coverage: what each experiment would measure, from the elements and their sites.


def simulate_coverage(settings: SimulationSettings, contig: SimulatedContig, number: int) -> Iterator[np.ndarray]:
    """Measured coverage of each track in the order of `expand_tracks`, float32 (length / step,).

    Reads are Poisson distributed around expected coverage x depth, and divided by the depth again.
    """
    for row, track in enumerate(expand_tracks(settings)):
        rng = np.random.default_rng([settings.seed, number, row])
        expected = expected_coverage(settings, contig, track, rng)
        yield (rng.poisson(expected * settings.depth) / settings.depth).astype(np.float32)


def expand_tracks(settings: SimulationSettings) -> list[Track]:
    """The rows of the track table: each experiment, CAGE twice (+ strand, then - strand)."""
    rows = []
    for track in settings.tracks:
        parts = [track.assay, track.factor, track.cell]
        for strand in "+-" if track.assay == "CAGE" else (None,):
            name = ".".join([part for part in parts if part] + ({"+": ["plus"], "-": ["minus"]}.get(strand, [])))
            rows.append(Track(name, track.assay, track.cell, track.factor, strand))
    return rows


def expected_coverage(settings: SimulationSettings, contig: SimulatedContig, track: Track, rng=None) -> np.ndarray:
    """Expected coverage of one track, float64 (length / step,): background + Gaussian peaks.

    ``rng``: source of the log-normal variation of peak heights (mean 1, per peak and track); None: no variation.
    """
    step, spread = STEP_BP[track.assay], SPREAD_BP[track.assay]
    centres, heights = peaks(settings, contig, track)
    if rng is not None:
        heights = heights * rng.lognormal(-(settings.variation**2) / 2, settings.variation, size=len(heights))
    length = settings.contig_bp // step
    base = settings.promoter_tags / 1000 if track.assay == "CAGE" else settings.peak_reads
    coverage = np.full(length, settings.background * base)
    offsets = np.arange(-int(4 * spread / step) - 1, int(4 * spread / step) + 2)
    index = np.round(centres / step).astype(int)[:, None] + offsets
    distance = (index + 0.5) * step - centres[:, None]
    values = heights[:, None] * np.exp(-0.5 * (distance / spread) ** 2)
    inside = (index >= 0) & (index < length)
    np.add.at(coverage, index[inside], values[inside])
    return coverage


def peaks(settings: SimulationSettings, contig: SimulatedContig, track: Track) -> tuple[np.ndarray, np.ndarray]:
    """Centres (bp) and heights of the peaks of one track, without variation or noise."""
    elements, sites = contig.elements, contig.sites
    centre = elements["centre"].to_numpy(float)
    if track.assay == "CAGE":
        chosen = (elements["strand"] == track.strand).to_numpy()
        offset = TSS_OFFSET_BP if track.strand == "+" else -TSS_OFFSET_BP
        # Height of a Gaussian peak whose area is the number of tags.
        area = SPREAD_BP["CAGE"] * np.sqrt(2 * np.pi)
        activity = promoter_activity(settings, contig, track.cell)
        return centre[chosen] + offset, settings.promoter_tags / area * activity[chosen]
    open_ = accessibility(settings, contig, track.cell)
    middle = (sites["start"] + sites["end"]).to_numpy() / 2
    single = (sites["element"] < 0).to_numpy()
    if track.assay == "DNASE":
        singles = SINGLETON_EFFECT * (1 - np.exp(-site_opening(settings, contig, track.cell)[single]))
        heights = np.concatenate([open_, singles])
        return np.concatenate([centre, middle[single]]), settings.peak_reads * heights
    bound = (sites["motif"] == track.factor).to_numpy()
    around = np.where(single, 0.0, open_[sites["element"]] if len(elements) else 0.0)
    score = np.maximum(sites["score"].to_numpy(), 0)
    binding = score * (CLOSED_BINDING + (1 - CLOSED_BINDING) * around)
    binding = np.where(single, SINGLETON_EFFECT * score, binding)
    heights = np.concatenate([OPEN_CHROMATIN_CHIP * open_, binding[bound]])
    return np.concatenate([centre, middle[bound]]), settings.peak_reads * heights


def promoter_activity(settings: SimulationSettings, contig: SimulatedContig, cell: str) -> np.ndarray:
    """CAGE activity of each element in a cell type (the long-range rule), (elements,); 0 unless it is a promoter.

    Strength of the promoter (0.4 + 0.2 x its number of promoter motifs, 1 to 4) x (`silent_promoter` + the sum of the
    accessibilities of the enhancers of this cell type `within_reach`, times their share).
    """
    elements = contig.elements
    enhancer = np.where(elements[cell], accessibility(settings, contig, cell), 0.0)
    beside = np.zeros(len(elements))
    for here, other, share in within_reach(settings, elements):
        np.add.at(beside, here, share * enhancer[other])
    partners = contig.sites.loc[(contig.sites["element"] >= 0) & contig.sites["motif"].isin(settings.promoter_motifs)]
    strength = 0.4 + 0.2 * np.bincount(partners["element"], minlength=len(elements))
    return np.where(elements["kind"] == "promoter", strength * (settings.silent_promoter + beside), 0.0)


def within_reach(
    settings: SimulationSettings, elements: pd.DataFrame
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Pairs of elements that may act on each other: rows here, rows of the others, and the share of the effect."""
    insulator = (elements["kind"] == "insulator").to_numpy()
    for step in range(1, settings.reach + 1):
        for sign in (-1, 1):
            here = np.arange(len(elements))
            here = here[(here + sign * step >= 0) & (here + sign * step < len(elements))]
            if settings.insulators == "blocking":
                for between in range(1, step):
                    here = here[~insulator[here + sign * between]]
            yield here, here + sign * step, 0.5 ** (step - 1)


def accessibility(settings: SimulationSettings, contig: SimulatedContig, cell: str) -> np.ndarray:
    """Openness of each element in a cell type, (elements,), 0 to 1: 1 - exp(-sum of the opening of its sites)."""
    inside = contig.sites["element"].to_numpy() >= 0
    opening = site_opening(settings, contig, cell)[inside]
    element = contig.sites["element"].to_numpy()[inside]
    return 1 - np.exp(-np.bincount(element, opening, minlength=len(contig.elements)))


def site_opening(settings: SimulationSettings, contig: SimulatedContig, cell: str) -> np.ndarray:
    """Chromatin opening by each site in a cell type, (sites,): weight of its motif's role x relative score."""
    weight = dict.fromkeys(settings.motifs, 0.0)
    weight.update(dict.fromkeys(settings.enhancer_motifs, OPENING["enhancer"]))
    weight.update(dict.fromkeys(settings.promoter_motifs, OPENING["promoter"]))
    weight[settings.insulator_motif] = OPENING["insulator"]
    weight[settings.core_motif] = OPENING["core"]
    weight.update(dict.fromkeys(settings.cells.values(), 0.0))
    weight[settings.cells[cell]] = OPENING["own"]
    return contig.sites["motif"].map(weight).to_numpy(float) * np.maximum(contig.sites["score"].to_numpy(), 0.1)
