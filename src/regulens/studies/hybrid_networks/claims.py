"""The claims table of the hybrid networks: what the paper says, whether this run shows it, and what its table shows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr, t

from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.statistics import LEVEL
from regulens.core.tables import decimal, interval, markdown_table
from regulens.studies.claims import (
    CRITERIA,
    Claim,
    NotTested,
    Rule,
    Verdict,
    judge_all,
    out_of_reach,
    signed,
    value_range,
    write_claims,
)
from regulens.studies.dnabert_lrp.tasks import spread
from regulens.studies.hybrid_networks.results import (
    ACTIVATIONS,
    SHOWN,
    TASK_TITLES,
    read_published,
    read_trials,
    summarise,
)

# What the claims about the hybrid networks are judged on: a run's trials, or the paper's own table (001).

EVIDENCE_COLUMNS = ["task", "architecture", "label", "baseline", "transformers", "activation", "metric"]

EVIDENCE_COLUMNS += ["mean", "sd", "n", "sd_all"]

PAPER_KEPT = {"task1": 3, "task2": 5}
"""Trials behind a number of the paper's tables (SPEC S15)."""

EXPONENTIAL, RELU = "exponential", "relu"


def of_trials(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Evidence of a run, columns ``EVIDENCE_COLUMNS``: task to its table of `read_trials`.

    ``mean`` and ``sd`` (population) are over the ``n`` kept trials that have the number, ``sd_all`` over all trials;
    ``transformers``: transformer blocks of the network.
    """
    parts = []
    for task, trials in tables.items():
        part = summarise(trials, task).rename(columns={"n_defined": "n"})
        part["transformers"] = part["modules"].str.split("+").map(lambda modules: modules.count("transformer"))
        parts.append(part.assign(task=task))
    return pd.concat(parts, ignore_index=True)[EVIDENCE_COLUMNS]


def of_paper(published: Path | str, tasks: Sequence[str] = ("task1", "task2")) -> pd.DataFrame:
    """Evidence of the paper's tables; a network's baseline and depth are read from its name there."""
    rows = []
    for task in tasks:
        for (name, metric, activation), (mean, sd) in read_published(published, task).items():
            baseline, *_, last = name.split("-") * 2
            depth = int(last.removeprefix("Trans")) if last.startswith("Trans") else 0
            row = (task, name, name, baseline.lower(), depth, activation, metric, mean, sd, PAPER_KEPT[task], np.nan)
            rows.append(row)
    return pd.DataFrame(rows, columns=EVIDENCE_COLUMNS)


def select(
    evidence: pd.DataFrame,
    task: str,
    metric: str,
    baselines: Sequence[str] | None = None,
    activation: str | None = None,
) -> pd.DataFrame:
    """Rows of one metric, of some baselines and one activation (None: all), that have a mean.

    Raises `NotTested` when there is none.
    """
    rows = evidence[(evidence["task"] == task) & (evidence["metric"] == metric)]
    if baselines is not None:
        rows = rows[rows["baseline"].isin(baselines)]
    if activation is not None:
        rows = rows[rows["activation"] == activation]
    rows = rows[rows["mean"].notna()]
    if rows.empty:
        names = " or ".join(map(str.upper, baselines or [])) + " " if baselines else ""
        kind = f" with {activation}" if activation else ""
        raise NotTested(f"no {names}network{kind} has {metric} in {task}")
    return rows


def differences(evidence: pd.DataFrame, task: str, metric: str, baselines: Sequence[str] | None = None) -> pd.DataFrame:
    """Exponential less ReLU of every network that has both, with its 95 % interval, indexed by label.

    Columns difference, low, high: Welch's t interval of the difference of two means, from the standard deviations over
    trials; NaN with fewer than two trials of either. The trials of the two activations are not paired, because which
    ones are kept differs. Raises `NotTested` when no network has both.
    """
    rows = select(evidence, task, metric, baselines)
    rows = rows.assign(variance=rows["sd"] ** 2 * rows["n"] / (rows["n"] - 1).where(rows["n"] > 1))
    wide = rows.pivot(index=["architecture", "label"], columns="activation", values=["mean", "variance", "n"])
    order = rows.drop_duplicates("architecture").set_index(["architecture", "label"]).index
    wide = wide.reindex(order).droplevel("architecture")
    both = {EXPONENTIAL, RELU}
    if not both <= set(rows["activation"]):
        raise NotTested(f"{task} was not run with both activations")
    wide = wide[wide["mean"][[EXPONENTIAL, RELU]].notna().all(axis=1)]
    if wide.empty:
        raise NotTested(f"no network has {metric} with both activations in {task}")
    parts = [wide[part][name].to_numpy(float) for name in (EXPONENTIAL, RELU) for part in ("mean", "variance", "n")]
    return pd.DataFrame(welch(*parts), index=wide.index)


def welch(mean_a, variance_a, n_a, mean_b, variance_b, n_b) -> dict[str, np.ndarray]:
    """Difference a - b of means and its 95 % interval (Welch); ``variance``: unbiased, of one value.

    Without any variance, as where all values are equal after rounding, the interval is the difference itself.
    """
    part_a, part_b = variance_a / n_a, variance_b / n_b
    squared = part_a + part_b
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = squared**2 / (part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1))
        half = t.ppf((1 + LEVEL / 100) / 2, degrees) * np.sqrt(squared)
    half = np.where(squared == 0, 0.0, half)
    return {"difference": mean_a - mean_b, "low": mean_a - mean_b - half, "high": mean_a - mean_b + half}


# Criteria on the difference between the activations, by which claims about the hybrid networks are judged. Every
# function makes a `claims.Rule` of the evidence of `hybrid_evidence`.

LARGE, SMALL = ["c24"], ["c4c6", "c4"]
"""Baselines with a large first max-pooling, and those with a small one."""


def every_difference(
    task: str,
    metric: str,
    baselines: Sequence[str],
    *,
    above: float = 0.0,
    sign: int = 1,
    significant: bool = False,
    or_equal: bool = False,
) -> Rule:
    """In every network ``sign`` x (exponential - ReLU) is greater than ``above``.

    ``significant``: and its 95 % interval lies on that side of ``above``. ``or_equal``: equal will do.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        found = differences(evidence, task, metric, baselines)
        value = sign * found["difference"]
        meets = value >= above if or_equal else value > above
        span = value_range(found["difference"], signed)
        text = f"{meets.sum()} of {len(found)} networks; exponential less ReLU {span}"
        if significant:
            limit = found["low"] if sign > 0 else -found["high"]
            beyond, unknown = limit > above, limit.isna()
            if unknown.all():
                raise NotTested("fewer than two kept trials a network, so no interval")
            if unknown.any() and (meets & (beyond | unknown)).all():
                names = ", ".join(found.index[unknown])
                raise NotTested(f"{text}; fewer than two kept trials, so no interval, of {names}")
            text += f"; the 95 % interval excludes {above:g} in {beyond.sum()} of {len(found)}"
            meets &= beyond
        return Verdict(bool(meets.all()), text)

    return rule


def mean_difference_within(task: str, metric: str, baselines: Sequence[str] | None, limit: float) -> Rule:
    """The mean over the networks of exponential - ReLU is at most ``limit`` in size."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        found = differences(evidence, task, metric, baselines)["difference"]
        text = f"mean difference {signed(found.mean())} over {len(found)} networks, {value_range(found, signed)}"
        return Verdict(abs(found.mean()) <= limit, text)

    return rule


def slight_gain(task: str, metric: str) -> Rule:
    """The mean gain of the C24 networks is above 0 and below those of the C4C6 and of the C4 networks."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        found = differences(evidence, task, metric, LARGE)["difference"]
        others = {}
        for baseline in SMALL:
            try:
                others[baseline.upper()] = differences(evidence, task, metric, [baseline])["difference"].mean()
            except NotTested:
                continue
        if not others:
            raise NotTested("no C4C6 or C4 network to compare the gain with")
        beside = ", ".join(f"{name} {signed(gain)}" for name, gain in others.items())
        text = f"mean gain {signed(found.mean())}, in {(found > 0).sum()} of {len(found)} networks, "
        text += f"{value_range(found, signed)}; mean gain of {beside}"
        return Verdict(0 < found.mean() < min(others.values()), text)

    return rule


def right_or_none() -> Rule:
    """In C24 networks the exponential has at most 5 % of filters with a wrong match only, and more without a match.

    Filters without a match: 1 - TPR - FPR, which the paper's table has, too.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        wrong = select(evidence, "task1", "fpr", LARGE, EXPONENTIAL).set_index("label")["mean"]
        tpr, fpr = (differences(evidence, "task1", name, LARGE)["difference"] for name in ("tpr", "fpr"))
        silent = -(tpr + fpr)
        text = f"FPR with exponential {value_range(wrong)}; filters without a match, exponential less ReLU, "
        text += f"{value_range(silent, signed)}, more in {(silent > 0).sum()} of {len(silent)}"
        return Verdict(bool((wrong <= 0.05).all() and (silent > 0).all()), text)

    return rule


# Criteria on the means of networks and groups of networks, by which claims about the hybrid networks are judged.
# Every function makes a `claims.Rule` of the evidence of `hybrid_evidence`.

DEEP = 4
"""Transformer blocks of a deep network."""


def named_means(rows: pd.DataFrame) -> pd.Series:
    """Means by network and activation."""
    names = [f"{row.label} {'ReLU' if row.activation == RELU else row.activation}" for row in rows.itertuples()]
    return pd.Series(rows["mean"].to_numpy(), index=names)


def every_mean_above(task: str, metric: str, baselines: Sequence[str], limit: float) -> Rule:
    """Every network's mean is above ``limit`` with either activation."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence, task, metric, baselines)
        for activation in (RELU, EXPONENTIAL):
            select(rows, task, metric, baselines, activation)
        values = named_means(rows)
        return Verdict(
            bool((values > limit).all()), f"{(values > limit).sum()} of {len(values)}; {value_range(values)}"
        )

    return rule


def similar_means(task: str, metric: str, limit: float) -> Rule:
    """Largest and smallest mean of the networks that are not deep differ by at most ``limit``."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence[evidence["transformers"] < DEEP], task, metric)
        if len(rows) < 2:
            raise NotTested("one network only")
        values = named_means(rows)
        spread = values.max() - values.min()
        return Verdict(spread <= limit, f"{len(values)} means, {value_range(values)}, spread {decimal(spread)}")

    return rule


def _deep_and_rest(evidence: pd.DataFrame, task: str, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = select(evidence, task, metric)
    deep = rows["transformers"] >= DEEP
    if not deep.any() or deep.all():
        raise NotTested(f"needs networks with {DEEP} transformer blocks and others")
    return rows[deep], rows[~deep]


def deep_below_rest(task: str, metric: str) -> Rule:
    """With each activation, every deep network's mean is below that of every other network."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        deep, rest = _deep_and_rest(evidence, task, metric)
        lowest = rest.groupby("activation")["mean"].min()
        limits = deep["activation"].map(lowest)
        if limits.isna().any():
            raise NotTested("an activation was run with deep networks only")
        below = deep["mean"] < limits
        text = f"{below.sum()} of {len(deep)} are below all others; {value_range(named_means(deep))}, the others "
        return Verdict(bool(below.all()), text + value_range(named_means(rest)))

    return rule


def deep_vary_more(task: str, metric: str) -> Rule:
    """The standard deviation over all trials, kept or not, is larger in the median deep network than in the others'."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        deep, rest = (part["sd_all"].dropna() for part in _deep_and_rest(evidence, task, metric))
        if deep.empty or rest.empty:
            raise NotTested("all trials of the networks are needed, not the kept ones only")
        text = f"median {decimal(deep.median())} over {len(deep)} deep networks, {decimal(rest.median())} over "
        return Verdict(deep.median() > rest.median(), f"{text}{len(rest)} others")

    return rule


def every_above_every(task: str, metric: str, higher: Callable, lower: Callable, names: tuple[str, str]) -> Rule:
    """The lowest mean of the networks that ``higher`` picks is above the highest of those that ``lower`` picks.

    ``higher``, ``lower``: evidence to a mask of its rows; ``names``: what the two groups are called.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence, task, metric)
        first, second = (named_means(rows[pick(rows)]) for pick in (higher, lower))
        for values, name in ((first, names[0]), (second, names[1])):
            if values.empty:
                raise NotTested(f"no network of the group '{name}'")
        text = f"{names[0]} {value_range(first)}; {names[1]} {value_range(second)}"
        return Verdict(bool(first.min() > second.max()), text)

    return rule


