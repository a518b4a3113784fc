"""The table of stages, and the text of Figures 1 and 5 at both geometries."""

import pandas as pd
import pytest
from figure_inputs import MODELS, check_text, pdf_text, write_architectures

from regulens.core.errors import InputError
from regulens.data.settings import Geometry
from regulens.studies.genomic_interpreter.architectures import read_architectures
from regulens.studies.genomic_interpreter.figure1 import figure1, genomic_interpreter_figure
from regulens.studies.genomic_interpreter.figure5 import comparison_figure, figure5


def test_models_keep_their_order_and_stages_theirs(paper, tmp_path):
    pd.read_csv(paper).sample(frac=1, random_state=1).to_csv(tmp_path / "shuffled.csv", index=False)
    shuffled = read_architectures(tmp_path / "shuffled.csv")
    for _, part in shuffled.groupby("model"):
        assert list(part["order"]) == list(range(len(part)))
    assert list(dict.fromkeys(read_architectures(paper)["model"])) == list(MODELS)


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
