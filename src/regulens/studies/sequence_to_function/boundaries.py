"""Boundaries: do attention and in-silico effects pass a known boundary less than other places like it?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import write_text
from regulens.core.runs import Run, labelled
from regulens.core.statistics import bootstrap_weights, mean_interval, percentile_interval
from regulens.core.tables import (
    decimal,
    interval,
    markdown_table,
    means_over_seeds,
    read_table,
    spread,
    with_sd,
    write_csv,
)
from regulens.interpret.interactions import MAP_LABELS, InteractionMaps, insulation, nearest_bins, read_interactions
from regulens.plotting.style import BLUE, DARK_GREY, DOUBLE_COLUMN, GREY, new_figure, save, styled, thousands

COLUMNS = ["model", "label", "map", "map_label", "places", "boundary", "matched", "difference", "sd", "low", "high"]

COLUMNS += ["seeds", "pairs", "targets"]

PLACES = {"boundaries": "Boundaries", "random": "Random places"}
"""What is compared with matched places."""

Place = tuple[int, int]
"""Row of the target, and bin."""


class Profile(NamedTuple):
    """Insulation around places and their matches, by distance: (pairs, offsets)."""

    model: str
    label: str
    map: str
    bin_bp: int
    places: np.ndarray
    matched: np.ndarray
    targets: int
    """Test targets in which they lie."""


def matched_places(maps: InteractionMaps, places: Sequence[Place], apart: int, margin: int) -> dict[Place, Place]:
    """For each place another of the same target with the nearest coverage, each used once; none: left out.

    At least ``apart`` bins from every place, and ``margin`` bins from the ends of the target, as are the places.
    """
    bins = maps.coverage.shape[1]
    logs = np.log(maps.coverage + 1e-3)
    found: dict[Place, Place] = {}
    for row in sorted({row for row, _ in places}):
        here = [place for of, place in places if of == row]
        free = [place for place in range(margin, bins - margin) if min(abs(place - other) for other in here) >= apart]
        for place in here:
            if free and margin <= place < bins - margin:
                best = min(free, key=lambda other: abs(logs[row, other] - logs[row, place]))
                found[row, place] = (row, best)
                free.remove(best)
    return found


def _around(scores: np.ndarray, places: Sequence[Place], width: int) -> np.ndarray:
    """Scores (N, bins) from ``width`` bins before each place to ``width`` behind; NaN beyond the ends."""
    wide = np.pad(scores, ((0, 0), (width, width)), constant_values=np.nan)
    return np.array([wide[row, place : place + 2 * width + 1] for row, place in places])


def boundary_profiles(
    runs: Sequence[Run], positions: Path | str, reach: int, apart_bp: int, seed: int
) -> dict[tuple[str, int, str, str], Profile]:
    """Insulation around boundaries and as many random places, beside matched ones: by model, seed, map and places."""
    table = read_table(positions, ["contig", "position"], ["position"])
    profiles = {}
    for run in runs:
        maps = read_interactions(run.path)
        bins, apart = maps.coverage.shape[1], -(-apart_bp // maps.bin_bp)
        if 2 * reach >= bins:
            raise InputError(f"boundaries.reach: {reach} bins on either side do not fit into targets of {bins} bins")
        known = nearest_bins(maps, table["contig"].astype(str), table["position"].to_numpy())
        rng = np.random.default_rng(seed)
        chance = sorted({(int(row), int(rng.integers(reach, bins - reach))) for row, _ in known})
        for kind, places in (("boundaries", known), ("random", chance)):
            pairs = matched_places(maps, places, apart, reach)
            if not pairs:
                raise InputError(
                    f"{positions}: no boundary in the test targets has a matched place {apart_bp:,} bp from all others"
                )
            for name, values in maps.maps.items():
                scores = insulation(values, reach)
                around = [_around(scores, part, 2 * reach) for part in (list(pairs), list(pairs.values()))]
                profiles[run.model, run.seed, name, kind] = Profile(
                    run.model, run.label, name, maps.bin_bp, *around, len(maps.contig)
                )
    return profiles


def boundary_table(profiles: Mapping[tuple, Profile], resamples: int, seed: int) -> pd.DataFrame:
    """Insulation at boundaries less that at matched places, of every model and map: `COLUMNS`."""
    rows = []
    for (model, run, name, kind), profile in profiles.items():
        middle = profile.places.shape[1] // 2
        at, other = profile.places[:, middle], profile.matched[:, middle]
        weights = bootstrap_weights(len(at), resamples, np.random.default_rng(seed))
        low, high = percentile_interval(weights @ (at - other))
        front = {"model": model, "label": profile.label, "map": name, "map_label": MAP_LABELS[name], "places": kind}
        means = {"boundary": at.mean(), "matched": other.mean(), "difference": (at - other).mean()}
        rows.append(
            front | means | {"low": low, "high": high, "pairs": len(at), "targets": profile.targets, "run": run}
        )
    means = means_over_seeds(pd.DataFrame(rows), ["model", "label", "map", "map_label", "places"], "difference")
    return means[COLUMNS].astype({"pairs": int, "targets": int})


def to_markdown(means: pd.DataFrame, data_note: str | None = None) -> str:
    """The table of `boundary_table` with its notes."""
    rows, last = [], None
    for row in means.itertuples():
        label = row.label if row.label != last else ""
        cells = [decimal(row.boundary, 3), decimal(row.matched, 3), with_sd(row.difference, row.sd)]
        rows.append([label, row.map_label, PLACES[row.places], *cells, interval(row.low, row.high), f"{row.pairs:,}"])
        last = row.label
    notes = [
        "Insulation: interaction of the bins on either side of a place, over what is expected at their distances; "
        "1 is as elsewhere, less is insulated. Matched: a place of the same target with the same measured coverage, "
        "away from all boundaries. 95 % interval: bootstrap over pairs. Random places show what is found by chance.",
        f"{spread(means['targets'])} test targets.",
    ]
    header = ["Model", "Interaction", "Places", "There", "Matched", "Difference", "95 % interval", "n"]
    return markdown_table(header, rows, [*notes, data_note] if data_note else notes, left=3)


@styled
def boundary_figure(profiles: Mapping[tuple, Profile]) -> Figure:
    """Mean insulation by distance from boundaries and from matched places, with intervals: models by maps."""
    first: dict[tuple[str, str], Profile] = {}
    for (model, _, name, kind), profile in profiles.items():
        if kind == "boundaries":
            first.setdefault((model, name), profile)
    models = list({model: profile.label for (model, _), profile in first.items()}.items())
    names = [name for name in MAP_LABELS if any(name == other for _, other in first)]
    figure = new_figure(DOUBLE_COLUMN, 14 + 38 * len(names))
    panels = figure.subplots(len(names), len(models), sharex=True, sharey="row", squeeze=False)
    for (row, column), axes in np.ndenumerate(panels):
        if row == 0:
            axes.set_title(models[column][1])
        if column == 0:
            axes.set_ylabel(MAP_LABELS[names[row]])
        axes.xaxis.set_major_formatter(lambda value, _: thousands(value))
        profile = first.get((models[column][0], names[row]))
        if profile is None:
            axes.text(
                0.5, 0.5, f"no {MAP_LABELS[names[row]].lower()}", ha="center", color=DARK_GREY, transform=axes.transAxes
            )
            continue
        width = profile.places.shape[1] // 2
        x = np.arange(-width, width + 1) * profile.bin_bp
        for values, colour, label in (
            (profile.places, BLUE, "Boundaries"),
            (profile.matched, GREY, "Matched places"),
        ):
            mean, n = np.nanmean(values, 0), np.isfinite(values).sum(0)
            limits = mean_interval(mean, np.nanstd(values, 0, ddof=1), n)
            axes.fill_between(x, *limits, color=colour, alpha=0.2, linewidth=0)
            axes.plot(x, mean, color=colour, label=label)
        axes.axhline(1, color=GREY, linewidth=0.6, linestyle="--")
    figure.supxlabel("Distance from the place (bp)")
    figure.supylabel("Insulation: interaction across, over expected")
    drawn = next(axes for axes in panels.flat if axes.lines)
    figure.legend(*drawn.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


@command("sequence-to-function boundaries")
def boundaries(
    runs: Sequence[Run],
    /,
    positions: Path | str,
    csv: Path | str,
    md: Path | str,
    pdf: Path | str,
    png: Path | str,
    reach: Part[int],
    apart_bp: Part[int],
    resamples: Part[int],
    seed: Part[int],
    labels: Part[Mapping[str, str] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Insulation of the models' interactions at known boundaries, against matched places: table and figure.

    Arguments:
        runs: interactions of every model and seed (`regulens interaction-maps`).
        positions: table of `regulens boundary-positions`.
        csv, md: the table, to write.
        reach: bins on either side whose interactions are counted.
        apart_bp: distance of matched places from every boundary at least.
        labels: names of the models in table and figure.
        data_note: one sentence on the data.

    Returns the table, columns ``COLUMNS``.
    """
    profiles = boundary_profiles(labelled(runs, labels), positions, reach, apart_bp, seed)
    means = boundary_table(profiles, resamples, seed)
    write_csv(means, csv)
    write_text(to_markdown(means, data_note), md)
    save(boundary_figure(profiles), pdf, png)
    return means
