"""The MEME Suite's Tomtom: its table and its subprocess, tried on a stand-in that prints such a table."""

import shutil
import sys

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.data.matrices import PositionWeightMatrix
from regulens.motifs import tomtom
from regulens.motifs.meme import MemeMotif, read_meme, split_meme, write_meme
from regulens.motifs.settings import ComparisonSettings
from regulens.motifs.tomtom import FACTS, HIT_COLUMNS, compare, read_hits

NAMES = "Query_ID Target_ID Optimal_offset p-value E-value q-value Overlap Query_consensus Target_consensus Orientation"
HEADER = "\t".join(NAMES.split()) + "\n"
# The last lines are those of Tomtom 5.4.1.
TABLE = f"""{HEADER}q1\tT3\t-2\t2e-07\t1.2e-05\t2.8e-04\t6\tGGATTAAAAGT\tATTAAA\t+
q0\tT7\t0\t3e-03\t1.8e-01\t4.7e-02\t8\tACGTACGT\tACGTACGA\t-
q0\tT1\t1\t1e-03\t6e-02\t1.1e-02\t7\tACGTACGT\tTACGTACG\t+

# Tomtom (Motif Comparison Tool): Version 5.4.1 compiled on Nov 21 2026 at 07:05:51
# The format of this file is described at https://meme-suite.org/meme/doc/tomtom-output-format.html.
# tomtom -text -thresh 0.1 -dist pearson queries.meme targets.meme
"""


# Before 5.0 the names of the columns had blanks; MEME 4.12.
OLD_TABLE = "#" + TABLE.replace(HEADER, HEADER.replace("_", " ")).replace("5.4.1", "4.12.0")


@pytest.fixture
def golden(mirror):
    return mirror / "motifs" / "tomtom"


@pytest.fixture
def files(tmp_path):
    """Paths of three queries, sixty targets and the output."""
    rng = np.random.default_rng(0)
    for name, prefix, count in (("queries", "q", 3), ("targets", "T", 60)):
        names = [f"{prefix}{index}" for index in range(count)]
        motifs = [MemeMotif(PositionWeightMatrix(each, each, rng.dirichlet(np.ones(4), 8))) for each in names]
        write_meme(tmp_path / f"{name}.meme", motifs)
    return tmp_path / "queries.meme", tmp_path / "targets.meme", tmp_path / "tomtom.tsv"


def stand_in(folder, monkeypatch, *, prints="", code=0, stderr="", version="5.4.1", option="--version"):
    """A program `tomtom` alone on the PATH; it prints the lines of its queries, and of no motif.

    It keeps its arguments in ``arguments.txt``, and its queries in a file of ``queries/`` for every call.
    """
    (folder / "queries").mkdir(exist_ok=True)
    path = folder / "bin" / "tomtom"
    path.parent.mkdir()
    path.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        f"if sys.argv[1:] == [{option!r}]:\n    print({version!r})\n    sys.exit(0)\n"
        "if len(sys.argv) == 2:\n    sys.exit('unknown option')\n"
        f"open({str(folder / 'arguments.txt')!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
        "queries = [line.split()[1] for line in open(sys.argv[-2]) if line.startswith('MOTIF')]\n"
        f"open({str(folder / 'queries')!r} + f'/{{os.getpid()}}', 'w').write(' '.join(queries))\n"
        f"sys.stderr.write({stderr!r})\n"
        f"for line in {prints!r}.splitlines(True):\n"
        "    cells = line.split('\\t')\n"
        "    if len(cells) < 2 or cells[1].startswith('Target') or cells[0] in [*queries, 'strange']:\n"
        "        sys.stdout.write(line)\n"
        f"sys.exit({code})\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    return path


def run(files, **settings):
    return compare(*files[:2], ComparisonSettings(**settings), files[2])


@pytest.mark.parametrize(("name", "hits", "significant"), [("pearson.q0.1", 323, 323), ("ed.all", 32 * 518, 540)])
def test_tables_of_the_real_program_are_read(golden, name, hits, significant):
    table = tomtom.parse_tsv((golden / f"{name}.tsv").read_text())
    assert list(table) == HIT_COLUMNS
    assert len(table) == hits
    assert (table["q_value"] <= 0.1).sum() == significant
    first = table.iloc[0]
    assert (first["query"], first["target"]) == ("filter0", "MA0151.1")
    assert (first["offset"], first["overlap"], first["orientation"]) == (-2, 6, "+")
    assert first["query_consensus"][2:8] == first["target_consensus"] == "ATTAAA"


