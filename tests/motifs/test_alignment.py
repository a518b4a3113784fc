"""Tomtom's method on motifs small enough for other ways of computing it."""

import itertools

import numpy as np
import pytest

from regulens.motifs.alignment import LEVELS, Targets, align, column_scores, q_values, with_pseudocounts

DISTANCES = ["pearson", "ed"]


def matrices(seed: int, widths: list[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [with_pseudocounts(rng.dirichlet(np.full(4, 0.3), width), 20, np.full(4, 0.25)) for width in widths]


def whole_numbers(query: np.ndarray, columns: np.ndarray, distance: str) -> np.ndarray:
    """Column scores in steps, 0 being the median of a row."""
    scores = np.array([[one_score(a, b, distance) for b in columns] for a in query])
    scores -= np.array([sorted(row)[(len(row) - 1) // 2] for row in scores])[:, np.newaxis]
    lowest = np.floor(scores.min())
    steps = int(LEVELS / (scores.max() - lowest))
    return np.array([[round((s - lowest) * steps) - round(-lowest * steps) for s in row] for row in scores])


def one_score(a: np.ndarray, b: np.ndarray, distance: str) -> float:
    return np.corrcoef(a, b)[0, 1] if distance == "pearson" else -np.linalg.norm(a - b)


@pytest.mark.parametrize("distance", DISTANCES)
def test_column_scores(distance):
    query, columns = matrices(0, [3, 5])
    found = column_scores(query, columns, distance)
    assert found == pytest.approx(np.array([[one_score(a, b, distance) for b in columns] for a in query]))


def test_a_flat_column_correlates_with_nothing():
    for sites in (7, 20, 1000):
        flat = with_pseudocounts(np.full((2, 4), 0.25), sites, np.full(4, 0.25))
        assert (column_scores(flat, matrices(1, [6])[0], "pearson") == 0).all()
        assert (column_scores(flat, flat, "pearson") == 0).all()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("width", [1, 2, 4])
def test_alignments_against_every_way_of_drawing_columns(distance, width):
    """The best offset by trying each, and its p-value by drawing every combination of target columns."""
    query, *targets = matrices(width, [width, 2, 3, 4])
    strands = [strand for target in targets for strand in (target, target[::-1, ::-1])]
    columns = np.concatenate(strands)
    scores = whole_numbers(query, columns, distance)
    drawn = {}
    for first, end in itertools.combinations(range(width + 1), 2):
        sums = np.zeros(1, int)
        for row in scores[first:end]:
            sums = np.add.outer(sums, row).ravel()
        drawn[first, end] = sums
    found = align(query, Targets.of(targets), distance)
    start = 0
    for number, strand in enumerate(strands):
        options = []
        for offset in range(1 - width, len(strand)):
            rows = range(max(0, -offset), min(width, len(strand) - offset))
            score = sum(scores[row, start + row + offset] for row in rows)
            options.append((score, len(rows), -offset, (rows.start, rows.stop)))
        score, overlap, negative, _ = max(options)
        place = divmod(number, 2)
        assert (found.offset[place], found.overlap[place]) == (-negative, overlap)
        product = np.prod([np.mean(drawn[rows] < score) for *_, rows in options])
        assert found.p_value[place] == pytest.approx(1 - product**2, abs=1e-12)
        start += len(strand)


def test_small_p_values_are_not_lost_in_rounding():
    """A long motif against itself: the product of the shares of its columns, about, far below the precision of 1."""
    (query,) = matrices(3, [20])
    others = matrices(4, [12] * 300)
    found = align(query, Targets.of([query, *others]), "pearson")
    assert found.p_value[0, 0] < 1e-25
    assert found.best_strand()[0] == 0
    assert (found.offset[0, 0], found.overlap[0, 0]) == (0, 20)
    assert found.p_value[1:].min() > 1e-8


def test_best_strand():
    """The reverse complement is found on the other strand; a palindrome on the given one."""
    query, other = matrices(5, [8, 8])
    turned = query[::-1, ::-1]
    palindrome = np.concatenate([query[:4], query[:4][::-1, ::-1]])
    found = align(query, Targets.of([query, turned, other]), "ed")
    assert found.best_strand()[:2].tolist() == [0, 1]
    assert found.p_value[0, 0] == found.p_value[1, 1]
    same = align(palindrome, Targets.of([palindrome, other]), "ed")
    assert same.p_value[0, 0] == same.p_value[0, 1]
    assert same.best_strand()[0] == 0


def test_a_wide_query_finds_a_narrow_target_inside_it():
    """Only ranges as wide as a target are needed; a query of 300 columns takes no more memory than that."""
    narrow, *others = matrices(6, [9] * 40)
    wide = np.concatenate([matrices(7, [200])[0], narrow, matrices(8, [91])[0]])
    found = align(wide, Targets.of([narrow, *others]), "pearson")
    assert (found.offset[0, 0], found.overlap[0, 0]) == (-200, 9)
    assert found.p_value[0].argmin() == 0
    assert found.p_value[0, 0] < 1e-3 < found.p_value[1:].min()


def test_targets_that_are_all_alike():
    flat = np.full((3, 4), 0.25)
    found = align(flat, Targets.of([flat, flat]), "pearson")
    assert (found.p_value == 1).all()
    assert (found.q_value == 1).all()


def test_q_values():
    """With all p-values above .5 no cut says that a hypothesis is false; with half of them 0 every cut says half."""
    high = np.linspace(0.6, 1, 40)
    assert q_values(high) == pytest.approx(np.ones(40))
    # 100 uniform ones and as many tiny ones: share .5, q of the tiny ones .5 x p x 200 / rank
    mixed = np.concatenate([np.full(100, 1e-6), (np.arange(100) + 0.5) / 100])
    found = q_values(mixed)
    assert found[:100] == pytest.approx(np.full(100, 1e-6 * 200 / 100 * 0.5), rel=0.05)
    assert (np.diff(found[np.argsort(mixed, kind="stable")]) >= 0).all()
    assert found.max() <= 1


def test_the_share_of_null_hypotheses_is_the_bootstraps():
    """Against drawn samples, as the program draws them: the cut with the smallest mean squared error."""
    rng = np.random.default_rng(0)
    p_value = np.concatenate([rng.beta(0.3, 4, 300), rng.random(700)])
    cuts = np.arange(100) / 200
    shares = np.array([np.mean(p_value > cut) for cut in cuts]) / (1 - cuts)
    drawn = np.array(
        [
            [np.mean(sample > cut) for cut in cuts] / (1 - cuts)
            for sample in (rng.choice(p_value, len(p_value)) for _ in range(2000))
        ]
    )
    share = shares[((drawn - shares.min()) ** 2).mean(axis=0).argmin()]
    assert q_values(p_value).max() == pytest.approx(share * p_value.max(), rel=0.02)
