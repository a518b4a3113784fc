"""Claims of the paper on hybrid networks: verdicts on its own table, on made-up runs, on runs that lack something."""

import numpy as np
import pandas as pd
import pytest
from hybrid_inputs import PUBLISHED, around, paper_architectures, write_model, write_paper
from scipy.stats import ttest_ind

from regulens.core.errors import InputError
from regulens.studies.claims import COLUMNS, FAILS, HOLDS, NOT_PUBLISHED, NOT_TESTED, NotTested, judge, signed
from regulens.studies.hybrid_networks.claims import (
    CLAIMS,
    EVIDENCE_COLUMNS,
    baseline_explains,
    catches_up,
    claims_table,
    deep_vary_more,
    differences,
    every_above_every,
    every_difference,
    of_paper,
    of_trials,
    rank_correlation,
    select,
    slight_gain,
)
from regulens.studies.hybrid_networks.results import collect

CLAIM = {claim.name: claim for claim in CLAIMS}
FAIL_IN_PAPER = {
    "c24_relu_slight",  # up to 0.208 in TPR
    "fpr_same",  # C4C6 and C4 have fewer false positives with the exponential
    "c24_saliency_auroc_slight_gain",  # SPEC S18
    "c24_saliency_aupr_slight_gain",
    "baseline_drives_tpr_exponential",
}


@pytest.fixture(scope="module")
def paper():
    return of_paper(PUBLISHED)


def evidence(rows, task="task1", metric="tpr", n=3):
    """Evidence of (network, baseline, transformers, ReLU's mean, exponential's mean) with sd 0.01."""
    lines = []
    for name, baseline, depth, *means in rows:
        for activation, mean in zip(("relu", "exponential"), means, strict=False):
            lines.append((task, name, name, baseline, depth, activation, metric, mean, 0.01, n, 0.01))
    return pd.DataFrame(lines, columns=EVIDENCE_COLUMNS)


def test_claim_names_are_their_own_and_every_claim_says_its_criterion():
    assert len(CLAIM) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.sentence.endswith(".")
        assert claim.criterion.endswith(".")


def test_the_papers_networks_are_read_from_their_names(paper):
    known = {a.label: (a.baseline, a.modules.count("transformer")) for a in paper_architectures().values()}
    read = paper.drop_duplicates("label").set_index("label")[["baseline", "transformers"]]
    assert {name: tuple(row) for name, row in zip(read.index, read.to_numpy(), strict=True)} == known
    assert set(paper.loc[paper["task"] == "task2", "n"]) == {5}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_papers_own_table_has_these_verdicts(paper, claim):
    verdict, numbers = judge(claim, paper, NOT_PUBLISHED)
    if claim.name in ("deep_unstable", "modules_need_motifs"):
        assert verdict == NOT_PUBLISHED
    else:
        assert verdict == (FAILS if claim.name in FAIL_IN_PAPER else HOLDS), numbers


def test_spec_numbers_stand_in_the_verdicts(paper):
    assert judge(CLAIM["tpr_gain_size"], paper)[1].startswith("11 of 11 networks; exponential less ReLU +0.281")
    _, numbers = judge(CLAIM["c24_saliency_auroc_slight_gain"], paper)
    assert "in 1 of 6 networks" in numbers
    assert "−0.057 (C24-LSTM-Trans1)" in numbers  # .819 -> .762


def test_differences_agree_with_welch_of_the_values():
    relu, exponential = np.array([0.30, 0.42, 0.36]), np.array([0.81, 0.84, 0.90])
    rows = evidence([("A", "c4", 0, relu.mean(), exponential.mean())])
    rows["sd"] = [relu.std(), exponential.std()]
    found = differences(rows, "task1", "tpr").loc["A"]
    expected = ttest_ind(exponential, relu, equal_var=False).confidence_interval()
    assert found["difference"] == pytest.approx(exponential.mean() - relu.mean())
    assert found["low"] == pytest.approx(expected.low)
    assert found["high"] == pytest.approx(expected.high)


