"""Reading what commands wrote."""

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.core.tables import marked, read_table, write_csv

AGAIN = "the file is damaged or of another version, make it again"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", f"not a table .*: {AGAIN}"),
        (b"a,b\n1,2\n1,2,3\n", f"not a table .*: {AGAIN}"),
        (b"a,b\n\xff,2\n", f"not a table .*: {AGAIN}"),
        (b"a,c,d\n1,2,3\n", f"column b, x is missing, found a, c, d: {AGAIN}"),
        (b"a,b,x\n", f"the table has no rows: {AGAIN}"),
        (b"a,b,x\n2,3,4\n1,high,3\n", f"column b has values that are not numbers .row 2: 'high'.: {AGAIN}"),
    ],
)
def test_what_is_not_the_table_is_an_error(tmp_path, content, message):
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}: {message}$"):
        read_table(path, ["a", "b", "x"], ["b"])


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}: cannot read the table: Is a directory"):
        read_table(tmp_path, [])


def test_empty_cells_are_nan_or_text(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("a\tb\n1\tNA\n\tx\n")
    assert np.isnan(read_table(path, ["a"], ["a"], sep="\t").loc[1, "a"])
    assert read_table(path, ["b"], sep="\t", keep_default_na=False)["b"].tolist() == ["NA", "x"]


def test_a_table_without_rows_where_that_is_allowed(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n")
    assert read_table(tmp_path / "t.csv", ["a"], ["a"], may_be_empty=True).empty


def test_numbers_are_written_with_six_digits(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n1.23456789,7,\n2e-12,8,x\n")
    table = read_table(path, ["a"], ["a", "b"])
    write_csv(table, tmp_path / "new" / "t.csv")
    assert (tmp_path / "new/t.csv").read_text() == "a,b,c\n1.23457,7,\n2e-12,8,x\n"


@pytest.mark.parametrize(
    ("low", "high", "chance", "cell"),
    [
        (0.1, 0.3, 0.0, "**x**"),
        (-0.3, -0.1, 0.0, "*x*"),
        (-0.1, 0.3, 0.0, "x"),
        (0.1, 0.3, 0.5, "*x*"),
        (np.nan, np.nan, 0.0, "x"),
    ],
)
def test_a_cell_is_marked_where_its_interval_leaves_chance(low, high, chance, cell):
    assert marked("x", low, high, chance) == cell
