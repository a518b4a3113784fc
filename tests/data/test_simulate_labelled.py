"""Simulated labelled sequences: what is planted where, and what must not tell the classes apart."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.stats import rankdata

from regulens.core.errors import InputError
from regulens.core.sequence import encode, reverse_complement
from regulens.data.matrices import PositionWeightMatrix, load_matrices
from regulens.data.sequences import read_sequences, read_sites
from regulens.data.settings import SimulatedSequences
from regulens.data.simulate.labelled import motif_identifiers, simulate, simulate_records

MOTIFS = {
    "positive": {
        "SP1": {"matrix": "MA0079.3", "probability": 0.7, "start": 20, "end": 130},
        "TBP": {"matrix": "MA0108.2", "probability": 0.3, "start": 110, "end": 140, "strand": "+"},
    },
    "negative": {"FOXA1": {"matrix": "MA0148.3", "probability": 0.5, "strand": "-"}},
    "shared": {"CTCF": {"matrix": "MA0139.1", "probability": 0.4}},
}


def settings(motifs=MOTIFS, length_bp=200, **values):
    return SimulatedSequences(route="simulated", length_bp=length_bp, simulation={**motifs, **values})


def matrices_of(simulated):
    return load_matrices(motif_identifiers(simulated.simulation), simulated.simulation.release)


@pytest.fixture(scope="module")
def simulated():
    chosen = settings(train=3000, test=1001)
    matrices = matrices_of(chosen)
    records, sites = simulate_records(chosen, matrices)
    codes = np.stack([encode(text) for text in records["sequence"]])
    return records, sites, codes, matrices


def auroc(values, labels):
    ranks, positive = rankdata(values), int(labels.sum())
    return (ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(labels) - positive))


def test_counts_and_ids(simulated):
    records = simulated[0]
    sizes = records.groupby(["split", "label"]).size()
    assert sizes.to_dict() == {("train", 1): 1500, ("train", 0): 1500, ("test", 1): 501, ("test", 0): 500}
    assert records["id"].is_unique
    assert records["id"].tolist()[:3] == ["train_positive_1", "train_negative_1", "train_positive_2"]
    assert (records["label"] == records["id"].str.contains("positive")).all()


def test_roles_ranges_and_strands(simulated):
    records, sites, _, matrices = simulated
    label = sites["id"].map(records.set_index("id")["label"])
    assert set(label[sites["role"] == "positive"]) == {1}
    assert set(label[sites["role"] == "negative"]) == {0}
    assert set(label[sites["role"] == "shared"]) == {0, 1}
    width = sites["motif"].map({name: matrix.width for name, matrix in matrices.items()})
    assert (sites["end"] - sites["start"] == width).all()
    by_motif = dict(list(sites.groupby("motif")))
    # Every allowed start occurs, and no other.
    assert (by_motif["SP1"]["start"].min(), by_motif["SP1"]["end"].max()) == (20, 130)
    assert (by_motif["TBP"]["start"].min(), by_motif["TBP"]["end"].max()) == (110, 140)
    assert (by_motif["CTCF"]["start"].min(), by_motif["CTCF"]["end"].max()) == (0, 200)
    assert set(by_motif["TBP"]["strand"]) == {"+"}
    assert set(by_motif["FOXA1"]["strand"]) == {"-"}
    assert (by_motif["SP1"]["strand"] == "+").mean() == pytest.approx(0.5, abs=0.05)


def test_probabilities(simulated):
    records, sites, *_ = simulated
    share = sites.groupby("motif")["id"].nunique()
    assert share["FOXA1"] / 2000 == pytest.approx(0.5, abs=0.05)
    assert share["CTCF"] / 4001 == pytest.approx(0.4, abs=0.05)
    # 0.21 of the positive sequences would have neither: 0.7 of these get SP1, 0.3 TBP.
    assert share["SP1"] / 2001 == pytest.approx(0.7 + 0.21 * 0.7, abs=0.05)
    assert share["TBP"] / 2001 == pytest.approx(0.3 + 0.21 * 0.3, abs=0.05)
    planted = set(sites.loc[sites["role"] == "positive", "id"])
    assert planted == set(records.loc[records["label"] == 1, "id"])


def test_sites_do_not_overlap(simulated):
    sites = simulated[1]
    same = sites["id"].eq(sites["id"].shift())
    assert (sites["start"] >= sites["end"].shift())[same].all()
    assert same.sum() > 500


def test_sequences_have_the_sites(simulated):
    """Under a site the sequence follows the matrix, on the site's strand."""
    records, sites, codes, matrices = simulated
    row = pd.Series(range(len(records)), index=records["id"])
    for motif, group in sites.groupby("motif"):
        width = matrices[motif].width
        found = codes[group["id"].map(row).to_numpy()[:, None], group["start"].to_numpy()[:, None] + np.arange(width)]
        found = np.where((group["strand"] == "+").to_numpy()[:, None], found, reverse_complement(found))
        frequency = (found[:, :, None] == np.arange(4)).mean(axis=0)
        assert np.abs(frequency - matrices[motif].probabilities).max() < 0.07


