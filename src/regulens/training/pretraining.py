"""Pre-training on masked k-mers, if there are no pre-trained weights: BERT's task with DNABERT's masks."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, max_pool1d, pad
from torchmetrics import MeanMetric

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.kmers import CLS, MASK, SEP, UNK, kmer_ids, vocabulary_size
from regulens.core.progress import progress
from regulens.core.sequence import N_CODE
from regulens.data.genome import Genome
from regulens.data.sequences import read_sequences
from regulens.models.bert import BertSettings, build_masked_model, check_length, write_weights
from regulens.training import loop
from regulens.training.batches import SequenceBatch, SequenceDataset, derived_seed, uniform
from regulens.training.classification import ENCODER_KIND
from regulens.training.resume import TrainingTask
from regulens.training.settings import MaskedTrainingSettings, PretrainingSettings

_SHOWN_AS_MASK, _SHOWN_AS_OTHER = 0.8, 0.1

_CENTRE, _FATE, _OTHER = range(3)

_MOST_N = 0.1
"""Maximum share of N in a window."""


@command("pretrain", threads=True)
def pretrain(
    *,
    fasta: Sequence[Path | str] = (),
    sequences: Sequence[Path | str] = (),
    model: Part[BertSettings],
    data: Part[PretrainingSettings],
    training: Part[MaskedTrainingSettings],
    length_bp: Part[int],
    seed: Part[int],
    state: Path | str,
    epochs_log: Path | str,
    output: Path | str,
) -> None:
    """Pre-train the encoder on masked k-mers; after an interruption, the same command resumes.

    See `masked_kmer_task` and `loop.train`.

    Arguments:
        fasta: FASTA files.
        sequences: tables of training sequences, one per task.
        model: sizes of the model.
        data: what is masked.
        training: how it is trained.
        length_bp: length of a window.
        seed: random seed.
        state: folder of the state that an interrupted run resumes from.
        epochs_log: CSV to write, one row per epoch.
        output: the encoder, to write.
    """
    loop.train(
        lambda: masked_kmer_task(fasta, sequences, model, data, length_bp), training, seed, output, epochs_log, state
    )


class MaskedKmerTask(TrainingTask):
    """A BERT that predicts masked k-mers of training and validation windows, uint8 (windows, length_bp).

    Training masks change in every epoch, validation masks do not. The score is the share of masked k-mers that are
    predicted correctly.
    """

    scores = ("accuracy",)

    def __init__(
        self, train: np.ndarray, valid: np.ndarray, bert: BertSettings, settings: PretrainingSettings, name: str
    ):
        super().__init__(build_masked_model(bert), SequenceDataset(train), SequenceDataset(valid))
        self.bert_settings, self.settings, self.name = bert, settings, name
        self.length_bp = train.shape[1]
        self.train_key, self.valid_key = 0, derived_seed("augmentation", settings.seed)
        self.accuracy = MeanMetric(nan_strategy="disable")

    def identity(self) -> dict[str, Any]:
        return {
            "model": self.bert_settings.model_dump(mode="json"),
            "masks": self.settings.model_dump(mode="json", include={"mask_fraction", "mask_run", "seed"}),
            "data": [self.train_data.content_hash(), self.valid_data.content_hash()],
        }

    def code_modules(self) -> set[str]:
        return {"training.pretraining"}

    def start_epoch(self, seed: int, epoch: int) -> None:
        self.train_key = derived_seed("augmentation", seed, epoch)

    def training_losses(self, batch: SequenceBatch) -> Tensor:
        return self._losses(batch, self.train_key)[0]

    def validation_losses(self, batch: SequenceBatch) -> Tensor:
        losses, right = self._losses(batch, self.valid_key)
        self.accuracy.update(right)
        return losses

    def _losses(self, batch: SequenceBatch, key: int) -> tuple[Tensor, Tensor]:
        """Mean loss over each window's masked k-mers (batch,); for each masked k-mer, 1 if predicted correctly, else 0.

        A blank window has no masked k-mers.
        """
        k = self.bert_settings.k
        run, vocabulary = self.settings.mask_run or k, vocabulary_size(k)
        kmers = kmer_ids(batch.codes, k)
        shown, hidden = mask_kmers(kmers, batch.index, key, self.settings.mask_fraction, run, vocabulary)
        tokens = pad(pad(shown, (1, 0), value=CLS), (0, 1), value=SEP)
        states = self.model.bert(tokens).last_hidden_state[:, 1:-1]
        # The head has one output per token of the vocabulary: applied to masked k-mers only, it takes a seventh of the
        # work.
        logits = self.model.cls(states[hidden]).float()
        truth, rows = kmers[hidden], hidden.nonzero()[:, 0]
        losses = cross_entropy(logits, truth, reduction="none")
        sums = torch.zeros(len(kmers), device=losses.device).index_add(0, rows, losses)
        return sums / hidden.sum(1).clamp(min=1), (logits.argmax(1) == truth).float()

    def reset_scores(self) -> None:
        self.accuracy.reset()

    def score_values(self) -> dict[str, float]:
        return {"accuracy": float(self.accuracy.compute())}

    def save(self, output: Path, weights: dict[str, Tensor], **facts: Any) -> None:
        encoder = {name: tensor for name, tensor in weights.items() if name.startswith("bert.")}
        settings = self.bert_settings.model_dump(mode="json")
        facts = {"task": self.name, "windows": len(self.train_data), "length_bp": self.length_bp} | facts
        write_weights(output, ENCODER_KIND, encoder, settings=settings, **facts)


@contextmanager
def masked_kmer_task(
    fasta: Iterable[Path | str],
    sequence_sets: Iterable[Path | str],
    bert: BertSettings,
    settings: PretrainingSettings,
    length_bp: int,
    name: str = "pretraining",
) -> Iterator[MaskedKmerTask]:
    """Task of pre-training an encoder on windows of FASTA files and on the training sequences of tasks.

    ``fasta`` are the paths of ``settings.fasta``, ``sequence_sets`` tables of `data.sequences`, which are used only
    with ``settings.training_sequences``. New weights come from torch's global random state. Raises `InputError` as
    `pretraining_windows` and `models.bert.check_length` do.
    """
    check_length(bert, length_bp)
    sets = sequence_sets if settings.training_sequences else ()
    windows = pretraining_windows(fasta, sets, length_bp, settings.max_windows, settings.seed)
    train, valid = split_windows(windows, settings.valid_fraction, settings.seed)
    yield MaskedKmerTask(train, valid, bert, settings, name)


# Unlabelled windows of one length, from FASTA files and sequence sets, held in memory (one byte per base).


def pretraining_windows(
    fasta: Iterable[Path | str], sequence_sets: Iterable[Path | str], length_bp: int, most: int | None, seed: int
) -> np.ndarray:
    """Windows as codes A, C, G, T, N = 0 to 4, uint8 (windows, length_bp).

    Contigs are tiled from their start without overlap; sequence sets (`data.sequences`) must already have the length,
    and their labels are ignored. If there are more than ``most``, that many are drawn with the seed.

    Raises `InputError` for files that cannot be read, sequences of another length, and fewer than two windows.
    """
    fasta, sequence_sets = list(fasta), list(sequence_sets)
    parts = [_of_set(path, length_bp) for path in sequence_sets]
    for path in fasta:
        parts += _of_fasta(path, length_bp)
    windows = np.concatenate(parts) if parts else np.empty((0, length_bp), np.uint8)
    if len(windows) < 2:
        files = ", ".join(map(str, [*fasta, *sequence_sets])) or "no file"
        raise InputError(f"{len(windows)} windows of {length_bp} bp for pre-training in {files}: give more sequences")
    if most is not None and len(windows) > most:
        windows = windows[np.sort(np.random.default_rng(seed).permutation(len(windows))[:most])]
    return windows


def split_windows(windows: np.ndarray, valid_fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation windows; each has at least one, drawn with the seed."""
    order = np.random.default_rng(seed).permutation(len(windows))
    valid = min(max(1, round(len(windows) * valid_fraction)), len(windows) - 1)
    return windows[order[valid:]], windows[order[:valid]]


