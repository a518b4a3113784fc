"""The data card: every count in its place, shares that add up, and an empty cell where there is nothing to compare."""

import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.core.runs import TaskRun
from regulens.data.overlap import CARD_COLUMNS
from regulens.studies.dnabert_lrp.data_card import data_card, read_cards, to_markdown

NAMES = {"promoters": {"positive": "Promoter", "negative": "Non-promoter"}}
ROWS = [
    ("train", 1, 3000, 2900, 4, 1, None, None, None, 0.62, 251, 251, 251),
    ("train", 0, 1000, 90, 0, 1, None, None, None, 0.48, 251, 251, 251),
    ("test", 1, 300, 300, 0, 0, 0, 0, 12, 0.61, 200, 251, 1300),
    ("test", 0, 100, 60, 0, 0, 7, 2, 90, 0.47, 251, 251, 251),
    ("all", 1, 3300, 3100, 4, 1, None, None, None, 0.62, 200, 251, 1300),
    ("all", 0, 1100, 95, 0, 1, None, None, None, 0.48, 251, 251, 251),
]


@pytest.fixture
def run(tmp_path):
    pd.DataFrame(ROWS, columns=CARD_COLUMNS).to_csv(tmp_path / "card.csv", index=False)
    return TaskRun("promoters", "Promoters", 0, tmp_path / "card.csv")


def test_counts_and_shares(run):
    table = read_cards([run]).set_index(["split", "class"])
    assert table.loc[("test", "negative"), ["rows", "groups", "repeated", "overlapping"]].tolist() == [100, 60, 7, 90]
    assert table.loc[("test", "negative"), "share"] == 0.25
    assert (table.groupby("split")["share"].sum() == 1).all()
    assert table.loc["train", "overlapping"].isna().all()


def test_the_markdown_tells_counts_with_their_percentage(run):
    lines = to_markdown(read_cards([run]), NAMES, "A note.").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:8]]
    assert cells[0][:5] == ["Task", "Split", "Class", "Rows", "Share"]
    first = ["Promoters", "Training", "Promoter", "3,000", "75.0%", "2,900", "4", "1", "", "", "", "0.620", "251"]
    assert cells[2] == first
    assert cells[4][8:] == ["0", "0", "12 (4.0%)", "0.610", "200 to 1,300, 251"]
    assert cells[5][:5] == ["", "Test", "Non-promoter", "100", "25.0%"]
    assert cells[5][8:11] == ["7 (7.0%)", "2 (2.0%)", "90 (90.0%)"]
    assert lines[-1] == "- A note."


def test_files(run, tmp_path):
    table = data_card([run], tmp_path / "c.csv", tmp_path / "c.md", NAMES)
    read = pd.read_csv(tmp_path / "c.csv").astype(table.dtypes)
    pd.testing.assert_frame_equal(read, table, rtol=1e-5)
    assert (tmp_path / "c.md").read_text() == to_markdown(table, NAMES)


def test_wrong_tables_are_refused_by_name(run):
    table = pd.read_csv(run.path)
    table.drop(columns="groups").to_csv(run.path, index=False)
    with pytest.raises(InputError, match="card.csv: .*column groups is missing"):
        read_cards([run])
    with pytest.raises(InputError, match="at least one task"):
        read_cards([])
