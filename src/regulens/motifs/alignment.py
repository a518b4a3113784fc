"""Tomtom's comparison of a motif with others: match scores, p-values and q-values, as the program computes them.

Gupta et al. 2007 (doi:10.1186/gb-2007-8-2-r24): a query is slid over every target on both strands, columns are compared
by Pearson correlation or Euclidean distance, and the null distribution of a score follows by dynamic programming.
Tanaka et al. 2011 (doi:10.1093/bioinformatics/btr257): scores are complete, which makes alignments of different overlap
comparable. Against the program's own tables (4.12, 5.4.1) every p-value is the same to the digits that it prints.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regulens.motifs.settings import Distance

LEVELS = 100
"""Column scores are rounded to at most this many steps between the lowest and the highest."""

PSEUDOCOUNT = 0.1
"""Added to the counts of each column in proportion to the background (Tomtom's ``-motif-pseudo``)."""

_NOTHING = 1e-9
"""Product of the norms of two columns, less their means, of which one is rounding error."""


class Targets(NamedTuple):
    """Targets on both strands, as `Targets.of` prepares them for any number of queries."""

    columns: np.ndarray
    """(columns, 4): the columns of all targets, each followed by its reverse complement."""
    widths: np.ndarray
    """Width of each strand of each target: int64 (2 targets,)."""

    @classmethod
    def of(cls, matrices: Sequence[np.ndarray]) -> "Targets":
        """From probabilities (width, 4) in the order ACGT, at least one matrix."""
        strands = [strand for matrix in matrices for strand in (matrix, matrix[::-1, ::-1])]
        return cls(np.concatenate(strands), np.array([len(strand) for strand in strands]))


class Alignments(NamedTuple):
    """The best alignment of one query with each strand of each target: arrays (targets, 2), given strand first."""

    p_value: np.ndarray
    """Probability that the better strand of a random target of this width scores as high at its best offset."""
    q_value: np.ndarray
    """Smallest false discovery rate at which this alignment is called, over all strands of all targets."""
    offset: np.ndarray
    """Position i of the query is aligned to position i + offset of the target on this strand."""
    overlap: np.ndarray
    """Number of aligned columns."""

    def best_strand(self) -> np.ndarray:
        """0 or 1 for each target: the smaller p-value; of equal ones the larger overlap, then the given strand."""
        return np.lexsort((-self.overlap, self.p_value), axis=1)[:, 0]


def with_pseudocounts(probabilities: np.ndarray, sites: float, background: np.ndarray) -> np.ndarray:
    """Matrix (width, 4) after `PSEUDOCOUNT` sites with the frequencies of the background have been added to it."""
    return (probabilities * sites + PSEUDOCOUNT * background) / (sites + PSEUDOCOUNT)


def column_scores(query: np.ndarray, columns: np.ndarray, distance: Distance) -> np.ndarray:
    """Similarity of columns, (query width, columns): Pearson correlation, or minus the Euclidean distance.

    ``query`` is (width, 4), ``columns`` (columns, 4). A column of four equal values has correlation 0 with any other.
    """
    if distance == "ed":
        return -np.sqrt(((query[:, np.newaxis] - columns) ** 2).sum(axis=2))
    # The program's order of operations: correlations of 1 and -1/3 are common, and where they make the number of steps
    # in `_levels` a whole number, their last bit decides it.
    query, columns = query - 0.25, columns - 0.25
    product = sum(np.multiply.outer(query[:, base], columns[:, base]) for base in range(4))
    squares = (sum(side[:, base] ** 2 for base in range(4)) for side in (query, columns))
    norms = np.sqrt(np.multiply.outer(*squares))
    return np.divide(product, norms, out=np.zeros_like(norms), where=norms > _NOTHING)


def align(query: np.ndarray, targets: Targets, distance: Distance) -> Alignments:
    """Align a query, probabilities (width, 4), with every strand of every target.

    Every overlap of at least one column is tried. Of equally good offsets the one with the larger overlap is taken,
    then the smaller one.
    """
    width = len(query)
    levels = _levels(column_scores(query, targets.columns, distance))
    score, offset, overlap = _best_offsets(levels, targets.widths)
    lowest = int(levels.min())
    ranges = _log_below(levels, lowest, int(targets.widths.max()))
    p_value = np.empty(len(score))
    for target_width in np.unique(targets.widths):
        these = targets.widths == target_width
        # The best of independent alignments is below a score if all are.
        log_below = 0
        for shift in range(1 - width, target_width):
            first, end = max(0, -shift), min(width, target_width - shift)
            log = ranges[first, end]
            log_below = log_below + log[np.clip(score[these] - (end - first) * lowest, 0, len(log) - 1)]
        # A random target has two strands.
        p_value[these] = -np.expm1(2 * log_below)
    return Alignments(*(values.reshape(-1, 2) for values in (p_value, q_values(p_value), offset, overlap)))


def _levels(scores: np.ndarray) -> np.ndarray:
    """Scores as whole numbers, int64, of which 0 is the median of each row: what an unaligned column counts.

    As Tomtom rounds them: the lower of two middle values is the median; the lowest score is rounded down to a whole
    number and the number of steps in 1 as well, so that there are fewer than `LEVELS` of them.
    """
    middle = (scores.shape[1] - 1) // 2
    scores = scores - np.partition(scores, middle, axis=1)[:, [middle]]
    lowest, highest = np.floor(scores.min()), scores.max()
    # Where all targets are alike, nothing tells scores apart.
    steps = np.floor(LEVELS / (highest - lowest)) if highest > lowest else 1.0
    return (np.rint((scores - lowest) * steps) - np.rint(-lowest * steps)).astype(np.int64)


def _best_offsets(levels: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score, offset and overlap of the best alignment with each strand of each target.

    ``levels``: (query width, all columns of all targets); ``widths``: of the targets.
    """
    width = len(levels)
    # Unaligned columns of the query count 0: every target gets width - 1 columns of 0 before it, and the last after it.
    starts = np.concatenate([[0], np.cumsum(widths + width - 1)])
    place = np.arange(levels.shape[1]) + np.repeat((width - 1) * np.arange(1, len(widths) + 1), widths)
    padded = np.zeros((width, starts[-1] + width - 1), np.int64)
    padded[:, place] = levels
    # Alignment j of a target begins at offset j - (width - 1).
    total = sum(padded[row, row : row + starts[-1]] for row in range(width))
    number = np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts))
    offset = number - (width - 1)
    overlap = np.minimum(width, np.repeat(widths, np.diff(starts)) - offset) - np.maximum(0, -offset)
    # One number in which a better score counts most, then the overlap, then the smaller offset.
    span = int(number.max()) + 1
    rank = (total * (width + 1) + overlap) * span + (span - 1 - number)
    best = np.maximum.reduceat(rank, starts[:-1])
    first = starts[:-1] + (span - 1 - best % span)
    return total[first], offset[first], overlap[first]


def _log_below(levels: np.ndarray, lowest: int, longest: int) -> dict[tuple[int, int], np.ndarray]:
    """Log of the probability that columns [first, end) of the query score below s, by (first, end).

    Every column of the query meets an independent one, drawn from all columns of the targets. Element i of an array is
    for s = i + (end - first) x ``lowest``, from the lowest score to the highest and one more. At most ``longest``
    columns, the width of the widest target.
    """
    width, levels = len(levels), levels - lowest
    size = int(levels.max()) + 1
    each = [np.bincount(row, minlength=size) / levels.shape[1] for row in levels]
    ranges = {}
    for first in range(width):
        probability = np.ones(1)
        for end in range(first + 1, min(first + longest, width) + 1):
            probability = np.convolve(probability, each[end - 1])
            # From the highest score downwards, because small probabilities are the ones that matter.
            at_least = np.append(np.cumsum(probability[::-1])[::-1], 0)
            at_least[0] = 1
            with np.errstate(divide="ignore"):
                ranges[first, end] = np.log1p(-np.minimum(at_least, 1))
    return ranges


def q_values(p_value: np.ndarray) -> np.ndarray:
    """Storey's q-values with the share of true null hypotheses estimated as Tomtom does.

    The share is (p > x) / (1 - x) at one of 100 cuts x = 0, .005, ... .495: the cut at which bootstrap samples have the
    smallest expected squared distance from the smallest of the 100 shares. Tomtom draws samples.
    """
    number, cuts = len(p_value), np.arange(100) / 200
    above = np.array([np.count_nonzero(p_value > cut) for cut in cuts]) / number
    share = above / (1 - cuts)
    error = (share - share.min()) ** 2 + above * (1 - above) / number / (1 - cuts) ** 2
    order = np.argsort(p_value, kind="stable")
    rate = min(share[error.argmin()], 1) * p_value[order] * number / np.arange(1, number + 1)
    result = np.empty(number)
    result[order] = np.minimum.accumulate(rate[::-1])[::-1].clip(max=1)
    return result
