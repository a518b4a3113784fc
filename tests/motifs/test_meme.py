"""MEME text: round trips and what is wrong with a file."""

import numpy as np
import pytest
from disguises import DISGUISES

from regulens.core.errors import InputError
from regulens.data.matrices import PositionWeightMatrix
from regulens.motifs.meme import MemeMotif, read_meme, write_meme

HEADER = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
MATRIX = "letter-probability matrix: alength= 4 w= 2 nsites= 8 E= 1e-3\n0.1 0.2 0.3 0.4\n 1 0\t0 0\n"


def motif(identifier, width=3, name=None):
    p = np.random.default_rng(width).dirichlet(np.ones(4), width)
    return MemeMotif(PositionWeightMatrix(name or identifier, identifier, p), sites=17, e_value=0.25)


@pytest.mark.parametrize(("file", "count", "first"), [("queries", 32, "filter0"), ("targets", 518, "MA0002.2")])
def test_real_files_round_trip(mirror, tmp_path, file, count, first):
    read = read_meme(mirror / "motifs" / "tomtom" / f"{file}.meme")
    assert len(read.motifs) == count
    assert read.motifs[0].matrix.matrix_id == first
    assert read.motifs[0].matrix.name == {"filter0": "filter0", "MA0002.2": "RUNX1"}[first]
    write_meme(tmp_path / "again.meme", read.motifs, read.background)
    again = read_meme(tmp_path / "again.meme")
    for old, new in zip(read.motifs, again.motifs, strict=True):
        assert (old.matrix.matrix_id, old.matrix.name) == (new.matrix.matrix_id, new.matrix.name)
        assert (old.sites, old.e_value) == (new.sites, new.e_value)
        assert np.allclose(old.matrix.probabilities, new.matrix.probabilities, atol=2e-6)


def test_names_numbers_and_background_survive(tmp_path):
    write_meme(tmp_path / "m.meme", [motif("a"), motif("b.1", 24, "RXR A")], np.array([0.3, 0.2, 0.2, 0.3]))
    read = read_meme(tmp_path / "m.meme")
    assert [(m.matrix.matrix_id, m.matrix.name, m.sites, m.e_value) for m in read.motifs] == [
        ("a", "a", 17, 0.25),
        ("b.1", "RXR_A", 17, 0.25),
    ]
    assert read.background == pytest.approx([0.3, 0.2, 0.2, 0.3])


def test_no_motif_is_a_valid_file(tmp_path):
    write_meme(tmp_path / "none.meme", [])
    assert read_meme(tmp_path / "none.meme").motifs == []


def test_lines_it_need_not_know_are_passed_over(tmp_path):
    path = tmp_path / "m.meme"
    path.write_text(
        f"{HEADER}# words\nMOTIF a first\nURL http://x\nlog-odds matrix: w= 1\n1 2 3 4\n{MATRIX}MOTIF b\n{MATRIX}"
    )
    read = read_meme(path)
    assert [m.matrix.name for m in read.motifs] == ["first", "b"]
    assert read.motifs[0].matrix.probabilities.tolist() == [[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]]
    assert read.background.tolist() == [0.25] * 4


