"""Saliency of hybrid networks, all trials at once, and how well it finds planted motifs.

Hybrid networks, section 2; docs/papers.md, "Saliency statistics".

Saliency is gradient x input of the output. Its statistics are computed within one sequence and averaged afterwards; all
are scale-free: multiplying the scores of a sequence by a positive number changes none of them. The saliency of a few
sequences is kept in a file, from which the logo figure is drawn.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output, open_hdf5
from regulens.core.io import atomic_output
from regulens.core.progress import progress
from regulens.core.sequence import information_content, one_hot
from regulens.data.simulate.motifs import MotifSequences, read_motif_sequences
from regulens.interpret.settings import SaliencySettings
from regulens.training.device import best_device
from regulens.training.trials import load_trials

CLASS = 0
"""The class whose output is explained and whose sequences are scored, as in the paper's code."""

LOG_FLOOR = 1e-10
"""Added to probabilities before the logarithm, as in the paper's code."""

FORMAT = "regulens saliency examples 1"

ARRAYS = {
    "scores": np.float32,
    "probability": np.float32,
    "codes": np.uint8,
    "model": np.float32,
    "rows": np.int64,
    "trials": np.int64,
}

STATISTIC_COLUMNS = ("sequences", "auroc", "aupr", "snr", "snr_zero", "saturated")


@command("score-saliency", threads=True)
def score_saliency(
    model: Path | str,
    /,
    data: Path | str,
    output: Path | str,
    examples: Path | str,
    settings: Part[SaliencySettings],
    accelerator: str = "auto",
) -> None:
    """Saliency of the positive test sequences by every trial, against their planted motifs.

    Writes the statistics of every trial (CSV: the column trial and those of `trial_statistics`; trials that diverged
    have NaN) and the saliency of a few sequences (HDF5). ``accelerator`` is auto, cpu or gpu.

    Raises `InputError` if the sequences do not fit the model, if no positive test sequence has both planted positions
    and background, and for an example that does not exist.
    """
    model_path, data_path = model, data
    loaded, data = load_trials(model_path), read_motif_sequences(data_path, split="test")
    data = _positive(data, data_path)
    network = loaded.network.to(best_device(accelerator)).requires_grad_(False)
    expected = (loaded.settings.input_bp, loaded.settings.classes)
    if (data.codes.shape[1], data.labels.shape[1]) != expected:
        raise InputError(
            f"{data_path} has sequences of {data.codes.shape[1]} bp with {data.labels.shape[1]} class(es), the model "
            f"{model_path} is for {expected[0]} bp and {expected[1]}: give the data it was trained on"
        )
    positions = truth_positions(data.model, settings.signal_bits, settings.background_tolerance)
    if not positions.usable.any():
        raise InputError(
            f"{data_path}: no positive test sequence has both positions with more than {settings.signal_bits:g} bits "
            "and background: lower saliency.signal_bits, or simulate the data again"
        )
    if (last := max(settings.examples)) >= len(data.codes):
        raise InputError(
            f"saliency.examples: no row {last}; {data_path} has {len(data.codes)} positive test sequences, rows 0 to "
            f"{len(data.codes) - 1}"
        )
    scores, probability = saliency(network, data.codes, settings.of, settings.batch)
    trials = loaded.trials["trial"].to_numpy()
    table = trial_statistics(scores, positions, settings.worst)
    table.insert(0, "trial", trials)
    rows = np.array(settings.examples)
    shown = SaliencyExamples(
        scores[:, rows], probability[:, rows], data.codes[rows], data.model[rows], rows, trials, settings
    )
    write_saliency_examples(examples, shown)
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def _positive(data: MotifSequences, path: Path | str) -> MotifSequences:
    """The sequences of class 0."""
    rows = np.flatnonzero(data.labels[:, CLASS] == 1)
    if not len(rows):
        raise InputError(f"{path}: no positive test sequence (label {CLASS} is 0 in all {len(data.labels)})")
    return replace(
        data, codes=data.codes[rows], labels=data.labels[rows], model=data.model[rows], split=data.split[rows]
    )


