"""Claims of the paper on hybrid networks: verdicts on its own table, on made-up runs, on runs that lack something."""

import re

import numpy as np
import pandas as pd
import pytest
from hybrid_inputs import PUBLISHED, around, paper_architectures, write_model, write_paper
from scipy.stats import ttest_ind

from regulens.core.errors import InputError
from regulens.studies.claims import COLUMNS, FAILS, HOLDS, NOT_PUBLISHED, NOT_TESTED, NotTested
from regulens.studies.hybrid_networks.claims import (
    CLAIMS,
    EVIDENCE_COLUMNS,
    Evidence,
    claims,
    paper_evidence,
    run_evidence,
)
from regulens.studies.hybrid_networks.results import collect_trials

CLAIM = {claim.name: claim for claim in CLAIMS.claims}
FAIL_IN_PAPER = {
    "c24_relu_slight",  # up to 0.208 in TPR
    "fpr_same",  # C4C6 and C4 have fewer false positives with the exponential
    "c24_saliency_auroc_slight_gain",  # docs/papers.md, "c24-gain"
    "c24_saliency_aupr_slight_gain",
    "baseline_drives_tpr_exponential",
}


@pytest.fixture(scope="module")
def paper():
    return paper_evidence(PUBLISHED)


def evidence(rows, task="task1", metric="tpr", n=3) -> Evidence:
    """Evidence of (network, baseline, transformers, ReLU's mean, exponential's mean) with sd 0.01."""
    lines = []
    for name, baseline, depth, *means in rows:
        for activation, mean in zip(("relu", "exponential"), means, strict=False):
            lines.append((task, name, name, baseline, depth, activation, metric, mean, 0.01, n, 0.01))
    return Evidence(pd.DataFrame(lines, columns=EVIDENCE_COLUMNS))


def test_the_papers_networks_are_read_from_their_names(paper):
    known = {a.label: (a.baseline, a.modules.count("transformer")) for a in paper_architectures().values()}
    read = paper.rows.drop_duplicates("label").set_index("label")[["baseline", "transformers"]]
    assert {name: tuple(row) for name, row in zip(read.index, read.to_numpy(), strict=True)} == known
    assert set(paper.rows.loc[paper.rows["task"] == "task2", "n"]) == {5}


@pytest.mark.parametrize("name", CLAIM)
def test_the_papers_own_table_has_these_verdicts(paper, name):
    verdict, numbers = CLAIM[name].judge(paper, NOT_PUBLISHED)
    if name in ("deep_unstable", "modules_need_motifs"):
        assert verdict == NOT_PUBLISHED
    else:
        assert verdict == (FAILS if name in FAIL_IN_PAPER else HOLDS), numbers


def test_spec_numbers_stand_in_the_verdicts(paper):
    assert CLAIM["tpr_gain_size"].judge(paper)[1].startswith("11 of 11 networks; exponential less ReLU +0.281")
    _, numbers = CLAIM["c24_saliency_auroc_slight_gain"].judge(paper)
    assert "in 1 of 6 networks" in numbers
    assert "−0.057 (C24-LSTM-Trans1)" in numbers  # .819 -> .762


def test_differences_agree_with_welch_of_the_values():
    relu, exponential = np.array([0.30, 0.42, 0.36]), np.array([0.81, 0.84, 0.90])
    run = evidence([("A", "c4", 0, relu.mean(), exponential.mean())])
    run.rows["sd"] = [relu.std(), exponential.std()]
    expected = ttest_ind(exponential, relu, equal_var=False).confidence_interval()
    (found,) = run.differences("task1", "tpr")
    assert found[:3] == pytest.approx((exponential.mean() - relu.mean(), expected.low, expected.high))
    run.rows["sd"] = 0.0
    (found,) = run.differences("task1", "tpr")
    assert found.low == found.high == found.value


def test_differences_keep_the_order_and_leave_out_networks_without_both():
    run = evidence(
        [("B", "c4", 0, 0.2, 0.5), ("A", "c4", 0, 0.4, 0.5), ("C", "c4", 0, 0.3), ("D", "c4", 0, 0.3, np.nan)]
    )
    assert [item.name for item in run.differences("task1", "tpr")] == ["B", "A"]
    for found, baselines, reason in [
        (Evidence(run.rows[run.rows["activation"] == "relu"]), None, "task1 was not run with both activations"),
        (evidence([("C", "c4", 0, 0.3), ("F", "c4", 0, np.nan, 0.5)]), None, "no network has TPR in task 1 with both"),
        (run, ["c24"], "no C24 network has TPR in task 1"),
    ]:
        with pytest.raises(NotTested, match=reason):
            found.differences("task1", "tpr", baselines)


