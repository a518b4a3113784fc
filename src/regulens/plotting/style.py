"""Style of all figures: sizes, fonts, writing of files, and colours and markers of models, networks and scores.

Figures are drawn at their final size (85 mm for one column, 178 mm for two), so that the font sizes below are those on
paper. Colours are Okabe and Ito's, which stay apart for colour-blind readers; markers and line styles differ as well,
because a grey print loses the colours. A model, an activation or a score looks the same in every figure.
"""

import functools
import textwrap
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from regulens.core.io import atomic_output, display_path

MM = 1 / 25.4

SINGLE_COLUMN = 85
"""Width of one column in mm."""

DOUBLE_COLUMN = 178
"""Width of two columns in mm."""

PAGE_HEIGHT = 240
"""Height of a printed page in mm."""

PNG_DPI = 300

RASTER_DPI = 600
"""Resolution of rasterised points and images inside a PDF."""

SMALL, NORMAL, LARGE = 6, 7, 8
"""Font sizes in points: ticks, legends and remarks (the smallest); labels and titles; panel letters."""

RC = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same font on every machine
    "font.size": NORMAL,
    "text.parse_math": False,  # labels are the user's: a $ is a dollar sign
    "axes.titlesize": NORMAL,
    "axes.labelsize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "figure.titlesize": NORMAL,
    "figure.labelsize": NORMAL,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "axes.labelpad": 2,
    "axes.titlepad": 3,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # keep text as text: selectable, editable
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.02,
    "figure.constrained_layout.w_pad": 0.02,
}

SLATE = "#607D8B"
BLACK, DARK_GREY, GREY, MIDDLE_GREY, LIGHT_GREY = "#000000", "#4D4D4D", "#7F7F7F", "#A0A0A0", "#D9D9D9"

ORANGE, SKY_BLUE, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"

BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

WINE, OLIVE, INDIGO, BROWN, TEAL, VIOLET = "#882255", "#999933", "#332288", "#8C6D00", "#44AA99", "#7A5BA6"
"""Colours of models, scores and networks without their own."""

DARK_VERMILION, DARK_GREEN = "#8C3E00", "#00684C"
"""Darker shades, e.g. for a second kind of block or the windows of a stage."""

ATTENTION_COLOURS = "cividis"
"""Colour map of attention with monotonic lightness, suitable for colour-blind readers and grey prints."""

SIGNED_COLOURS = "RdBu_r"
"""Colour map of values with a sign, symmetric around 0: blue below, red above."""

# Figures.


def styled(function: Callable) -> Callable:
    """Decorator of drawing functions: applies ``RC`` without changing matplotlib's global state."""

    @functools.wraps(function)
    def inner(*args, **kwargs):
        with matplotlib.rc_context(RC):
            return function(*args, **kwargs)

    return inner


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """An empty figure of this size on paper, created without pyplot: no global reference, no display.

    The width must be that of one or two columns, so that figures and their fonts are never scaled on the page.
    """
    if width_mm not in (SINGLE_COLUMN, DOUBLE_COLUMN):
        raise ValueError(f"a figure is {SINGLE_COLUMN} or {DOUBLE_COLUMN} mm wide, not {width_mm:g} mm")
    figure = Figure(figsize=(width_mm * MM, height_mm * MM))
    FigureCanvasAgg(figure)
    return figure


def page_width(least_mm: float) -> int:
    """Width in mm of a figure that needs ``least_mm``: one column if that suffices, else two."""
    return SINGLE_COLUMN if least_mm <= SINGLE_COLUMN else DOUBLE_COLUMN


@styled
def fix_layout(figure: Figure) -> None:
    """Compute the final layout and fix it.

    Panels with a fixed aspect need a second pass of constrained layout; after one, a label may be off the page.
    """
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


@styled
def save(figure: Figure, pdf: Path | str | None = None, png: Path | str | None = None) -> None:
    """Write a figure as PDF (with text as text) and PNG (300 dpi), atomically.

    The path is stored in the file, so that a copy can be traced (`provenance.trace.original`), but no date, so that the
    same figure gives the same bytes.
    """
    fix_layout(figure)
    if pdf is not None:
        facts = {"CreationDate": None, "Subject": display_path(Path(pdf))}
        with atomic_output(pdf) as target:
            figure.savefig(target, format="pdf", dpi=RASTER_DPI, metadata=facts)
    if png is not None:
        facts = {"Software": None, "Source": display_path(Path(png))}
        with atomic_output(png) as target:
            figure.savefig(target, format="png", dpi=PNG_DPI, metadata=facts)


