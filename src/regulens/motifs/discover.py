"""Motifs from relevance scores: regions, enrichment, merging, matrices (docs/papers.md, "Motif discovery")."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from Bio.Align import PairwiseAligner
from scipy.stats import false_discovery_control, hypergeom

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import say
from regulens.core.sequence import decode
from regulens.data.matrices import PositionWeightMatrix
from regulens.interpret.score_file import ScoreFile
from regulens.motifs.meme import MemeMotif, write_meme
from regulens.motifs.settings import DiscoverySettings

INSTANCE_COLUMNS = ["motif", "id", "start", "end", "region_start", "region_end", "sequence"]

MOTIF_COLUMNS = [
    "motif",
    "key",
    "instances",
    "sequences_positive",
    "sequences_negative",
    "p_value",
    "q_value",
]

_NAME_BP = 40
"""Maximum letters of the key in a motif's name, because Tomtom truncates long names."""

_PREFIX = 21
"""Number of letters that fit into an int64 at three bits per letter."""

_CODES = np.full(256, 5, dtype=np.int64)
_CODES[list(b"\nACGT")] = range(5)


class RelevanceScores(Protocol):
    """What discovery needs of a score file (`interpret.score_file.ScoreFile`)."""

    ids: list[str]
    labels: np.ndarray
    codes: np.ndarray

    def score(self, name: str) -> np.ndarray: ...


class Instance(NamedTuple):
    """One occurrence of a motif; 0-based, half-open positions in its sequence."""

    sequence: int
    """Index of the sequence."""
    start: int
    end: int
    region_start: int
    """Start of the high-scoring region it comes from."""
    region_end: int


class Motif(NamedTuple):
    """A motif with its instances in positive sequences and the enrichment of its key."""

    key: str
    probabilities: np.ndarray
    """float64 (window_bp, 4): base frequencies of the windows, columns A, C, G, T."""
    instances: list[Instance]
    """Windows; ``sequence`` is an index of the given sequences."""
    sequences_positive: int
    sequences_negative: int
    p_value: float
    q_value: float


class Discovery(NamedTuple):
    """Motifs, those with the most instances first, and the numbers left after each step."""

    motifs: list[Motif]
    regions: int
    strings: int
    enriched: int
    merged: int

    @property
    def sentence(self) -> str:
        """Summary in words, naming the step after which nothing was left, if any."""
        if not self.regions:
            return "no high-scoring region, so no motif"
        found = f"{self.regions} high-scoring regions, {self.strings} distinct strings"
        if not self.enriched:
            return f"{found}, none enriched in positive sequences, so no motif"
        found += f", {self.enriched} enriched, merged into {self.merged}"
        kept = f"{len(self.motifs)} with enough instances" if self.motifs else "none with enough instances, so no motif"
        return f"{found}, {kept}"


@command("discover-motifs")
def discover_motifs(
    relevance: Path | str,
    /,
    score: str,
    settings: Part[DiscoverySettings],
    meme: Path | str,
    instances: Path | str,
    motifs: Path | str,
) -> None:
    """Motifs in regions of positive sequences where a score is high.

    See `discover`.

    Arguments:
        relevance: score file of `regulens score-relevance`.
        score: name of the score.
        meme: motifs to write, as MEME text.
        instances: their instances, to write.
        motifs: table of the motifs, to write.
    """
    with ScoreFile(relevance) as scores:
        say(discover(scores, score, settings, meme, instances, motifs).sentence)


