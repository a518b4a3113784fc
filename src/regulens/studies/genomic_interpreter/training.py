"""Table of how the assay models were trained: the same treatment of all, and whether each was trained long enough."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import write_text
from regulens.core.runs import Run, labelled
from regulens.core.tables import decimal, markdown_table, read_runs, signed, write_csv
from regulens.data.store import AssayStore
from regulens.studies.loss_curves import best_epoch
from regulens.training.settings import TrainingSettings

FLAT = 0.015
"""A validation curve is flat if the best r so far rose by less than this during the last quarter of the epochs, in
which the learning rate goes to 0; with a hundred validation examples r moves by 0.01 from one epoch to the next."""

COLUMNS = [
    "model",
    "label",
    "weights",
    "seeds",
    "examples",
    "max_epochs",
    "epochs",
    "best_epoch",
    "steps",
    "batch",
    "learning_rate",
]
COLUMNS += ["minutes", "valid_pearson", "gain_last_quarter", "flat"]


@command("genomic-interpreter training")
def training(
    runs: Sequence[Run],
    /,
    models: Part[Mapping[str, Mapping[str, Any]]],
    train: Path | str,
    measured_csv: Path | str,
    md: Path | str,
    labels: Part[Mapping[str, str] | None] = None,
) -> pd.DataFrame:
    """How each model was trained, one row per model; means over its seeds.

    Arguments:
        runs: training log of every model and seed (epoch, valid_pearson, valid_loss, seconds).
        models: name to ``architecture``, ``settings`` and ``training``.
        train: store of the training set.
        measured_csv, md: the table, to write; Markdown without the minutes.
        labels: names of the models.

    Columns: weights: number of parameters; examples: of an epoch; epochs: those run until the training stopped;
    best_epoch: the one kept; steps: optimiser steps; batch: examples per step; minutes: of training and validation, on
    the machine of the run; valid_pearson: of the best epoch; gain_last_quarter: what the best r so far rose during the
    last quarter of the epochs; flat: whether that is less than 0.015 for every seed (empty for fewer than 4 epochs).
    """
    logs = read_runs(labelled(runs, labels), ["epoch", "valid_loss", "valid_pearson", "seconds"])
    with AssayStore(train) as store:
        examples, geometry, n_tracks = len(store), store.geometry, len(store.tracks)
    rows = []
    for model, of_model in logs.groupby("model", sort=False):
        settings = TrainingSettings.model_validate(models[model]["training"])
        seeds = [log.sort_values("epoch") for _, log in of_model.groupby("seed")]
        best = [best_epoch(log, settings.select) for log in seeds]
        gains = np.array([gain(log["valid_pearson"].to_numpy(dtype=float)) for log in seeds])
        epochs = np.mean([len(log) for log in seeds])
        rows.append(
            {
                "model": model,
                "label": of_model["label"].iloc[0],
                "weights": _weights(models[model], geometry, n_tracks),
                "seeds": len(seeds),
                "examples": settings.examples(examples),
                "max_epochs": settings.max_epochs,
                "epochs": epochs,
                "best_epoch": np.mean([row["epoch"] for row in best]),
                "steps": round(epochs * -(-settings.examples(examples) // settings.effective_batch)),
                "batch": settings.effective_batch,
                "learning_rate": settings.learning_rate,
                "minutes": round(np.mean([log["seconds"].sum() for log in seeds]) / 60, 1),
                "valid_pearson": round(np.mean([row["valid_pearson"] for row in best]), 4),
                "gain_last_quarter": round(gains.mean(), 4),
                "flat": "" if np.isnan(gains).any() else ["no", "yes"][int((gains < FLAT).all())],
            }
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    write_csv(table, measured_csv)
    write_text(to_markdown(table), md)
    return table


def to_markdown(table: pd.DataFrame) -> str:
    """The table of `training` with notes, without what depends on the machine."""
    rows = [
        [
            row.label,
            f"{row.weights:,}",
            str(row.seeds),
            f"{row.examples:,}",
            f"{row.epochs:g} of {row.max_epochs}",
            f"{row.best_epoch:.3g}",
            f"{row.steps:,}",
            str(row.batch),
            f"{row.learning_rate:g}",
            decimal(row.valid_pearson),
            "" if np.isnan(row.gain_last_quarter) else signed(row.gain_last_quarter),
            row.flat or "too few epochs",
        ]
        for row in table.itertuples()
    ]
    header = [
        "Model",
        "Weights",
        "Seeds",
        "Examples",
        "Epochs",
        "Kept epoch",
        "Steps",
        "Batch",
        "Learning rate",
        "Validation r",
    ]
    notes = [f"Flat: the best validation r rose by less than {FLAT} in the last quarter of the epochs, for every seed."]
    return markdown_table([*header, "Last quarter", "Flat"], rows, notes)


def gain(scores: np.ndarray) -> float:
    """What the best of ``scores`` (epochs,) so far rose during the last quarter of the epochs; nan for fewer than 4."""
    if len(scores) < 4 or np.isnan(scores).all():
        return np.nan
    best = np.fmax.accumulate(scores)
    return float(best[-1] - best[-1 - len(best) // 4])


def _weights(entry: Mapping[str, Any], geometry, n_tracks: int) -> int:
    import torch

    from regulens.models.base import build

    with torch.device("meta"):
        model = build(entry["architecture"], entry["settings"], geometry, n_tracks)
    return sum(parameter.numel() for parameter in model.parameters())