def _of_set(path: Path | str, length_bp: int) -> np.ndarray:
    codes = read_sequences(path).codes
    if codes.shape[1] != length_bp:
        raise InputError(
            f"{path}: sequences of {codes.shape[1]} bp where pre-training has {length_bp}: tasks that share a "
            "pre-trained encoder need the same length_bp, or set training_sequences: false"
        )
    return codes


def _of_fasta(path: Path | str, length_bp: int) -> Sequence[np.ndarray]:
    found = []
    with Genome(path) as genome:
        for contig, length in progress(genome.lengths.items(), f"windows of {Path(path).name}"):
            whole = length // length_bp * length_bp
            windows = genome.codes(contig, 0, whole).reshape(-1, length_bp)
            found.append(windows[(windows == N_CODE).mean(1) <= _MOST_N])
    return found


# Contiguous masks of k-mers, as in DNABERT (docs/papers.md, "DNABERT-6"). Adjacent k-mers overlap in k - 1 bases, so a
# single masked one could be read off its neighbours. A run of k masked k-mers hides one base, the one that all of them
# share.


class MaskedKmers(NamedTuple):
    """Tokens of k-mers as the model sees them, and which of them it has to predict."""

    shown: Tensor
    """Tokens, int64 (N, kmers)."""
    hidden: Tensor
    """Where the token is to be predicted, bool (N, kmers)."""


def mask_kmers(kmers: Tensor, index: Tensor, key: int, fraction: float, run: int, vocabulary: int) -> MaskedKmers:
    """Mask runs of adjacent k-mers, determined by (``key``, ``index``) whatever else is in the batch.

    ``kmers`` is int64 (N, kmers), tokens without the special ones at the ends; ``index`` int64 (N,). Each k-mer is the
    centre of a run with probability ``fraction / run``, and every sequence has at least one centre. A run reaches from
    (run - 1) // 2 k-mers before its centre to run // 2 after it, within the sequence. Of the masked k-mers 80 % are
    shown as MASK, 10 % as a random k-mer and 10 % unchanged, drawn independently (as in BERT). K-mers with an N (UNK)
    are never predicted.
    """
    draws = [uniform(key, stream, index, kmers.shape[1]) for stream in (_CENTRE, _FATE, _OTHER)]
    threshold = draws[_CENTRE].amin(1, keepdim=True).clamp(min=fraction / run)
    centres = (draws[_CENTRE] <= threshold).float()
    before, behind = (run - 1) // 2, run // 2
    # K-mers with a centre at most `behind` places before them or `before` places after them.
    hidden = max_pool1d(pad(centres, (behind, before))[:, None], run, stride=1)[:, 0].bool() & (kmers != UNK)
    first = MASK + 1
    other = first + (draws[_OTHER] * (vocabulary - first)).long()
    shown = torch.where(draws[_FATE] < _SHOWN_AS_MASK + _SHOWN_AS_OTHER, other, kmers)
    shown = torch.where(draws[_FATE] < _SHOWN_AS_MASK, MASK, shown)
    return MaskedKmers(torch.where(hidden, shown, kmers), hidden)
