"""Random access to FASTA files as they come, by an index that is checked against the file."""

import gzip
import os

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.core.sequence import decode, encode
from regulens.data.genome import Genome, index_fasta

CONTIGS = {"chr1": 400, "chr2": 61, "empty": 0, "chr3": 60, "chrM": 7}


@pytest.fixture
def sequences():
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 5, length, dtype=np.uint8) for name, length in CONTIGS.items()}


def fasta(sequences, width=60, end="\n", note="note", between="", first=""):
    """Text of a FASTA with ``between`` after each contig."""
    lines = [first]
    for name, codes in sequences.items():
        text = decode(codes)
        lines += [f">{name} {note}\n", *(f"{text[i : i + width]}\n" for i in range(0, len(text), width)), between]
    return "".join(lines).replace("\n", end)


def check(path, sequences):
    with Genome(path) as genome:
        assert genome.lengths == {name: len(codes) for name, codes in sequences.items()}
        for name, codes in sequences.items():
            for start, end in ((-5, 7), (0, 60), (59, 61), (120, 300), (-3, len(codes) + 3), (500, 503), (-9, -2)):
                inside = [codes[i] if 0 <= i < len(codes) else 4 for i in range(start, end)]
                np.testing.assert_array_equal(genome.codes(name, start, end), inside, name)


@pytest.mark.parametrize(
    ("options", "encoding"),
    [
        ({}, "ascii"),
        ({"width": 7}, "ascii"),
        ({"width": 1000}, "ascii"),
        ({"end": "\r\n"}, "ascii"),
        ({"end": "\r"}, "ascii"),
        ({}, "utf-8-sig"),
        ({"note": "é\u00a0é"}, "latin-1"),
        ({"note": "é\u00a0é"}, "utf-8"),
        ({"between": "\n\n\n"}, "ascii"),
        ({"between": "  \n\n", "end": "\r\n"}, "ascii"),
        ({"first": "\n\n;a comment\n\n"}, "utf-8-sig"),
    ],
)
def test_files_as_they_come(tmp_path, sequences, options, encoding):
    path = tmp_path / "genome.fa"
    path.write_bytes(fasta(sequences, **options).encode(encoding))
    check(path, sequences)
    index = tmp_path / "genome.fa.fai"
    written = index.stat().st_mtime_ns
    check(path, sequences)
    assert index.stat().st_mtime_ns == written, "the index that was written fits"
    del sequences["empty"]
    text = fasta(sequences, **options).encode(encoding).rstrip()
    path.write_bytes(text)
    check(path, sequences)


def test_the_index_is_that_of_samtools(tmp_path):
    """The example of its manual, https://www.htslib.org/doc/faidx.html"""
    text = ">one\nATGCATGCATGCATGCATGCATGCATGCAT\nGCATGCATGCATGCATGCATGCATGCATGC\nATGCAT\n>two another chromosome\n"
    (tmp_path / "x.fa").write_text(text + "ATGCATGCATGCAT\nGCATGCATGCATGC\n")
    index_fasta(tmp_path / "x.fa")
    assert (tmp_path / "x.fa.fai").read_text() == "one\t66\t5\t30\t31\ntwo\t28\t98\t14\t15\n"
    (tmp_path / "x.fa").write_text((text + "ATGCATGCATGCAT\nGCATGCATGCATGC\n").replace("\n", "\r\n"), newline="")
    index_fasta(tmp_path / "x.fa")
    assert (tmp_path / "x.fa.fai").read_text() == "one\t66\t6\t30\t32\ntwo\t28\t103\t14\t16\n"


@pytest.mark.parametrize("change", ["width", "line ends", "another contig", "name", "longer", "shorter", "comment"])
def test_an_index_of_another_file_is_made_again(tmp_path, sequences, change):
    """The FASTA is replaced by one with an older date, as `cp -p`, `gunzip` and `rsync -t` do."""
    path = tmp_path / "genome.fa"
    path.write_text(fasta(sequences))
    check(path, sequences)
    options = {}
    if change == "width":
        options["width"] = 59  # as many lines
        sequences["chr1"], sequences["chr2"] = sequences["chr1"][:350], sequences["chr2"][:57]
        path.write_text(fasta(sequences))
        index_fasta(path)
    elif change == "line ends":
        options["end"] = "\r\n"
    elif change == "another contig":
        sequences["chr9"] = sequences["chr2"]
    elif change == "name":
        sequences = {name.replace("chr3", "chr4"): codes for name, codes in sequences.items()}
    elif change == "comment":
        options["note"] = "another note"
    else:
        codes = sequences["chrM"]
        sequences["chrM"] = codes[:-1] if change == "shorter" else np.append(codes, codes[:60])
    path.write_text(fasta(sequences, **options), newline="")
    os.utime(path, (1, 1))
    check(path, sequences)


