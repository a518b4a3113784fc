"""A background of motifs that resemble none of the core motifs, drawn from a library."""

from collections.abc import Sequence

import numpy as np

from regulens.errors import InputError


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Likeness of two motifs, matrices (width, 4): cosine of their probabilities less 0.25, -1 to 1.

    The best of all ungapped alignments on either strand; columns that stick out count as 0.25 in the other motif. 1 for
    the same motif, also on the other strand or with uniform flanks, since columns weigh by how far from 0.25 they are.
    """
    first, second = np.asarray(first) - 0.25, np.asarray(second) - 0.25
    norm = np.linalg.norm(first) * np.linalg.norm(second)
    if norm == 0:
        return 0.0
    offset = (np.arange(len(second)) - np.arange(len(first))[:, None] + len(first) - 1).ravel()
    strands = (second, second[::-1, ::-1])
    best = max(np.bincount(offset, (first @ strand.T).ravel()).max() for strand in strands)  # sums of the diagonals
    return float(best / norm)


def choose_background(core: Sequence, library: Sequence, number: int, max_similarity: float, seed: int) -> list:
    """Draw ``number`` matrices of ``library`` of which none is more than ``max_similarity`` alike to one of ``core``.

    Both are `PositionWeightMatrix`; drawn without replacement, in the library's order, by ``seed``.
    Raises `InputError` when too few are left.
    """
    kept = [
        matrix
        for matrix in library
        if all(similarity(matrix.probabilities, own.probabilities) <= max_similarity for own in core)
    ]
    if len(kept) < number:
        raise InputError(
            f"background_motifs: {number} are wanted, but only {len(kept)} of {len(library)} motifs have a similarity "
            f"of at most {max_similarity:g} to every core motif: take fewer or raise max_similarity"
        )
    chosen = np.random.default_rng([seed, 3]).choice(len(kept), size=number, replace=False)
    return [kept[index] for index in sorted(chosen)]
