"""Table of the stages of the configured models with their true lengths and widths, shown in Figures 1 and 5."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.io import atomic_output
from regulens.core.tables import models_of, read_table
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore

ARCHITECTURE_COLUMNS = ["model", "label", "order", "name", "kind", "tokens", "width", "bp_per_token", "note"]


@command("genomic-interpreter architectures")
def architectures(models: Part[Mapping[str, Mapping[str, Any]]], test: Path | str, output: Path | str) -> None:
    """Length and width of every stage of the configured models, as a table.

    Arguments:
        models: name to ``architecture``, ``label`` and ``settings``.
        test: store of the test set, for the geometry and the number of tracks.
        output: CSV to write, see `stages_table`.
    """
    with AssayStore(test) as store, atomic_output(output) as path:
        stages_table(models, store.geometry, len(store.tracks)).to_csv(path, index=False)


def stages_table(models: Mapping[str, Mapping], geometry: Geometry, n_tracks: int) -> pd.DataFrame:
    """One row per stage: model, label, order, name, kind, tokens, width, bp_per_token, note.

    ``models`` maps a name to ``architecture``, ``label`` and ``settings``. The models are built without allocating
    their weights.
    """
    import torch  # not at the top: figures read the table without it

    from regulens.models.base import build

    rows = []
    for name, entry in models.items():
        with torch.device("meta"):
            model = build(entry["architecture"], entry["settings"], geometry, n_tracks)
        for order, stage in enumerate(model.describe()):
            rows.append({"model": name, "label": entry["label"], "order": order, **asdict(stage)})
    return pd.DataFrame(rows)


def read_architectures(path: Path | str) -> pd.DataFrame:
    """Read the table of stages: one row per stage of each model, in order; empty notes are ''."""
    table = read_table(path, ARCHITECTURE_COLUMNS)
    table["note"] = table["note"].fillna("").astype(str)
    models = list(models_of(table))  # keeps the order of the models
    return table.iloc[np.lexsort((table["order"], table["model"].map(models.index)))].reset_index(drop=True)
