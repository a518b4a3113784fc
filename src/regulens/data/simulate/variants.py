"""Variants of the simulated genome with their true effects: in sites of known motifs, and matched ones beside them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.progress import progress, say
from regulens.core.sequence import ALPHABET, reverse_complement
from regulens.core.tables import write_csv
from regulens.data.matrices import PositionWeightMatrix, load_matrices
from regulens.data.settings import Geometry, SimulatedVariants, SimulationSettings
from regulens.data.simulate.genome import (
    RECIPES,
    SLOT_BP,
    SLOTS,
    SPREAD_BP,
    SimulatedContig,
    accessibility,
    expand_tracks,
    peaks,
    simulate_contig,
)

SATURATED = "saturated"
"""Column that is 1 for the variants of the saturation panel."""

TRUE = "true."
"""Before a track's identifier: the column with the true change of its target, summed over all bins."""


@command("simulate-variants")
def simulate_variants(
    simulation: Part[SimulationSettings],
    variants: Part[SimulatedVariants],
    geometry: Part[Geometry],
    output: Path | str,
) -> None:
    """Single-base variants of the simulated test contigs, as a table that `regulens check-variants` reads.

    Half of them are in sites of elements, at a position with at least 1 bit; ``causal`` is 1. Each has a partner
    (``pair``) with the same reference and alternative base in the same element, outside all sites, which has no effect.
    For the saturation panel (`SATURATED`; no pair: -1) every base around the centre of one promoter of the first test
    contig, the `most_sensitive`, becomes each other base.
    `TRUE` columns: the change that follows from the rules of the simulation, in the units of the targets (scaled
    coverage, by bin, before any clipping), which are those of predictions.
    """
    matrices = load_matrices(simulation.motifs, simulation.release)
    splits = [split for split, count in simulation.contigs.items() for _ in range(count)]
    rows, saturated = [], []
    for number in progress([n for n, split in enumerate(splits) if split == "test"], "simulating variants"):
        contig = simulate_contig(simulation, matrices, f"sim{number + 1}", number)
        rng = np.random.default_rng([simulation.seed, number, variants.seed])
        rows += _of_contig(simulation, matrices, contig, geometry.bin_bp, variants.per_contig, rng, len(rows) // 2)
        if variants.saturation_bp and not saturated:
            saturated = _saturation(simulation, matrices, contig, geometry.bin_bp, variants.saturation_bp)
    if not rows:
        raise InputError("variants: no site of the simulated test contigs has a matching place beside it")
    say(f"{len(rows) // 2:,} variants in sites, and as many beside them")
    write_csv(pd.DataFrame(rows + saturated), output)


def _of_contig(
    settings: SimulationSettings,
    matrices: dict[str, PositionWeightMatrix],
    contig: SimulatedContig,
    bin_bp: int,
    wanted: int,
    rng: np.random.Generator,
    first_pair: int,
) -> list[dict]:
    inside = contig.sites[contig.sites["element"] >= 0]
    covered = np.zeros(len(contig.codes), bool)
    for start, end in inside[["start", "end"]].itertuples(index=False, name=None):
        covered[start:end] = True
    before = _targets(settings, contig, bin_bp)
    half = SLOTS * SLOT_BP // 2
    rows: list[dict] = []
    for row in rng.permutation(inside.index):
        if len(rows) >= 2 * wanted:
            break
        site, matrix = inside.loc[row], matrices[inside.loc[row, "motif"]]
        if site["strand"] == "-":
            matrix = matrix.reverse_complement()
        places = np.flatnonzero(matrix.information >= 1)
        if not len(places):
            continue
        place = int(rng.choice(places))
        position = int(site["start"]) + place
        reference = int(contig.codes[position])
        alternative = int(rng.choice([code for code in range(4) if code != reference]))
        centre = int(contig.elements["centre"][site["element"]])
        beside = np.arange(centre - half, centre + half)
        beside = beside[~covered[beside] & (contig.codes[beside] == reference)]
        if not len(beside):
            continue
        after = _targets(settings, _mutated(contig, matrices, row, place, alternative), bin_bp)
        common = {
            "chrom": contig.name,
            "ref": ALPHABET[reference],
            "alt": ALPHABET[alternative],
            "pair": first_pair + len(rows) // 2,
            SATURATED: 0,
        }
        common |= {"element": contig.elements["kind"][site["element"]], "motif": site["motif"]}
        effects = {TRUE + name: after[name] - before[name] for name in before}
        rows.append({"pos": position + 1, **common, "causal": 1, **effects})
        rows.append({"pos": int(rng.choice(beside)) + 1, **common, "causal": 0, **dict.fromkeys(effects, 0.0)})
    return rows


def _saturation(
    settings: SimulationSettings,
    matrices: dict[str, PositionWeightMatrix],
    contig: SimulatedContig,
    bin_bp: int,
    length: int,
) -> list[dict]:
    """Every change of every base of ``length`` bp at the centre of the promoter of `most_sensitive`."""
    centre = int(contig.elements["centre"][most_sensitive(settings, contig)])
    before = _targets(settings, contig, bin_bp)
    rows = []
    for position in progress(range(centre - length // 2, centre - length // 2 + length), "saturation"):
        inside = contig.sites[(contig.sites["start"] <= position) & (contig.sites["end"] > position)]
        reference = int(contig.codes[position])
        for base in set(range(4)) - {reference}:
            after = before
            if len(inside):
                site = int(inside.index[0])
                changed = _mutated(contig, matrices, site, position - inside["start"].iloc[0], base)
                after = _targets(settings, changed, bin_bp)
            place = {"chrom": contig.name, "ref": ALPHABET[reference], "alt": ALPHABET[base], "pair": -1, SATURATED: 1}
            place |= {"element": "promoter", "motif": inside["motif"].iloc[0] if len(inside) else "", "causal": 0}
            rows.append({"pos": position + 1, **place, **{TRUE + name: after[name] - before[name] for name in before}})
    return rows


def most_sensitive(settings: SimulationSettings, contig: SimulatedContig) -> int:
    """Row of the promoter whose accessibility a = 1 - exp(-s) depends most on its sites.

    Its sites open it by s in all: ds/s of them changes a by s exp(-s) ds/s. Where they are many, none is missed.
    """
    closed = [1 - accessibility(settings, contig, cell) for cell in settings.cells]
    depends = sum(-rest * np.log(rest) for rest in closed)
    return int(np.where(contig.elements["kind"] == "promoter", depends, -1).argmax())


def _mutated(
    contig: SimulatedContig, matrices: dict[str, PositionWeightMatrix], row: int, place: int, base: int
) -> SimulatedContig:
    """The contig with one base of one site changed, and the site's new score."""
    site = contig.sites.loc[row]
    codes = contig.codes[site["start"] : site["end"]].copy()
    codes[place] = base
    codes = codes if site["strand"] == "+" else reverse_complement(codes)
    sites = contig.sites.copy()
    sites.loc[row, "score"] = matrices[site["motif"]].relative_score(codes[None])[0]
    return replace(contig, sites=sites)


def _targets(settings: SimulationSettings, contig: SimulatedContig, bin_bp: int) -> dict[str, float]:
    """Expected target above the background of every track, summed over all bins of the contig."""
    found = {}
    for track in expand_tracks(settings):
        coverage = peaks(settings, contig, track)[1].sum() * SPREAD_BP[track.assay] * np.sqrt(2 * np.pi)
        recipe = RECIPES[track.assay]
        found[track.identifier] = coverage * recipe["scale"] / (bin_bp if recipe["sum_stat"] == "mean" else 1)
    return found
