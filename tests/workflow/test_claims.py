"""The claims tables of the tiny run: every claim has a verdict, numbers or a reason, and follows from the tables."""

import pandas as pd
import pytest

from regulens.studies.dnabert_lrp.claims import CLAIMS as LRP
from regulens.studies.genomic_interpreter.claims import CLAIMS as INTERPRETER
from regulens.studies.hybrid_networks.claims import CLAIMS as HYBRID

CLAIMS = {"genomic_interpreter": INTERPRETER, "dnabert_lrp": LRP, "hybrid_networks": HYBRID}


@pytest.fixture
def claims(study):
    """Claims of the study that each test names, by the name of the claim."""
    return lambda name: pd.read_csv(study.parent / name / "claims.csv").set_index("claim")


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_has_a_verdict_and_a_reason(study, claims, name):
    table = claims(name)
    assert list(table.index) == [claim.name for claim in CLAIMS[name].claims]
    judged = table[[claim.about != "paper" for claim in CLAIMS[name].claims]]
    assert set(judged["verdict"]) <= {"holds", "does not hold", "not tested in this run"}
    assert set(table.drop(judged.index)["verdict"]) <= {"not a test: simulated data", "not tested in this run"}
    assert set(table["published_verdict"]) <= {"holds", "does not hold", "not in the paper's table"}
    assert table[["criterion", "numbers", "published_numbers"]].notna().all(axis=None)
    assert not table["numbers"].str.contains(r"\bnan\b|undefined\]").any()
    assert (table["verdict"] != "not tested in this run").any()
    text = (study.parent / name / "claims.md").read_text()
    assert all(sentence in text for sentence in table["sentence"])


def test_claims_on_models_follow_from_table_1(study, claims):
    table, means = claims("genomic_interpreter"), pd.read_csv(study / "table1.csv").set_index(["model", "group"])
    gap = means.loc[("swin1d", "Overall"), "pearson"] - means.loc[("enformer", "Overall"), "pearson"]
    shown = f"{gap:+.3f}".replace("-", "\N{MINUS SIGN}")
    assert f"Enformer {shown} [" in table.loc["beats_enformer", "numbers"]
    assert "of 2 seeds" in table.loc["beats_enformer", "numbers"]
    assert table.loc["mean_scores_nothing", "verdict"] == "holds"
    untested = table[table["verdict"] == "not tested in this run"]["numbers"]
    assert list(untested.index) == ["windows_differ", "attention_is_regulation"]
    assert untested["windows_differ"] == "layer 4 has one window"


def test_claims_on_scores_follow_from_their_tables(lrp, claims):
    table, accuracy = claims("dnabert_lrp"), pd.read_csv(lrp / "section51.csv")
    rows = accuracy[
        (accuracy["task"] == "promoters") & (accuracy["row"] == "bert") & (accuracy["metric"] == "accuracy")
    ]
    assert table.loc["promoters_accuracy", "numbers"].startswith(f"accuracy {rows['value'].iloc[0]:.3f} [")
    # The enhancers of the tiny configuration repeat no task of the paper.
    assert table.loc["enhancers_accuracy", "numbers"] == "no task of the run repeats the paper's enhancers"
    assert table.loc["lrp_finds_sites", "verdict"] != "not tested in this run"
