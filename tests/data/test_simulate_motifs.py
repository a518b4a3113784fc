"""Simulated sequences with planted motifs: numbers of motifs, gaps, labels, the true model, splits."""

import numpy as np
import pytest
from pydantic import ValidationError

from regulens.core.errors import InputError
from regulens.data.matrices import PositionWeightMatrix
from regulens.data.settings import BINDING_SITES, CODE_BACKGROUND, LOOK_ALIKES, BindingSites, RegulatoryCode
from regulens.data.simulate import motifs
from regulens.data.simulate.motifs import both_strands, simulate_binding_sites, simulate_regulatory_code


def matrix(name, width, seed):
    """A motif whose columns are its own, none of them 0.25 four times."""
    return PositionWeightMatrix(name, name, np.random.default_rng(seed).dirichlet(np.ones(4), width))


CLASSES = {
    name: matrix(name, width, seed) for seed, (name, width) in enumerate(zip("ABCD", (6, 9, 12, 7), strict=True))
}
OTHERS = [matrix(name, 8, 10 + seed) for seed, name in enumerate("WXYZ")]
NAMES = {name: name for name in CLASSES}


def binding_sites(**values):
    return BindingSites(motifs=NAMES, **{"sequences": 4000, "seed": 5, **values})


def regulatory_code(**values):
    return RegulatoryCode(core=NAMES, **{"sequences": 4000, "seed": 5, **values})


def sites_of(model, pool):
    """(start, end, member of the pool) of every motif of one sequence, read back from its model (L, 4)."""
    background = (model == 0.25).all(axis=1)
    sites, position = [], 0
    while position < len(model):
        if background[position]:
            position += 1
            continue
        found = [
            number
            for number, one in enumerate(pool)
            if np.array_equal(model[position : position + one.width], one.probabilities.astype(np.float32))
        ]
        assert len(found) == 1, f"no motif of the pool begins at {position}"
        sites.append((position, position + pool[found[0]].width, found[0]))
        position = sites[-1][1]
    return sites


@pytest.fixture(scope="module")
def sites():
    """Task 1 with the motifs of every sequence."""
    data = simulate_binding_sites(binding_sites(), CLASSES)
    return data, [sites_of(model, both_strands(CLASSES.values())) for model in data.model]


def test_shapes_and_types(sites):
    data, _ = sites
    assert (data.codes.shape, data.codes.dtype) == ((4000, 200), np.uint8)
    assert (data.labels.shape, data.labels.dtype) == ((4000, 4), np.uint8)
    assert (data.model.shape, data.model.dtype) == ((4000, 200, 4), np.float32)
    assert (data.split.shape, data.split.dtype) == ((4000,), np.uint8)
    assert data.classes == tuple("ABCD")
    assert set(np.unique(data.codes)) == {0, 1, 2, 3}


def test_number_of_motifs(sites):
    """.5, .25, .17, .05, .03 (docs/papers.md, "Binding sites"); the standard error of .5 in 4,000 is .008."""
    numbers = np.bincount([len(one) for one in sites[1]], minlength=6) / 4000
    assert numbers.tolist() == pytest.approx([0, 0.5, 0.25, 0.17, 0.05, 0.03], abs=0.03)


def test_motifs_are_drawn_uniformly_with_replacement(sites):
    members = np.bincount([member for one in sites[1] for *_, member in one], minlength=8)
    assert members / members.sum() == pytest.approx(np.full(8, 1 / 8), abs=0.02)
    pairs = [[member for *_, member in one] for one in sites[1] if len(one) == 2]
    assert np.mean([first == second for first, second in pairs]) == pytest.approx(1 / 8, abs=0.04)


