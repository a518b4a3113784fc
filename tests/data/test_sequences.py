"""Files of labelled sequences: round trip, and errors that name file and line."""

import gzip

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.data.sequences import SequenceSet, read_sequences, write_sequences

HEADER = "id\tlabel\tsequence\n"


def random_set(count, length):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count, dtype=np.uint8)
    return SequenceSet([f"s {n}" for n in range(count)], labels, rng.integers(0, 4, (count, length), dtype=np.uint8))


def test_round_trip(tmp_path):
    path, written = tmp_path / "folder" / "train.tsv", random_set(50, 30)
    write_sequences(path, written)
    read = read_sequences(path)
    assert read.ids == written.ids
    for name in ("labels", "codes"):
        found = getattr(read, name)
        assert found.dtype == np.uint8
        assert np.array_equal(found, getattr(written, name))
    assert path.read_text().startswith(HEADER + "s 0\t")


def test_format(tmp_path):
    path = tmp_path / "a.tsv"
    write_sequences(path, SequenceSet(["a", "b"], np.array([1, 0], np.uint8), np.array([[0, 1, 2, 3], [3, 3, 0, 0]])))
    assert path.read_text() == HEADER + "a\t1\tACGT\nb\t0\tTTAA\n"


def test_reads_other_writers_files(tmp_path):
    """Another order of columns, further ones, Windows line ends, a byte order mark, empty lines, lower case, gzip."""
    path = tmp_path / "a.gz"
    path.write_bytes(
        gzip.compress("\ufeffsequence\tnote\tID\tlabel\r\nacgt\tx\ta\t1\r\n\r\nTTAA\ty\tb\t0\r\n".encode())
    )
    read = read_sequences(path)
    assert read.ids == ["a", "b"]
    assert read.labels.tolist() == [1, 0]
    assert read.codes.tolist() == [[0, 1, 2, 3], [3, 3, 0, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty: its first line must name the columns"),
        (HEADER, "the table has a header but no rows"),
        ("id\tlabel\tseq\na\t1\tACGT\n", "there is no column 'sequence'; found: id, label, seq"),
        ("id\tid\tlabel\tsequence\na\ta\t1\tACGT\n", "the column 'id' occurs twice"),
        (HEADER + "a\t1\tACGT\nb\t1\n", "line 3: 2 fields where the header has 3"),
        (HEADER + "a\t1\tACGT\n\nb\t1\tACG\n", "line 4: a sequence of 3 bp where the first has 4"),
        (HEADER + "a\t1\t\n", "line 2: the sequence is empty"),
        (HEADER + "a\t1\tACGT\nb\t0\tACNT\n", "line 3: 'N' in the sequence is not A, C, G or T"),
        (HEADER + "a\t1\tACGT\nb\t0\tACéT\n", "line 3: 'é' in the sequence"),
        (HEADER + "a\t1\tACGT\nb\t2\tACGT\n", "line 3: label must be 0 or 1, found '2'"),
        (HEADER + "a\t1\tACGT\nb\t0\tACGT\na\t0\tACGT\n", "line 4: the id 'a' is on line 2 too"),
        (HEADER + "\t1\tACGT\n", "line 2: '' cannot be an id"),
    ],
)
def test_reading_errors(tmp_path, text, message):
    path = tmp_path / "train.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_sequences(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="none.tsv: the file does not exist"):
        read_sequences(tmp_path / "none.tsv")
    with pytest.raises(InputError, match="cannot read the file"):
        read_sequences(tmp_path)
    binary, cut = tmp_path / "binary.tsv", tmp_path / "cut.tsv.gz"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="binary.tsv, line 1: not a text file"):
        read_sequences(binary)
    cut.write_bytes(gzip.compress((HEADER + "a\t1\tACGT\n").encode())[:-9])
    with pytest.raises(InputError, match="cut.tsv.gz: the compressed file is cut short or damaged"):
        read_sequences(cut)


@pytest.mark.parametrize("name", ["", "a\tb", "a\nb", " a"])
def test_ids_that_cannot_be_written(tmp_path, name):
    good = random_set(2, 4)
    with pytest.raises(InputError, match="cannot be an id"):
        write_sequences(tmp_path / "a.tsv", good._replace(ids=["x", name]))
    assert not list(tmp_path.iterdir())


def test_writing_refuses_what_could_not_be_read(tmp_path):
    good = random_set(3, 4)
    with pytest.raises(InputError, match="two sequences have the same id"):
        write_sequences(tmp_path / "a.tsv", good._replace(ids=["x", "y", "x"]))
    with pytest.raises(ValueError, match="do not fit together"):
        write_sequences(tmp_path / "a.tsv", good._replace(ids=["x"]))
    with pytest.raises(ValueError, match="codes must be 0 to 3"):
        write_sequences(tmp_path / "a.tsv", good._replace(codes=np.full((3, 4), 4, np.uint8)))
    assert not list(tmp_path.iterdir())
