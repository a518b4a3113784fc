"""Small inputs of the figures with the structure of real ones, and checks of what is drawn."""

import re
import zlib
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from matplotlib.text import Text

from regulens.core.runs import Run
from regulens.data.settings import Geometry
from regulens.plotting.style import fix_layout
from regulens.studies.genomic_interpreter.architectures import stages_table

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

        def put(layer, block, bp, tokens, offset, weights, start=0):
            data = file.create_dataset(f"layer{layer}_{block}/weights", data=weights.astype(np.float16))
            data.attrs.update(layer=layer, block=block, bp_per_token=bp, tokens=tokens, offset=offset, start_bp=start)

        for layer in range(1, layers + 1):
            bp = 2 ** (layer - 1)
            tokens = padded // bp
            count = -(-tokens // window)
            reach = 1.5 + layer
            put(layer, "regular", bp, tokens, 0, attention_weights(heads, count, window, reach, layer))
            put(layer, "shifted", bp, tokens, window // 2, attention_weights(heads, count, window, reach, 50 + layer))
        put(
            layers + 1,
            "full",
            bin_bp,
            core,
            0,
            attention_weights(heads, 1, core, 12, 99),
            (padded - core * bin_bp) // 2,
        )
    return path


def write_architectures(path: Path, geometry: Geometry, tracks: int) -> Path:
    """The stages that the real models describe, at their default sizes."""
    models = {name: {"architecture": name, "label": label, "settings": {}} for name, (label, _) in MODELS.items()}
    stages_table(models, geometry, tracks).to_csv(path, index=False)
    return path


def write_distances(path: Path, layers=7, heads=4, window=48, segments=60) -> Path:
    """Distances that grow with the layer, heads around their mean, one Transformer block at the end."""
    rows = []
    for layer in range(1, layers + 2):
        bp = 2 ** (layer - 1)
        uniform = window / 3 * bp
        for block in ("regular", "shifted") if layer <= layers else ("full",):
            for head in ["all", *range(1, heads + 1)]:
                mean = uniform * (0.3 + 0.05 * layer) * (1 if head == "all" else 0.5 + 0.2 * head)
                rows.append((layer, block, bp, head, mean, 0.1 * mean, uniform, segments))
    columns = ["layer", "block", "bp_per_token", "head", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


def write_logs(folder: Path, seeds=(1, 2), epochs=20) -> list[Run]:
    """Losses that fall and flatten; the first training loss is far above the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    runs, epoch = [], np.arange(1, epochs + 1)
    for number, (model, (label, _)) in enumerate(MODELS.items()):
        for seed in seeds:
            random = np.random.default_rng(10 * number + seed)
            train = 0.5 + 0.4 * np.exp(-epoch / 4) + random.normal(0, 0.01, epochs)
            train[0] += 3
            log = pd.DataFrame(
                {
                    "epoch": epoch,
                    "lr": 3e-4,
                    "train_loss": train,
                    "valid_loss": 0.6 + 0.3 * np.exp(-epoch / 4) + random.normal(0, 0.01, epochs),
                    "valid_pearson": 0.3 * (1 - np.exp(-epoch / 5)) + random.normal(0, 0.01, epochs),
                    "seconds": 1.5,
                    "examples_per_s": 30.0,
                }
            )
            log.to_csv(folder / f"{model}.{seed}.csv", index=False)
            runs.append(Run(model, label, seed, folder / f"{model}.{seed}.csv"))
    return runs


def check_text(figure, smallest: float = 6) -> None:
    """No text is smaller than 6 pt, cut off at the edge of the figure, or on top of other text."""
    fix_layout(figure)
    renderer, page = figure.canvas.get_renderer(), figure.bbox
    boxes, hidden = [], _hidden(figure)
    for text in figure.findobj(Text):
        if not (text.get_text().strip() and text.get_visible()) or id(text) in hidden:
            continue
        assert text.get_fontsize() >= smallest, text.get_text()
        box = text.get_window_extent(renderer)
        inside = box.x0 > page.x0 - 1 and box.x1 < page.x1 + 1 and box.y0 > page.y0 - 1 and box.y1 < page.y1 + 1
        assert inside, f"{text.get_text()!r} leaves the page"
        boxes.append((text.get_text(), box))
    assert boxes
    for number, (first, a) in enumerate(boxes):
        for second, b in boxes[number + 1 :]:
            wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert wide < 1 or high < 1, f"{first!r} and {second!r} overlap"


def _hidden(figure) -> set[int]:
    """Texts that are not painted: those of hidden axes, and tick labels outside of the limits (by identity)."""
    hidden = set()
    for axes in figure.axes:
        if not axes.axison:
            hidden |= {id(text) for text in axes.findobj(Text)} - {id(text) for text in axes.texts}
            continue
        for axis in (axes.xaxis, axes.yaxis):
            shown = {id(tick.label1) for tick in axis._update_ticks() if tick.label1.get_visible()}
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            hidden |= {id(label) for tick in ticks for label in (tick.label1, tick.label2)} - shown
    return hidden


def maps(figure):
    """The maps of a figure, by panel, without the colour bar."""
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def texts(figure):
    """The texts in the first panel of a figure."""
    return [text.get_text() for text in figure.axes[0].texts]
