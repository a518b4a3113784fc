"""Tables of motif sites: with and without roles, with and without rows."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.data.sequences import (
    SITE_COLUMNS,
    SequenceSet,
    check_sites,
    read_sequences,
    read_sites,
    write_sequences,
    write_sites,
)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
@pytest.mark.parametrize(
    "header",
    [
        "id\tstart\tend\tmotif\tstrand",
        "id\tstart\tend\tmotif\tstrand\trole",
        "ID,Start,End,Motif,Strand",
        "\ufeffmotif\tid\tstart\tend\tstrand\tnote",
    ],
)
def test_a_header_alone_is_a_table_without_sites(tmp_path, header, end):
    (tmp_path / "sites.tsv").write_bytes((header + end).encode())
    table = read_sites(tmp_path / "sites.tsv")
    assert list(table.columns) == list(SITE_COLUMNS)
    assert len(table) == 0
    assert table["start"].dtype == table["end"].dtype == "int64"
    write_sites(tmp_path / "again.tsv", table)
    assert len(read_sites(tmp_path / "again.tsv")) == 0


def test_sites_without_a_role_are_positive(tmp_path):
    (tmp_path / "sites.tsv").write_text("id\tstart\tend\tmotif\tstrand\na\t3\t9\tSP1\t-\n")
    table = read_sites(tmp_path / "sites.tsv")
    assert table.to_dict("records") == [
        {"id": "a", "start": 3, "end": 9, "motif": "SP1", "strand": "-", "role": "positive"}
    ]
    check_sites(table, table.set_index("id")["end"], "sites.tsv")


@pytest.mark.parametrize("name", ['gene_id "G001"; exon 1', '"', "'a'", '"quoted"', "NA", "007", "a,b", "é#1"])
def test_any_id_and_motif_survive_as_in_the_file_of_sequences(tmp_path, name):
    codes = np.zeros((1, 20), np.uint8)
    write_sequences(tmp_path / "test.tsv", SequenceSet([name], np.ones(1, np.uint8), codes))
    table = pd.DataFrame([(name, 3, 9, name, "+", "positive")], columns=list(SITE_COLUMNS))
    write_sites(tmp_path / "sites.tsv", table)
    assert read_sites(tmp_path / "sites.tsv").to_dict("records") == table.to_dict("records")
    assert read_sites(tmp_path / "sites.tsv")["id"].tolist() == read_sequences(tmp_path / "test.tsv").ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('id,start,end,motif,strand\na,3,9,"S\tP1",-\n', r"sites.tsv, line 2: 'S\\tP1' cannot be the motif"),
        ("id\tstart\tend\tmotif\n", "sites.tsv: there is no column 'strand'; found: id, start, end, motif"),
        ("", "sites.tsv: the file is empty"),
        ("id\tstart\tend\tmotif\tstrand\trole\na\t3\t9\tSP1\t-\tboth\n", "line 2: role must be positive or"),
    ],
)
def test_what_is_no_table_of_sites(tmp_path, text, message):
    (tmp_path / "sites.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_sites(tmp_path / "sites.tsv")


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="sites.tsv: the file does not exist"):
        read_sites(tmp_path / "sites.tsv")