APART = [(f"{name}{i}", name, 0, mean + 0.01 * i) for name, mean in (("c24", 0.8), ("c4", 0.2)) for i in range(3)]
MIXED = [("A", "c24", 0, 0.3), ("B", "c24", 0, 0.7), ("C", "c4", 0, 0.3), ("D", "c4", 0, 0.7)]
SMALL_GAINS = [("S", "c4c6", 0, 0.4, 0.7), ("T", "c4", 0, 0.4, 0.6)]
GROUPS = [("L", "c24", 0, 0.9, 0.7), ("S", "c4c6", 0, 0.4, 0.85), ("T", "c4", 0, 0.3, 0.75)]
RISING = [(name, "c4", 0, 0.1 * place, 0.1 * place + 0.5) for place, name in enumerate("ABC")]


def both_tasks(rows, sign=1) -> Evidence:
    other = evidence(rows[::-1], "task2", "saliency_aupr").rows
    return Evidence(pd.concat([evidence(rows).rows, other.assign(mean=sign * other["mean"])]))


def fpr(*rows, others) -> Evidence:
    return Evidence(pd.concat([evidence(rows, metric="fpr").rows, evidence(others).rows]))


def changed(run, label, **values) -> Evidence:
    rows = run.rows.copy()
    for column, value in values.items():
        rows.loc[rows["label"] == label, column] = value
    return Evidence(rows)


def of_relu(run) -> Evidence:
    return Evidence(run.rows[run.rows["activation"] == "relu"])


ONE, FAR = ("A", "c4", 0, 0.2, 0.5), ("B", "c4", 0, 0.1, 0.9)
OPEN = changed(evidence([ONE, FAR]), "A", n=1)
DEPTH = evidence([("A", "c4", 0, 0.9, 0.9), ("B", "c4", 4, 0.7, 0.7)], metric="aupr")


