"""Position weight matrices: JASPAR loading, sampling, scores, reverse complement."""

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.core.sequence import decode, reverse_complement
from regulens.data.matrices import load_matrices


@pytest.fixture(scope="module")
def matrices():
    return load_matrices({"CTCF": "MA0139.1", "FOSL1": "MA0477.1"}, "JASPAR2016")


def test_jaspar_matrix_is_the_published_one(matrices):
    # FOSL1 MA0477.1 has width 11, 14.3 bits and the consensus GGTGACTCATG.
    matrix = matrices["FOSL1"]
    assert matrix.width == 11
    assert matrix.information.sum() == pytest.approx(14.3, abs=0.05)
    assert decode(matrix.probabilities.argmax(1)) == "GGTGACTCATG"
    assert np.allclose(matrix.probabilities.sum(1), 1)


def test_sampled_sites_follow_the_matrix(matrices):
    matrix = matrices["CTCF"]
    sites = matrix.sample(np.random.default_rng(0), 20_000)
    assert sites.dtype == np.uint8
    frequency = (sites[:, :, None] == np.arange(4)).mean(0)
    assert np.abs(frequency - matrix.probabilities).max() < 0.02
    again = matrix.sample(np.random.default_rng(0), 20_000)
    assert np.array_equal(sites, again)


def test_relative_score_is_one_for_the_consensus_and_lower_for_all_else(matrices):
    matrix = matrices["CTCF"]
    rng = np.random.default_rng(0)
    consensus = matrix.probabilities.argmax(1)[None]
    assert matrix.relative_score(consensus) == pytest.approx(1)
    assert matrix.relative_score(matrix.sample(rng, 1000)).mean() > 0.5
    assert (matrix.relative_score(rng.integers(0, 4, (1000, matrix.width))) < 0).mean() > 0.95


def test_reverse_complement_scores_the_other_strand(matrices):
    matrix = matrices["CTCF"]
    sites = matrix.sample(np.random.default_rng(0), 100)
    other = matrix.reverse_complement()
    assert np.allclose(other.relative_score(reverse_complement(sites)), matrix.relative_score(sites))
    assert np.array_equal(other.reverse_complement().probabilities, matrix.probabilities)


@pytest.mark.parametrize(
    ("matrix_id", "release", "message"),
    [
        ("MA0139.7", "JASPAR2020", r"motif CTCF: JASPAR2020 has no matrix MA0139.7 \(versions there: MA0139.1\)"),
        ("MA9999.1", "JASPAR2020", "no version of it is there"),
        ("MA0139.1", "JASPAR2021", "JASPAR release 'JASPAR2021' is not installed; choose one of .*JASPAR2020"),
    ],
)
def test_unknown_matrix_or_release(matrix_id, release, message):
    with pytest.raises(InputError, match=message):
        load_matrices({"CTCF": matrix_id}, release)
