"""Classifiers of labelled sequences: fine-tuning of a BERT, scored by accuracy and AUROC, and external weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, max_pool1d, pad
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC
from torchmetrics.utilities import dim_zero_cat

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import file_sum
from regulens.core.kmers import MASK, token_ids, vocabulary_size
from regulens.core.progress import say
from regulens.core.sequence import N_CODE
from regulens.core.tensors import listed, read_weight_file, require_finite, say_left_out, tensors_of, weight_differences
from regulens.data.sequences import SequenceSet, read_sequences
from regulens.models.bert import (
    CLASSIFIER_KEYS,
    CLASSIFIER_KIND,
    BertSettings,
    build_classifier,
    check_length,
    load_classifier,
    save_classifier,
)
from regulens.training import loop
from regulens.training.batches import BLANK, SequenceBatch, SequenceDataset, derived_seed, uniform
from regulens.training.resume import TrainingTask
from regulens.training.settings import FineTuningSettings, SequenceAugmentation

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, BertForSequenceClassification

ENCODER_KIND = "regulens masked k-mer encoder"
"""Kind of file that the file of a pre-trained encoder states."""

_CHANGE, _OTHER, _RUN, _WINDOW, _STRAND = range(5)

_BUFFERS = ("position_ids", "token_type_ids")

_POOLER = "pooler."

_FUNCTION = ("k", "layers", "hidden", "heads", "intermediate", "positions", "layer_norm_eps")
"""Settings that determine what weights compute, i.e. all but dropout and initialisation."""


# Fine-tuning.


@command("fine-tune", threads=True)
def fine_tune(
    *,
    train: Path | str,
    valid: Path | str,
    initial: Path | str | None = None,
    model: Part[BertSettings],
    training: Part[FineTuningSettings],
    task: str,
    seed: int,
    state: Path | str,
    epochs_log: Path | str,
    output: Path | str,
) -> None:
    """Fine-tune a classifier; after an interruption, the same command resumes from the last finished epoch.

    See `classification_task` and `loop.train`.

    Arguments:
        train, valid: training and validation sequences.
        initial: pre-trained weights to start from.
        model: sizes of the model.
        training: how it is trained.
        task: name of the task.
        seed: random seed.
        state: folder of the state that an interrupted run resumes from.
        epochs_log: CSV to write, one row per epoch.
        output: the classifier, to write.
    """
    loop.train(
        lambda: classification_task(train, valid, model, initial, task, training.augmentation),
        training,
        seed,
        output,
        epochs_log,
        state,
    )


class ModelInput(NamedTuple):
    """Arguments of the model by HuggingFace's names."""

    input_ids: Tensor
    """Tokens: CLS, k-mers, SEP, int64 (batch, T)."""
    attention_mask: Tensor | None
    """Attention mask, bool (batch, T); None: all tokens are visible."""


