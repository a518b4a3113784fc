"""Criteria on attention (Figures 4 and 6), by which claims about Genomic Interpreter are judged.

Every function makes a `claims.Rule` of the evidence of `interpreter_evidence`. Layers are those of 1D-Swin; of a layer
with two blocks the regular one counts, as in the figures.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr, t

from regulens.figures.attention_file import LayerAttention
from regulens.figures.claims import NotTested, Rule, Verdict
from regulens.figures.claims_text import signed
from regulens.figures.interpreter_evidence import SWIN, AssayEvidence, label
from regulens.figures.text_tables import decimal, p_text
from regulens.statistics import LEVEL


def _of_swin(evidence: AssayEvidence) -> None:
    if evidence.shown is None:
        raise NotTested("attention is drawn, not printed")
    if evidence.shown.main_model != SWIN:
        raise NotTested(f"attention was measured on {label(evidence.shown.main_model)}, not on {label(SWIN)}")


def _layers(evidence: AssayEvidence) -> pd.DataFrame:
    """Distance of every layer, heads together, in the order of the layers; ratio: in multiples of uniform attention."""
    _of_swin(evidence)
    table = evidence.distances
    table = table[(table["head"] == "all") & (table["block"] != "shifted")].sort_values("layer")
    if len(table) < 5:
        raise NotTested(f"{len(table)} layers are too few for a trend")
    return table.assign(ratio=table["mean_distance_bp"] / table["uniform_bp"])


def grows_with_layer(column: str, what: str, digits: int) -> Rule:
    """A column of the layers has a positive rank correlation with their number, p < 0.05."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _layers(evidence)
        rho, p = spearmanr(table["layer"], table[column])
        values = ", ".join(f"{value:,.{digits}f}" for value in table[column])
        text = f"{what} of layers {table['layer'].iloc[0]} to {table['layer'].iloc[-1]}: {values}; "
        text += (
            f"Spearman {signed(rho, 2)} (p {p_text(p)}), means over {int(table['n_segments'].max()):,} test segments"
        )
        return Verdict(bool(rho > 0 and p < 0.05), text)

    return rule


def lower_layers_local() -> Rule:
    """In every layer of the lower half the mean distance is below that of uniform attention in the same windows."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _layers(evidence)
        lower = table.head(len(table) // 2)
        near = lower["ratio"] < 1
        beside = ", ".join(f"{row.layer}: {row.ratio:.2f}" for row in lower.itertuples())
        text = f"{near.sum()} of {len(lower)} layers; distance in multiples of uniform attention, layer {beside}"
        return Verdict(bool(near.all()), text)

    return rule


def _heads(evidence: AssayEvidence) -> pd.DataFrame:
    """Distance of every head of the layer of Figure 4b with its 95 % limits over the test segments.

    Columns head, ratio, low, high (multiples of uniform attention in the same windows).
    """
    _of_swin(evidence)
    table, layer = evidence.distances, evidence.shown.heads_layer
    table = table[(table["layer"] == layer) & (table["head"] != "all") & (table["block"] != "shifted")]
    if len(table) < 2:
        raise NotTested(f"layer {layer} has {len(table)} head")
    count = table["n_segments"]
    half = t.ppf((1 + LEVEL / 100) / 2, (count - 1).clip(lower=1)) * table["sd_bp"] / np.sqrt(count)
    names = {"ratio": 0.0, "low": -half, "high": half}
    limits = {name: (table["mean_distance_bp"] + shift) / table["uniform_bp"] for name, shift in names.items()}
    return table.assign(**limits)


def _head(row: pd.Series) -> str:
    return f"head {row['head']} at {row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def heads_differ(factor: float) -> Rule:
    """The head that looks farthest looks at least ``factor`` times as far as the one that looks nearest."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _heads(evidence)
        near, far = table.loc[table["ratio"].idxmin()], table.loc[table["ratio"].idxmax()]
        text = f"layer {evidence.shown.heads_layer}, {len(table)} heads: {_head(near)} to {_head(far)} times the "
        times = far["ratio"] / near["ratio"] if near["ratio"] > 0 else np.inf
        text += f"distance of uniform attention, factor {f'{times:.2f}' if times < 100 else 'above 100'}"
        return Verdict(bool(far["ratio"] >= factor * near["ratio"]), text)

    return rule


def some_head(limit: float) -> Rule:
    """Some head's distance is at least (``limit`` > 1) or at most this multiple of that of uniform attention."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _heads(evidence)
        far = limit > 1
        row = table.loc[table["ratio"].idxmax() if far else table["ratio"].idxmin()]
        text = f"layer {evidence.shown.heads_layer}: the {'farthest' if far else 'nearest'} of {len(table)} heads is "
        text += f"{_head(row)} times the distance of uniform attention"
        return Verdict(bool(row["ratio"] >= limit if far else row["ratio"] <= limit), text)

    return rule


def _layer(evidence: AssayEvidence, number: int) -> LayerAttention:
    """A layer on the example segment."""
    _of_swin(evidence)
    if number not in evidence.attention.layers:
        raise NotTested(f"{evidence.attention.path} has no layer {number}")
    return evidence.attention.layer(number)


def looks_back(share: float) -> Rule:
    """Some head puts at least this share of its attention between different tokens on earlier ones."""

    def rule(evidence: AssayEvidence) -> Verdict:
        layer = _layer(evidence, evidence.shown.heads_layer if evidence.shown else 0)
        shares = [_earlier(layer, head) for head in range(layer.weights.shape[0])]
        text = f"layer {layer.layer}, one test segment: share on earlier tokens by head "
        text += ", ".join(decimal(value, 2) for value in shares) + "; uniform attention 0.50"
        return Verdict(max(shares) >= share, text)

    return rule


def _earlier(layer: LayerAttention, head: int) -> float:
    before = other = 0.0
    for number in range(layer.weights.shape[1]):
        tokens = layer.window_tokens(number)
        weights = layer.fold(number, head)
        before += float(weights[tokens[None] < tokens[:, None]].sum())
        other += float(weights[tokens[None] != tokens[:, None]].sum())
    return before / other if other else 0.0


def windows_differ(moved: float) -> Rule:
    """Between two windows of one head, at least this share of the attention of a token lies elsewhere, on average."""

    def rule(evidence: AssayEvidence) -> Verdict:
        layer = _layer(evidence, evidence.shown.windows_layer if evidence.shown else 0)
        heads, windows = layer.weights.shape[:2]
        whole = [number for number in range(windows) if len(layer.window_tokens(number)) == layer.window]
        if len(whole) < 2:
            raise NotTested(f"layer {layer.layer} has one window")
        shares = [
            float(np.abs(layer.weights[head, a] - layer.weights[head, b]).sum(axis=-1).mean()) / 2
            for head in range(heads)
            for a, b in combinations(whole, 2)
        ]
        text = (
            f"layer {layer.layer}, one test segment, {len(whole)} windows and {heads} heads: share of attention that "
        )
        text += (
            f"differs {decimal(np.mean(shares), 2)} on average, {decimal(min(shares), 2)} to {decimal(max(shares), 2)}"
        )
        return Verdict(bool(np.mean(shares) >= moved), text)

    return rule
