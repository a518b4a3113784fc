"""Settings of the data stages: sources, windows, crop and the simulated genome."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from regulens.settings import Settings

Split = Literal["train", "valid", "test"]


class Source(Settings):
    """One downloadable file."""

    url: str = Field(pattern=r"^(https|http|gs|file):")
    """Address: `https:`, `gs:` or `file:`."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Checksum; without one the download warns, and `config/sources.lock` keeps the first one seen."""
    licence: str | None = None
    """Licence of the data, for the reader."""


class DownloadSettings(Settings):
    """How files are fetched."""

    folder: str = "resources"
    """Folder of the downloads, shared by all runs. A source's name is its path inside."""
    mirror: str | None = None
    """Folder with copies of the sources, looked at first (also: environment variable `REGULENS_MIRROR`)."""
    billing_project: str | None = None
    """Google Cloud project that pays for requester-pays buckets."""
    retries: int = Field(default=3, ge=0)
    """Further attempts after a failed transfer."""


class Geometry(Settings):
    """Shape of one training example (000 section 3.4; SPEC 2.3)."""

    input_bp: int = Field(default=17712, gt=0)
    """Length of the input sequence in bp."""
    bins: int = Field(default=80, gt=0)
    """Number of target bins, centred on the input."""
    bin_bp: int = Field(default=128, gt=0)
    """Width of a bin in bp; a power of two, because every model halves the sequence down to it."""

    @model_validator(mode="after")
    def _consistent(self):
        if self.bin_bp & (self.bin_bp - 1):
            raise ValueError(f"bin_bp must be a power of two, found {self.bin_bp}")
        if self.bins * self.bin_bp > self.input_bp:
            raise ValueError(f"bins x bin_bp = {self.bins * self.bin_bp} bp is longer than input_bp = {self.input_bp}")
        if (self.input_bp - self.bins * self.bin_bp) % 2:
            raise ValueError("the target cannot be centred: input_bp - bins x bin_bp is odd")
        return self

    @property
    def target_bp(self) -> int:
        """Length of the target span in bp."""
        return self.bins * self.bin_bp

    @property
    def padded_bins(self) -> int:
        """Input length in bins after padding both sides with N, so that the target lies on the bin grid (SPEC S9)."""
        context = -(-(self.input_bp - self.target_bp) // (2 * self.bin_bp))
        return self.bins + 2 * context

    @property
    def padded_bp(self) -> int:
        """Input length in bp after padding: 17,920 for the paper's 17,712."""
        return self.padded_bins * self.bin_bp

    @property
    def crop_bins(self) -> int:
        """Bins removed on either side of the trunk's output: 30 for the paper."""
        return (self.padded_bins - self.bins) // 2


class CropSettings(Settings):
    """From windows to examples (SPEC 4)."""

    tiling: Literal["centre", "adjoining"] = "centre"
    """`centre`: one example a window (the paper). `adjoining`: as many adjoining target spans as fit each window."""
    overhang: Literal["pad", "drop"] = "pad"
    """An example whose input hangs over its window's or contig's end is padded with N or dropped."""
    records_per_file: int = Field(default=256, gt=0)
    """Records in each TFRecord of a split but its last, which tells which windows a file holds (Basenji2: 256)."""
    interpolate_gaps: bool = False
    """Bases without a value are interpolated before binning (bigWig route); else they get the window's baseline."""
    compression: Literal["lzf"] | None = None
    """Compression of the HDF5 shards."""
    blacklist: str | None = None
    """Name of a BED source with regions whose coverage is clipped to the window's median (bigWig route)."""
    blacklist_extend_bp: int = Field(default=20, ge=0)
    """Blacklist regions are extended by this much on both sides."""


class SimulatedTrack(Settings):
    """One simulated experiment; CAGE gives two tracks, one a strand."""

    assay: Literal["DNASE", "CHIP", "CAGE"]
    """Kind of experiment, the prefix of the track's description."""
    cell: str
    """Cell type, a key of `cells`."""
    factor: str | None = None
    """ChIP only: the factor, a key of `motifs`."""


class SimulationSettings(Settings):
    """The simulated genome of the demonstration: planted motifs, and coverage that follows from them.

    Elements (promoters, enhancers, insulators) stand along each contig at random distances. A promoter makes CAGE tags
    in a cell type when an element beside it, about a kilobase away, is an enhancer of that cell type.
    """

    seed: int = Field(default=1, ge=0)
    """Seed of everything random in the simulation."""
    contigs: dict[Split, Annotated[int, Field(ge=0)]] = {"train": 8, "valid": 1, "test": 1}
    """Number of contigs of each split."""
    contig_bp: int = Field(default=600_000, ge=10_000, multiple_of=16)
    """Length of a contig in bp."""
    window_bp: int = Field(default=4096, gt=0)
    """Length in bp of the target regions in `windows.bed`, which tile each contig: geometry `bins` x `bin_bp`."""
    gc_content: float = Field(default=0.41, gt=0.1, lt=0.9)
    """Share of G + C in the background (human: 0.41)."""
    cpg_ratio: float = Field(default=0.25, gt=0, le=1)
    """Observed / expected CpG in the background (human: about 0.25)."""
    island_bp: int = Field(default=800, ge=0)
    """Length in bp of the CpG island at every promoter (and, at random, at one in ten of the other elements)."""
    island_gc_content: float = Field(default=0.55, gt=0.1, lt=0.9)
    """Share of G + C in CpG islands."""
    island_cpg_ratio: float = Field(default=0.65, gt=0, le=1)
    """Observed / expected CpG in CpG islands."""
    element_distance_bp: tuple[Annotated[int, Field(ge=500)], int] = (800, 1600)
    """Smallest and largest distance in bp between the centres of neighbouring elements: the reach of an enhancer."""
    elements: dict[Literal["promoter", "enhancer", "insulator"], Annotated[float, Field(ge=0)]] = {
        "promoter": 0.38,
        "enhancer": 0.54,
        "insulator": 0.08,
    }
    """Relative number of the three kinds of element. An enhancer belongs to one cell type, one in four to a second."""
    release: str = "JASPAR2020"
    """JASPAR release of the planted motifs."""
    motifs: dict[str, str] = {
        "YY1": "MA0095.2",
        "SP1": "MA0079.4",
        "NRF1": "MA0506.1",
        "GATA1_TAL1": "MA0140.2",
        "HNF4A": "MA0114.4",
        "SPI1": "MA0080.5",
        "FOSL1": "MA0477.1",
        "CTCF": "MA0139.1",
        "TP53": "MA0106.3",
    }
    """Planted motifs: name and JASPAR matrix. One without a role below occurs outside of elements, without effect."""
    core_motif: str = "YY1"
    """Motif with three sites in every promoter; their strand is the direction of transcription."""
    promoter_motifs: Annotated[list[str], Field(min_length=1)] = ["SP1", "NRF1"]
    """Motifs of which a promoter has 1 to 4 sites; more make it stronger."""
    enhancer_motifs: list[str] = ["FOSL1"]
    """Motifs found in enhancers of every cell type, 0 to 2 sites of each."""
    insulator_motif: str = "CTCF"
    """Motif of the insulators, which are open in every cell type and have no effect on promoters."""
    cells: Annotated[dict[str, str], Field(min_length=1)] = {
        "erythroid": "GATA1_TAL1",
        "hepatic": "HNF4A",
        "lymphoid": "SPI1",
    }
    """Cell types and the motif of their enhancers (3 or 4 sites in each enhancer)."""
    singletons_per_kb: float = Field(default=0.4, ge=0, le=5)
    """Sites of any motif per kb outside of elements, with a tenth of the effect."""
    tracks: Annotated[list[SimulatedTrack], Field(min_length=1)] = [
        SimulatedTrack(assay="DNASE", cell="erythroid"),
        SimulatedTrack(assay="DNASE", cell="hepatic"),
        SimulatedTrack(assay="DNASE", cell="lymphoid"),
        SimulatedTrack(assay="CHIP", cell="erythroid", factor="GATA1_TAL1"),
        SimulatedTrack(assay="CHIP", cell="hepatic", factor="HNF4A"),
        SimulatedTrack(assay="CHIP", cell="lymphoid", factor="SPI1"),
        SimulatedTrack(assay="CHIP", cell="hepatic", factor="CTCF"),
        SimulatedTrack(assay="CAGE", cell="erythroid"),
        SimulatedTrack(assay="CAGE", cell="hepatic"),
    ]
    """The simulated experiments."""
    peak_reads: float = Field(default=6.0, gt=0)
    """Coverage at the top of a strong DNase peak and of a ChIP peak at a perfect site."""
    promoter_tags: float = Field(default=50.0, gt=0)
    """CAGE tags of a strong promoter with one enhancer."""
    silent_promoter: float = Field(default=0.05, ge=0, le=1)
    """Share of these tags that a promoter makes without an enhancer."""
    background: float = Field(default=0.05, ge=0)
    """Coverage between peaks, as a share of `peak_reads` (CAGE: of `promoter_tags`, spread over a kb)."""
    variation: float = Field(default=0.3, ge=0)
    """Standard deviation of the log height of peaks between tracks that nothing in the sequence explains."""
    depth: float = Field(default=1.0, gt=0)
    """Sequencing depth: Poisson noise is that of coverage x depth reads."""

    @model_validator(mode="after")
    def _consistent(self):
        low, high = self.element_distance_bp
        if not low <= high <= 2 * low:
            # Then an element two places away is always out of reach, and "beside it" and "within reach" are the same.
            raise ValueError(f"element_distance_bp must be two numbers a <= b <= 2 a, found {low}, {high}")
        if self.island_bp > low:
            raise ValueError(f"island_bp = {self.island_bp} would reach the next element: at most {low}")
        if not sum(self.elements.values()):
            raise ValueError("elements must name a kind with a share above 0")
        roles = [self.core_motif, *self.promoter_motifs, *self.enhancer_motifs, self.insulator_motif]
        roles += self.cells.values()
        roles += [track.factor for track in self.tracks if track.factor]
        for name in roles:
            if name not in self.motifs:
                raise ValueError(f"motif {name} is used but not listed in motifs ({', '.join(self.motifs)})")
        for track in self.tracks:
            if track.cell not in self.cells:
                raise ValueError(
                    f"track of cell type {track.cell}, which cells does not list ({', '.join(self.cells)})"
                )
            if (track.assay == "CHIP") != (track.factor is not None):
                raise ValueError(f"factor belongs to CHIP tracks and only to them, found {track}")
        return self
