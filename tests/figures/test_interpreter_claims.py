"""Claims on Genomic Interpreter: verdicts on the paper's Table 1, on made-up runs, on runs that lack something."""

import json

import numpy as np
import pandas as pd
import pytest
from figure_inputs import MODELS, write_attention, write_distances, write_runs
from scipy.stats import ttest_rel
from typer.testing import CliRunner

from regulens.cli import genomic_interpreter
from regulens.core.errors import InputError
from regulens.studies.claims import COLUMNS, FAILS, HOLDS, NOT_PUBLISHED, NOT_TESTED, NotTested, judge
from regulens.studies.genomic_interpreter.claims import (
    CLAIMS,
    CNNS,
    AssayEvidence,
    Shown,
    above,
    claims_table,
    constant_scores_nothing,
    each_above_each,
    follows_track,
    helps_only_on,
    margin,
    margin_larger_in,
    most_tracks_above,
    of_paper,
    of_run,
)
from regulens.studies.genomic_interpreter.table1 import group_means

CLAIM = {claim.name: claim for claim in CLAIMS}
FAIL_IN_PAPER = {"best_cage"}  # the abstract claims gene expression; in Table 1 Enformer is better
HOLD_IN_PAPER = {
    "best_overall",
    "beats_enformer",
    "beats_cnns",
    "best_dnase",
    "best_chip",
    "enformer_best_cage",
    "advantage_dnase_chip",
    "attention_beats_cnns",
    "max_pooling_best_cnn",
    "dilation_helps_chip",
}
GROUPS = ["DNase", "ChIP", "CAGE"]
SHOWN = Shown("swin1d", "T013", "enformer", 8, 6)


def evidence(levels, groups=GROUPS, tracks=3, seeds=(1,)) -> AssayEvidence:
    """A run in which a model's correlations on a group lie around a level: model to one number a group."""
    rows = []
    for model, values in levels.items():
        for place, group in enumerate(groups):
            for number in range(tracks):
                track = place * tracks + number
                for seed in seeds:
                    r = values[place] + 0.05 * number + 0.002 * ((seed + list(levels).index(model) * number) % 5)
                    name = f"T{track:03}"
                    rows.append((model, model, seed, track, name, f"{group}:{track}", group, r, ""))
    names = ["model", "label", "seed", "track", "identifier", "description", "group", "pearson", "constant"]
    table = pd.DataFrame(rows, columns=names)
    return AssayEvidence(group_means(table), table, pd.DataFrame(), None, SHOWN)


def test_claim_names_are_their_own_and_every_claim_says_its_criterion():
    assert len(CLAIM) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.sentence.endswith(".")
        assert claim.criterion.endswith(".")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_papers_own_table_has_these_verdicts(published, claim):
    verdict, numbers = judge(claim, of_paper(published), NOT_PUBLISHED)
    expected = HOLDS if claim.name in HOLD_IN_PAPER else FAILS if claim.name in FAIL_IN_PAPER else NOT_PUBLISHED
    assert verdict == expected, numbers
    assert numbers


def test_published_margins_are_those_of_the_table(published):
    paper = of_paper(published)
    assert margin(paper, "swin1d", "enformer", "CAGE").difference == pytest.approx(0.3242 - 0.3307)
    assert "Enformer −0.0065" in judge(CLAIM["best_cage"], paper)[1]
    assert "CAGE −0.0065 (over Enformer)" in judge(CLAIM["advantage_dnase_chip"], paper)[1]


def test_margins_are_paired_over_tracks_after_the_mean_over_seeds(tmp_path):
    runs = write_runs(tmp_path, seeds=(1, 2, 3))
    write_distances(tmp_path / "d.csv")
    run = of_run(runs, tmp_path / "d.csv", write_attention(tmp_path / "a.h5"), SHOWN)
    table = run.correlations[run.correlations["group"] == "ChIP"]
    wide = table.groupby(["model", "track"])["pearson"].mean().unstack("model")
    expected = ttest_rel(wide["swin1d"], wide["enformer"]).confidence_interval()
    found = margin(run, "swin1d", "enformer", "ChIP")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.difference == pytest.approx((wide["swin1d"] - wide["enformer"]).mean())
    assert (found.tracks, found.seeds) == (8, 3)
    by_seed = table.groupby(["seed", "model"])["pearson"].mean().unstack("model")
    assert found.seeds_above == (by_seed["swin1d"] > by_seed["enformer"]).sum()
    assert margin(run, "swin1d", "enformer", "DNase").tracks == 4  # one of five has a constant target
    assert margin(run, "swin1d", "gc_cpg_ridge", "ChIP").seeds == 0  # the reference row has a seed of its own