def discover(
    scores: RelevanceScores,
    name: str,
    settings: DiscoverySettings,
    meme: Path | str,
    instances: Path | str,
    table: Path | str,
) -> Discovery:
    """Find the motifs of one score in an opened score file and write them.

    ``meme``: matrices as MEME text, named ``<score>_<rank>_<key>``, the key cut after 40 bp; ``instances``: TSV with
    `INSTANCE_COLUMNS`, 0-based half-open spans of windows and of the regions they come from; ``table``: CSV with
    `MOTIF_COLUMNS`, counts of sequences that contain the key. Without a motif the files are valid and empty.

    Raises `InputError` naming the sequence if one has letters other than ACGT or a NaN score.
    """
    ids, codes, values = scores.ids, np.asarray(scores.codes), scores.score(name)
    unknown = np.flatnonzero((codes > 3).any(axis=1))
    if len(unknown):
        raise InputError(f"sequence {ids[unknown[0]]} has letters other than A, C, G and T: leave it out")
    broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(broken):
        raise InputError(f"score {name} of sequence {ids[broken[0]]} is not a number: compute the scores again")
    sequences = [decode(row) for row in codes]
    found = find_motifs(sequences, scores.labels, values, settings)
    names = [f"{name}_{rank}_{motif.key[:_NAME_BP]}" for rank, motif in enumerate(found.motifs, 1)]
    matrices = [
        MemeMotif(PositionWeightMatrix(label, label, motif.probabilities), len(motif.instances))
        for label, motif in zip(names, found.motifs, strict=True)
    ]
    write_meme(meme, matrices)
    rows = [
        (label, ids[window.sequence], *window[1:], sequences[window.sequence][window.start : window.end])
        for label, motif in zip(names, found.motifs, strict=True)
        for window in motif.instances
    ]
    with atomic_output(instances) as temporary:
        pd.DataFrame(rows, columns=INSTANCE_COLUMNS).to_csv(temporary, sep="\t", index=False)
    rows = [
        (label, motif.key, len(motif.instances), *motif[3:]) for label, motif in zip(names, found.motifs, strict=True)
    ]
    with atomic_output(table) as temporary:
        pd.DataFrame(rows, columns=MOTIF_COLUMNS).to_csv(temporary, index=False, float_format="%.6g")
    return found


def find_motifs(
    sequences: Sequence[str], labels: np.ndarray, scores: np.ndarray, settings: DiscoverySettings
) -> Discovery:
    """Motifs of positive sequences from the scores of their bases.

    Arguments:
        sequences: upper-case ACGT, all of one length L.
        labels: (sequences,), 1 = positive.
        scores: (sequences, L); those of negative sequences are not used: negatives matter only for the enrichment.
        settings: thresholds.

    Deterministic: ties are broken by the order of the sequences. It is not an error if there is no region, no enriched
    string or no motif. Raises `ValueError` if shapes do not fit or a score is not finite.
    """
    positive = np.asarray(labels) == 1
    scores = np.asarray(scores)
    if len(sequences) != len(positive) or scores.shape != (len(sequences), len(sequences[0]) if sequences else 0):
        raise ValueError(f"{len(sequences)} sequences, {len(positive)} labels and scores {scores.shape} do not fit")
    rows = np.flatnonzero(positive)
    found = high_scoring_regions(scores[rows], settings.min_region_bp, settings.above_minimum)
    by_string: dict[str, list[Instance]] = {}
    for row, start, end in zip(rows[found.sequence].tolist(), found.start.tolist(), found.end.tolist(), strict=True):
        by_string.setdefault(sequences[row][start:end], []).append(Instance(row, start, end, start, end))
    strings = list(by_string)
    tested = enrichment(strings, sequences, positive)
    kept = {string: index for index, string in enumerate(strings) if tested.q_value[index] < settings.max_q_value}
    merged = merge_strings({string: by_string[string] for string in kept}, settings.min_region_bp)
    motifs = []
    for key, instances in merged.items():
        windows = [
            window
            for each in instances
            if (window := to_window(each, settings.window_bp, len(sequences[each.sequence])))
        ]
        if len(windows) >= settings.min_instances:
            texts = [sequences[window.sequence][window.start : window.end] for window in windows]
            facts = (column[kept[key]].item() for column in tested)
            motifs.append(Motif(key, base_frequencies(texts), windows, *facts))
    motifs.sort(key=lambda motif: (-len(motif.instances), motif.q_value, motif.key))
    return Discovery(motifs, len(found.start), len(strings), len(kept), len(merged))


