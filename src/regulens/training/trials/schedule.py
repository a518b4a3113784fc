"""Learning rate, early stopping and the epoch to keep of one trial: Keras' two callbacks."""

import math
from dataclasses import dataclass

from regulens.training.trials.settings import TrialTraining

PLATEAU_DELTA = 1e-4
"""Keras' ReduceLROnPlateau: a score that is not better by more than this is no improvement."""


@dataclass
class TrialSchedule:
    """What follows from the monitored scores of a trial, epoch after epoch; a state of plain values.

    The learning rate decays as with Keras' ``ReduceLROnPlateau`` (mode max, min_delta 1e-4, no cooldown), training
    stops as with its ``EarlyStopping`` (min_delta 0). The epoch to keep is the best one, however training ends: Keras
    before version 3 went back to it after stopping early only, Keras 3 does always.
    """

    rate: float
    """Learning rate of the next epoch."""
    epochs: int = 0
    """Epochs done."""
    best_epoch: int = 0
    """Epoch (from 1) of the best score; 0 before the first finite one."""
    best: float = -math.inf
    """Best score."""
    status: str | None = None
    """None while training goes on; then early_stopped, max_epochs or diverged."""
    plateau_best: float = -math.inf
    """Score that counts as the best for the decay."""
    plateau_wait: int = 0
    """Epochs since then, or since the last decay."""

    def update(self, score: float, finite: bool, settings: TrialTraining) -> bool:
        """Take note of an epoch's score; returns whether it is the best so far.

        ``finite`` says whether training loss and predictions were: a trial where they are not has diverged and stops.
        """
        self.epochs += 1
        if not finite or not math.isfinite(score):
            self.status = "diverged"
            return False
        improved = score > self.best
        if improved:
            self.best, self.best_epoch = score, self.epochs
        self._decay(score, settings)
        # Keras counts the epochs without a better score.
        if settings.stop_patience is not None and self.epochs - self.best_epoch >= settings.stop_patience:
            self.status = "early_stopped"
        elif self.epochs >= settings.epochs:
            self.status = "max_epochs"
        return improved

    def _decay(self, score: float, settings: TrialTraining) -> None:
        if score > self.plateau_best + PLATEAU_DELTA:
            self.plateau_best, self.plateau_wait = score, 0
            return
        self.plateau_wait += 1
        if self.plateau_wait >= settings.decay_patience and self.rate > settings.min_learning_rate:
            self.rate = max(self.rate * settings.decay, settings.min_learning_rate)
            self.plateau_wait = 0