class ClassificationTask(TrainingTask):
    """A BERT classifier on two sets of sequences of one length; ``initial`` is a file of pre-trained weights.

    Training sequences are augmented anew in every epoch; validation sequences are not.
    """

    scores = ("accuracy", "auroc")

    def __init__(
        self,
        train: SequenceSet,
        valid: SequenceSet,
        settings: BertSettings,
        initial: Path | None,
        name: str,
        augmentation: SequenceAugmentation = SequenceAugmentation(),
    ):
        train_data, valid_data = (SequenceDataset(part.codes, part.labels) for part in (train, valid))
        super().__init__(build_classifier(settings), train_data, valid_data)
        self.settings, self.initial, self.name = settings, initial, name
        self.augmentation, self.key = augmentation, 0
        self.length_bp = train.codes.shape[1]
        # Without checks of every batch, which would synchronise host and device.
        metric = {"ignore_index": BLANK, "validate_args": False}
        self.accuracy, self.auroc = BinaryAccuracy(**metric), _Auroc(**metric)

    def identity(self) -> dict[str, Any]:
        return {
            "model": self.settings.model_dump(mode="json"),
            "data": [self.train_data.content_hash(), self.valid_data.content_hash()],
            "initial": self.initial and file_sum(self.initial),
            "augmentation": self.augmentation.model_dump(mode="json"),
        }

    def code_modules(self) -> set[str]:
        return {"training.classification"}

    def initialise(self) -> None:
        if self.initial:
            initialise_from(self.model, self.initial)

    def start_epoch(self, seed: int, epoch: int) -> None:
        self.key = derived_seed("augmentation", seed, epoch)

    def training_losses(self, batch: SequenceBatch) -> Tensor:
        given = augmented_input(batch, self.augmentation, self.key, self.settings.k)
        return cross_entropy(self._logits(given), batch.label, reduction="none")

    def validation_losses(self, batch: SequenceBatch) -> Tensor:
        logits = self._logits(plain_input(batch.codes, self.settings.k))
        probability, label = logits.softmax(1)[:, 1], torch.where(batch.index == BLANK, BLANK, batch.label)
        self.accuracy.update(probability, label)
        self.auroc.update(probability, label)
        return cross_entropy(logits, batch.label, reduction="none")

    def _logits(self, given: ModelInput) -> Tensor:
        """float32 (batch, 2), even if the model computes in lower precision."""
        return self.model(**given._asdict()).logits.float()

    def reset_scores(self) -> None:
        self.accuracy.reset()
        self.auroc.reset()

    def score_values(self) -> dict[str, float]:
        return {"accuracy": float(self.accuracy.compute()), "auroc": float(self.auroc.compute())}

    def save(self, output: Path, weights: dict[str, Tensor], **facts: Any) -> None:
        facts = {"task": self.name, "initial": self.initial and str(self.initial)} | facts
        save_classifier(output, self.model, weights, self.settings, self.length_bp, **facts)


class _Auroc(BinaryAUROC):
    """Area under the ROC curve; nan, instead of 0 with a warning, if all labels are the same."""

    def compute(self) -> Tensor:
        label = dim_zero_cat(self.target)
        return super().compute() if len(label.unique()) == 2 else torch.tensor(torch.nan)


@contextmanager
def classification_task(
    train_path: Path | str,
    valid_path: Path | str,
    settings: BertSettings,
    initial: Path | str | None,
    name: str,
    augmentation: SequenceAugmentation = SequenceAugmentation(),
) -> Iterator[ClassificationTask]:
    """Task of fine-tuning a classifier ``name`` on tables of sequences (`data.sequences`).

    The new weights come from torch's global random state; ``initial`` is a file for `initialise_from`, read
    in `ClassificationTask.initialise`. Raises `InputError` for tables that cannot be read or do not fit each other
    or the model, for a training set with only one class, and for an augmentation that could crop a sequence to nothing.
    """
    train, valid = read_sequences(train_path), read_sequences(valid_path)
    lengths = [sequences.codes.shape[1] for sequences in (train, valid)]
    if lengths[0] != lengths[1]:
        raise InputError(
            f"{train_path} has sequences of {lengths[0]} bp, {valid_path} of {lengths[1]}: make both with one length_bp"
        )
    if len(set(train.labels.tolist())) < 2:
        raise InputError(
            f"{train_path}: all labels are {train.labels[0]}: a classifier needs sequences of both classes"
        )
    check_length(settings, lengths[0])
    if augmentation.crop_bp > (most := lengths[0] - settings.k):
        raise InputError(
            f"augmentation.crop_bp: cropping {augmentation.crop_bp} of the {lengths[0]} bp of {train_path} "
            f"leaves no k-mer (k: {settings.k}): set it to {most} or less"
        )
    if initial and not Path(initial).is_file():
        raise InputError(f"{initial}: the file of initial weights does not exist")
    yield ClassificationTask(train, valid, settings, Path(initial) if initial else None, name, augmentation)


# Augmentation of training sequences: substituted bases, masked k-mers, shorter windows; drawn anew in every epoch by
# (seed, epoch, index), like the masks of pre-training.


def plain_input(codes: Tensor, k: int) -> ModelInput:
    """Sequences without augmentation; ``codes`` is uint8 (batch, length_bp)."""
    return ModelInput(token_ids(codes, k), None)


