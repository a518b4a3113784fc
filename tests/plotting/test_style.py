"""Writing figures: sizes, deterministic bytes, whole files; one look for every model."""

import os
import re
import struct
import subprocess
import sys

import matplotlib
import pytest
from figure_inputs import MODELS, pdf_text

from regulens.plotting.style import DOUBLE_COLUMN, base_pairs, model_style, new_figure, save, styled
from regulens.training.settings import REFERENCE_ROWS


@styled
def small_figure(title="Mean r ± sd"):
    figure = new_figure(DOUBLE_COLUMN, 40)
    axes = figure.subplots()
    axes.imshow([[0, 1], [2, 3]])
    axes.set_title(title)
    axes.set_xlabel("Position (kb)")
    return figure


def test_png_has_the_width_of_two_columns_at_300_dpi(tmp_path):
    save(small_figure(), png=tmp_path / "f.png")
    data = (tmp_path / "f.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (int(178 / 25.4 * 300), int(40 / 25.4 * 300))
    assert re.search(rb"pHYs(.{4})", data, re.S)[1] == struct.pack(">I", round(300 / 0.0254))


def test_pdf_holds_text_as_text_and_no_date(tmp_path):
    save(small_figure(), pdf=tmp_path / "f.pdf")
    data = (tmp_path / "f.pdf").read_bytes()
    assert "Position (kb)" in pdf_text(tmp_path / "f.pdf")
    assert "Mean r ± sd" in pdf_text(tmp_path / "f.pdf")
    assert b"/FontFile2" in data  # TrueType, not Type 3 outlines
    assert b"CreationDate" not in data


@pytest.mark.parametrize("label", ["$x_1$", "$5_{ and $6", "$\\unknowncommand$", "a $ b", "50 % & #1 ^ ~ {", "\\alpha"])
def test_labels_are_printed_as_they_stand(tmp_path, label):
    save(small_figure(title=label), tmp_path / "f.pdf", tmp_path / "f.png")
    assert label in pdf_text(tmp_path / "f.pdf")


def test_bytes_do_not_depend_on_the_process_or_the_date(tmp_path):
    code = """
import sys
from regulens.plotting.style import new_figure, save, styled

figure = styled(new_figure)(85, 40)
axes = styled(figure.subplots)()
axes.imshow([[0, 1], [2, 3]])
axes.scatter([0, 1], [0, 1], rasterized=True, label="points")
axes.set_title(sys.argv[2])
axes.legend()
save(figure, sys.argv[1] + "/figure.pdf", sys.argv[1] + "/figure.png")
"""
    for number, title in (("1", "title"), ("2", "title"), ("3", "another title")):
        environment = os.environ | {"PYTHONHASHSEED": number, "SOURCE_DATE_EPOCH": f"{number}000000"}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / number), title], check=True, env=environment)
    for suffix in (".pdf", ".png"):
        first, second, other = ((tmp_path / number / f"figure{suffix}").read_bytes() for number in "123")
        assert first == second
        assert first != other


def test_a_failure_leaves_no_file_and_keeps_the_old_one(tmp_path):
    (tmp_path / "f.pdf").write_text("old")
    figure = small_figure()

    def fails(target, **options):
        target.write_text("half")
        raise ValueError("no such glyph")

    figure.savefig = fails
    with pytest.raises(ValueError, match="no such glyph"):
        save(figure, tmp_path / "f.pdf", tmp_path / "f.png")
    assert [path.name for path in tmp_path.iterdir()] == ["f.pdf"]
    assert (tmp_path / "f.pdf").read_text() == "old"


def test_drawing_leaves_the_global_style_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    save(small_figure(), tmp_path / "f.pdf")
    assert dict(matplotlib.rcParams) == before


def test_models_differ_in_colour_and_marker():
    looks = [model_style(name) for name in (*MODELS, *REFERENCE_ROWS)]
    assert len({look.colour for look in looks}) == len(looks)
    assert len({look.marker for look in looks}) == len(looks)


def test_a_sixth_model_has_a_colour_of_its_own_that_never_changes():
    look = model_style("borzoi")
    assert look == model_style("borzoi")
    assert look not in [model_style(name) for name in MODELS]
    assert len({model_style(f"model{number}") for number in range(20)}) == 5


@pytest.mark.parametrize(("length", "text"), [(140, "140 bp"), (999, "999 bp"), (4480, "4.48 kb"), (17920, "17.9 kb")])
def test_lengths_are_readable(length, text):
    assert base_pairs(length) == text
