"""Classifiers of labelled sequences: fine-tuning of a BERT, external weights, and scores on the test set.

Fine-tuning minimises cross entropy and is scored by accuracy and AUROC. On the test set it is compared with a logistic
regression on k-mer frequencies.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn.functional import cross_entropy, max_pool1d, pad
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC
from torchmetrics.utilities import dim_zero_cat

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output, file_sum
from regulens.core.kmers import MASK, kmer_ids, token_ids, vocabulary_size
from regulens.core.progress import progress, say
from regulens.core.sequence import N_CODE
from regulens.core.statistics import bootstrap_weights, percentile_interval
from regulens.core.tensors import listed, read_weight_file, require_finite, say_left_out, tensors_of, weight_differences
from regulens.data.overlap import overlapping
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
from regulens.training.device import best_device
from regulens.training.resume import TrainingTask
from regulens.training.settings import FineTuningSettings, SequenceAugmentation

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, BertForSequenceClassification

METRICS = ("accuracy", "balanced_accuracy", "auroc", "mcc", "f1")
"""Scores of a classifier; balanced accuracy is the mean recall of both classes, f1 that of the positive class."""

ALL, NOT_OVERLAPPING = "all", "not_overlapping"
"""Test sequences that are scored: all, and those that overlap no training or validation sequence."""

CLASSIFIER_ROW, REFERENCE_ROW = "bert", "kmer_logistic_regression"

DIFFERENCE_ROW = "bert_minus_logistic_regression"

ENCODER_KIND = "regulens masked k-mer encoder"
"""Kind of file that the file of a pre-trained encoder states."""

_CHANGE, _OTHER, _RUN, _WINDOW, _STRAND = range(5)

_BUFFERS = ("position_ids", "token_type_ids")

_POOLER = "pooler."

_FUNCTION = ("k", "layers", "hidden", "heads", "intermediate", "positions", "layer_norm_eps")
"""Settings that determine what weights compute, i.e. all but dropout and initialisation."""

_COLUMNS = ("id", "label", "probability")

_RESAMPLES_AT_ONCE = 100

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


# Test scores.


@command("classify", threads=True)
def predict_classes(
    model_path: Path | str,
    /,
    test: Path | str,
    output: Path | str,
    batch: Part[int] = 256,
    accelerator: str = "auto",
) -> None:
    """Probability of the positive class for every test sequence: CSV with id, label (the true one), probability.

    Raises `InputError` if the model is unreadable or was made for another length.
    """
    model, content = load_classifier(model_path)
    sequences = read_sequences(test)
    if sequences.codes.shape[1] != content["length_bp"]:
        raise InputError(
            f"{model_path} was made for {content['length_bp']} bp, {test} has sequences of "
            f"{sequences.codes.shape[1]}: use one length_bp for both"
        )
    device = best_device(accelerator)
    model.to(device)
    k, codes, found = content["settings"]["k"], torch.from_numpy(sequences.codes), []
    with torch.inference_mode():
        for part in progress(codes.split(batch), f"predicting {Path(test).name}"):
            found.append(model(token_ids(part.to(device), k)).logits.softmax(1)[:, 1].cpu())
    _write_predictions(output, sequences, torch.cat(found).numpy())


@command("classify-by-kmers")
def predict_by_kmers(train: Sequence[Path | str], test: Path | str, output: Path | str, k: Part[int] = 4) -> None:
    """The reference row: a logistic regression on standardised k-mer frequencies; output as of `regulens classify`.

    ``train``: the training and validation tables, which are concatenated, because nothing is selected here.

    Raises `InputError` for tables of different lengths and a training set of one class.
    """
    tables, held_out = _read_tables(train, test)
    labels = np.concatenate([table.labels for table in tables])
    if len(np.unique(labels)) < 2:
        raise InputError(f"{', '.join(map(str, train))}: all labels are {labels[0]}, both classes are needed")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(np.concatenate([kmer_frequencies(table.codes, k) for table in tables]), labels)
    _write_predictions(output, held_out, model.predict_proba(kmer_frequencies(held_out.codes, k))[:, 1])


def kmer_frequencies(codes: np.ndarray, k: int = 4) -> np.ndarray:
    """Share of each k-mer among those of a sequence: float32 (N, 4 ** k) from uint8 codes (N, L) without N."""
    first = vocabulary_size(k) - 4**k
    kmers = kmer_ids(torch.from_numpy(codes), k) - first
    counts = torch.zeros(len(codes), 4**k).scatter_add_(1, kmers, torch.ones(kmers.shape))
    return (counts / kmers.shape[1]).numpy()


@command("classifier-metrics")
def classifier_metrics(
    predictions: Path | str,
    /,
    reference: Path | str,
    train: Sequence[Path | str],
    test: Path | str,
    output: Path | str,
    bootstrap: Part[int] = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Test scores of a classifier and of the logistic regression, written as CSV and returned.

    Columns: subset, row (`CLASSIFIER_ROW`, `REFERENCE_ROW`, `DIFFERENCE_ROW`), metric (`METRICS`), value, low, high
    (95 % bootstrap over the sequences of the subset, the same resamples for both, so that the difference is paired),
    sequences (of the subset). A score is empty where it is undefined, such as AUROC of one class.

    ``train`` are the training and validation tables, which the classifiers have seen. The subset `ALL` is the whole
    test table; `NOT_OVERLAPPING` excludes sequences that overlap those tables (`overlapping`): a classifier that
    memorises regions does better on the first than on unseen sequences. If nothing overlaps, the second subset is not
    written, because it would be the same.

    Raises `InputError` if a file cannot be read or does not belong to the test table, or if the tables have different
    lengths.
    """
    tables, held_out = _read_tables(train, test)
    probabilities = []
    for path in (predictions, reference):
        found = _read_predictions(path)
        if found["id"].tolist() != held_out.ids or found["label"].tolist() != held_out.labels.tolist():
            raise InputError(f"{path}: not predictions of the sequences of {test}: make the file again")
        probabilities.append(found["probability"].to_numpy())
    apart = ~overlapping(held_out.codes, np.concatenate([table.codes for table in tables]))
    subsets = {ALL: np.ones(len(apart), dtype=bool)} | ({} if apart.all() else {NOT_OVERLAPPING: apart})
    parts = []
    for subset, chosen in subsets.items():
        compared = _compare(*(values[chosen] for values in probabilities), held_out.labels[chosen], bootstrap, seed)
        compared.insert(0, "subset", subset)
        parts.append(compared)
    table = pd.concat(parts, ignore_index=True)
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def _compare(first: np.ndarray, second: np.ndarray, label: np.ndarray, bootstrap: int, seed: int) -> pd.DataFrame:
    """Rows of `classifier_metrics` from the probabilities of both classifiers and the labels, each (N,)."""
    rng, both = np.random.default_rng(seed), (first, second)
    values, draws = [np.full(len(METRICS), np.nan)] * 2, [np.empty((0, len(METRICS)))] * 2
    if len(label):
        whole, parts = np.full((1, len(label)), 1 / len(label)), []
        for start in range(0, bootstrap, _RESAMPLES_AT_ONCE):
            weights = bootstrap_weights(len(label), min(_RESAMPLES_AT_ONCE, bootstrap - start), rng)
            parts.append([weighted_metrics(probability, label, weights) for probability in both])
        values = [weighted_metrics(probability, label, whole)[0] for probability in both]
        draws = [np.concatenate([part[which] for part in parts]) for which in range(2)]
    values, draws = [*values, values[0] - values[1]], [*draws, draws[0] - draws[1]]
    rows = []
    for row, value, drawn in zip((CLASSIFIER_ROW, REFERENCE_ROW, DIFFERENCE_ROW), values, draws, strict=True):
        for column, metric in enumerate(METRICS):
            defined = drawn[~np.isnan(drawn[:, column]), column]
            low, high = percentile_interval(defined) if len(defined) else (np.nan, np.nan)
            rows.append((row, metric, value[column], low, high, len(label)))
    return pd.DataFrame(rows, columns=["row", "metric", "value", "low", "high", "sequences"])


