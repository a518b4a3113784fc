"""Statistics of saliency against planted motifs: hand-made numbers, scikit-learn's areas, and what is undefined."""

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score

from regulens.core.sequence import information_content
from regulens.interpret.saliency import (
    STATISTIC_COLUMNS,
    Positions,
    row_areas,
    signal_to_noise,
    trial_statistics,
    truth_positions,
)

UNIFORM, CERTAIN, HALF = [0.25] * 4, [0, 1, 0, 0], [0.5, 0.5, 0, 0]
WEAK = [0.3, 0.3, 0.2, 0.2]  # 0.029 bits


def positions(signal, background) -> Positions:
    return Positions(np.array(signal, bool), np.array(background, bool))


def random_positions(rng, rows=60, columns=50) -> Positions:
    kind = rng.choice(3, (rows, columns), p=[0.3, 0.5, 0.2])
    kind[:, :2] = [0, 1]  # both kinds in each row
    return Positions(kind == 0, kind == 1)


@pytest.mark.parametrize("floor", [0, 1e-10, 1e-7])
def test_information_of_known_columns(floor):
    bits = information_content(np.array([[UNIFORM, CERTAIN, HALF, WEAK]], np.float32), floor)
    expected = 2 + 2 * 0.3 * np.log2(0.3) + 2 * 0.2 * np.log2(0.2)
    np.testing.assert_allclose(bits, [[0, 2, 1, expected]], atol=1e-6)


def test_positions_between_signal_and_background_are_ignored():
    model = np.array([[UNIFORM, CERTAIN, HALF, WEAK, UNIFORM], [WEAK, CERTAIN, HALF, WEAK, CERTAIN]], np.float32)
    found = truth_positions(model, 0.1, 1e-6)
    assert found.signal.tolist() == [[False, True, True, False, False], [False, True, True, False, True]]
    # Without a uniform column the least informative ones are background, as in the paper's code.
    assert found.background.tolist() == [[True, False, False, False, True], [True, False, False, True, False]]
    assert truth_positions(model, 0.02, 1e-6).signal[0].tolist() == [False, True, True, True, False]
    assert truth_positions(model, 0.1, 0.05).background[0].tolist() == [True, False, False, True, True]


def test_a_position_is_never_both():
    found = truth_positions(np.array([[CERTAIN, HALF], [UNIFORM, UNIFORM]]), 0.1, 1e-6)
    assert found.signal.tolist() == [[True, True], [False, False]]
    assert found.background.tolist() == [[False, False], [True, True]]
    assert found.usable.tolist() == [False, False]


@pytest.mark.parametrize("ties", [False, True])
def test_areas_are_those_of_scikit_learn(ties):
    rng = np.random.default_rng(1)
    where = random_positions(rng)
    scores = rng.normal(0, 1, where.signal.shape) + where.signal
    if ties:
        scores = np.round(scores)
    scores[where.signal.nonzero()[0][::7], 5] = 1e6  # ignored or not
    auroc, aupr = row_areas(scores.astype(np.float32), where)
    for row, (signal, background) in enumerate(zip(*where, strict=True)):
        used = signal | background
        truth, values = signal[used], scores[row, used].astype(np.float32)
        assert auroc[row] == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
        precision, recall, _ = precision_recall_curve(truth, values)
        assert aupr[row] == pytest.approx(auc(recall, precision), abs=1e-12)


def test_areas_of_perfect_useless_and_reversed_scores():
    where = positions([[1, 1, 0, 0, 0]] * 3, [[0, 0, 1, 1, 0]] * 3)
    auroc, aupr = row_areas(np.array([[3, 2, 1, -1, 9], [0, 0, 0, 0, 9], [-2, -3, 1, 0, 9.0]]), where)
    assert auroc.tolist() == [1, 0.5, 0]
    # Reversed: precision 0, 0, 1/3 and 1/2 at recall 0, 0, 1/2 and 1.
    np.testing.assert_allclose(aupr, [1, (1 + 0.5) / 2, (0 + 1 / 3) / 4 + (1 / 3 + 1 / 2) / 4])