def test_composition_does_not_separate_the_classes(simulated):
    records, _, codes, _ = simulated
    labels = records["label"].to_numpy()
    for base in range(4):
        # The standard error with 2,000 sequences a class is 0.009.
        assert auroc((codes == base).sum(axis=1), labels) == pytest.approx(0.5, abs=0.04)
    assert np.isin(codes, (1, 2)).mean() == pytest.approx(0.5, abs=0.01)


def test_sites_without_compensation_would_separate(simulated):
    """The statistic above can tell: SP1 sites are rich in G + C, and so is the stretch where they lie."""
    records, sites, codes, _ = simulated
    near = np.isin(codes[:, 20:130], (1, 2)).sum(axis=1)
    assert auroc(near, records["label"].to_numpy()) > 0.55


def test_background_is_depleted_of_cpg():
    chosen = settings({"positive": {"SP1": {"matrix": "MA0079.3"}}}, train=2000, test=2, cpg_ratio=0.3, gc_content=0.6)
    records, sites = simulate_records(chosen, matrices_of(chosen))
    assert set(sites["motif"]) == {"SP1"}
    text = records.loc[records["label"] == 0, "sequence"]
    c, g, cg = (sum(one.count(word) for one in text) / (200 * len(text)) for word in ("C", "G", "CG"))
    assert c + g == pytest.approx(0.6, abs=0.01)
    assert cg / (c * g) == pytest.approx(0.3, abs=0.03)


def test_same_settings_same_sequences():
    small = settings(train=20, test=10)
    matrices = matrices_of(small)
    first, again = simulate_records(small, matrices), simulate_records(small, matrices)
    assert first[0].equals(again[0])
    assert first[1].equals(again[1])
    larger = simulate_records(settings(train=20, test=14), matrices)[0]
    assert larger[larger["split"] == "train"].equals(first[0][first[0]["split"] == "train"])
    other = simulate_records(settings(train=20, test=10, seed=2), matrices)[0]
    assert not other["sequence"].equals(first[0]["sequence"])


def test_files(tmp_path):
    small = settings(train=60, test=20)
    names = ("train.tsv", "valid.tsv", "test.tsv", "filters.csv", "sites.tsv")
    counts = simulate(small, *(tmp_path / name for name in names))
    assert counts.query("reason == 'kept'")["sequences"].tolist() == [27, 27, 3, 3, 10, 10]
    sites = read_sites(tmp_path / "sites.tsv")
    ids = [name for split in names[:3] for name in read_sequences(tmp_path / split).ids]
    assert len(ids) == 80
    assert set(sites["id"]) <= set(ids)
    assert {name for name in ids if "positive" in name} <= set(sites["id"])


def wide(width, **placement):
    return {"matrix": "MA0001.1", **placement}, PositionWeightMatrix("x", "MA0001.1", np.full((width, 4), 0.25))


