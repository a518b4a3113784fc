"""Settings of the data stages: sources, the geometry of an example, crop, simulations and labelled sequences."""

import fnmatch
import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from regulens.core.settings import Settings, nearest

Split = Literal["train", "valid", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)
"""Names of the splits, in the order of their codes."""

PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")

# Sources: what is downloaded, and which entry of the table a file name belongs to.


class Source(Settings):
    """One downloadable file."""

    url: str = Field(pattern=r"^(https|http|gs|file):")
    """Address: `https:`, `gs:` or `file:`."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Checksum; without one the download warns, and `download.lock` keeps the first one seen."""
    licence: str | None = None
    """Licence of the data, for information."""


class DownloadSettings(Settings):
    """How files are fetched."""

    folder: str = "resources"
    """Folder of the downloads, shared by all runs. A source's name is its path inside."""
    mirror: str | None = None
    """Folder with copies of the sources, which take precedence (also: environment variable `REGULENS_MIRROR`)."""
    billing_project: str | None = None
    """Google Cloud project that pays for requester-pays buckets."""
    retries: int = Field(default=3, ge=0)
    """Number of further attempts after a failed transfer."""
    lock: str = "config/sources.lock"
    """File with the checksums that were seen first, of sources that state none."""


def find_source(sources: dict[str, Source], name: str) -> Source | None:
    """Source of a file: the entry of that exact name, or a template with its placeholders filled in."""
    if name in sources:
        return sources[name]
    for template, source in sources.items():
        if "{" in template and (found := re.fullmatch(_named(template), name)):
            return source.model_copy(update={"url": source.url.format(**found.groupdict())})
    return None


def pattern(name: str) -> str:
    """Regular expression for the file names that a source's name covers: `{shard}` matches part of a name."""
    return PLACEHOLDER.sub(r"[^/]+?", re.escape(name))


def _named(template: str) -> str:
    """Pattern with a named group per placeholder; a repeated placeholder must match the same text."""
    seen: set[str] = set()

    def group(found: re.Match) -> str:
        name = found[1]
        text = rf"(?P={name})" if name in seen else rf"(?P<{name}>[^/]+?)"
        seen.add(name)
        return text

    return PLACEHOLDER.sub(group, re.escape(template))


# Examples of the assay models.


