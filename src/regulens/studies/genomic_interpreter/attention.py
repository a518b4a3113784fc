"""Attention of one example, read from its file, and the drawing of maps in Figures 4, 6 and 7."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from regulens.core.errors import InputError
from regulens.core.sequence import decode
from regulens.data.store import parse_location
from regulens.plotting.style import ATTENTION_COLOURS

# Attention of one example, read from its file and placed along the sequence (docs/papers.md, "Attention maps").


@dataclass(frozen=True)
class LayerAttention:
    """Attention weights of one layer and block for one example.

    Position ``p`` of window ``k`` is token ``(offset + k * w + p) % tokens``; positions with ``k * w + p >= tokens``
    are padding.
    """

    layer: int
    block: str
    bp_per_token: int
    tokens: int
    offset: int
    start_bp: int
    """Position of token 0 in bp from the start of the segment (negative inside the N padding)."""
    weights: np.ndarray
    """float32 (heads, windows, w queries, w keys); rows sum to 1 over the keys."""

    @property
    def window(self) -> int:
        """Tokens in a window."""
        return self.weights.shape[-1]

    def window_tokens(self, number: int) -> np.ndarray:
        """Tokens of one window in the order of its rows and columns, without padding."""
        first = number * self.window
        rolled = np.arange(first, min(first + self.window, self.tokens))
        return (rolled + self.offset) % self.tokens

    def window_map(self, number: int, head: int | None = None) -> np.ndarray:
        """Attention of one window in multiples of uniform attention over it, (valid, valid); heads averaged if None."""
        valid = len(self.window_tokens(number))
        weights = self.weights[:, number] if head is None else self.weights[head : head + 1, number]
        return weights[:, :valid, :valid].mean(0) * valid

    def central_window(self) -> int:
        """The window at the centre of the sequence (the left one of two)."""
        return (self.weights.shape[1] - 1) // 2

    def position(self, token: int | np.ndarray) -> int | np.ndarray:
        """Position of a token's first base in bp from the start of the segment."""
        return self.start_bp + token * self.bp_per_token

    def mean_distance_bp(self, head: int | None = None) -> float:
        """Mean distance |i - j| in bp under the attention, over all queries of a block that is not shifted."""
        total, count = 0.0, 0
        for number in range(self.weights.shape[1]):
            tokens = self.window_tokens(number)
            distance = np.abs(tokens[:, None] - tokens[None])
            total += float((self.window_map(number, head) / len(tokens) * distance).sum())
            count += len(tokens)
        return total / count * self.bp_per_token

    def sequence_map(self, cells: int = 140) -> np.ndarray:
        """Map of the whole sequence, in multiples of uniform attention, NaN where no window reaches.

        With more tokens than ``cells``, a cell is the mean over the reachable pairs of several tokens. Heads are
        averaged. Returns float64 (n, n), queries in rows, n <= cells.
        """
        step = -(-self.tokens // cells)
        n = -(-self.tokens // step)
        total, count = np.zeros((n, n)), np.zeros((n, n))
        for number in range(self.weights.shape[1]):
            tokens = self.window_tokens(number) // step
            # A window has few cells: summing over them is a product with a 0/1 matrix.
            cells_here, index = np.unique(tokens, return_inverse=True)
            member = np.zeros((len(cells_here), len(tokens)))
            member[index, np.arange(len(tokens))] = 1
            total[np.ix_(cells_here, cells_here)] += member @ self.window_map(number) @ member.T
            count[np.ix_(cells_here, cells_here)] += np.outer(member.sum(1), member.sum(1))
        return np.divide(total, count, out=np.full((n, n), np.nan), where=count > 0)


class AttentionFile:
    """The attention file of one example.

    Raises `InputError` if the file is missing or is not an attention file; `layer` raises it for an unknown layer.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        try:
            with h5py.File(self.path, "r") as file:
                if "sequence" not in file:
                    raise InputError(f"{path}: no data set 'sequence': not an attention file")
                self.codes: np.ndarray = file["sequence"][:]
                self.location = str(file.attrs.get("location", ""))
                self.example = int(file.attrs.get("example", -1))
                self.model = str(file.attrs.get("model", ""))
                self.blocks: dict[int, dict[str, str]] = {}
                for group in file:
                    if group != "sequence":
                        attributes = file[group]["weights"].attrs
                        self.blocks.setdefault(int(attributes["layer"]), {})[str(attributes["block"])] = group
        except (OSError, KeyError) as error:
            raise InputError(f"{path}: not a readable attention file ({error})") from None
        if not self.blocks:
            raise InputError(f"{path}: no layer in it: the model {self.model} has no attention")
        found = parse_location(self.location)
        self.segment_bp = found[2] - found[1] if found else len(self.codes)
        """Length of the segment without the N padding."""
        self.pad_bp = (len(self.codes) - self.segment_bp) // 2
        """N padding on either side."""

    @property
    def layers(self) -> list[int]:
        """Numbers of the layers, ascending."""
        return sorted(self.blocks)

    def layer(self, number: int, key: str = "layer", block: str | None = None) -> LayerAttention:
        """One layer; ``block`` None: the regular block of a window layer, or the only block of a Transformer layer."""
        if number not in self.blocks:
            valid = ", ".join(map(str, self.layers))
            raise InputError(f"{key}: layer {number} is not in {self.path}; valid layers: {valid}")
        blocks = self.blocks[number]
        block = block or ("regular" if "regular" in blocks else "full")
        if block not in blocks:
            raise InputError(f"{key}: layer {number} of {self.path} has no {block} block; valid: {', '.join(blocks)}")
        with h5py.File(self.path, "r") as file:
            data = file[blocks[block]]["weights"]
            weights = data[:].astype(np.float32)
            names = ("bp_per_token", "tokens", "offset", "start_bp")
            bp, tokens, offset, start = (int(data.attrs[name]) for name in names)
        return LayerAttention(number, block, bp, tokens, offset, start - self.pad_bp, weights)

    def token_letters(self, layer: LayerAttention, token: int) -> str:
        """The bases of a token."""
        start = layer.position(token) + self.pad_bp
        return decode(self.codes[start : start + layer.bp_per_token])


# Maps of attention.


def colour_norm(maps: Iterable[np.ndarray]) -> LogNorm:
    """Logarithmic colour scale for multiples of uniform attention: from at most 1/2 to at least 2, in powers of two.

    The range adapts to the data, because nearly uniform attention would otherwise be a single colour.
    """
    values = np.concatenate([m[np.isfinite(m)].ravel() for m in maps])
    low, high = np.percentile(values, [1, 99.8])
    top = min(64.0, max(2.0, 2.0 ** math.ceil(math.log2(max(high, 1)))))
    bottom = max(1 / 16, min(1 / 2, 2.0 ** math.floor(math.log2(max(low, 1e-9)))))
    return LogNorm(bottom, top, clip=True)


def show_map(axes: Axes, values: np.ndarray, first_bp: float, last_bp: float, norm: LogNorm):
    """Draw one map, queries from top to bottom; pairs outside all windows stay white.

    Without interpolation a PDF stores the values as pixels, which is small, and sharp at any zoom.
    """
    extent = (first_bp, last_bp, last_bp, first_bp)
    image = axes.imshow(
        np.ma.masked_invalid(values), cmap=ATTENTION_COLOURS, norm=norm, extent=extent, interpolation="none"
    )
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.xaxis.set_minor_locator(NullLocator())
    return image


def label_ends(axes: Axes, first_bp: float, last_bp: float, labels: tuple[str, str]) -> None:
    """Ticks at both ends only, with these labels on x, aligned inwards so that neighbouring panels do not collide."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([first_bp, last_bp]))
    axes.set_xticklabels(labels)
    axes.set_yticklabels(labels)
    left, right = axes.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    top, bottom = axes.get_yticklabels()
    top.set_verticalalignment("top")
    bottom.set_verticalalignment("bottom")


def colour_bar(figure: Figure, image, panels, norm: LogNorm) -> None:
    """Colour bar with ticks in multiples of uniform attention."""
    bar = figure.colorbar(image, ax=panels, fraction=0.04, pad=0.01, aspect=30, extend="both")
    ticks = 2.0 ** np.arange(round(math.log2(norm.vmin)), round(math.log2(norm.vmax)) + 1)
    bar.set_ticks(ticks[:: 1 if len(ticks) <= 8 else 2])
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}×" if v >= 1 else f"1/{1 / v:g}×"))
    bar.set_label("Attention, multiple of uniform")


def segment_name(file: AttentionFile) -> str:
    """Location of the example, for a title."""
    return file.location or f"test example {file.example}"


def layer_title(file: AttentionFile, layer: LayerAttention) -> str:
    """Where the example lies, and which layer and block is shown."""
    kind = "Transformer block" if layer.block == "full" else f"{layer.block} block, windows of {layer.window} tokens"
    return f"{segment_name(file)}, layer {layer.layer} ({layer.bp_per_token} bp/token, {kind})"