def title(figure: Figure, text: str) -> None:
    """Title of a whole figure, wrapped to its width."""
    figure.suptitle(textwrap.fill(text, int(figure.get_figwidth() / MM / 1.45)))


def thousands(number: float) -> str:
    """12345 to '12,345', with a true minus."""
    return f"{number:,.0f}".replace("-", "\N{MINUS SIGN}")


def base_pairs(length: float) -> str:
    """A length in bp as text: '140 bp', '4.48 kb'."""
    return f"{length:.3g} bp" if length < 999.5 else f"{length / 1000:.3g} kb"


def marker_size(marker: str) -> float:
    """Marker size in points, so that all cover about the same area."""
    return {"*": 6.5, "P": 5.0, "D": 3.8, "s": 4.0}.get(marker, 4.5)


# Models.


class ModelStyle(NamedTuple):
    """Style of one model in every figure."""

    colour: str
    marker: str


TRUTH = ModelStyle(BLACK, "*")

DNABERT = "dnabert"
"""Name of the model of the second study, whose tasks are all drawn in its colour."""

_MODEL_STYLES = {
    "maxpool_cnn": ModelStyle(GREEN, "^"),
    "attpool_cnn": ModelStyle(ORANGE, "v"),
    "attpool_dilated": ModelStyle(PURPLE, "D"),
    "enformer": ModelStyle(BLUE, "s"),
    "swin1d": ModelStyle(VERMILION, "o"),
    "mean": ModelStyle(GREY, "x"),
    "gc_cpg_ridge": ModelStyle(DARK_GREY, "P"),
    DNABERT: ModelStyle(INDIGO, "d"),
}

_FURTHER_MODELS = [
    ModelStyle(SKY_BLUE, "p"),
    ModelStyle(WINE, "h"),
    ModelStyle(OLIVE, "<"),
    ModelStyle(TEAL, ">"),
    ModelStyle(BROWN, "X"),
]


def model_style(name: str) -> ModelStyle:
    """Colour and marker of a model; a name without an entry always gets the same one of five further styles."""
    return _MODEL_STYLES.get(name) or _FURTHER_MODELS[zlib.crc32(name.encode()) % len(_FURTHER_MODELS)]


def model_colour(name: str) -> str:
    """Colour of a model, the same in every figure."""
    return model_style(name).colour


# Hybrid networks.


BASELINES = {
    "c24": "C24",
    "c4c6": "C4C6",
    "c4": "C4-LSTM",
}
"""Baselines in the order of the rows of Figures 2 and 3, with their labels."""

POOLING = {"c24": "max-pooling 24", "c4c6": "max-pooling 4 and 6", "c4": "max-pooling 4 and 6"}
"""How the baselines differ: by their pooling."""


class ActivationStyle(NamedTuple):
    """How the networks with one activation of the first layer are drawn."""

    label: str
    colour: str
    line: str
    marker: str


ACTIVATIONS = {
    "relu": ActivationStyle("ReLU", BLUE, "-", "o"),
    "exponential": ActivationStyle("Exponential", VERMILION, "--", "s"),
}
"""Activations of the first layer: x and y of Figures 2 and 3."""


def activation_style(name: str) -> ActivationStyle:
    """Label, colour, line and marker of an activation; grey, with its own name, if the paper does not have it."""
    return ACTIVATIONS.get(name, ActivationStyle(name, GREY, ":", "D"))


_MODULES_STYLES = {  # markers of the paper's figures (docs/papers.md, "Figures 2 and 3")
    "": ModelStyle(BLACK, "o"),
    "Att": ModelStyle(BLUE, "^"),
    "LSTM-Att": ModelStyle(SKY_BLUE, "s"),
    "Trans1": ModelStyle(GREEN, "P"),
    "Trans2": ModelStyle(ORANGE, "*"),
    "Trans4": ModelStyle(VERMILION, "D"),
}