def test_above_needs_every_other_model_and_an_interval_apart_from_0():
    levels = {"swin1d": [0.5, 0.4, 0.3], "enformer": [0.4, 0.3, 0.2], "maxpool_cnn": [0.3, 0.3, 0.299]}
    rule = above("swin1d", ["maxpool_cnn", "enformer"], "CAGE")
    found = rule(evidence(levels))
    assert not found.holds  # 0.001 above max-pooling, less than tracks vary
    assert found.numbers.startswith("1D-Swin 0.352 on CAGE tracks; difference to MaxPoolCNNs ")
    assert above("swin1d", ["enformer"], "CAGE")(evidence(levels)).holds
    assert not above("enformer", ["swin1d"], "CAGE")(evidence(levels)).holds
    assert "(above in 3 of 3 seeds)" in above("swin1d", ["enformer"], "CAGE")(evidence(levels, seeds=(1, 2, 3))).numbers
    for model, group, tracks, reason in [
        ("swin1d", "RNA", 3, "no RNA tracks"),
        ("attpool_cnn", "CAGE", 3, "no row AttPoolCNNs"),
        ("swin1d", "CAGE", 1, "one track only"),
    ]:
        with pytest.raises(NotTested, match=reason):
            above(model, ["enformer"], group)(evidence(levels, tracks=tracks))
    with pytest.raises(NotTested, match="no row AttPoolCNNs or AttPoolDilate"):
        above("swin1d", ["attpool_cnn", "attpool_dilated"], "CAGE")(evidence(levels))


def test_each_model_must_be_above_each_on_every_group_there_is():
    levels = {"swin1d": [0.5, 0.4, 0.3], "enformer": [0.6, 0.5, 0.2], "maxpool_cnn": [0.3, 0.3, 0.25]}
    rule = each_above_each(["swin1d", "enformer"], CNNS, GROUPS)
    found = rule(evidence(levels))
    assert not found.holds
    assert found.numbers.startswith("5 of 6 differences are positive, 5 with an interval above 0; −0.049 [")
    assert "(Enformer less MaxPoolCNNs on CAGE tracks) to +0.30" in found.numbers
    without_cage = {model: values[:2] for model, values in levels.items()}
    assert rule(evidence(without_cage, groups=GROUPS[:2])).holds
    with pytest.raises(NotTested, match="no row 1D-Swin or Enformer"):
        rule(evidence({"maxpool_cnn": levels["maxpool_cnn"]}))


def test_where_a_margin_is_largest():
    rule = margin_larger_in("swin1d", ["enformer", "maxpool_cnn"], ["DNase", "ChIP"], "CAGE")
    levels = {"swin1d": [0.5, 0.4, 0.3], "enformer": [0.4, 0.3, 0.29], "maxpool_cnn": [0.45, 0.2, 0.1]}
    assert rule(evidence(levels)).holds
    assert "DNase +0.049 [" in rule(evidence(levels)).numbers
    assert "(over MaxPoolCNNs)" in rule(evidence(levels)).numbers
    assert not rule(evidence(levels | {"enformer": [0.4, 0.3, 0.2]})).holds  # as large on CAGE as on ChIP
    assert not rule(evidence(levels | {"enformer": [0.6, 0.3, 0.29]})).holds


def test_help_on_one_group_only():
    rule = helps_only_on("attpool_dilated", "attpool_cnn", "ChIP", GROUPS)
    base = {"attpool_cnn": [0.4, 0.4, 0.4]}
    assert rule(evidence(base | {"attpool_dilated": [0.3, 0.5, 0.3]})).holds
    assert not rule(evidence(base | {"attpool_dilated": [0.5, 0.5, 0.3]})).holds
    assert not rule(evidence(base | {"attpool_dilated": [0.3, 0.3, 0.3]})).holds


def test_most_tracks_lie_above_the_line():
    run = evidence({"swin1d": [0.5, 0.4, 0.3], "enformer": [0.4, 0.3, 0.2]}, tracks=4)
    rule = most_tracks_above("swin1d", ["enformer", "maxpool_cnn"], "DNase")
    assert rule(run).holds
    assert "Enformer 4 of 4 [0.51, 1.00]" in rule(run).numbers  # Wilson: 1 / (1 + 1.96^2 / 4)
    half = run.correlations.copy()
    half.loc[(half["model"] == "swin1d") & half["track"].isin([0, 1]), "pearson"] = 0.1
    assert not rule(run._replace(correlations=half)).holds  # 2 of 4 are not most
    half.loc[half["group"] == "DNase", "pearson"] = np.nan
    with pytest.raises(NotTested, match="no DNase track has a correlation with both"):
        rule(run._replace(correlations=half))


