"""Position weight matrices: loading from JASPAR, sampling sites, scoring and reverse complement."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from regulens.core.errors import InputError
from regulens.core.sequence import information_content

PROBABILITY_FLOOR = 1e-3
"""Floor of probabilities in a score, so that a base never seen at a position does not make it minus infinity."""


@dataclass(frozen=True)
class PositionWeightMatrix:
    """Probability of each base at each position of a binding site."""

    name: str
    """Name of the factor, e.g. `CTCF`."""
    matrix_id: str
    """Identifier with version, e.g. `MA0139.1`."""
    probabilities: np.ndarray
    """float64 (width, 4), columns A, C, G, T; rows sum to 1."""

    @property
    def width(self) -> int:
        """Length of a site in bp."""
        return len(self.probabilities)

    @property
    def log_odds(self) -> np.ndarray:
        """log2(probability / 0.25), (width, 4), with probabilities of at least `PROBABILITY_FLOOR`."""
        return np.log2(np.maximum(self.probabilities, PROBABILITY_FLOOR) / 0.25)

    @property
    def information(self) -> np.ndarray:
        """Information content in bits of each position against a uniform background, (width,), 0 to 2."""
        return information_content(self.probabilities)

    @property
    def letter_heights(self) -> np.ndarray:
        """Letters of a sequence logo, (width, 4) in bits: probability times `information`, as if of many sites."""
        return self.probabilities * self.information[:, None]

    def reverse_complement(self) -> "PositionWeightMatrix":
        """The same motif read on the other strand: rows reversed, A with T and C with G exchanged."""
        return PositionWeightMatrix(self.name, self.matrix_id, self.probabilities[::-1, ::-1])

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw ``n`` sites, each position independently. Returns uint8 codes (n, width), A, C, G, T = 0 to 3."""
        thresholds = self.probabilities.cumsum(axis=1)[:, :3]
        return (rng.random((n, self.width, 1)) >= thresholds).sum(axis=2).astype(np.uint8)

    def relative_score(self, sites: np.ndarray) -> np.ndarray:
        """Log-odds score of sites over the best possible score: 1 for the consensus, below 0 for most random sequences.

        ``sites``: codes (n, width), 0 to 3. Returns float64 (n,).
        """
        log_odds = self.log_odds
        return log_odds[np.arange(self.width), np.asarray(sites)].sum(axis=1) / log_odds.max(axis=1).sum()


def load_matrices(motifs: Mapping[str, str], release: str) -> dict[str, PositionWeightMatrix]:
    """Load matrices of the JASPAR CORE collection by identifier from the installed ``pyjaspar`` (no network).

    ``motifs``: name to matrix identifier with version, ``{"CTCF": "MA0139.1"}``; names are arbitrary, identifiers
    decide. ``release``: e.g. ``JASPAR2020``. Counts are normalised by position without a pseudocount. Raises InputError
    for an unknown release or identifier.
    """
    database = open_jaspar(release)
    return {name: _load(database, name, matrix_id, release) for name, matrix_id in motifs.items()}


def open_jaspar(release: str):
    """Database of a JASPAR release; `InputError` with the installed ones when it is not among them."""
    from pyjaspar import jaspardb  # slow: opens a database for every release

    if release not in (releases := jaspar_releases()):
        raise InputError(f"JASPAR release {release!r} is not installed; choose one of {', '.join(releases)}.")
    return jaspardb(release=release)


def jaspar_releases() -> list[str]:
    """Names of the JASPAR releases that the installed ``pyjaspar`` holds, sorted."""
    from pyjaspar import JASPAR_LATEST_RELEASE, jaspardb

    return sorted(jaspardb(release=JASPAR_LATEST_RELEASE).get_releases())


def _load(database, name: str, matrix_id: str, release: str) -> PositionWeightMatrix:
    with warnings.catch_warnings():  # pyjaspar only warns and returns None
        warnings.simplefilter("ignore")
        motif = database.fetch_motif_by_id(matrix_id)
        versions = [] if motif else database.fetch_motifs(all_versions=True, matrix_id=[matrix_id.split(".")[0]])
    if motif is None:
        known = ", ".join(sorted(version.matrix_id for version in versions))
        advice = f"versions there: {known}" if known else "no version of it is there"
        raise InputError(f"motif {name}: {release} has no matrix {matrix_id} ({advice}).")
    counts = np.array([motif.counts[base] for base in "ACGT"]).T
    return PositionWeightMatrix(name, matrix_id, counts / counts.sum(axis=1, keepdims=True))


def scan(matrix: PositionWeightMatrix, codes: np.ndarray) -> np.ndarray:
    """Log odds of a motif at every start of a sequence, as a share of the best possible; 0 where there is an N.

    ``codes`` uint8 (length,); returns float64 (length - width + 1,).
    """
    windows = np.lib.stride_tricks.sliding_window_view(codes, matrix.width)
    score = (
        sum(np.append(column, -np.inf)[windows[:, place]] for place, column in enumerate(matrix.log_odds))
        / matrix.log_odds.max(axis=1).sum()
    )
    return np.where(np.isfinite(score), score, 0.0)
