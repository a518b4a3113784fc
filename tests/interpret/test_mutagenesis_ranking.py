"""Which bases are the highest, and how equal ones are chosen."""

import numpy as np
import pytest

from regulens.interpret.mutagenesis import has_ties_at, top_positions

IDS = [f"s{row}" for row in range(3000)]


def top(scores, n, name="lrp", seed=1, ids=None):
    scores = np.asarray(scores, np.float32)
    return top_positions(scores, ids or IDS[: len(scores)], n, name, seed)


def test_highest_bases_come_first():
    values = np.random.default_rng(0).random((50, 30))
    assert np.array_equal(top(values, 7), np.argsort(-values, axis=1)[:, :7])
    assert top([[-3, -2, -5, -9, -1]], 3).tolist() == [[4, 1, 0]]


def test_equal_bases_take_every_place_equally_often():
    scores = np.zeros((3000, 10))
    scores[:, 4] = 1
    scores[:, 7] = -1
    scores[::2, 0] = -0.0  # equal to 0
    found = top(scores, 3)
    assert (found[:, 0] == 4).all()
    counts = np.bincount(found[:, 1:].ravel(), minlength=10)
    assert counts[[4, 7]].tolist() == [0, 0]
    assert np.allclose(counts[[0, 1, 2, 3, 5, 6, 8, 9]] / 3000, 2 / 8, atol=0.03)


def test_choice_is_the_same_for_every_n_and_company_and_another_for_every_score_and_seed():
    flat = np.zeros((40, 25))
    whole = top(flat, 25)
    assert (np.sort(whole, axis=1) == np.arange(25)).all()
    for n in (1, 5, 24):
        assert np.array_equal(top(flat, n), whole[:, :n])
    rows = [31, 2, 17]
    assert np.array_equal(top(flat[rows], 25, ids=[IDS[row] for row in rows]), whole[rows])
    assert np.array_equal(top(flat, 25), whole)
    for other in (top(flat, 25, name="gradcam"), top(flat, 25, seed=2), np.roll(whole, 1, axis=0)):
        assert (other == whole).mean() == pytest.approx(1 / 25, abs=0.03)


def test_a_tie_counts_where_it_leaves_a_choice():
    scores = np.array([[1, 3, 3, 2, 0], [0, 0, 0, 0, 0], [5, 4, 3, 2, 1], [2, 1, 1, 1, 7]], np.float32)
    assert has_ties_at(scores, 1).tolist() == [True, True, False, False]
    assert has_ties_at(scores, 2).tolist() == [False, True, False, False]
    assert has_ties_at(scores, 3).tolist() == [False, True, False, True]
    assert has_ties_at(scores, 4).tolist() == [False, True, False, True]
    assert has_ties_at(scores, 5).tolist() == [False] * 4
