"""Simulated labelled sequences with planted motifs, such as promoters with core motifs and their decoys."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.sequence import decode, reverse_complement
from regulens.data.matrices import load_matrices
from regulens.data.sequences import LABELS, SITE_COLUMNS, SequenceOutputs, prepare_sequences
from regulens.data.settings import PlantedMotif, SequenceRule, SequenceSimulation, SimulatedSequences
from regulens.data.simulate.genome import dinucleotide_transitions, markov_sequence

DRAWS = 10_000
"""Maximum number of placements of all motifs of a class that are tried before giving up."""


class Motif(NamedTuple):
    """A motif of one class and the range of its sites."""

    name: str
    role: str
    """positive, negative or shared."""
    placement: PlantedMotif
    width: int
    """bp."""
    last: int
    """Last possible first position."""


class ClassMotifs(NamedTuple):
    """The motifs that a sequence of a class may have; the rule that it obeys if it is positive, or breaks."""

    motifs: list[Motif]
    rule: SequenceRule | None
    positive: bool


@command("simulate-sequences")
def simulate(
    settings: Part[SimulatedSequences],
    train: Path | str,
    valid: Path | str,
    test: Path | str,
    filters: Path | str,
    sites: Path | str,
    card: Path | str | None = None,
) -> pd.DataFrame:
    """Simulate positive and negative sequences with planted motifs; returns the counts of the filters.

    Arguments:
        train, valid, test: sequence files to write.
        filters: counts of the filters, to write.
        sites: planted motif sites, to write.
        card: data card, to write.

    Raises what `load_matrices`, `simulate_records` and `prepare_sequences` raise.
    """
    matrices = load_matrices(motif_identifiers(settings.simulation), settings.simulation.release)
    records, planted = simulate_records(settings, matrices)
    return prepare_sequences(records, settings, SequenceOutputs(train, valid, test, filters, sites, card), planted)


def motif_identifiers(simulation: SequenceSimulation) -> dict[str, str]:
    """JASPAR identifier of every motif by name; the settings ensure that a name has only one matrix."""
    parts = (simulation.positive, simulation.negative, simulation.shared)
    return {name: motif.matrix for motifs in parts for name, motif in motifs.items()}


def simulate_records(settings: SimulatedSequences, matrices: Mapping) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate training and test sequences of ``length_bp``, alternating positive and negative.

    The background of both classes is one Markov chain of order 1. A sequence gets each motif of its class, and each
    shared one, with the motif's probability; a positive sequence that would get none of the positive ones gets one of
    them, drawn in proportion to the probabilities. With a rule, every positive sequence obeys it, and every negative
    one is a counterexample: one of the two motifs for `both`, chosen at random; both in another order or further apart
    for `before`. Sites are drawn from the matrix and placed uniformly, redrawn until no two overlap. Random bases
    elsewhere in the sequence are then changed to restore the counts of A, C, G and T before planting, so that
    composition is not informative about the class.

    Returns the records (id ``<split>_<class>_<number>``, split, label, sequence) and the sites (`SITE_COLUMNS`, by
    sequence and start). The same settings give the same result; training sequences do not depend on the number of test
    sequences or vice versa. Raises `InputError` for a matrix that is missing or wider than its range, motifs that do
    not fit without overlap, and positive motifs that all have the probability 0.
    """
    simulation = settings.simulation
    classes = {name: _motifs_of_class(name, settings, matrices) for name in LABELS}
    records, sites = [], []
    for number, (split, count) in enumerate({"train": simulation.train, "test": simulation.test}.items()):
        rng = np.random.default_rng([simulation.seed, number])
        transitions = dinucleotide_transitions(simulation.gc_content, simulation.cpg_ratio)[None]
        chain = markov_sequence(rng, transitions, np.zeros(count * settings.length_bp, dtype=np.int8))
        codes = chain.reshape(count, settings.length_bp)
        names = np.array(["positive", "negative"])[np.arange(count) % 2]
        ids = [f"{split}_{name}_{row // 2 + 1}" for row, name in enumerate(names)]
        for name in LABELS:
            rows = np.flatnonzero(names == name)
            part = _draw_sites(classes[name], len(rows), rng)
            part["row"] = rows[part["row"]]
            _plant(codes, part, matrices, rng)
            part["id"] = [ids[row] for row in part["row"]]
            sites.append(part.assign(split=number))
        text = [decode(row) for row in codes]
        records.append(pd.DataFrame({"id": ids, "split": split, "label": [LABELS[n] for n in names], "sequence": text}))
    table = pd.concat(sites).sort_values(["split", "row", "start"], ignore_index=True)
    return pd.concat(records, ignore_index=True), table[list(SITE_COLUMNS)]