def catches_up(task: str, metric: str, margin: float) -> Rule:
    """With exponential the means of C4C6 and of C4 networks are at most ``margin`` below that of C24 with ReLU."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        goal = select(evidence, task, metric, LARGE, RELU)["mean"].mean()
        means = select(evidence, task, metric, SMALL, EXPONENTIAL).groupby("baseline", sort=False)["mean"].mean()
        beside = ", ".join(f"{name.upper()} {decimal(value)}" for name, value in means.items())
        return Verdict(
            bool((means >= goal - margin).all()), f"{beside} with exponential, C24 {decimal(goal)} with ReLU"
        )

    return rule


def rank_correlation(first: tuple[str, str], second: tuple[str, str]) -> Rule:
    """Over networks and activations, two (task, metric) have a positive rank correlation with p < 0.05."""

    def rule(evidence: pd.DataFrame) -> Verdict:
        keys = ["architecture", "activation"]
        a, b = (select(evidence, *pair).set_index(keys)["mean"] for pair in (first, second))
        both = pd.concat([a.rename("a"), b.rename("b")], axis=1, join="inner")
        if len(both) < 5 or both["a"].nunique() < 2 or both["b"].nunique() < 2:
            raise NotTested("fewer than five networks, activations counted apart, have both numbers")
        rho, p = spearmanr(both["a"], both["b"])
        text = f"Spearman {signed(rho, 2)} over {len(both)} networks and activations (p {p:.2g})"
        for activation, part in both.groupby(level="activation", sort=False):
            if len(part) >= 5 and part["a"].nunique() > 1 and part["b"].nunique() > 1:
                name = "ReLU" if activation == RELU else activation
                text += f", {signed(spearmanr(part['a'], part['b'])[0], 2)} with {name} alone"
        return Verdict(bool(rho > 0 and p < 0.05), text)

    return rule


def baseline_explains(task: str, metric: str, activation: str) -> Rule:
    """More than half of the variance between the networks of one activation lies between the baselines.

    Adjusted for their number: 1 - (1 - share)(N - 1)/(N - K) for N networks on K baselines, which is 0 on average where
    the baseline does not matter.
    """

    def rule(evidence: pd.DataFrame) -> Verdict:
        rows = select(evidence, task, metric, activation=activation)
        sizes = rows["baseline"].value_counts()
        if (sizes >= 2).sum() < 2:
            raise NotTested("needs two baselines with at least two networks each")
        groups = rows.groupby("baseline", sort=False)["mean"]
        total = ((rows["mean"] - rows["mean"].mean()) ** 2).sum()
        within = ((rows["mean"] - groups.transform("mean")) ** 2).sum()
        share = np.nan if total == 0 else 1 - within / total * (len(rows) - 1) / (len(rows) - len(sizes))
        means = ", ".join(f"{name.upper()} {decimal(value)}" for name, value in groups.mean().items())
        sd = np.sqrt(within / (len(rows) - len(sizes)))
        text = f"adjusted share {decimal(share, 2)}; means {means}; sd within a baseline {decimal(sd)}"
        return Verdict(bool(share > 0.5), text)

    return rule


# The directional sentences of the paper on hybrid networks (001), in our words, each with a criterion stated for
# it. The paper states directions, not thresholds: where a word such as "similar" or "slight" needs one, it is
# chosen here, said in the criterion, and applied to the paper's own table, too. Claims on the strength of a gain
# are sizes read from that table (SPEC 5.7), not sentences of the text.

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


# What the claims page of the hybrid networks says beside verdicts and criteria: notes, and every difference.


def differences_text(gaps: pd.DataFrame) -> str:
    """Exponential less ReLU in every task, of a table of `hybrid_claims.all_differences`, as Markdown."""
    parts = []
    for task in dict.fromkeys(gaps["task"]):
        parts.append(f"## {TASK_TITLES[task]}: exponential less ReLU\n")
        parts.append(_differences(gaps[gaps["task"] == task], SHOWN[task]))
    return "\n".join(parts)


def claims_notes(trials: Mapping[str, pd.DataFrame], data_note: str | None) -> list[str]:
    """Sentences under the verdicts, each true of this run."""
    lines = [
        CRITERIA,
        "A claim on every network of a baseline is judged on those that were run.",
    ]
    for task, table in trials.items():
        counts = table.groupby(["architecture", "activation"])["kept"].agg(["sum", "size"])
        activations = " and ".join(ACTIVATIONS.get(name, name) for name in table["activation"].unique())
        networks = table.drop_duplicates("architecture")["baseline"].value_counts()
        run = ", ".join(f"{networks.get(name, 0)} of {name.upper()}" for name in ("c24", "c4c6", "c4"))
        lines.append(
            f"{TASK_TITLES[task]}: networks {run} (the paper: 6, 6 and 5), activations {activations}, "
            f"{spread(counts['sum'])} of {spread(counts['size'])} trials of each kept."
        )
    lines.append(
        "95 % intervals: Welch's t interval over the kept trials, no correction for the number of comparisons. Where "
        "the best of several trials are kept, they vary less than trials do, and the intervals are too narrow for "
        "them. Those of the paper's table rest on its rounded means and standard deviations of 3 (task 1) or 5 (task "
        "2) trials."
    )
    return [*lines, data_note] if data_note else lines


def _differences(gaps: pd.DataFrame, metrics: Mapping[str, str]) -> str:
    """One line a network: the difference in every metric with its interval, beside the published one."""
    shown = {name: label for name, label in metrics.items() if name in set(gaps["metric"])}
    header = ["Network"]
    for label in shown.values():
        header += [label, "published"]
    cells = gaps.set_index(["label", "metric"])
    lines = []
    for network in dict.fromkeys(gaps["label"]):
        line = [network]
        for metric in shown:
            line += _cell(cells.loc[network, metric]) if (network, metric) in cells.index else ["", ""]
        lines.append(line)
    return markdown_table(header, lines)


def _cell(row: pd.Series) -> list[str]:
    limits = f" {interval(row['low'], row['high'])}" if np.isfinite(row["low"]) else ""
    known = row["published_difference"]
    return [signed(row["difference"]) + limits, "" if pd.isna(known) else signed(known)]


DIFFERENCE_COLUMNS = ["task", "label", "metric", "difference", "low", "high", "published_difference"]


def all_differences(evidence: pd.DataFrame, paper: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Exponential less ReLU of every network in the metrics of the paper's tables, columns ``DIFFERENCE_COLUMNS``.

    ``names``: label of a network to that of the paper's which it repeats. A metric that the run lacks has no rows.
    """
    parts = []
    for task, metrics in SHOWN.items():
        for metric in metrics:
            try:
                found = differences(evidence, task, metric)
            except NotTested:
                continue
            known = differences(paper, task, metric)["difference"]
            published = [known.get(names.get(label), np.nan) for label in found.index]
            part = found.rename_axis("label").reset_index()
            parts.append(part.assign(task=task, metric=metric, published_difference=published))
    return (
        pd.concat(parts, ignore_index=True)[DIFFERENCE_COLUMNS] if parts else pd.DataFrame(columns=DIFFERENCE_COLUMNS)
    )


