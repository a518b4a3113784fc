"""Claims on Genomic Interpreter: verdicts on the paper's Table 1, on made-up runs, on runs that lack something."""

import re

import h5py
import numpy as np
import pandas as pd
import pytest
from commands import run_command
from figure_inputs import MODELS, write_attention, write_distances, write_runs
from hybrid_inputs import PUBLISHED
from scipy.stats import ttest_rel

from regulens.core.errors import InputError
from regulens.studies.claims import COLUMNS, FAILS, HOLDS, NOT_PUBLISHED, NOT_TESTED
from regulens.studies.genomic_interpreter.attention import AttentionFile
from regulens.studies.genomic_interpreter.claims import CLAIMS, Evidence, Shown, claims, paper_evidence, run_evidence
from regulens.studies.genomic_interpreter.table1 import group_means
from regulens.training.settings import REFERENCE_ROWS

CLAIM = {claim.name: claim for claim in CLAIMS.claims}
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


def evidence(levels, groups=GROUPS, tracks=3, seeds=(1,), **shown) -> Evidence:
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
    return Evidence(group_means(table), table, pd.DataFrame(), None, SHOWN._replace(**shown))


def distances(ratios, heads=(), layer_bp=2.0, segments=50, **shown) -> Evidence:
    """A run of layers with a distance in multiples of uniform attention, and heads of the last layer."""
    rows = []
    for layer, ratio in enumerate(ratios, 1):
        uniform = 10 * layer_bp**layer
        block = "full" if layer == len(ratios) else "regular"
        rows.append((layer, block, 1, "all", ratio * uniform, 0.1 * uniform, uniform, segments))
        rows.append((layer, "shifted", 1, "all", 5 * uniform, 0.1 * uniform, uniform, segments))
    rows += [
        (len(ratios), "full", 1, str(n), r * uniform, 0.1 * uniform, uniform, segments) for n, r in enumerate(heads, 1)
    ]
    columns = ["layer", "block", "bp_per_token", "head", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"]
    table = pd.DataFrame(rows, columns=columns)
    return Evidence(pd.DataFrame(), pd.DataFrame(), table, None, SHOWN._replace(**shown))


@pytest.mark.parametrize("name", CLAIM)
def test_the_papers_own_table_has_these_verdicts(name):
    verdict, numbers = CLAIM[name].judge(paper_evidence(PUBLISHED), NOT_PUBLISHED)
    expected = HOLDS if name in HOLD_IN_PAPER else FAILS if name in FAIL_IN_PAPER else NOT_PUBLISHED
    assert verdict == expected, numbers
    assert numbers


def test_published_margins_are_those_of_the_table():
    paper = paper_evidence(PUBLISHED)
    (found,) = paper.margins("swin1d", ["enformer"], "CAGE")["values"]
    assert found.value == pytest.approx(0.3242 - 0.3307)
    assert "Enformer −0.0065" in CLAIM["best_cage"].judge(paper)[1]
    assert "CAGE −0.0065 (over Enformer)" in CLAIM["advantage_dnase_chip"].judge(paper)[1]


def test_margins_are_paired_over_tracks_after_the_mean_over_seeds(tmp_path):
    runs = write_runs(tmp_path, seeds=(1, 2, 3))
    write_distances(tmp_path / "d.csv")
    run = run_evidence(runs, tmp_path / "d.csv", write_attention(tmp_path / "a.h5"), SHOWN)
    table = run.correlations[run.correlations["group"] == "ChIP"]
    wide = table.groupby(["model", "track"])["pearson"].mean().unstack("model")
    expected = ttest_rel(wide["swin1d"], wide["enformer"]).confidence_interval()
    by_seed = table.groupby(["seed", "model"])["pearson"].mean().unstack("model")
    above = (by_seed["swin1d"] > by_seed["enformer"]).sum()
    found = run.margins("swin1d", ["enformer"], "ChIP")
    (margin,) = found["values"]
    assert margin[:3] == pytest.approx(((wide["swin1d"] - wide["enformer"]).mean(), expected.low, expected.high))
    assert (margin.note, found["over"]) == (f" (above in {above} of 3 seeds)", "; over 8 tracks")
    # One of five tracks has a constant target; the reference row has a seed of its own.
    assert run.margins("swin1d", ["enformer"], "DNase")["over"] == "; over 4 tracks"
    assert run.margins("swin1d", ["gc_cpg_ridge"], "ChIP")["values"][0].note == ""


LEVELS = {"swin1d": [0.5, 0.4, 0.3], "enformer": [0.4, 0.3, 0.2], "maxpool_cnn": [0.3, 0.3, 0.299]}
THREE = {"swin1d": [0.5, 0.4, 0.3], "enformer": [0.6, 0.5, 0.2], "maxpool_cnn": [0.3, 0.3, 0.25]}
BEST = {"swin1d": [0.5, 0.4, 0.3], "enformer": [0.4, 0.3, 0.29], "maxpool_cnn": [0.45, 0.2, 0.1]}
CNN = {"attpool_cnn": [0.4, 0.4, 0.4]}
FIGURE3 = {"swin1d": [0.5] * 3, "enformer": [0.4, 0.4, 0.6]}
WITHOUT_ENFORMER = {model: values for model, values in LEVELS.items() if model != "enformer"}
FLAT, GROWING = [0.8, 0.7, 0.6, 0.8, 0.7, 0.6, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.1]


def with_correlations(run, models, tracks, value) -> Evidence:
    table = run.correlations.copy()
    table.loc[table["model"].isin(models) & table["track"].isin(tracks), "pearson"] = value
    return run._replace(correlations=table)


@pytest.mark.parametrize(
    ("name", "run", "verdict", "text"),
    [
        # Above every other model, with an interval apart from 0: 0.001 is less than tracks vary.
        ("best_cage", evidence(LEVELS), FAILS, "^1D-Swin 0.352 on CAGE tracks; difference to MaxPoolCNNs "),
        ("best_cage", evidence(LEVELS | {"maxpool_cnn": [0.2] * 3}), HOLDS, r"Enformer \+0.\d+ \[.*\]; over 3 tracks$"),
        ("enformer_best_cage", evidence(LEVELS), FAILS, "1D-Swin −"),
        ("beats_enformer", evidence(LEVELS), HOLDS, "^1D-Swin 0.452 over all tracks; .*; over 9 tracks$"),
        ("beats_enformer", evidence(LEVELS, seeds=(1, 2, 3)), HOLDS, r"\(above in 3 of 3 seeds\)"),
        ("best_cage", evidence(LEVELS, groups=["DNase", "ChIP", "RNA"]), NOT_TESTED, "the data have no CAGE tracks"),
        ("max_pooling_best_cnn", evidence(LEVELS), NOT_TESTED, "there is no row AttPoolCNNs or AttPoolDilate"),
        ("beats_enformer", evidence(WITHOUT_ENFORMER), NOT_TESTED, "there is no row Enformer"),
        ("best_cage", evidence(LEVELS, tracks=1), NOT_TESTED, "one track only, so no interval"),
        # Each above each, on every group there is.
        (
            "attention_beats_cnns",
            evidence(THREE),
            FAILS,
            "^5 of 6 differences are positive, 5 with an interval above 0;",
        ),
        (
            "attention_beats_cnns",
            evidence(THREE),
            FAILS,
            r"; −0.049 \[.*\(Enformer less MaxPoolCNNs on CAGE tracks\) to ",
        ),
        ("attention_beats_cnns", evidence(THREE, groups=GROUPS[:2]), HOLDS, "4 of 4 .* to .0.30"),
        ("attention_beats_cnns", evidence({"maxpool_cnn": [0.3] * 3}), NOT_TESTED, "no row 1D-Swin or Enformer"),
        ("attention_beats_cnns", evidence(THREE, groups=["A", "B", "C"]), NOT_TESTED, "no track of DNase, ChIP, CAGE"),
        # Where a margin is largest.
        ("advantage_dnase_chip", evidence(BEST), HOLDS, r"^margin on DNase \+0.049 \[.*\] \(over MaxPoolCNNs\), ChIP "),
        ("advantage_dnase_chip", evidence(BEST | {"enformer": [0.4, 0.3, 0.2]}), FAILS, "CAGE"),  # as large as on ChIP
        ("advantage_dnase_chip", evidence(BEST | {"enformer": [0.6, 0.3, 0.29]}), FAILS, "DNase −"),
        # Help on one group only.
        ("dilation_helps_chip", evidence(CNN | {"attpool_dilated": [0.3, 0.5, 0.3]}), HOLDS, "DNase −.*, ChIP .0.1"),
        ("dilation_helps_chip", evidence(CNN | {"attpool_dilated": [0.5, 0.5, 0.3]}), FAILS, "less AttPoolCNNs: DNase"),
        ("dilation_helps_chip", evidence(CNN | {"attpool_dilated": [0.3, 0.3, 0.3]}), FAILS, "ChIP −"),
        # Most tracks above the line; Wilson: 1 / (1 + 1.96^2 / 4); 2 of 4 are not most.
        ("dnase_tracks", evidence(LEVELS, tracks=4), HOLDS, r"Enformer 4 of 4 \[0.51, 1.00\], with Wilson intervals"),
        ("dnase_tracks", with_correlations(evidence(LEVELS, tracks=4), ["swin1d"], [0, 1], 0.1), FAILS, "2 of 4"),
        (
            "dnase_tracks",
            with_correlations(evidence(LEVELS), [*LEVELS], range(3), np.nan),
            NOT_TESTED,
            "no DNase track h",
        ),
        # The track of Figure 3.
        ("profile_matches", evidence(FIGURE3, track="T007"), FAILS, "T007"),
        (
            "profile_matches",
            evidence(FIGURE3, track="DNase:1"),
            HOLDS,
            r"^T001 \(DNase\) over .*: 1D-Swin 0.55.*; 1 seed$",
        ),
        ("profile_matches", evidence(FIGURE3, seeds=(1, 2), track="T000"), HOLDS, "± .*, Enformer .* ± .*; 2 seeds$"),
        ("profile_matches", evidence(FIGURE3, other="swin1d"), NOT_TESTED, "beside no other model"),
        ("profile_matches", evidence(FIGURE3, other="maxpool_cnn"), NOT_TESTED, "no row MaxPoolCNNs"),
        # A constant prediction.
        ("mean_scores_nothing", evidence({"mean": [np.nan] * 3}), HOLDS, "^undefined on 9 of 9 tracks$"),
        ("mean_scores_nothing", evidence({"mean": [0.5] * 3}), FAILS, "^undefined on 0 of 9 tracks, at most 0.60"),
        # Attention that grows with the layer, or only with its windows.
        (
            "distance_grows",
            distances(FLAT),
            HOLDS,
            r"^distance \(bp\) of layers 1 to 8: 16, 28, .*, means over 50 test seg",
        ),
        ("off_diagonal_grows", distances(FLAT), FAILS, "Spearman −"),
        (
            "off_diagonal_grows",
            distances(GROWING),
            HOLDS,
            r"of layers 1 to 8: 0.10, 0.20, .*Spearman \+1.00 \(p < 1e-10",
        ),
        (
            "lower_layers_local",
            distances(GROWING),
            HOLDS,
            "^4 of 4 layers; .* layer 1: 0.10, 2: 0.20, 3: 0.30, 4: 0.40$",
        ),
        ("lower_layers_local", distances([0.1, 0.2, 1.3, 0.4, 0.5, 0.7]), FAILS, "2 of 3 layers"),
        ("lower_layers_local", distances(GROWING[:4]), NOT_TESTED, "4 layers are too few"),
        ("lower_layers_local", distances(GROWING, main_model="enformer"), NOT_TESTED, "on Enformer, not on 1D-Swin"),
        # Heads by how far they look; sd 0.1 over 50 segments: t 2.01 x 0.1 / 7.07.
        (
            "heads_differ",
            distances(FLAT, (1.0, 1.1, 1.2)),
            FAILS,
            r"3 heads: head 1 at 1.00 \[0.97, 1.03\] to head 3 at",
        ),
        ("heads_differ", distances(FLAT, (0.4, 1.0, 1.3)), HOLDS, "factor 3.25$"),
        ("heads_differ", distances(FLAT, (0.6, 1.0)), HOLDS, "factor 1.67"),
        ("heads_differ", distances(FLAT, (0.0, 0.5)), HOLDS, "factor above 100$"),  # a head that looks at itself alone
        ("heads_differ", distances(FLAT, (0.4,)), NOT_TESTED, "layer 8 has 1 head"),
        (
            "head_long_range",
            distances(FLAT, (1.0, 1.1, 1.2)),
            FAILS,
            "^layer 8: the farthest of 3 heads is head 3 at 1.20",
        ),
        ("head_long_range", distances(FLAT, (0.4, 1.0, 1.3)), HOLDS, "head 3 at 1.30"),
        ("head_local", distances(FLAT, (0.4, 1.0, 1.3)), HOLDS, r"nearest of 3 heads is head 1 at 0.40 \[0.37, 0.43\]"),
        ("head_local", distances(FLAT, (0.6, 1.0)), FAILS, "head 1 at 0.60"),
    ],
)
def test_criteria_on_made_up_runs(name, run, verdict, text):
    found, numbers = CLAIM[name].judge(run)
    assert found == verdict, numbers
    assert re.search(text, numbers), numbers


def test_a_track_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match="figure3.track"):
        CLAIM["profile_matches"].judge(evidence(FIGURE3, track="T0X"))


