"""Claims of the hybrid networks, and their evidence: the numbers of a run or of the paper's tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.runs import EvidenceKind
from regulens.core.tables import spread
from regulens.studies.claims import Estimate, Group, NotTested, claims_table, load_claims
from regulens.studies.hybrid_networks.results import (
    ACTIVATIONS,
    EXPONENTIAL,
    FEWEST,
    RELU,
    SHOWN,
    TASK_TITLES,
    activation_differences,
    read_published,
    read_trials,
    summarise,
)

EVIDENCE_COLUMNS = ["task", "architecture", "label", "baseline", "transformers", "activation", "metric"]
EVIDENCE_COLUMNS += ["mean", "sd", "n", "sd_all"]
PAPER_KEPT = {"task1": 3, "task2": 5}
"""Number of trials in the paper's tables, by task (docs/papers.md, "trial-selection")."""
LARGE, SMALL = ["c24"], ["c4c6", "c4"]
"""Baselines with large and with small first max-pooling."""
DEEP = 4
"""Transformer blocks of a deep network."""


class Evidence(NamedTuple):
    """Numbers of a run or of the paper; public methods are the ``values`` of ``claims.yaml``."""

    rows: pd.DataFrame
    """One row per mean, columns ``EVIDENCE_COLUMNS``; ``mean`` and ``sd`` (population) are over the ``n`` kept trials
    with a defined value, ``sd_all`` over all trials; ``transformers``: number of encoder blocks."""

    def differences(
        self, task: str, metric: str, baselines: list[str] | None = None, with_interval: bool = False
    ) -> Group:
        """Exponential minus ReLU, by network with both; ``with_interval``: not tested if none has an interval
        (`activation_differences`).
        """
        rows = self._select(task, metric, baselines)
        if not {EXPONENTIAL, RELU} <= set(rows["activation"]):
            raise NotTested(f"{task} was not run with both activations")
        found = activation_differences(rows)
        if found.empty:
            raise NotTested(f"no network has {_words(task, metric)} with both activations")
        if with_interval and found["low"].isna().all():
            raise NotTested(f"fewer than {FEWEST} kept trials a network, so no interval")
        return Group(map(Estimate, found["difference"], found["low"], found["high"], found["label"]))

    def gains(self, task: str, metric: str) -> dict:
        """Exponential minus ReLU: values, of every C24 network; others, means of the C4C6 and of the C4 networks."""
        values, others = self.differences(task, metric, LARGE), Group()
        for baseline in SMALL:
            try:
                others.append(self.differences(task, metric, [baseline]).mean._replace(name=baseline.upper()))
            except NotTested:
                continue
        if not others:
            raise NotTested("no C4C6 or C4 network to compare the gain with")
        return {"values": values, "others": others}

    def wrong_or_silent(self) -> dict:
        """C24 networks: wrong, FPR with exponential; silent, exponential minus ReLU of 1 - TPR - FPR."""
        wrong = self._select("task1", "fpr", LARGE, EXPONENTIAL).set_index("label")["mean"]
        tpr, fpr = (self.differences("task1", name, LARGE).column for name in ("tpr", "fpr"))
        return {"wrong": Group.of(wrong), "silent": Group.of(-(tpr + fpr))}

    def means(self, task: str, metric: str, baselines: list[str]) -> Group:
        """Means by network and activation; not tested unless both activations were run."""
        rows = self._select(task, metric, baselines)
        for activation in (RELU, EXPONENTIAL):
            self._select(task, metric, baselines, activation)
        return _network_means(rows)

    def means_of_shallow(self, task: str, metric: str) -> Group:
        """Means by network and activation, without the deep networks."""
        rows = Evidence(self.rows[self.rows["transformers"] < DEEP])._select(task, metric)
        if len(rows) < 2:
            raise NotTested("one network only")
        return _network_means(rows)

    def means_by_depth(self, task: str, metric: str) -> dict:
        """Means deep and rest; gaps, mean of a deep network minus the lowest of the rest with the same activation."""
        deep, rest = self._by_depth(task, metric)
        gaps = deep["mean"] - deep["activation"].map(rest.groupby("activation")["mean"].min())
        if gaps.isna().any():
            raise NotTested("an activation was run with deep networks only")
        return {"gaps": Group.of(gaps), "deep": _network_means(deep), "rest": _network_means(rest)}

    def sd_by_depth(self, task: str, metric: str) -> dict:
        """Standard deviation over all trials, kept or not: deep and rest."""
        deep, rest = (Group.of(part["sd_all"].dropna()) for part in self._by_depth(task, metric))
        if not deep or not rest:
            raise NotTested("all trials of the networks are needed, not the kept ones only")
        return {"deep": deep, "rest": rest}

    def small_relu_and_others(
        self, task: str, metric: str, names: tuple[str, str], others: list[str] | None = None
    ) -> dict:
        """Means lower (networks with ReLU, small max-pooling) and higher (with ReLU on ``others``; None: all others).

        ``names``: labels of higher and lower.
        """
        rows = self._select(task, metric)
        relu = rows["activation"] == RELU
        lower = relu & rows["baseline"].isin(SMALL)
        groups = [
            _network_means(rows[~lower if others is None else relu & rows["baseline"].isin(others)]),
            _network_means(rows[lower]),
        ]
        for name, group in zip(names, groups, strict=True):
            if not group:
                raise NotTested(f"no network of the group '{name}'")
        return {"higher": groups[0], "lower": groups[1]}

    def small_exponential_and_large_relu(self, task: str, metric: str) -> dict:
        """small: means of C4C6 and of C4 networks with exponential; large: mean of C24 networks with ReLU."""
        large = Estimate(self._select(task, metric, LARGE, RELU)["mean"].mean())
        return {"small": _baseline_means(self._select(task, metric, SMALL, EXPONENTIAL)), "large": large}

    def pairs(self, x: tuple[str, str], y: tuple[str, str]) -> dict:
        """Means of two (task, metric) for networks and activations with both; alone: correlation by activation."""
        keys = ["architecture", "activation"]
        both = {name: self._select(*pair).set_index(keys)["mean"] for name, pair in {"x": x, "y": y}.items()}
        both, alone = pd.concat(both, axis=1, join="inner"), ""
        if len(both) < 5 or both["x"].nunique() < 2 or both["y"].nunique() < 2:
            raise NotTested("fewer than five networks, activations counted apart, have both numbers")
        for activation, part in both.groupby(level="activation", sort=False):
            if len(part) >= 5 and part["x"].nunique() > 1 and part["y"].nunique() > 1:
                rho = Estimate(spearmanr(part["x"], part["y"])[0], digits=2)
                alone += f", {rho:+} with {ACTIVATIONS.get(activation, activation)} alone"
        return {"x": Group.of(both["x"]), "y": Group.of(both["y"]), "alone": alone}

    def share_of_baseline(self, task: str, metric: str, activation: str) -> dict:
        """Share of the variance between networks of one activation that is between the baselines.

        Adjusted for their number: 1 - (1 - share)(N - 1)/(N - K) for N networks on K baselines, which is 0 on average
        if the baseline does not matter. means: by baseline; sd: within a baseline.
        """
        rows = self._select(task, metric, activation=activation)
        sizes = rows["baseline"].value_counts()
        if (sizes >= 2).sum() < 2:
            raise NotTested("needs two baselines with at least two networks each")
        total = ((rows["mean"] - rows["mean"].mean()) ** 2).sum()
        within = ((rows["mean"] - rows.groupby("baseline")["mean"].transform("mean")) ** 2).sum()
        free = len(rows) - len(sizes)
        share = np.nan if total == 0 else 1 - within / total * (len(rows) - 1) / free
        sd = Estimate(np.sqrt(within / free))
        return {"share": Estimate(share, digits=2), "means": _baseline_means(rows), "sd": sd}

    def _select(
        self, task: str, metric: str, baselines: Sequence[str] | None = None, activation: str | None = None
    ) -> pd.DataFrame:
        """Rows with a mean of one metric, for some baselines and one activation (None: all); not tested if none."""
        rows = self.rows[(self.rows["task"] == task) & (self.rows["metric"] == metric) & self.rows["mean"].notna()]
        rows = rows if baselines is None else rows[rows["baseline"].isin(baselines)]
        rows = rows if activation is None else rows[rows["activation"] == activation]
        if rows.empty:
            names = " or ".join(map(str.upper, baselines or [])) + " " if baselines else ""
            raise NotTested(
                f"no {names}network{f' with {activation}' if activation else ''} has {_words(task, metric)}"
            )
        return rows

    def _by_depth(self, task: str, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        rows = self._select(task, metric)
        deep = rows["transformers"] >= DEEP
        if not deep.any() or deep.all():
            raise NotTested(f"needs networks with {DEEP} transformer blocks and others")
        return rows[deep], rows[~deep]


def _words(task: str, metric: str) -> str:
    return f"{SHOWN[task].get(metric, metric)} in {task.replace('task', 'task ')}"


CLAIMS = load_claims(Path(__file__).with_suffix(".yaml"), Evidence)


def _network_means(rows: pd.DataFrame) -> Group:
    """Means by network and activation."""
    names = rows["label"] + " " + rows["activation"].replace(ACTIVATIONS)
    return Group.of(rows["mean"].set_axis(names))


def _baseline_means(rows: pd.DataFrame) -> Group:
    return Group.of(rows.groupby(rows["baseline"].str.upper(), sort=False)["mean"].mean())


def run_evidence(tables: Mapping[str, pd.DataFrame]) -> Evidence:
    """Evidence of a run: task to its table of `read_trials`."""
    parts = []
    for task, trials in tables.items():
        part = summarise(trials, task).rename(columns={"n_defined": "n"})
        part["transformers"] = part["modules"].str.split("+").map(lambda modules: modules.count("transformer"))
        parts.append(part.assign(task=task))
    return Evidence(pd.concat(parts, ignore_index=True)[EVIDENCE_COLUMNS])


def paper_evidence(published: Path | str) -> Evidence:
    """Evidence of the paper's tables; baseline and depth of a network are parsed from its name."""
    rows = []
    for task, kept in PAPER_KEPT.items():
        for (name, metric, activation), (mean, sd) in read_published(published, task).items():
            baseline, *_, last = name.split("-") * 2
            depth = int(last.removeprefix("Trans")) if last.startswith("Trans") else 0
            rows.append((task, name, name, baseline.lower(), depth, activation, metric, mean, sd, kept, np.nan))
    return Evidence(pd.DataFrame(rows, columns=EVIDENCE_COLUMNS))


@command("hybrid-networks claims")
def claims(
    *,
    task1: Path | str | None = None,
    task2: Path | str | None = None,
    published: Path | str,
    csv: Path | str,
    md: Path | str,
    evidence: Part[EvidenceKind],
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Evaluate the paper's claims about its networks on this run and on the paper's own tables.

    See `studies.claims.claims_table`.

    Arguments:
        task1, task2: tables of all trials (`results`); claims about an omitted task are not tested.
        published: numbers that the papers print.
        csv, md: the claims, to write.
        evidence: what the data are; no verdict on the paper's claims by small simulations.

    Raises InputError without any table, or on bad ones.
    """
    trials = {task: path for task, path in (("task1", task1), ("task2", task2)) if path is not None}
    if not trials:
        raise InputError("no table of trials given: claims need at least one of task1 and task2")
    tables = {task: read_trials(path, task) for task, path in trials.items()}
    run, paper = run_evidence(tables), paper_evidence(published)
    facts = {task: _facts(tables[task], TASK_TITLES[task]) if task in tables else "" for task in TASK_TITLES}
    options = {"facts": facts, "evidence": evidence, "data_note": data_note}
    return claims_table(CLAIMS, run, paper, csv, md, **options)


def _facts(trials: pd.DataFrame, title: str) -> str:
    """One sentence on what was run of a task."""
    counts = trials.groupby(["architecture", "activation"])["kept"].agg(["sum", "size"])
    activations = " and ".join(ACTIVATIONS.get(name, name) for name in trials["activation"].unique())
    networks = trials.drop_duplicates("architecture")["baseline"].value_counts()
    run = ", ".join(f"{networks.get(name, 0)} of {name.upper()}" for name in (*LARGE, *SMALL))
    return (
        f"{title}: networks {run} (the paper: 6, 6 and 5), activations {activations}, "
        f"{spread(counts['sum'])} of {spread(counts['size'])} trials of each kept."
    )
