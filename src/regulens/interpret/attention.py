"""Attention of the assay models: export for the figures and mean distances (Genomic Interpreter, section 4.2)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output
from regulens.core.io import atomic_output
from regulens.core.progress import progress
from regulens.core.sequence import N_CODE, one_hot
from regulens.core.tables import DISTANCE_COLUMNS
from regulens.data.store import AssayStore
from regulens.models.base import AssayModel, AttentionMap
from regulens.training.checkpoint import load_model
from regulens.training.device import best_device


@command("export-attention", threads=True)
def export_attention(model: Path | str, /, test: Path | str, example: Part[int], name: str, output: Path | str) -> None:
    """Attention weights of a trained model on one test segment, see `write_attention`."""
    with AssayStore(test) as store:
        write_attention(load_model(model).to(best_device()), store, example, output, name)


@command("attention-distance", threads=True)
def attention_distance_table(model: Path | str, /, test: Path | str, output: Path | str, batch: Part[int] = 1) -> None:
    """Mean distance under the attention of each layer, block and head of a trained model, over the test set."""
    with AssayStore(test) as store:
        write_distances(load_model(model).to(best_device()), store, output, batch)


def write_attention(
    model: AssayModel, store: AssayStore, example: int, output: Path | str, name: str | None = None
) -> None:
    """Write all attention maps of one example of a store to an HDF5 file.

    Groups ``layer{K}_{block}`` with a data set ``weights``, float16 (heads, windows, w queries, w keys), rows of
    queries that are padding zero, and as its attributes layer, block, bp_per_token, tokens, offset, start_bp as in
    :class:`AttentionMap`; a data set ``sequence``, codes of the padded input; attributes location, example and model
    (``name``, or the architecture's). Raises ``InputError`` for an example that is not in the store, a store with
    another geometry, and an architecture without attention.
    """
    _same_geometry(model, store)
    if not 0 <= example < len(store):
        raise InputError(f"example {example} does not exist: the store has {len(store)} examples, counted from 0")
    codes = np.asarray(store.sequence(example), np.uint8)
    side = (model.geometry.padded_bp - model.geometry.input_bp) // 2
    with hdf5_output(output) as file, _evaluation(model):

        def write(attention: AttentionMap) -> None:
            weights = attention.weights[0].half().cpu().numpy()
            weights[:, ~_valid(attention).numpy()] = 0
            data = file.create_dataset(f"layer{attention.layer}_{attention.block}/weights", data=weights)
            for key in ("layer", "block", "bp_per_token", "tokens", "offset", "start_bp"):
                data.attrs[key] = getattr(attention, key)

        model.attention(_inputs(model, codes[None]), write)
        if not len(file):
            raise InputError(f"'{model.architecture}' has no attention to export: choose a model with attention")
        file.create_dataset("sequence", data=np.pad(codes, side, constant_values=N_CODE))
        file.attrs.update(location=store.location(example), example=example, model=name or model.architecture)


def write_distances(model: AssayModel, store: AssayStore, output: Path | str, batch: int = 1) -> None:
    """Write :func:`attention_distance` over a whole store as CSV; ``batch`` segments are computed at a time."""
    _same_geometry(model, store)
    starts = range(0, len(store), batch)
    batches = (np.stack([store.sequence(i) for i in range(start, min(start + batch, len(store)))]) for start in starts)
    table = attention_distance(model, batches, len(starts))
    if table.empty:
        raise InputError(f"'{model.architecture}' has no attention to measure: choose a model with attention")
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False)


def attention_distance(
    model: AssayModel, batches: Iterable[np.ndarray | torch.Tensor], total: int | None = None
) -> pd.DataFrame:
    """Mean distance ``|i - j|`` in bp under the attention of each layer, block and head, averaged over segments.

    i and j are positions in the original order of tokens. In a shifted block the last window holds tokens of both ends
    of the sequence. Pairs that meet only through this wrap-around are the whole input apart and would dominate the
    mean, so they are left out, like padding keys, and the rest of the row is renormalised. Each query token counts
    once. ``uniform_bp`` is the same statistic for equal weights on the same pairs, the baseline for a window of that
    size.

    ``batches``: codes uint8 (batch, input_bp), the test set once; ``total``: number of batches, for the progress bar.
    Returns one row per layer, block and head ("all", then 1..heads); ``sd_bp`` is over segments (of the mean over heads
    for "all"; empty for one segment).
    """
    found: dict[tuple[int, str, int], list[np.ndarray]] = {}
    uniform: dict[tuple[int, str, int], float] = {}

    def collect(attention: AttentionMap) -> None:
        key = attention.layer, attention.block, attention.bp_per_token
        distance, pairs, valid = (part.to(attention.weights.device) for part in _pairs(attention))
        weights = attention.weights.float()
        found.setdefault(key, []).append(_mean_distance(weights, distance, pairs, valid).cpu().numpy())
        if key not in uniform:
            equal = torch.ones_like(distance)[None, None]
            uniform[key] = float(_mean_distance(equal, distance, pairs, valid))

    with _evaluation(model):
        for codes in progress(batches, "attention distance", total):
            model.attention(_inputs(model, codes), collect)
    rows = []
    for (layer, block, bp), values in found.items():
        by_head = np.concatenate(values).astype(np.float64) * bp
        columns = {"all": by_head.mean(1)} | {str(head + 1): by_head[:, head] for head in range(by_head.shape[1])}
        for head, segments in columns.items():
            sd = segments.std(ddof=1) if len(segments) > 1 else np.nan
            rows.append((layer, block, bp, head, segments.mean(), sd, uniform[layer, block, bp] * bp, len(segments)))
    return pd.DataFrame(rows, columns=DISTANCE_COLUMNS)


def _same_geometry(model: AssayModel, store: AssayStore) -> None:
    if model.geometry != store.geometry:
        raise InputError(f"the model was built for {model.geometry!r}, the store holds {store.geometry!r}")


@contextmanager
def _evaluation(model: AssayModel) -> Iterator[None]:
    """Evaluation mode without gradients; the previous mode is restored."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _inputs(model: AssayModel, codes: np.ndarray | torch.Tensor) -> torch.Tensor:
    return one_hot(torch.as_tensor(codes).to(next(model.parameters()).device))


def _valid(attention: AttentionMap) -> torch.Tensor:
    """Bool (windows, w): tokens, as opposed to padding."""
    windows, w = attention.weights.shape[2:4]
    return (torch.arange(windows * w) < attention.tokens).view(windows, w)


def _pairs(attention: AttentionMap) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distances in tokens and mask of counted pairs, both float (windows, w, w); valid queries, bool (windows, w)."""
    valid = _valid(attention)
    rolled = torch.arange(valid.numel()).view_as(valid) + attention.offset
    wrapped, position = rolled >= attention.tokens, rolled % attention.tokens
    distance = (position[:, :, None] - position[:, None, :]).abs().float()
    pairs = valid[:, :, None] & valid[:, None, :] & (wrapped[:, :, None] == wrapped[:, None, :])
    return distance, pairs.float(), valid


def _mean_distance(weights, distance, pairs, valid) -> torch.Tensor:
    """Mean over query tokens of the renormalised mean distance: (batch, heads, windows, w, w) to (batch, heads)."""
    counted = weights * pairs
    rows = (counted * distance).sum(-1) / counted.sum(-1).clamp(min=torch.finfo(torch.float32).tiny)
    return rows[:, :, valid].double().mean(-1)
