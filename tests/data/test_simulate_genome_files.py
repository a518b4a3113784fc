"""Building blocks and contracts of the simulator: background chain, determinism, failures, settings."""

import filecmp

import numpy as np
import pytest
from pydantic import ValidationError

from regulens.core.errors import InputError
from regulens.data.matrices import load_matrices
from regulens.data.settings import SimulationSettings
from regulens.data.simulate.genome import (
    dinucleotide_transitions,
    expand_tracks,
    expected_coverage,
    markov_sequence,
    simulate_contig,
    simulate_coverage,
    simulate_genome,
)

SMALL = SimulationSettings(contigs={"train": 1, "valid": 1}, contig_bp=32_000, seed=3)


@pytest.fixture(scope="module")
def matrices():
    return load_matrices(SMALL.motifs, SMALL.release)


@pytest.mark.parametrize(("gc", "cpg"), [(0.41, 0.25), (0.55, 0.65), (0.5, 1.0)])
def test_background_has_the_configured_composition(gc, cpg):
    transitions = dinucleotide_transitions(gc, cpg)
    base = np.array([1 - gc, gc, gc, 1 - gc]) / 2
    joint = base[:, None] * transitions
    assert np.allclose(joint.sum(0), base), "the composition is the chain's stationary distribution"
    assert joint[1, 2] == pytest.approx(cpg * gc * gc / 4)
    assert np.allclose(joint, joint[::-1, ::-1].T), "both strands look the same"
    codes = markov_sequence(np.random.default_rng(0), transitions[None], np.zeros(400_000, dtype=int))
    share = np.bincount(codes, minlength=4) / len(codes)
    assert share[1] + share[2] == pytest.approx(gc, abs=0.005)
    observed = ((codes[:-1] == 1) & (codes[1:] == 2)).mean()
    assert observed / (share[1] * share[2]) == pytest.approx(cpg, abs=0.03)
    sampled = np.zeros((4, 4))
    np.add.at(sampled, (codes[:-1], codes[1:]), 1 / (len(codes) - 1))
    assert np.abs(sampled - joint).max() < 0.003


def test_same_seed_same_files_other_seed_other_files(tmp_path, matrices):
    for folder in "ab":
        simulate_genome(SMALL, tmp_path / folder, matrices)
    names = sorted(str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(names) == 6 + 11
    same, different, errors = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)
    assert (sorted(same), different, errors) == (names, [], [])
    simulate_genome(SMALL.model_copy(update={"seed": 4}), tmp_path / "b", matrices)
    assert not filecmp.cmp(tmp_path / "a" / "genome.fa", tmp_path / "b" / "genome.fa", shallow=False)


@pytest.mark.parametrize("depth", [0.5, 20])
def test_depth_divides_the_variance_and_leaves_the_mean(matrices, depth):
    """Counts are Poisson distributed with the mean depth x expected coverage: of coverage, variance = mean / depth."""
    settings = SMALL.model_copy(update={"depth": depth, "variation": 0})
    contig = simulate_contig(settings, matrices, "chr1", 0)
    for track, found in zip(expand_tracks(settings), simulate_coverage(settings, contig, 0), strict=True):
        counts, expected = found * depth, expected_coverage(settings, contig, track)
        assert counts == pytest.approx(counts.round(), abs=1e-3)
        # Squares of (counts - mean) / sd are 1 on average; theirs vary by 2 + 1 / mean.
        mean = expected * depth
        squares, error = (counts - mean) ** 2 / mean, np.sqrt((2 + 1 / mean).sum()) / len(mean)
        assert squares.mean() == pytest.approx(1, abs=4 * error)
        assert counts.sum() == pytest.approx(mean.sum(), abs=4 * np.sqrt(mean.sum()))


def test_a_failure_leaves_no_file(tmp_path, matrices, monkeypatch):
    def broken(*_):
        raise OSError("no space left")

    monkeypatch.setattr("regulens.data.simulate.genome.links_table", broken)
    with pytest.raises(OSError, match="no space left"):
        simulate_genome(SMALL, tmp_path / "x", matrices)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"core_motif": "FOO"}, "motif FOO is used but not listed in motifs"),
        ({"element_distance_bp": (1000, 2500)}, "a <= b <= 2 a, found 1000, 2500"),
        ({"island_bp": 1200}, "island_bp = 1200 would reach the next element"),
        ({"tracks": [{"assay": "CHIP", "cell": "hepatic"}]}, "factor belongs to CHIP tracks"),
        ({"tracks": [{"assay": "DNASE", "cell": "neural"}]}, "neural"),
    ],
)
def test_settings_that_do_not_fit_together(values, message):
    with pytest.raises(ValidationError, match=message):
        SimulationSettings(**values)


def test_matrix_that_is_missing_or_too_wide(tmp_path, matrices):
    with pytest.raises(InputError, match="motif CTCF: no matrix was loaded"):
        simulate_genome(SMALL, tmp_path, {key: value for key, value in matrices.items() if key != "CTCF"})
    wide = load_matrices({"CTCF": "MA1929.1"}, "JASPAR2022")
    with pytest.raises(InputError, match="MA1929.1 has 34 bp"):
        simulate_genome(SMALL, tmp_path, {**matrices, **wide})
