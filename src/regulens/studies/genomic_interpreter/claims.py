"""The claims table of Genomic Interpreter: what the paper says, whether this run shows it, and what its table shows."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, spearmanr, t

from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.core.statistics import LEVEL
from regulens.core.tables import DISTANCE_COLUMNS, decimal, interval, numbers, p_text, read_correlations, read_table
from regulens.studies.claims import (
    CONTROL,
    CRITERIA,
    Claim,
    NotTested,
    Rule,
    Verdict,
    clear,
    judge_all,
    out_of_reach,
    signed,
    write_claims,
)
from regulens.studies.dnabert_lrp.tasks import spread
from regulens.studies.genomic_interpreter.figure3 import track_row
from regulens.studies.genomic_interpreter.figure4 import AttentionFile, LayerAttention
from regulens.studies.genomic_interpreter.table1 import OVERALL, group_means, read_published
from regulens.training.settings import MEAN, REFERENCE_ROWS, RIDGE

# What the claims about Genomic Interpreter are judged on: a run's correlations and attention, or Table 1.

SWIN, ENFORMER, MAX_POOL, ATT_POOL, DILATED = "swin1d", "enformer", "maxpool_cnn", "attpool_cnn", "attpool_dilated"

CNNS = (MAX_POOL, ATT_POOL, DILATED)

LABELS = {SWIN: "1D-Swin", ENFORMER: "Enformer", MAX_POOL: "MaxPoolCNNs", ATT_POOL: "AttPoolCNNs"}

LABELS |= {DILATED: "AttPoolDilate"}
"""The paper's models by the names that the configuration gives them, and what Table 1 calls them."""


class Shown(NamedTuple):
    """What the figures of a run show."""

    main_model: str
    """Model whose attention was measured."""
    track: str
    """Track of Figure 3: identifier, description or row number."""
    other: str
    """Model beside the main one in Figure 3."""
    heads_layer: int
    """Layer of Figure 4b."""
    windows_layer: int
    """Layer of Figure 6."""


class AssayEvidence(NamedTuple):
    """Numbers of a run, or of the paper: what is missing is empty or None."""

    means: pd.DataFrame
    """Columns model, group, pearson, as in Table 1."""
    correlations: pd.DataFrame
    """Every track, model and seed: table of `inputs.read_correlations`."""
    distances: pd.DataFrame
    """``attention_distance.csv``, heads as text."""
    attention: AttentionFile | None
    """Attention on one test segment."""
    shown: Shown | None


class Margin(NamedTuple):
    """How far one model's mean correlation is above another's."""

    difference: float
    low: float
    high: float
    """Limits of the 95 % t interval over the tracks, paired; NaN where no tracks are known, or only one."""
    tracks: int
    """Tracks that both models have a correlation for; 0 where only means are known."""
    seeds: int
    """Seeds that both models have."""
    seeds_above: int
    """Seeds in which the mean is above."""

    @property
    def above(self) -> bool:
        """The difference is positive, and its interval excludes 0 where there are tracks."""
        return self.difference > 0 and (self.tracks == 0 or clear(self.low))


