"""Settings of all trainings, read without PyTorch; defaults are the papers' where they state them."""

from typing import Literal

from pydantic import Field, model_validator

from regulens.core.settings import Settings

HARDWARE_KEYS = {"devices", "batch_per_device", "accelerator", "workers"}
"""Training keys that affect only how results are computed: they agree up to rounding (and the noise of dropout)."""

TRIAL_HARDWARE_KEYS = {"trials_at_once", "accelerator"}
"""Training keys that affect only how results are computed: they agree up to rounding on one kind of device; CPU and GPU
draw different dropout masks."""

MEAN, RIDGE, REPLICATE = "mean", "gc_cpg_ridge", "replicate"
"""The reference rows of Table 1, by their names in files of predictions."""

REFERENCE_ROWS = {MEAN: "Training mean", RIDGE: "GC + CpG ridge", REPLICATE: "Replicates"}
"""Their names in tables."""

# Assay models (Genomic Interpreter, section 3.5).


class Augmentation(Settings):
    """Changes of a training example of assay tracks that leave its meaning unchanged."""

    reverse_complement: bool = False
    """Half of the examples are reverse complemented: bins reversed, tracks of a `strand_pair` swapped."""
    shift_bp: int = Field(default=0, ge=0)
    """The input is shifted by up to this many bp to either side and filled with N; the target stays."""


class TrainerSettings(Settings):
    """Optimisation and stopping of any training."""

    max_epochs: int = Field(default=50, gt=0)
    """Passes over the training set; also the period of the cosine schedule."""
    patience: int | None = Field(default=None, gt=0)
    """Stop after this many epochs without a better validation score; none: never stop early."""
    select: Literal["pearson", "loss"] = "pearson"
    """The validation score that selects the epoch to keep: highest mean Pearson r of the tracks, or lowest loss.
    A score that is undefined in every epoch gives way to the loss."""
    effective_batch: int = Field(default=24, gt=0)
    """Examples per optimiser step, over all devices and accumulated batches."""
    batch_per_device: int = Field(default=8, gt=0)
    """Maximum number of examples per device at a time; the rest of the effective batch is accumulated."""
    learning_rate: float = Field(default=3e-4, gt=0)
    """Peak learning rate of Adam."""
    warmup_fraction: float = Field(default=0.0, ge=0, lt=1)
    """Share of the optimiser steps with linear warm-up before the decay."""
    schedule: Literal["cosine", "linear"] = "cosine"
    """Decay of the learning rate to 0: half a cosine or a straight line."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled weight decay (AdamW) of everything with two dimensions or more: matrices, filters, and the two biases
    (heads x key_dim) of relative attention; not of vectors, i.e. other biases and norms. 0 is the paper's Adam."""
    gradient_clip: float | None = Field(default=None, gt=0)
    """Largest norm of the gradient; none: no clipping."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto`: bf16 on a GPU that computes in it natively, else float32. The loss is always float32."""
    devices: int = Field(default=1, gt=0)
    """Processes of distributed data parallel training on one node."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Device kind; `auto` takes a GPU if there is one."""
    workers: int = Field(default=0, ge=0)
    """Loader processes of each device."""


class TrainingSettings(TrainerSettings):
    """Training of an assay model."""

    augmentation: Augmentation = Augmentation()
    """Augmentation of training examples."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the training examples that are used, a random one, the same for every model and seed."""
    max_steps: int | None = Field(default=None, gt=0)
    """Optimiser steps of an epoch at most, on as many training examples as they take, drawn like those of `share`: to
    try a large model; none: as many as the examples make."""

    def examples(self, available: int) -> int:
        """Number of training examples, of those available."""
        found = max(1, round(self.share * available))
        return min(found, self.max_steps * self.effective_batch) if self.max_steps else found


# Classifiers, and the encoder that they start from.


class SequenceAugmentation(Settings):
    """Changes of a labelled training sequence against overfitting; 0: no change."""

    substitute: float = Field(default=0.0, ge=0, lt=1)
    """Share of the bases that are replaced by one of the three others."""
    mask_kmers: float = Field(default=0.0, ge=0, lt=1)
    """Share of k-mers shown as [MASK], in runs of `k` that hide at least one base (before runs overlap)."""
    crop_bp: int = Field(default=0, ge=0)
    """The model sees a window of the sequence that is shorter by 0 to this many bp, at a random position."""
    reverse_complement: bool = False
    """Half of the sequences are reverse complemented: for classes that do not depend on the strand, such as
    enhancers."""