def _motifs_of_class(name: str, settings: SimulatedSequences, matrices: Mapping) -> ClassMotifs:
    """The motifs that a sequence of a class may have, after checking that all of them fit together."""
    simulation, rule = settings.simulation, settings.simulation.rule
    named = {role: getattr(simulation, role) for role in (name, "shared")}
    if rule and name == "negative":
        named[name] = {partner: simulation.positive[partner] for partner in rule.motifs} | named[name]
    motifs = []
    for role, placements in named.items():
        for motif, placement in placements.items():
            if motif not in matrices:
                raise InputError(f"motif {motif}: no matrix was loaded for it")
            width, end = matrices[motif].width, placement.end or settings.length_bp
            if placement.start + width > end:
                raise InputError(
                    f"{role} motif {motif}: its matrix {placement.matrix} has {width} bp, which do not fit between "
                    f"start {placement.start} and end {end}: widen the range or choose another matrix"
                )
            if placement.probability > 0 or (rule and motif in rule.motifs):
                motifs.append(Motif(motif, role, placement, width, end - width))
    if name == "positive" and all(motif.role == "shared" for motif in motifs):
        raise InputError("positive motifs: all have the probability 0, so that no sequence can be positive")
    found = ClassMotifs(motifs, rule, name == "positive")
    if motifs and _place(motifs, found, np.random.default_rng(simulation.seed), DRAWS) is None:
        widths = ", ".join(f"{motif.name} {motif.width} bp" for motif in motifs)
        raise InputError(
            f"the motifs of a {name} sequence ({widths}) do not fit into their ranges of the {settings.length_bp} bp "
            f"without overlap{' as the rule says' if rule else ''} (none of {DRAWS:,} random placements): widen the "
            "ranges or plant fewer motifs"
        )
    return found


def _place(motifs: list[Motif], of: ClassMotifs, rng: np.random.Generator, draws: int) -> np.ndarray | None:
    """Starts (motifs,) of sites that do not overlap and whose order is that of the class: the first such of ``draws``
    placements, None if there is none."""
    starts = rng.integers([m.placement.start for m in motifs], [m.last + 1 for m in motifs], size=(draws, len(motifs)))
    order = starts.argsort(axis=1)
    first = np.take_along_axis(starts, order, axis=1)
    ends = first + np.array([motif.width for motif in motifs])[order]
    fits = (ends[:, :-1] <= first[:, 1:]).all(axis=1)
    if of.rule and of.rule.relation == "before":
        names = [motif.name for motif in motifs]
        one, two = map(names.index, of.rule.motifs)
        gap = starts[:, two] - starts[:, one] - motifs[one].width
        fits &= ((gap >= 0) & (gap <= of.rule.within_bp)) == of.positive
    return starts[fits.argmax()] if fits.any() else None


def _draw_sites(of: ClassMotifs, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Sites of ``count`` sequences of a class: columns row (0 to count - 1), start, end, motif, strand, role."""
    motifs = of.motifs
    probability = np.array([motif.placement.probability for motif in motifs])
    planted = rng.random((count, len(motifs))) < probability
    own = np.flatnonzero([motif.role == "positive" for motif in motifs])
    if of.rule:
        partners = [place for place, m in enumerate(motifs) if m.name in of.rule.motifs]
        planted[:, partners] = True
        if of.rule.relation == "both" and not of.positive:
            planted[np.arange(count), rng.choice(partners, size=count)] = False
    elif len(own):
        without = np.flatnonzero(~planted[:, own].any(axis=1))
        planted[without, rng.choice(own, size=len(without), p=probability[own] / probability[own].sum())] = True
    rows = []
    for row in range(count):
        chosen = [motifs[column] for column in np.flatnonzero(planted[row])]
        starts = None if chosen else ()
        while starts is None:  # terminates: all motifs of the class were found to fit together
            starts = _place(chosen, of, rng, 16)
        for motif, start in zip(chosen, starts, strict=True):
            strand = "+-"[rng.integers(2)] if motif.placement.strand == "either" else motif.placement.strand
            rows.append((row, int(start), int(start) + motif.width, motif.name, strand, motif.role))
    table = pd.DataFrame(rows, columns=["row", "start", "end", "motif", "strand", "role"])
    return table.astype({"row": "int64", "start": "int64", "end": "int64"})


def _plant(codes: np.ndarray, sites: pd.DataFrame, matrices: Mapping, rng: np.random.Generator) -> None:
    """Write drawn sites into the sequences ``codes`` (N, L) in place, and restore each sequence's composition."""
    rows = np.unique(sites["row"])
    before = {row: np.bincount(codes[row], minlength=4) for row in rows}
    background = np.ones(codes.shape, dtype=bool)
    for motif, group in sites.groupby("motif"):
        drawn = matrices[motif].sample(rng, len(group))
        placed = np.where((group["strand"] == "+").to_numpy()[:, None], drawn, reverse_complement(drawn))
        where = group["row"].to_numpy()[:, None], group["start"].to_numpy()[:, None] + np.arange(drawn.shape[1])
        codes[where] = placed
        background[where] = False
    for row in rows:
        _restore_composition(codes[row], background[row], before[row], rng)


def _restore_composition(codes: np.ndarray, free: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> None:
    """Change as few bases of ``codes`` (L,) as possible, where ``free``, until A, C, G, T occur ``wanted`` (4,) times.

    If the sites alone have more of a base than wanted, the counts come as close as possible.
    """
    surplus = np.bincount(codes, minlength=4) - wanted
    missing = rng.permutation(np.repeat(np.arange(4, dtype=np.uint8), np.maximum(-surplus, 0)))
    places = [
        rng.permutation(np.flatnonzero(free & (codes == base)))[: surplus[base]] for base in np.flatnonzero(surplus > 0)
    ]
    if places:
        where = np.concatenate(places)
        codes[where] = missing[: len(where)]
