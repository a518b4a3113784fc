"""Sequence of the simulated genome: background, CpG islands, regulatory elements and their motif sites."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regulens.data.settings import SimulationSettings
from regulens.sequence import reverse_complement

SLOT_BP = 24
"""An element is a row of slots of this length; each holds at most one site."""
SLOTS = 9
"""Slots of an element: 216 bp, a nucleosome-free region."""
CORE_SLOTS = (2, 4, 6)
"""Slots of the core motif of a promoter, on the strand of transcription."""
ORPHAN_ISLANDS = 0.1
"""Share of enhancers and insulators in a CpG island, so that an island does not prove a promoter."""
SECOND_CELL = 0.25
"""Share of enhancers that are active in a second cell type."""


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


def markov_sequence(rng: np.random.Generator, transitions: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Sample an order-1 Markov chain whose transition matrix depends on the position.

    ``transitions``: (regions, 4, 4); ``region``: int (length,), the matrix that leads to each position. Returns codes.
    Every position becomes a map "base before -> base"; the maps of all blocks are composed side by side, which leaves
    two short loops of about sqrt(length) steps instead of one over the contig.
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


def place_elements(settings: SimulationSettings, rng: np.random.Generator) -> pd.DataFrame:
    """Elements of one contig (`SimulatedContig.elements`). A kind does not depend on the kinds of its neighbours."""
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


def element_motifs(settings: SimulationSettings, element: Mapping, rng: np.random.Generator) -> list[str]:
    """Names of the sites of one element, the promoter's core motifs not among them; at most `SLOTS`."""
    if element["kind"] == "promoter":
        return [str(name) for name in rng.choice(settings.promoter_motifs, size=rng.integers(1, 5))]
    if element["kind"] == "insulator":
        return [settings.insulator_motif] * int(rng.integers(1, 4))
    own = [motif for cell, motif in settings.cells.items() if element[cell] for _ in range(rng.integers(3, 5))]
    return (own + [name for name in settings.enhancer_motifs for _ in range(rng.integers(0, 3))])[:SLOTS]


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


def simulate_contig(settings: SimulationSettings, matrices: Mapping, name: str, number: int) -> SimulatedContig:
    """Sequence and truth of one contig; depends on the settings and the contig's number only.

    ``matrices``: name to `PositionWeightMatrix`. Sites are drawn from the matrix, so that most are not the consensus.
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
    return SimulatedContig(name, codes, elements, sites.sort_values("start", ignore_index=True))