def test_intervals_need_two_trials_of_each_and_some_variance():
    one = evidence([("A", "c4", 0, 0.2, 0.5)], n=1).assign(sd=np.nan)
    assert differences(one, "task1", "tpr")[["low", "high"]].isna().all(axis=None)
    with pytest.raises(NotTested, match="no interval"):
        every_difference("task1", "tpr", ["c4"], significant=True)(one)
    assert every_difference("task1", "tpr", ["c4"], above=0.25)(one).holds
    # One network without an interval leaves the claim open, unless another one decides it.
    several = evidence([("A", "c4", 0, 0.2, 0.5), ("B", "c4", 0, 0.2, 0.5)])
    several.loc[several["label"] == "A", "n"] = 1
    with pytest.raises(NotTested, match="2 of 2 networks; .*fewer than two kept trials, so no interval, of A"):
        every_difference("task1", "tpr", ["c4"], significant=True)(several)
    several.loc[(several["label"] == "B") & (several["activation"] == "relu"), "mean"] = 0.6
    assert not every_difference("task1", "tpr", ["c4"], significant=True)(several).holds
    equal = differences(evidence([("A", "c4", 0, 0.2, 0.5)]).assign(sd=0.0), "task1", "tpr").loc["A"]
    assert (equal["low"], equal["high"]) == (equal["difference"], equal["difference"])


def test_differences_keep_the_order_and_leave_out_networks_without_both():
    rows = [("B", "c4", 0, 0.2, 0.5), ("A", "c4", 0, 0.4, 0.5), ("C", "c4", 0, 0.3), ("D", "c4", 0, 0.3, np.nan)]
    table = evidence(rows)
    assert list(differences(table, "task1", "tpr").index) == ["B", "A"]
    with pytest.raises(NotTested, match="not run with both"):
        differences(table[table["activation"] == "relu"], "task1", "tpr")
    with pytest.raises(NotTested, match="no network has tpr with both"):
        differences(evidence([("C", "c4", 0, 0.3), ("F", "c4", 0, np.nan, 0.5)]), "task1", "tpr")
    with pytest.raises(NotTested, match="no C24 network has tpr in task1"):
        select(table, "task1", "tpr", ["c24"])


@pytest.mark.parametrize(
    ("means", "options", "holds"),
    [
        ((0.2, 0.5), {}, True),
        ((0.5, 0.5), {}, False),
        ((0.5, 0.5), {"or_equal": True}, True),
        ((0.5, 0.2), {"sign": -1}, True),
        ((0.2, 0.46), {"above": 0.25}, True),
        ((0.2, 0.44), {"above": 0.25}, False),
        ((0.50, 0.51), {}, True),
        ((0.50, 0.51), {"significant": True}, False),  # 0.01 +- 0.03
        ((0.50, 0.60), {"significant": True}, True),
        ((0.60, 0.50), {"significant": True, "sign": -1}, True),
    ],
)
def test_every_network_must_show_the_difference(means, options, holds):
    one = [("A", "c4", 0, *means)]
    far = (0.9, 0.1) if options.get("sign") == -1 else (0.1, 0.9)
    rule = every_difference("task1", "tpr", ["c4"], **options)
    assert rule(evidence(one)).holds is holds
    assert rule(evidence([*one, ("B", "c4", 0, *far), ("C", "c24", 0, 0.5, 0.5)])).holds is holds


def test_a_slight_gain_is_a_gain_and_smaller_than_the_others():
    others = [("S", "c4c6", 0, 0.4, 0.7), ("T", "c4", 0, 0.4, 0.6)]
    rule = slight_gain("task1", "tpr")
    assert rule(evidence([("L", "c24", 0, 0.5, 0.6), *others])).holds
    assert not rule(evidence([("L", "c24", 0, 0.5, 0.45), *others])).holds
    assert not rule(evidence([("L", "c24", 0, 0.5, 0.75), *others])).holds
    with pytest.raises(NotTested, match="C4C6 or C4"):
        rule(evidence([("L", "c24", 0, 0.5, 0.6)]))


