"""Simulated sequences with planted motifs and their true model: the two data sets of the hybrid networks.

A sequence's motifs are drawn uniformly, with replacement, from a pool of matrices, and laid out in a row: gap, motif,
gap, ..., motif, gap. Every base is then drawn from its column of the sequence model, a motif's column or 0.25 four
times, so that the truth is known for every position (SPEC 5.1, 5.2; 001 section 2).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from regulens.data.motif_grammar_settings import BindingSites, MotifGrammar, RegulatoryCode
from regulens.data.motif_sequences import MotifSequences
from regulens.errors import InputError

DRAWS = 1_000
"""How often the motifs of a sequence are drawn again before they are said not to fit."""
CODE_CLASS = "regulatory code"
"""The one class of task 2."""


class _Planted(NamedTuple):
    """Simulated sequences before they are split."""

    codes: np.ndarray
    """uint8 (N, L)."""
    model: np.ndarray
    """float32 (N, L, 4)."""
    has: np.ndarray
    """bool (N, pool): whether a sequence has this matrix of the pool."""


def simulate_binding_sites(settings: BindingSites, matrices: Mapping) -> MotifSequences:
    """Task 1: sequences whose label c is 1 when motif c was planted, on either strand.

    ``matrices``: `PositionWeightMatrix` by name, all of ``settings.motifs``. The same settings give the same result.
    Raises `InputError` for a matrix that is missing and for motifs that do not fit into a sequence.
    """
    pool = both_strands(_matrices(settings.motifs, matrices))
    rng = np.random.default_rng([settings.seed, 0])
    codes, model, has = _plant(pool, settings, settings.sequences, rng)
    labels = has.reshape(len(has), -1, 2).any(axis=2).astype(np.uint8)  # a motif's strands are neighbours in the pool
    return MotifSequences(codes, labels, model, _splits(settings), tuple(settings.motifs))


def simulate_regulatory_code(settings: RegulatoryCode, core: Mapping, background: Sequence) -> MotifSequences:
    """Task 2: positive sequences have core motifs, negative ones motifs of core and background together.

    ``core``: `PositionWeightMatrix` by name, all of ``settings.core``, used on both strands. ``background``: the other
    `PositionWeightMatrix` of negative sequences, on the strands that they are to have (`both_strands`). Positive
    sequences stand in even rows. They depend neither on the background nor, in the distribution of the number of
    motifs, on the class; a negative sequence may by chance have core motifs only, which its label does not tell.
    The same settings give the same result. Raises `InputError` as `simulate_binding_sites` does.
    """
    own = both_strands(_matrices(settings.core, core))
    codes = np.empty((settings.sequences, settings.length_bp), np.uint8)
    model = np.empty((*codes.shape, 4), np.float32)
    labels = np.zeros((len(codes), 1), np.uint8)
    labels[::2] = 1
    for label, pool in ((1, own), (0, [*own, *background])):
        rows = slice(1 - label, None, 2)
        part = _plant(pool, settings, len(codes[rows]), np.random.default_rng([settings.seed, 1 - label]))
        codes[rows], model[rows] = part.codes, part.model
    return MotifSequences(codes, labels, model, _splits(settings), (CODE_CLASS,))


def both_strands(matrices: Iterable) -> list:
    """Each matrix followed by its reverse complement; a palindrome is there twice, as in the public generators."""
    return [strand for matrix in matrices for strand in (matrix, matrix.reverse_complement())]


def _matrices(wanted: Mapping[str, str], matrices: Mapping) -> list:
    if missing := [name for name in wanted if name not in matrices]:
        raise InputError(f"motifs {', '.join(missing)}: no matrix was loaded for them")
    return [matrices[name] for name in wanted]


def _splits(settings: MotifGrammar) -> np.ndarray:
    """Split of every sequence, uint8 (N,), at random; sizes are the shares, rounded to whole sequences."""
    ends = np.floor(np.cumsum(settings.splits)[:2] * settings.sequences + 1e-6).astype(int)
    split = np.searchsorted(ends, np.arange(settings.sequences), side="right").astype(np.uint8)
    return np.random.default_rng([settings.seed, 2]).permutation(split)


def _plant(pool: Sequence, settings: MotifGrammar, sequences: int, rng: np.random.Generator) -> _Planted:
    """Simulate sequences whose motifs come from ``pool``.

    The model is kept as an index into one table of columns until the end: 0 is the background, then come the columns
    of the pool's matrices one after the other.
    """
    widths = np.array([matrix.width for matrix in pool])
    table = np.concatenate([np.full((1, 4), 0.25), *(matrix.probabilities for matrix in pool)])
    first_column = 1 + np.cumsum(widths) - widths
    column = np.zeros((sequences, settings.length_bp), np.int32)
    has = np.zeros((sequences, len(pool)), bool)
    numbers = np.array(sorted(settings.motif_counts))
    shares = np.array([settings.motif_counts[number] for number in numbers])
    number_of_motifs = rng.choice(numbers, size=sequences, p=shares / shares.sum())
    for number in numbers[shares > 0]:
        rows = np.flatnonzero(number_of_motifs == number)
        chosen = _choose(widths, number, len(rows), settings.length_bp, rng)
        starts = _starts(widths[chosen], settings.length_bp, rng)
        has[rows[:, None], chosen] = True
        for member in np.unique(chosen):
            row, slot = np.nonzero(chosen == member)
            where = starts[row, slot][:, None] + np.arange(widths[member])
            column[rows[row][:, None], where] = first_column[member] + np.arange(widths[member])
    return _Planted(_sample(table, column, rng), table.astype(np.float32)[column], has)


def _choose(widths: np.ndarray, number: int, sequences: int, length_bp: int, rng: np.random.Generator) -> np.ndarray:
    """Members of the pool, int (sequences, number), drawn again where they leave no base for the gaps."""
    if number * widths.min() >= length_bp:
        raise InputError(
            f"{number} motif(s) of at least {widths.min()} bp leave no room in sequences of {length_bp} bp: "
            "lengthen the sequences (length_bp) or plant fewer motifs (motif_counts)"
        )
    chosen = rng.integers(len(widths), size=(sequences, number))
    for _ in range(DRAWS):
        wide = np.flatnonzero(widths[chosen].sum(axis=1) >= length_bp)
        if not len(wide):
            return chosen
        chosen[wide] = rng.integers(len(widths), size=(len(wide), number))
    raise InputError(
        f"{number} motif(s) of {widths.min()} to {widths.max()} bp hardly ever fit into sequences of {length_bp} bp "
        f"({DRAWS:,} draws): lengthen the sequences (length_bp) or plant fewer motifs (motif_counts)"
    )


def _starts(widths: np.ndarray, length_bp: int, rng: np.random.Generator) -> np.ndarray:
    """First positions of motifs in a row, int (sequences, number), for their ``widths`` of the same shape."""
    gaps = _gaps(length_bp - widths.sum(axis=1), widths.shape[1] + 1, rng)
    return np.cumsum(gaps[:, :-1] + np.pad(widths, ((0, 0), (1, 0)))[:, :-1], axis=1)


def _gaps(remaining: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Lengths of gaps, int (sequences, number), 0 or more, that sum to ``remaining`` (sequences,).

    Uniform draws, scaled to the sum and rounded; those whose rounding misses the sum are drawn again (SPEC 5.1).
    """
    gaps = np.empty((len(remaining), number), int)
    missed = np.arange(len(remaining))
    for _ in range(DRAWS):  # more than a third of the draws hit the sum, unless it is less than the number of gaps
        draws = rng.random((len(missed), number))
        draws *= (remaining[missed] / draws.sum(axis=1))[:, None]
        gaps[missed] = np.round(draws)
        missed = missed[gaps[missed].sum(axis=1) != remaining[missed]]
        if not len(missed):
            return gaps
    raise InputError(
        f"{number - 1} motifs leave {remaining[missed].min()} bp for {number} gaps, which rounding hardly ever gives "
        f"({DRAWS:,} draws): lengthen the sequences (length_bp) or plant fewer motifs (motif_counts)"
    )


def _sample(table: np.ndarray, column: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bases, uint8 like ``column``, drawn from the columns (rows of ``table``) that ``column`` names."""
    thresholds = table.cumsum(axis=1)
    draws = rng.random(column.shape)
    return sum((draws >= thresholds[column, base]).astype(np.uint8) for base in range(3))
