"""Mutagenesis: does the model still recognise a sequence after mutation of its most relevant bases?

The paper classifies one mutant of each sequence. Its scores differ by 2 to 20 of 500 sequences (docs/papers.md,
"single-draw"; the standard error of an accuracy of 0.8 is 0.018), which is within what another draw of the new bases
changes. Here every score gets several draws, and scores are compared on the same sequences.

Outcomes are stored as HDF5: ``id`` and ``label`` uint8 of the N sequences; ``correct/<score>/<n>`` uint8 (repeats, N),
1 if the mutant of ``n`` bases chosen by the score is assigned to the true class of its sequence.
``correct/unmutated/0`` (1, N) are the sequences themselves, ``correct/random_sequence/<L>`` entirely random sequences.
``tied/<score>/<n>`` uint8 (N,), 1 if ties left a choice of bases; not for the random score. Attributes task, seed (of
the model) and k.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

import h5py
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output
from regulens.core.io import atomic_output
from regulens.core.kmers import token_ids
from regulens.core.progress import bar, say
from regulens.core.sequence import N_CODE
from regulens.core.statistics import (
    bootstrap_weights,
    combined_p_value,
    draw_interval,
    mcnemar,
    percentile_interval,
)
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.scores import RANDOM
from regulens.interpret.settings import MutagenesisSettings
from regulens.models.bert import class_logits, load_classifier
from regulens.training.device import best_device

UNMUTATED = "unmutated"

RANDOM_SEQUENCE = "random_sequence"

_NO_SCORE = (UNMUTATED, RANDOM_SEQUENCE)

REFERENCES = ("attention", RANDOM)
"""Scores that every other score is compared with (DNABERT-LRP, section 5.2)."""

SAME_MODEL = 0.02
"""Maximum share of sequences whose class may differ between score file and model: rounding flips very few."""

CURVE_COLUMNS = (
    "label",
    "score",
    "n",
    "accuracy",
    "low",
    "high",
    "draw_low",
    "draw_high",
    "tied",
    "sequences",
    "repeats",
)

PAIRED_COLUMNS = (
    "label",
    "score",
    "against",
    "n",
    "difference",
    "low",
    "high",
    "p_value",
    "tied",
    "sequences",
    "repeats",
)

Classifier = Callable[[Tensor], Tensor]
"""Codes uint8 (B, L) on the CPU to one number each, (B,) on any device: the predicted class or its probability."""


class Outcomes(NamedTuple):
    """Outcomes of all mutants of one task and model."""

    ids: list[str]
    """Names of the N sequences."""
    labels: np.ndarray
    """uint8 (N,), 1 = positive."""
    correct: dict[tuple[str, int], np.ndarray]
    """uint8 (repeats, N) by score and number of mutated bases, in the order of the mutagenesis."""
    tied: dict[tuple[str, int], np.ndarray]
    """bool (N,) by score and number of bases: ties at the cut were broken at random, see `top_positions`."""

    @property
    def scores(self) -> list[str]:
        """Scores that chose bases, in order."""
        return [score for score in dict.fromkeys(name for name, _ in self.correct) if score not in _NO_SCORE]


# From scores to outcomes.


@command("mutagenesis", threads=True)
def run_mutagenesis(
    scores_path: Path | str,
    /,
    model: Path | str,
    output: Path | str,
    settings: Part[MutagenesisSettings],
    accelerator: str = "auto",
) -> None:
    """Mutate the bases with the highest relevance, classify again, and write the `Outcomes` of every mutant (HDF5).

    ``model``: the classifier that the scores belong to.

    Raises `InputError` if the scores are not of this model, a class has no sequence, a base is not A, C, G or T, a
    score is NaN, or more bases are to be mutated than a sequence has.
    """
    classify, content = model_classifier(model, accelerator, settings.precision)
    with ScoreFile(scores_path) as file:
        length, expected = file.codes.shape[1], content["length_bp"]
        if length != expected:
            raise InputError(f"{scores_path} has sequences of {length} bp, the model {model} is for {expected} bp")
        chosen = sample_sequences(file.labels, settings.sequences_per_class, settings.seed, scores_path)
        ids, labels, codes = [file.ids[row] for row in chosen], file.labels[chosen], file.codes[chosen]
        predicted = file.predicted[chosen]
        scores = {name: file.score(name)[chosen] for name in file.names}
        attributes = {name: file.attributes[name] for name in ("task", "seed", "k")}
    different = (classify_all(classify, [codes], len(codes), settings.batch) != predicted).sum()
    if different > max(1, SAME_MODEL * len(codes)):
        raise InputError(
            f"{scores_path} and {model} assign {different} of {len(codes)} sequences to different classes: the "
            "scores are those of another model; compute them again"
        )
    write_outcomes(output, mutagenesis(classify, ids, codes, labels, scores, settings, scores_path), **attributes)


def predicted_class(logits: Tensor) -> Tensor:
    """The class with the higher logit: uint8 (B,)."""
    return logits.argmax(dim=1).to(torch.uint8)


def positive_probability(logits: Tensor) -> Tensor:
    """float32 (B,)."""
    return logits.float().softmax(dim=1)[:, 1]


def model_classifier(
    path: Path | str,
    accelerator: str = "auto",
    precision: Literal["fp32", "bf16"] = "fp32",
    read: Callable[[Tensor], Tensor] = predicted_class,
) -> tuple[Classifier, dict]:
    """The classifier of a model file on a device (auto, cpu or gpu), and the content of the file."""
    model, content = load_classifier(path)
    return classifier(model.to(best_device(accelerator)), content["settings"]["k"], precision, read), content


def classifier(
    model: torch.nn.Module,
    k: int,
    precision: Literal["fp32", "bf16"] = "fp32",
    read: Callable[[Tensor], Tensor] = predicted_class,
) -> Classifier:
    """`Classifier` of a HuggingFace BERT; k-mers are made on the model's device. ``bf16`` is for a GPU that has it.

    ``read``: from logits (B, 2) to what it says.
    """
    device = next(model.parameters()).device

    @torch.inference_mode()
    def classify(codes: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return read(class_logits(model, token_ids(codes.to(device), k)))

    return classify


def sample_sequences(labels: np.ndarray, per_class: int, seed: int, path: Path | str = "the score file") -> np.ndarray:
    """Rows of ``per_class`` sequences of each class (all, with a message, if there are fewer), ascending int64.

    Whether correctly classified or not, because the paper's accuracy without mutations is below 1. ``path`` is for
    messages.
    """
    rows = []
    for label in (0, 1):
        of_class = np.flatnonzero(labels == label)
        if not len(of_class):
            raise InputError(f"{path}: no sequence has label {label}: mutagenesis needs both classes")
        if len(of_class) < per_class:
            say(f"{path}: {len(of_class)} sequences have label {label}, all are used ({per_class} requested)")
        rng = np.random.default_rng([seed, label])
        rows.append(rng.choice(of_class, min(per_class, len(of_class)), replace=False))
    return np.sort(np.concatenate(rows))


def mutagenesis(
    classify: Classifier,
    ids: Sequence[str],
    codes: np.ndarray,
    labels: np.ndarray,
    scores: Mapping[str, np.ndarray],
    settings: MutagenesisSettings,
    source: Path | str = "the scores",
) -> Outcomes:
    """Whether each mutant is assigned to its sequence's class, by score and number of bases.

    ``ids`` of the N sequences; ``codes`` uint8 (N, L), 0 to 3; ``labels`` (N,); ``scores`` float (N, L) by name. Each
    of the n highest bases of a sequence (ties broken at random, see `top_positions`, alike in every repeat) becomes one
    of the other three; the score `RANDOM` takes n new positions in each repeat. Further keys of the outcomes:
    (`UNMUTATED`, 0) with one repeat, and (`RANDOM_SEQUENCE`, L), uniform random sequences instead. Each score, n and
    repeat has its own random numbers, so that no result depends on what else is computed. Mutants are made only when
    they are classified, so that memory grows by one byte per outcome. ``source`` is named in errors.
    """
    found = classified_mutants(classify, ids, codes, scores, settings, source)
    correct = {key: (classes == labels).astype(np.uint8) for key, classes in found.items()}
    tied = {
        (name, n): has_ties_at(values, n)
        for name, values in scores.items()
        if name != RANDOM
        for n in settings.mutations
    }
    return Outcomes(list(ids), labels, correct, tied)


def classified_mutants(
    classify: Classifier,
    ids: Sequence[str],
    codes: np.ndarray,
    scores: Mapping[str, np.ndarray],
    settings: MutagenesisSettings,
    source: Path | str = "the scores",
) -> dict[tuple[str, int], np.ndarray]:
    """What ``classify`` says of every mutant, (repeats, N), by the keys of `Outcomes.correct`; see `mutagenesis`."""
    _check(codes, scores, settings, source)
    mutations = list(dict.fromkeys(settings.mutations))
    keys = [(UNMUTATED, 0), *product(scores, mutations), (RANDOM_SEQUENCE, codes.shape[1])]
    repeats = {key: 1 if key[0] == UNMUTATED else settings.repeats for key in keys}
    ranking = {
        name: top_positions(values, ids, max(mutations), name, settings.seed)
        for name, values in scores.items()
        if name != RANDOM
    }
    jobs = [_Job(*key, repeat) for key in keys for repeat in range(repeats[key])]
    mutants = (_mutants(job, codes, ranking.get(job.score), settings.seed) for job in jobs)
    said = classify_all(classify, mutants, len(jobs) * len(codes), settings.batch).reshape(len(jobs), len(codes))
    starts = np.cumsum([repeats[key] for key in keys])[:-1]
    return dict(zip(keys, np.split(said, starts), strict=True))


def classify_all(classify: Classifier, blocks: Iterable[np.ndarray], total: int, batch: int) -> np.ndarray:
    """What ``classify`` says, (total,), of all rows of ``blocks``, uint8 (., L) each, ``batch`` at a time."""
    found = []
    with bar() as shown:
        task = shown.add_task("mutants", total=total)
        for rows in _batches(blocks, batch):
            # Not fetched yet: the GPU keeps working while the next mutants are made.
            found.append(classify(torch.from_numpy(rows)))
            shown.advance(task, len(rows))
    return torch.cat(found).cpu().numpy()


def _batches(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The rows of all blocks, regrouped ``size`` at a time."""
    waiting: list[np.ndarray] = []
    missing = size
    for block in blocks:
        while len(block):
            waiting.append(block[:missing])
            block = block[missing:]
            missing -= len(waiting[-1])
            if not missing:
                yield np.concatenate(waiting)
                waiting, missing = [], size
    if waiting:
        yield np.concatenate(waiting)