def test_groups_are_compared_by_their_extremes_and_means():
    rows = evidence([("L", "c24", 0, 0.9, 0.7), ("S", "c4c6", 0, 0.4, 0.85), ("T", "c4", 0, 0.3, 0.75)])
    above = every_above_every("task1", "tpr", lambda t: t["mean"] > 0.5, lambda t: t["mean"] < 0.5, ("high", "low"))
    assert above(rows).holds
    assert above(rows).numbers == "high 0.700 (L exponential) to 0.900 (L ReLU); low 0.300 (T ReLU) to 0.400 (S ReLU)"
    assert catches_up("task1", "tpr", 0.2)(rows).holds
    assert not catches_up("task1", "tpr", 0.1)(rows).holds  # C4 0.75 against 0.9
    with pytest.raises(NotTested, match="group 'low'"):
        above(rows[rows["mean"] > 0.5])


def test_the_share_of_the_baseline_is_adjusted_for_the_number_of_networks():
    rule = baseline_explains("task1", "tpr", "relu")
    apart = [(f"{name}{i}", name, 0, mean + 0.01 * i) for name, mean in (("c24", 0.8), ("c4", 0.2)) for i in range(3)]
    assert rule(evidence(apart)).holds
    mixed = [("A", "c24", 0, 0.3), ("B", "c24", 0, 0.7), ("C", "c4", 0, 0.3), ("D", "c4", 0, 0.7)]
    found = rule(evidence(mixed))
    assert not found.holds
    assert "adjusted share −0.50" in found.numbers  # 1 - 1 * 3 / 2
    with pytest.raises(NotTested, match="two baselines"):
        rule(evidence([*mixed[:2], mixed[2]]))


def test_depth_needs_all_trials(paper):
    deep = evidence([("A", "c4", 0, 0.9, 0.9), ("B", "c4", 4, 0.7, 0.7)], metric="aupr")
    deep["sd_all"] = [0.01, 0.01, 0.2, 0.2]
    assert deep_vary_more("task1", "aupr")(deep).holds
    with pytest.raises(NotTested, match="all trials"):
        deep_vary_more("task1", "aupr")(paper)
    with pytest.raises(NotTested, match="4 transformer blocks and others"):
        deep_vary_more("task1", "aupr")(deep[deep["transformers"] == 0])


def test_the_correlation_joins_networks_and_activations():
    rows = [(name, "c4", 0, 0.1 * place, 0.1 * place + 0.5) for place, name in enumerate("ABC")]
    both = pd.concat([evidence(rows), evidence(rows[::-1], "task2", "saliency_aupr")])
    rule = rank_correlation(("task1", "tpr"), ("task2", "saliency_aupr"))
    assert rule(both).holds
    assert "Spearman +1.00 over 6" in rule(both).numbers
    both.loc[both["task"] == "task2", "mean"] *= -1
    assert not rule(both).holds
    with pytest.raises(NotTested, match="fewer than five"):
        rule(both[both["activation"] == "relu"])


def test_evidence_of_a_run_counts_blocks_and_trials(tmp_path):
    name = "c4c6_lstm_trans2"
    values = {"aupr": [0.9, 0.8, 0.1], "tpr": around(0.5, 0.1, 3)}
    for activation in ("relu", "exponential"):
        write_model(tmp_path / "task1" / name / activation, "task1", values=values)
    trials = collect(tmp_path, "task1", {name: paper_architectures()[name]}, ["relu", "exponential"], keep=2)
    found = of_trials({"task1": trials})
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
        table = collect(folder, task, architectures, ["relu", "exponential"], keep, metric=metric)
        table.to_csv(paths[task], index=False)
    return paths, {a.label: a.published for a in architectures.values()}


def claims(folder, paths, names, **options):
    outputs = folder / "claims.csv", folder / "claims.md"
    table = claims_table(paths, PUBLISHED, *outputs, published_as=names, **options)
    return table.set_index("claim"), outputs[1].read_text()


