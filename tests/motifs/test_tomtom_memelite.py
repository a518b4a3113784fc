"""memelite against the MEME Suite's own table (`ed.all.tsv`: Tomtom 5.4.1, distance ed, all pairs)."""

import sys

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from regulens.data.matrices import PositionWeightMatrix
from regulens.motifs import tomtom
from regulens.motifs.meme import MemeMotif, MemeText, read_meme, write_meme
from regulens.motifs.settings import ComparisonSettings
from regulens.motifs.tomtom import HIT_COLUMNS, compare, read_hits


@pytest.fixture(scope="module")
def folder(mirror):
    return mirror / "motifs" / "tomtom"


@pytest.fixture(scope="module")
def meme(folder):
    return tomtom.parse_tsv((folder / "ed.all.tsv").read_text())


@pytest.fixture(scope="module")
def lite(folder):
    return tomtom.memelite_hits(read_meme(folder / "queries.meme"), read_meme(folder / "targets.meme"), 1)


@pytest.fixture
def files(tmp_path):
    """Paths of three queries (the first, fifth and ninth target), sixty targets and the output."""
    rng = np.random.default_rng(0)
    matrices = [rng.dirichlet(np.full(4, 0.2), rng.integers(7, 13)) for _ in range(60)]
    targets = [MemeMotif(PositionWeightMatrix(f"T{i}", f"T{i}", p), 100) for i, p in enumerate(matrices)]
    write_meme(tmp_path / "targets.meme", targets)
    write_meme(tmp_path / "queries.meme", targets[:9:4])
    return tmp_path / "queries.meme", tmp_path / "targets.meme", tmp_path / "t.tsv"


def pairs(table):
    return set(zip(table["query"], table["target"], strict=True))


def test_p_values_agree_with_meme(meme, lite):
    both = meme.merge(lite, on=["query", "target"], suffixes=("_meme", "_lite"), validate="one_to_one")
    assert len(both) == len(meme) == 32 * 518
    logs = np.log10(both["p_value_meme"]), np.log10(both["p_value_lite"])
    assert np.corrcoef(*logs)[0, 1] > 0.9999
    assert np.abs(logs[0] - logs[1]).max() < 0.3
    assert both["e_value_lite"].to_numpy() == pytest.approx(both["p_value_lite"] * 518)
    strong = both[both["p_value_meme"] < 1e-3]
    assert len(strong) > 300
    assert (strong["offset_meme"] == strong["offset_lite"]).mean() > 0.97
    assert (strong["overlap_meme"] == strong["overlap_lite"]).mean() > 0.99
    assert (strong["orientation_meme"] == strong["orientation_lite"]).mean() > 0.97
    assert (both["query_consensus_meme"] == both["query_consensus_lite"]).all()
    same = both[both["orientation_meme"] == both["orientation_lite"]]
    assert (same["target_consensus_meme"] == same["target_consensus_lite"]).mean() > 0.98  # ties of bases aside


def test_every_query_has_the_same_top_hit(meme, lite):
    tops = [table.sort_values("p_value").groupby("query")["target"].first() for table in (meme, lite)]
    assert len(tops[0]) == 32
    assert (tops[0] == tops[1]).all()


def test_hits_at_a_threshold_are_memes_own_method_and_not_equal(meme, lite):
    """Benjamini and Hochberg run over the targets of each query; MEME's q-values are another method's."""
    on_memes_p = meme.groupby("query")["p_value"].transform(lambda p: false_discovery_control(p.to_numpy()))
    counts = {
        "MEME, its q": (meme["q_value"] <= 0.1).sum(),
        "MEME's p, Benjamini-Hochberg": (on_memes_p <= 0.1).sum(),
        "memelite": (lite["q_value"] <= 0.1).sum(),
    }
    print(counts)
    assert list(counts.values())[:2] == [540, 628]
    assert abs(counts["memelite"] - 622) <= 3  # of pairs on the threshold, rounding decides
    assert pairs(meme[meme["q_value"] <= 0.1]) - pairs(lite[lite["q_value"] <= 0.12]) == set()