def saliency(
    network: torch.nn.Module,
    codes: np.ndarray,
    of: Literal["probability", "logit"] = "probability",
    batch: int = 200,
) -> tuple[np.ndarray, np.ndarray]:
    """Saliency of every base and the probability of class 0, by every trial: float32 (T, N, L) and (T, N).

    ``network`` maps one-hot sequences (T, B, 4, L) to logits (T, B, classes), independently for each trial; it must be
    in evaluation mode. ``codes`` uint8 (N, L), A, C, G, T = 0 to 3, N = 4 (its saliency is 0).
    """
    device = next(network.parameters()).device
    parts = [
        saliency_batch(network, torch.from_numpy(codes[start : start + batch]).to(device), of)
        for start in progress(range(0, len(codes), batch), "saliency")
    ]
    scores, probability = (torch.cat([part.cpu() for part in side], dim=1).numpy() for side in zip(*parts, strict=True))
    return scores, probability


def saliency_batch(
    network: torch.nn.Module, codes: Tensor, of: Literal["probability", "logit"] = "probability"
) -> tuple[Tensor, Tensor]:
    """`saliency` of one batch: (T, B, L) and (T, B). s_l = sum over bases a of x_la * dy / dx_la, y the output.

    ``codes`` uint8 (B, L) on the device of the network.
    """
    parameter = next(network.parameters())
    inputs = one_hot(codes, parameter.dtype)
    with torch.enable_grad():
        # Every trial gets its own copy of the input, and thereby its own gradient.
        inputs = inputs.expand(len(parameter), *inputs.shape).clone().requires_grad_()
        logits = network(inputs)[..., CLASS]
        probability = logits.sigmoid()
        # Sequences and trials are independent in evaluation mode, so the gradient of the sum contains all their
        # gradients.
        (gradient,) = torch.autograd.grad((probability if of == "probability" else logits).sum(), inputs)
    return (inputs.detach() * gradient).sum(dim=2), probability.detach()


# Do saliency scores separate the bases of planted motifs from the background?


class Positions(NamedTuple):
    """Signal and background positions of N sequences of L bp; positions that are neither are ignored."""

    signal: np.ndarray
    """bool (N, L): bases of planted motifs."""
    background: np.ndarray
    """bool (N, L): bases without any motif."""

    @property
    def usable(self) -> np.ndarray:
        """bool (N,): sequences with both signal and background; the areas are undefined for others."""
        return self.signal.any(axis=1) & self.background.any(axis=1)


def truth_positions(model: np.ndarray, signal_bits: float, tolerance: float) -> Positions:
    """Signal (more than ``signal_bits``) and background (within ``tolerance`` bits of the sequence's minimum).

    ``model`` (N, L, 4): the planted sequence model. A position is never both. Columns in between, uninformative ones
    inside a motif, are neither.
    """
    bits = information_bits(model)
    signal = bits > signal_bits
    return Positions(signal, (bits <= bits.min(axis=1, keepdims=True) + tolerance) & ~signal)


def information_bits(model: np.ndarray) -> np.ndarray:
    """`information_content` of sequence models (..., L, 4) as the paper's code computes it: float64 (..., L)."""
    return information_content(model, LOG_FLOOR)


def trial_statistics(scores: np.ndarray, positions: Positions, worst: int = 20) -> pd.DataFrame:
    """One row per trial, `STATISTIC_COLUMNS`: means over the usable sequences.

    ``scores`` (T, N, L). ``sequences``: how many are usable. ``snr_zero``: share of sequences whose signal-to-noise
    ratio is 0 because fewer than ``worst`` background scores are positive. ``saturated``: share whose scores are zero
    at every base. A trial with a score that is not finite (it diverged in training) has NaN everywhere.
    """
    rows, usable = [], positions.usable
    positions = Positions(positions.signal[usable], positions.background[usable])
    for values in scores:
        values = values[usable]
        if not len(values) or not np.isfinite(values).all():
            rows.append((len(values), *[np.nan] * 5))
            continue
        areas = row_areas(values, positions)
        snr, few = signal_to_noise(values, positions, worst)
        saturated = (values == 0).all(axis=1)
        rows.append((len(values), *(part.mean() for part in (*areas, snr, few, saturated))))
    return pd.DataFrame(rows, columns=STATISTIC_COLUMNS)