def test_undefined_areas_are_not_a_number():
    where = positions([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]], [[0, 1, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
    scores = np.array([[np.nan, 1, 0], [1, 2, 3], [1, 2, 3], [2, 1, np.inf]])
    for values in row_areas(scores, where):
        assert np.isnan(values).tolist() == [True, True, True, False]  # the infinite score is at an ignored position
        assert values[3] == 1


def test_signal_to_noise_by_hand():
    where = positions([[1, 1, 0, 0, 0, 0, 0]] * 4, [[0, 0, 1, 1, 1, 1, 0]] * 4)
    scores = np.array(
        [
            [4, -1, 2, 1, 0.5, -3, 99],  # 1.5 / 1.5
            [-4, 1, 2, 1, 0, 0, 99],  # -1.5 / 1.5
            [4, 2, 5, 0, 0, -1, 99],  # one positive background score only
            [0, 0, 0, 0, 0, 0, 0],
        ]
    )
    ratio, few = signal_to_noise(scores, where, worst=2)
    assert ratio.tolist() == [1, -1, 0, 0]
    assert few.tolist() == [False, False, True, True]
    ratio, few = signal_to_noise(scores, where, worst=3)
    assert ratio[0] == pytest.approx(1.5 / (3.5 / 3))
    assert few.tolist() == [False, True, True, True]


def test_the_noise_is_the_twenty_largest_scores():
    signal = np.arange(40) < 5
    where = Positions(signal[None], ~signal[None])
    scores = np.where(signal, 10.0, np.arange(40) - 15)  # positive from 16 on: 24 scores, the largest 5 to 24
    assert signal_to_noise(scores[None], where)[0] == pytest.approx(10 / np.arange(5, 25).mean())
    for positive, expected in ((20, 10), (19, 0)):
        scores = np.where(signal, 10.0, np.arange(40) - 5 < positive)
        ratio, few = signal_to_noise(scores[None], where)
        assert (ratio[0], few[0]) == (expected, positive < 20)
    # Fewer background positions than twenty can never be enough.
    assert signal_to_noise(np.ones((1, 8)), Positions(signal[None, :8], ~signal[None, :8]))[1].tolist() == [True]


def test_a_scale_changes_nothing():
    rng = np.random.default_rng(2)
    where = random_positions(rng, columns=90)
    scores = rng.normal(0.5, 1, (3, *where.signal.shape))
    scale = np.exp(rng.normal(0, 8, (3, len(where.signal), 1)))
    first, second = trial_statistics(scores, where, 10), trial_statistics(scores * scale, where, 10)
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_trials_are_summarised_over_usable_sequences():
    rng = np.random.default_rng(3)
    where = random_positions(rng, rows=8)
    where.signal[5] = False
    scores = rng.normal(0, 1, (3, *where.signal.shape)) + where.signal
    scores[1, 2, 7] = np.nan
    scores[2, [0, 4, 5]] = 0
    table = trial_statistics(scores, where, worst=5)
    assert tuple(table.columns) == STATISTIC_COLUMNS
    assert table["sequences"].tolist() == [7, 7, 7]
    kept = np.arange(8) != 5
    for place in (0, 2):
        areas = row_areas(scores[place], where)
        ratio, few = signal_to_noise(scores[place], where, 5)
        expected = [values[kept].mean() for values in (*areas, ratio, few)]
        np.testing.assert_allclose(table.iloc[place, 1:5].astype(float), expected)
    assert table["saturated"].tolist()[::2] == [0, 2 / 7]
    assert table.iloc[1, 1:].isna().all()


def test_an_unusable_sequence_may_hold_anything():
    where = positions([[1, 0], [0, 0]], [[0, 1], [1, 1]])
    table = trial_statistics(np.array([[[2, 1], [np.nan, 0.0]]]), where, 1)
    assert table.loc[0].tolist() == [1, 1, 1, 2, 0, 0]
    assert trial_statistics(np.zeros((1, 1, 2)), positions([[0, 0]], [[1, 1]]), 1).loc[0, "sequences"] == 0
