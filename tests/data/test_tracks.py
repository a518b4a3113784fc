"""Track tables: the real ones, and everything that can be wrong with one."""

import numpy as np
import pytest
from disguises import DISGUISES

from regulens.core.errors import InputError
from regulens.data.tracks import assign_groups, read_track_table, tracks_from_text, tracks_to_text

GROUPS = {"DNase": ["DNASE", "ATAC"], "ChIP": ["CHIP"], "CAGE": ["CAGE"], "RNA": ["RNA", "RNA3"]}
HEADER = "index\tidentifier\tfile\tclip\tclip_soft\tscale\tsum_stat\tstrand_pair\tdescription"


@pytest.fixture
def write(tmp_path):
    def write(*rows: str, header: str = HEADER):
        path = tmp_path / "targets.txt"
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    return write


def test_table_of_the_paper(mirror):
    table = assign_groups(read_track_table(mirror / "targets_human.txt"), GROUPS)
    assert len(table) == 5313
    assert table["group"].value_counts().to_dict() == {"DNase": 684, "ChIP": 3991, "CAGE": 638}
    assert list(table["group"].cat.categories) == ["DNase", "ChIP", "CAGE"]
    assert np.isnan(table["clip_soft"]).all()
    assert (table["strand_pair"] == np.arange(5313)).all()
    assert "CD133+ stem cells - cord blood derived" in table["description"][5137]


def test_atac_moves_to_another_group_by_configuration(mirror):
    groups = {"DNase": ["DNASE"], "ChIP": ["CHIP", "ATAC"], "CAGE": ["CAGE"]}
    table = assign_groups(read_track_table(mirror / "targets_human.txt"), groups)
    assert table["group"].value_counts().to_dict() == {"DNase": 674, "ChIP": 4001, "CAGE": 638}


def test_table_of_the_small_data_set(mirror):
    table = assign_groups(read_track_table(mirror / "hg38_tiny/targets.txt"), GROUPS)
    assert table["group"].value_counts().to_dict() == {"RNA": 40, "CAGE": 24, "DNase": 10}
    assert table.loc[0, ["identifier", "clip", "clip_soft", "sum_stat"]].tolist() == ["CNhs10752+", 384, 64, "sum_sqrt"]
    assert (table["strand_pair"][table["strand_pair"]] == np.arange(74)).all()
    assert table["strand_pair"][:3].tolist() == [1, 0, 3]


def test_text_keeps_everything(mirror):
    table = assign_groups(read_track_table(mirror / "hg38_tiny/targets.txt"), GROUPS)
    again = tracks_from_text(tracks_to_text(table))
    assert list(again["group"].cat.categories) == ["DNase", "CAGE", "RNA"]  # of the map, not of the rows
    assert again["group"].tolist() == table["group"].tolist()
    assert again.drop(columns="group").equals(table.drop(columns="group"))


def test_replicates_share_a_text(write):
    header = HEADER.replace("strand_pair", "strand_pair\treplicates")
    path = write("0\ta\ta.bw\t1\t\t1\tsum\t0\tx+\tCAGE:x", "1\tb\tb.bw\t1\t\t1\tsum\t1\t \tCAGE:x", header=header)
    table = assign_groups(read_track_table(path), GROUPS)
    assert table["replicates"].tolist() == ["x+", ""]
    assert tracks_from_text(tracks_to_text(table))["replicates"].tolist() == ["x+", ""]
    assert read_track_table(write("0\ta\ta.bw\t1\t\t1\tsum\t0\tCAGE:x"))["replicates"].tolist() == [""]


def test_strand_pairs_count_by_the_index_column(write):
    path = write("10\ta\ta.bw\t1\t\t1\tsum\t20\tCAGE:x", "20\tb\tb.bw\t1\tnan\t1\tsum\t10\tCAGE:x")
    assert read_track_table(path)["strand_pair"].tolist() == [1, 0]


def test_odd_texts_survive(write):
    """Identifiers that look like missing values, and quotes, are text."""
    path = write('0\tNA\t1\t1\t\t1\tsum\t\tCAGE:5" cap "x"', "1\tnull\t2\t1\t\t1\tsum\t\tCAGE:")
    table = read_track_table(path)
    assert table["identifier"].tolist() == ["NA", "null"]
    assert tracks_from_text(tracks_to_text(table))["description"][0] == 'CAGE:5" cap "x"'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0\ta\ta.bw\tmany\t\t1\tsum\t0\tCAGE:x", "track 0 has clip 'many': it must be a positive number"),
        ("0\ta\ta.bw\t1\t\t0\tsum\t0\tCAGE:x", "track 0 has scale '0'"),
        ("0\ta\ta.bw\t1\t\t1\ttotal\t0\tCAGE:x", "sum_stat 'total': use one of sum, mean"),
        ("0\ta\ta.bw\t1\t\t1\tsum\t7\tCAGE:x", "strand_pair '7', which is the index of no track"),
        ("0\ta\ta.bw\t1\t\t1\tsum\tCAGE:x", "track 0 has 8 fields where the header has 9"),
    ],
)
def test_wrong_rows(write, row, message):
    with pytest.raises(InputError, match=message):
        read_track_table(write(row))


def test_wrong_tables(write, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_track_table(tmp_path / "none.txt")
    with pytest.raises(InputError, match="no column clip, sum_stat"):
        read_track_table(write(header="identifier\tfile\tscale\tdescription"))
    with pytest.raises(InputError, match="no tracks"):
        read_track_table(write())
    with pytest.raises(InputError, match="'a' of track 1 occurs twice"):
        read_track_table(write("0\ta\tx\t1\t\t1\tsum\t0\tCAGE:x", "1\ta\tx\t1\t\t1\tsum\t1\tCAGE:x"))
    rows = [f"{i}\tt{i}\tx\t1\t\t1\tsum\t{pair}\tCAGE:x" for i, pair in enumerate([1, 2, 0])]
    with pytest.raises(InputError, match="track 0 names track 1 as its strand_pair, but that one names track 2"):
        read_track_table(write(*rows))


def test_types_without_a_group(write):
    table = read_track_table(write("0\ta\tx\t1\t\t1\tsum\t0\tHIC:x"))
    with pytest.raises(InputError, match=r"mine.tsv: track 0 \(a\) has the type HIC, which is in no group"):
        assign_groups(table, GROUPS, "mine.tsv")
    with pytest.raises(InputError, match="HIC is in the groups A and B"):
        assign_groups(table, {"A": ["HIC"], "B": ["HIC"]})
    with pytest.raises(InputError, match="must start with its type and a colon"):
        assign_groups(table.assign(description="liver"), GROUPS)


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_tables_as_they_come(write, disguise):
    """With an index column, which a byte order mark would hide."""
    path = write("11\ta\tx\t1\t\t1\tsum\t12\tCAGE:é+", "12\tb\tx\t1\t\t1\tsum\t11\tCAGE:é-")
    plain = read_track_table(path)
    path.write_bytes(disguise(path.read_text()))
    assert read_track_table(path).equals(plain)
    assert plain["strand_pair"].tolist() == [1, 0]