def test_a_threshold_takes_the_best_of_all_pairs(folder, lite):
    some = tomtom.memelite_hits(read_meme(folder / "queries.meme"), read_meme(folder / "targets.meme"), 0.1)
    assert pairs(some) == pairs(lite[lite["q_value"] <= 0.1])


def test_pseudocounts_follow_the_background_of_the_queries(monkeypatch):
    """As in Tomtom: 0.1 of a site with the background's bases is added to the sites of either side."""
    taken = []

    def compared(*sides):
        taken.extend(sides)
        return np.ones((1, 1)), *np.zeros((3, 1, 1), int)

    monkeypatch.setattr(tomtom, "_run_memelite", compared)
    matrix, background = np.eye(4)[[0, 2, 3]], np.array([0.4, 0.3, 0.2, 0.1])
    sides = [
        MemeText([MemeMotif(PositionWeightMatrix(name, name, matrix), sites)], of)
        for name, sites, of in (("query", 5, background), ("target", 20, background[::-1]))
    ]
    tomtom.memelite_hits(*sides, 1)
    for (found,), sites in zip(taken, (5, 20), strict=True):
        assert found == pytest.approx((sites * matrix + 0.1 * background) / (sites + 0.1))


def test_auto_without_meme_says_that_memelite_compares(files, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = compare(*files[:2], ComparisonSettings(), files[2])
    assert result.notes == ["the MEME Suite's tomtom is not installed: memelite compares the motifs (distance ed)"]
    hits, facts = read_hits(files[2])
    assert (facts["engine"], facts["distance"], facts["queries"]) == ("memelite", "ed", "3")
    assert facts["q_value_method"] == "Benjamini-Hochberg over the targets of one query"
    assert facts["targets"] == "targets.meme (60 motifs)"
    top = hits.groupby("query").first()
    assert top["target"].to_dict() == {"T0": "T0", "T4": "T4", "T8": "T8"}
    assert (top["q_value"] < 1e-3).all()
    assert hits["q_value"].max() <= 0.1


def test_memelite_on_request_and_few_targets_are_said(files):
    write_meme(files[1], read_meme(files[1]).motifs[:10])
    few = "10 targets only: p-values depend strongly on which they are"
    result = compare(*files[:2], ComparisonSettings(engine="memelite"), files[2], "ten")
    assert result.facts["targets"] == "ten (10 motifs)"
    assert result.notes == ["memelite computes the distance ed only, not pearson", few]
    assert compare(*files[:2], ComparisonSettings(engine="memelite", distance="ed"), files[2]).notes == [few]


@pytest.mark.parametrize("queries", [0, 1])
def test_no_query_and_no_hit_are_tables_with_a_header(files, queries):
    flat = PositionWeightMatrix("flat", "flat", np.full((24, 4), 0.25))
    write_meme(files[0], [MemeMotif(flat, 5)] * queries)
    result = compare(*files[:2], ComparisonSettings(engine="memelite", distance="ed"), files[2])
    notes = [f"{files[0]}: no motif to compare, so no hit", "no hit with q <= 0.1 for 1 motifs"]
    assert result.notes == [notes[queries]]
    hits, facts = read_hits(files[2])
    assert hits.empty
    assert list(hits) == HIT_COLUMNS
    assert facts["engine"] == "memelite"


def test_a_motif_finds_itself_and_its_reverse_complement(files):
    targets = read_meme(files[1])
    motif = targets.motifs[5]
    matrix = PositionWeightMatrix("turned", "turned", motif.matrix.reverse_complement().probabilities)
    queries = targets._replace(motifs=[motif, MemeMotif(matrix, motif.sites)])
    found = tomtom.memelite_hits(queries, targets, 0.01).groupby("query").first()
    assert found["target"].to_dict() == {"T5": "T5", "turned": "T5"}
    assert found["orientation"].to_dict() == {"T5": "+", "turned": "-"}
    assert (found["offset"] == 0).all()
    assert (found["query_consensus"] == found["target_consensus"]).all()


def test_warming_up_compiles_what_a_comparison_runs(files):
    tomtom.warm_up()
    tomtom.memelite_hits(read_meme(files[0]), read_meme(files[1]), 1)
    assert len(sys.modules["memelite.tomtom"]._tomtom.signatures) == 1
