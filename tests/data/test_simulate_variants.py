"""Simulated variants: in and beside sites, with the effects that follow from the rules; enhancers past insulators."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regulens.core.sequence import ALPHABET, reverse_complement
from regulens.data.crop import bin_coverage
from regulens.data.matrices import load_matrices
from regulens.data.settings import Geometry, SimulatedVariants, SimulationSettings
from regulens.data.simulate.genome import (
    RECIPES,
    STEP_BP,
    accessibility,
    expand_tracks,
    expected_coverage,
    links_table,
    promoter_activity,
    simulate_contig,
    within_reach,
)
from regulens.data.simulate.variants import most_sensitive, simulate_variants

SETTINGS = SimulationSettings(contigs={"train": 1, "valid": 0, "test": 1}, contig_bp=80_000, seed=5)
FAR = SETTINGS.model_copy(update={"reach": 2})
BLOCKED = SETTINGS.model_copy(update={"reach": 2, "insulators": "blocking"})


@pytest.fixture(scope="module")
def contig():
    return simulate_contig(SETTINGS, load_matrices(SETTINGS.motifs, SETTINGS.release), "sim2", 1)


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    path = tmp_path_factory.mktemp("variants") / "variants.csv"
    wanted = SimulatedVariants(route="simulated", per_contig=40, saturation_bp=60)
    simulate_variants(SETTINGS, wanted, Geometry(), path)
    return pd.read_csv(path, keep_default_na=False)


@pytest.fixture(scope="module")
def variants(every):
    return every[every["saturated"] == 0]


def test_pairs_of_all_contigs_have_their_own_numbers(tmp_path):
    settings = SETTINGS.model_copy(update={"contigs": {"train": 1, "valid": 0, "test": 2}})
    wanted = SimulatedVariants(route="simulated", per_contig=10)
    simulate_variants(settings, wanted, Geometry(), tmp_path / "variants.csv")
    pairs = pd.read_csv(tmp_path / "variants.csv").query("saturated == 0").groupby("pair")
    assert len(pairs) == 2 * 10
    assert (pairs["causal"].sum() == 1).all()
    assert (pairs.size() == 2).all()
    assert (pairs["chrom"].nunique() == 1).all()


def test_every_base_of_the_most_sensitive_promoter_becomes_each_other(every, contig):
    """Outside sites nothing changes; of a changed consensus base, its own tracks."""
    panel = every[every["saturated"] == 1]
    assert len(panel) == 3 * 60
    assert (panel.groupby("pos")["alt"].nunique() == 3).all()
    assert panel["ref"].tolist() == [ALPHABET[code] for code in contig.codes[panel["pos"] - 1]]
    true = panel.filter(regex=r"^true\.")
    assert (true[panel["motif"] == ""] == 0).all(axis=None)
    assert (true[panel["motif"] == "TBP"] != 0).any(axis=1).any() or "TBP" not in set(panel["motif"])
    assert (true != 0).any(axis=None)
    centre = int(panel["pos"].median())
    chosen = most_sensitive(SETTINGS, contig)
    assert contig.elements["kind"][chosen] == "promoter"
    assert abs(contig.elements["centre"][chosen] - centre) <= 1
    weaker = replace(contig, sites=contig.sites.assign(score=contig.sites["score"] * 0.9))
    loss = sum(accessibility(SETTINGS, contig, cell) - accessibility(SETTINGS, weaker, cell) for cell in SETTINGS.cells)
    promoters = (contig.elements["kind"] == "promoter").to_numpy()
    assert loss[chosen] >= 0.9 * loss[promoters].max()


def test_causal_variants_lie_in_sites_and_their_partners_beside_them(variants, contig):
    assert variants["causal"].tolist() == [1, 0] * 40
    sites, inside = contig.sites[contig.sites["element"] >= 0], np.zeros(len(contig.codes), bool)
    for site in sites.itertuples():
        inside[site.start : site.end] = True
    places = variants["pos"].to_numpy() - 1
    assert inside[places].tolist() == [True, False] * 40
    assert variants["ref"].tolist() == [ALPHABET[code] for code in contig.codes[places]]
    assert (variants["ref"] != variants["alt"]).all()
    for _, pair in variants.groupby("pair"):
        assert pair[["ref", "alt", "motif"]].nunique().tolist() == [1, 1, 1]
        assert abs(np.diff(pair["pos"])[0]) < 216


def test_effects_follow_from_the_motif(variants):
    true = variants.filter(regex=r"^true\.")
    assert (true[variants["causal"] == 0] == 0).all(axis=None)
    assert (true[variants["causal"] == 1] != 0).any(axis=1).mean() > 0.8
    own = variants[(variants["motif"] == "HNF4A") & (variants["causal"] == 1) & (variants["element"] == "enhancer")]
    assert (own["true.DNASE.hepatic"] != 0).all()
    assert (own["true.DNASE.erythroid"] == 0).all()
    assert (np.sign(own["true.CHIP.HNF4A.hepatic"]) == np.sign(own["true.DNASE.hepatic"])).all()


def test_effects_are_in_the_units_of_the_targets(variants, contig):
    """Coverage of the contig with and without one motif, binned as a target is: the difference is the effect."""
    found = variants[variants["causal"] == 1].iloc[0]
    place = found["pos"] - 1
    row = contig.sites.index[(contig.sites["start"] <= place) & (contig.sites["end"] > place)][0]
    site, sites = contig.sites.loc[row], contig.sites.copy()
    motif = load_matrices(SETTINGS.motifs, SETTINGS.release)[site["motif"]]
    codes = contig.codes[site["start"] : site["end"]].copy()
    codes[place - site["start"]] = ALPHABET.index(found["alt"])
    codes = codes if site["strand"] == "+" else reverse_complement(codes)
    sites.loc[row, "score"] = motif.relative_score(codes[None])[0]
    for track in expand_tracks(SETTINGS):
        recipe = RECIPES[track.assay] | {"clip": np.inf, "clip_soft": np.inf}
        before, after = (
            bin_coverage(np.repeat(expected_coverage(SETTINGS, one, track), STEP_BP[track.assay]), 128, **recipe)
            for one in (contig, replace(contig, sites=sites))
        )
        change = (after.astype(float) - before.astype(float)).sum()
        # Targets are stored with 11 bits.
        assert found[f"true.{track.identifier}"] == pytest.approx(change, abs=0.02 + 0.03 * abs(change))


def test_an_enhancer_may_reach_past_its_neighbour_with_half_of_its_effect(contig):
    elements, cell = contig.elements, "hepatic"
    enhancer = np.where(elements[cell], accessibility(SETTINGS, contig, cell), 0.0)
    near, far = (promoter_activity(settings, contig, cell) for settings in (SETTINGS, FAR))
    strength = promoter_activity(SETTINGS.model_copy(update={"silent_promoter": 1.0}), contig, cell) - near
    strength = strength / (1 - SETTINGS.silent_promoter)
    padded = np.pad(enhancer, 2)
    expected = np.where(elements["kind"] == "promoter", strength * (padded[:-4] + padded[4:]) / 2, 0)
    np.testing.assert_allclose(far - near, expected, atol=1e-12)


def test_blocking_insulators_stop_what_lies_behind_them(contig):
    insulator = (contig.elements["kind"] == "insulator").to_numpy()
    steps = {len(here): (here, other) for here, other, share in within_reach(BLOCKED, contig.elements) if share == 0.5}
    for here, other in steps.values():
        assert not insulator[(here + other) // 2].any()
    links = {name: links_table(settings, contig) for name, settings in (("far", FAR), ("blocked", BLOCKED))}
    assert len(links_table(SETTINGS, contig)) < len(links["blocked"]) < len(links["far"])
    assert insulator.any()
