"""The directional sentences of the paper on hybrid networks (001), in our words, each with a criterion stated for it.

The paper states directions, not thresholds: where a word such as "similar" or "slight" needs one, it is chosen here,
said in the criterion, and applied to the paper's own table, too. Claims on the strength of a gain are sizes read from
that table (SPEC 5.7), not sentences of the text.
"""

from regulens.figures.claims import Claim, out_of_reach
from regulens.figures.hybrid_claim_rules import (
    LARGE,
    SMALL,
    every_difference,
    mean_difference_within,
    right_or_none,
    slight_gain,
)
from regulens.figures.hybrid_evidence import EXPONENTIAL, RELU
from regulens.figures.hybrid_mean_rules import (
    baseline_explains,
    catches_up,
    deep_below_rest,
    deep_vary_more,
    every_above_every,
    every_mean_above,
    rank_correlation,
    similar_means,
)

INTRODUCTION, RESULTS_1, RESULTS_2 = "Introduction", "Results, Task 1", "Results, Task 2"
DISCUSSION, TABLES = "Discussion", "Published tables"


def _small_relu(rows):
    return rows["baseline"].isin(SMALL) & (rows["activation"] == RELU)


def _large_relu(rows):
    return rows["baseline"].isin(LARGE) & (rows["activation"] == RELU)


def _large_or_exponential(rows):
    return ~_small_relu(rows)


_GAIN = (
    "In every C4C6 and C4 network the exponential's mean is higher, and the 95 % interval of the difference excludes 0."
)
_SLIGHT = "The mean gain of the C24 networks is above 0, and below the mean gains of the C4C6 and of the C4 networks."
_BASELINE = (
    "With {}, more than half of the variance of {} between the networks lies between the baselines, adjusted for the "
    "number of networks."
)


def _gain(name: str, metric: str, what: str) -> Claim:
    sentence = f"With small max-pooling (C4C6, C4) the exponential significantly improves {what}."
    return Claim(name, RESULTS_2, sentence, _GAIN, every_difference("task2", metric, SMALL, significant=True))


def _slight(name: str, metric: str, what: str) -> Claim:
    sentence = f"In C24 networks the exponential brings only a slight gain in {what}."
    return Claim(name, RESULTS_2, sentence, _SLIGHT, slight_gain("task2", metric))


def _driven(name: str, task: str, metric: str, what: str, activation: str) -> Claim:
    label = "ReLU" if activation == RELU else activation
    sentence = f"The baseline drives interpretability more than the attention modules: {what}, {label}."
    rule = baseline_explains(task, metric, activation)
    return Claim(name, DISCUSSION, sentence, _BASELINE.format(label, what), rule)


