"""Claims about DNABERT and LRP (002) that are ours, not the paper's: checks of classifier, mutations and scores."""

from regulens.figures.claims import CONTROL, Claim
from regulens.figures.lrp_claim_rules import random_sums_to_one
from regulens.figures.lrp_other_rules import above_random_sites, above_regression, lrp_finds_sites_better
from regulens.figures.lrp_score_rules import LRP_SCORES

CONTROLS = [
    Claim(
        "random_sums_to_one",
        CONTROL,
        "Random sequences of both classes are the same: their accuracies add up to 1.",
        "In every task the 95 % interval of the sum contains 1.",
        random_sums_to_one(),
    ),
    Claim(
        "above_regression",
        CONTROL,
        "The network classifies better than a logistic regression on k-mer frequencies.",
        "In every task the 95 % interval of the difference in test accuracy is above 0.",
        above_regression("all"),
    ),
    Claim(
        "above_regression_without_overlap",
        CONTROL,
        "The network is better than that regression on test sequences that do not overlap training sequences.",
        "In every task that has such sequences the 95 % interval of the difference in accuracy on them is above 0.",
        above_regression("not_overlapping"),
    ),
    Claim(
        "lrp_finds_sites",
        CONTROL,
        "LRP, LRP_last and full_LRP find known motif sites.",
        "In every task with known sites the AUROC of each against the sites is above the 95 % band of random scores.",
        above_random_sites(LRP_SCORES),
    ),
    Claim(
        "others_find_sites",
        CONTROL,
        "Attention, rollout and GradCAM find known motif sites.",
        "In every task with known sites the AUROC of each against the sites is above the 95 % band of random scores.",
        above_random_sites(["attention", "rollout", "gradcam"]),
    ),
    Claim(
        "lrp_finds_sites_better",
        CONTROL,
        "LRP or LRP_last find known motif sites better than attention.",
        "In every task with known sites the better of the two has the higher AUROC, and its 95 % interval lies above "
        "that of attention.",
        lrp_finds_sites_better(),
    ),
]
