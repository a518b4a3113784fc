"""One sequence with its planted motifs and its saliency by networks with either activation, for figures (001)."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regulens.errors import InputError
from regulens.figures.hybrid_style import activation_style
from regulens.figures.inputs import one_of
from regulens.interpret.saliency_file import SaliencyExamples, read_saliency_examples
from regulens.interpret.saliency_settings import SaliencySettings
from regulens.interpret.saliency_statistics import (
    Positions,
    information_bits,
    row_areas,
    signal_to_noise,
    truth_positions,
)

HAIRLINE_BITS = 1e-6
"""Less information than this is not drawn."""


class Track(NamedTuple):
    """Saliency of the sequence by one trial."""

    label: str
    """The activation for people."""
    title: str
    """Trial and statistics."""
    values: np.ndarray
    """float64 (L,), not finite where the trial diverged."""


class SaliencyExample(NamedTuple):
    """One sequence of L bp with what is drawn of it."""

    row: int
    """Row among the positive test sequences, from 0."""
    codes: np.ndarray
    """uint8 (L,), A, C, G, T = 0 to 3, N = 4."""
    bits: np.ndarray
    """Letters of the planted sequence model, (L, 4) in bits."""
    signal: np.ndarray
    """bool (L,): positions that count as signal."""
    tracks: list[Track]
    settings: SaliencySettings


def read_saliency_example(
    examples: Mapping[str, Path | str], trials: Mapping[str, int], row: int = 0
) -> SaliencyExample:
    """One sequence from the files of saliency examples of each activation.

    Arguments:
        examples: activation to file, in the order of the tracks.
        trials: activation to the trial that is drawn.
        row: row of the sequence among the positive test sequences, from 0.

    Raises InputError for a sequence or a trial that is not there, and for files of different sequences or settings.
    """
    tracks, first = [], None
    for activation, path in examples.items():
        file = read_saliency_examples(path)
        one_of(row, file.rows.tolist(), f"{path}: example")
        example = file.rows.tolist().index(row)
        one_of(trials[activation], file.trials.tolist(), f"{path}: trial")
        known = _sequence(file, example)
        first = first or (path, known)
        if not all(np.array_equal(one, other) for one, other in zip(known, first[1], strict=True)):
            raise InputError(
                f"{path}: example {row} is not the sequence of {first[0]}, or was scored with other settings: compute "
                "the saliency of both again"
            )
        tracks.append(_track(file, activation, trials[activation], example))
    model = file.model[example].astype(np.float64)
    bits = information_bits(model)
    heights = model * np.where(bits < HAIRLINE_BITS, 0, bits)[:, None]
    signal = _positions(file, example).signal[0]
    return SaliencyExample(row, file.codes[example], heights, signal, tracks, file.settings)


def _sequence(file: SaliencyExamples, example: int) -> tuple:
    """What must be the same in all files."""
    return file.codes[example], file.model[example], file.settings.model_dump_json(exclude={"batch", "examples"})


def _positions(file: SaliencyExamples, example: int) -> Positions:
    settings = file.settings
    return truth_positions(file.model[example][None], settings.signal_bits, settings.background_tolerance)


def _track(file: SaliencyExamples, activation: str, trial: int, example: int) -> Track:
    place = file.trials.tolist().index(trial)
    values = file.scores[place, example].astype(np.float64)
    positions = _positions(file, example)
    ((auroc,), (aupr,)) = row_areas(values[None], positions)
    ((snr,), (few,)) = signal_to_noise(values[None], positions, file.settings.worst)
    title = f"Trial {trial}"
    if np.isfinite(values).all():
        title += f", probability {file.probability[place, example]:.3g}: "
        title += f"AUROC {auroc:.3f}, AUPR {aupr:.3f}, signal-to-noise ratio {snr:.2f}"
        title += f" (fewer than {file.settings.worst} background scores are positive)" if few else ""
    return Track(activation_style(activation).label, title, values)
