"""Small inputs with the structure of real ones, and a reader for the text of a PDF."""

import re
import zlib
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from regulens.figures.inputs import Run

MODELS = {
    "maxpool_cnn": ("MaxPoolCNNs", 0.40),
    "attpool_cnn": ("AttPoolCNNs", 0.42),
    "attpool_dilated": ("AttPoolDilate", 0.45),
    "enformer": ("Enformer", 0.50),
    "swin1d": ("1D-Swin", 0.55),
}
GROUPS = {"DNase": 5, "ChIP": 8, "CAGE": 4}
LEVEL = {"DNase": 0.0, "ChIP": -0.05, "CAGE": -0.35}


def correlation_table(level: float, seed: int, counts: dict[str, int] = GROUPS) -> pd.DataFrame:
    """Per-track correlations around ``level``, lower for CAGE; track 1 has a constant target."""
    random = np.random.default_rng(seed)
    rows = []
    for group, count in counts.items():
        for _ in range(count):
            track = len(rows)
            r = float(np.clip(level + LEVEL.get(group, 0) + random.normal(0, 0.08), -1, 1))
            rows.append((track, f"T{track:03}", f"{group.upper()}:sample {track}", group, r, ""))
    table = pd.DataFrame(rows, columns=["track", "identifier", "description", "group", "pearson", "constant"])
    table.loc[1, ["pearson", "constant"]] = [np.nan, "target"]
    return table


def write_runs(folder: Path, seeds=(1,), counts: dict[str, int] = GROUPS, references: bool = True) -> list[Run]:
    """One table for each model and seed, the two reference rows first (they belong at the end of Table 1)."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = []
    if references:
        mean = correlation_table(0, 0, counts)
        mean["pearson"], mean["constant"] = np.nan, ["target" if i == 1 else "prediction" for i in range(len(mean))]
        for name, label, table in [
            ("mean", "Training mean", mean),
            ("gc_cpg_ridge", "GC + CpG ridge", correlation_table(0.2, 7, counts)),
        ]:
            table.to_csv(folder / f"{name}.csv", index=False)
            runs.append(Run(name, label, 0, folder / f"{name}.csv"))
    for number, (model, (label, level)) in enumerate(MODELS.items()):
        for seed in seeds:
            path = folder / f"{model}.{seed}.csv"
            correlation_table(level, 100 * number + seed, counts).to_csv(path, index=False)
            runs.append(Run(model, label, seed, path))
    return runs


@pytest.fixture
def runs(tmp_path) -> list[Run]:
    return write_runs(tmp_path / "pearson", seeds=(1, 2, 3))


@pytest.fixture
def published() -> Path:
    return Path(__file__).parents[2] / "config" / "published.csv"


def pdf_text(path: Path) -> str:
    """Characters shown as text in a PDF of matplotlib, string by string; nothing when text was drawn as curves."""
    data, lines = Path(path).read_bytes(), []
    for stream in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            content = zlib.decompress(stream.group(1))
        except zlib.error:
            continue
        for block in re.findall(rb"BT(.*?)ET", content, re.S):
            parts = re.findall(rb"\(((?:\\.|[^\\)])*)\)", block, re.S)
            raw = re.sub(rb"\\([()\\])", rb"\1", b"".join(parts))
            lines.append(raw.replace(b"\0", b"").decode("latin1"))
    return "\n".join(lines)


def attention_weights(heads: int, windows: int, w: int, reach: float, seed: int) -> np.ndarray:
    """Rows that sum to 1: attention that falls off with distance (``reach`` in tokens, wider for later heads)."""
    random = np.random.default_rng(seed)
    distance = np.abs(np.arange(w)[:, None] - np.arange(w)[None])
    scale = reach * 1.4 ** np.arange(heads)
    logits = -distance / scale[:, None, None, None] + random.normal(0, 0.8, (heads, windows, w, w))
    weights = np.exp(logits)
    return weights / weights.sum(-1, keepdims=True)


def write_attention(path: Path, bins=48, bin_bp=128, input_bp=6000, window=48, heads=4, layers=7, core=32) -> Path:
    """Attention of one example: ``layers`` window layers with regular and shifted blocks, then one full block."""
    padded = bins * bin_bp
    with h5py.File(path, "w") as file:
        random = np.random.default_rng(5)
        codes = random.integers(0, 4, padded).astype(np.uint8)
        pad = (padded - input_bp) // 2
        codes[:pad] = codes[padded - pad :] = 4
        file["sequence"] = codes
        file.attrs.update(location=f"chr7:1000-{1000 + input_bp}", example=3, model="swin1d")

        def put(layer, block, bp, tokens, offset, weights):
            data = file.create_dataset(f"layer{layer}_{block}/weights", data=weights.astype(np.float16))
            data.attrs.update(layer=layer, block=block, bp_per_token=bp, tokens=tokens, offset=offset)

        for layer in range(1, layers + 1):
            bp = 2 ** (layer - 1)
            tokens = padded // bp
            count = -(-tokens // window)
            reach = 1.5 + layer
            put(layer, "regular", bp, tokens, 0, attention_weights(heads, count, window, reach, layer))
            put(layer, "shifted", bp, tokens, window // 2, attention_weights(heads, count, window, reach, 50 + layer))
        put(layers + 1, "full", bin_bp, core, 0, attention_weights(heads, 1, core, 12, 99))
    return path


@pytest.fixture
def attention_file(tmp_path) -> Path:
    return write_attention(tmp_path / "attention.h5")
