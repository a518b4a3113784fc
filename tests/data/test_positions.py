"""Coverage from tables of positions: TSS counts, dyads, sites."""

import gzip
import os
import re
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
from disguises import DISGUISES
from pydantic import ValidationError

from regulens.core.errors import InputError
from regulens.data.positions import footprints, positions_to_bigwig, read_positions
from regulens.data.settings import PositionTable, Rows

TSS = PositionTable(file="tss.txt", contig="seq", position="TSS", strand="strand", count="nTAGs")
TSS_TEXT = "seq\tTSS\tstrand\tnTAGs\tisreal\nI\t   11\t+\t   2\tTRUE\nI\t   11\t+\t   3\tTRUE\nII\t1\t-\t7\tTRUE\n"
BED = PositionTable(file="sites.bed", contig=1, position=2, end=3, first=0)


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(">I\n" + "A" * 50 + "\n>II\n" + "C" * 20 + "\n>III\n" + "G" * 20 + "\n")
    return path


def write(tmp_path, text, name="table.txt"):
    path = tmp_path / name
    path.write_text(text)
    return path


def coverage(path):
    with pyBigWig.open(str(path)) as file:
        return {c: np.nan_to_num(file.values(c, 0, n, numpy=True)) for c, n in file.chroms().items()}


def spikes(path):
    return {
        contig: {int(place): float(values[place]) for place in np.flatnonzero(values)}
        for contig, values in coverage(path).items()
    }


def test_strands_become_two_files_and_rows_of_one_position_are_added(tmp_path, fasta):
    table = write(tmp_path, TSS_TEXT)
    for strand, expected, number in (
        ("plus", {"I": {10: 5.0}, "II": {}, "III": {}}, 2),
        ("minus", {"I": {}, "II": {0: 7.0}, "III": {}}, 1),
        ("both", {"I": {10: 5.0}, "II": {0: 7.0}, "III": {}}, 3),
    ):
        output = tmp_path / f"{strand}.bw"
        assert positions_to_bigwig(table, fasta, TSS, {}, output, strand) == number
        assert spikes(output) == expected


def test_the_middle_of_intervals(tmp_path, fasta):
    # 0-based: [2, 5) is 2, 3, 4; an empty interval is its start. 1-based: 3 to 5 is the same.
    zero = write(tmp_path, "I\t2\t5\nI\t7\t7\nI\t20\t24\n", "zero.bed")
    one = write(tmp_path, "I 3 5\nI 8 8\nI 21 24\n", "one.txt")
    assert read_positions(zero, BED)["position"].tolist() == [3, 7, 21]
    assert read_positions(one, BED.model_copy(update={"first": 1}))["position"].tolist() == [3, 7, 21]


def test_a_footprint_around_each_position(tmp_path, fasta):
    table = write(tmp_path, "I\t10\t2\nI\t12\t1\nI\t1\t1\nII\t20\t0.5\nII\t5\t0\n")
    footprint = PositionTable(file="x", contig=1, position=2, count=3, width_bp=5)
    output = tmp_path / "out.bw"
    assert positions_to_bigwig(table, fasta, footprint, {}, output) == 4
    expected = np.zeros(50)
    for first, count in ((9, 2), (11, 1), (0, 1)):
        expected[max(first - 2, 0) : first + 3] += count
    found = coverage(output)
    assert found["I"].tolist() == expected.tolist()
    assert np.flatnonzero(found["II"]).tolist() == [17, 18, 19]  # cut at the end of the contig
    with pyBigWig.open(str(output)) as file:
        assert file.intervals("I") == ((0, 3, 1.0), (7, 9, 2.0), (9, 12, 3.0), (12, 14, 1.0))


def test_many_footprints_against_a_sum_base_by_base():
    rng = np.random.default_rng(0)
    positions, counts = rng.integers(0, 1000, 500), rng.gamma(1, 1, 500)
    for width in (1, 2, 147):
        expected = np.zeros(1200)
        for position, count in zip(positions, counts, strict=True):
            first = position - width // 2
            expected[max(first, 0) : first + width] += count
        found = np.zeros(1200)
        for start, end, value in zip(*footprints(positions, counts, width, 1200), strict=True):
            found[start:end] = value
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rows_are_chosen_by_a_column_and_comments_left_out(tmp_path):
    table = write(tmp_path, "# made by hand\nI\t1\t2\tx\tReb1_a\n\nI\t5\t6\tx\tAbf1_a\nI\t9\t10\tx\tReb1_b\n")
    chosen = BED.model_copy(update={"where": Rows(column=5, matches="Reb1_")})
    rows = read_positions(table, chosen)
    assert rows["position"].tolist() == [1, 9]
    assert rows["line"].tolist() == [2, 5]


def test_compressed_tables_and_values_that_are_no_counts(tmp_path, fasta):
    path = tmp_path / "dyads.txt.gz"
    path.write_bytes(gzip.compress(b"I          11      1.06       0.599\nII 3 2.5 1\n"))
    output = tmp_path / "dyads.bw"
    positions_to_bigwig(path, fasta, PositionTable(file="x", contig=1, position=2, count=3), {}, output)
    assert spikes(output)["II"] == {2: 2.5}
    assert spikes(output)["I"] == {10: pytest.approx(1.06)}