def claims_table(
    trials: Mapping[str, Path | str],
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    *,
    published_as: Mapping[str, str | None],
    differences_csv: Path | str | None = None,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Judge every claim on this run and on the paper's table; write CSV and Markdown.

    Arguments:
        trials: task to its table of trials (`hybrid_tables.results_table`); a task that was not run may be left out,
            its claims are then not tested.
        published: ``config/published.csv``.
        csv, markdown: output paths.
        published_as: label of a network to that of the paper's which it repeats (None: none), for the published
            differences; the verdicts are on all networks of a baseline, the user's own too.
        differences_csv: where to write the difference between the activations of every network; None: in the
            Markdown only.
        data_note: one sentence on the data and the sizes.

    Returns the claims, columns ``COLUMNS``. Raises InputError without any table, or on bad ones.
    """
    if not trials:
        raise InputError("no table of trials given: claims need at least one of task1 and task2")
    tables = {task: read_trials(path, task) for task, path in trials.items()}
    run, paper = of_trials(tables), of_paper(published)
    table = judge_all(CLAIMS, run, paper)
    gaps = all_differences(run, paper, {label: name for label, name in published_as.items() if name})
    if differences_csv:
        with atomic_output(differences_csv) as target:
            gaps.to_csv(target, index=False, float_format="%.6g")
    write_claims(table, csv, markdown, claims_notes(tables, data_note), differences_text(gaps))
    return table