def test_a_real_table_goes_through_the_comparison(golden, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, prints=(golden / "pearson.q0.1.tsv").read_text())
    run((golden / "queries.meme", golden / "targets.meme", tmp_path / "t.tsv"))
    hits, facts = read_hits(tmp_path / "t.tsv")
    assert len(hits) == 323
    assert (facts["queries"], facts["targets"]) == ("32", "targets.meme (518 motifs)")
    order = [motif.matrix.matrix_id for motif in read_meme(golden / "queries.meme").motifs]
    assert list(dict.fromkeys(hits["query"])) == [name for name in order if name in set(hits["query"])]
    assert all(part["p_value"].is_monotonic_increasing for _, part in hits.groupby("query"))


def test_a_table_without_hits_is_empty():
    assert tomtom.parse_tsv(HEADER).empty
    assert tomtom.parse_tsv(HEADER + "".join(TABLE.splitlines(keepends=True)[-4:])).empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column Query_ID is missing, found nothing"),
        ("Segmentation fault\n", "column Query_ID is missing, found 'Segmentation fault'"),
        (HEADER + "a\tb\n", "line 2 .* has 2 columns, 10 expected"),
        (HEADER + "a\tb\tx\t1\t1\t1\t1\tA\tA\t+\n", "line 2 .*invalid literal for int"),
        (HEADER + "a\tb\t1\tx\t1\t1\t1\tA\tA\t+\n", "line 2 .*could not convert"),
    ],
)
def test_other_output_is_an_error_that_names_the_line(text, message):
    with pytest.raises(ValueError, match=message):
        tomtom.parse_tsv(text)


def test_the_subprocess_gets_the_arguments_and_its_hits_are_written(files, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, prints=TABLE)
    result = compare(*files[:2], ComparisonSettings(), files[2], "JASPAR2016 CORE")
    arguments = (tmp_path / "arguments.txt").read_text().splitlines()
    assert arguments[:5] == ["-text", "-thresh", "0.1", "-dist", "pearson"]
    assert arguments[6:] == [str(files[1])]
    assert result.notes == []
    hits, facts = read_hits(files[2])
    assert list(facts) == FACTS
    assert facts == {
        "engine": "meme",
        "version": "5.4.1",
        "distance": "pearson",
        "q_value_method": "tomtom's own q-values",
        "max_q_value": "0.1",
        "targets": "JASPAR2016 CORE (60 motifs)",
        "queries": "3",
    }
    # In the order of the query file, then by p-value.
    assert list(zip(hits["query"], hits["target"], strict=True)) == [("q0", "T1"), ("q0", "T7"), ("q1", "T3")]
    assert hits.iloc[2].to_dict() == {
        "query": "q1",
        "target": "T3",
        "p_value": 2e-7,
        "e_value": 1.2e-5,
        "q_value": 2.8e-4,
        "overlap": 6,
        "offset": -2,
        "orientation": "+",
        "query_consensus": "GGATTAAAAGT",
        "target_consensus": "ATTAAA",
    }


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_every_query_is_a_process_of_its_own(files, tmp_path, monkeypatch, capfd, threads):
    stand_in(tmp_path, monkeypatch, prints=TABLE)
    hits = compare(*files[:2], ComparisonSettings(), files[2], threads=threads).hits
    assert sorted(path.read_text() for path in (tmp_path / "queries").iterdir()) == ["q0", "q1", "q2"]
    assert list(zip(hits["query"], hits["target"], strict=True)) == [("q0", "T1"), ("q0", "T7"), ("q1", "T3")]
    assert "Tomtom: queries: 3 of 3\n" in capfd.readouterr().err