class SequenceTraining(TrainerSettings):
    """Settings common to all trainings of the BERT on k-mers: DNABERT's optimisation."""

    warmup_fraction: float = Field(default=0.1, ge=0, lt=1)
    """Share of the optimiser steps with linear warm-up before the decay."""
    schedule: Literal["cosine", "linear"] = "linear"
    """Decay of the learning rate to 0: half a cosine or a straight line."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled weight decay (AdamW) of matrices, not of biases and norms."""
    gradient_clip: float | None = Field(default=1.0, gt=0)
    """Largest norm of the gradient; none: no clipping."""


class FineTuningSettings(SequenceTraining):
    """Fine-tuning of a classifier; defaults are the paper's.

    DNABERT-LRP, section 4.1; docs/papers.md, "Fine-tuning".
    """

    max_epochs: int = Field(default=5, gt=0)
    """Passes over the training set; also the period of the schedule."""
    select: Literal["last", "accuracy", "auroc", "loss"] = "last"
    """The epoch to keep: the last, or the one with the best validation score."""
    effective_batch: int = Field(default=48, gt=0)
    """Examples per optimiser step, over all devices and accumulated batches."""
    batch_per_device: int = Field(default=48, gt=0)
    """Maximum number of examples per device at a time; the rest of the effective batch is accumulated."""
    learning_rate: float = Field(default=2e-4, gt=0)
    """Peak learning rate."""
    augmentation: SequenceAugmentation = SequenceAugmentation()
    """Augmentation of training sequences (the paper has none)."""


class MaskedTrainingSettings(SequenceTraining):
    """Pre-training on masked k-mers; the learning rate is that of DNABERT's own pre-training."""

    max_epochs: int = Field(default=10, gt=0)
    """Passes over the training windows; also the period of the schedule."""
    select: Literal["last", "accuracy", "loss"] = "last"
    """The epoch to keep: the last, or the one with the best validation score."""
    effective_batch: int = Field(default=256, gt=0)
    """Windows per optimiser step, over all devices and accumulated batches."""
    batch_per_device: int = Field(default=64, gt=0)
    """Maximum number of windows per device at a time; the rest of the effective batch is accumulated."""
    learning_rate: float = Field(default=4e-4, gt=0)
    """Peak learning rate."""


class PretrainingSettings(Settings):
    """Unlabelled sequences, and how their k-mers are masked."""

    fasta: list[str] = []
    """Sources or paths: FASTA files, tiled with windows of `length_bp`; windows with more than 10 % N are left out."""
    training_sequences: bool = True
    """Also use the training sequences of all tasks, without their labels."""
    mask_fraction: float = Field(default=0.15, gt=0, lt=1)
    """Share of k-mers to predict, before runs overlap (each k-mer is a centre with this probability divided by `k`)."""
    mask_run: int | None = Field(default=None, gt=0)
    """Number of adjacent k-mers masked together; none: `k`, as in DNABERT, the smallest number that hides a base."""
    valid_fraction: float = Field(default=0.05, gt=0, lt=0.5)
    """Share of the windows used for validation."""
    max_windows: int | None = Field(default=None, gt=1)
    """Maximum number of windows, drawn with the seed; none: all."""
    seed: int = Field(default=1, ge=0)
    """Seed of that draw, of the split and of the validation masks."""

    @model_validator(mode="after")
    def _some_data(self):
        if not (self.fasta or self.training_sequences):
            raise ValueError("no training data: name a file in fasta or set training_sequences: true")
        return self


# Trials of a hybrid network; defaults are the published code's (docs/papers.md, "Trial training").


class TrialTraining(Settings):
    """Training of several trials of a hybrid network: Adam, decay on a plateau, early stopping.

    See docs/papers.md, "Trial training".
    """

    epochs: int = Field(default=100, gt=0)
    """Passes over the training set, at most."""
    batch: int = Field(default=100, gt=0)
    """Sequences per optimiser step of each trial; the last step of an epoch has the remaining ones."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Learning rate of Adam at the start."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of Adam's averages of the gradient and of its square."""
    epsilon: float = Field(default=1e-7, gt=0)
    """Adam's epsilon, used as in TensorFlow: added to the root of the average before bias correction."""
    decay: float = Field(default=0.2, gt=0, lt=1)
    """Factor by which the learning rate decays when the monitored score reaches a plateau."""
    decay_patience: int = Field(default=4, gt=0)
    """Epochs without a score better by 1e-4 before the learning rate decays."""
    min_learning_rate: float = Field(default=1e-7, ge=0)
    """Minimum learning rate."""
    stop_patience: int | None = Field(default=10, gt=0)
    """Stop after this many epochs without a better score; none: never stop early."""
    monitor: Literal["auroc", "aupr"] = "auroc"
    """Validation score that controls decay, early stopping and the epoch to keep."""
    trials_at_once: int | None = Field(default=None, gt=0)
    """Number of trials trained in parallel; none: all of them on a GPU, one on a CPU."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Device kind; `auto` takes a GPU if there is one."""