def test_the_track_of_figure_3_is_judged_over_the_whole_test_set():
    rule, run = follows_track("swin1d"), evidence({"swin1d": [0.5] * 3, "enformer": [0.4, 0.4, 0.6]}, seeds=(1, 2))
    assert not rule(run._replace(shown=SHOWN._replace(track="T007"))).holds
    found = rule(run._replace(shown=SHOWN._replace(track="DNase:1")))
    assert found.holds
    assert found.numbers.startswith("T001 (DNase) over the whole test set: 1D-Swin 0.55")
    assert found.numbers.endswith("2 seeds")
    with pytest.raises(NotTested, match="beside no other model"):
        rule(run._replace(shown=SHOWN._replace(other="swin1d")))
    with pytest.raises(NotTested, match="no row MaxPoolCNNs"):
        rule(run._replace(shown=SHOWN._replace(other="maxpool_cnn")))
    with pytest.raises(InputError, match="figure3.track"):
        rule(run._replace(shown=SHOWN._replace(track="T0X")))


def test_a_constant_prediction_scores_nothing():
    run = evidence({"mean": [np.nan] * 3, "swin1d": [0.5] * 3})
    assert constant_scores_nothing("mean")(run).holds
    assert constant_scores_nothing("mean")(run).numbers == "undefined on 9 of 9 tracks"
    assert not constant_scores_nothing("swin1d")(run).holds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    write_distances(folder / "distance.csv")
    write_attention(folder / "attention.h5")
    return folder


def test_every_claim_of_a_run_is_on_the_page_with_its_numbers(folder, published):
    outputs = folder / "claims.csv", folder / "claims.md"
    runs = write_runs(folder, seeds=(1, 2))
    inputs = folder / "distance.csv", folder / "attention.h5"
    table = claims_table(runs, *inputs, published, *outputs, shown=SHOWN, data_note="Made up.").set_index("claim")
    assert list(pd.read_csv(outputs[0]).columns) == COLUMNS
    assert list(table.index) == list(CLAIM)
    assert list(table.index[table["verdict"] == NOT_TESTED]) == ["attention_is_regulation"]
    assert table.loc[["beats_cnns", "lower_layers_local", "mean_scores_nothing"], "verdict"].eq(HOLDS).all()
    text = outputs[1].read_text()
    for number, claim in enumerate(CLAIMS, 1):
        assert f"{number}. {claim.sentence}" in text
        assert f"- Criterion: {claim.criterion}" in text
        assert f"{table.loc[claim.name, 'numbers']}." in text
    assert "2 seeds each; tracks: 5 DNase, 8 ChIP, 4 CAGE, 17 in all." in text
    assert "- Made up." in text


def test_a_run_without_a_group_or_a_model_says_what_is_missing(folder, published, tmp_path):
    runs = write_runs(tmp_path, counts={"DNase": 3, "RNA": 2})
    runs = [run for run in runs if run.model not in ("enformer", "gc_cpg_ridge")]
    inputs, outputs = (folder / "distance.csv", folder / "attention.h5"), (tmp_path / "c.csv", tmp_path / "c.md")
    table = claims_table(runs, *inputs, published, *outputs, shown=SHOWN).set_index("claim")
    missing = table[table["verdict"] == NOT_TESTED]["numbers"]
    assert missing["best_cage"] == "the data have no CAGE tracks"
    assert missing["beats_enformer"] == "there is no row Enformer"
    assert missing["models_above_ridge"] == "there is no row GC + CpG ridge"
    assert missing["profile_matches"] == "there is no row Enformer"
    assert table.loc["best_dnase", "verdict"] in (HOLDS, FAILS)
    assert missing.str.len().min() > 10


def settings(drop=()):
    values = {
        "models": {name: {"label": label} for name, (label, _) in MODELS.items()},
        "groups": dict.fromkeys(GROUPS, []),
        "data_note": "A {note}.",
        "main_model": "swin1d",
        "track": "T013",
        "other": "enformer",
        "heads_layer": 8,
        "windows_layer": 6,
    }
    return json.dumps({key: value for key, value in values.items() if key not in drop})


def test_the_command_runs(folder, published, tmp_path):
    runs = [word for run in write_runs(tmp_path) for word in ("--run", f"{run.model}:{run.seed}={run.path}")]
    files = ["--distances", str(folder / "distance.csv"), "--attention", str(folder / "attention.h5")]
    files += ["--published", str(published), "--csv", str(tmp_path / "c.csv"), "--md", str(tmp_path / "c.md")]
    runner = CliRunner()
    done = runner.invoke(genomic_interpreter.app, ["claims", *runs, *files, "--settings", settings()])
    assert done.exit_code == 0, done.output
    assert len(pd.read_csv(tmp_path / "c.csv")) == len(CLAIMS)
    assert "- A {note}." in (tmp_path / "c.md").read_text()
    done = runner.invoke(genomic_interpreter.app, ["claims", *runs, *files, "--settings", settings(["heads_layer"])])
    assert isinstance(done.exception, InputError)
    assert "no part 'heads_layer'" in str(done.exception)
