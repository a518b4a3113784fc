"""Claims of the lectures on made-up tables: which hold, which do not, which are not tested."""

import pandas as pd
import pytest

from regulens.studies.sequence_to_function.boundaries import COLUMNS as BOUNDARY_COLUMNS
from regulens.studies.sequence_to_function.claims import claims
from regulens.studies.sequence_to_function.enhancers import ALL, COLUMNS
from regulens.studies.sequence_to_function.insulators import COLUMNS as INSULATOR_COLUMNS
from regulens.studies.sequence_to_function.variants import COLUMNS as VARIANT_COLUMNS
from regulens.studies.tiers import COLUMNS as TIER_COLUMNS


def written(path, columns, rows):
    pd.DataFrame(rows).reindex(columns=columns).to_csv(path, index=False)
    return path


@pytest.fixture
def tables(tmp_path):
    def area(model, method, value):
        labels = {"label": model or "No model", "method": method, "method_label": method.title()}
        gain = {"auprc_gain": value - 0.3, "auprc_gain_low": value - 0.35, "auprc_gain_high": value - 0.25}
        return {"model": model, **labels, "group": ALL, "auprc": value, "auroc": value, **gain}

    areas = [area("", "inverse_distance", 0.3), area("", "activity_by_distance", 0.5)]
    areas += [area("enformer", name, value) for name, value in (("lrp", 0.4), ("attention", 0.2), ("deletion", 0.45))]
    front = {"model": "enformer", "label": "Enformer"}
    walls = [
        {**front, "map": "attention", "places": "boundaries", "difference": -0.2, "low": -0.3, "high": -0.1},
        {**front, "map": "attention", "places": "random", "difference": 0.2, "low": 0.1, "high": 0.3},
        {**front, "map": "effect", "places": "boundaries", "difference": -0.2, "low": -0.5, "high": 0.1},
    ]
    deleted = {**front, "method": "deletion", "method_label": "In-silico deletion"}
    behind = [
        {**deleted, "difference": -0.4, "low": -0.8, "high": -0.1},
        {**deleted, "label": "1D-Swin", "difference": -0.4, "low": -0.9, "high": 0.1},
    ]
    effects = [{**front, "group": "CAGE", "statistic": "auroc", "value": 0.7, "low": 0.6, "high": 0.8}]
    score = {"subject": "enformer", "label": "Enformer", "test": "randomised"}
    tests = [
        {**score, "score": "lrp", "score_label": "LRP", "value": -0.1},
        {**score, "score": "random", "score_label": "Random", "value": 1.0},
    ]
    return {
        "enhancers": written(tmp_path / "enhancers.csv", COLUMNS, areas),
        "insulators": written(tmp_path / "insulators.csv", INSULATOR_COLUMNS, behind),
        "boundaries": written(tmp_path / "boundaries.csv", BOUNDARY_COLUMNS, walls),
        "variants": written(tmp_path / "variants.csv", VARIANT_COLUMNS, effects),
        "tiers": written(tmp_path / "tiers.csv", TIER_COLUMNS, tests),
    }


def test_every_claim_is_judged_by_its_own_table(tables, tmp_path):
    found = claims(tables=tables, csv=tmp_path / "claims.csv", md=tmp_path / "claims.md", evidence="real").set_index(
        "claim"
    )
    assert found["verdict"].to_dict() == {
        "gradients_find_enhancers": "not tested in this run",
        "attention_finds_enhancers": "does not hold",
        "relevance_finds_enhancers": "holds",
        "mutagenesis_finds_enhancers": "holds",
        "better_than_activity": "does not hold",
        "attributions_find_bound_sites": "not tested in this run",
        "effects_stop_at_insulators": "does not hold",
        "attention_stops_at_boundaries": "holds",
        "effects_stop_at_boundaries": "does not hold",
        "effects_tell_causal_variants": "holds",
        "scores_depend_on_what_was_learned": "holds",
    }
    assert found["numbers"]["relevance_finds_enhancers"] == (
        "above in 1 of 1 models, in 1 with the whole interval: enformer +0.100 [0.050, 0.150]"
    )
    assert found["numbers"]["attributions_find_bound_sites"] == "the run has no table of sites"


def test_a_gain_whose_interval_contains_0_does_not_hold(tables, tmp_path):
    table = pd.read_csv(tables["enhancers"], keep_default_na=False)
    table["auprc_gain_low"] -= 0.06
    table.to_csv(tables["enhancers"], index=False)
    found = claims(tables=tables, csv=tmp_path / "claims.csv", md=tmp_path / "claims.md", evidence="real").set_index(
        "claim"
    )
    assert found["verdict"]["relevance_finds_enhancers"] == "does not hold"


def test_without_any_table_nothing_is_tested(tmp_path):
    found = claims(tables={}, csv=tmp_path / "claims.csv", md=tmp_path / "claims.md", evidence="simulated")
    assert set(found["verdict"]) == {"not tested in this run"}
