"""Claims on DNABERT and LRP: verdicts on the paper's numbers, and every criterion on made-up ones."""

import numpy as np
import pandas as pd
import pytest

from regulens.studies.claims import HOLDS, NOT_PUBLISHED, NotTested, judge
from regulens.studies.dnabert_lrp.claims import (
    CLAIMS,
    LrpEvidence,
    above_random_sequences,
    above_random_sites,
    above_regression,
    attention_not_below_random,
    attention_unreliable,
    balanced,
    beat_random,
    classes_differ,
    drops_on_random,
    independent,
    lowest_are,
    lrp_below_attention,
    lrp_closer_to_random,
    lrp_finds_sites_better,
    lrp_surely_below_attention,
    motifs_found,
    no_other_beats_random,
    of_paper,
    positive_drops_more,
    random_is_negative,
    random_sums_to_one,
    reaches,
    share_of_test,
    some_lowest,
    top_class,
)
from regulens.studies.dnabert_lrp.truth import truth_means

CLAIM = {claim.name: claim for claim in CLAIMS}
HOLD_IN_PAPER = {
    "promoters_accuracy",
    "enhancers_accuracy",
    "promoters_drop_on_random",
    "promoters_positive_learned_better",
    "enhancers_drop_on_random",
    "enhancers_positive_learned_better",
    "only_positive_learned",
    "promoters_positive_lrp_below_attention",
    "promoters_negative_lrp_below_attention",
    "enhancers_positive_lrp_below_attention",
    "enhancers_negative_lrp_below_attention",
    "lrp_closer_to_random",
    "attention_top_motif",
    "lrp_last_top_motif",
    "lrp_top_motif",
    "top_motifs_differ",
    "motifs_found",
    "not_converged",
    "random_sums_to_one",
}
SCORES = {"lrp": 0.3, "lrp_last": 0.35, "full_lrp": 0.5, "rollout": 0.55, "gradcam": 0.6, "attention": 0.4}
COUNTS = [1, 5, 20]


def test_claim_names_are_their_own_and_every_claim_says_its_criterion():
    assert len(CLAIM) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.sentence.endswith(".")
        assert claim.criterion.endswith(".")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_papers_own_numbers_have_these_verdicts(published, claim):
    verdict, numbers = judge(claim, of_paper(published), NOT_PUBLISHED)
    assert verdict == (HOLDS if claim.name in HOLD_IN_PAPER else NOT_PUBLISHED), numbers
    assert numbers


def test_spec_numbers_stand_in_the_verdicts(published):
    paper = of_paper(published)
    _, found = judge(CLAIM["promoters_positive_lrp_below_attention"], paper)
    assert found.endswith("difference −0.040, 20 of 500 sequences in one draw")  # SPEC S29
    assert "below 0 in 0 of 4 classes" in judge(CLAIM["lrp_surely_below_attention"], paper)[1]
    assert judge(CLAIM["random_sums_to_one"], paper)[1].startswith("sum Promoters 0.984 [")  # SPEC S21
    assert "Enhancers 1.006 [" in judge(CLAIM["random_sums_to_one"], paper)[1]


