"""Pairs of promoters and elements: simulated truth, CRISPRi tables, activity."""

from contextlib import closing

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from regulens.core.errors import InputError
from regulens.data.links import _matched, bound_sites, crispri_pairs, read_pairs, simulated_pairs
from regulens.data.matrices import PositionWeightMatrix
from regulens.data.settings import (
    BoundSites,
    CrispriLinks,
    CropSettings,
    Geometry,
    PositionTable,
    SimulatedLinks,
)

GEOMETRY = Geometry(input_bp=6000, bins=32, bin_bp=128)
READOUTS = {"blood": {"+": "CAGE.plus", "-": "CAGE.minus"}}


@pytest.fixture
def simulated(tmp_path):
    """One test contig with a promoter of either strand, an enhancer beside the first, and one that is too far away."""
    rows = [
        ("sim2", 892, 1108, "enhancer:blood", 0, ".", "element"),
        ("sim2", 1892, 2108, "promoter", 0, "+", "element"),
        ("sim2", 1950, 1962, "SP1", 900, "+", "promoter"),
        ("sim2", 2892, 3108, "insulator", 0, ".", "element"),
        ("sim2", 4392, 4608, "promoter", 0, "-", "element"),
        ("sim2", 8892, 9108, "enhancer:blood", 0, ".", "element"),
        ("sim1", 1892, 2108, "promoter", 0, "+", "element"),
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "planted.bed", sep="\t", header=False, index=False)
    links = [("sim2", 2000, "+", 1000, -1000, "blood", 0.5), ("sim1", 2000, "+", 900, -1100, "blood", 0.5)]
    columns = ["contig", "promoter", "strand", "enhancer", "distance_bp", "cell", "activity"]
    pd.DataFrame(links, columns=columns).to_csv(tmp_path / "links.tsv", sep="\t", index=False)
    windows = [("sim1", 0, 4096, "train"), ("sim2", 0, 4096, "test")]
    pd.DataFrame(windows).to_csv(tmp_path / "windows.bed", sep="\t", header=False, index=False)

    def pairs(**settings):
        links = SimulatedLinks(route="simulated", readouts=READOUTS, **settings)
        paths = (tmp_path / name for name in ("planted.bed", "links.tsv", "windows.bed"))
        planted, acting, regions = paths
        simulated_pairs(planted, acting, regions, links, GEOMETRY, tmp_path / "pairs.csv")
        return read_pairs(tmp_path / "pairs.csv")

    return pairs


def test_every_element_within_reach_of_a_test_promoter_is_a_pair(simulated):
    pairs = simulated()
    assert set(pairs["contig"]) == {"sim2"}
    first = pairs[pairs["position"] == 2040]
    assert first["element"].tolist() == ["enhancer:blood", "insulator", "promoter"]
    assert first["regulated"].tolist() == [True, False, False]
    assert first["distance_bp"].tolist() == [1040, 960, 2460]
    assert set(first["track"]) == {"CAGE.plus"}
    second = pairs[pairs["position"] == 4460]  # the TSS lies downstream, on the other strand
    assert set(second["track"]) == {"CAGE.minus"}
    assert not second["regulated"].any()
    assert second["number"].unique().tolist() == [1]


def test_promoters_may_be_fewer(simulated):
    assert simulated(promoters=1)["position"].unique().tolist() == [2040]


COLUMNS = "chrom chromStart chromEnd name EffectSize chrTSS startTSS endTSS measuredGeneSymbol ValidConnection CellType"
ROWS = [
    "chr1 9000 9500 a -0.4 chr1 10000 10001 GENE TRUE K562 TRUE",
    "chr1 11000 11500 b -0.1 chr1 10000 10001 GENE TRUE K562 FALSE",
    "chr1 10100 10300 c -0.9 chr1 10000 10001 GENE promoter K562 TRUE",
    "chr1 90000 90500 d -0.3 chr1 10000 10001 GENE TRUE K562 TRUE",
    "chr1 9000 9500 e -0.3 chr1 10000 10001 GENE TRUE HCT116 TRUE",
]
CRISPRI = "\n".join([COLUMNS + " Regulated", *ROWS]).replace(" ", "\t")
"""In the layout of the ENCODE benchmark."""


def crispri(tmp_path, text=CRISPRI, readouts=None):
    (tmp_path / "crispri.tsv").write_text(text)
    links = CrispriLinks(route="crispri", table="crispri.tsv", readouts=readouts or {"K562": "CNhs11250"})
    crispri_pairs(tmp_path / "crispri.tsv", links, GEOMETRY, tmp_path / "pairs.csv")
    return read_pairs(tmp_path / "pairs.csv")