_FURTHER_MODULES = {
    "LSTM": ModelStyle(GREY, "v"),
    "Trans": ModelStyle(PURPLE, "X"),
    "other": ModelStyle(WINE, "h"),
}


def modules_style(modules: Sequence[str]) -> ModelStyle:
    """Colour and marker of the modules after a baseline.

    LSTM-TransN and TransN look alike, because the LSTM of the latter belongs to its baseline (C4-LSTM).
    """
    name = combination(modules)
    name = name.removeprefix("LSTM-") if "Trans" in name else name
    return (
        _MODULES_STYLES.get(name)
        or _FURTHER_MODULES.get("Trans" if name.startswith("Trans") else name)
        or _FURTHER_MODULES["other"]
    )


def combination(modules: Sequence[str]) -> str:
    """Name of the modules after a baseline, as in the paper: '', 'Att', 'LSTM-Att', 'LSTM-Trans2', ...

    Consecutive equal modules are counted: two encoder blocks are 'Trans2'.
    """
    names, counts = [], []
    for module in modules:
        if module == "transformer" and names and names[-1] == "Trans":
            counts[-1] += 1
            continue
        names.append({"lstm": "LSTM", "attention": "Att", "transformer": "Trans"}.get(module, module))
        counts.append(1)
    return "-".join(f"{name}{count}" if name == "Trans" else name for name, count in zip(names, counts, strict=True))


# Relevance scores: colour, marker and line are redundant, so that a figure remains legible without one of them.


class ScoreStyle(NamedTuple):
    """How one score is drawn. ``line`` is a line style of matplotlib."""

    colour: str
    marker: str
    line: str | tuple[float, tuple[float, ...]]


RANDOM = "random"
"""Name of the random score, the reference of every figure."""

_DASHED, _DOTTED, _DASH_DOT = (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1))

_SCORE_STYLES = {
    "lrp": ScoreStyle(BLUE, "o", "-"),
    "lrp_last": ScoreStyle(SKY_BLUE, "s", _DASHED),
    "full_lrp": ScoreStyle(GREEN, "^", _DASH_DOT),
    "rollout": ScoreStyle(PURPLE, "v", _DOTTED),
    "gradcam": ScoreStyle(ORANGE, "D", _DASHED),
    "attention": ScoreStyle(VERMILION, "X", "-"),
    "attnlrp": ScoreStyle(WINE, "h", _DOTTED),
    "gradient_x_input": ScoreStyle(BLACK, "P", _DASH_DOT),
    RANDOM: ScoreStyle(GREY, "p", "-"),
    # Of assay models.
    "integrated_gradients": ScoreStyle(OLIVE, "<", _DASH_DOT),
    "lrp_conserving": ScoreStyle(TEAL, ">", _DASHED),
    "mutagenesis": ScoreStyle(VIOLET, "d", "-"),
    "attention_flow": ScoreStyle(DARK_VERMILION, "v", _DOTTED),
    "deletion": ScoreStyle(INDIGO, "*", "-"),
    "inverse_distance": ScoreStyle(SLATE, "1", _DOTTED),
    "activity": ScoreStyle(DARK_GREEN, "2", _DASHED),
    "activity_by_distance": ScoreStyle(BROWN, "3", _DASHED),
}

_FURTHER_SCORES = [
    ScoreStyle(OLIVE, "<", _DASHED),
    ScoreStyle(INDIGO, ">", _DASH_DOT),
    ScoreStyle(BROWN, "8", "-"),
]


def score_style(name: str) -> ScoreStyle:
    """Colour, marker and line of a score; a name without an entry always gets the same one of three further styles."""
    return _SCORE_STYLES.get(name) or _FURTHER_SCORES[zlib.crc32(name.encode()) % len(_FURTHER_SCORES)]


def in_order(names: Iterable[str]) -> list[str]:
    """Unique names of scores in the order of tables and legends; unknown ones follow in the given order."""
    names = list(dict.fromkeys(names))
    return [name for name in _SCORE_STYLES if name in names] + [name for name in names if name not in _SCORE_STYLES]