def test_a_query_alone_is_as_in_its_file(tmp_path):
    text = "{0}\nMEME - x\n{0}\nMEME version 5\nBackground letter frequencies\nA .2 C .3 G .3 T .2\n".format("*" * 60)
    blocks = [f"MOTIF {name}\nletter-probability matrix:\n.1 .2 .3 .4\n---\nBL   MOTIF {name}\n" for name in "ab"]
    (tmp_path / "m.meme").write_text(text + "".join(blocks))
    assert split_meme(tmp_path / "m.meme") == [text + block for block in blocks]


def test_the_table_before_meme_5_has_the_same_hits(files, tmp_path, monkeypatch):
    assert OLD_TABLE.startswith("#Query ID\tTarget ID\tOptimal offset\t")
    assert tomtom.parse_tsv(OLD_TABLE).equals(tomtom.parse_tsv(TABLE))
    assert tomtom.parse_tsv(OLD_TABLE.partition("\n")[0] + "\n").empty
    stand_in(tmp_path, monkeypatch, prints=OLD_TABLE, version="4.12.0", option="-version")
    result = run(files)
    assert result.facts["version"] == "4.12.0"
    assert len(result.hits) == 3


def test_settings_reach_the_program(files, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, prints=TABLE)
    result = run(files, engine="meme", distance="ed", max_q_value=0.05)
    assert (tmp_path / "arguments.txt").read_text().splitlines()[1:5] == ["-thresh", "0.05", "-dist", "ed"]
    assert (result.facts["distance"], result.facts["max_q_value"]) == ("ed", "0.05")


def test_no_hit_is_a_table_with_a_header(files, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, prints=HEADER)
    assert run(files).notes == ["no hit with q <= 0.1 for 3 motifs"]
    hits, facts = read_hits(files[2])
    assert hits.empty
    assert list(hits) == HIT_COLUMNS
    assert facts["engine"] == "meme"


def test_an_empty_query_file_is_not_given_to_the_program(files, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, code=1)
    write_meme(files[0], [])
    assert run(files).notes == [f"{files[0]}: no motif to compare, so no hit"]
    assert not (tmp_path / "arguments.txt").exists()
    assert read_hits(files[2])[0].empty


def test_failure_gives_arguments_version_code_and_stderr(files, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, code=7, stderr="FATAL: no motifs in database\n")
    with pytest.raises(InputError) as error:
        run(files)
    for part in ("tomtom 5.4.1 failed", "return code 7", "-thresh 0.1 -dist pearson", "FATAL: no motifs in database"):
        assert part in str(error.value)
    assert not files[2].exists()


def test_garbage_and_a_wrong_version_are_errors(files, tmp_path, monkeypatch):
    path = stand_in(tmp_path, monkeypatch, prints="MEME version 4\n")
    with pytest.raises(InputError, match="its output is not Tomtom's table.*MEME version 4"):
        run(files)
    shutil.rmtree(path.parent)
    path = stand_in(tmp_path, monkeypatch, version="usage: tomtom [options]")
    with pytest.raises(InputError, match="no version number in its answer"):
        run(files)
    path.write_text("#!/nonexistent/interpreter\n")
    with pytest.raises(InputError, match="cannot run .*tomtom --version .*install the MEME Suite again"):
        run(files)


def test_hits_of_other_motifs_are_an_error(files, tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, prints=TABLE.replace("q1\t", "strange\t"))
    with pytest.raises(InputError, match="reports the query 'strange', which is not a motif of .*queries.meme"):
        run(files)


def test_a_missing_program_says_how_to_install_it(files, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="motifs.comparison.engine: meme needs .*envs/meme.yaml.*native"):
        run(files, engine="meme")
    write_meme(files[1], [])
    with pytest.raises(InputError, match="targets.meme: no motif to compare with"):
        run(files)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query\ttarget\n", "column p_value, .* is missing"),
        ("\t".join(HIT_COLUMNS) + "\n", "the line '# engine: ...' is missing"),
        ("# engine: x\n", "not a table"),
        (
            "# engine: x\n" + "\t".join(HIT_COLUMNS) + "\na\tb\tx\t1\t1\t1\t1\t+\tA\tA\n",
            "p_value has values that are not numbers",
        ),
    ],
)
def test_what_is_no_table_of_hits(tmp_path, text, message):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_hits(tmp_path / "t.tsv")
    with pytest.raises(InputError, match="gone.tsv: no such file"):
        read_hits(tmp_path / "gone.tsv")