@pytest.mark.parametrize(
    ("name", "run", "verdict", "text"),
    [
        # A difference in every network.
        ("tpr_gain_size", evidence([("A", "c4", 0, 0.2, 0.46)]), HOLDS, "1 of 1 networks"),
        ("tpr_gain_size", evidence([("A", "c4", 0, 0.2, 0.44), FAR]), FAILS, "1 of 2 networks"),
        ("tpr_gain_size", evidence([FAR, ("C", "c24", 0, 0.5, 0.5)]), HOLDS, "1 of 1 networks"),
        ("tpr_gain_size", evidence([ONE], n=1), HOLDS, r"less ReLU \+0.300 \(A\)"),
        ("c24_relu_higher", evidence([("A", "c24", 0, 0.5, 0.5)]), HOLDS, r"0.000 \(A\)"),
        ("c24_relu_higher", evidence([("A", "c24", 0, 0.5, 0.2)]), HOLDS, r"−0.300 \(A\)"),
        ("c24_relu_higher", evidence([("A", "c24", 0, 0.50, 0.51)]), FAILS, "0 of 1"),
        # With an interval that excludes 0: 0.01 +- 0.03.
        ("tpr_gain_small_pool", evidence([("A", "c4", 0, 0.50, 0.60), FAR]), HOLDS, "excludes 0 in 2 of 2"),
        ("tpr_gain_small_pool", evidence([("A", "c4", 0, 0.50, 0.51), FAR]), FAILS, "2 of 2 networks; .* in 1 of 2"),
        ("tpr_gain_small_pool", evidence([ONE], n=1), NOT_TESTED, "fewer than 3 kept trials a network, so no int"),
        (
            "tpr_gain_small_pool",
            OPEN,
            NOT_TESTED,
            "2 of 2 networks; .*fewer than 3 kept trials, so no interval, of A$",
        ),
        ("tpr_gain_small_pool", changed(OPEN, "B", mean=[0.6, 0.5]), FAILS, "in 0 of 2"),  # B decides
        # Means of differences, and of filters without a match.
        ("c24_relu_slight", evidence([("A", "c24", 0, 0.5, 0.4), ("B", "c24", 0, 0.5, 0.42)]), HOLDS, "−0.090 over 2"),
        ("c24_relu_slight", evidence([("A", "c24", 0, 0.5, 0.61)]), FAILS, "mean difference \\+0.110"),
        ("right_or_none", fpr(("A", "c24", 0, 0.1, 0.05), others=[("A", "c24", 0, 0.9, 0.8)]), HOLDS, "more in 1 of 1"),
        ("right_or_none", fpr(("A", "c24", 0, 0.1, 0.06), others=[("A", "c24", 0, 0.9, 0.8)]), FAILS, "more in 1 of 1"),
        ("right_or_none", fpr(("A", "c24", 0, 0.1, 0.0), others=[("A", "c24", 0, 0.8, 0.95)]), FAILS, "more in 0 of 1"),
        # Means of groups.
        ("c24_learns_motifs", evidence([("A", "c24", 0, 0.6, 0.5)]), FAILS, r"1 of 2; 0.500 \(A exponential\) to"),
        (
            "c24_learns_motifs",
            of_relu(evidence([("A", "c24", 0, 0.6, 0.5)])),
            NOT_TESTED,
            "C24 network with exponential",
        ),
        (
            "large_pool_whole_motifs",
            evidence(GROUPS),
            HOLDS,
            r"^C24 0.900 \(L ReLU\); C4C6 and C4 0.300 \(T ReLU\) to ",
        ),
        ("large_pool_whole_motifs", evidence(GROUPS[1:]), NOT_TESTED, "group 'C24'"),
        ("large_pool_whole_motifs", evidence(GROUPS[:1]), NOT_TESTED, "group 'C4C6 and C4'"),
        (
            "either_design_suffices",
            evidence(GROUPS),
            HOLDS,
            r"with either 0.700 \(L exp.* to 0.900 \(L ReLU\); with neit",
        ),
        ("either_design_suffices", changed(evidence(GROUPS), "S", mean=[0.8, 0.85]), FAILS, "with neither"),
        (
            "exponential_overcomes_pool",
            evidence(GROUPS),
            FAILS,
            "C4C6 0.850, C4 0.750 with exponential, C24 0.900 with",
        ),
        ("exponential_overcomes_pool", changed(evidence(GROUPS), "T", mean=0.81), HOLDS, "C4 0.810"),
        # A gain that is slight.
        ("c24_classification_slight_gain", ("L", "c24", 0, 0.5, 0.6), HOLDS, "mean gain of C4C6 .0.300, C4 .0.200"),
        ("c24_classification_slight_gain", ("L", "c24", 0, 0.5, 0.45), FAILS, "in 0 of 1 networks"),
        ("c24_classification_slight_gain", ("L", "c24", 0, 0.5, 0.75), FAILS, "mean gain .0.250"),
        ("c24_classification_slight_gain", None, NOT_TESTED, "no C4C6 or C4 network to compare the gain with"),
        # The share of the baseline, adjusted for the number of networks: 1 - 1 * 3 / 2.
        ("baseline_drives_tpr_relu", evidence(APART), HOLDS, "means C24 0.810, C4 0.210"),
        ("baseline_drives_tpr_relu", evidence(MIXED), FAILS, "adjusted share −0.50"),
        ("baseline_drives_tpr_relu", evidence(MIXED[:3]), NOT_TESTED, "two baselines"),
        # Depth.
        ("similar_aupr", changed(DEPTH, "B", transformers=2, mean=0.81), HOLDS, "4 means, .*spread 0.090"),
        ("similar_aupr", changed(DEPTH, "B", transformers=2), FAILS, "spread 0.200"),
        ("similar_aupr", of_relu(DEPTH), NOT_TESTED, "one network only"),
        ("deep_worse", DEPTH, HOLDS, "2 of 2 are below all others; .*, the others"),
        ("deep_worse", changed(DEPTH, "B", mean=[0.7, 0.9]), FAILS, "1 of 2"),
        (
            "deep_unstable",
            changed(DEPTH, "B", sd_all=0.2),
            HOLDS,
            "median 0.200 over 2 deep networks, 0.010 over 2 others",
        ),
        ("deep_unstable", DEPTH, FAILS, "median 0.010"),
        ("deep_unstable", changed(DEPTH, "B", sd_all=np.nan), NOT_TESTED, "all trials"),
        ("deep_unstable", changed(DEPTH, "B", transformers=2), NOT_TESTED, "4 transformer blocks and others"),
        # The correlation joins networks and activations.
        ("robust_motifs_reliable_saliency", both_tasks(RISING), HOLDS, r"Spearman \+1.00 over 6"),
        ("robust_motifs_reliable_saliency", both_tasks(RISING, -1), FAILS, "−1.00"),
        ("robust_motifs_reliable_saliency", of_relu(both_tasks(RISING)), NOT_TESTED, "fewer than five"),
    ],
)
def test_criteria_on_made_up_runs(name, run, verdict, text):
    if not isinstance(run, Evidence):
        rows = [run, *SMALL_GAINS] if run else [("L", "c24", 0, 0.5, 0.6)]
        run = evidence(rows, "task2", "classification_auroc")
    found, numbers = CLAIM[name].judge(run)
    assert found == verdict, numbers
    assert re.search(text, numbers), numbers