def of_run(
    runs: Sequence[Run],
    distances: Path | str,
    attention: Path | str,
    shown: Shown,
    groups: Sequence[str] | None = None,
) -> AssayEvidence:
    """Evidence of a run.

    Arguments:
        runs: per-track correlation tables of models and reference rows.
        distances: ``attention_distance.csv``.
        attention: attention of one test segment.
        shown: what the figures show.
        groups: order of the track groups.

    Raises InputError on bad files.
    """
    correlations = read_correlations(runs)
    table = read_table(distances, DISTANCE_COLUMNS).astype({"head": str})
    for name in ("layer", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"):
        table[name] = numbers(table[name], distances)
    return AssayEvidence(group_means(correlations, groups), correlations, table, AttentionFile(attention), shown)


def of_paper(published: Path | str) -> AssayEvidence:
    """Evidence of the paper's Table 1."""
    rows = [(*key, value) for key, value in read_published(published).items()]
    means = pd.DataFrame(rows, columns=["model", "group", "pearson"])
    if strange := sorted(set(means["model"]) - set(LABELS)):
        raise InputError(f"{published}: {strange[0]} is not a model of Table 1; valid: {', '.join(LABELS)}")
    return AssayEvidence(means, pd.DataFrame(), pd.DataFrame(), None, None)


def label(model: str) -> str:
    """What tables call a model or a reference row."""
    return LABELS.get(model) or REFERENCE_ROWS.get(model, model)


def on(group: str) -> str:
    """'on DNase tracks', 'over all tracks'."""
    return "over all tracks" if group == OVERALL else f"on {group} tracks"


def mean(evidence: AssayEvidence, model: str, group: str) -> float:
    """Mean correlation of a model on a track group. Raises `NotTested` when there is none."""
    rows = evidence.means[evidence.means["model"] == model]
    if rows.empty:
        raise NotTested(f"there is no row {label(model)}")
    rows = rows[rows["group"] == group]
    if rows.empty:
        raise NotTested(f"the data have no {group} tracks")
    value = float(rows["pearson"].iloc[0])
    if not np.isfinite(value):
        raise NotTested(f"{label(model)} has no defined correlation {on(group)}")
    return value


def known(evidence: AssayEvidence, models: Sequence[str]) -> list[str]:
    """Those of the models that the evidence has. Raises `NotTested` when it has none of them."""
    found = [name for name in models if name in set(evidence.means["model"])]
    if not found:
        raise NotTested(f"there is no row {' or '.join(map(label, models))}")
    return found


def by_track(evidence: AssayEvidence, model: str, group: str) -> pd.Series:
    """Correlation of every track of a group, mean over the seeds, by track; empty where no tracks are known."""
    table = evidence.correlations
    if table.empty:
        return pd.Series(dtype=float)
    rows = table[(table["model"] == model) & ((table["group"] == group) | (group == OVERALL))]
    return rows.groupby("track")["pearson"].mean()


def margin(evidence: AssayEvidence, first: str, second: str, group: str) -> Margin:
    """How far ``first`` is above ``second`` on a track group, as the paired difference over the tracks.

    Tracks are paired, because a track that is easy for one model is easy for the other. Raises `NotTested` when a model
    or the group is missing.
    """
    gap = mean(evidence, first, group) - mean(evidence, second, group)
    pairs = (by_track(evidence, first, group) - by_track(evidence, second, group)).dropna()
    count = len(pairs)
    if not count:
        return Margin(gap, np.nan, np.nan, 0, 0, 0)
    middle, half = pairs.mean(), np.nan
    if count > 1:
        half = t.ppf((1 + LEVEL / 100) / 2, count - 1) * pairs.std(ddof=1) / np.sqrt(count)
    return Margin(middle, middle - half, middle + half, count, *_by_seed(evidence.correlations, first, second, group))


def _by_seed(table: pd.DataFrame, first: str, second: str, group: str) -> tuple[int, int]:
    """Seeds that both models have, and in how many of them the first one's mean is higher."""
    rows = table[(table["group"] == group) | (group == OVERALL)]
    wide = rows[rows["model"].isin([first, second])].groupby(["seed", "model"])["pearson"].mean().unstack("model")
    wide = wide.dropna()
    return len(wide), int((wide[first] > wide[second]).sum())


# Criteria on the correlations of Table 1 and Figures 2 and 3, by which claims about Genomic Interpreter are judged.
# Every function makes a `claims.Rule` of the evidence of `interpreter_evidence`.

PUBLISHED_DIGITS = 4
"""Digits of Table 1."""


def said(found: Margin) -> str:
    """'+0.032 [0.010, 0.055]', with the seeds where there are several; '+0.0078' between published means."""
    text = signed(found.difference, 3 if found.tracks else PUBLISHED_DIGITS)
    if found.tracks > 1:
        text += f" {interval(found.low, found.high)}"
    if found.seeds > 1:
        text += f" (above in {found.seeds_above} of {found.seeds} seeds)"
    return text


def _over(margins: Sequence[Margin]) -> str:
    """', intervals over 11 tracks', where there are tracks."""
    counts = sorted({found.tracks for found in margins})
    if not counts[-1]:
        return ""
    return f"; over {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} tracks"


def above(first: str, others: Sequence[str], group: str) -> Rule:
    """A model's mean on a group is above that of each of the others; see `Margin.above`."""

    def rule(evidence: AssayEvidence) -> Verdict:
        value = mean(evidence, first, group)
        margins = {name: margin(evidence, first, name, group) for name in known(evidence, others)}
        _one_track(margins.values())
        beside = ", ".join(f"{label(name)} {said(found)}" for name, found in margins.items())
        shown = decimal(value, PUBLISHED_DIGITS if evidence.correlations.empty else 3)
        text = f"{label(first)} {shown} {on(group)}; difference to {beside}{_over(list(margins.values()))}"
        return Verdict(all(found.above for found in margins.values()), text)

    return rule


def _one_track(margins: Iterable[Margin]) -> None:
    if any(found.tracks == 1 for found in margins):
        raise NotTested("a group has one track only, so no interval")


def each_above_each(firsts: Sequence[str], others: Sequence[str], groups: Sequence[str]) -> Rule:
    """On every group that there is, each of the first models is above each of the others; see `Margin.above`."""

    def rule(evidence: AssayEvidence) -> Verdict:
        present = [group for group in groups if group in set(evidence.means["group"])]
        if not present:
            raise NotTested(f"the data have no track of {', '.join(groups)}")
        found = {
            f"{label(first)} less {label(other)} {on(group)}": margin(evidence, first, other, group)
            for group in present
            for first in known(evidence, firsts)
            for other in known(evidence, others)
        }
        _one_track(found.values())
        differences = pd.Series({name: gap.difference for name, gap in found.items()})
        text = f"{(differences > 0).sum()} of {len(found)} differences are positive"
        if any(gap.tracks for gap in found.values()):
            text += f", {sum(gap.above for gap in found.values())} with an interval above 0"
        ends = (differences.idxmin(), differences.idxmax())
        text += "; " + " to ".join(f"{said(found[name])} ({name})" for name in ends)
        return Verdict(all(gap.above for gap in found.values()), text)

    return rule


def margin_larger_in(first: str, others: Sequence[str], larger: Sequence[str], smaller: str) -> Rule:
    """The margin over the best other model is positive on every group of ``larger`` and above that on ``smaller``."""

    def rule(evidence: AssayEvidence) -> Verdict:
        margins, parts = {}, []
        for group in (*larger, smaller):
            best = max(known(evidence, others), key=lambda name, group=group: mean(evidence, name, group))
            margins[group] = margin(evidence, first, best, group)
            parts.append(f"{group} {said(margins[group])} (over {label(best)})")
        low = min(margins[group].difference for group in larger)
        return Verdict(bool(low > 0 and low > margins[smaller].difference), f"margin on {', '.join(parts)}")

    return rule


def helps_only_on(first: str, second: str, helped: str, groups: Sequence[str]) -> Rule:
    """``first`` is above ``second`` on the group ``helped`` and below it on the others; see `Margin.above`."""

    def rule(evidence: AssayEvidence) -> Verdict:
        found = {group: margin(evidence, first, second, group) for group in groups}
        back = [margin(evidence, second, first, group).above for group in groups if group != helped]
        _one_track(found.values())
        text = ", ".join(f"{group} {said(gap)}" for group, gap in found.items())
        return Verdict(found[helped].above and all(back), f"{label(first)} less {label(second)}: {text}")

    return rule


def most_tracks_above(first: str, others: Sequence[str], group: str) -> Rule:
    """Against each of the others, a model has the higher correlation on more than half of the tracks of a group."""

    def rule(evidence: AssayEvidence) -> Verdict:
        if evidence.correlations.empty:
            raise NotTested("single tracks are drawn, not printed")
        mean(evidence, first, group)
        shares, parts = [], []
        for name in known(evidence, others):
            gap = (by_track(evidence, first, group) - by_track(evidence, name, group)).dropna()
            if gap.empty:
                raise NotTested(f"no {group} track has a correlation with both {label(first)} and {label(name)}")
            won = int((gap > 0).sum())
            limits = binomtest(won, len(gap)).proportion_ci(LEVEL / 100, method="wilson")
            shares.append(won / len(gap))
            parts.append(f"{label(name)} {won} of {len(gap)} {interval(limits.low, limits.high, 2)}")
        return Verdict(min(shares) > 0.5, f"tracks above the line against {', '.join(parts)}, with Wilson intervals")

    return rule


def follows_track(first: str) -> Rule:
    """On the track of Figure 3 the correlation over the test set is above that of the other model shown there."""

    def rule(evidence: AssayEvidence) -> Verdict:
        if evidence.shown is None:
            raise NotTested("Figure 3 prints no number")
        other, table = evidence.shown.other, evidence.correlations
        if other == first:
            raise NotTested(f"Figure 3 of this run shows {label(first)} beside no other model")
        for name in (first, other):
            mean(evidence, name, OVERALL)
        tracks = table.drop_duplicates("track").reset_index(drop=True)
        track = tracks.iloc[track_row(tracks, evidence.shown.track)]
        rows = table[table["track"] == track["track"]].groupby(["model", "seed"])["pearson"].mean().unstack("seed")
        one, two = (rows.loc[name].dropna() for name in (first, other))
        if one.empty or two.empty:
            raise NotTested(f"{track['identifier']} has no correlation with both models")
        sds = [f" ± {part.std(ddof=1):.3f}" if len(part) > 1 else "" for part in (one, two)]
        text = f"{track['identifier']} ({track['group']}) over the whole test set: {label(first)} "
        text += f"{decimal(one.mean())}{sds[0]}, {label(other)} {decimal(two.mean())}{sds[1]}"
        text += f"; {len(one)} seed{'s' * (len(one) > 1)}"
        return Verdict(bool(one.mean() > two.mean()), text)

    return rule


def constant_scores_nothing(row: str) -> Rule:
    """A prediction that is the same everywhere has no correlation above 0.05 on any track."""

    def rule(evidence: AssayEvidence) -> Verdict:
        known(evidence, [row])
        values = by_track(evidence, row, OVERALL)
        defined = values.dropna()
        text = f"undefined on {len(values) - len(defined)} of {len(values)} tracks"
        if len(defined):
            text += f", at most {decimal(defined.abs().max())} on the others"
        return Verdict(bool(np.all(defined.abs() <= 0.05)), text)

    return rule


# Criteria on attention (Figures 4 and 6), by which claims about Genomic Interpreter are judged. Every function
# makes a `claims.Rule` of the evidence of `interpreter_evidence`. Layers are those of 1D-Swin; of a layer with two
# blocks the regular one counts, as in the figures.


def _of_swin(evidence: AssayEvidence) -> None:
    if evidence.shown is None:
        raise NotTested("attention is drawn, not printed")
    if evidence.shown.main_model != SWIN:
        raise NotTested(f"attention was measured on {label(evidence.shown.main_model)}, not on {label(SWIN)}")


def _layers(evidence: AssayEvidence) -> pd.DataFrame:
    """Distance of every layer, heads together, in the order of the layers; ratio: in multiples of uniform attention."""
    _of_swin(evidence)
    table = evidence.distances
    table = table[(table["head"] == "all") & (table["block"] != "shifted")].sort_values("layer")
    if len(table) < 5:
        raise NotTested(f"{len(table)} layers are too few for a trend")
    return table.assign(ratio=table["mean_distance_bp"] / table["uniform_bp"])


def grows_with_layer(column: str, what: str, digits: int) -> Rule:
    """A column of the layers has a positive rank correlation with their number, p < 0.05."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _layers(evidence)
        rho, p = spearmanr(table["layer"], table[column])
        values = ", ".join(f"{value:,.{digits}f}" for value in table[column])
        text = f"{what} of layers {table['layer'].iloc[0]} to {table['layer'].iloc[-1]}: {values}; "
        text += (
            f"Spearman {signed(rho, 2)} (p {p_text(p)}), means over {int(table['n_segments'].max()):,} test segments"
        )
        return Verdict(bool(rho > 0 and p < 0.05), text)

    return rule


def lower_layers_local() -> Rule:
    """In every layer of the lower half the mean distance is below that of uniform attention in the same windows."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _layers(evidence)
        lower = table.head(len(table) // 2)
        near = lower["ratio"] < 1
        beside = ", ".join(f"{row.layer}: {row.ratio:.2f}" for row in lower.itertuples())
        text = f"{near.sum()} of {len(lower)} layers; distance in multiples of uniform attention, layer {beside}"
        return Verdict(bool(near.all()), text)

    return rule


def _heads(evidence: AssayEvidence) -> pd.DataFrame:
    """Distance of every head of the layer of Figure 4b with its 95 % limits over the test segments.

    Columns head, ratio, low, high (multiples of uniform attention in the same windows).
    """
    _of_swin(evidence)
    table, layer = evidence.distances, evidence.shown.heads_layer
    table = table[(table["layer"] == layer) & (table["head"] != "all") & (table["block"] != "shifted")]
    if len(table) < 2:
        raise NotTested(f"layer {layer} has {len(table)} head")
    count = table["n_segments"]
    half = t.ppf((1 + LEVEL / 100) / 2, (count - 1).clip(lower=1)) * table["sd_bp"] / np.sqrt(count)
    names = {"ratio": 0.0, "low": -half, "high": half}
    limits = {name: (table["mean_distance_bp"] + shift) / table["uniform_bp"] for name, shift in names.items()}
    return table.assign(**limits)


def _head(row: pd.Series) -> str:
    return f"head {row['head']} at {row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def heads_differ(factor: float) -> Rule:
    """The head that looks farthest looks at least ``factor`` times as far as the one that looks nearest."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _heads(evidence)
        near, far = table.loc[table["ratio"].idxmin()], table.loc[table["ratio"].idxmax()]
        text = f"layer {evidence.shown.heads_layer}, {len(table)} heads: {_head(near)} to {_head(far)} times the "
        times = far["ratio"] / near["ratio"] if near["ratio"] > 0 else np.inf
        text += f"distance of uniform attention, factor {f'{times:.2f}' if times < 100 else 'above 100'}"
        return Verdict(bool(far["ratio"] >= factor * near["ratio"]), text)

    return rule


def some_head(limit: float) -> Rule:
    """Some head's distance is at least (``limit`` > 1) or at most this multiple of that of uniform attention."""

    def rule(evidence: AssayEvidence) -> Verdict:
        table = _heads(evidence)
        far = limit > 1
        row = table.loc[table["ratio"].idxmax() if far else table["ratio"].idxmin()]
        text = f"layer {evidence.shown.heads_layer}: the {'farthest' if far else 'nearest'} of {len(table)} heads is "
        text += f"{_head(row)} times the distance of uniform attention"
        return Verdict(bool(row["ratio"] >= limit if far else row["ratio"] <= limit), text)

    return rule


def _layer(evidence: AssayEvidence, number: int) -> LayerAttention:
    """A layer on the example segment."""
    _of_swin(evidence)
    if number not in evidence.attention.layers:
        raise NotTested(f"{evidence.attention.path} has no layer {number}")
    return evidence.attention.layer(number)


def looks_back(share: float) -> Rule:
    """Some head puts at least this share of its attention between different tokens on earlier ones."""

    def rule(evidence: AssayEvidence) -> Verdict:
        layer = _layer(evidence, evidence.shown.heads_layer if evidence.shown else 0)
        shares = [_earlier(layer, head) for head in range(layer.weights.shape[0])]
        text = f"layer {layer.layer}, one test segment: share on earlier tokens by head "
        text += ", ".join(decimal(value, 2) for value in shares) + "; uniform attention 0.50"
        return Verdict(max(shares) >= share, text)

    return rule


def _earlier(layer: LayerAttention, head: int) -> float:
    before = other = 0.0
    for number in range(layer.weights.shape[1]):
        tokens = layer.window_tokens(number)
        weights = layer.fold(number, head)
        before += float(weights[tokens[None] < tokens[:, None]].sum())
        other += float(weights[tokens[None] != tokens[:, None]].sum())
    return before / other if other else 0.0


def windows_differ(moved: float) -> Rule:
    """Between two windows of one head, at least this share of the attention of a token lies elsewhere, on average."""

    def rule(evidence: AssayEvidence) -> Verdict:
        layer = _layer(evidence, evidence.shown.windows_layer if evidence.shown else 0)
        heads, windows = layer.weights.shape[:2]
        whole = [number for number in range(windows) if len(layer.window_tokens(number)) == layer.window]
        if len(whole) < 2:
            raise NotTested(f"layer {layer.layer} has one window")
        shares = [
            float(np.abs(layer.weights[head, a] - layer.weights[head, b]).sum(axis=-1).mean()) / 2
            for head in range(heads)
            for a, b in combinations(whole, 2)
        ]
        text = (
            f"layer {layer.layer}, one test segment, {len(whole)} windows and {heads} heads: share of attention that "
        )
        text += (
            f"differs {decimal(np.mean(shares), 2)} on average, {decimal(min(shares), 2)} to {decimal(max(shares), 2)}"
        )
        return Verdict(bool(np.mean(shares) >= moved), text)

    return rule


# What the paper on Genomic Interpreter (000) says of its results, in our words, each with a criterion stated for
# it. Where a word such as "local" or "long-range" needs a threshold, it is chosen here, said in the criterion, and
# applied to the paper's own Table 1 wherever that has the number. The claims at the end are ours: checks that any
# run must pass.

ABSTRACT, INTRODUCTION, RESULTS, TABLE = "Abstract", "Introduction", "Section 4.1, Table 1", "Table 1"

ATTENTION, CONCLUSION = "Section 4.2", "Conclusion"

GROUPS = ["DNase", "ChIP", "CAGE"]

OTHERS = [*CNNS, ENFORMER]

_INTERVAL = "the 95 % interval of the difference over the tracks, where they are known, excludes 0."


def _best(name: str, where: str, sentence: str, group: str) -> Claim:
    criterion = f"Its mean correlation {on(group)} is above that of every other model of the paper, and {_INTERVAL}"
    return Claim(name, where, sentence, criterion, above(SWIN, OTHERS, group))


def _tracks(group: str) -> Claim:
    sentence = f"Most {group} tracks lie above the line: 1D-Swin predicts them better than each other model."
    criterion = f"Against every other model 1D-Swin has the higher correlation on more than half of the {group} tracks."
    return Claim(f"{group.lower()}_tracks", "Figure 2", sentence, criterion, most_tracks_above(SWIN, OTHERS, group))


CLAIMS = [
    _best(
        "best_overall",
        f"{ABSTRACT}; {RESULTS}",
        "1D-Swin predicts genomic assays better than all other models, over all tracks.",
        OVERALL,
    ),
    Claim(
        "beats_enformer",
        INTRODUCTION,
        "1D-Swin is better than the state of the art, Enformer.",
        f"Its mean correlation over all tracks is above Enformer's, and {_INTERVAL}",
        above(SWIN, [ENFORMER], OVERALL),
    ),
    Claim(
        "beats_cnns",
        CONCLUSION,
        "1D-Swin is better than conventional models, the three CNNs.",
        f"Its mean correlation over all tracks is above that of each CNN, and {_INTERVAL}",
        above(SWIN, CNNS, OVERALL),
    ),
    _best("best_dnase", RESULTS, "1D-Swin is the best model of DNase tracks (chromatin accessibility).", "DNase"),
    _best("best_chip", RESULTS, "1D-Swin is the best model of ChIP tracks.", "ChIP"),
    _best("best_cage", ABSTRACT, "1D-Swin is the best model of gene expression (CAGE tracks).", "CAGE"),
    Claim(
        "enformer_best_cage",
        TABLE,
        "Enformer is the best model of CAGE tracks.",
        f"Its mean correlation on CAGE tracks is above that of every other model of the paper, and {_INTERVAL}",
        above(ENFORMER, [*CNNS, SWIN], "CAGE"),
    ),
    Claim(
        "advantage_dnase_chip",
        RESULTS,
        "The advantage of 1D-Swin is found in DNase and ChIP tracks above all.",
        "Its margin over the best other model is positive on DNase and on ChIP, and larger on either than on CAGE.",
        margin_larger_in(SWIN, OTHERS, ["DNase", "ChIP"], "CAGE"),
    ),
    Claim(
        "attention_beats_cnns",
        "Section 2, Table 1",
        "Models with attention predict better than CNNs.",
        f"On each of DNase, ChIP and CAGE, 1D-Swin and Enformer are above each CNN, and {_INTERVAL}",
        each_above_each([SWIN, ENFORMER], CNNS, GROUPS),
    ),
    Claim(
        "max_pooling_best_cnn",
        TABLE,
        "Of the CNNs the one with max-pooling is best over all tracks: attention pooling and dilation do not help.",
        f"Its mean correlation over all tracks is above that of the other two CNNs, and {_INTERVAL}",
        above(MAX_POOL, [ATT_POOL, DILATED], OVERALL),
    ),
    Claim(
        "dilation_helps_chip",
        TABLE,
        "Dilated convolutions improve the CNN with attention pooling on ChIP tracks only.",
        "With dilation the mean correlation is higher on ChIP and lower on DNase and on CAGE; the 95 % interval of "
        "each difference over the tracks, where they are known, excludes 0.",
        helps_only_on(DILATED, ATT_POOL, "ChIP", GROUPS),
    ),
    *map(_tracks, GROUPS),
    Claim(
        "profile_matches",
        "Section 4.1, Figure 3",
        "The prediction of 1D-Swin for a track of gene expression matches the measurement better than another model's.",
        "On the track of Figure 3 the correlation of 1D-Swin over the whole test set, not one segment, is above that "
        "of the other model of the figure.",
        follows_track(SWIN),
    ),
    Claim(
        "distance_grows",
        ATTENTION,
        "Higher layers relate positions that are farther apart.",
        "The mean distance in bp under the attention of a layer has a positive rank correlation with the number of the "
        "layer, p < 0.05. Tokens and windows that grow in bp from layer to layer bring this about by construction.",
        grows_with_layer("mean_distance_bp", "distance (bp)", 0),
    ),
    Claim(
        "off_diagonal_grows",
        "Figure 4a",
        "Higher layers have more attention off the diagonal.",
        "The mean distance in multiples of that of uniform attention in the same windows has a positive rank "
        "correlation with the number of the layer, p < 0.05: what is left when tokens and windows are accounted for.",
        grows_with_layer("ratio", "distance in multiples of uniform attention", 2),
    ),
    Claim(
        "lower_layers_local",
        ATTENTION,
        "Lower layers favour local attention.",
        "In every layer of the lower half the mean distance is below that of uniform attention in the same windows.",
        lower_layers_local(),
    ),
    Claim(
        "heads_differ",
        "Section 4.2, Figure 4b",
        "The heads of the highest layer capture different patterns.",
        "In the layer of Figure 4b the mean distance of the farthest head is at least 1.5 times that of the nearest.",
        heads_differ(1.5),
    ),
    Claim(
        "head_looks_back",
        "Section 4.2, Figure 4b",
        "One head looks back: its attention lies on earlier positions.",
        "In the layer of Figure 4b, on the segment shown, some head has at least 2/3 of its attention between "
        "different tokens on earlier ones.",
        looks_back(2 / 3),
    ),
    Claim(
        "head_long_range",
        "Section 4.2, Figure 4b",
        "One head seems to attend to distant positions.",
        "In the layer of Figure 4b some head has a mean distance of at least 1.25 times that of uniform attention.",
        some_head(1.25),
    ),
    Claim(
        "head_local",
        "Section 4.2, Figure 4b",
        "One head attends to the immediate neighbourhood.",
        "In the layer of Figure 4b some head has a mean distance of at most half of that of uniform attention.",
        some_head(0.5),
    ),
    Claim(
        "windows_differ",
        "Appendix C.1, Figure 6",
        "Windows of a layer share their weights, but their attention differs.",
        "In the layer of Figure 6, on the segment shown, at least 10 % of the attention of a position in one window "
        "lies elsewhere in another, mean over heads and pairs of windows.",
        windows_differ(0.1),
    ),
    Claim(
        "attention_is_regulation",
        ATTENTION,
        "The pattern reflects gene regulation: units such as enhancers interact at a distance.",
        "None: attention is not compared with known regulatory sites.",
        out_of_reach("no table of the study holds attention against known regulatory sites"),
    ),
    Claim(
        "models_above_ridge",
        CONTROL,
        "Every model is better than a ridge regression on the GC and CpG content of a bin.",
        f"The mean correlation of every model over all tracks is above that of the regression, and {_INTERVAL}",
        each_above_each([*OTHERS, SWIN], [RIDGE], [OVERALL]),
    ),
    Claim(
        "swin_above_ridge",
        CONTROL,
        "1D-Swin is better than that regression on every track group.",
        f"Its mean correlation on each of DNase, ChIP and CAGE is above that of the regression, and {_INTERVAL}",
        each_above_each([SWIN], [RIDGE], GROUPS),
    ),
    Claim(
        "mean_scores_nothing",
        CONTROL,
        "The mean of the training set, the same in every bin, scores nothing.",
        "Its correlation is undefined or at most 0.05 in size on every track.",
        constant_scores_nothing(MEAN),
    ),
]


def claims_table(
    runs: Sequence[Run],
    distances: Path | str,
    attention: Path | str,
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    *,
    shown: Shown,
    groups: Sequence[str] | None = None,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Judge every claim on this run and on the paper's Table 1; write CSV and Markdown.

    Arguments:
        runs: per-track correlation tables of the models and the reference rows.
        distances: ``attention_distance.csv`` of the main model.
        attention: its attention on one test segment.
        published: ``config/published.csv``.
        csv, markdown: output paths.
        shown: what the figures show, see `Shown`.
        groups: order of the track groups.
        data_note: one sentence on the data and the sizes.

    Returns the claims, columns ``claims.COLUMNS``. Raises InputError on bad files.
    """
    run = of_run(runs, distances, attention, shown, groups)
    table = judge_all(CLAIMS, run, of_paper(published))
    write_claims(table, csv, markdown, _notes(run, data_note))
    return table


def _notes(run: AssayEvidence, data_note: str | None) -> list[str]:
    """Sentences under the verdicts, each true of this run."""
    means = run.means[~run.means["model"].isin(list(REFERENCE_ROWS))]
    groups = means.drop_duplicates("group")
    tracks = ", ".join(f"{row.n_tracks:,} {row.group.replace(OVERALL, 'in all')}" for row in groups.itertuples())
    seeds = spread(means["n_seeds"])
    lines = [
        CRITERIA,
        f"Models: {', '.join(means['label'].unique())}, {seeds} seed{'s' * (seeds != '1')} each; tracks: {tracks}. A "
        "claim on several models is judged on those that were run.",
        "95 % intervals of a difference of correlations: t interval over the tracks, paired, after the mean over the "
        "seeds; no correction for the number of comparisons. They say how much the difference varies from track to "
        "track, not how much it would vary from training to training. Tracks of like assays are not independent.",
        "95 % intervals of attention distances: t interval over the test segments, of the first seed's model.",
    ]
    return [*lines, data_note] if data_note else lines