def augmented_input(batch: SequenceBatch, settings: SequenceAugmentation, key: int, k: int) -> ModelInput:
    """The batch augmented according to ``settings``; ``key`` is derived from seed and epoch (`derived_seed`).

    The strand is drawn and bases are substituted first, so that all k-mers over a base agree; then k-mers are masked.
    Tokens outside the window
    are invisible to the model; those inside, CLS and SEP keep their positions. ``crop_bp`` must leave at least one
    k-mer.
    """
    if settings.reverse_complement:
        batch = batch._replace(codes=_either_strand(batch, key))
    codes = _substituted(batch, settings.substitute, key) if settings.substitute else batch.codes
    tokens = token_ids(codes, k)
    if settings.mask_kmers:
        tokens[:, 1:-1].masked_fill_(_runs(batch, settings.mask_kmers, key, k), MASK)
    return ModelInput(tokens, _in_window(batch, settings.crop_bp, key, k) if settings.crop_bp else None)


def _either_strand(batch: SequenceBatch, key: int) -> Tensor:
    """Codes of which each sequence is reverse complemented with probability one half; N stays N."""
    other = torch.where(batch.codes == N_CODE, N_CODE, 3 - batch.codes).flip(1)
    return torch.where(uniform(key, _STRAND, batch.index, 1) < 0.5, other, batch.codes)


def _substituted(batch: SequenceBatch, share: float, key: int) -> Tensor:
    """Codes in which a share of the bases is replaced by one of the three others, with equal probability."""
    length = batch.codes.shape[1]
    change = (uniform(key, _CHANGE, batch.index, length) < share) & (batch.codes != N_CODE)
    other = batch.codes + 1 + (uniform(key, _OTHER, batch.index, length) * 3).to(torch.uint8)
    return torch.where(change, other % 4, batch.codes)


def _runs(batch: SequenceBatch, share: float, key: int, k: int) -> Tensor:
    """Which k-mers are masked, bool (batch, kmers): runs of k that start anywhere with probability ``share / k``.

    A run hides at least one base completely. Runs may start before the sequence, so that every k-mer has the same
    probability.
    """
    kmers = batch.codes.shape[1] - k + 1
    first = (uniform(key, _RUN, batch.index, kmers + k - 1) < share / k).float()
    return max_pool1d(first[:, None], k, stride=1)[:, 0].bool()


def _in_window(batch: SequenceBatch, most: int, key: int, k: int) -> Tensor:
    """Which tokens are in the example's window, bool (batch, kmers + 2), with CLS and SEP.

    The window is 0 to ``most`` bases shorter than the sequence; length and position are uniform.
    """
    kmers = batch.codes.shape[1] - k + 1
    size, place = uniform(key, _WINDOW, batch.index, 2).T[:, :, None]
    cut = (size * (most + 1)).long()
    start = (place * (cut + 1)).long()
    column = torch.arange(kmers, device=batch.codes.device)
    return pad((column >= start) & (column < start + kmers - cut), (1, 1), value=True)


# External weights: a pre-trained encoder to start from, or a trained classifier to use unchanged.


def initialise_from(model: "BertForSequenceClassification | BertForMaskedLM", path: Path | str) -> None:
    """Load the weights of a pre-trained encoder into ``model.bert``; heads are unchanged.

    ``path`` is a file of this project (from masked k-mers, or a classifier's ``model.ckpt``), or one with HuggingFace's
    names, such as ``pytorch_model.bin`` of ``zhihan1996/DNA_bert_6``, also as ``.safetensors``: under any prefix
    (``bert.``; see `tensors_of`), with ``gamma`` and ``beta`` for the layer norms or not. Heads in the file are
    ignored. If the file has no pooler, the model keeps its new one and says so on stderr.

    Raises `InputError` for an unreadable file and for one that does not fit, naming the settings to change.
    """
    content = read_weight_file(path)
    expected = model.bert.state_dict()
    found, _ = tensors_of(content, path, expected)
    found = _without_heads(_modern_names(found))
    pooled = any(name.startswith(_POOLER) for name in found)
    if not pooled or model.bert.pooler is None:
        found = {name: tensor for name, tensor in found.items() if not name.startswith(_POOLER)}
        expected = {name: tensor for name, tensor in expected.items() if not name.startswith(_POOLER)}
    _require_fit(found, expected, path)
    heads = (content.get("settings") or {}).get("heads", model.config.num_attention_heads)
    if heads != model.config.num_attention_heads:
        raise InputError(
            f"{path}: {heads} attention heads, configured {model.config.num_attention_heads}: set heads to {heads}"
        )
    model.bert.load_state_dict(found, strict=False)
    if model.bert.pooler is not None and not pooled:
        say(f"{path} has no pooler: the classifier's pooler starts from random weights")


