"""Tables of committed results in documents."""

import pytest

from regulens.core.errors import InputError
from regulens.report.documents import with_tables

TABLE = """# Task 1

| Network | AUPR  | published |
| ------- | ----: | --------: |
| C24     | 0.90  | 0.91      |
| C4C6    | **0.88** | 0.89   |

- a note

| another | table |
| --- | --- |
| x | y |
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/task1.md").write_text(TABLE)

    def write(mark: str, old: str = "") -> str:
        path = tmp_path / "README.md"
        path.write_text(f"before\n\n<!-- table: {mark} -->\n{old}<!-- end of table -->\n\nafter\n")
        path.write_text(with_tables(path, tmp_path))
        text = path.read_text()
        assert with_tables(path, tmp_path) == text  # written again, it stays
        return text

    return write


def test_the_first_table_of_the_file_is_shown(written):
    assert written("results/task1.md", old="\n| old | table |\n\n") == (
        "before\n\n<!-- table: results/task1.md -->\n\n| Network | AUPR | published |\n| --- | ---: | ---: |\n"
        "| C24 | 0.90 | 0.91 |\n| C4C6 | **0.88** | 0.89 |\n\n<!-- end of table -->\n\nafter\n"
    )


def test_rows_and_columns_are_chosen(written):
    text = written("results/task1.md rows: C4C6; columns: published, Network")
    assert "| published | Network |\n| ---: | --- |\n| 0.89 | C4C6 |\n\n<!--" in text


def test_every_table_of_a_document_and_nothing_between_them(tmp_path):
    (tmp_path / "task1.md").write_text(TABLE)
    path = tmp_path / "README.md"
    marks = ["task1.md", "task1.md rows: C24; columns: AUPR, Network", "task1.md columns: Network"]
    text = "".join(
        f"## {number}\n\n<!-- table: {mark} -->\n<!-- end of table -->\n\ntext {number}\n\n"
        for number, mark in enumerate(marks)
    )
    path.write_text(text)
    for _ in range(3):
        path.write_text(with_tables(path, tmp_path))
    found = path.read_text()
    assert [line for line in found.splitlines() if line and line[0] != "|"] == [x for x in text.splitlines() if x]
    assert found.count("| Network |") == 3
    assert found.count("| AUPR | Network |\n| ---: | --- |\n| 0.90 | C24 |\n\n<!--") == 1


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("results/task2.md", "task2.md: the file does not exist"),
        ("results/task1.md rows: C16", "no row of .*task1.md matches 'C16'"),
        ("results/task1.md columns: AUROC", "column of .*task1.md: 'AUROC' does not exist; nearest valid: AUPR"),
    ],
)
def test_what_does_not_exist_is_said(written, mark, message):
    with pytest.raises(InputError, match=message):
        written(mark)


def test_a_file_without_a_table(written, tmp_path):
    (tmp_path / "results/none.md").write_text("no table\n")
    with pytest.raises(InputError, match="none.md has no table"):
        written("results/none.md")


def test_a_heading_that_occurs_twice_is_the_next_one(tmp_path):
    """In the tables of the hybrid networks every metric has a published value beside it."""
    row = "| Network | AUPR | published | TPR | published |\n| --- | --- | --- | --- | --- |\n| C24 | 1 | 2 | 3 | 4 |\n"
    (tmp_path / "task1.md").write_text(row)
    path = tmp_path / "README.md"
    for columns, cells in (("", "| C24 | 1 | 2 | 3 | 4 |"), (" columns: TPR, published", "| 3 | 4 |")):
        path.write_text(f"<!-- table: task1.md{columns} -->\n<!-- end of table -->\n")
        assert cells in with_tables(path, tmp_path)


def test_a_table_may_be_a_csv(tmp_path):
    (tmp_path / "tried.csv").write_text('model,what,r\ncnn,"small, fast",0.5\nswin,a|b,\n')
    path = tmp_path / "README.md"
    path.write_text("<!-- table: tried.csv columns: what, r -->\n<!-- end of table -->\n")
    assert "| what | r |\n| --- | ---: |\n| small, fast | 0.5 |\n| a\\|b |  |\n" in with_tables(path, tmp_path)
