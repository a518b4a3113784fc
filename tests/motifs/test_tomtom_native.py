"""The built-in method against the tables of the MEME Suite's own Tomtom (5.4.1 and 4.12), and its table."""

import numpy as np
import pytest

from regulens.data.matrices import PositionWeightMatrix
from regulens.motifs import tomtom
from regulens.motifs.jaspar import load_targets
from regulens.motifs.meme import MemeMotif, MemeText, read_meme, write_meme
from regulens.motifs.settings import ComparisonSettings
from regulens.motifs.tomtom import HIT_COLUMNS, compare, native_hits, parse_tsv, read_hits

NUMBERS = {("relu", "pearson"): 660, ("relu", "ed"): 918, ("exponential", "pearson"): 1536, ("exponential", "ed"): 2351}
"""Hits of the program with the filters of each activation, by distance."""


@pytest.fixture
def files(tmp_path):
    """Paths of three queries (the first, fifth and ninth target), sixty targets and the output."""
    rng = np.random.default_rng(0)
    matrices = [rng.dirichlet(np.full(4, 0.2), rng.integers(7, 13)) for _ in range(60)]
    targets = [MemeMotif(PositionWeightMatrix(f"T{i}", f"T{i}", p), 100) for i, p in enumerate(matrices)]
    write_meme(tmp_path / "targets.meme", targets)
    write_meme(tmp_path / "queries.meme", targets[:9:4])
    return tmp_path / "queries.meme", tmp_path / "targets.meme", tmp_path / "t.tsv"


def agree(golden, mine):
    """The pairs of a table of the program, all of them found here, with p-values as far as it prints them."""
    both = golden.merge(mine, on=["query", "target"], suffixes=("_meme", ""), validate="one_to_one")
    assert len(both) == len(golden)
    assert both["p_value"].to_numpy() == pytest.approx(both["p_value_meme"].to_numpy(), rel=1e-5)
    assert both["e_value"].to_numpy() == pytest.approx(both["e_value_meme"].to_numpy(), rel=1e-5)
    # The program draws bootstrap samples for the share of null hypotheses.
    assert both["q_value"].to_numpy() == pytest.approx(both["q_value_meme"].to_numpy(), rel=6e-3)
    # Bases of a column with the same frequency aside.
    assert (both["query_consensus"] == both["query_consensus_meme"]).mean() > 0.9
    return both


def hits(table):
    """Pairs with q <= 0.1."""
    table = table[table["q_value"] <= 0.1]
    return set(zip(table["query"], table["target"], strict=True))


def tops(table):
    """Best target of every query with a hit."""
    table = table[table["q_value"] <= 0.1].sort_values("p_value", kind="stable")
    return table.groupby("query")["target"].first().to_dict()


def test_all_pairs_by_euclidean_distance(mirror):
    folder = mirror / "motifs/tomtom"
    golden = parse_tsv((folder / "ed.all.tsv").read_text())
    mine = native_hits(read_meme(folder / "queries.meme"), read_meme(folder / "targets.meme"), "ed", 1)
    assert len(golden) == len(mine) == 32 * 518
    both = agree(golden, mine)
    assert hits(mine) == hits(golden)
    assert len(hits(golden)) == 540
    assert tops(mine) == tops(golden)
    # Of alignments that score the same, far from any hit, the program may take another.
    for column in ("offset", "overlap", "orientation"):
        same = both[column] == both[f"{column}_meme"]
        assert same.mean() > 0.99
        assert same[both["p_value"] < 1e-2].all()


def test_hits_by_correlation(mirror):
    folder = mirror / "motifs/tomtom"
    same_hits(
        parse_tsv((folder / "pearson.q0.1.tsv").read_text()),
        native_hits(read_meme(folder / "queries.meme"), read_meme(folder / "targets.meme"), "pearson", 0.1),
        323,
    )


@pytest.fixture(scope="module")
def jaspar(tmp_path_factory) -> MemeText:
    """The targets of the filters, with six digits."""
    path = tmp_path_factory.mktemp("jaspar") / "targets.meme"
    write_meme(path, [target.motif for target in load_targets("JASPAR2020", "CORE", None, True)])
    return read_meme(path)


@pytest.mark.parametrize(("activation", "distance"), NUMBERS)
def test_hits_of_filters(mirror, jaspar, activation, distance):
    """First-layer filters of networks of the paper's size against the paper's targets, JASPAR 2020 CORE."""
    folder = mirror / "motifs/tomtom_filters"
    assert len(jaspar.motifs) == 1964
    golden, _ = read_hits(folder / f"{activation}.{distance}.q0.1.tsv")
    mine = native_hits(read_meme(folder / f"filters_{activation}.meme"), jaspar, distance, 0.1, threads=2)
    same_hits(golden, mine, NUMBERS[activation, distance])


