"""The table of stages that Figures 1 and 5 are drawn from."""

from regulens.data.settings import Geometry
from regulens.studies.genomic_interpreter.architectures import stages_table

MODELS = {
    "swin1d": {"architecture": "swin1d", "label": "1D-Swin", "settings": {"windows": 140}},
    "mine": {"architecture": "maxpool_cnn", "label": "Mine", "settings": {}},
}


def test_lengths_of_the_paper():
    table = stages_table(MODELS, Geometry(), 5313)
    swin = table[table["model"] == "swin1d"]
    layers = swin[swin["kind"] == "swin"]
    assert layers["tokens"].tolist() == [17920, 8960, 4480, 2240, 1120, 560, 280]
    assert layers["bp_per_token"].tolist() == [1, 2, 4, 8, 16, 32, 64]
    assert "4 windows" in layers["note"].iloc[5]
    crop = swin[swin["kind"] == "crop"].iloc[0]
    assert (crop["tokens"], crop["note"]) == (80, "30 + 30 tokens removed")
    assert table.groupby("model").last()["width"].tolist() == [5313, 5313]


def test_names_are_those_of_the_configuration():
    table = stages_table(MODELS, Geometry(), 3)
    assert table.groupby("model")["label"].unique().map(list).to_dict() == {"swin1d": ["1D-Swin"], "mine": ["Mine"]}
    assert all(rows["order"].tolist() == list(range(len(rows))) for _, rows in table.groupby("model"))