def base_frequencies(texts: Sequence[str]) -> np.ndarray:
    """Frequencies of A, C, G, T at each position of equally long texts: float64 (length, 4), no pseudocount."""
    letters = np.array([list(text.encode("ascii")) for text in texts], dtype=np.uint8)
    return np.stack([(letters == ord(base)).mean(axis=0) for base in "ACGT"], axis=1)


# High-scoring regions of sequences: the candidates (docs/papers.md, "Motif discovery", steps 1 and 2).


class Regions(NamedTuple):
    """High-scoring regions, by sequence and then by start; 0-based, half-open."""

    sequence: np.ndarray
    """int64 (regions,): row of the scores."""
    start: np.ndarray
    """int64 (regions,)."""
    end: np.ndarray
    """int64 (regions,)."""


def high_scoring_regions(scores: np.ndarray, min_region_bp: int, above_minimum: float) -> Regions:
    """Maximal runs of positions that score above the sequence's mean and above ``above_minimum`` times its minimum.

    ``scores``: (sequences, length in bp), one score per base. Runs shorter than ``min_region_bp`` are dropped. Both
    conditions are applied literally: if the minimum is 0 or negative (scores with a cut-off, signed scores), a factor
    of 1 or more makes the second one no stricter than the first. Constant scores have no region.

    Raises `ValueError` for non-finite scores, which would otherwise silently have no region.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2:
        raise ValueError(f"scores must have the shape (sequences, length), found {scores.shape}")
    if not len(scores) or not scores.shape[1]:
        nothing = np.empty(0, np.int64)
        return Regions(nothing, nothing, nothing)
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(broken):
        raise ValueError(f"row {broken[0]} has a score that is not a number")
    high = scores > scores.mean(axis=1, keepdims=True)
    high &= scores > above_minimum * scores.min(axis=1, keepdims=True)
    edges = np.diff(np.pad(high.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    sequence, start = np.nonzero(edges == 1)
    end = np.nonzero(edges == -1)[1]
    long = end - start >= min_region_bp
    return Regions(sequence[long], start[long], end[long])


# Enrichment of strings in positive sequences (docs/papers.md, "Motif discovery", step 3).


class Enrichment(NamedTuple):
    """Occurrence of strings in positive and negative sequences; every array has one value per string."""

    positive: np.ndarray
    """Positive sequences that contain the string, int64."""
    negative: np.ndarray
    """Negative sequences that contain the string, int64."""
    p_value: np.ndarray
    """Hypergeometric probability of at least that many positive ones."""
    q_value: np.ndarray
    """``p_value`` after Benjamini and Hochberg over all strings."""


def enrichment(strings: Sequence[str], sequences: Sequence[str], positive: np.ndarray) -> Enrichment:
    """Hypergeometric enrichment of strings in positive sequences, with Benjamini-Hochberg over the strings.

    p = P(X >= x) for x positive ones among the n sequences that contain the string, drawn from N sequences of which K
    are positive. ``positive``: bool (sequences,). Without strings, arrays are empty.
    """
    if not len(strings):
        none = np.empty(0)
        return Enrichment(none.astype(np.int64), none.astype(np.int64), none, none)
    in_positive, in_negative = count_sequences(strings, sequences, positive)
    containing = in_positive + in_negative
    p_value = hypergeom.sf(in_positive - 1, len(sequences), int(np.sum(positive)), containing).clip(0, 1)
    return Enrichment(in_positive, in_negative, p_value, false_discovery_control(p_value))


def count_sequences(strings: Sequence[str], sequences: Sequence[str], positive: np.ndarray) -> tuple[np.ndarray, ...]:
    """Numbers of positive and of negative sequences that contain each string (at least once).

    ``positive``: bool (sequences,). Returns two int64 arrays (strings,). All suffixes are sorted once by their first 21
    letters, so that each string is a range found by bisection: a few seconds for 30,000 sequences of 200 bp and
    thousands of strings.
    """
    positive = np.asarray(positive, dtype=bool)
    text = "\n".join(sequences) + "\n" * _PREFIX
    letters = _CODES[np.frombuffer(text.encode("ascii"), np.uint8)]
    size = len(text) - _PREFIX
    keys = np.zeros(size, np.int64)
    for offset in range(_PREFIX):
        keys = keys << 3 | letters[offset : offset + size]
    position = np.argsort(keys)
    keys = keys[position]
    owner = np.repeat(np.arange(len(sequences)), [len(sequence) + 1 for sequence in sequences])
    low, high = np.empty((2, len(strings)), np.int64)
    for index, string in enumerate(strings):
        shift = 3 * max(_PREFIX - len(string), 0)
        low[index] = _pack(string[:_PREFIX]) << shift
        high[index] = low[index] + (1 << shift)
    first, last = np.searchsorted(keys, low), np.searchsorted(keys, high)
    counts = np.empty((2, len(strings)), np.int64)
    for index, string in enumerate(strings):
        found = position[first[index] : last[index]]
        if len(string) > _PREFIX:
            found = found[[text.startswith(string, place) for place in found.tolist()]]
        owners = np.unique(owner[found])
        counts[0, index] = positive[owners].sum()
        counts[1, index] = len(owners) - counts[0, index]
    return counts[0], counts[1]


def _pack(prefix: str) -> int:
    packed = 0
    for letter in prefix.encode("ascii"):
        packed = packed << 3 | int(_CODES[letter])
    return packed


# Merging of similar strings into motifs, and their instances as windows (docs/papers.md, "Motif discovery", steps 4 to
# 6).


def merge_strings(regions: Mapping[str, Sequence[Instance]], min_region_bp: int) -> dict[str, list[Instance]]:
    """Merge each string, from short to long, into the most similar earlier key, or make it a new key.

    ``regions``: every string with its regions, in a fixed order, which breaks ties between strings of the same length
    and between equally similar keys. Similar means at least max(``min_region_bp`` - 1, half the shorter length) matches
    in an ungapped alignment. Instances of a merged string are shifted onto the key: their spans get its length and may
    reach beyond the sequence. Returns key to instances, in the order of the keys.
    """
    aligner = ungapped_aligner()
    merged: dict[str, list[Instance]] = {}
    for string in sorted(regions, key=len):
        best, best_score = None, -np.inf
        for key in merged:
            score = aligner.score(string, key)
            if score > best_score and score >= max(min_region_bp - 1, 0.5 * min(len(string), len(key))):
                best, best_score = key, score
        if best is None:
            merged[string] = list(regions[string])
            continue
        left = offset_in(string, best, aligner)
        merged[best] += [
            each._replace(start=each.start + left, end=each.start + left + len(best)) for each in regions[string]
        ]
    return merged


def offset_in(query: str, key: str, aligner: PairwiseAligner) -> int:
    """Position in ``query`` at which ``key`` begins in their best alignment; negative if the key begins earlier.

    Of equally good alignments the leftmost is taken, whatever the order in which Biopython lists them.
    """
    alignments = aligner.align(query, key)
    return min(int(a.aligned[0][0][0]) - int(a.aligned[1][0][0]) for a in alignments)


def ungapped_aligner() -> PairwiseAligner:
    """Global alignment that counts matches: end gaps are free, internal gaps impossible.

    All scores are set explicitly, because Biopython's defaults differ between versions.
    """
    aligner = PairwiseAligner()
    aligner.mode = "global"
    aligner.match_score = 1
    aligner.mismatch_score = 0
    aligner.end_gap_score = 0
    aligner.internal_gap_score = -10000
    return aligner


def to_window(instance: Instance, window_bp: int, length_bp: int) -> Instance | None:
    """The instance widened (or narrowed) symmetrically to ``window_bp``, with an odd base on the right.

    None if the window starts before the sequence or does not end before its last base: the original code requires ``end
    < length``.
    """
    start = instance.start - (window_bp - (instance.end - instance.start)) // 2
    end = start + window_bp
    return instance._replace(start=start, end=end) if start >= 0 and end < length_bp else None
