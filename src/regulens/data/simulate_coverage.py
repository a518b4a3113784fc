"""Coverage of the simulated genome: what each experiment would measure, from the elements and their sites."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from regulens.data.settings import SimulationSettings
from regulens.data.simulate_sequence import SimulatedContig

STEP_BP = {"DNASE": 16, "CHIP": 16, "CAGE": 1}
"""Resolution of the coverage."""
SPREAD_BP = {"DNASE": 80.0, "CHIP": 50.0, "CAGE": 12.0}
"""Standard deviation of a peak, which is Gaussian; DNase peaks are about 190 bp wide at half height."""
TSS_OFFSET_BP = 40
"""The CAGE peak lies this far downstream of the promoter's centre."""
OPENING = {"own": 1.0, "core": 0.5, "promoter": 0.5, "insulator": 0.9, "enhancer": 0.15}
"""How much one consensus site opens chromatin, by the role of its motif; `own`: in its own cell type only."""
SINGLETON_EFFECT = 0.1
"""Effect of a site outside of elements, relative to the same site inside."""
CLOSED_BINDING = 0.2
"""Share of the ChIP height that a site in closed chromatin keeps."""
OPEN_CHROMATIN_CHIP = 0.2
"""Unspecific ChIP signal of open chromatin, as a share of its DNase signal."""


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
        """Text of the track table: the assay's prefix, then what was measured."""
        what = {"DNASE": self.cell, "CHIP": f"{self.factor}:{self.cell}", "CAGE": f"{self.cell} ({self.strand} strand)"}
        return f"{self.assay}:{what[self.assay]}, simulated"


def expand_tracks(settings: SimulationSettings) -> list[Track]:
    """The rows of the track table: each experiment, CAGE twice (+ strand, then - strand)."""
    rows = []
    for track in settings.tracks:
        parts = [track.assay, track.factor, track.cell]
        for strand in "+-" if track.assay == "CAGE" else (None,):
            name = ".".join([part for part in parts if part] + ({"+": ["plus"], "-": ["minus"]}.get(strand, [])))
            rows.append(Track(name, track.assay, track.cell, track.factor, strand))
    return rows


def site_opening(settings: SimulationSettings, contig: SimulatedContig, cell: str) -> np.ndarray:
    """Opening of chromatin by each site in a cell type, (sites,): weight of its motif's role x relative score."""
    weight = dict.fromkeys(settings.motifs, 0.0)
    weight.update(dict.fromkeys(settings.enhancer_motifs, OPENING["enhancer"]))
    weight.update(dict.fromkeys(settings.promoter_motifs, OPENING["promoter"]))
    weight[settings.insulator_motif] = OPENING["insulator"]
    weight[settings.core_motif] = OPENING["core"]
    weight.update(dict.fromkeys(settings.cells.values(), 0.0))
    weight[settings.cells[cell]] = OPENING["own"]
    return contig.sites["motif"].map(weight).to_numpy(float) * contig.sites["score"].clip(lower=0.1).to_numpy()


def accessibility(settings: SimulationSettings, contig: SimulatedContig, cell: str) -> np.ndarray:
    """Openness of each element in a cell type, (elements,), 0 to 1: 1 - exp(-sum of the opening of its sites)."""
    inside = contig.sites["element"].to_numpy() >= 0
    opening = site_opening(settings, contig, cell)[inside]
    element = contig.sites["element"].to_numpy()[inside]
    return 1 - np.exp(-np.bincount(element, opening, minlength=len(contig.elements)))


def promoter_activity(settings: SimulationSettings, contig: SimulatedContig, cell: str) -> np.ndarray:
    """CAGE activity of each element in a cell type, (elements,), 0 unless it is a promoter: the long-range rule.

    Strength of the promoter (0.4 + 0.2 x its number of promoter motifs, 1 to 4) x (`silent_promoter` + the sum of the
    accessibilities of the enhancers of this cell type among its two neighbours).
    """
    elements = contig.elements
    enhancer = np.where(elements[cell], accessibility(settings, contig, cell), 0.0)
    beside = np.zeros(len(elements))
    beside[1:] += enhancer[:-1]
    beside[:-1] += enhancer[1:]
    partners = contig.sites.loc[(contig.sites["element"] >= 0) & contig.sites["motif"].isin(settings.promoter_motifs)]
    strength = 0.4 + 0.2 * np.bincount(partners["element"], minlength=len(elements))
    return np.where(elements["kind"] == "promoter", strength * (settings.silent_promoter + beside), 0.0)


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
    binding = sites["score"].clip(lower=0).to_numpy() * (CLOSED_BINDING + (1 - CLOSED_BINDING) * around)
    binding = np.where(single, SINGLETON_EFFECT * sites["score"].clip(lower=0), binding)
    heights = np.concatenate([OPEN_CHROMATIN_CHIP * open_, binding[bound]])
    return np.concatenate([centre, middle[bound]]), settings.peak_reads * heights


def expected_coverage(settings: SimulationSettings, contig: SimulatedContig, track: Track, rng=None) -> np.ndarray:
    """Expected coverage of one track, float64 (length / step,): background + Gaussian peaks.

    ``rng``: source of the peaks' log-normal variation (mean 1, drawn for each peak and track); None: without it.
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


def simulate_coverage(settings: SimulationSettings, contig: SimulatedContig, number: int) -> Iterator[np.ndarray]:
    """Measured coverage of each track in the order of `expand_tracks`, float32 (length / step,).

    Reads are Poisson distributed around expected coverage x depth, and divided by the depth again.
    """
    for row, track in enumerate(expand_tracks(settings)):
        rng = np.random.default_rng([settings.seed, number, row])
        expected = expected_coverage(settings, contig, track, rng)
        yield (rng.poisson(expected * settings.depth) / settings.depth).astype(np.float32)