def test_labels_tell_what_was_planted_on_either_strand(sites):
    data, planted = sites
    expected = np.array([[any(member // 2 == c for *_, member in one) for c in range(4)] for one in planted])
    assert np.array_equal(data.labels, expected)
    # 1 - sum of p(n) (3/4)^n
    share = 1 - sum(p * 0.75**n for n, p in {1: 0.5, 2: 0.25, 3: 0.17, 4: 0.05, 5: 0.03}.items())
    assert data.labels.mean(axis=0) == pytest.approx(np.full(4, share), abs=0.03)


def test_prevalence_of_the_paper():
    """Twelve classes: .146 (docs/papers.md, "Binding sites")."""
    matrices = {name: matrix(name, 10, seed) for seed, name in enumerate(BINDING_SITES)}
    data = simulate_binding_sites(BindingSites(sequences=8000), matrices)
    assert data.labels.mean() == pytest.approx(0.1459, abs=0.004)
    assert data.labels.mean(axis=0) == pytest.approx(np.full(12, 0.1459), abs=0.02)


def test_gaps_are_of_equal_length_on_average(sites):
    """The gaps before, between and after two motifs: a third of what the motifs leave each."""
    two = [one for one in sites[1] if len(one) == 2]
    edges = np.array([[first[0], second[0] - first[1], 200 - second[1]] for first, second in two])
    assert (edges >= 0).all()
    assert edges.mean(axis=0) / edges.sum(axis=1).mean() == pytest.approx(np.full(3, 1 / 3), abs=0.02)


@pytest.mark.parametrize("number", range(1, 8))
def test_gaps_sum_to_what_is_left(number):
    remaining = np.random.default_rng(1).integers(40, 200, size=2000)
    gaps = motifs._gaps(remaining, number + 1, np.random.default_rng(2))
    assert gaps.shape == (2000, number + 1)
    assert gaps.min() >= 0
    assert np.array_equal(gaps.sum(axis=1), remaining)
    # The last gap is drawn like the others, not what the rest leaves: rounding does not go to it.
    assert gaps.mean(axis=0) == pytest.approx(np.full(number + 1, remaining.mean() / (number + 1)), rel=0.1)


def test_starts_by_hand(monkeypatch):
    monkeypatch.setattr(motifs, "_gaps", lambda *_: np.array([[3, 0, 5, 2]]))
    assert motifs._starts(np.array([[4, 6, 2]]), 22, None).tolist() == [[3, 7, 18]]


def test_bases_follow_the_model(sites):
    data, planted = sites
    assert np.abs(data.model.sum(axis=2) - 1).max() < 1e-6
    background = (data.model == 0.25).all(axis=2)
    assert np.bincount(data.codes[background]) / background.sum() == pytest.approx(np.full(4, 0.25), abs=0.002)
    pool = both_strands(CLASSES.values())
    for member, one in enumerate(pool):
        rows = [(row, start) for row, found in enumerate(planted) for start, _, which in found if which == member]
        windows = np.array([data.codes[row, start : start + one.width] for row, start in rows])
        frequency = (windows[:, :, None] == np.arange(4)).mean(axis=0)
        assert np.abs(frequency - one.probabilities).max() < 4.5 * np.sqrt(0.25 / len(rows))


def test_bases_without_probability_never_occur():
    certain = PositionWeightMatrix("A", "A", np.eye(4)[[0, 1, 2, 3, 3, 0]])
    data = simulate_binding_sites(BindingSites(motifs={"A": "A"}, sequences=500), {"A": certain})
    assert (np.take_along_axis(data.model, data.codes[..., None].astype(int), axis=2) > 0).all()


def test_splits(sites):
    data, _ = sites
    assert np.bincount(data.split).tolist() == [2800, 400, 800]
    assert data.split[:2800].any(), "the split must not follow the order of simulation"
    odd = simulate_binding_sites(binding_sites(sequences=10, splits=(0.8, 0.1, 0.1)), CLASSES)
    assert np.bincount(odd.split).tolist() == [8, 1, 1]


def test_same_settings_same_data(sites):
    first = simulate_binding_sites(binding_sites(), CLASSES)
    for name in ("codes", "labels", "model", "split"):
        assert np.array_equal(getattr(first, name), getattr(sites[0], name))
    other = simulate_binding_sites(binding_sites(seed=6), CLASSES)
    assert not np.array_equal(first.codes, other.codes)
    assert not np.array_equal(first.split, other.split)


@pytest.fixture(scope="module")
def code():
    return simulate_regulatory_code(regulatory_code(), CLASSES, OTHERS)


def test_regulatory_code(code):
    assert code.labels.shape == (4000, 1)
    assert code.classes == ("regulatory code",)
    assert code.labels[:4, 0].tolist() == [1, 0, 1, 0]
    own = both_strands(CLASSES.values())
    numbers, drawn = {0: [], 1: []}, []
    for model, label in zip(code.model, code.labels[:, 0], strict=True):
        found = sites_of(model, own if label else [*own, *OTHERS])
        numbers[label].append(len(found))
        drawn += [] if label else [member for *_, member in found]
    for label in (0, 1):  # as many motifs in both classes: docs/papers.md, "core-motif-count"
        shares = np.bincount(numbers[label], minlength=8) / 2000
        assert shares.tolist() == pytest.approx([0, 0, 0, 0.5, 0.25, 0.17, 0.05, 0.03], abs=0.035)
    assert np.bincount(drawn) / len(drawn) == pytest.approx(np.full(12, 1 / 12), abs=0.015)


def test_the_background_leaves_positive_sequences_alone(code):
    other = simulate_regulatory_code(regulatory_code(), CLASSES, both_strands(OTHERS))
    assert np.array_equal(other.codes[::2], code.codes[::2])
    assert np.array_equal(other.split, code.split)
    assert not np.array_equal(other.codes[1::2], code.codes[1::2])


def test_an_odd_number_of_sequences():
    data = simulate_regulatory_code(regulatory_code(sequences=21, splits=(0.8, 0.1, 0.1)), CLASSES, OTHERS)
    assert data.labels.sum() == 11
    assert len(data) == 21


def test_the_text_of_the_paper():
    """3 to 5 motifs (docs/papers.md, "core-motif-count"); JSON writes the numbers as text."""
    settings = regulatory_code(motif_counts={"3": 0.5, "4": 0.3, "5": 0.2}, sequences=400)
    data = simulate_regulatory_code(settings, CLASSES, OTHERS)
    numbers = [len(sites_of(model, both_strands(CLASSES.values()))) for model in data.model[::2]]
    assert set(numbers) == {3, 4, 5}


def test_both_strands_are_neighbours():
    pool = both_strands([CLASSES["A"]])
    assert np.array_equal(pool[1].probabilities, CLASSES["A"].probabilities[::-1, ::-1])


def test_wide_motifs_are_drawn_again():
    """Two of 12 bp do not fit into 24 bp and are replaced by such that leave a base for the gaps."""
    matrices = {"A": matrix("A", 12, 0), "B": matrix("B", 4, 1)}
    settings = BindingSites(motifs=dict(A="A", B="B"), length_bp=24, motif_counts={2: 1}, sequences=600)
    data = simulate_binding_sites(settings, matrices)
    pairs = [[member // 2 for *_, member in sites_of(one, both_strands(matrices.values()))] for one in data.model]
    assert sorted(map(tuple, np.unique(pairs, axis=0).tolist())) == [(0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    ("widths", "counts", "message"),
    [
        ((10, 10), {2: 1}, r"2 motif\(s\) of at least 10 bp leave no room in sequences of 20 bp: lengthen"),
        ((21, 30), {1: 1}, r"1 motif\(s\) of at least 21 bp leave no room"),
        ((19, 1), {10: 1}, r"10 motif\(s\) of 1 to 19 bp hardly ever fit into sequences of 20 bp \(1,000 draws\)"),
        ((1, 1), {19: 1}, "19 motifs leave 1 bp for 20 gaps, which rounding hardly ever gives"),
    ],
)
def test_motifs_that_do_not_fit(widths, counts, message):
    matrices = {name: matrix(name, width, 1) for name, width in zip("AB", widths, strict=True)}
    settings = BindingSites(motifs=dict(A="A", B="B"), length_bp=20, motif_counts=counts, sequences=50)
    with pytest.raises(InputError, match=message):
        simulate_binding_sites(settings, matrices)


def test_matrices_that_were_not_loaded_are_named():
    with pytest.raises(InputError, match="motifs B, D: no matrix was loaded for them"):
        simulate_binding_sites(binding_sites(), {name: CLASSES[name] for name in "AC"})
    with pytest.raises(InputError, match="motifs A, B, C, D: no matrix"):
        simulate_regulatory_code(regulatory_code(), {}, OTHERS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"motif_counts": {1: 0.5, 2: 0.4}}, "must be probabilities that sum to 1, not to 0.9"),
        ({"motif_counts": {1: 1.5, 2: -0.5}}, "must be probabilities that sum to 1"),
        ({"motif_counts": {0: 1}}, "at least one number of motifs, each 1 or more"),
        ({"motif_counts": {}}, "at least one number of motifs"),
        ({"splits": (0.7, 0.3, 0.0)}, "three shares above 0"),
        ({"splits": (0.7, 0.1, 0.1)}, "sum to 1"),
        ({"sequences": 9}, r"9 sequences leave a split of \(0.7, 0.1, 0.2\) empty"),
        ({"background": "code"}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_contradict_themselves(values, message):
    with pytest.raises(ValidationError, match=message):
        BindingSites(**values)


def test_settings_survive_json():
    for settings in (BindingSites(), RegulatoryCode(background="paper", motif_counts={3: 0.5, 5: 0.5})):
        assert type(settings).model_validate_json(settings.model_dump_json()) == settings


def test_lists_of_the_generators():
    assert len(BINDING_SITES) == 12
    assert len(CODE_BACKGROUND) == len(set(CODE_BACKGROUND.values())) == 50
    assert [name for name in LOOK_ALIKES if name not in CODE_BACKGROUND] == ["KLF5"]