def evidence(scores=SCORES, positive=(0.9, 0.2), negative=(0.85, 0.8), half=0.02, beside=None) -> LrpEvidence:
    """A run of the paper's promoters: accuracies by score, of n = 0 and of random sequences in both classes.

    Attention and random positions are compared with every score; the accuracy by random positions is 0.7.
    ``beside``: score and n to another difference to random positions.
    """
    rows, tests = [], []
    lowest = min(("lrp", "lrp_last"), key=lambda name: scores.get(name, 1))
    for name, (before, after) in {"positive": positive, "negative": negative}.items():
        front = ("promoters", "Promoters", "promoters", name, name.title())
        cells = [("unmutated", "n=0", before), ("random_sequence", "n=all", after)]
        cells += [
            (score, "LRP*" if score == lowest else "attention" if score == "attention" else "", value)
            for score, value in scores.items()
        ]
        rows += [(*front, score, column, value, value - half, value + half, 500, 1) for score, column, value in cells]
        for score, value in scores.items():
            for against, other in {"random": 0.7, "attention": scores.get("attention", 0.7)}.items():
                for n in COUNTS if score != against else []:
                    gap = (value - other) * n / 20
                    gap = (beside or {}).get((score, n), gap) if against == "random" else gap
                    tests.append((*front, score, against, n, gap, gap - half, gap + half, 0.01))
    names = ["task", "task_label", "paper", "class", "class_name", "score"]
    accuracy = pd.DataFrame(rows, columns=[*names, "column", "accuracy", "low", "high", "sequences", "seeds"])
    paired = pd.DataFrame(tests, columns=[*names, "against", "n", "difference", "low", "high", "p_value"])
    none = pd.DataFrame()
    return LrpEvidence(accuracy, paired, none, none, none, none, 20)


def test_accuracies_on_random_sequences():
    run = evidence()
    assert drops_on_random("promoters")(run).holds
    assert "0.900 [0.880, 0.920] to 0.200 [0.180, 0.220], difference +0.700 [0.672, 0.728]" in (
        drops_on_random("promoters")(run).numbers  # 0.02 x sqrt 2
    )
    assert not drops_on_random("promoters")(evidence(positive=(0.9, 0.88))).holds
    assert positive_drops_more("promoters")(run).holds
    assert not positive_drops_more("promoters")(evidence(positive=(0.9, 0.7), negative=(0.9, 0.3))).holds
    assert not positive_drops_more("promoters")(
        evidence(positive=(0.9, 0.7), negative=(0.9, 0.72))
    ).holds  # 0.02 +- 0.04
    assert random_is_negative()(run).holds
    assert not random_is_negative()(evidence(positive=(0.9, 0.49))).holds
    assert random_sums_to_one()(run).holds
    assert not random_sums_to_one()(evidence(negative=(0.9, 0.9))).holds
    with pytest.raises(NotTested, match="no task of the run repeats the paper's enhancers"):
        drops_on_random("enhancers")(run)


def test_intervals_of_independent_accuracies_add_up_in_squares():
    cells = [pd.Series({"accuracy": value, "low": value - 0.03, "high": value + 0.03}) for value in (0.8, 0.4, 0.1)]
    found = independent(cells[:1], cells[1:])
    assert found.value == pytest.approx(0.3)
    assert found.high - found.value == pytest.approx(0.03 * np.sqrt(3))


def test_lrp_against_attention():
    rule, run = lrp_below_attention("promoters", "positive"), evidence()
    assert rule(run).holds
    assert rule(run).numbers == (
        "LRP* (LRP) 0.300, attention 0.400, difference −0.100 [−0.120, −0.080] on the same sequences, p 0.010"
    )
    assert not rule(evidence(SCORES | {"attention": 0.3})).holds  # the same number of sequences
    assert lrp_surely_below_attention()(run).holds
    close = evidence(SCORES | {"attention": 0.31})
    assert rule(close).holds
    assert not lrp_surely_below_attention()(close).holds
    assert "Positive −0.010 [−0.030, 0.010] (p 0.010)" in lrp_surely_below_attention()(close).numbers
    with pytest.raises(NotTested, match="no attention of the positive class"):
        rule(evidence({"lrp": 0.3, "lrp_last": 0.4}))
    bare = run._replace(paired=run.paired[run.paired["against"] == "random"])
    with pytest.raises(NotTested, match="no paired test of LRP against attention at n = 20"):
        rule(bare)


def test_closer_to_random_sequences_and_beyond_them():
    run = evidence(SCORES, negative=(0.85, 0.2))
    assert lrp_closer_to_random()(run).holds
    assert above_random_sequences()(run).holds
    beyond = evidence(SCORES, positive=(0.9, 0.5), negative=(0.85, 0.2))
    assert not lrp_closer_to_random()(beyond).holds  # 0.2 past the goal, attention 0.1
    assert "closer in 1 of 2 classes" in lrp_closer_to_random()(beyond).numbers
    assert not above_random_sequences()(beyond).holds
    assert not above_random_sequences()(evidence(SCORES, positive=(0.9, 0.28), negative=(0.85, 0.28))).holds