CLAIMS = [
    Claim(
        "similar_aupr",
        RESULTS_1,
        "All networks classify alike, those with four transformer blocks aside.",
        "Highest and lowest mean AUPR of the networks with fewer than four transformer blocks differ by at most 0.1.",
        similar_means("task1", "aupr", 0.1),
    ),
    Claim(
        "deep_worse",
        RESULTS_1,
        "Networks with four transformer blocks classify worse than the others.",
        "With each activation the mean AUPR of every such network is below that of every other one.",
        deep_below_rest("task1", "aupr"),
    ),
    Claim(
        "deep_unstable",
        RESULTS_1,
        "Very deep networks are hard to train: their result depends on the initialisation.",
        "The standard deviation of the AUPR over all trials, kept or not, is larger in the median network with four "
        "transformer blocks than in the median of the others.",
        deep_vary_more("task1", "aupr"),
    ),
    Claim(
        "tpr_gain_small_pool",
        RESULTS_1,
        "With small max-pooling (C4C6, C4) significantly more filters match a planted motif with the exponential.",
        _GAIN.replace("mean", "mean TPR", 1),
        every_difference("task1", "tpr", SMALL, significant=True),
    ),
    Claim(
        "tpr_gain_size",
        TABLES,
        "Strength: that gain in TPR is above 0.25.",
        "In every C4C6 and C4 network the mean TPR with the exponential is higher by more than 0.25.",
        every_difference("task1", "tpr", SMALL, above=0.25),
    ),
    Claim(
        "c24_learns_motifs",
        RESULTS_1,
        "C24 networks learn motifs well with both activations.",
        "In every C24 network, with either activation, the mean TPR is above 0.5: most filters match a planted motif.",
        every_mean_above("task1", "tpr", LARGE, 0.5),
    ),
    Claim(
        "c24_relu_higher",
        RESULTS_1,
        "In C24 networks ReLU finds motifs somewhat better.",
        "In every C24 network the mean TPR with ReLU is at least that with the exponential.",
        every_difference("task1", "tpr", LARGE, sign=-1, or_equal=True),
    ),
    Claim(
        "c24_relu_slight",
        RESULTS_1,
        "That advantage of ReLU in C24 networks is slight.",
        "The mean difference in TPR over the C24 networks is at most 0.1 (about 3 filters of 32).",
        mean_difference_within("task1", "tpr", LARGE, 0.1),
    ),
    Claim(
        "c24_fpr_same",
        RESULTS_1,
        "The FPR is largely the same with both activations (read as: of C24 networks).",
        "The mean difference in FPR over the C24 networks is at most 0.05 in size.",
        mean_difference_within("task1", "fpr", LARGE, 0.05),
    ),
    Claim(
        "fpr_same",
        RESULTS_1,
        "The FPR is largely the same with both activations (read as: of all networks).",
        "The mean difference in FPR over all networks is at most 0.05 in size.",
        mean_difference_within("task1", "fpr", None, 0.05),
    ),
    Claim(
        "right_or_none",
        RESULTS_1,
        "With the exponential many filters learn the right motif or none at all.",
        "In every C24 network the FPR with the exponential is at most 0.05, and more filters than with ReLU match "
        "nothing (1 - TPR - FPR).",
        right_or_none(),
    ),
    Claim(
        "large_pool_whole_motifs",
        RESULTS_1,
        "With ReLU, large max-pooling makes the first layer learn whole motifs, small max-pooling lets it learn parts.",
        "With ReLU the lowest mean TPR of the C24 networks is above the highest of the C4C6 and C4 networks.",
        every_above_every("task1", "tpr", _large_relu, _small_relu, ("C24", "C4C6 and C4")),
    ),
    Claim(
        "exponential_overcomes_pool",
        RESULTS_1,
        "The exponential overcomes the problem of small max-pooling.",
        "With the exponential the mean TPR of the C4C6 and that of the C4 networks are at most 0.1 below the mean of "
        "the C24 networks with ReLU.",
        catches_up("task1", "tpr", 0.1),
    ),
    Claim(
        "either_design_suffices",
        INTRODUCTION,
        "Large max-pooling or the exponential leads to robust motifs in all hybrid networks.",
        "The lowest mean TPR of all networks with C24 or the exponential is above the highest of those with neither.",
        every_above_every("task1", "tpr", _large_or_exponential, _small_relu, ("with either", "with neither")),
    ),
    Claim(
        "modules_need_motifs",
        RESULTS_1,
        "LSTM and attention capture interactions of motifs only if the first layer has learned motifs.",
        "None: attention maps and later layers are not examined.",
        out_of_reach("no number of the study measures what LSTM and attention capture"),
    ),
    _gain("classification_gain_small_pool", "classification_auroc", "classification"),
    _gain("saliency_auroc_gain_small_pool", "saliency_auroc", "the saliency AUROC"),
    _gain("saliency_aupr_gain_small_pool", "saliency_aupr", "the saliency AUPR"),
    _gain("saliency_snr_gain_small_pool", "saliency_snr", "the SNR of saliency"),
    Claim(
        "saliency_aupr_gain_size_c4c6",
        TABLES,
        "Strength: the gain in saliency AUPR of C4C6 networks is above 0.2.",
        "In every C4C6 network the mean saliency AUPR with the exponential is higher by more than 0.2.",
        every_difference("task2", "saliency_aupr", ["c4c6"], above=0.2),
    ),
    Claim(
        "saliency_aupr_gain_size_c4",
        TABLES,
        "Strength: the gain in saliency AUPR of C4 networks is above 0.05.",
        "In every C4 network the mean saliency AUPR with the exponential is higher by more than 0.05.",
        every_difference("task2", "saliency_aupr", ["c4"], above=0.05),
    ),
    _slight("c24_classification_slight_gain", "classification_auroc", "classification"),
    _slight("c24_saliency_auroc_slight_gain", "saliency_auroc", "the saliency AUROC"),
    _slight("c24_saliency_aupr_slight_gain", "saliency_aupr", "the saliency AUPR"),
    _slight("c24_saliency_snr_slight_gain", "saliency_snr", "the SNR of saliency"),
    Claim(
        "robust_motifs_reliable_saliency",
        f"{RESULTS_2}; {DISCUSSION}",
        "Networks whose first layer learns robust motifs have more reliable saliency maps.",
        "Over networks and activations the TPR of task 1 and the saliency AUPR of task 2 have a positive rank "
        "correlation with p < 0.05.",
        rank_correlation(("task1", "tpr"), ("task2", "saliency_aupr")),
    ),
    _driven("baseline_drives_tpr_relu", "task1", "tpr", "TPR", RELU),
    _driven("baseline_drives_tpr_exponential", "task1", "tpr", "TPR", EXPONENTIAL),
    _driven("baseline_drives_saliency_relu", "task2", "saliency_aupr", "saliency AUPR", RELU),
    _driven("baseline_drives_saliency_exponential", "task2", "saliency_aupr", "saliency AUPR", EXPONENTIAL),
]