def test_contigs_of_another_name(tmp_path, fasta):
    table = write(tmp_path, "chr1\t4\t5\nchr2\t6\t7\nchrM\t1\t2\n")
    output = tmp_path / "sites.bw"
    with pytest.raises(InputError) as error:
        positions_to_bigwig(table, fasta, BED, {}, output)
    assert 'crop.contig_names: {"chr1": "I", "chr2": "II"}' in str(error.value)
    with pytest.raises(InputError, match=r"line 3: .* has no contig 'chrM' .* or to null, which leaves it out"):
        positions_to_bigwig(table, fasta, BED, {"chr1": "I", "chr2": "II"}, output)
    assert not output.exists()
    positions_to_bigwig(table, fasta, BED, {"chr1": "I", "chr2": "II", "chrM": None}, output)
    assert spikes(output) == {"I": {4: 1.0}, "II": {6: 1.0}, "III": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no positions in it"),
        ("seq\tTSS\tstrand\tnTAGs\n", "it has no row"),
        ("seq\tTSS\tnTAGs\nI\t1\t2\n", "no column 'strand' for strand"),
        ("seq\tTSS\tstrand\tnTAGs\nI\t1\t+\n", "line 2: 3 columns where 4 are needed"),
        (
            "seq\tTSS\tstrand\tnTAGs\nI\tx\t+\t1\n",
            "line 2, position: a whole number of at least 0 is needed, found 'x'",
        ),
        ("seq\tTSS\tstrand\tnTAGs\nI\t1.5\t+\t1\n", "line 2, position: a whole number"),
        ("seq\tTSS\tstrand\tnTAGs\nI\t1\t.\t1\n", "line 2, strand: the strand must be . or -, found '.'"),
        ("seq\tTSS\tstrand\tnTAGs\nI\t1\t+\t-1\n", "line 2, count: a number of at least 0 is needed, found '-1'"),
        ("seq\tTSS\tstrand\tnTAGs\nI\t1\t+\tnan\n", "line 2, count: a number of at least 0"),
        ("seq\tTSS\tstrand\tnTAGs\nI\t51\t+\t1\n", "line 2: base 51 of I, which has 50 bp"),
        ("seq\tTSS\tstrand\tnTAGs\nI\t0\t+\t1\n", "line 2: base 0 of I, .* set first"),
        ("seq\tTSS\tstrand\tnTAGs\n2micron\t3\t+\t1\n", "has no contig of .*genome.fa"),
    ],
)
def test_malformed_tables(tmp_path, fasta, text, message):
    table, output = write(tmp_path, text), tmp_path / "out.bw"
    with pytest.raises(InputError, match=message):
        positions_to_bigwig(table, fasta, TSS, {}, output)
    assert not output.exists()


def test_an_interval_that_ends_before_it_starts(tmp_path):
    with pytest.raises(InputError, match="line 1, end: the end must not be before the start, found '1'"):
        read_positions(write(tmp_path, "I\t5\t1\n"), BED)


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_tables_as_they_come(tmp_path, disguise):
    path = write(tmp_path, TSS_TEXT)
    plain = read_positions(path, TSS).drop(columns="line")
    path.write_bytes(disguise(TSS_TEXT))
    assert read_positions(path, TSS).drop(columns="line").equals(plain)


def test_nothing_on_a_strand_is_said(tmp_path, fasta, capsys):
    table = write(tmp_path, "seq\tTSS\tstrand\tnTAGs\nI\t5\t+\t1\n")
    assert positions_to_bigwig(table, fasta, TSS, {}, tmp_path / "minus.bw", "minus") == 0
    assert "no position on strand minus" in capsys.readouterr().err
    assert not any(values.any() for values in coverage(tmp_path / "minus.bw").values())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"contig": "seq", "position": 2}, "name all columns"),
        ({"contig": 1, "position": 2, "where": {"column": "name", "matches": "x"}}, "name all columns"),
        ({"contig": 1, "position": 2, "where": {"column": 5, "matches": "("}}, "is not a regular expression"),
        ({"contig": 0, "position": 2}, "greater than 0"),
        ({"contig": 1, "position": 2, "first": 2}, "0 or 1"),
    ],
)
def test_settings_that_contradict_each_other(keys, message):
    with pytest.raises(ValidationError, match=message):
        PositionTable(file="x", **keys)


def test_every_yeast_table_is_read():
    mirror = os.environ.get("REGULENS_MIRROR")
    if not mirror or not (Path(mirror) / "yeast").is_dir():
        pytest.skip("REGULENS_MIRROR names no folder with the yeast data")
    from regulens.config import load

    study = load("config/small.yaml").genomic_interpreter
    for name, settings in study.data.positions.items():
        rows = read_positions(Path(mirror) / settings.file, settings)
        assert len(rows) > 200, name
        names = {study.data.crop.contig_names.get(contig, contig) for contig in rows["contig"]}
        assert all(re.fullmatch("[IVX]+|Mito", contig) for contig in names), name
