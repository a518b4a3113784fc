"""Saliency maps of hybrid networks: gradient x input of the output, all trials at once (001 section 2.4; SPEC 5.6)."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from regulens.data.motif_sequences import MotifSequences, read_motif_sequences
from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.interpret.saliency_file import SaliencyExamples, write_saliency_examples
from regulens.interpret.saliency_settings import SaliencySettings
from regulens.interpret.saliency_statistics import trial_statistics, truth_positions
from regulens.sequence import one_hot
from regulens.training.device import best_device
from regulens.training.display import progress
from regulens.training.trials.files import load_trials

CLASS = 0
"""The class whose output is explained and whose sequences are scored, as in the paper's code."""


def score_saliency(
    model_path: Path | str,
    data_path: Path | str,
    output: Path | str,
    examples_path: Path | str,
    settings: SaliencySettings,
    accelerator: str = "auto",
) -> None:
    """Write the saliency statistics of every trial (CSV) and the saliency of a few sequences (`saliency_file`).

    All positive test sequences are scored. The table has the column trial and those of
    `saliency_statistics.trial_statistics`; trials that diverged have NaN. ``accelerator`` is auto, cpu or gpu.

    Raises `InputError` when the sequences are not what the model was trained for, when there is no positive test
    sequence with planted positions and background, and for an example that is not there.
    """
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
    examples = SaliencyExamples(
        scores[:, rows], probability[:, rows], data.codes[rows], data.model[rows], rows, trials, settings
    )
    write_saliency_examples(examples_path, examples)
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

    ``network`` maps one-hot sequences (T, B, 4, L) to logits (T, B, classes), the trials apart from each other, and is
    used as it is: put it in evaluation mode before. ``codes`` uint8 (N, L), A, C, G, T = 0 to 3, N = 4 (its saliency is
    0).
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
        # Every trial gets an input of its own, so that its gradient is its own too.
        inputs = inputs.expand(len(parameter), *inputs.shape).clone().requires_grad_()
        logits = network(inputs)[..., CLASS]
        probability = logits.sigmoid()
        # Sequences and trials are independent in evaluation mode: the gradient of the sum holds all their gradients.
        (gradient,) = torch.autograd.grad((probability if of == "probability" else logits).sum(), inputs)
    return (inputs.detach() * gradient).sum(dim=2), probability.detach()
