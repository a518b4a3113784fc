"""The informative span of hand-made motifs."""

import numpy as np
import pytest

from regulens.motifs.meme import informative_span

SHARP = [0.97, 0.01, 0.01, 0.01]


def motif(*columns, width=20):
    """Uniform but for the given columns."""
    frequencies = np.full((width, 4), 0.25)
    frequencies[list(columns)] = SHARP
    return frequencies


@pytest.mark.parametrize(
    ("columns", "span"),
    [
        ((8, 11), (5, 15, True)),  # the uniform columns between them stay
        ((1, 10), (0, 14, True)),
        ((10, 18), (7, 20, True)),
        ((19,), (16, 20, True)),
        ((0,), (0, 4, True)),  # the published code keeps 20
        ((0, 5), (0, 9, True)),
        ((), (0, 20, False)),
    ],
)
def test_spans(columns, span):
    assert informative_span(motif(*columns)) == span


def test_the_border_is_strict_and_the_pad_a_choice():
    frequencies = motif(width=10)
    frequencies[4] = [0.5, 0.5, 0, 0]  # 1 bit, up to the floor inside the logarithm
    assert informative_span(frequencies, 0.999, 0) == (4, 5, True)
    assert informative_span(frequencies, 1.001, 0) == (0, 10, False)
    assert informative_span(frequencies, 0.5, 2) == (2, 7, True)
    uniform = motif(width=10)
    assert not informative_span(uniform, 2 + np.log2(0.25 + 1e-7), 0).informative  # exactly the threshold