def test_an_index_of_any_other_file_is_made_again(tmp_path):
    """Pairs of small files that differ in names, lengths, widths and line ends, the second one older than the index."""
    rng = np.random.default_rng(0)
    path = tmp_path / "genome.fa"
    # The second one has its first "base" in the header's line end, where the index of the first one looks.
    contents = [({"a": "ACGTACGTAC" * 3}, 10, "\n"), ({"a": "ACGTACGTACGTACGTACGTACGTA"}, 8, "\r\n")]
    for _ in range(300):
        names = rng.permutation(["a", "b", "ab"])[: rng.integers(1, 4)]
        texts = {name: decode(rng.integers(0, 4, rng.integers(1, 31), dtype=np.uint8)) for name in names}
        contents.append((texts, int(rng.choice([4, 5, 8, 10])), str(rng.choice(["\n", "\r\n"]))))
    for texts, width, end in contents:
        sequences = {name: encode(text) for name, text in texts.items()}
        path.write_text(fasta(sequences, width, end), newline="")
        os.utime(path, (1, 1))
        with Genome(path) as genome:
            assert {name: decode(genome.codes(name, 0, length)) for name, length in genome.lengths.items()} == texts


@pytest.mark.parametrize(
    "index",
    [
        "",
        "\n",
        "chr1\n",
        "chr1\t1\t2\t3\tx\n",
        "chr1\t-5\t9\t60\t61\n",
        f"chr1\t400\t11\t60\t{10**30}\n",
        "é\t1\t2\t3\t4\t5\n",
    ],
)
def test_an_index_that_is_none_is_made_again(tmp_path, sequences, index):
    path = tmp_path / "genome.fa"
    path.write_text(fasta(sequences))
    (tmp_path / "genome.fa.fai").write_text(index)
    check(path, sequences)


def test_an_older_index_is_made_again(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(">chr1\nACGT\nAC\n")
    index_fasta(path)
    os.utime(tmp_path / "genome.fa.fai", (1, 1))
    path.write_text(">chr7\nACGTN\n")
    with Genome(path) as genome:
        assert genome.lengths == {"chr7": 5}
        np.testing.assert_array_equal(genome.codes("chr7", 0, 5), encode("ACGTN"))


def test_a_read_only_folder_has_its_index_elsewhere(tmp_path, sequences, monkeypatch):
    path = tmp_path / "data/genome.fa"
    path.parent.mkdir()
    path.write_text(fasta(sequences))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("os.access", lambda folder, mode: folder != path.parent)  # root may write everywhere
    check(path, sequences)
    assert [file.name for file in path.parent.iterdir()] == ["genome.fa"]
    (index,) = tmp_path.glob("regulens-*/genome.fa.*.fai")
    written = index.stat().st_mtime_ns
    check(path, sequences)
    assert index.stat().st_mtime_ns == written


def test_a_file_that_changes_while_it_is_read(tmp_path, sequences):
    path = tmp_path / "genome.fa"
    path.write_text(fasta(sequences))
    with Genome(path) as genome:
        path.write_text(fasta(sequences)[:100])
        with pytest.raises(InputError, match=r"genome\.fa: chr1:0-400 is not what it was when the file was indexed"):
            genome.codes("chr1", 0, 400)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"x\.fa: not a FASTA file that can be indexed: it has no header"),
        (b"\n\nACGT\n", r"x\.fa, line 3: .* a header such as '>chr1' expected first, found 'ACGT'"),
        (b">a\nACGT\n>\nACGT\n", r"x\.fa, line 3: .* a header without a name"),
        (b">a x\nACGT\n>a y\nACGT\n", r"x\.fa, line 3: .* the contig 'a y' occurs twice"),
        (b">a\nACGT\n\nACGT\n", r"x\.fa, line 3: .* every line of a but its last must have 4 bases"),
        (b">a\nACGT\nAC\nACGT\n", r"x\.fa, line 3: .* every line of a but its last"),
        (b">a\nACGT\nACGTA\n", r"x\.fa, line 3: .* every line of a but its last"),
        (b">a\nACGT\nACGT \n", r"x\.fa, line 3: .* ' ' among the bases"),
        (b">a\nACGT\nAC1T\n", r"x\.fa, line 3: .* '1' among the bases"),
        ("é".encode("latin-1"), r"x\.fa, line 1: .* found 'é'"),
        (gzip.compress(b">a\nACGT\n"), "a compressed FASTA has no random access: decompress it first"),
    ],
)
def test_what_cannot_be_indexed_is_named_with_its_line(tmp_path, content, message):
    (tmp_path / "x.fa").write_bytes(content)
    with pytest.raises(InputError, match=message):
        Genome(tmp_path / "x.fa")
    assert [path.name for path in tmp_path.iterdir()] == ["x.fa"]


def test_missing_files(tmp_path):
    for path in (tmp_path, tmp_path / "none.fa"):
        with pytest.raises(InputError, match="cannot read the FASTA file"):
            Genome(path)
