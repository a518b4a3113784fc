"""What holds for every figure: its size, its fonts, its labels, its bytes, and what has which colour."""

import re
from pathlib import Path

import pytest
from every_figure import every_figure
from figure_inputs import MODELS, check_text, pdf_text
from matplotlib.colors import to_hex
from matplotlib.text import Text
from score_inputs import SCORES

import regulens
from regulens.plotting.style import (
    ACTIVATIONS,
    DNABERT,
    DOUBLE_COLUMN,
    PAGE_HEIGHT,
    SINGLE_COLUMN,
    model_colour,
    model_style,
    save,
    score_style,
)
from regulens.training.settings import REFERENCE_ROWS

NAMES = [
    *["figure1", "figure2", "figure3", "figure4a", "figure4b", "figure5", "figure6", "figure6_two_heads", "figure7"],
    *["attention_distance", "loss_curves", "mutagenesis", "mutagenesis_one_task", "agreement", "agreement_one_task"],
    *[
        "truth",
        "truth_one_task",
        "positions",
        "relevance",
        "motif_logos",
        "fine_tuning",
        "pretraining",
        "hybrid_figure1",
    ],
    *["hybrid_figure2", "hybrid_figure3", "filters", "saliency", "training", "training_one_baseline"],
]
ONE_COLUMN = {
    *["figure6_two_heads", "attention_distance", "mutagenesis_one_task", "agreement_one_task", "truth_one_task"],
    *["fine_tuning", "pretraining", "training_one_baseline"],
}
SCHEMATIC = {"figure1.py", "schematic.py"}
"""Modules whose boxes have tints of their own."""


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    return {name: draw() for name, draw in every_figure(tmp_path_factory.mktemp("first")).items()}


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    return every_figure(tmp_path_factory.mktemp("second"))


def test_no_figure_is_forgotten(figures):
    assert list(figures) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_label_is_read_as_a_formula(figures, name):
    texts = [text for text in figures[name].findobj(Text) if text.get_text()]
    assert texts
    assert not [text for text in texts if text.get_parse_math()]


@pytest.mark.parametrize("name", NAMES)
def test_width_is_one_column_or_two_and_the_height_fits_a_page(figures, name):
    width, height = figures[name].get_size_inches() * 25.4
    assert width == pytest.approx(SINGLE_COLUMN if name in ONE_COLUMN else DOUBLE_COLUMN)
    assert height <= PAGE_HEIGHT


