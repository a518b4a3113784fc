"""Figures 1 and 5 from the stages that the real models describe."""

import pandas as pd
import pytest
from figure_inputs import MODELS, check_text, pdf_text, write_architectures

from regulens.core.errors import InputError
from regulens.data.settings import Geometry
from regulens.studies.genomic_interpreter.architectures import read_architectures
from regulens.studies.genomic_interpreter.figure1 import STRIP, figure1, genomic_interpreter_figure, window_of
from regulens.studies.genomic_interpreter.figure5 import comparison_figure, figure5, merged_columns


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """Stages of the five models at the paper's geometry."""
    return write_architectures(tmp_path_factory.mktemp("stages") / "paper.csv", Geometry(), 5313)


@pytest.fixture
def stages(paper):
    return read_architectures(paper)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_models_keep_their_order_and_stages_theirs(paper, tmp_path):
    pd.read_csv(paper).sample(frac=1, random_state=1).to_csv(tmp_path / "shuffled.csv", index=False)
    shuffled = read_architectures(tmp_path / "shuffled.csv")
    for _, part in shuffled.groupby("model"):
        assert list(part["order"]) == list(range(len(part)))
    assert list(dict.fromkeys(read_architectures(paper)["model"])) == list(MODELS)


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


def test_columns_of_figure5_are_the_papers(stages):
    assert merged_columns(stages, "swin1d") == [
        ["swin1d"],
        ["enformer"],
        ["maxpool_cnn"],
        ["attpool_dilated", "attpool_cnn"],
    ]


def test_models_that_differ_otherwise_keep_their_columns(stages):
    stages.loc[(stages["model"] == "attpool_cnn") & (stages["name"] == "Conv 3"), "width"] = 7
    assert len(merged_columns(stages, "swin1d")) == 5


def test_figure5_shows_every_stage_with_length_and_width(stages):
    shown = texts(comparison_figure(stages, "swin1d"))
    for row in stages.itertuples():
        assert any(text.split("\n")[0] == row.name for text in shown), row.name
        assert f"{row.tokens:,} × {row.width:,}" in shown
    assert "AttPoolCNNs, AttPoolDilate" in shown
    assert "AttPoolDilate\nonly" in shown
    assert shown.count("Head") == 4


def test_window_of_a_note():
    assert window_of("window 140, 4 windows, 8 heads") == 140
    assert window_of("3 windows") is None


def test_text_is_readable_at_both_geometries(stages, tmp_path):
    small = read_architectures(
        write_architectures(tmp_path / "small.csv", Geometry(input_bp=6144, bins=32, bin_bp=128), 12)
    )
    for table in (stages, small):
        check_text(genomic_interpreter_figure(table, "swin1d"))
        check_text(comparison_figure(table, "swin1d"))
    check_text(comparison_figure(stages[stages["model"].isin(["swin1d", "enformer"])], "swin1d"))


def test_unknown_model_and_missing_column_are_errors(paper, stages, tmp_path):
    with pytest.raises(InputError, match="main_model: 'swin2d' .*nearest valid: swin1d"):
        genomic_interpreter_figure(stages, "swin2d")
    pd.read_csv(paper).drop(columns="tokens").to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(InputError, match="bad.csv: column tokens is missing"):
        figure5(tmp_path / "bad.csv", "swin1d", tmp_path / "f.pdf", tmp_path / "f.png")


def test_files_hold_the_text(paper, tmp_path):
    figure1(paper, "swin1d", tmp_path / "1.pdf", tmp_path / "1.png")
    figure5(paper, "swin1d", tmp_path / "5.pdf", tmp_path / "5.png")
    assert "17,712 bp + 2 × 104 N" in pdf_text(tmp_path / "1.pdf")
    assert "8,960 × 768" in pdf_text(tmp_path / "5.pdf")
