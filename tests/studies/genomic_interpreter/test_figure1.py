"""Figure 1 from the stages that the real models describe."""

import pytest
from figure_inputs import check_text, texts

from regulens.studies.genomic_interpreter.figure1 import STRIP, genomic_interpreter_figure, window_of


def test_figure1_tells_the_true_lengths(stages):
    shown = texts(genomic_interpreter_figure(stages, "swin1d"))
    rows = stages[stages["model"] == "swin1d"]
    for tokens in rows["tokens"]:
        assert f"{tokens:,}" in shown
    assert set(rows["name"]) <= set(shown)
    # a window of 140 tokens doubles in bp from layer to layer (docs/papers.md, "Geometry"); the Transformer sees the
    # target
    windows = ["128 × 140 bp", "64 × 280 bp", "32 × 560 bp", "16 × 1,120 bp", "8 × 2,240 bp", "4 × 4,480 bp"]
    for reach in (*windows, "2 × 8,960 bp", "1 × 10,240 bp"):
        assert reach in shown
    assert "Roll by 70 tokens" in shown
    assert "windows of\n140 tokens each" in shown


def test_figure1_draws_every_window_to_scale(stages):
    figure = genomic_interpreter_figure(stages, "swin1d")
    boxes = [collection.get_paths()[0].get_extents() for collection in figure.axes[0].collections]
    strips = [box for box in boxes if abs(box.height - 1.8) < 1e-6]
    assert len(strips) == 128 + 64 + 32 + 16 + 8 + 4 + 2 + 1
    widths = sorted({round(box.width, 4) for box in strips})
    assert widths[-2] == pytest.approx(STRIP / 2, rel=1e-3)  # layer 7: half of the segment
    assert widths[0] == pytest.approx(STRIP / 128, rel=1e-3)
    target = strips[-1]  # the Transformer sees 80 of 140 bins, at the centre of the segment
    assert (target.x0, target.x1) == pytest.approx((73 + STRIP * 30 / 140, 73 + STRIP * 110 / 140))


def test_windows_too_narrow_to_be_seen_are_one_strip(stages):
    rows = stages["name"] == "1D-Swin 1"
    stages.loc[rows, "note"] = "window 14, 1280 windows, 8 heads"
    figure = genomic_interpreter_figure(stages, "swin1d")
    boxes = [collection.get_paths()[0].get_extents() for collection in figure.axes[0].collections]
    strips = [box for box in boxes if abs(box.height - 1.8) < 1e-6]
    assert strips[0].width == pytest.approx(STRIP)
    assert len(strips) == 1 + 64 + 32 + 16 + 8 + 4 + 2 + 1
    assert "1,280 × 14 bp" in texts(figure)


def test_figure1_names_no_window_when_layers_differ(stages):
    stages.loc[stages["name"] == "1D-Swin 2", "note"] = "window 70, 128 windows, 8 heads"
    figure = genomic_interpreter_figure(stages, "swin1d")
    assert "windows\nof tokens" in texts(figure)
    assert "Roll by half a window" in texts(figure)
    check_text(figure)


def test_figure1_of_a_model_without_windows_has_no_detail(stages):
    shown = texts(genomic_interpreter_figure(stages, "maxpool_cnn"))
    assert "One 1D-Swin layer" not in shown
    assert "Max pool 7" in shown


def test_window_of_a_note():
    assert window_of("window 140, 4 windows, 8 heads") == 140
    assert window_of("3 windows") is None
