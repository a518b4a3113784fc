"""Saliency of one sequence as logos, by a network with either activation, below the planted motifs.

Letters need about 1.5 mm to be read, so a sequence of 200 bp takes two lines of 100 bp over both columns of a page.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.sequence import information_content
from regulens.core.tables import require_one_of
from regulens.interpret.saliency import (
    LOG_FLOOR,
    Positions,
    SaliencyExamples,
    read_saliency_examples,
    row_areas,
    signal_to_noise,
    truth_positions,
)
from regulens.interpret.settings import SaliencySettings
from regulens.plotting.logos import draw_logo, relevance_heights
from regulens.plotting.style import (
    DARK_GREY,
    DOUBLE_COLUMN,
    GREY,
    LARGE,
    NORMAL,
    SKY_BLUE,
    SMALL,
    activation_style,
    new_figure,
    save,
    styled,
)
from regulens.studies.hybrid_networks.results import Chosen, best_trial

# One sequence with its planted motifs and its saliency by networks with either activation, for figures.

HAIRLINE_BITS = 1e-6
"""Positions with less information than this are not drawn."""


@command("hybrid-networks saliency-logo")
def saliency_logo(
    examples: Mapping[str, Path],
    trials_table: Path | str,
    architecture: str,
    label: Part[str],
    selection: Part[Chosen],
    pdf: Path | str,
    png: Path | str,
    example: int = 0,
) -> None:
    """Saliency of one sequence as logos, by the best kept trial with each activation.

    See `read_saliency_example` and `saliency_figure`.

    Arguments:
        examples: activation to its file of `regulens score-saliency`, in the order of the tracks.
        trials_table: table of all trials of task 2.
        architecture: name of the architecture.
        label: label of the architecture.
        selection: how the best trial is chosen.
        example: row of the sequence among the positive test sequences.
    """
    trials = {
        name: best_trial(trials_table, "task2", architecture, name, selection.split, selection.metric)
        for name in examples
    }
    save(saliency_figure(read_saliency_example(examples, trials, example), label), pdf, png)


class Track(NamedTuple):
    """Saliency of the sequence by one trial."""

    label: str
    """Label of the activation."""
    title: str
    """Trial and statistics."""
    values: np.ndarray
    """float64 (L,), not finite if the trial diverged."""


class SaliencyExample(NamedTuple):
    """One sequence of L bp with the data of its logos."""

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
        require_one_of(row, file.rows.tolist(), f"{path}: example")
        example = file.rows.tolist().index(row)
        require_one_of(trials[activation], file.trials.tolist(), f"{path}: trial")
        known = _sequence(file, example)
        first = first or (path, known)
        if not all(np.array_equal(one, other) for one, other in zip(known, first[1], strict=True)):
            raise InputError(
                f"{path}: example {row} is not the sequence of {first[0]}, or was scored with other settings: compute "
                "the saliency of both again"
            )
        tracks.append(_track(file, activation, trials[activation], example))
    model = file.model[example].astype(np.float64)
    bits = information_content(model, LOG_FLOOR)
    heights = model * np.where(bits < HAIRLINE_BITS, 0, bits)[:, None]
    signal = _positions(file, example).signal[0]
    return SaliencyExample(row, file.codes[example], heights, signal, tracks, file.settings)


def _sequence(file: SaliencyExamples, example: int) -> tuple:
    """The parts of an example that must be the same in all files."""
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


LINE_BP = 100
"""Maximum number of bases per line, so that letters are 1.5 mm wide."""

LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 27, 3, 11, 9

TRUTH_MM, TRACK_MM, TITLE_MM, GAP_MM, LINE_GAP_MM = 9, 11, 4.5, 2, 8

SHADE = {"color": SKY_BLUE, "alpha": 0.25, "linewidth": 0}


@styled
def saliency_figure(example: SaliencyExample, label: str) -> Figure:
    """The planted motifs as an information logo and the saliency of every track below, all on the same positions.

    Every track of saliency has its own scale over the whole sequence, because gradients of different models are not
    comparable. Negative saliency extends below zero, with upright letters. Positions that count as signal are shaded.
    ``label`` names the architecture.
    """
    length = len(example.codes)
    count = -(-length // LINE_BP)
    line_bp = -(-length // count)
    lines = [(start, min(start + line_bp, length)) for start in range(0, length, line_bp)]
    line_mm = TRUTH_MM + len(example.tracks) * TRACK_MM
    gaps_mm = len(example.tracks) * (TITLE_MM + (count - 1) * GAP_MM) + (count - 1) * LINE_GAP_MM
    height_mm = TOP_MM + count * line_mm + gaps_mm + BOTTOM_MM

    figure = new_figure(DOUBLE_COLUMN, height_mm)
    figure.set_layout_engine("none")
    y = height_mm - TOP_MM
    for line in lines:

        def panel(mm: float, line: tuple[int, int] = line) -> Axes:
            nonlocal y
            y -= mm
            # Letters are as wide on a shorter last line.
            width = (DOUBLE_COLUMN - LEFT_MM - RIGHT_MM) * (line[1] - line[0]) / line_bp
            place = (LEFT_MM / DOUBLE_COLUMN, y / height_mm, width / DOUBLE_COLUMN, mm / height_mm)
            axes = figure.add_axes(place, xlim=line)
            axes.tick_params(axis="x", length=0, labelbottom=False)
            _shade(axes, example.signal, line)
            return axes

        axes = panel(TRUTH_MM)
        draw_logo(axes, example.bits[slice(*line)], line[0])
        axes.set_ylim(0, 2)
        _ticks(axes, (0, 2))
        _name(axes, "Planted motifs\n(bits)")
        for track in example.tracks:
            y -= TITLE_MM if line[0] == 0 else GAP_MM
            axes = panel(TRACK_MM)
            _draw_track(axes, track, example.codes, line)
            if line[0] == 0:
                axes.text(0, 1.04, track.title, fontsize=SMALL, transform=axes.transAxes, va="bottom")
        axes.tick_params(axis="x", length=2, labelbottom=True)
        axes.xaxis.set_major_locator(MultipleLocator(10))
        y -= LINE_GAP_MM
    axes.set_xlabel("Position in the sequence (bp)", loc="right")  # the legend is on the left
    _write_titles(figure, example, label)
    return figure


def _shade(axes: Axes, signal: np.ndarray, line: tuple[int, int]) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], signal[slice(*line)], [0]]).astype(np.int8)))
    for left, right in edges.reshape(-1, 2) + line[0]:
        axes.axvspan(left, right, zorder=0, **SHADE)


def _name(axes: Axes, name: str) -> None:
    x = (2 - LEFT_MM) / (axes.get_position().width * DOUBLE_COLUMN)
    axes.text(x, 0.5, name, fontsize=NORMAL, transform=axes.transAxes, va="center", linespacing=1.1)


def _ticks(axes: Axes, values: tuple[float, float]) -> None:
    axes.set_yticks(values, [f"{value:.2g}".replace("-", "\N{MINUS SIGN}") for value in values])
    for value, text, side in zip(values, axes.get_yticklabels(), ("bottom", "top"), strict=True):
        # Inside the height of the track: the next one follows closely.
        text.set_verticalalignment(side if value in axes.get_ylim() else "center")


def _draw_track(axes: Axes, track: Track, codes: np.ndarray, line: tuple[int, int]) -> None:
    _name(axes, track.label)
    note = "" if np.isfinite(track.values).all() else "not a finite number: this trial diverged"
    note = note or ("" if track.values.any() else "zero at every base: the output is saturated")
    if note:
        axes.text(0.5, 0.5, note, fontsize=SMALL, color=GREY, transform=axes.transAxes, ha="center", va="center")
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        return
    low, high = min(0.0, track.values.min()), max(0.0, track.values.max())
    values, bases = track.values[slice(*line)], codes[slice(*line)]
    draw_logo(axes, relevance_heights(np.minimum(bases, 3), np.where(bases < 4, values, 0)), line[0])
    axes.set_ylim(low, high)
    axes.spines["bottom"].set_visible(low == 0)
    if low < 0:
        axes.axhline(0, color=GREY, linewidth=0.4, zorder=0.5)
    smaller = min(-low, high) < 0.25 * max(-low, high)  # its label would touch that of zero
    _ticks(axes, (0, high) if smaller and high > -low else (low, 0) if smaller else (low, high))


def _write_titles(figure: Figure, example: SaliencyExample, label: str) -> None:
    height_mm = figure.get_figheight() * 25.4
    title = f"{label}: saliency of one sequence (row {example.row} of the positive test sequences)"
    note = (
        f"Letter height: gradient of the {example.settings.of} times input. Every activation has its own scale over "
        "the whole sequence; statistics are of this sequence."
    )
    figure.text(2 / DOUBLE_COLUMN, 1 - 2 / height_mm, title, fontsize=LARGE, va="top")
    figure.text(2 / DOUBLE_COLUMN, 1 - 6 / height_mm, note, fontsize=SMALL, va="top", color=DARK_GREY)
    text = f"Signal: more than {example.settings.signal_bits:g} bits"
    handles = [Patch(facecolor=SHADE["color"], alpha=0.5, label=text)]
    place = {"loc": "lower left", "bbox_to_anchor": (0, 0), "borderaxespad": 0.3}
    figure.legend(handles=handles, handlelength=1.2, **place)