def weighted_metrics(probability: np.ndarray, label: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`METRICS` of weighted sequences, float64 (resamples, 5), nan where undefined.

    ``probability`` of class 1 and ``label`` (0 or 1) are (N,), ``weights`` (resamples, N) with rows that sum to 1: all
    resamples at once, while scikit-learn takes them one by one. A probability above 0.5 predicts class 1. With one
    class only accuracy is defined, and f1 if it is the positive one.
    """
    predicted, positive = probability > 0.5, label == 1
    hits, misses = weights @ (predicted & positive), weights @ (~predicted & positive)
    false, correct = weights @ (predicted & ~positive), weights @ (~predicted & ~positive)
    with np.errstate(divide="ignore", invalid="ignore"):
        positives, negatives = hits + misses, correct + false
        balanced = (hits / positives + correct / negatives) / 2
        sides = (hits + false) * positives * negatives * (correct + misses)
        # As in scikit-learn, MCC of a constant prediction is 0; for constant labels it is undefined.
        mcc = np.where(sides > 0, (hits * correct - false * misses) / np.sqrt(sides), 0)
        mcc = np.where((positives > 0) & (negatives > 0), mcc, np.nan)
        f1 = np.where(positives > 0, 2 * hits / (2 * hits + false + misses), np.nan)
        auroc = _weighted_auroc(probability, positive, weights)
    return np.stack([hits + correct, balanced, auroc, mcc, f1], axis=1)


def _weighted_auroc(probability: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of pairs (positive, negative) in which the positive has the higher probability; a tie counts half."""
    order = np.argsort(probability)
    starts = np.flatnonzero(np.diff(probability[order], prepend=-np.inf))
    wins = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    losses = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    below = losses.cumsum(axis=1) - losses / 2
    return (wins * below).sum(axis=1) / (wins.sum(axis=1) * losses.sum(axis=1))


def _read_tables(train_paths: Sequence[Path | str], test_path: Path | str) -> tuple[list[SequenceSet], SequenceSet]:
    """Training tables and test table; raises `InputError` if their sequences differ in length."""
    tables, test = [read_sequences(path) for path in train_paths], read_sequences(test_path)
    for path, table in zip(train_paths, tables, strict=True):
        if table.codes.shape[1] != test.codes.shape[1]:
            raise InputError(f"{path} has sequences of {table.codes.shape[1]} bp, {test_path} of {test.codes.shape[1]}")
    return tables, test


def _write_predictions(output: Path | str, sequences: SequenceSet, probability: np.ndarray) -> None:
    table = pd.DataFrame(dict(zip(_COLUMNS, (sequences.ids, sequences.labels, probability), strict=True)))
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def _read_predictions(path: Path | str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={"id": str}, keep_default_na=False)
        table = table[list(_COLUMNS)].astype({"label": int, "probability": float})
    except FileNotFoundError:
        raise InputError(f"{path}: the file of predictions does not exist") from None
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: not a table with the columns {', '.join(_COLUMNS)}: {error}") from None
    if not len(table) or not table["label"].isin((0, 1)).all() or not table["probability"].between(0, 1).all():
        raise InputError(
            f"{path}: every row needs a label of 0 or 1 and a probability from 0 to 1; make the file again"
        )
    return table