def test_a_head_that_looks_back_and_windows_that_differ(tmp_path):
    path = write_attention(tmp_path / "a.h5")
    run = distances(FLAT)._replace(attention=AttentionFile(path))
    assert CLAIM["head_looks_back"].judge(run)[0] == FAILS
    assert CLAIM["windows_differ"].judge(run)[0] == HOLDS  # every window has noise of its own
    with h5py.File(path, "a") as file:
        last = file["layer8_full/weights"]
        w = last.shape[-1]
        back = np.tril(np.ones((w, w)), -1) * 9 + np.triu(np.ones((w, w)), 1)
        last[2, 0] = back / back.sum(-1, keepdims=True)
        same = file["layer6_regular/weights"]
        same[:] = same[:, :1]
    run = run._replace(attention=AttentionFile(path))
    verdict, text = CLAIM["head_looks_back"].judge(run)
    assert verdict == HOLDS
    assert "layer 8, one test segment: share on earlier tokens by head 0.4" in text
    assert CLAIM["windows_differ"].judge(run)[0] == FAILS
    for layer, reason in {8: "layer 8 has one window", 9: f"{path} has no layer 9"}.items():
        other = run._replace(shown=SHOWN._replace(windows_layer=layer))
        assert CLAIM["windows_differ"].judge(other) == (NOT_TESTED, reason)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    write_distances(folder / "distance.csv")
    write_attention(folder / "attention.h5")
    return folder


