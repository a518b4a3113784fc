"""Claims of Genomic Interpreter, and their evidence: the numbers of a run or of the paper's Table 1."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.runs import EvidenceKind, Run, labelled
from regulens.core.statistics import LEVEL, mean_interval
from regulens.core.tables import (
    DISTANCE_COLUMNS,
    decimal,
    interval,
    numbers,
    read_correlations,
    read_table,
    spread,
    with_sd,
)
from regulens.data.tracks import track_row
from regulens.studies.claims import Estimate, Group, NotTested, claims_table, load_claims
from regulens.studies.genomic_interpreter.attention import AttentionFile, LayerAttention
from regulens.studies.genomic_interpreter.table1 import OVERALL, group_means, read_published
from regulens.training.settings import REFERENCE_ROWS

SWIN = "swin1d"
LABELS = {SWIN: "1D-Swin", "enformer": "Enformer", "maxpool_cnn": "MaxPoolCNNs", "attpool_cnn": "AttPoolCNNs"}
LABELS |= {"attpool_dilated": "AttPoolDilate"}
"""Names of the paper's models in Table 1, by their names in the configuration."""
PUBLISHED_DIGITS = 4
"""Digits of Table 1."""


class Shown(NamedTuple):
    """Model, track and layers shown in the figures of a run."""

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