@pytest.mark.parametrize(
    ("placement", "widths", "message"),
    [
        ({}, (15, 15), r"motifs of a positive sequence \(A 15 bp, B 15 bp\) do not fit .* 20 bp without overlap"),
        ({}, (21, 5), "positive motif A: its matrix MA0001.1 has 21 bp, which do not fit between start 0 and end 20"),
        ({"start": 4, "end": 12}, (9, 5), "has 9 bp, which do not fit between start 4 and end 12"),
        ({"probability": 0}, (5, 5), "positive motifs: all have the probability 0"),
    ],
)
def test_motifs_that_do_not_fit(placement, widths, message):
    motif, first = wide(widths[0], **placement)
    _, second = wide(widths[1])
    chosen = settings({"positive": {"A": motif, "B": motif}}, length_bp=20, train=4, test=4)
    with pytest.raises(InputError, match=message):
        simulate_records(chosen, {"A": first, "B": second})


def test_motifs_that_just_fit():
    """Two of 10 bp in 20 bp: one placement in either order."""
    motif, matrix = wide(10)
    chosen = settings({"positive": {"A": motif, "B": motif}}, length_bp=20, train=40, test=4)
    sites = simulate_records(chosen, {"A": matrix, "B": matrix})[1]
    assert sites["start"].tolist() == [0, 10] * 22
    assert set(sites["motif"][::2]) == {"A", "B"}


def test_names_and_matrices():
    twice = {"positive": {"A": {"matrix": "MA0079.3"}}, "shared": {"A": {"matrix": "MA0108.2"}}}
    with pytest.raises(ValidationError, match="motif A has two matrices, MA0079.3 and MA0108.2: rename one"):
        settings(twice)
    with pytest.raises(InputError, match="motif SP1: no matrix was loaded for it"):
        simulate_records(settings(), {})


PARTNERS = {"GATA1": {"matrix": "MA0140.2"}, "SPI1": {"matrix": "MA0080.4", "probability": 0.2}}


def sites_under(rule, **values):
    chosen = settings({"positive": PARTNERS, "shared": MOTIFS["shared"]}, train=400, test=100, rule=rule, **values)
    records, sites = simulate_records(chosen, matrices_of(chosen))
    partners = sites[sites["motif"] != "CTCF"]
    assert (partners["role"] == partners["id"].str.split("_").str[1]).all()
    wide = partners.pivot(index="id", columns="motif", values=["start", "end"]).reindex(records["id"])
    return wide, (records["label"] == 1).to_numpy()


def test_rule_of_both_motifs_negatives_have_one_of_them():
    wide, positive = sites_under({"first": "GATA1", "second": "SPI1", "relation": "both"})
    found = wide["start"].notna()
    assert found[positive].all(axis=None)  # whatever the probability
    assert (found[~positive].sum(axis=1) == 1).all()
    assert found[~positive].mean().between(0.4, 0.6).all()


def test_rule_of_order_and_distance_negatives_break_it_in_both_ways():
    wide, positive = sites_under({"first": "GATA1", "second": "SPI1", "relation": "before", "within_bp": 20})
    assert wide["start"].notna().all(axis=None)
    gap = (wide["start"]["SPI1"] - wide["end"]["GATA1"]).to_numpy()
    assert set(gap[positive]) == set(range(21))
    assert ((gap[~positive] < 0) | (gap[~positive] > 20)).all()
    assert (gap[~positive] < 0).mean() == pytest.approx(0.55, abs=0.1)


def test_a_rule_that_fits_nowhere():
    rule = {"first": "GATA1", "second": "SPI1", "relation": "before", "within_bp": 5}
    far = {"GATA1": {"matrix": "MA0140.2", "end": 60}, "SPI1": {"matrix": "MA0080.4", "start": 100}}
    chosen = settings({"positive": far}, rule=rule)
    with pytest.raises(InputError, match="positive sequence .* do not fit .* without overlap as the rule says"):
        simulate_records(chosen, matrices_of(chosen))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"first": "GATA1", "second": "GATA1"}, "first and second are both GATA1"),
        ({"first": "GATA1", "second": "TBP"}, r"rule: TBP is no motif of positive \(GATA1, SPI1\)"),
    ],
)
def test_rules_that_cannot_be(rule, message):
    with pytest.raises(ValidationError, match=message):
        settings({"positive": PARTNERS}, rule={**rule, "relation": "both"})
