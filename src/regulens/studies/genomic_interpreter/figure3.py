"""Figure 3 of Genomic Interpreter: one track along one test segment, measured and predicted."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.runs import Run, labelled
from regulens.core.tables import decimal
from regulens.data.store import AssayStore, parse_location
from regulens.data.tracks import track_row
from regulens.plotting.style import DARK_GREY, DOUBLE_COLUMN, SMALL, TRUTH, model_colour, new_figure, save, styled


@command("genomic-interpreter figure3")
def figure3(
    runs: Sequence[Run],
    /,
    test: Path | str,
    track: Part[str | int],
    example: Part[int],
    pdf: Path | str,
    png: Path | str,
    labels: Part[Mapping[str, str] | None] = None,
) -> None:
    """Figure 3: one track along one test segment, measured and predicted.

    Arguments:
        runs: predictions of models, in the order of the panels.
        test: store of the test set.
        track, example: what is shown, see `read_profile`.
    """
    runs = labelled(runs, labels)
    profile = read_profile(test, {run.label: run.path for run in runs}, track, example)
    save(profile_figure(profile, {run.label: model_colour(run.model) for run in runs}), pdf, png)


@dataclass(frozen=True)
class Profile:
    """Values of one track in the bins of one segment."""

    track: str
    """Identifier and description."""
    contig: str
    """Name of the contig; '' when the location is unknown."""
    start_bp: int
    """0-based position of the first bin's first base (0 if the location is unknown)."""
    bin_bp: int
    truth: np.ndarray
    """Measured values, float64 (bins,)."""
    predictions: dict[str, np.ndarray]
    """Predicted rates by label, float64 (bins,)."""


def read_profile(
    store: Path | str,
    predictions: Mapping[str, Path | str],
    track: str | int,
    example: int,
) -> Profile:
    """One track of one example from the test store and from the predictions of some models.

    Arguments:
        store: HDF5 store of the test set.
        predictions: file of predictions by label of the model (HDF5: ``prediction`` (N, bins, tracks)).
        track: see `track_row`.
        example: row of the test set.

    Raises InputError that names the key for an unknown track or example, or predictions of other data.
    """
    with AssayStore(store) as data:
        row, geometry, count = track_row(data.tracks, track), data.geometry, len(data)
        if not 0 <= example < count:
            raise InputError(f"figure3.example: {example} does not exist; valid: 0 to {count - 1} (test set {store})")
        truth = data.target(example)[:, row].astype(np.float64)
        location = data.location(example)
        name = f"{data.tracks['identifier'].iloc[row]}, {data.tracks['description'].iloc[row]}"
        shape = (count, geometry.bins, len(data.tracks))
    curves = {label: _prediction(path, example, row, shape, location) for label, path in predictions.items()}
    found = parse_location(location)
    contig, start = (found[0], found[1] + (geometry.input_bp - geometry.target_bp) // 2) if found else ("", 0)
    return Profile(name, contig, start, geometry.bin_bp, truth, curves)


def _prediction(path: Path | str, example: int, row: int, shape: tuple[int, int, int], location: str) -> np.ndarray:
    try:
        with h5py.File(path, "r") as file:
            if "prediction" not in file:
                raise InputError(f"{path}: no data set 'prediction'; found {', '.join(file) or 'nothing'}")
            data = file["prediction"]
            if data.shape != shape:
                raise InputError(f"{path}: predictions are {data.shape}, the test set is {shape}: predict again")
            if "location" in file and file["location"].asstr()[example] != location:
                raise InputError(f"{path}: example {example} is not {location} as in the test set: predict again")
            return data[example, :, row].astype(np.float64)
    except OSError as error:
        raise InputError(f"{path}: not a readable HDF5 file ({error})") from None


@styled
def profile_figure(profile: Profile, colours: Mapping[str, str], share_y: bool = False) -> Figure:
    """Measured and predicted values of one track, one panel each, over genome coordinates.

    The correlation in a panel is over the bins of this segment only. ``colours`` is by label. Every panel has its own
    y axis unless ``share_y``: predicted peaks are often much lower than measured ones.
    """
    curves = {"Measured": profile.truth, **profile.predictions}
    figure = new_figure(DOUBLE_COLUMN, 12 + 22 * len(curves))
    panels = figure.subplots(len(curves), 1, sharex=True, sharey=share_y, squeeze=False)[:, 0]
    edges = (profile.start_bp + profile.bin_bp * np.arange(len(profile.truth) + 1)) / 1000
    for axes, (label, values) in zip(panels, curves.items(), strict=True):
        axes.stairs(values, edges, fill=True, color=colours.get(label, TRUTH.colour), linewidth=0)
        title = label if label == "Measured" else f"{label}, {_correlation(values, profile.truth)}"
        axes.set_title(title, loc="left")
        axes.set_ylim(bottom=min(0.0, float(values.min())))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.margins(x=0)
    panels[0].set_title(
        textwrap.shorten(profile.track, 110, placeholder=" ..."), loc="right", fontsize=SMALL, color=DARK_GREY
    )
    scale = "one scale" if share_y else "a scale for each panel"
    figure.supylabel(f"Coverage in a bin of {profile.bin_bp} bp\n(processed target, {scale})")
    where = f"Position on {profile.contig} (kb)" if profile.contig else "Position in the target (kb)"
    panels[-1].set_xlabel(where)
    panels[-1].xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]))
    panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda kb, _: f"{kb:,.2f}".rstrip("0").rstrip(".")))
    return figure


def _correlation(values: np.ndarray, truth: np.ndarray) -> str:
    if np.ptp(values) == 0 or np.ptp(truth) == 0:
        return "r undefined"
    return f"r = {decimal(np.corrcoef(values, truth)[0, 1], 2)} in this segment"
