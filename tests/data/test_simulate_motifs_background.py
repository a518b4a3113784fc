"""Background motifs that resemble no core motif."""

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.data.matrices import PositionWeightMatrix
from regulens.data.simulate.motifs import choose_background, similarity

RNG = np.random.default_rng(4)
MOTIF = RNG.dirichlet(np.full(4, 0.3), 9)
OTHER = RNG.dirichlet(np.full(4, 0.3), 7)


def test_similarity_does_not_see_strand_flanks_or_order():
    flanks = np.full((3, 4), 0.25)
    assert similarity(MOTIF, MOTIF) == pytest.approx(1)
    assert similarity(MOTIF, MOTIF[::-1, ::-1]) == pytest.approx(1)
    assert similarity(MOTIF, np.concatenate([flanks, MOTIF, flanks[:1]])) == pytest.approx(1)
    assert similarity(MOTIF, OTHER) == pytest.approx(similarity(OTHER, MOTIF))
    assert -1 < similarity(MOTIF, OTHER) < 1
    assert similarity(MOTIF, flanks) == 0


def test_similarity_by_hand():
    """A against AC: one of two columns in common, 1 / sqrt(2); A against C: no better than beside each other, 0."""
    one, two = np.eye(4)[[0]], np.eye(4)[[0, 1]]
    assert similarity(one, two) == pytest.approx(np.sqrt(0.5))
    assert similarity(one, np.eye(4)[[1]]) == pytest.approx(-0.25 / 0.75)
    assert similarity(one, np.eye(4)[[3]]) == pytest.approx(1)  # the other strand


def named(name, probabilities):
    return PositionWeightMatrix(name, name, probabilities)


def test_chosen_motifs_are_the_unlike_ones():
    library = [named(str(number), RNG.dirichlet(np.full(4, 0.3), 8)) for number in range(30)]
    core = [named("core", MOTIF)]
    likeness = {one.name: similarity(one.probabilities, MOTIF) for one in library}
    limit = float(np.median(list(likeness.values())))
    kept = [name for name, value in likeness.items() if value <= limit]
    names = [one.name for one in choose_background([*core], [*core, *library], len(kept), limit, seed=1)]
    assert names == kept
    few = [one.name for one in choose_background(core, library, 5, limit, seed=1)]
    assert len(set(few)) == 5
    assert set(few) <= set(kept)
    assert few == sorted(few, key=int)
    assert few == [one.name for one in choose_background(core, library, 5, limit, seed=1)]
    assert few != [one.name for one in choose_background(core, library, 5, limit, seed=2)]


def test_too_few_unlike_motifs():
    core = [named("core", MOTIF)]
    with pytest.raises(InputError, match="background_motifs: 2 are wanted, but only 1 of 2 motifs have a similarity"):
        choose_background(core, [*core, named("other", OTHER)], 2, 0.99, seed=1)