class Geometry(Settings):
    """Shape of one training example (Genomic Interpreter, section 3.4; docs/papers.md, "Geometry")."""

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
        """Input length in bins after padding both sides with N, so that the target lies on the bin grid."""
        context = -(-(self.input_bp - self.target_bp) // (2 * self.bin_bp))
        return self.bins + 2 * context

    @property
    def padded_bp(self) -> int:
        """Input length in bp after padding: 17,920 for the paper's 17,712."""
        return self.padded_bins * self.bin_bp

    @property
    def crop_bins(self) -> int:
        """Bins removed on either side of the trunk's output: 30 in the paper."""
        return (self.padded_bins - self.bins) // 2


class CropSettings(Settings):
    """From windows to examples."""

    tiling: Literal["centre", "adjoining"] = "centre"
    """`centre`: one example per window (as in the paper). `adjoining`: as many adjoining target spans as fit each
    window."""
    overhang: Literal["pad", "drop"] = "pad"
    """Whether an example whose input reaches beyond its window or contig is padded with N or dropped."""
    records_per_file: int = Field(default=256, gt=0)
    """Records in each TFRecord file of a split except the last, which determines the windows of each file (Basenji2:
    256)."""
    interpolate_gaps: bool = False
    """Interpolate bases without a value before binning (bigWig route); otherwise they get the window's baseline."""
    compression: Literal["lzf"] | None = None
    """Compression of the HDF5 shards."""
    blacklist: str | None = None
    """BED source of regions whose coverage is clipped to the window's median (bigWig route)."""
    blacklist_extend_bp: int = Field(default=20, ge=0)
    """Blacklist regions are extended by this much on both sides."""
    contig_names: dict[str, str | None] = {}
    """Contigs that windows, blacklist, coverage or positions name otherwise than the FASTA: their name and that of the
    FASTA, e.g. `{"1": chr1, MT: chrM}`; `null` leaves one out (bigWig route)."""
    scale_first: bool = False
    """Multiply the coverage by the track's `scale` before it is rounded to float16, not after, as Basenji does (bigWig
    route): for coverage beyond 65,504 or below 6e-5, which the rounding clips or blurs."""


# Coverage from positions, and windows by contig (bigWig route).


Column = str | Annotated[int, Field(gt=0)]
"""Name of a column in the header or, in a table without one, its number from 1."""


class Rows(Settings):
    """Which rows of a table count."""

    column: Column
    """Column that is looked at: its name or its number."""
    matches: str
    """Regular expression that its text must match from the start."""

    @field_validator("matches")
    @classmethod
    def _pattern(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"{text!r} is not a regular expression: {error}") from None
        return text


class PositionTable(Settings):
    """A table of positions: text, columns separated by tabs or, if it has none, by blanks."""

    file: str
    """Source or path."""
    contig: Column
    """Column of the contig: its name in the header or, in a table without one, its number from 1."""
    position: Column
    """Column of the position."""
    end: Column | None = None
    """Column of the end of an interval, as in BED files, whose middle is then the position."""
    first: Literal[0, 1] = 1
    """Number of the first base of a contig: 1, or 0 as in BED files."""
    strand: Column | None = None
    """Column of the strand, + or -: the table makes two files, NAME.plus.bw and NAME.minus.bw. None: one, NAME.bw."""
    count: Column | None = None
    """Column of the number of reads at the position, or another value; rows of one position are added. None: 1."""
    width_bp: int = Field(default=1, gt=0)
    """Bases around the position that get the count: 1, or e.g. 147 for the footprint of a nucleosome."""
    where: Rows | None = None
    """Only these rows, e.g. `{column: 5, matches: Reb1_}`; none: all."""

    @model_validator(mode="after")
    def _names_or_numbers(self):
        columns = [self.contig, self.position, self.end, self.strand, self.count, self.where and self.where.column]
        if len({type(column) for column in columns if column is not None}) > 1:
            raise ValueError("name all columns (the table has a header), or number all (it has none)")
        return self


class ContigSplits(Settings):
    """Splits by contig: adjoining windows, each of one target span, tile the whole genome.

    Contigs are named as in the FASTA, or by patterns such as `chr*_random`.
    """

    valid: Annotated[list[str], Field(min_length=1)]
    """Contigs of the validation set."""
    test: Annotated[list[str], Field(min_length=1)]
    """Contigs of the test set."""
    left_out: list[str] = []
    """Contigs in no split; all others are for training, except those shorter than a target span."""

    def windows(self, lengths: Mapping[str, int], step: int) -> list[tuple[str, int, int, str]]:
        """Windows of ``step`` bp from the start of every contig: contig, start, end (0-based, half-open), split.

        ``lengths`` are those of the contigs in bp. Raises `ValueError` for a name that fits no contig or is in two
        lists, and for a split without a window.
        """
        named: dict[str, tuple[str, str]] = {}
        for split in ("valid", "test", "left_out"):
            for name in getattr(self, split):
                found = fnmatch.filter(lengths, name)
                if not found:
                    raise ValueError(f"splits.{split}: there is no contig {name!r}; {nearest(name, list(lengths))}")
                for contig in found:
                    other, words = named.setdefault(contig, (split, name))
                    if other != split:
                        raise ValueError(
                            f"splits: {contig} is in {other} ({words}) and in {split} ({name}): choose one"
                        )
        split_of = {contig: named.get(contig, ("train", ""))[0] for contig in lengths}
        found = [
            (contig, start, start + step, split_of[contig])
            for contig, length in lengths.items()
            if split_of[contig] != "left_out"
            for start in range(0, length - step + 1, step)
        ]
        if missing := [split for split in SPLITS if split not in {window[3] for window in found}]:
            raise ValueError(f"splits: no contig of {' and '.join(missing)} is as long as bins x bin_bp = {step} bp")
        return found


# The simulated genome.


class SimulatedTrack(Settings):
    """One simulated experiment; CAGE gives two tracks, one per strand."""

    assay: Literal["DNASE", "CHIP", "CAGE"]
    """Kind of experiment, the prefix of the track's description."""
    cell: str
    """Cell type, a key of `cells`."""
    factor: str | None = None
    """ChIP only: the factor, a key of `motifs`."""


class SimulationSettings(Settings):
    """The simulated genome of the demonstration: planted motifs, and coverage determined by them.

    Elements (promoters, enhancers, insulators) lie along each contig at random distances. A promoter makes CAGE tags in
    a cell type if a neighbouring element, about a kilobase away, is an enhancer of that cell type.
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
    """Relative numbers of the three kinds of element. An enhancer belongs to one cell type, one in four also to a
    second."""
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
    """Planted motifs: name and JASPAR matrix. A motif without a role below occurs only outside elements, without
    effect."""
    core_motif: str = "YY1"
    """Motif with three sites in every promoter, on the strand of transcription."""
    promoter_motifs: Annotated[list[str], Field(min_length=1)] = ["SP1", "NRF1"]
    """Motifs of which a promoter has 1 to 4 sites; more sites make it stronger."""
    enhancer_motifs: list[str] = ["FOSL1"]
    """Motifs found in enhancers of every cell type, 0 to 2 sites of each."""
    insulator_motif: str = "CTCF"
    """Motif of insulators, which are open in every cell type."""
    insulators: Literal["inert", "blocking"] = "inert"
    """Whether an enhancer acts past an insulator: `inert`, as if there were none; `blocking`, not at all."""
    reach: int = Field(default=1, ge=1)
    """Elements over which an enhancer acts: 1, on a promoter beside it; 2, also on the one behind, and so on, with half
    of the effect for every element further."""
    cells: Annotated[dict[str, str], Field(min_length=1)] = {
        "erythroid": "GATA1_TAL1",
        "hepatic": "HNF4A",
        "lymphoid": "SPI1",
    }
    """Cell types and the motif of their enhancers (3 or 4 sites in each enhancer)."""
    singletons_per_kb: float = Field(default=0.4, ge=0, le=5)
    """Sites of any motif per kb outside elements, with a tenth of the effect."""
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
    """Share of these tags that a promoter without an enhancer makes."""
    background: float = Field(default=0.05, ge=0)
    """Coverage between peaks, as a share of `peak_reads` (CAGE: of `promoter_tags`, spread over a kb)."""
    variation: float = Field(default=0.3, ge=0)
    """Standard deviation of the log peak height between tracks that the sequence does not explain."""
    depth: float = Field(default=1.0, gt=0)
    """Sequencing depth: Poisson noise corresponds to coverage x depth reads."""

    @model_validator(mode="after")
    def _consistent(self):
        low, high = self.element_distance_bp
        if not low <= high <= 2 * low:
            # Then an element two places away is always out of reach: neighbours are exactly the elements within reach.
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


# Promoters and the elements that may act on them.


Strand = Literal["+", "-"]


class LinkData(Settings):
    """Settings common to the routes to pairs of a promoter and an element."""

    readouts: Annotated[dict[str, str | dict[Strand, str]], Field(min_length=1)]
    """For each cell type the track that is read at a promoter: its identifier, or one for either strand."""
    activity: dict[str, list[str]] = {}
    """For each cell type the tracks whose coverage tells the activity of an element (geometric mean, such as DNase and
    H3K27ac), for the scores that need no model; none: without these scores."""
    promoters: int | None = Field(default=None, gt=0)
    """Promoters at most, evenly along the genome; none: all."""


class SimulatedLinks(LinkData):
    """The truth of the simulated genome: an enhancer acts on the promoters beside it."""

    route: Literal["simulated"]
    """Elements and links of the simulation, on its test contigs."""


class CrispriLinks(LinkData):
    """Elements silenced by CRISPRi, and the genes that then changed."""

    route: Literal["crispri"]
    """Read a table in the layout of the ENCODE benchmark."""
    table: str
    """Source or path: columns chrom, chromStart, chromEnd, chrTSS, startTSS, endTSS, measuredGeneSymbol, CellType,
    Regulated; rows whose ValidConnection, if there is that column, is not TRUE are left out."""


class Factor(Settings):
    """A factor whose bound sites are known."""

    positions: str
    """Bound sites: a table of `genomic_interpreter.data.positions`."""
    matrix: str
    """Its motif: JASPAR matrix with version."""


class BoundSites(Settings):
    """Sites that a factor binds, and equally good matches of its motif that it does not bind, near start sites."""

    route: Literal["bound_sites"]
    """Tables of bound sites, and a scan for the motif."""
    factors: Annotated[dict[str, Factor], Field(min_length=1)]
    """The factors, by their names in tables."""
    tracks: dict[Strand, str]
    """Track that is read at a start site of either strand, and whose highest coverage tells where the start site is."""
    within_bp: int = Field(default=600, gt=0)
    """Distance between a site and its start site at most."""
    tags: float = Field(default=5.0, ge=0)
    """Coverage of a start site at least."""
    release: str = "JASPAR2022"
    """JASPAR release of the motifs."""


# Variants.


class SimulatedVariants(Settings):
    """Variants of the simulated genome, whose effects follow from its rules."""

    route: Literal["simulated"]
    """Single bases in sites of the test contigs, and matched ones beside them."""
    per_contig: int = Field(default=200, gt=0)
    """Variants in sites at most, of each test contig."""
    saturation_bp: int = Field(default=216, ge=0)
    """Bases of one promoter that all become each other base, for the saturation panel; 0: no panel."""
    seed: int = Field(default=1, ge=0)
    """Seed of their choice."""


class MeasuredVariants(Settings):
    """Variants with a measured effect, or known to be causal or not."""

    route: Literal["table"]
    """Read a VCF or a table."""
    file: str
    """Source or path: a VCF, or a table with chrom, pos, ref and alt. Columns below: of the table, or INFO fields."""
    effect: str | None = None
    """Column with the measured effect (log fold change, MPRA value); none: without."""
    causal: str | None = None
    """Column that is 1 for a causal variant and 0 for a matched one; none: without."""
    group: str | None = None
    """Column by which correlations are computed separately, such as the element of an MPRA; none: all together."""
    where: dict[str, str] = {}
    """Only rows with these values, by column, e.g. `{Release: GRCh38}`."""
    at_least: dict[str, float] = {}
    """Only rows with at least these numbers, by column, e.g. `{Barcodes: 10}`."""
    tracks: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    """Tracks whose mean predicted effect is compared, by group, `all` for every other group; without: all tracks."""
    saturation: str | None = None
    """Group that the saturation panel shows, such as an element of an MPRA; none: no panel."""

    @model_validator(mode="after")
    def _something_is_known(self):
        if self.saturation and not (self.effect and self.group):
            raise ValueError("saturation is a group with measured effects: name the columns effect and group")
        if not self.effect and not self.causal:
            raise ValueError(
                "name the column with the measured effect (effect), or the one of causal variants (causal)"
            )
        return self


# Labelled sequences: where they come from, which are kept, and the simulated ones.


ClassName = Literal["positive", "negative"]


class SequenceData(Settings):
    """Settings common to all routes to labelled sequences."""

    length_bp: int = Field(default=200, ge=20)
    """Length that the model sees: shorter sequences are dropped, longer ones cut (DNABERT-LRP, section 4.1: 200)."""
    crop: Literal["start", "centre", "end"] = "start"
    """Which part of a longer sequence is kept; a tokeniser with a maximum length keeps the start (docs/papers.md,
    "sequence-length")."""
    duplicates: Literal["drop", "keep"] = "drop"
    """Repeated sequences within a split: `drop` keeps only the first, `keep` all. Both are counted. Sequences with both
    labels are always dropped."""
    leaked: Literal["drop", "keep"] = "drop"
    """Training sequences that are also in the test or validation set: `drop` removes them from the training set. Both
    are counted."""
    valid_fraction: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the training sequences that form the validation set, the same in both classes."""
    split: Literal["published", "grouped"] = "published"
    """`published`: the splits that the data come with, others drawn by sequence. `grouped`: sizes and class balance as
    near as possible to these, but what belongs together stays on one side: connected regions where there are
    coordinates, else sequences that share a tenth of their 32-mers, so that no test sequence is known from training."""
    split_seed: int = Field(default=1, ge=0)
    """Seed of the splits that the data do not come with, and of the draw for `at_most`."""
    at_most: int | None = Field(default=None, gt=1)
    """Sequences of each split at most, drawn from those that are kept, with their class balance: for a trial on few
    sequences; none: all."""


class CoordinateSequences(SequenceData):
    """Coordinates in the layout of Genomic Benchmarks, and a genome."""

    route: Literal["coordinates"]
    """Extract the sequences from a genome by coordinates."""
    fasta: str
    """Source or path: genome sequence."""
    coordinates: str
    """Source or path of the tables (id, region, start, end, strand; 0-based, half-open) with `{split}` (train, test)
    and `{class}` (positive, negative) in it."""
    contig_names: dict[str, str] = {}
    """Contigs that the tables name otherwise than the FASTA: their name and that of the FASTA, e.g. `{"1": chr1}`."""

    @field_validator("coordinates")
    @classmethod
    def _one_table_each(cls, template: str) -> str:
        if missing := [part for part in ("{split}", "{class}") if part not in template]:
            raise ValueError(f"must have {' and '.join(missing)} in it: every split and class has a table of its own")
        return template


def coordinate_tables(template: str) -> dict[tuple[str, str], str]:
    """Names of the coordinate tables of a template, by split and class."""
    return {
        (split, name): template.replace("{split}", split).replace("{class}", name)
        for split in ("train", "test")
        for name in ("positive", "negative")
    }


class TableSequences(SequenceData):
    """Your own sequences: one table."""

    route: Literal["table"]
    """Read a table of sequences."""
    table: str
    """Source or path: TSV or CSV (also .gz) with a sequence (`sequence` or `seq`) and a `label` (1 and 0, or positive
    and negative); optionally `id` and `split` (train, valid, test)."""
    test_fraction: float = Field(default=0.3, gt=0, lt=1)
    """Share of the sequences in the test set, the same in both classes, if the table has no split."""
    sites: str | None = None
    """Source or path: annotated sites, TSV with id, start, end, motif, strand; marked in figures, scored as truth."""


class ClassFileSequences(SequenceData):
    """Your own sequences: one file for each class."""

    route: Literal["class_files"]
    """Read a file of positive and one of negative sequences."""
    positive: str
    """Source or path: FASTA, or plain text with one sequence a line (also .gz)."""
    negative: str
    """Source or path: the same for the negative class."""
    test_fraction: float = Field(default=0.3, gt=0, lt=1)
    """Share of the sequences in the test set, the same in both classes."""
    places: dict[str, tuple[Annotated[int, Field(ge=0)], int]] = {}
    """Of aligned sequences: where every positive one has a known site, start and end in bp (0-based, half-open) of the
    uncropped sequence, by name; marked in figures, scored as truth."""

    @field_validator("places")
    @classmethod
    def _intervals(cls, places: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        if wrong := [name for name, (start, end) in places.items() if start >= end]:
            raise ValueError(f"{wrong[0]}: need start < end, found {list(places[wrong[0]])}")
        return places


class PlantedMotif(Settings):
    """A motif in simulated sequences."""

    matrix: str
    """JASPAR identifier with version."""
    probability: float = Field(default=1.0, ge=0, le=1)
    """Share of the sequences that have a site; a positive sequence that would get no site at all gets one."""
    start: int = Field(default=0, ge=0)
    """First position where the site may begin, 0-based."""
    end: int | None = Field(default=None, gt=0)
    """Exclusive end of the range of sites; none: the end of the sequence."""
    strand: Literal["+", "-", "either"] = "either"
    """Strand of the site."""


class SequenceRule(Settings):
    """What makes a simulated sequence positive beyond single motifs: two of them together."""

    first: str
    """A motif of `positive`."""
    second: str
    """Another motif of `positive`."""
    relation: Literal["both", "before"]
    """`both`: positive sequences have both motifs, negative ones one of them. `before`: all sequences have both; only
    in positive ones the second begins after the first, within `within_bp` of its end (by position, whatever the
    strands)."""
    within_bp: int = Field(default=20, ge=0)
    """`before`: bases between the two sites, at most."""

    @property
    def motifs(self) -> tuple[str, str]:
        """Both motifs."""
        return self.first, self.second

    @model_validator(mode="after")
    def _two(self):
        if self.first == self.second:
            raise ValueError(f"first and second are both {self.first}: a rule needs two motifs")
        return self


class SequenceSimulation(Settings):
    """Simulated positive and negative sequences: one background, planted motifs, the same composition."""

    seed: int = Field(default=1, ge=0)
    """Seed of everything random in the simulation."""
    train: int = Field(default=2000, gt=1)
    """Training sequences (validation included), half of them positive."""
    test: int = Field(default=1000, gt=1)
    """Test sequences, half of them positive."""
    release: str = "JASPAR2018"
    """JASPAR release of the motifs."""
    gc_content: float = Field(default=0.5, gt=0.1, lt=0.9)
    """Share of G + C in the background of both classes."""
    cpg_ratio: float = Field(default=0.6, gt=0, le=1)
    """Observed / expected CpG in the background of both classes."""
    positive: Annotated[dict[str, PlantedMotif], Field(min_length=1)]
    """Motifs of positive sequences: name and placement. A sequence has at least one of them."""
    negative: dict[str, PlantedMotif] = {}
    """Motifs of negative sequences: decoys, so that finding any motif does not suffice."""
    shared: dict[str, PlantedMotif] = {}
    """Motifs of both classes, which say nothing about the class."""
    rule: SequenceRule | None = None
    """A rule of two motifs, which then occur in negative sequences, too; their `probability` has no effect. None: any
    motif of `positive` makes a sequence positive."""

    @model_validator(mode="after")
    def _partners_known(self):
        if self.rule and (missing := [name for name in self.rule.motifs if name not in self.positive]):
            raise ValueError(f"rule: {missing[0]} is no motif of positive ({', '.join(self.positive)})")
        return self


class SimulatedSequences(SequenceData):
    """The simulated promoters and enhancers of the demonstration."""

    route: Literal["simulated"]
    """Simulate sequences with planted motifs."""
    simulation: SequenceSimulation
    """The simulation."""

    @model_validator(mode="after")
    def _sites_inside(self):
        simulation, known = self.simulation, {}
        for motifs in (simulation.positive, simulation.negative, simulation.shared):
            for name, motif in motifs.items():
                if known.setdefault(name, motif.matrix) != motif.matrix:
                    raise ValueError(f"motif {name} has two matrices, {known[name]} and {motif.matrix}: rename one")
                end = motif.end or self.length_bp
                if not motif.start < end <= self.length_bp:
                    raise ValueError(
                        f"motif {name}: start {motif.start} and end {end} must lie in the {self.length_bp} bp"
                    )
        return self


# The two simulated data sets of the hybrid networks; defaults are the public generators' (docs/papers.md, "Binding
# sites" and "Regulatory code"). Where the paper's text differs, the description of the key says how to follow the text
# (docs/papers.md, "Binding sites" and "Regulatory code").


BINDING_SITES = {
    "Arid3a": "MA0151.1",
    "CEBPB": "MA0466.2",
    "FOSL1": "MA0477.1",
    "Gabpa": "MA0062.2",
    "MAFK": "MA0496.1",
    "MAX": "MA0058.3",
    "MEF2A": "MA0052.3",
    "NFYB": "MA0502.1",
    "SP1": "MA0079.3",
    "SRF": "MA0083.3",
    "STAT1": "MA0137.3",
    "YY1": "MA0095.2",
}
"""The twelve factors of task 1 and their matrices."""

CORE_MOTIFS = {"SP1": "MA0079.3", "Gabpa": "MA0062.2", "CEBPB": "MA0466.2", "MAX": "MA0058.3", "YY1": "MA0095.2"}
"""The five core motifs of task 2."""

CODE_BACKGROUND = {
    "HOXD13": "MA0909.1",
    "Arnt": "MA0004.1",
    "Ahr::Arnt": "MA0006.1",
    "Hoxd9": "MA0913.1",
    "MLX": "MA0663.1",
    "MLXIPL": "MA0664.1",
    "MYF6": "MA0667.1",
    "NEUROD2": "MA0668.1",
    "Gfi1": "MA0038.1",
    "HNF1A": "MA0046.2",
    "Pitx1": "MA0682.1",
    "IRF1": "MA0050.2",
    "MZF1(var.2)": "MA0057.1",
    "Nkx2-5": "MA0063.1",
    "Vdr": "MA0693.1",
    "ZIC3": "MA0697.1",
    "LHX9": "MA0701.1",
    "SPI1": "MA0080.4",
    "SRF": "MA0083.3",
    "SRY": "MA0084.1",
    "VENTX": "MA0724.1",
    "ZEB1": "MA0103.2",
    "Nkx3-1": "MA0124.2",
    "ZBED1": "MA0749.1",
    "ZNF410": "MA0752.1",
    "CUX1": "MA0754.1",
    "Pou5f1::Sox2": "MA0142.1",
    "Sox2": "MA0143.3",
    "ONECUT3": "MA0757.1",
    "ETV3": "MA0763.1",
    "ETV5": "MA0765.1",
    "NR4A2": "MA0160.1",
    "NFIC": "MA0161.1",
    "PLAG1": "MA0163.1",
    "Nr2e3": "MA0164.1",
    "Atoh1": "MA0461.2",
    "BHLHE40": "MA0464.2",
    "POU3F1": "MA0786.1",
    "E2F6": "MA0471.1",
    "Gata4": "MA0482.1",
    "JUN(var.2)": "MA0489.1",
    "JUND(var.2)": "MA0492.1",
    "MEIS1": "MA0498.2",
    "HEY1": "MA0823.1",
    "POU2F2": "MA0507.1",
    "TCF4": "MA0830.1",
    "SMAD2::SMAD3::SMAD4": "MA0513.1",
    "Rxra": "MA0512.2",
    "CEBPG": "MA0838.1",
    "FOXP2": "MA0593.1",
}
"""The fifty background motifs that the public generator of task 2 draws."""

LOOK_ALIKES = ("ETV5", "CEBPG", "KLF5", "MLX", "ZIC3", "ETV3", "PLAG1", "TCF4", "NFIC", "E2F6")
"""These resemble a core motif; the generator intends to drop them but does not (docs/papers.md, "background-motifs").
KLF5 is not among the fifty."""


class MotifGrammar(Settings):
    """Settings common to both simulations."""

    sequences: int = Field(default=25_000, gt=0)
    """Sequences in all splits together."""
    length_bp: int = Field(default=200, gt=0)
    """Length of a sequence."""
    release: str = "JASPAR2016"
    """JASPAR release of the motifs."""
    splits: tuple[float, float, float] = (0.7, 0.1, 0.2)
    """Shares of the training, validation and test sequences."""

    @field_validator("splits")
    @classmethod
    def _whole(cls, splits: tuple) -> tuple:
        if min(splits) <= 0 or not math.isclose(sum(splits), 1, abs_tol=1e-6):
            raise ValueError("must be three shares above 0 (train, valid, test) that sum to 1")
        return splits

    @model_validator(mode="after")
    def _one_sequence_in_each(self):
        if min(self.splits) * self.sequences < 1:
            raise ValueError(f"{self.sequences} sequences leave a split of {self.splits} empty: simulate more")
        return self


def _counts(counts: dict[int, float]) -> dict[int, float]:
    """Validate numbers of motifs and their probabilities."""
    if not counts or min(counts) < 1:
        raise ValueError("must give at least one number of motifs, each 1 or more")
    if min(counts.values()) < 0 or not math.isclose(sum(counts.values()), 1, abs_tol=1e-6):
        raise ValueError(f"must be probabilities that sum to 1, not to {sum(counts.values()):g}")
    return counts


class BindingSites(MotifGrammar):
    """Task 1: which factors bind? Motifs are planted in random sequences; every factor is a class."""

    route: Literal["binding_sites"] = "binding_sites"
    """Simulate binding sites, several classes at a time."""
    sequences: int = Field(default=25_000, gt=0)
    """Sequences in all splits together; one of the authors' generators makes 30,000 (docs/papers.md,
    "sequence-count")."""
    seed: int = Field(default=33, ge=0)
    """Seed of everything random in the simulation."""
    motifs: Annotated[dict[str, str], Field(min_length=1)] = BINDING_SITES
    """Classes: name of the factor and its JASPAR identifier with version. A site is on either strand."""
    motif_counts: dict[int, float] = {1: 0.5, 2: 0.25, 3: 0.17, 4: 0.05, 5: 0.03}
    """Probability of each number of motifs in a sequence."""

    _probabilities = field_validator("motif_counts")(_counts)


class RegulatoryCode(MotifGrammar):
    """Task 2: regulatory code or not? Positive sequences have core motifs only, negative ones any."""

    route: Literal["regulatory_code"] = "regulatory_code"
    """Simulate a regulatory code, one class."""
    sequences: int = Field(default=20_000, gt=1)
    """Sequences in all splits together, half of them positive."""
    seed: int = Field(default=22, ge=0)
    """Seed of everything random in the simulation."""
    core: Annotated[dict[str, str], Field(min_length=1)] = CORE_MOTIFS
    """Core motifs: name and JASPAR identifier with version; both strands."""
    background: Literal["code", "fixed", "paper"] = "code"
    """Further motifs of negative sequences. `code`: the fifty of the public generator on both strands, nine of which
    resemble a core motif; `fixed`: without those nine, as intended (docs/papers.md, "background-motifs"); `paper`:
    `background_motifs` motifs unlike any core motif, on one strand (the text has 100)."""
    background_motifs: int = Field(default=100, gt=0)
    """With `background: paper`, number of motifs drawn (with the seed) from the CORE vertebrates of the release."""
    max_similarity: float = Field(default=0.5, gt=0, lt=1)
    """With `background: paper`, maximum similarity to a core motif: cosine of the two matrices minus 0.25 at the best
    strand and offset. Nine of the ten look-alikes of the public generator exceed 0.5."""
    motif_counts: dict[int, float] = {3: 0.5, 4: 0.25, 5: 0.17, 6: 0.05, 7: 0.03}
    """Probability of each number of motifs in a sequence of either class, as in the public generator. The text says 3
    to 5, without probabilities (docs/papers.md, "core-motif-count"): for example `{3: 0.5, 4: 0.3, 5: 0.2}`."""

    _probabilities = field_validator("motif_counts")(_counts)