@command("adopt-classifier")
def adopt_classifier(
    checkpoint: Path | str,
    /,
    settings: Part[BertSettings],
    length_bp: Part[int],
    output: Path | str,
    task: str | None = None,
) -> None:
    """Take a fine-tuned classifier instead of training one, after checking that it fits (``tasks.<name>.checkpoint``).

    ``checkpoint`` is a classifier's ``model.ckpt``, which must agree with the configured sizes and length, or a file
    with HuggingFace's names for a sequence classifier of two classes (as for `initialise_from`); what such a file was
    trained on cannot be checked. ``task`` is kept in the file.

    Raises `InputError` that says what differs.
    """
    check_length(settings, length_bp)
    content = read_weight_file(checkpoint)
    if content.get("kind") == CLASSIFIER_KIND:
        model, content = load_classifier(checkpoint)
        found = content["settings"] | {"length_bp": content["length_bp"]}
        wanted = settings.model_dump(mode="json") | {"length_bp": length_bp}
        lines = [
            f"{key}: {found[key]} in the file, configured {wanted[key]}"
            for key in (*_FUNCTION, "length_bp")
            if found[key] != wanted[key]
        ]
        if lines:
            raise InputError(f"{checkpoint} does not fit the configured model:\n  " + "\n  ".join(lines))
        known = {key: value for key, value in content.items() if key not in CLASSIFIER_KEYS and key != "code_version"}
    else:
        model, known = build_classifier(settings), {"seed": None, "epoch": None}
        weights, rest = tensors_of(content, checkpoint, model.state_dict())
        weights = _modern_names(weights)
        _require_fit(weights, model.state_dict(), checkpoint, "bert.")
        model.load_state_dict(weights)
        say(f"{checkpoint}: plain weights; what they were trained on cannot be checked")
        say_left_out(rest, checkpoint)
    facts = known | ({"task": task} if task else {}) | {"adopted_from": str(checkpoint)}
    save_classifier(output, model, model.state_dict(), settings, length_bp, **facts)


def _modern_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights under today's names: without old names of layer norms, and without buffers."""
    for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
        weights = {name.replace(old, new): tensor for name, tensor in weights.items()}
    return {name: tensor for name, tensor in weights.items() if not name.endswith(_BUFFERS)}


def _without_heads(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the encoder alone."""
    return {name: tensor for name, tensor in weights.items() if not name.startswith(("cls.", "classifier."))}


def _require_fit(found: dict[str, Tensor], expected: dict[str, Tensor], path: Path | str, prefix: str = "") -> None:
    lines = weight_differences(found, expected)
    if not lines:
        require_finite(found, path)
        return
    sizes, wanted = _sizes(found, prefix), _sizes(expected, prefix)
    keys = [f"{key} to {size}" for key, size in sizes.items() if size is not None and size != wanted[key]]
    advice = f"set {', '.join(keys)}" if keys else "it is not a BERT of this kind"
    raise InputError(f"{path} does not fit the model as configured: {advice}{listed(lines)}")


def _sizes(weights: dict[str, Tensor], prefix: str) -> dict[str, int | None]:
    """Settings inferred from the shapes of weights; None if a weight is missing or has an unexpected shape."""

    def length(name: str, axis: int) -> int | None:
        shape = weights[prefix + name].shape if prefix + name in weights else ()
        return shape[axis] if axis < len(shape) else None

    vocabulary = length("embeddings.word_embeddings.weight", 0)
    layers = [
        name.removeprefix(f"{prefix}encoder.layer.").split(".")[0] for name in weights if "encoder.layer." in name
    ]
    return {
        "k": next((k for k in range(1, 9) if vocabulary_size(k) == vocabulary), None),
        "hidden": length("embeddings.word_embeddings.weight", 1),
        "positions": length("embeddings.position_embeddings.weight", 0),
        "intermediate": length("encoder.layer.0.intermediate.dense.bias", 0),
        "layers": len(set(layers)) or None,
    }
