"""Figure 5 from the stages that the real models describe."""

from figure_inputs import texts

from regulens.studies.genomic_interpreter.figure5 import comparison_figure, merged_columns


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
