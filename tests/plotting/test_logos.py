"""Logos: every letter in its place, at its height, upright."""

import numpy as np
import pytest

from regulens.plotting.logos import LETTER_COLOURS, LETTER_WIDTH, LETTERS, draw_logo, relevance_heights
from regulens.plotting.style import new_figure


def drawn(heights: np.ndarray, start: float = 0):
    """Axes with a logo, and the outline of every letter: letter to a list of vertices, from left to right."""
    axes = new_figure(85, 40).subplots()
    draw_logo(axes, heights, start)
    letters = {}
    for patch in axes.findobj(lambda artist: artist.get_gid() in tuple(LETTERS)):
        path = patch.get_path()
        begins = [*np.flatnonzero(path.codes == path.MOVETO), len(path.vertices)]
        # A holds two outlines, its own and that of its counter, so letters are told apart by their places.
        pieces = [path.vertices[a : b - 1] for a, b in zip(begins[:-1], begins[1:], strict=True)]  # less CLOSEPOLY
        by_place = {}
        for piece in pieces:
            by_place.setdefault(int(np.floor(piece[:, 0].min() - start)), []).append(piece)
        letters[patch.get_gid()] = {place: np.concatenate(parts) for place, parts in by_place.items()}
    return axes, letters


def box(vertices: np.ndarray) -> list[float]:
    """Left, right, bottom, top."""
    return [vertices[:, 0].min(), vertices[:, 0].max(), vertices[:, 1].min(), vertices[:, 1].max()]


@pytest.mark.parametrize("letter", list(LETTERS))
def test_a_letter_fills_its_box(letter):
    heights = np.zeros((3, 4))
    heights[1, LETTERS.index(letter)] = 0.7
    _, letters = drawn(heights, start=10)
    assert list(letters) == [letter]
    margin = (1 - LETTER_WIDTH) / 2
    np.testing.assert_allclose(box(letters[letter][1]), [11 + margin, 12 - margin, 0, 0.7], atol=1e-12)


def test_positive_letters_stand_on_each_other_the_tallest_on_top():
    _, letters = drawn(np.array([[0.2, 0.5, 0.0, 0.1]]))
    edges = {letter: box(places[0])[2:] for letter, places in letters.items()}
    assert set(edges) == {"A", "C", "T"}
    np.testing.assert_allclose([edges["T"], edges["A"], edges["C"]], [[0, 0.1], [0.1, 0.3], [0.3, 0.8]], atol=1e-12)


def test_negative_letters_hang_below_zero_and_stay_upright():
    _, letters = drawn(np.array([[0.3, -0.4, -0.1, 0], [0, 0.4, 0, 0]]))
    np.testing.assert_allclose(box(letters["A"][0])[2:], [0, 0.3], atol=1e-12)
    np.testing.assert_allclose(box(letters["G"][0])[2:], [-0.1, 0], atol=1e-12)
    np.testing.assert_allclose(box(letters["C"][0])[2:], [-0.5, -0.1], atol=1e-12)
    _, letters = drawn(np.array([[0, 0, 0, -0.4], [0, 0, 0, 0.4]]))
    below, above = letters["T"][0], letters["T"][1]
    np.testing.assert_allclose(below + [1, 0.4], above, atol=1e-12)
    bar, foot = above[above[:, 1] > 0.35], above[above[:, 1] < 0.05]
    assert np.ptp(bar[:, 0]) > 2 * np.ptp(foot[:, 0])


def test_zero_and_undefined_heights_draw_nothing():
    axes, letters = drawn(np.array([[0.0, np.nan, 0, 0], [0, 0, 0, 1]]))
    assert list(letters) == ["T"]
    assert list(letters["T"]) == [1]
    assert len(axes.patches) == 1


def test_each_base_has_a_colour_and_one_patch_for_all_its_letters():
    codes = np.arange(200) % 4
    axes, _ = drawn(relevance_heights(codes, np.linspace(-1, 1, 200)))
    assert len(axes.patches) == 4
    shown = {patch.get_gid(): patch.get_facecolor() for patch in axes.patches}
    assert len(set(shown.values())) == len(set(LETTER_COLOURS.values())) == 4


def test_relevance_stands_at_the_letter_of_the_base():
    heights = relevance_heights(np.array([2, 0, 3], np.uint8), np.array([0.5, -1, 2.0]))
    np.testing.assert_array_equal(heights, [[0, 0, 0.5, 0], [-1, 0, 0, 0], [0, 0, 0, 2]])
