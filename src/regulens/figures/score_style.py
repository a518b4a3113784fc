"""How a relevance score is drawn, the same in every figure: colour, marker and line, so that any one may be lost."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

from regulens.figures.style import (
    BLACK,
    BLUE,
    BROWN,
    GREEN,
    GREY,
    INDIGO,
    OLIVE,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
    WINE,
)

_Line = str | tuple[float, tuple[float, ...]]


class ScoreStyle(NamedTuple):
    """How one score is drawn. ``line`` is a line style of matplotlib."""

    colour: str
    marker: str
    line: _Line


RANDOM = "random"
"""Name of the random score, the reference of every figure."""

_DASHED, _DOTTED, _DASH_DOT = (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1))
_STYLES = {
    "lrp": ScoreStyle(BLUE, "o", "-"),
    "lrp_last": ScoreStyle(SKY_BLUE, "s", _DASHED),
    "full_lrp": ScoreStyle(GREEN, "^", _DASH_DOT),
    "rollout": ScoreStyle(PURPLE, "v", _DOTTED),
    "gradcam": ScoreStyle(ORANGE, "D", _DASHED),
    "attention": ScoreStyle(VERMILION, "X", "-"),
    "gradient_x_input": ScoreStyle(BLACK, "P", _DASH_DOT),
    RANDOM: ScoreStyle(GREY, "p", "-"),
}
_FURTHER = [
    ScoreStyle(WINE, "h", _DOTTED),
    ScoreStyle(OLIVE, "<", _DASHED),
    ScoreStyle(INDIGO, ">", _DASH_DOT),
    ScoreStyle(BROWN, "8", "-"),
]


def score_style(name: str) -> ScoreStyle:
    """Colour, marker and line of a score. A name without its own gets one of four more, always the same one."""
    return _STYLES.get(name) or _FURTHER[zlib.crc32(name.encode()) % len(_FURTHER)]


def in_order(names: Iterable[str]) -> list[str]:
    """Names of scores without repeats in the order of tables and legends; others follow as they came."""
    names = list(dict.fromkeys(names))
    return [name for name in _STYLES if name in names] + [name for name in names if name not in _STYLES]