class _Job(NamedTuple):
    """One mutant of every sequence."""

    score: str
    n: int
    repeat: int


def _mutants(job: _Job, codes: np.ndarray, ranking: np.ndarray | None, seed: int) -> np.ndarray:
    if job.score == UNMUTATED:
        return codes
    rng = np.random.default_rng([seed, zlib.crc32(job.score.encode()), job.n, job.repeat])
    if job.score == RANDOM_SEQUENCE:
        return rng.integers(0, 4, codes.shape, dtype=np.uint8)
    positions = random_positions(codes.shape, job.n, rng) if ranking is None else ranking[:, : job.n]
    return mutate(codes, positions, rng)


def _check(codes: np.ndarray, scores: Mapping[str, np.ndarray], settings: MutagenesisSettings, source) -> None:
    if max(settings.mutations) > codes.shape[1]:
        raise InputError(
            f"mutagenesis.mutations: cannot mutate {max(settings.mutations)} bases of sequences of "
            f"{codes.shape[1]} bp: lower it"
        )
    wrong = (codes >= N_CODE).any(axis=1).sum()
    if wrong:
        raise InputError(f"{source}: {wrong} sequences have a base that is not A, C, G or T: leave them out")
    for name, values in scores.items():
        wrong = np.isnan(values).any(axis=1).sum()
        if wrong:
            raise InputError(f"{source}: the score {name} is NaN in {wrong} sequences: compute it again")