def row_areas(scores: np.ndarray, positions: Positions) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the ROC and the precision-recall curve of each row: two float64 (N,).

    ``scores`` (N, L). The same as scikit-learn's ``roc_auc_score`` and ``auc`` of ``precision_recall_curve`` on the
    signal and background positions, i.e. the trapezoidal area, not the average precision. If all scores of a row are
    equal they are 1/2 and (1 + share of signal) / 2. NaN if a score is not finite, or if signal or background is
    missing.
    """
    signal, background = positions
    used = signal | background
    defined = positions.usable & np.isfinite(np.where(used, scores, 0)).all(axis=1)
    # Descending order of the positions in use; ignored ones come last and contribute nothing.
    key = np.where(used, -np.asarray(scores, np.float64), np.inf)
    key[~defined] = 0
    order = np.argsort(key, axis=1, kind="stable")
    key = np.take_along_axis(key, order, axis=1)
    true = np.take_along_axis(signal, order, axis=1).cumsum(axis=1)
    false = np.take_along_axis(background, order, axis=1).cumsum(axis=1)
    # A point of the curve lies where a run of equal scores ends.
    point = np.ones(key.shape, bool)
    point[:, :-1] = key[:, 1:] != key[:, :-1]
    point &= key < np.inf
    true_before, false_before = _at_last_point(true, point), _at_last_point(false, point)
    precision = true / np.maximum(true + false, 1)
    seen_before = true_before + false_before
    precision_before = np.where(seen_before > 0, true_before / np.maximum(seen_before, 1), 1.0)
    roc = (point * (false - false_before) * (true + true_before) / 2).sum(axis=1)
    recall = (point * (true - true_before) * (precision + precision_before) / 2).sum(axis=1)
    n_signal, n_background = signal.sum(axis=1), background.sum(axis=1)
    none = np.full(len(key), np.nan)
    return (
        np.divide(roc, n_signal * n_background, out=none.copy(), where=defined),
        np.divide(recall, n_signal, out=none, where=defined),
    )


def _at_last_point(counts: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Running counts (N, L) as they were at the last point of the curve before each position; 0 before the first."""
    before = np.zeros_like(counts)
    before[:, 1:] = np.maximum.accumulate(np.where(point, counts, 0), axis=1)[:, :-1]
    return before


def signal_to_noise(scores: np.ndarray, positions: Positions, worst: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Mean score of the signal over the mean of the ``worst`` largest background scores: float64 (N,), bool (N,).

    ``scores`` (N, L). The second array marks rows with fewer than ``worst`` positive background scores: their ratio is
    0, as in the paper's code, however good the scores are. NaN if a score is not finite, or if signal or background is
    missing.
    """
    signal, background = positions
    scores = np.asarray(scores, np.float64)
    defined = positions.usable & np.isfinite(np.where(signal | background, scores, 0)).all(axis=1)
    noise = np.sort(np.where(background & defined[:, None], scores, -np.inf), axis=1)[:, ::-1][:, :worst]
    few = (noise > 0).sum(axis=1) < worst
    mean = np.where(signal & defined[:, None], scores, 0).sum(axis=1) / np.maximum(signal.sum(axis=1), 1)
    ratio = np.divide(mean, np.where(few[:, None], 1, noise).mean(axis=1))
    return np.where(defined, np.where(few, 0.0, ratio), np.nan), few & defined


# Files with the saliency of a few sequences, by every trial of a network.


@dataclass(frozen=True)
class SaliencyExamples:
    """Saliency of E sequences of L bp by T trials."""

    scores: np.ndarray
    """float32 (T, E, L): saliency of every base; not finite for a trial that diverged."""
    probability: np.ndarray
    """float32 (T, E): the sigmoid output of class 0."""
    codes: np.ndarray
    """uint8 (E, L): A, C, G, T = 0 to 3, N = 4."""
    model: np.ndarray
    """float32 (E, L, 4): planted probability of A, C, G, T at every position."""
    rows: np.ndarray
    """int64 (E,): rows among the positive test sequences, from 0."""
    trials: np.ndarray
    """int64 (T,): numbers of the trials."""
    settings: SaliencySettings
    """How the scores were computed."""


def write_saliency_examples(path: Path | str, examples: SaliencyExamples) -> None:
    """Write ``examples`` as HDF5: one data set per array, the settings as JSON in an attribute."""
    with hdf5_output(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["settings"] = examples.settings.model_dump_json()
        for name, dtype in ARRAYS.items():
            file[name] = np.asarray(getattr(examples, name), dtype)


def read_saliency_examples(path: Path | str) -> SaliencyExamples:
    """Read a file of `write_saliency_examples`; `InputError` for any other file."""
    make = "make it with regulens score-saliency"
    with open_hdf5(path, "file of saliency examples", make, ["format", "settings", *ARRAYS]) as file:
        if file.attrs["format"] != FORMAT:
            raise InputError(f"{path}: not a file of saliency examples ({FORMAT}): {make}")
        settings = SaliencySettings.model_validate_json(file.attrs["settings"])
        return SaliencyExamples(**{name: file[name][:] for name in ARRAYS}, settings=settings)