def test_every_claim_of_a_run_is_on_the_page_with_its_numbers(folder):
    outputs = folder / "claims.csv", folder / "claims.md"
    runs = write_runs(folder, seeds=(1, 2))
    inputs = folder / "distance.csv", folder / "attention.h5"
    table = claims(runs, *inputs, PUBLISHED, *outputs, *SHOWN, evidence="real", data_note="Made up.").set_index("claim")
    assert list(pd.read_csv(outputs[0]).columns) == COLUMNS
    assert list(table.index) == list(CLAIM)
    assert list(table.index[table["verdict"] == NOT_TESTED]) == ["attention_is_regulation"]
    assert table.loc[["beats_cnns", "lower_layers_local", "mean_scores_nothing"], "verdict"].eq(HOLDS).all()
    text = outputs[1].read_text()
    for number, claim in enumerate(CLAIMS.claims, 1):
        assert f"{number}. {claim.sentence}" in text
        assert f"- Criterion: {claim.criterion}" in text
        assert f"{table.loc[claim.name, 'numbers']}." in text
    assert "2 seeds each; tracks: 5 DNase, 8 ChIP, 4 CAGE, 17 in all." in text
    assert "- Made up." in text


def test_a_run_without_a_group_or_a_model_says_what_is_missing(folder, tmp_path):
    runs = write_runs(tmp_path, counts={"DNase": 3, "RNA": 2})
    runs = [run for run in runs if run.model not in ("enformer", "gc_cpg_ridge")]
    inputs, outputs = (folder / "distance.csv", folder / "attention.h5"), (tmp_path / "c.csv", tmp_path / "c.md")
    table = claims(runs, *inputs, PUBLISHED, *outputs, *SHOWN, evidence="real").set_index("claim")
    missing = table[table["verdict"] == NOT_TESTED]["numbers"]
    assert missing["best_cage"] == "the data have no CAGE tracks"
    assert missing["beats_enformer"] == "there is no row Enformer"
    assert missing["models_above_ridge"] == "there is no row GC + CpG ridge"
    assert missing["profile_matches"] == "there is no row Enformer"
    assert table.loc["best_dnase", "verdict"] in (HOLDS, FAILS)
    assert missing.str.len().min() > 10


def test_the_command_runs(folder, tmp_path):
    settings = SHOWN._asdict() | {"labels": {name: label for name, (label, _) in MODELS.items()} | REFERENCE_ROWS}
    settings |= {"groups": dict.fromkeys(GROUPS, []), "data_note": "A {note}.", "evidence": "real"}
    runs = [f"{run.model}:{run.seed}={run.path}" for run in write_runs(tmp_path)]
    files = ["--distances", folder / "distance.csv", "--attention", folder / "attention.h5"]
    files += ["--published", PUBLISHED, "--csv", tmp_path / "c.csv", "--md", tmp_path / "c.md"]
    run_command("genomic-interpreter claims", *runs, *files, folder=tmp_path, settings=settings)
    assert len(pd.read_csv(tmp_path / "c.csv")) == len(CLAIM)
    assert "- A {note}." in (tmp_path / "c.md").read_text()
    del settings["heads_layer"]
    with pytest.raises(InputError, match=r"--part \[heads_layer=\]PATH is missing"):
        run_command("genomic-interpreter claims", *runs, *files, folder=tmp_path, settings=settings)