def test_a_run_of_two_networks_tests_what_it_can(tmp_path):
    paths, names = run(tmp_path, ["c24", "c4c6"])
    table, text = claims(tmp_path, paths, names, data_note="Made up.", differences_csv=tmp_path / "d.csv")
    assert list(pd.read_csv(tmp_path / "claims.csv").columns) == COLUMNS
    assert len(table) == len(CLAIMS)
    assert table.loc["tpr_gain_small_pool", "verdict"] == HOLDS
    assert table.loc["tpr_gain_small_pool", "numbers"].startswith("1 of 1 networks")
    assert table.loc["saliency_aupr_gain_size_c4c6", "verdict"] == HOLDS
    assert table.loc["c24_saliency_aupr_slight_gain", "verdict"] == HOLDS  # plain C24 gains
    assert table.loc["c24_saliency_aupr_slight_gain", "published_verdict"] == FAILS
    for name, reason in {
        "deep_worse": "needs networks with 4 transformer blocks",
        "saliency_aupr_gain_size_c4": "no C4 network has saliency_aupr",
        "robust_motifs_reliable_saliency": "fewer than five networks",
        "baseline_drives_tpr_relu": "needs two baselines",
    }.items():
        assert table.loc[name, "verdict"] == NOT_TESTED
        assert reason in table.loc[name, "numbers"]
    gaps = pd.read_csv(tmp_path / "d.csv").set_index(["label", "metric"])
    assert len(gaps) == 2 * (3 + 4)
    np.testing.assert_allclose(gaps["difference"], gaps["published_difference"], atol=1e-9)
    assert gaps.loc[("C4C6", "tpr"), "difference"] == pytest.approx(0.448)
    assert "- Made up." in text
    assert "+0.448 [" in text
    assert "networks 1 of C24, 1 of C4C6, 0 of C4 (the paper: 6, 6 and 5)" in text
    assert "3 of 4 trials of each kept" in text


def test_every_claim_is_on_the_page_with_both_verdicts(tmp_path):
    paths, names = run(tmp_path, ["c24", "c4c6"])
    table, text = claims(tmp_path, paths, names)
    for number, claim in enumerate(CLAIMS, 1):
        assert f"{number}. {claim.sentence}" in text
        assert f"- Criterion: {claim.criterion}" in text
        assert f"{table.loc[claim.name, 'numbers']}." in text
    head = text.split("## Criteria")[0]
    assert head.count("| not tested in this run |") == (table["verdict"] == NOT_TESTED).sum()


def test_a_task_that_was_not_run_is_not_tested(tmp_path):
    paths, names = run(tmp_path, ["c4c6"], tasks=["task1"], keep=1, trials=1)
    table, text = claims(tmp_path, paths, names)
    assert table.loc["saliency_aupr_gain_size_c4c6", "verdict"] == NOT_TESTED
    assert table.loc["tpr_gain_small_pool", "numbers"] == "fewer than two kept trials a network, so no interval"
    assert table.loc["tpr_gain_size", "verdict"] == HOLDS
    assert "| +0.448 |" in text  # no interval of one trial
    assert "saliency maps: exponential less ReLU" not in text


def test_a_network_of_ones_own_has_no_published_difference(tmp_path):
    paths, _ = run(tmp_path, ["c4c6"], tasks=["task1"])
    claims(tmp_path, paths, {"C4C6": None}, differences_csv=tmp_path / "d.csv")
    assert pd.read_csv(tmp_path / "d.csv")["published_difference"].isna().all()


def test_one_activation_alone_tests_no_difference(tmp_path):
    paths, names = run(tmp_path, ["c24", "c4c6"], tasks=["task1"])
    table = pd.read_csv(paths["task1"])
    table[table["activation"] == "relu"].to_csv(paths["task1"], index=False)
    found, _ = claims(tmp_path, paths, names)
    assert found.loc["tpr_gain_size", "verdict"] == NOT_TESTED
    assert found.loc["tpr_gain_size", "numbers"] == "task1 was not run with both activations"
    assert found.loc["large_pool_whole_motifs", "verdict"] == HOLDS


def test_no_table_is_an_error(tmp_path):
    with pytest.raises(InputError, match="at least one of task1 and task2"):
        claims(tmp_path, {}, {})
    with pytest.raises(InputError, match="no such file"):
        claims(tmp_path, {"task1": tmp_path / "none.csv"}, {})


@pytest.mark.parametrize(
    ("value", "text"), [(0.4484, "+0.448"), (-0.021, "−0.021"), (0, "0.000"), (0.0001, "0.000"), (np.nan, "undefined")]
)
def test_differences_show_their_sign(value, text):
    assert signed(value) == text
