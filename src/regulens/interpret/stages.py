"""The stages of configured models as a table (Figures 1 and 5)."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from regulens.data.settings import Geometry
from regulens.data.store import AssayStore
from regulens.files import atomic_output
from regulens.models import build


def stages_table(models: Mapping[str, Mapping], geometry: Geometry, n_tracks: int) -> pd.DataFrame:
    """One row a stage: model, label, order, name, kind, tokens, width, bp_per_token, note.

    ``models`` maps a name to ``architecture``, ``label`` and ``settings``. The models are built without memory for
    their weights.
    """
    rows = []
    for name, entry in models.items():
        with torch.device("meta"):
            model = build(entry["architecture"], entry["settings"], geometry, n_tracks)
        for order, stage in enumerate(model.describe()):
            rows.append({"model": name, "label": entry["label"], "order": order, **asdict(stage)})
    return pd.DataFrame(rows)


def describe_models(models: Mapping[str, Mapping], store: AssayStore, output: Path | str) -> None:
    """Write :func:`stages_table` as CSV, for the geometry and the tracks of a store."""
    with atomic_output(output) as path:
        stages_table(models, store.geometry, len(store.tracks)).to_csv(path, index=False)