def test_crispri_pairs_are_those_of_the_configured_cells_within_reach(tmp_path, capsys):
    pairs = crispri(tmp_path)
    assert pairs["start"].tolist() == [9000, 11000]
    assert pairs["regulated"].tolist() == [True, False]
    assert pairs["readout"].unique().tolist() == ["GENE:K562"]
    assert set(pairs["track"]) == {"CNhs11250"}
    said = capsys.readouterr().err
    assert "1 of 5 pairs are not valid connections" in said
    assert "2 of 3 elements lie within 3,000 bp" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CRISPRI.replace("\t9000\t", "\tnine\t"), "line 2: chromstart must be a whole number, found 'nine'"),
        (CRISPRI.replace("\tFALSE", "\tno"), "line 3: regulated must be TRUE or FALSE, found 'NO'"),
        (
            CRISPRI.replace("K562", "HepG2"),
            "no pair of a configured cell type .K562.; its cell types are HCT116, HepG2",
        ),
        (CRISPRI.replace("FALSE", "TRUE"), "only elements that act on a promoter"),
        (CRISPRI.replace("chrTSS", "tss"), "there is no column 'chrtss'"),
    ],
)
def test_malformed_crispri_tables(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        crispri(tmp_path, text)


def test_a_strand_without_a_track(tmp_path):
    with pytest.raises(InputError, match=r"enhancers.readouts.K562: no track for a promoter of strand '\.'"):
        crispri(tmp_path, readouts={"K562": {"+": "a", "-": "b"}})


# Bound sites.


MOTIF = "TTACCCGCAT"


@pytest.fixture
def bound(tmp_path, monkeypatch):
    """A contig with the motif at 1,000 (bound) and 3,000 (not bound), near start sites, and at 6,000, far from any."""
    rng = np.random.default_rng(4)
    letters = ["ACGT"[code] for code in rng.integers(0, 4, 8000)]
    for start in (1000, 3000, 6000):
        letters[start : start + len(MOTIF)] = MOTIF
    (tmp_path / "genome.fa").write_text(">XVI\n" + "".join(letters) + "\n")
    (tmp_path / "sites.bed").write_text("chr16\t1004\t1005\tYAL1\tReb1_1\t+\nchr16\t5004\t5005\tYAL2\tAbf1_1\t+\n")
    (tmp_path / "windows.bed").write_text("XVI\t0\t4096\ttest\n")
    table = "identifier\tfile\tclip\tscale\tsum_stat\tdescription\n"
    table += "plus\tplus.bw\t100\t1\tsum\tCAGE:a\nminus\tminus.bw\t100\t1\tsum\tCAGE:a\n"
    (tmp_path / "tracks.tsv").write_text(table)
    for name, places in (("plus", [1200]), ("minus", [3150])):
        with closing(pyBigWig.open(str(tmp_path / f"{name}.bw"), "w")) as file:
            file.addHeader([("XVI", 8000)])
            file.addEntries(["XVI"] * len(places), places, ends=[place + 1 for place in places], values=[20.0])
    matrix = np.full((len(MOTIF), 4), 0.01)
    matrix[range(len(MOTIF)), ["ACGT".index(letter) for letter in MOTIF]] = 0.97
    motif = PositionWeightMatrix("Reb1", "MA0363.2", matrix)
    monkeypatch.setattr("regulens.data.links.load_matrices", lambda wanted, release: dict.fromkeys(wanted, motif))
    where = {"column": 5, "matches": "Reb1_"}
    positions = PositionTable(file="sites.bed", contig=1, position=2, end=3, first=0, where=where)
    sites = BoundSites(
        route="bound_sites",
        factors={"Reb1": {"positions": "reb1", "matrix": "MA0363.2"}},
        tracks={"+": "plus", "-": "minus"},
    )
    bound_sites(
        {"Reb1": tmp_path / "sites.bed"},
        fasta=tmp_path / "genome.fa",
        windows=tmp_path / "windows.bed",
        tracks=tmp_path / "tracks.tsv",
        coverage=[tmp_path],
        pairs=sites,
        positions={"reb1": positions},
        crop=CropSettings(contig_names={"chr16": "XVI"}),
        geometry=GEOMETRY,
        output=tmp_path / "pairs.csv",
    )
    return read_pairs(tmp_path / "pairs.csv")


def test_bound_sites_and_equally_good_matches_near_a_start_site(bound):
    assert bound["regulated"].tolist() == [True, False]
    assert bound["start"].tolist() == [1000, 3000]  # the match at 6,000 has no start site near it
    assert (bound["end"] - bound["start"]).tolist() == [len(MOTIF)] * 2
    assert bound["position"].tolist() == [1200, 3150]
    assert bound["strand"].tolist() == ["+", "-"]
    assert bound["track"].tolist() == ["plus", "minus"]
    assert set(bound["cell"]) == {"Reb1"}


def test_unbound_matches_are_those_of_like_score_and_distance():
    """Of two with the same score, the one as far from its start site; no match is taken twice."""
    rows = [(0.9, 1, 100, 200), (0.8, 1, 100, 500), (0.9, 0, 1000, 1400), (0.9, 0, 3000, 3100), (0.8, 0, 5000, 5390)]
    found = pd.DataFrame(rows, columns=["score", "regulated", "start", "tss"]).assign(contig="XVI", strand="+")
    assert _matched(found)["start"].tolist() == [100, 100, 3000, 5000]
    assert _matched(found.iloc[:3])["start"].tolist() == [100, 100, 1000]
