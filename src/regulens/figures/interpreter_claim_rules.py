"""Criteria on the correlations of Table 1 and Figures 2 and 3, by which claims about Genomic Interpreter are judged.

Every function makes a `claims.Rule` of the evidence of `interpreter_evidence`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from regulens.figures.claims import NotTested, Rule, Verdict
from regulens.figures.claims_text import signed
from regulens.figures.interpreter_evidence import AssayEvidence, Margin, by_track, known, label, margin, mean, on
from regulens.figures.profile import track_row
from regulens.figures.table1 import OVERALL
from regulens.figures.text_tables import decimal, interval
from regulens.statistics import LEVEL

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
