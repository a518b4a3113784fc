"""Decay, early stopping and the epoch to keep."""

import math

import pytest

from regulens.training.settings import TrialTraining
from regulens.training.trials import TrialSchedule


def run(scores: list[float], **settings) -> tuple[TrialSchedule, list[float], list[bool]]:
    """The schedule after these scores, the learning rate after each epoch, and which epochs were the best so far."""
    training = TrialTraining(**settings)
    schedule, rates, best = TrialSchedule(training.learning_rate), [], []
    for score in scores:
        assert schedule.status is None
        best.append(schedule.update(score, math.isfinite(score), training))
        rates.append(schedule.rate)
    return schedule, rates, best


def test_defaults_are_the_published_codes():
    values = TrialTraining().model_dump()
    assert values == {
        "epochs": 100, "batch": 100, "learning_rate": 1e-3, "betas": (0.9, 0.999), "epsilon": 1e-7, "decay": 0.2,
        "decay_patience": 4, "min_learning_rate": 1e-7, "stop_patience": 10, "monitor": "auroc",
        "trials_at_once": None, "accelerator": "auto",
    }  # fmt: skip


def test_rate_decays_in_the_fourth_epoch_without_improvement_and_again_four_later():
    _, rates, _ = run([0.5, 0.6] + [0.6] * 8)
    assert rates == pytest.approx([1e-3] * 5 + [2e-4] * 4 + [4e-5])


def test_an_improvement_by_no_more_than_1e_4_counts_for_stopping_and_not_for_the_rate():
    """Keras' ReduceLROnPlateau has min_delta 1e-4, its EarlyStopping 0."""
    schedule, rates, best = run([0.5 + 0.00002 * epoch for epoch in range(5)])
    assert rates == pytest.approx([1e-3] * 4 + [2e-4])
    assert best == [True] * 5
    assert schedule.best_epoch == 5
    # Compared with the score of the last improvement that counted, not with the epoch before.
    _, rates, _ = run([0.5 + 0.00004 * epoch for epoch in range(5)])
    assert rates == [1e-3] * 5


def test_rate_never_falls_below_the_smallest():
    _, rates, _ = run([0.5] * 7, decay_patience=1, min_learning_rate=3e-5)
    assert rates == pytest.approx([1e-3, 2e-4, 4e-5, 3e-5, 3e-5, 3e-5, 3e-5])


def test_training_stops_after_ten_epochs_without_a_better_score():
    schedule, _, best = run([0.5, 0.7, 0.6] + [0.7] * 9)
    assert schedule.status == "early_stopped"
    assert (schedule.epochs, schedule.best_epoch, schedule.best) == (12, 2, 0.7)
    assert best == [True, True] + [False] * 10


def test_best_epoch_is_kept_when_the_last_epoch_ends_the_training():
    schedule, _, _ = run([0.5, 0.8, 0.7], epochs=3)
    assert (schedule.status, schedule.best_epoch) == ("max_epochs", 2)
    schedule, _, _ = run([0.5] * 30, epochs=30, stop_patience=None)
    assert (schedule.status, schedule.best_epoch) == ("max_epochs", 1)


def test_early_stopping_in_the_last_epoch_is_early_stopping():
    assert run([0.5] * 3, epochs=3, stop_patience=2)[0].status == "early_stopped"


def test_trial_diverges():
    schedule, rates, best = run([0.5, math.nan])
    assert (schedule.status, schedule.epochs, schedule.best_epoch) == ("diverged", 2, 1)
    assert rates == [1e-3] * 2
    assert best == [True, False]
    schedule, _, _ = run([math.nan])
    assert (schedule.status, schedule.best_epoch, schedule.best) == ("diverged", 0, -math.inf)
    # A finite score from a training loss that is not.
    schedule = TrialSchedule(1e-3)
    assert not schedule.update(0.9, False, TrialTraining())
    assert schedule.status == "diverged"