def test_which_scores_cost_most():
    run = evidence()
    assert lowest_are("promoters", "lrp")(run).holds
    assert lowest_are("promoters", "lrp", "attention", "lrp_last")(run).holds
    assert not lowest_are("promoters", "lrp", "gradcam")(run).holds
    assert some_lowest(["lrp", "lrp_last"])(run).holds
    tie = evidence(SCORES | {"attention": 0.3})
    assert not lowest_are("promoters", "lrp")(tie).holds
    assert not some_lowest(["lrp", "lrp_last"])(tie).holds
    assert "LRP 0.300 [0.280, 0.320], best other Attention 0.300" in some_lowest(["lrp", "lrp_last"])(tie).numbers
    ours = evidence(SCORES | {"gradient_x_input": 0.1})
    assert lowest_are("promoters", "lrp")(ours).holds  # not a score of the paper
    with pytest.raises(NotTested, match="Rollout was not computed"):
        lowest_are("promoters", "lrp")(evidence({name: value for name, value in SCORES.items() if name != "rollout"}))


def test_which_scores_are_better_than_random_positions():
    run = evidence(SCORES | {"attention": 0.69}, half=0.004)
    assert beat_random("promoters", "lrp")(run).holds
    assert not beat_random("promoters", "lrp", "attention")(run).holds
    assert "Attention below random at n = 20 of 1, 5, 20" in beat_random("promoters", "attention")(run).numbers
    assert not no_other_beats_random("promoters", "lrp")(run).holds
    few = {(score, 1): 0.0 for score in SCORES if score != "lrp"}
    assert no_other_beats_random("promoters", "lrp")(evidence(half=0.004, beside=few)).holds
    assert not attention_not_below_random("promoters")(run).holds
    assert attention_not_below_random("promoters")(evidence(SCORES | {"attention": 0.69}, half=0.02)).holds
    assert attention_unreliable()(run).holds
    assert not attention_unreliable()(evidence(half=0.004)).holds
    with pytest.raises(NotTested, match="no paired test of GradCAM against random"):
        no_other_beats_random("promoters", "lrp")(evidence({k: v for k, v in SCORES.items() if k != "gradcam"}))


def with_metrics(*rows) -> LrpEvidence:
    names = ["task", "task_label", "paper", "subset", "row", "metric", "value", "low", "high"]
    return evidence()._replace(metrics=pd.DataFrame(rows, columns=names))


def test_the_classifier_against_the_paper_and_the_regression():
    front = ("promoters", "Promoters", "promoters")
    run = with_metrics((*front, "all", "bert", "accuracy", 0.92, 0.90, 0.926))
    assert reaches("promoters", 0.93)(run).holds
    assert not reaches("promoters", 0.94)(run).holds
    with pytest.raises(NotTested, match="no task of the run repeats the paper's enhancers"):
        reaches("enhancers", 0.86)(run)
    with pytest.raises(NotTested, match="no test sequence overlaps"):
        above_regression("not_overlapping")(run)
    gap = "bert_minus_logistic_regression", "accuracy"
    run = with_metrics((*front, "all", *gap, 0.02, 0.01, 0.03), (*front, "not_overlapping", *gap, 0.01, 0.0, 0.02))
    assert above_regression("all")(run).holds
    assert not above_regression("not_overlapping")(run).holds


def with_motifs(**tops) -> LrpEvidence:
    rows = [
        ("promoters", "promoters", score, 1, name, "F", "M1" if isinstance(name, str) else name, 1e-5)
        for score, name in tops.items()
    ]
    names = ["task", "paper", "score", "rank", "tf_class", "target_name", "target", "q_value"]
    table = pd.DataFrame(rows, columns=names)
    second = table.assign(rank=2, tf_class="Other")
    return evidence()._replace(motifs=pd.concat([second, table], ignore_index=True))