@pytest.mark.parametrize("name", NAMES)
def test_text_has_at_least_6_points_and_nothing_overlaps_or_leaves_the_page(figures, name):
    check_text(figures[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_with_ticks_says_what_it_shows(figures, name):
    figure = figures[name]
    shown = [axes for axes in figure.axes if axes.axison]
    for number, axes in enumerate(shown):
        for which in "xy":
            assert _described(figure, shown, axes, which), f"{name}: axes {number} have no label on {which}"


def _described(figure, shown, axes, which) -> bool:
    """A label of the axis, of its row or column, or of the figure; names of its own as ticks; or no ticks at all."""

    def own(one) -> bool:
        names = [label.get_text() for label in getattr(one, f"get_{which}ticklabels")()]
        named = any(re.search("[A-Za-z]{3}", text) for text in names)
        return named or bool(getattr(one, f"get_{which}label")())

    def place(one) -> float:
        return getattr(one.get_position(), f"{which}0")

    ticks = getattr(axes, f"get_{which}ticks")()
    track = which == "y" and any(text.get_position()[0] < 0 for text in axes.texts)  # its name stands at the left
    part = axes.get_label() == "broken axis"  # of the panel above or below it
    bar = axes.get_label() == "<colorbar>" and bool(axes.get_xlabel() or axes.get_ylabel())
    beside = any(own(one) for one in shown if abs(place(one) - place(axes)) < 1e-3)
    whole = bool(getattr(figure, f"get_sup{which}label")())
    return not len(ticks) or own(axes) or part or track or bar or beside or whole


@pytest.mark.parametrize("name", NAMES)
def test_the_text_of_a_pdf_is_text(figures, name, tmp_path):
    figure = figures[name]
    save(figure, tmp_path / "f.pdf")
    data, found = (tmp_path / "f.pdf").read_bytes(), pdf_text(tmp_path / "f.pdf")
    assert b"/FontFile2" in data  # TrueType
    assert b"/Type3" not in data
    assert b"CreationDate" not in data
    texts = [text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel(), axes.get_title())]
    texts += [text.get_text() for axes in figure.axes for text in axes.texts]
    # A ligature (ff, fi, fl) is one glyph; what is not ASCII has its place in another font.
    lines = {line for text in texts for line in text.split("\n") if line.strip() and line.isascii()}
    lines = {line for line in lines if not re.search("f[fil]", line)}
    assert lines
    assert not [line for line in lines if line not in found]


@pytest.mark.parametrize("name", ["figure4a", "mutagenesis_one_task", "relevance"])
def test_drawn_twice_a_figure_has_the_same_bytes(figures, again, name, tmp_path):
    """Maps, lines with bars, letters; points that are pixels in the PDF: test_figure_style."""
    for place, figure in (("first", figures[name]), ("second", again[name]())):
        save(figure, tmp_path / place / "f.pdf", tmp_path / place / "f.png")
    for kind in ("pdf", "png"):
        assert (tmp_path / f"first/f.{kind}").read_bytes() == (tmp_path / f"second/f.{kind}").read_bytes()


def _lines(figure, colours) -> set[str]:
    """Which of these colours the lines of a figure have."""
    found = {to_hex(line.get_color()).upper() for axes in figure.axes for line in axes.lines}
    return {name for name, colour in colours.items() if colour.upper() in found}


def test_a_model_has_its_colour_in_every_figure(figures):
    colours = {name: model_colour(name) for name in MODELS}
    assert _lines(figures["loss_curves"], colours) == set(MODELS)
    assert _lines(figures["figure5"], colours) == set(MODELS)
    points = {to_hex(axes.collections[0].get_facecolor()[0]).upper() for axes in figures["figure2"].axes}
    assert points == {colour.upper() for name, colour in colours.items() if name != "swin1d"}
    bars = [to_hex(axes.patches[0].get_facecolor()).upper() for axes in figures["figure3"].axes]
    assert bars == ["#000000", model_colour("swin1d"), model_colour("enformer")]
    for name in ("fine_tuning", "pretraining"):
        assert {to_hex(line.get_color()).upper() for axes in figures[name].axes for line in axes.lines} == {
            model_colour(DNABERT)
        }


def test_a_score_has_its_colour_and_marker_in_every_figure(figures):
    colours = {name: score_style(name).colour for name in SCORES}
    for name in ("mutagenesis", "mutagenesis_one_task", "truth", "truth_one_task"):
        assert _lines(figures[name], colours) == set(SCORES)
        for line in (line for axes in figures[name].axes for line in axes.lines if line.get_label() in SCORES):
            look = score_style(line.get_label())
            assert line.get_color() == look.colour
            assert line.get_marker() in (look.marker, "None")


def test_an_activation_has_its_colour(figures):
    colours = {name: look.colour for name, look in ACTIVATIONS.items()}
    for name in ("training", "training_one_baseline"):
        assert _lines(figures[name], colours) == set(ACTIVATIONS)


def test_without_colours_markers_and_lines_still_differ():
    models = [model_style(name).marker for name in (*MODELS, *REFERENCE_ROWS, DNABERT)]
    assert len(set(models)) == len(models)
    scores = [score_style(name).marker for name in SCORES]
    assert len(set(scores)) == len(scores)
    for attribute in ("line", "marker"):
        looks = [getattr(look, attribute) for look in ACTIVATIONS.values()]
        assert len(set(looks)) == len(looks)


def test_colours_and_font_sizes_come_from_the_style():
    """No module has a colour or a font size of its own, so that there is one place to change them."""
    for path in sorted(
        p for room in ("plotting", "studies") for p in (Path(regulens.__file__).parent / room).rglob("*.py")
    ):
        text = path.read_text()
        if path.name == "style.py":
            continue
        assert not re.findall(r"font_?size\W{1,3}\d", text), f"{path.name} has a font size of its own"
        if path.name not in SCHEMATIC:
            assert not re.findall(r"[\"']#[0-9A-Fa-f]{6}[\"']", text), f"{path.name} has a colour of its own"