PROBABILITIES = [[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "sites", "rows"),
    [
        (f"\ufeff{HEADER}MOTIF a\n{MATRIX}", 8, PROBABILITIES),
        (f"{HEADER}MOTIF a\n{MATRIX}".replace("\n", "\r\n"), 8, PROBABILITIES),
        # MEME takes 20 sites where the number is 0 or not there.
        (f"{HEADER}MOTIF a\n{MATRIX.replace('nsites= 8', 'nsites= 0')}", 20, PROBABILITIES),
        (f"{HEADER}MOTIF a\n{MATRIX.replace('nsites= 8', '')}", 20, PROBABILITIES),
        (f"{HEADER}MOTIF a\n{MATRIX.replace('w= 2', '')}\nURL http://x\n", 8, PROBABILITIES),
        (f"{HEADER}MOTIF a\nletter-probability matrix: alength= 4\n{MATRIX.partition(chr(10))[2]}", 20, PROBABILITIES),
        (f"{HEADER}MOTIF a\nletter-probability matrix:\n0.33 0.33 0.33 0.00\n", 20, [[1 / 3, 1 / 3, 1 / 3, 0]]),
        (f"{HEADER}MOTIF a\nletter-probability matrix:\n.13 .13 .38 .38", 20, [np.array([13, 13, 38, 38]) / 102]),
        (f"{HEADER}MOTIF a width = 2 sites = 8\n{MATRIX}------\n", 8, PROBABILITIES),
        (f"{'*' * 80}\nMEME - Motif discovery tool\n{'*' * 80}\n{HEADER}MOTIF a\n{MATRIX}", 8, PROBABILITIES),
        (
            f'MEME version 5\nALPHABET "DNA" DNA-LIKE\nA "Adenine" ~ T\nEND ALPHABET\nMOTIF a\n{MATRIX}',
            8,
            PROBABILITIES,
        ),
    ],
)
def test_files_as_other_programs_write_them(tmp_path, text, sites, rows):
    path = tmp_path / "m.meme"
    path.write_bytes(text.encode())
    (motif,) = read_meme(path).motifs
    assert (motif.matrix.matrix_id, motif.matrix.name, motif.sites) == ("a", "a", sites)
    assert motif.matrix.probabilities == pytest.approx(np.array(rows))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("hello\n", "line 1: 'MEME version 4' or later expected first, found 'hello'"),
        ("MEME version 3\n", "line 1: 'MEME version 4'"),
        ("MEME version 5.4.1\nALPHABET= ACGU\n", "line 2: the alphabet must be ACGT"),
        ('MEME version 4\nALPHABET "PROTEIN" PROTEIN-LIKE\n', "line 2: the alphabet must be ACGT"),
        (
            HEADER + "Background letter frequencies (from x)\nA 0.5 C 0.5\n" + "G 0.5 T 0.5\n",
            "line 9: the background must",
        ),
        (HEADER + MATRIX, "line 7: a matrix without a MOTIF line"),
        (HEADER + "MOTIF\n", "line 7: a motif without an identifier"),
        (HEADER + "MOTIF a\nMOTIF b\n" + MATRIX, "line 8: motif a before it has no"),
        (HEADER + "MOTIF a\n", "line 7: motif a has no letter-probability matrix"),
        (HEADER + "MOTIF a\n" + MATRIX + "MOTIF a\n" + MATRIX, "line 11: motif a occurs twice"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("w= 2", "w= x"), "line 8: motif a: 'alength= 4 w= WIDTH"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("alength= 4", "alength= 20"), "line 8: motif a: alength must be 4"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("w= 2", "w= 3"), "line 10: motif a ends after row 2 of 3"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("w= 2", "w= 1"), "line 10: motif a has more rows than its w= 1"),
        (HEADER + "MOTIF a\nletter-probability matrix:\nMOTIF b\n" + MATRIX, "line 8: motif a ends after row 0"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("nsites= 8", "nsites= -1"), "line 8: motif a: alength must be 4"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("0.4", "0.43"), "line 9: row 1 of 2 of motif a must be probabilities"),
        ("*****\nMEME - Motif discovery tool\n", "no line 'MEME version' after its banner"),
        (HEADER + "MOTIF a\n" + MATRIX.replace(" 0.4", ""), "line 9: row 1 of 2 of motif a has 3 numbers"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("0.4", "x"), "line 9: row 1 of 2 of motif a has something that is no"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("0.4", "0.5"), "line 9: row 1 of 2 of motif a must be probabilities"),
        (HEADER + "MOTIF a\n" + MATRIX.replace("0.4", "nan"), "line 9: row 1 of 2 of motif a must be probabilities"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, message):
    path = tmp_path / "bad.meme"
    path.write_text(text)
    with pytest.raises(InputError, match="bad.meme.*") as error:
        read_meme(path)
    assert message in str(error.value)


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(InputError, match="gone.meme: the file of motifs does not exist"):
        read_meme(tmp_path / "gone.meme")
    with pytest.raises(InputError, match="'a' occurs twice"):
        write_meme(tmp_path / "m.meme", [motif("a"), motif("a")])
    with pytest.raises(InputError, match="'a b' must be one word"):
        write_meme(tmp_path / "m.meme", [motif("a b")])
    assert not (tmp_path / "m.meme").exists()


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_files_as_they_come(tmp_path, disguise):
    path = tmp_path / "m.meme"
    write_meme(path, [motif("a"), motif("b")])
    path.write_bytes(disguise(path.read_text()))
    assert [found.matrix.matrix_id for found in read_meme(path).motifs] == ["a", "b"]