class Evidence(NamedTuple):
    """Numbers of a run or of the paper; missing ones are empty or None.

    Its public methods are the ``values`` of ``claims.yaml``. Layers are those of 1D-Swin, represented by their regular
    blocks as in the figures. Distances are in multiples of those of uniform attention in the same windows.
    """

    means: pd.DataFrame
    """Columns model, group, pearson, as in Table 1."""
    correlations: pd.DataFrame
    """Every track, model and seed: table of `core.tables.read_correlations`."""
    distances: pd.DataFrame
    """``attention_distance.csv``, heads as text."""
    attention: AttentionFile | None
    """Attention on one test segment."""
    shown: Shown | None

    def margins(self, model: str, others: list[str], group: str) -> dict:
        """Mean correlation of a model on a track group minus that of each other model that is available."""
        mean = Estimate(self._mean_correlation(model, group), digits=PUBLISHED_DIGITS if self.correlations.empty else 3)
        found = [self._margin(model, other, group, model_label(other)) for other in self._available(others)]
        counts, over = sorted(count for _, count in found), ""
        if counts[-1]:
            over = f"; over {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} tracks"
        values = _without_single_tracks(found)
        return {"values": values, "model": model_label(model), "mean": mean, "on": group_phrase(group), "over": over}

    def margins_of_all(self, models: list[str], others: list[str], groups: list[str]) -> Group:
        """Mean correlation of each model minus that of each other one, by track group, as far as available."""
        present = [group for group in groups if group in set(self.means["group"])]
        if not present:
            raise NotTested(f"the data have no track of {', '.join(groups)}")
        return _without_single_tracks(
            self._margin(first, other, group, f"{model_label(first)} less {model_label(other)} {group_phrase(group)}")
            for group in present
            for first in self._available(models)
            for other in self._available(others)
        )

    def margins_over_best(self, model: str, others: list[str], groups: list[str], beside: str) -> dict:
        """Mean correlation of a model minus that of the best other one, on ``groups`` and on the group ``beside``."""
        found = Group()
        for group in (*groups, beside):
            best = max(self._available(others), key=lambda name, group=group: self._mean_correlation(name, group))
            margin, _ = self._margin(model, best, group, group)
            found.append(margin._replace(note=f"{margin.note} (over {model_label(best)})"))
        return {"groups": Group(found[:-1]), "beside": Group(found[-1:])}

    def margins_by_group(self, model: str, other: str, groups: list[str], helped: str) -> dict:
        """values: mean correlation of a model minus another's by group; gains: negated except on ``helped``."""
        values = _without_single_tracks(self._margin(model, other, group, group) for group in groups)
        turned = (item._replace(value=-item.value, low=-item.high, high=-item.low) for item in values)
        gains = Group(item if item.name == helped else back for item, back in zip(values, turned, strict=True))
        return {"values": values, "gains": gains}

    def shares_of_tracks(self, model: str, others: list[str], group: str) -> dict:
        """Share of the tracks of a group on which a model has a higher correlation than each of the others."""
        self._mean_correlation(model, group)
        shares, parts = Group(), []
        for name in self._available(others):
            gap = (self._track_correlations(model, group) - self._track_correlations(name, group)).dropna()
            if gap.empty:
                raise NotTested(
                    f"no {group} track has a correlation with both {model_label(model)} and {model_label(name)}"
                )
            won = int((gap > 0).sum())
            limits = binomtest(won, len(gap)).proportion_ci(LEVEL / 100, method="wilson")
            shares.append(Estimate(won / len(gap)))
            parts.append(f"{model_label(name)} {won} of {len(gap)} {interval(limits.low, limits.high, 2)}")
        return {"values": shares, "counts": ", ".join(parts)}

    def track_of_figure3(self, model: str) -> dict:
        """Correlation of a model and of the other model of Figure 3 on the track shown there, over the test set."""
        other, table = self.shown.other, self.correlations
        if other == model:
            raise NotTested(f"Figure 3 of this run shows {model_label(model)} beside no other model")
        for name in (model, other):
            self._mean_correlation(name, OVERALL)
        tracks = table.drop_duplicates("track").reset_index(drop=True)
        track = tracks.iloc[track_row(tracks, self.shown.track)]
        rows = table[table["track"] == track["track"]].groupby(["model", "seed"])["pearson"].mean().unstack("seed")
        one, two = (rows.loc[name].dropna() for name in (model, other))
        if one.empty or two.empty:
            raise NotTested(f"{track['identifier']} has no correlation with both models")
        shown = ", ".join(f"{model_label(part.name)} {with_sd(part.mean(), part.std(ddof=1))}" for part in (one, two))
        text = f"{track['identifier']} ({track['group']}) over the whole test set: {shown}; {len(one)} seed"
        return {"model": Estimate(one.mean()), "other": Estimate(two.mean()), "text": text + "s" * (len(one) > 1)}

    def correlations_of(self, row: str) -> dict:
        """values: the defined correlations of a model or reference row; text: how many are undefined."""
        self._available([row])
        values = self._track_correlations(row, OVERALL)
        defined = values.dropna()
        text = f"undefined on {len(values) - len(defined)} of {len(values)} tracks"
        if len(defined):
            text += f", at most {decimal(defined.abs().max())} on the others"
        return {"values": Group.of(defined), "text": text}

    def layers(self, part: Literal["all", "lower half"] = "all") -> dict:
        """Mean distance of every layer over its heads: layer (numbers), bp, ratio, by_layer (ratio with its layer)."""
        table = self._distances(lambda table: table["head"] == "all").sort_values("layer")
        if len(table) < 5:
            raise NotTested(f"{len(table)} layers are too few for a trend")
        table = table.head(len(table) // 2) if part == "lower half" else table
        columns = {"layer": "layer", "bp": "mean_distance_bp", "ratio": "ratio"}
        found = {name: Group(map(Estimate, table[column])) for name, column in columns.items()}
        by_layer = Group(Estimate(row.ratio, name=f"{row.layer}:") for row in table.itertuples())
        return {**found, "by_layer": by_layer, "segments": int(table["n_segments"].max())}

    def heads(self) -> dict:
        """Mean distance of every head in the layer of Figure 4b, with its interval over the test segments."""
        layer = self.shown.heads_layer
        table = self._distances(lambda table: (table["layer"] == layer) & (table["head"] != "all"))
        if len(table) < 2:
            raise NotTested(f"layer {layer} has {len(table)} head")
        values = Group()
        for row in table.itertuples():
            limits = mean_interval(row.mean_distance_bp, row.sd_bp, row.n_segments)
            low_high = (limit / row.uniform_bp for limit in limits)
            values.append(Estimate(row.ratio, *low_high, f"head {row.head} at", digits=2))
        near, far = values.lowest.value, values.highest.value
        times = far / near if near > 0 else np.inf
        return {"values": values, "layer": layer, "factor": f"{times:.2f}" if times < 100 else "above 100"}

    def shares_on_earlier_tokens(self) -> dict:
        """Share of the attention to other tokens that goes to earlier ones, by head of the layer of Figure 4b."""
        layer = self._layer(self.shown.heads_layer)
        shares = (_share_on_earlier(layer, head) for head in range(layer.weights.shape[0]))
        return {"values": Group(Estimate(share, digits=2) for share in shares), "layer": layer.layer}

    def differences_of_windows(self) -> dict:
        """Share of attention placed differently in two windows of the layer of Figure 6, by head and pair."""
        layer = self._layer(self.shown.windows_layer)
        heads, windows = layer.weights.shape[:2]
        whole = [number for number in range(windows) if len(layer.window_tokens(number)) == layer.window]
        if len(whole) < 2:
            raise NotTested(f"layer {layer.layer} has one window")
        values = Group(
            Estimate(float(np.abs(layer.weights[head, a] - layer.weights[head, b]).sum(axis=-1).mean()) / 2, digits=2)
            for head in range(heads)
            for a, b in combinations(whole, 2)
        )
        return {"values": values, "layer": layer.layer, "windows": len(whole), "heads": heads}

    def _mean_correlation(self, model: str, group: str) -> float:
        """Mean correlation of a model on a track group."""
        rows = self.means[self.means["model"] == model]
        if rows.empty:
            raise NotTested(f"there is no row {model_label(model)}")
        rows = rows[rows["group"] == group]
        if rows.empty:
            raise NotTested(f"the data have no {group} tracks")
        value = float(rows["pearson"].iloc[0])
        if not np.isfinite(value):
            raise NotTested(f"{model_label(model)} has no defined correlation {group_phrase(group)}")
        return value

    def _available(self, models: Sequence[str]) -> list[str]:
        """The available ones of these models. Raises `NotTested` if there is none."""
        found = [name for name in models if name in set(self.means["model"])]
        if not found:
            raise NotTested(f"there is no row {' or '.join(map(model_label, models))}")
        return found

    def _track_correlations(self, model: str, group: str) -> pd.Series:
        """Correlation by track of a group, mean over the seeds; empty if there are no tracks, as for the paper."""
        table = self.correlations
        if table.empty:
            return pd.Series(dtype=float)
        rows = table[(table["model"] == model) & ((table["group"] == group) | (group == OVERALL))]
        return rows.groupby("track")["pearson"].mean()

    def _margin(self, first: str, second: str, group: str, name: str = "") -> tuple[Estimate, int]:
        """Mean correlation of ``first`` minus ``second`` on a group with a t interval over tracks; number of tracks.

        Tracks are paired, because a track that is easy for one model is easy for the other; without tracks, as for the
        paper, it is the difference of the means. With several seeds the note says in how many it is positive.
        """
        gap = self._mean_correlation(first, group) - self._mean_correlation(second, group)
        pairs = (self._track_correlations(first, group) - self._track_correlations(second, group)).dropna()
        count, note = len(pairs), ""
        if not count:
            return Estimate(gap, name=name, digits=PUBLISHED_DIGITS), 0
        table = self.correlations[self.correlations["model"].isin([first, second])]
        table = table[(table["group"] == group) | (group == OVERALL)]
        seeds = table.groupby(["seed", "model"])["pearson"].mean().unstack("model").dropna()
        if len(seeds) > 1:
            note = f" (above in {(seeds[first] > seeds[second]).sum()} of {len(seeds)} seeds)"
        return Estimate(pairs.mean(), *mean_interval(pairs.mean(), pairs.std(), count), name, note), count

    def _distances(self, pick) -> pd.DataFrame:
        """Rows of the distances selected by ``pick``, without shifted blocks, with ``ratio`` to uniform attention."""
        self._of_swin()
        table = self.distances[pick(self.distances) & (self.distances["block"] != "shifted")]
        return table.assign(ratio=table["mean_distance_bp"] / table["uniform_bp"])

    def _layer(self, number: int) -> LayerAttention:
        """A layer on the example segment."""
        self._of_swin()
        if number not in self.attention.layers:
            raise NotTested(f"{self.attention.path} has no layer {number}")
        return self.attention.layer(number)

    def _of_swin(self) -> None:
        if self.shown.main_model != SWIN:
            raise NotTested(
                f"attention was measured on {model_label(self.shown.main_model)}, not on {model_label(SWIN)}"
            )


CLAIMS = load_claims(Path(__file__).with_suffix(".yaml"), Evidence)


def model_label(model: str) -> str:
    """Name of a model or reference row in tables."""
    return LABELS.get(model) or REFERENCE_ROWS.get(model, model)


def group_phrase(group: str) -> str:
    """'on DNase tracks', 'over all tracks'."""
    return "over all tracks" if group == OVERALL else f"on {group} tracks"


def _without_single_tracks(margins) -> Group:
    """The margins without the numbers of tracks. Raises `NotTested` if one has a single track."""
    margins = list(margins)
    if any(count == 1 for _, count in margins):
        raise NotTested("a group has one track only, so no interval")
    return Group(margin for margin, _ in margins)


def _share_on_earlier(layer: LayerAttention, head: int) -> float:
    before = other = 0.0
    for number in range(layer.weights.shape[1]):
        tokens, weights = layer.window_tokens(number), layer.window_map(number, head)
        before += float(weights[tokens[None] < tokens[:, None]].sum())
        other += float(weights[tokens[None] != tokens[:, None]].sum())
    return before / other if other else 0.0


def run_evidence(
    runs: Sequence[Run],
    distances: Path | str,
    attention: Path | str,
    shown: Shown,
    groups: Sequence[str] | None = None,
) -> Evidence:
    """Evidence of a run, from the files of `claims`. Raises InputError on bad ones."""
    correlations = read_correlations(runs)
    table = read_table(distances, DISTANCE_COLUMNS).astype({"head": str})
    for name in ("layer", "mean_distance_bp", "sd_bp", "uniform_bp", "n_segments"):
        table[name] = numbers(table[name], distances)
    return Evidence(group_means(correlations, groups), correlations, table, AttentionFile(attention), shown)


def paper_evidence(published: Path | str) -> Evidence:
    """Evidence of the paper's Table 1."""
    rows = [(*key, value) for key, value in read_published(published).items()]
    means = pd.DataFrame(rows, columns=["model", "group", "pearson"])
    if strange := sorted(set(means["model"]) - set(LABELS)):
        raise InputError(f"{published}: {strange[0]} is not a model of Table 1; valid: {', '.join(LABELS)}")
    return Evidence(means, pd.DataFrame(), pd.DataFrame(), None, None)


@command("genomic-interpreter claims")
def claims(
    runs: Sequence[Run],
    /,
    distances: Path | str,
    attention: Path | str,
    published: Path | str,
    csv: Path | str,
    md: Path | str,
    main_model: Part[str],
    track: Part[str],
    other: Part[str],
    heads_layer: Part[int],
    windows_layer: Part[int],
    evidence: Part[EvidenceKind],
    labels: Part[Mapping[str, str] | None] = None,
    groups: Part[Mapping[str, Sequence[str]] | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Evaluate the paper's claims about its models on this run and on the paper's own table.

    See `studies.claims.claims_table`.

    Arguments:
        runs: per-track correlation tables of the models and the reference rows.
        distances: ``attention_distance.csv`` of the main model.
        attention: its attention on one test segment.
        published: ``config/published.csv``.
        csv, md: the claims, to write.
        main_model, track, other, heads_layer, windows_layer: see `Shown`.
        evidence: what the data are; no verdict on the paper's claims by simulated ones.
        labels: names of the models in tables.
        groups: the track groups in their order.
        data_note: one sentence on the data and the sizes.

    Raises InputError on bad files.
    """
    shown = Shown(main_model, track, other, heads_layer, windows_layer)
    run = run_evidence(labelled(runs, labels), distances, attention, shown, groups)
    facts = _facts(run.means)
    options = {"facts": facts, "evidence": evidence, "data_note": data_note}
    return claims_table(CLAIMS, run, paper_evidence(published), csv, md, **options)


def _facts(means: pd.DataFrame) -> dict[str, str]:
    """Fields of the notes."""
    means = means[~means["model"].isin(list(REFERENCE_ROWS))]
    groups = means.drop_duplicates("group")
    tracks = ", ".join(f"{row.n_tracks:,} {row.group.replace(OVERALL, 'in all')}" for row in groups.itertuples())
    seeds = spread(means["n_seeds"])
    models = ", ".join(means["label"].unique())
    return {"models": models, "seeds": f"{seeds} seed{'s' * (seeds != '1')}", "tracks": tracks}