def mutate(codes: np.ndarray, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy of ``codes`` (N, L) whose bases at ``positions`` (N, n) are one of the other three, equally likely."""
    old = np.take_along_axis(codes, positions, axis=1)
    mutants = codes.copy()
    np.put_along_axis(mutants, positions, (old + rng.integers(1, 4, old.shape, dtype=np.uint8)) % 4, axis=1)
    return mutants


def random_positions(shape: tuple[int, int], n: int, rng: np.random.Generator) -> np.ndarray:
    """``n`` different positions of each of N sequences of L bases, all sets equally likely: int64 (N, n)."""
    return np.argsort(rng.random(shape), axis=1)[:, :n]


# The most relevant bases of a sequence, and whether ties left a choice between them. A score may have many ties:
# GradCAM is 0 on every base of a sequence whose weighted attention is nowhere positive. Taking the lowest index would
# favour the start of the sequence, which may matter less (or more) to the model than other parts, so that a score
# without any information would look worse (or better) than random positions. Ties are therefore broken at random, which
# makes such a score exactly random.


def top_positions(scores: np.ndarray, ids: Sequence[str], n: int, name: str, seed: int) -> np.ndarray:
    """Positions of the ``n`` highest values of each row of ``scores`` (N, L), highest first: int64 (N, n).

    Ties are ordered at random, determined by the seed, the ``name`` of the score and the id of the sequence: the order
    is the same for every ``n`` and does not depend on other scores and sequences.
    """
    score = zlib.crc32(name.encode())
    lots = [np.random.default_rng([seed, score, zlib.crc32(text.encode())]).random(scores.shape[1]) for text in ids]
    return np.lexsort((np.array(lots), -scores), axis=1)[:, :n]


def has_ties_at(scores: np.ndarray, n: int) -> np.ndarray:
    """Whether ties affect the choice of the ``n`` highest, because the next value is the same: bool (N,)."""
    if n >= scores.shape[1]:
        return np.zeros(len(scores), bool)
    highest = -np.partition(-scores, (n - 1, n), axis=1)[:, n - 1 : n + 1]
    return highest[:, 0] == highest[:, 1]


# Tables: accuracy against the number of mutated bases, and scores against each other.


@command("mutagenesis-tables")
def write_tables(
    outcomes: Path | str, /, curves: Path | str, paired: Path | str, resamples: Part[int], seed: Part[int]
) -> None:
    """Accuracy by score and number of mutated bases, and the scores against each other.

    Written as CSV, see `curve_table` and `paired_table`. Raises `InputError` when ``outcomes`` cannot be read.
    """
    found = read_outcomes(outcomes)
    for path, table in ((curves, curve_table), (paired, paired_table)):
        with atomic_output(path) as temporary:
            table(found, resamples, seed).to_csv(temporary, index=False, float_format="%.6g")


def curve_table(outcomes: Outcomes, resamples: int, seed: int) -> pd.DataFrame:
    """Accuracy of each class after mutation: one row per label, score and number of bases, `CURVE_COLUMNS`.

    ``accuracy`` is the mean over sequences and repeats. ``low``, ``high``: 95 % bootstrap interval over the sequences,
    each averaged over its repeats. ``draw_low``, ``draw_high``: where 95 % of single draws on the same sequences are
    expected (empty without mutations), see `draw_interval`, limited to [0, 1]. ``tied``: share of the sequences in
    which ties were broken at random, because the n-th highest value equals the next; 0 where no score ranks.
    """
    rows = []
    for label, members, weights in _classes(outcomes, resamples, seed):
        for (score, n), correct in outcomes.correct.items():
            of_class = correct[:, members]
            means = of_class.mean(axis=0)
            draws = (np.nan, np.nan)
            if score != UNMUTATED:
                draws = np.clip(draw_interval(of_class), 0, 1)
            interval, tied = percentile_interval(weights @ means), _tied(outcomes, score, n, members)
            rows.append((label, score, n, means.mean(), *interval, *draws, tied, len(means), len(correct)))
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def paired_table(outcomes: Outcomes, resamples: int, seed: int) -> pd.DataFrame:
    """Each score against each available one of `REFERENCES`, on the same sequences: `PAIRED_COLUMNS`.

    ``difference``: accuracy of the score minus that of the reference, mean over sequences and repeats; negative where
    the score finds the more important bases. ``low``, ``high``: 95 % bootstrap interval over sequences, both resampled
    together. ``p_value``: exact McNemar test for each repeat, combined as twice the median (Rüger 1978), which is valid
    although the repeats share their sequences. It is not corrected for multiple comparisons. ``tied`` is that of the
    score, see `curve_table`.
    """
    scores, rows = outcomes.scores, []
    for label, members, weights in _classes(outcomes, resamples, seed):
        for score in scores:
            for against in REFERENCES:
                if against == score or against not in scores:
                    continue
                for n in (n for name, n in outcomes.correct if name == score):
                    first = outcomes.correct[score, n][:, members].astype(bool)
                    second = outcomes.correct[against, n][:, members].astype(bool)
                    means = first.mean(axis=0) - second.mean(axis=0)
                    p_values = mcnemar((first & ~second).sum(axis=1), (second & ~first).sum(axis=1))
                    interval = percentile_interval(weights @ means)
                    p_value, tied = combined_p_value(p_values), _tied(outcomes, score, n, members)
                    numbers = (means.mean(), *interval, p_value, tied, len(means), len(first))
                    rows.append((label, score, against, n, *numbers))
    return pd.DataFrame(rows, columns=PAIRED_COLUMNS)


def _tied(outcomes: Outcomes, score: str, n: int, members: np.ndarray) -> float:
    tied = outcomes.tied.get((score, n))
    return 0.0 if tied is None else tied[members].mean()


def _classes(outcomes: Outcomes, resamples: int, seed: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Label, members and bootstrap weights of each class, with one set of resamples for all its rows."""
    for label in np.unique(outcomes.labels):
        members = np.flatnonzero(outcomes.labels == label)
        yield int(label), members, bootstrap_weights(len(members), resamples, np.random.default_rng([seed, label]))


# Files of outcomes.


def write_outcomes(path: Path | str, outcomes: Outcomes, **attributes: str | int) -> None:
    """Write ``outcomes`` with the file's attributes."""
    with hdf5_output(path) as file:
        file.attrs.update(attributes)
        file.create_dataset("id", data=np.array([name.encode() for name in outcomes.ids]))
        file.create_dataset("label", data=outcomes.labels.astype(np.uint8))
        for number, ((score, n), correct) in enumerate(outcomes.correct.items()):
            file.create_dataset(f"correct/{score}/{n}", data=correct, compression="gzip").attrs["order"] = number
        for (score, n), tied in outcomes.tied.items():
            file.create_dataset(f"tied/{score}/{n}", data=tied.astype(np.uint8), compression="gzip")
        file.require_group("tied")


def read_outcomes(path: Path | str) -> Outcomes:
    """Read a file of `write_outcomes`; `InputError` if it is missing, broken or something else."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: the outcomes do not exist: run the mutagenesis that makes them")
    try:
        with h5py.File(path, "r") as file:
            groups: Mapping = file["correct"]
            found = [(score, int(n), data) for score in groups for n, data in groups[score].items()]
            found.sort(key=lambda item: item[2].attrs["order"])
            correct = {(score, n): data[:] for score, n, data in found}
            groups = file["tied"]
            tied = {(score, int(n)): data[:].astype(bool) for score in groups for n, data in groups[score].items()}
            ids = [name.decode() for name in file["id"][:]]
            return Outcomes(ids, file["label"][:], correct, tied)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a readable file of outcomes ({error}): run the mutagenesis again") from None
