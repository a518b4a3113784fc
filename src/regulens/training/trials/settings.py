"""Settings of the trials of a hybrid network; defaults are the published code's (SPEC 5.4)."""

from typing import Literal

from pydantic import Field

from regulens.settings import Settings

HARDWARE_KEYS = {"trials_at_once", "accelerator"}
"""Training keys that say how to compute and not what: results agree up to rounding on one kind of device; CPU and GPU
draw other dropout masks."""


class TrialTraining(Settings):
    """Training of several trials of a hybrid network: Adam, decay on a plateau, early stopping."""

    epochs: int = Field(default=100, gt=0)
    """Passes over the training set, at most."""
    batch: int = Field(default=100, gt=0)
    """Sequences an optimiser step of each trial; the last step of an epoch holds what is left."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Learning rate of Adam at the start."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of Adam's averages of the gradient and of its square."""
    epsilon: float = Field(default=1e-7, gt=0)
    """Adam's epsilon, placed as in TensorFlow: beside the root of the average before its bias correction."""
    decay: float = Field(default=0.2, gt=0, lt=1)
    """Factor of the learning rate when the monitored score is on a plateau."""
    decay_patience: int = Field(default=4, gt=0)
    """Epochs without a score better by 1e-4 before the learning rate decays."""
    min_learning_rate: float = Field(default=1e-7, ge=0)
    """The learning rate decays no further than this."""
    stop_patience: int | None = Field(default=10, gt=0)
    """Stop after this many epochs without a better score; none: never stop early."""
    monitor: Literal["auroc", "aupr"] = "auroc"
    """Validation score that decays the learning rate, stops the training and chooses the epoch to keep."""
    trials_at_once: int | None = Field(default=None, gt=0)
    """Trials that train side by side; none: all of them on a GPU, one on a CPU."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Device kind; `auto` takes a GPU where there is one."""