def test_evidence_of_a_run_counts_blocks_and_trials(tmp_path):
    name = "c4c6_lstm_trans2"
    values = {"aupr": [0.9, 0.8, 0.1], "tpr": around(0.5, 0.1, 3)}
    for activation in ("relu", "exponential"):
        write_model(tmp_path / "task1" / name / activation, "task1", values=values)
    trials = collect_trials(tmp_path, "task1", {name: paper_architectures()[name]}, ["relu", "exponential"], keep=2)
    found = run_evidence({"task1": trials}).rows
    row = found[(found["metric"] == "tpr") & (found["activation"] == "relu")].iloc[0]
    assert (row["transformers"], row["n"], row["baseline"]) == (2, 2, "c4c6")
    assert row["sd_all"] == pytest.approx(0.1)


def run(folder, names, tasks=("task1", "task2"), keep=3, trials=4):
    """Tables of trials with the paper's numbers for some of its networks."""
    every = paper_architectures()
    architectures, paths = {name: every[name] for name in names}, {}
    for task in tasks:
        write_paper(folder, task, trials, keep, architectures)
        metric = {"task1": "aupr", "task2": "auroc"}[task]
        paths[task] = folder / f"{task}_trials.csv"
        table = collect_trials(folder, task, architectures, ["relu", "exponential"], keep, metric=metric)
        table.to_csv(paths[task], index=False)
    return paths


def judged(folder, paths, **options):
    outputs = {"csv": folder / "claims.csv", "md": folder / "claims.md"}
    table = claims(**paths, published=PUBLISHED, evidence="real", **outputs, **options)
    return table.set_index("claim"), outputs["md"].read_text()


def test_a_run_of_two_networks_tests_what_it_can(tmp_path):
    paths = run(tmp_path, ["c24", "c4c6"])
    table, text = judged(tmp_path, paths, data_note="Made up.")
    assert list(pd.read_csv(tmp_path / "claims.csv").columns) == COLUMNS
    assert list(table.index) == list(CLAIM)
    assert table.loc["tpr_gain_small_pool", "verdict"] == HOLDS
    assert table.loc["tpr_gain_small_pool", "numbers"].startswith("1 of 1 networks")
    assert table.loc["saliency_aupr_gain_size_c4c6", "verdict"] == HOLDS
    assert table.loc["c24_saliency_aupr_slight_gain", "verdict"] == HOLDS  # plain C24 gains
    assert table.loc["c24_saliency_aupr_slight_gain", "published_verdict"] == FAILS
    for name, reason in {
        "deep_worse": "needs networks with 4 transformer blocks",
        "saliency_aupr_gain_size_c4": "no C4 network has Saliency AUPR",
        "robust_motifs_reliable_saliency": "fewer than five networks",
        "baseline_drives_tpr_relu": "needs two baselines",
    }.items():
        assert table.loc[name, "verdict"] == NOT_TESTED
        assert reason in table.loc[name, "numbers"]
    for sentence in ("- Made up.", "3 of 4 trials of each kept"):
        assert sentence in text
    assert "networks 1 of C24, 1 of C4C6, 0 of C4 (the paper: 6, 6 and 5)" in text
    for number, claim in enumerate(CLAIMS.claims, 1):
        assert f"{number}. {claim.sentence}" in text
        assert f"- Criterion: {claim.criterion}" in text
        assert f"{table.loc[claim.name, 'numbers']}." in text
    assert text.split("## Criteria")[0].count("| not tested in this run |") == (table["verdict"] == NOT_TESTED).sum()


def test_a_task_that_was_not_run_is_not_tested(tmp_path):
    paths = run(tmp_path, ["c4c6"], tasks=["task1"], keep=1, trials=1)
    table, text = judged(tmp_path, paths)
    assert table.loc["saliency_aupr_gain_size_c4c6", "verdict"] == NOT_TESTED
    assert table.loc["tpr_gain_small_pool", "numbers"] == "fewer than 3 kept trials a network, so no interval"
    assert table.loc["tpr_gain_size", "verdict"] == HOLDS


def test_one_activation_alone_tests_no_difference(tmp_path):
    paths = run(tmp_path, ["c24", "c4c6"], tasks=["task1"])
    table = pd.read_csv(paths["task1"])
    table[table["activation"] == "relu"].to_csv(paths["task1"], index=False)
    found, _ = judged(tmp_path, paths)
    assert found.loc["tpr_gain_size", "verdict"] == NOT_TESTED
    assert found.loc["tpr_gain_size", "numbers"] == "task1 was not run with both activations"
    assert found.loc["large_pool_whole_motifs", "verdict"] == HOLDS


def test_no_table_is_an_error(tmp_path):
    with pytest.raises(InputError, match="at least one of task1 and task2"):
        judged(tmp_path, {})
    with pytest.raises(InputError, match="no such file"):
        judged(tmp_path, {"task1": tmp_path / "none.csv"})