def test_top_motifs():
    run = with_motifs(lrp="A::B", attention="C", lrp_last=np.nan)
    assert top_class("promoters", "lrp", "B")(run).holds
    assert top_class("promoters", "lrp", "B")(run).numbers == "top motif of LRP: A::B (F, q 1e-05)"
    assert not top_class("promoters", "attention", "B")(run).holds
    none = top_class("promoters", "lrp_last", "B")(run)
    assert not none.holds
    assert none.numbers.endswith("no motif that matches a factor")
    assert not motifs_found("promoters", ["lrp", "lrp_last"])(run).holds
    assert motifs_found("promoters", ["lrp", "attention"])(run).holds
    assert classes_differ("promoters", ["lrp", "attention"])(run).holds
    assert not classes_differ("promoters", ["lrp", "attention"])(with_motifs(lrp="C", attention="C")).holds
    with pytest.raises(NotTested, match="no motif of LRP_last that matches"):
        classes_differ("promoters", ["lrp", "lrp_last"])(run)
    with pytest.raises(NotTested, match="motifs of LRP_last were not sought"):
        top_class("promoters", "lrp_last", "B")(with_motifs(lrp="A"))
    with pytest.raises(NotTested, match="no task of the run repeats"):
        top_class("promoters", "lrp", "B")(evidence())


def with_sites(half=0.02, **aurocs) -> LrpEvidence:
    rows = [("p", "P", 1, score, value, value - half, value + half, 90) for score, value in aurocs.items()]
    names = ["task", "task_label", "seed", "score", "auroc", "low", "high", "sequences"]
    return evidence()._replace(truth=truth_means(pd.DataFrame(rows, columns=names)))


def test_scores_against_known_sites():
    run = with_sites(lrp=0.8, lrp_last=0.7, attention=0.75, random=0.5)
    assert above_random_sites(["lrp", "lrp_last"])(run).holds
    assert (
        above_random_sites(["lrp", "lrp_last"])(run).numbers
        == "2 of 2 above random; AUROC P: LRP 0.800, LRP_last 0.700"
    )
    assert lrp_finds_sites_better()(run).holds
    assert "LRP 0.800 [0.780, 0.820], Attention 0.750 [0.730, 0.770]" in lrp_finds_sites_better()(run).numbers
    weak = with_sites(lrp=0.8, lrp_last=0.51, attention=0.77, random=0.5)
    assert not above_random_sites(["lrp", "lrp_last"])(weak).holds
    assert not lrp_finds_sites_better()(weak).holds  # 0.78 against 0.79
    with pytest.raises(NotTested, match="Rollout was not computed"):
        above_random_sites(["rollout"])(run)
    with pytest.raises(NotTested, match="LRP and attention are needed"):
        lrp_finds_sites_better()(with_sites(lrp=0.8, random=0.5))
    with pytest.raises(NotTested, match="no motif sites are known"):
        lrp_finds_sites_better()(evidence())


@pytest.mark.parametrize(
    ("test", "negative", "share", "even"), [(300, 350, True, True), (100, 100, False, True), (300, 600, False, False)]
)
def test_the_data_set(test, negative, share, even):
    rows = [
        ("P", split, name, kept)
        for split, counts in {"train": (700, 700), "test": (test, negative)}.items()
        for name, kept in zip(("positive", "negative"), counts, strict=True)
    ]
    run = evidence()._replace(filters=pd.DataFrame(rows, columns=["task_label", "split", "class", "kept"]))
    assert share_of_test(0.25, 0.35)(run).holds is share
    assert balanced(0.4, 0.6)(run).holds is even
    with pytest.raises(NotTested, match="no task is read from data with a test set of their own"):
        balanced(0.4, 0.6)(evidence())