def same_hits(golden, mine, number):
    both = agree(golden, mine)
    assert hits(mine) == hits(golden)
    assert len(hits(golden)) == number
    assert tops(mine) == tops(golden)
    for column in ("offset", "overlap", "orientation"):
        assert (both[column] == both[f"{column}_meme"]).all()


def test_threads_and_threshold_only_choose(files):
    queries, targets = (read_meme(path) for path in files[:2])
    everything = native_hits(queries, targets, "pearson", 1)
    assert len(everything) == 3 * 60
    some = native_hits(queries, targets, "pearson", 0.1, threads=3)
    expected = everything[everything["q_value"] <= 0.1].reset_index(drop=True)
    assert 3 <= len(some) < 180
    assert some.equals(expected)


def test_pseudocounts_follow_the_background_of_the_queries(monkeypatch):
    """As in Tomtom: 0.1 of a site with the background's bases is added to the sites of either side."""
    taken = []
    align = tomtom.align

    def watched(query, targets, distance):
        taken.extend([query, targets.columns[:3]])
        return align(query, targets, distance)

    monkeypatch.setattr(tomtom, "align", watched)
    matrix, background = np.eye(4)[[0, 2, 3]], np.array([0.4, 0.3, 0.2, 0.1])
    sides = [
        MemeText([MemeMotif(PositionWeightMatrix(name, name, matrix), sites)], of)
        for name, sites, of in (("query", 5, background), ("target", 20, background[::-1]))
    ]
    native_hits(*sides, "ed", 1)
    for found, sites in zip(taken, (5, 20), strict=True):
        assert found == pytest.approx((sites * matrix + 0.1 * background) / (sites + 0.1))


@pytest.mark.parametrize("distance", ["pearson", "ed"])
def test_auto_without_meme_is_the_built_in_method(files, tmp_path, monkeypatch, distance):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compare(*files[:2], ComparisonSettings(distance=distance), files[2]).notes == []
    hits, facts = read_hits(files[2])
    assert (facts["engine"], facts["distance"], facts["queries"]) == ("native", distance, "3")
    assert facts["q_value_method"] == tomtom.NATIVE_Q_VALUES
    assert facts["targets"] == "targets.meme (60 motifs)"
    top = hits.groupby("query").first()
    assert top["target"].to_dict() == {"T0": "T0", "T4": "T4", "T8": "T8"}
    assert (top["q_value"] < 1e-3).all()
    assert hits["q_value"].max() <= 0.1


def test_few_targets_are_said(files):
    write_meme(files[1], read_meme(files[1]).motifs[:10])
    few = "10 targets only: p-values depend strongly on which they are"
    result = compare(*files[:2], ComparisonSettings(engine="native"), files[2], "ten")
    assert result.facts["targets"] == "ten (10 motifs)"
    assert result.notes == [few]


@pytest.mark.parametrize("queries", [0, 1])
def test_no_query_and_no_hit_are_tables_with_a_header(files, queries):
    flat = PositionWeightMatrix("flat", "flat", np.full((24, 4), 0.25))
    write_meme(files[0], [MemeMotif(flat, 5)] * queries)
    result = compare(*files[:2], ComparisonSettings(engine="native"), files[2])
    notes = [f"{files[0]}: no motif to compare, so no hit", "no hit with q <= 0.1 for 1 motifs"]
    assert result.notes == [notes[queries]]
    hits, facts = read_hits(files[2])
    assert hits.empty
    assert list(hits) == HIT_COLUMNS
    assert facts["engine"] == "native"


def test_a_motif_finds_itself_and_its_reverse_complement(files):
    targets = read_meme(files[1])
    motif = targets.motifs[5]
    matrix = PositionWeightMatrix("turned", "turned", motif.matrix.reverse_complement().probabilities)
    queries = targets._replace(motifs=[motif, MemeMotif(matrix, motif.sites)])
    found = native_hits(queries, targets, "pearson", 0.01).groupby("query").first()
    assert found["target"].to_dict() == {"T5": "T5", "turned": "T5"}
    assert found["orientation"].to_dict() == {"T5": "+", "turned": "-"}
    assert (found["offset"] == 0).all()
    assert (found["query_consensus"] == found["target_consensus"]).all()
