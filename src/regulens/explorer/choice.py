"""What the explorer shows: test segments and test sequences, chosen by how well they are predicted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.tables import write_csv
from regulens.data.links import READOUT_COLUMNS
from regulens.data.store import AssayStore, parse_location
from regulens.data.tracks import track_row
from regulens.explorer.settings import ExplorerSettings
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.settings import MutagenesisSettings

QUALITIES = ("best", "middling", "worst")

MUTANT_COLUMNS = ["row", "id", "why", "score", "n", "draws", "probability"]
"""``row`` of the sequence in the test set, and ``why`` it was chosen; ``score`` is empty where nothing is mutated."""


def best_to_worst(quality: np.ndarray, count: int, shown: Mapping[int, str] | None = None) -> dict[int, str]:
    """Rows to show and why: those ``shown`` elsewhere, then a third each of the best, the middling and the worst.

    ``quality`` (N,): higher is better; NaN counts as worst. All rows if there are no more than ``count``.
    """
    found = dict(shown or {})
    order = [row for row in np.argsort(-np.nan_to_num(quality, nan=-np.inf), kind="stable") if row not in found]
    left = min(count - len(found), len(order))
    if left <= 0:
        return found
    share, more = divmod(left, 3)
    best, worst = share + (more > 0), share + (more > 1)
    middling = left - best - worst
    inner = order[best : len(order) - worst]
    first = (len(inner) - middling) // 2
    parts = (order[:best], inner[first : first + middling], order[len(order) - worst :])
    return found | {int(row): why for why, rows in zip(QUALITIES, parts, strict=True) for row in rows}


@command("explorer-readouts")
def explorer_readouts(
    predictions: Path | str,
    /,
    test: Path | str,
    output: Path | str,
    explorer: Part[ExplorerSettings],
    track: Part[str | int],
    example: Part[int],
    attended: Part[int],
) -> None:
    """Choose test segments, and in each the highest place of every track, as read-outs: CSV.

    Arguments:
        predictions: those of the main model, which decide how well a segment is predicted.
        test: store of the test set.
        track: the track that is shown first.
        example, attended: segments that are shown in any case: those of Figure 3 and of the attention maps.

    Columns: `READOUT_COLUMNS`, then ``segment`` (row of the test set), ``why`` it was chosen, ``row`` of the track. The
    position is the boundary between the two neighbouring bins with the highest sum. Raises `InputError` for an unknown
    track or example, and for a test set without locations.
    """
    from regulens.training.evaluate import open_predictions

    with AssayStore(test) as store, open_predictions(predictions, store) as predicted:
        rows = explored_tracks(store.tracks, explorer.tracks, track)
        for row in (example, attended):
            if not 0 <= row < len(store):
                raise InputError(f"example: {row} does not exist; valid: 0 to {len(store) - 1} (test set {test})")
        measured, guessed = (
            np.stack([values(number)[:, rows] for number in range(len(store))]).astype(np.float64)
            for values in (store.target, predicted.__getitem__)
        )
        found = correlations(measured, guessed)
        quality = np.where(np.isnan(found).all(1), np.nan, np.nansum(found, 1) / (~np.isnan(found)).sum(1).clip(min=1))
        figures = {example: "Figure 3", attended: "Figures 4, 6 and 7"}
        if example == attended:
            figures = {example: "Figures 3, 4, 6 and 7"}
        chosen = best_to_worst(quality, explorer.segments, figures)
        identifiers, table = store.tracks["identifier"].astype(str), []
        for segment, why in chosen.items():
            if not (place := parse_location(store.location(segment))):
                raise InputError(f"{test}: example {segment} has no location, which the explorer needs")
            geometry, (contig, start, _) = store.geometry, place
            start += (geometry.input_bp - geometry.target_bp) // 2
            for column, row in enumerate(rows):
                coverage = measured[segment, :, column]
                highest = int((coverage[:-1] + coverage[1:]).argmax()) if len(coverage) > 1 else 0
                position = start + (highest + 1) * geometry.bin_bp
                name = f"{segment}:{identifiers[row]}"
                table.append((name, contig, position, ".", "any", identifiers[row], segment, why, row))
    write_csv(pd.DataFrame(table, columns=[*READOUT_COLUMNS, "segment", "why", "row"]), output)


def explored_tracks(tracks: pd.DataFrame, wanted: Sequence[str | int] | None, first: str | int) -> list[int]:
    """Rows of the tracks that are shown, each once: the wanted ones; without any, ``first`` and one of every group."""
    if wanted:
        return list(dict.fromkeys(track_row(tracks, track, "explorer.tracks") for track in wanted))
    one_each = tracks.groupby("group", observed=True, sort=True).head(1).index if "group" in tracks else []
    return list(dict.fromkeys([track_row(tracks, first), *map(int, one_each)]))


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson correlation along the bins, (segments, bins, tracks) each, to (segments, tracks); NaN: no variance."""
    x, y = (values - values.mean(1, keepdims=True) for values in (x, y))
    spreads = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return np.divide((x * y).sum(1), spreads, out=np.full(spreads.shape, np.nan), where=spreads > 0)


@command("explorer-mutants", threads=True)
def explorer_mutants(
    scores: Path | str,
    /,
    model: Path | str,
    output: Path | str,
    explorer: Part[ExplorerSettings],
    mutagenesis: Part[MutagenesisSettings],
    examples: Part[Sequence[int]],
    accelerator: str = "auto",
) -> None:
    """Choose test sequences, and mutate the bases of each that a score finds most relevant: probabilities as CSV.

    Arguments:
        scores: relevance of the test sequences.
        model: the classifier that they belong to.
        examples: sequences that are shown in any case.

    One row per sequence, score and number of mutated bases, with `MUTANT_COLUMNS`; ``probability`` that of the true
    class, mean over so many ``draws`` of new bases. Raises `InputError` if an example does not exist, and as
    `run_mutagenesis`.
    """
    from regulens.interpret.mutagenesis import (
        RANDOM_SEQUENCE,
        UNMUTATED,
        classified_mutants,
        model_classifier,
        positive_probability,
    )

    classify, _ = model_classifier(model, accelerator, mutagenesis.precision, positive_probability)
    with ScoreFile(scores) as file:
        logits = file.logits.astype(np.float64)
        for example in examples:
            if not 0 <= example < len(logits):
                raise InputError(f"examples: {example} does not exist; valid: 0 to {len(logits) - 1} ({scores})")
        margin = (logits[:, 1] - logits[:, 0]) * np.where(file.labels == 1, 1, -1)
        chosen = best_to_worst(margin, explorer.sequences, dict.fromkeys(examples, "relevance figure"))
        rows = list(chosen)
        ids, labels = [file.ids[row] for row in rows], file.labels[rows]
        values = {name: file.score(name)[rows] for name in file.names}
        found = classified_mutants(classify, ids, file.codes[rows], values, mutagenesis, scores)
    table = [
        (row, ids[number], chosen[row], name, n, len(positive), probability if labels[number] == 1 else 1 - probability)
        for (name, n), positive in found.items()
        if name != RANDOM_SEQUENCE
        for number, (row, probability) in enumerate(zip(rows, positive.mean(0).tolist(), strict=True))
    ]
    write_csv(pd.DataFrame(table, columns=MUTANT_COLUMNS).replace({"score": {UNMUTATED: ""}}), output)
