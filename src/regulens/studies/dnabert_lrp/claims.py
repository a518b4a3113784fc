"""The claims table of DNABERT and LRP: what the paper says, whether this run shows it, and what its numbers show."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.core.tables import decimal, interval, numbers, p_text, read_table
from regulens.interpret.scores import score_label
from regulens.studies.claims import (
    CONTROL,
    CRITERIA,
    Claim,
    NotTested,
    Rule,
    Verdict,
    clear,
    judge_all,
    signed,
    write_claims,
)
from regulens.studies.dnabert_lrp.paired_tests import COLUMNS as PAIRED_COLUMNS
from regulens.studies.dnabert_lrp.table1 import COLUMNS as TABLE1_COLUMNS
from regulens.studies.dnabert_lrp.tasks import PublishedAs, over_seeds, paper_task, published_values, spread
from regulens.studies.dnabert_lrp.truth import COLUMNS as TRUTH_COLUMNS

# What the claims about DNABERT and LRP are judged on: the tables of a run, or the numbers of the paper (002).

PROMOTERS, ENHANCERS = "promoters", "enhancers"

POSITIVE, NEGATIVE = "positive", "negative"

UNMUTATED, LRP_STAR, ATTENTION, RANDOM_SEQUENCE = "n=0", "LRP*", "attention", "n=all"
"""Columns of Table 1."""

PAPER_CLASSES = {
    (PROMOTERS, POSITIVE): "TATA",
    (PROMOTERS, NEGATIVE): "Non-TATA",
    (ENHANCERS, POSITIVE): "Enhancer",
    (ENHANCERS, NEGATIVE): "Non-enhancer",
}
"""What the paper calls the classes of its tasks (SPEC S21)."""

PAPER_N, PAPER_SEQUENCES = 20, 500
"""Mutated bases and sequences of a class behind a number of the paper's Table 1."""

Z = 1.959964
"""97.5 % point of the normal distribution."""

METRIC_COLUMNS = ["task", "task_label", "subset", "row", "metric", "value", "sd", "low", "high", "sequences"]

MOTIF_COLUMNS = ["task", "score", "rank", "motif", "instances", "target", "target_name", "tf_class", "q_value"]

FILTER_COLUMNS = ["task", "task_label", "split", "class", "kept"]


class LrpEvidence(NamedTuple):
    """Tables of a run, or of the paper, each with a column ``paper``: its task that a task repeats. Missing: empty."""

    accuracy: pd.DataFrame
    """``table1.csv``; score None for LRP* of the paper."""
    paired: pd.DataFrame
    """``paired_tests.csv`` over the seeds: difference, low, high, p_value (largest of the seeds)."""
    metrics: pd.DataFrame
    """``section51.csv``."""
    motifs: pd.DataFrame
    """``section53_<task>.csv`` of all tasks."""
    truth: pd.DataFrame
    """``truth.csv``."""
    filters: pd.DataFrame
    """``filters.csv`` of the tasks whose data come with a test set of their own."""
    n: int
    """Mutated bases of Table 1."""

    @property
    def printed(self) -> bool:
        """Whether these are the numbers of the paper."""
        return self.paired.empty


class Tables(NamedTuple):
    """Files of a run that claims are judged on."""

    table1: Path | str
    paired: Path | str
    section51: Path | str
    filters: Path | str
    section53: Sequence[Path | str]
    """A table for each task with motifs."""
    truth: Path | str | None
    """None: no task's sites are known."""


def of_run(tables: Tables, published_as: PublishedAs, n: int, given_splits: set[str]) -> LrpEvidence:
    """Evidence of a run.

    Arguments:
        tables: its tables.
        published_as: task to the paper's task that it repeats.
        n: mutated bases of Table 1.
        given_splits: tasks whose data come with a test set of their own.

    Raises InputError on bad tables.
    """

    def read(path, columns, numeric):
        table = read_table(path, columns)
        for name in numeric:
            table[name] = numbers(table[name], path)
        return table.assign(paper=[paper_task(published_as, task) for task in table["task"]])

    limits = ["low", "high"]
    accuracy = read(tables.table1, TABLE1_COLUMNS, ["n", "accuracy", *limits]).fillna({"column": ""})
    paired = read(tables.paired, PAIRED_COLUMNS, ["n", "difference", *limits, "p_value"])
    keys = ["paper", "class", "class_name", "score", "against", "n"]
    over = over_seeds(paired, keys, "difference", limits)
    p_values = paired.groupby(["task", *keys])["p_value"].max().reset_index()
    over = over.merge(p_values, how="left", on=["task", *keys])
    motifs = [read(path, MOTIF_COLUMNS, ["rank", "q_value"]) for path in tables.section53]
    filters = read(tables.filters, FILTER_COLUMNS, ["kept"])
    return LrpEvidence(
        accuracy,
        over,
        read(tables.section51, METRIC_COLUMNS, ["value", *limits]),
        pd.concat(motifs, ignore_index=True) if motifs else pd.DataFrame(columns=[*MOTIF_COLUMNS, "paper"]),
        read(tables.truth, TRUTH_COLUMNS, ["auroc", *limits]) if tables.truth else pd.DataFrame(columns=TRUTH_COLUMNS),
        filters[filters["task"].isin(given_splits)],
        n,
    )


def of_paper(published: Path | str) -> LrpEvidence:
    """Evidence of the paper: Table 1, with binomial intervals of its 500 sequences, Sections 5.1 and 5.3."""
    columns = {"n=0": UNMUTATED, f"LRP*,n={PAPER_N}": LRP_STAR, f"attention,n={PAPER_N}": ATTENTION}
    rows = []
    for (subject, condition), value in published_values(published, "table1", "accuracy").items():
        task, _, name = subject.rpartition("_")
        column = columns.get(condition, RANDOM_SEQUENCE)
        score = {UNMUTATED: "unmutated", ATTENTION: "attention", RANDOM_SEQUENCE: "random_sequence"}.get(column)
        half = Z * np.sqrt(value * (1 - value) / PAPER_SEQUENCES)
        numbers_ = (column, value, value - half, value + half, PAPER_SEQUENCES)
        rows.append(
            (task, task.capitalize(), task, name, PAPER_CLASSES.get((task, name), name), score, score, *numbers_)
        )
    names = ["task", "task_label", "paper", "class", "class_name", "score", "score_label", "column", "accuracy"]
    accuracy = pd.DataFrame(rows, columns=[*names, "low", "high", "sequences"])
    tests = published_values(published, "section5.1", "test_accuracy")
    metrics = pd.DataFrame(
        [(task, task, "all", "bert", "accuracy", value, np.nan, np.nan) for (task, _), value in tests.items()],
        columns=["task", "paper", "subset", "row", "metric", "value", "low", "high"],
    )
    none = pd.DataFrame()
    return LrpEvidence(accuracy, none, metrics, _published_motifs(published), none, none, PAPER_N)


def _published_motifs(published: Path | str) -> pd.DataFrame:
    table = read_table(published, ["study", "item", "subject", "metric", "condition", "value"])
    rows = table[(table["study"] == "dnabert_lrp") & (table["metric"] == "top_motif_class")]
    task = rows["condition"].str.removesuffix("_positive")
    motifs = {"task": task, "paper": task, "score": rows["subject"], "rank": 1, "tf_class": rows["value"]}
    return pd.DataFrame(motifs).assign(target="not published", target_name="factor not named", q_value=np.nan)


def of_task(table: pd.DataFrame, task: str) -> pd.DataFrame:
    """Rows of the first task that repeats the paper's task. Raises `NotTested` when there is none."""
    rows = table[table["paper"] == task] if len(table) else table
    if rows.empty:
        raise NotTested(f"no task of the run repeats the paper's {task}")
    return rows[rows["task"] == rows["task"].iloc[0]]


def classes(evidence: LrpEvidence) -> list[tuple[str, str]]:
    """Task and class of every row of Table 1."""
    return list(dict.fromkeys(zip(evidence.accuracy["task"], evidence.accuracy["class"], strict=True)))


def tasks(evidence: LrpEvidence) -> dict[str, str]:
    """Task to its label, of Table 1."""
    return dict(evidence.accuracy.drop_duplicates("task")[["task", "task_label"]].itertuples(index=False, name=None))


def cell(table: pd.DataFrame, name: str, column: str) -> pd.Series:
    """A cell of Table 1: accuracy, low, high, of one task's rows, by class and column. Raises `NotTested`."""
    rows = table[(table["class"] == name) & (table["column"] == column)]
    if rows.empty:
        raise NotTested(f"Table 1 has no {column} of the {name} class")
    return rows.iloc[0]


class Difference(NamedTuple):
    """A difference of independent accuracies with its 95 % interval."""

    value: float
    low: float
    high: float


def independent(plus: list[pd.Series], minus: list[pd.Series]) -> Difference:
    """Sum of cells less sum of others, which rest on different sequences; normal interval from those of the cells."""
    value = sum(cell["accuracy"] for cell in plus) - sum(cell["accuracy"] for cell in minus)
    half = Z * np.sqrt(sum(((cell["high"] - cell["low"]) / (2 * Z)) ** 2 for cell in [*plus, *minus]))
    return Difference(value, value - half, value + half)


# Criteria on test accuracy, Table 1 and random sequences, by which claims about DNABERT and LRP are judged. Every
# function makes a `claims.Rule` of the evidence of `lrp_evidence`.

DROP = (UNMUTATED, RANDOM_SEQUENCE)
"""Columns of Table 1 between which a class loses its accuracy."""

EQUAL = 1e-9
"""Accuracies that differ by less are the same number of sequences."""


def with_limits(value: float, low: float, high: float, show=decimal) -> str:
    """'0.859 [0.839, 0.878]'; without limits the number alone."""
    return show(value) + (f" {interval(low, high)}" if pd.notna(low) and pd.notna(high) else "")


def _signed(found: Difference) -> str:
    return with_limits(*found, show=signed)


def _cell(row: pd.Series) -> str:
    return with_limits(row["accuracy"], row["low"], row["high"])


def reaches(task: str, accuracy: float) -> Rule:
    """The test accuracy, or the upper limit of its interval where it has one, is at least the paper's, as rounded."""

    def rule(evidence: LrpEvidence) -> Verdict:
        rows = of_task(evidence.metrics, task)
        rows = rows[(rows["subset"] == "all") & (rows["row"] == "bert") & (rows["metric"] == "accuracy")]
        if rows.empty:
            raise NotTested(f"no accuracy of the whole test set of {task}")
        row = rows.iloc[0]
        top = row["high"] if pd.notna(row["high"]) else row["value"]
        return Verdict(bool(top >= accuracy - 0.005), f"accuracy {with_limits(row['value'], row['low'], row['high'])}")

    return rule


def _drop(table: pd.DataFrame, name: str) -> Difference:
    """Accuracy unmutated less accuracy on random sequences."""
    return independent([cell(table, name, UNMUTATED)], [cell(table, name, RANDOM_SEQUENCE)])


def drops_on_random(task: str) -> Rule:
    """The accuracy of the positive class on random sequences is below that on its own, by more than chance."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = of_task(evidence.accuracy, task)
        found = _drop(table, POSITIVE)
        text = f"{_cell(cell(table, POSITIVE, UNMUTATED))} to {_cell(cell(table, POSITIVE, RANDOM_SEQUENCE))}"
        return Verdict(clear(found.low), f"accuracy {text}, difference {_signed(found)}")

    return rule


def positive_drops_more(task: str) -> Rule:
    """The accuracy that random sequences cost is larger in the positive class, by more than chance."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = of_task(evidence.accuracy, task)
        before, after = ([cell(table, name, column) for name in (POSITIVE, NEGATIVE)] for column in DROP)
        excess = independent([before[0], after[1]], [after[0], before[1]])
        text = f"positive {_signed(_drop(table, POSITIVE))}, negative {_signed(_drop(table, NEGATIVE))}"
        return Verdict(clear(excess.low), f"drop of the accuracy: {text}; difference {_signed(excess)}")

    return rule


def random_is_negative() -> Rule:
    """In every task random sequences are called negative by more than half."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for task, label in tasks(evidence).items():
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            positive, negative = (cell(table, name, RANDOM_SEQUENCE) for name in (POSITIVE, NEGATIVE))
            holds &= positive["high"] < 0.5 < negative["low"]
            parts.append(f"{label}: positive {_cell(positive)}, negative {_cell(negative)}")
        return Verdict(bool(holds), "accuracy on random sequences, " + "; ".join(parts))

    return rule


def random_sums_to_one() -> Rule:
    """In every task the accuracies of both classes on random sequences add up to 1 within their interval."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for task, label in tasks(evidence).items():
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            found = independent([cell(table, name, RANDOM_SEQUENCE) for name in (POSITIVE, NEGATIVE)], [])
            holds &= found.low <= 1 <= found.high
            parts.append(f"{label} {with_limits(*found)}")
        return Verdict(bool(holds), f"sum {', '.join(parts)}")

    return rule


def above_random_sequences() -> Rule:
    """In every class the accuracy after mutation by LRP* is above that on random sequences, by more than chance."""

    def rule(evidence: LrpEvidence) -> Verdict:
        found = {}
        for task, name in classes(evidence):
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            mutated = cell(table, name, LRP_STAR)
            found[mutated["class_name"]] = independent([mutated], [cell(table, name, RANDOM_SEQUENCE)])
        text = ", ".join(f"{name} {_signed(gap)}" for name, gap in found.items())
        return Verdict(all(clear(gap.low) for gap in found.values()), f"accuracy by LRP* less random sequences: {text}")

    return rule


def paired_row(evidence: LrpEvidence, task: str, name: str, score: str, against: str, n: int) -> pd.Series:
    """Difference of two scores on the same sequences. Raises `NotTested`."""
    table = evidence.paired
    if evidence.printed:
        raise NotTested("outcomes of the same sequences are not published")
    rows = table[(table["task"] == task) & (table["class"] == name) & (table["n"] == n)]
    rows = rows[(rows["score"] == score) & (rows["against"] == against)]
    if rows.empty:
        raise NotTested(f"no paired test of {score_label(score)} against {against} at n = {n}")
    return rows.iloc[0]


def _less_attention(evidence: LrpEvidence, table: pd.DataFrame, name: str) -> tuple[float, str]:
    """Accuracy by LRP* less accuracy by attention in one class, and both in words."""
    star, attention = cell(table, name, LRP_STAR), cell(table, name, ATTENTION)
    gap = star["accuracy"] - attention["accuracy"]
    which = f" ({score_label(star['score'])})" if pd.notna(star["score"]) else ""
    text = f"LRP*{which} {decimal(star['accuracy'])}, attention {decimal(attention['accuracy'])}, difference "
    if evidence.printed:
        text += f"{signed(gap)}, {abs(gap) * star['sequences']:.0f} of {star['sequences']} sequences in one draw"
    else:
        test = paired_row(evidence, star["task"], name, star["score"], "attention", evidence.n)
        text += with_limits(gap, test["low"], test["high"], show=signed)
        text += f" on the same sequences, p {p_text(test['p_value'])}"
    return gap, text


def lrp_below_attention(task: str, name: str) -> Rule:
    """In one class the accuracy after mutation by LRP* is below that by attention."""

    def rule(evidence: LrpEvidence) -> Verdict:
        gap, text = _less_attention(evidence, of_task(evidence.accuracy, task), name)
        return Verdict(bool(gap < -EQUAL), text)

    return rule


def lrp_surely_below_attention() -> Rule:
    """In every class the paired interval of the difference, LRP* less attention, lies below 0."""

    def rule(evidence: LrpEvidence) -> Verdict:
        found, parts = [], []
        for task, name in classes(evidence):
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            star, p = cell(table, name, LRP_STAR), ""
            if evidence.printed:
                found.append(independent([star], [cell(table, name, ATTENTION)]))
            else:
                test = paired_row(evidence, task, name, star["score"], "attention", evidence.n)
                found.append(Difference(test["difference"], test["low"], test["high"]))
                p = f" (p {p_text(test['p_value'])})"
            parts.append(f"{star['class_name']} {_signed(found[-1])}{p}")
        below, text = sum(clear(-gap.high) for gap in found), ", ".join(parts)
        if evidence.printed:
            raise NotTested(
                "outcomes of the same sequences are not published; taken as independent, the interval lies below 0 in "
                f"{below} of {len(found)} classes: {text}"
            )
        return Verdict(below == len(found), f"below 0 in {below} of {len(found)} classes: {text}")

    return rule


def lrp_closer_to_random() -> Rule:
    """In every class the accuracy by LRP* is closer to that on random sequences than the accuracy by attention is."""

    def rule(evidence: LrpEvidence) -> Verdict:
        closer, parts = [], []
        for task, name in classes(evidence):
            table = evidence.accuracy[evidence.accuracy["task"] == task]
            goal = cell(table, name, RANDOM_SEQUENCE)["accuracy"]
            star, attention = (abs(cell(table, name, column)["accuracy"] - goal) for column in (LRP_STAR, ATTENTION))
            closer.append(star < attention - EQUAL)
            parts.append(f"{cell(table, name, LRP_STAR)['class_name']} {decimal(star)} against {decimal(attention)}")
        return Verdict(all(closer), f"closer in {sum(closer)} of {len(closer)} classes; distance {', '.join(parts)}")

    return rule


# Criteria on motifs, known sites, the classifier and its data, by which claims about DNABERT and LRP are judged.
# Every function makes a `claims.Rule` of the evidence of `lrp_evidence`.

AUROC = ["auroc", "low", "high"]


def _top(evidence: LrpEvidence, task: str) -> dict[str, pd.Series]:
    """Top motif of every score of the paper's Section 5.3."""
    rows = of_task(evidence.motifs, task).sort_values("rank", kind="stable").drop_duplicates("score")
    return {row["score"]: row for _, row in rows.iterrows()}


def _matched(row: pd.Series) -> bool:
    return isinstance(row["target"], str) and bool(row["target"])


def _motif(row: pd.Series) -> str:
    if not _matched(row):
        return "no motif that matches a factor"
    q = f", q {row['q_value']:.1g}" if np.isfinite(row["q_value"]) else ""
    return f"{row['tf_class']} ({row['target_name']}{q})"


def top_class(task: str, score: str, tf_class: str) -> Rule:
    """The top motif of a score matches a factor of this class (of a dimer, either partner counts)."""

    def rule(evidence: LrpEvidence) -> Verdict:
        top = _top(evidence, task)
        if score not in top:
            raise NotTested(f"motifs of {score_label(score)} were not sought")
        found = top[score]
        holds = _matched(found) and tf_class in str(found["tf_class"]).split("::")
        return Verdict(holds, f"top motif of {score_label(score)}: {_motif(found)}")

    return rule


def classes_differ(task: str, scores: Sequence[str]) -> Rule:
    """The top motifs of these scores match factors of different classes."""

    def rule(evidence: LrpEvidence) -> Verdict:
        top = _top(evidence, task)
        if missing := [score for score in scores if score not in top or not _matched(top[score])]:
            raise NotTested(f"no motif of {score_label(missing[0])} that matches a factor")
        text = ", ".join(f"{score_label(score)} {_motif(top[score])}" for score in scores)
        return Verdict(len({top[score]["tf_class"] for score in scores}) == len(scores), text)

    return rule


def motifs_found(task: str, scores: Sequence[str]) -> Rule:
    """Each of these scores has a motif that matches a factor."""

    def rule(evidence: LrpEvidence) -> Verdict:
        top = _top(evidence, task)
        if missing := [score for score in scores if score not in top]:
            raise NotTested(f"motifs of {score_label(missing[0])} were not sought")
        text = ", ".join(f"{score_label(score)} {_motif(top[score])}" for score in scores)
        return Verdict(all(_matched(top[score]) for score in scores), text)

    return rule


def above_random_sites(scores: Sequence[str]) -> Rule:
    """In every task with known sites the AUROC of each of these scores is above the band of random scores."""

    def rule(evidence: LrpEvidence) -> Verdict:
        rows = _truth(evidence)
        rows = rows[rows["score"].isin(scores)]
        if rows.empty:
            raise NotTested(f"{', '.join(map(score_label, scores))} was not computed")
        below = rows[rows["above_random"] != "yes"]
        text = f"{len(rows) - len(below)} of {len(rows)} above random; AUROC {_aurocs(rows)}"
        return Verdict(below.empty, text)

    return rule


def _truth(evidence: LrpEvidence) -> pd.DataFrame:
    if evidence.truth.empty:
        raise NotTested("no motif sites are known")
    return evidence.truth


def _aurocs(rows: pd.DataFrame) -> str:
    parts = []
    for label, part in rows.groupby("task_label", sort=False):
        values = ", ".join(f"{score_label(row.score)} {decimal(row.auroc)}" for row in part.itertuples())
        parts.append(f"{label}: {values}")
    return "; ".join(parts)


def lrp_finds_sites_better() -> Rule:
    """In every task with known sites the better of LRP and LRP_last is above attention, intervals apart."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for label, part in _truth(evidence).groupby("task_label", sort=False):
            lrp = part[part["score"].isin(["lrp", "lrp_last"])].sort_values("auroc", ascending=False)
            attention = part[part["score"] == "attention"]
            if lrp.empty or attention.empty:
                raise NotTested("LRP and attention are needed")
            first, second = lrp.iloc[0], attention.iloc[0]
            holds &= bool(first["low"] > second["high"])
            both = (f"{score_label(row['score'])} {with_limits(*row[AUROC])}" for row in (first, second))
            parts.append(f"{label}: {', '.join(both)}")
        return Verdict(bool(holds), f"AUROC {'; '.join(parts)}")

    return rule


def above_regression(subset: str) -> Rule:
    """In every task the network's test accuracy is above that of the k-mer regression, with its paired interval."""

    def rule(evidence: LrpEvidence) -> Verdict:
        if evidence.printed:
            raise NotTested("the paper has no k-mer regression")
        rows = evidence.metrics[(evidence.metrics["metric"] == "accuracy") & (evidence.metrics["subset"] == subset)]
        rows = rows[rows["row"] == "bert_minus_logistic_regression"]
        if rows.empty:
            raise NotTested("no test sequence overlaps training sequences: there is no such part of a test set")
        text = ", ".join(
            f"{row.task_label} {with_limits(row.value, row.low, row.high, show=signed)}" for row in rows.itertuples()
        )
        return Verdict(bool(rows["low"].map(clear).all()), f"difference in accuracy: {text}")

    return rule


def _counts(evidence: LrpEvidence) -> pd.DataFrame:
    if evidence.printed:
        raise NotTested("the paper gives no counts")
    if evidence.filters.empty:
        raise NotTested("no task is read from data with a test set of their own (route coordinates)")
    return evidence.filters


def share_of_test(low: float, high: float) -> Rule:
    """In every task whose data come with a test set, its share of all sequences is between two limits."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = _counts(evidence)
        total = table.groupby("task_label", sort=False)["kept"].sum()
        share = table[table["split"] == "test"].groupby("task_label", sort=False)["kept"].sum() / total
        text = ", ".join(f"{label} {100 * value:.1f} % of {total[label]:,.0f}" for label, value in share.items())
        return Verdict(bool(share.between(low, high).all()), f"test sequences: {text}")

    return rule


def balanced(low: float, high: float) -> Rule:
    """In every task whose data come with a test set, the positive share of that set is between two limits."""

    def rule(evidence: LrpEvidence) -> Verdict:
        table = _counts(evidence)
        kept = table[table["split"] == "test"].groupby(["task_label", "class"], sort=False)["kept"].sum().unstack()
        share = kept["positive"] / kept.sum(axis=1)
        text = ", ".join(f"{label} {100 * value:.1f} %" for label, value in share.items())
        return Verdict(bool(share.between(low, high).all()), f"positive share of the test sequences: {text}")

    return rule


# Criteria on single scores: which costs most accuracy, and which is better than random positions (002 Figure 1).
# Every function makes a `claims.Rule` of the evidence of `lrp_evidence`.

LRP_SCORES = ("lrp", "lrp_last", "full_lrp")

PAPER_SCORES = (*LRP_SCORES, "rollout", "gradcam", "attention")
"""Scores of the paper's Figure 1; others of a run do not count."""


def _ranking(evidence: LrpEvidence, table: pd.DataFrame) -> pd.DataFrame:
    """The paper's scores in the positive class at Table 1's n, lowest accuracy first."""
    rows = table[(table["class"] == POSITIVE) & table["score"].isin(PAPER_SCORES)]
    if evidence.printed:
        raise NotTested("the curves are drawn, and the table has attention and one LRP score only")
    if missing := [name for name in PAPER_SCORES if name not in set(rows["score"])]:
        raise NotTested(f"{score_label(missing[0])} was not computed")
    return rows.sort_values("accuracy", kind="stable")


def _said(rows: pd.DataFrame) -> str:
    return ", ".join(
        f"{score_label(row.score)} {with_limits(row.accuracy, row.low, row.high)}" for row in rows.itertuples()
    )


def _lowest_are(rows: pd.DataFrame, names: Sequence[str]) -> bool:
    """These scores, and no other, have the lowest accuracies."""
    inside = rows["score"].isin(names)
    return bool(rows.loc[inside, "accuracy"].max() < rows.loc[~inside, "accuracy"].min() - EQUAL)


def lowest_are(task: str, *names: str) -> Rule:
    """In the positive class of a task the lowest accuracies at n are those of these scores."""

    def rule(evidence: LrpEvidence) -> Verdict:
        rows = _ranking(evidence, of_task(evidence.accuracy, task))
        return Verdict(_lowest_are(rows, names), f"accuracy at n = {evidence.n}: {_said(rows)}")

    return rule


def some_lowest(names: Sequence[str]) -> Rule:
    """In the positive class of every task one of these scores has the lowest accuracy at n, shared by no other."""

    def rule(evidence: LrpEvidence) -> Verdict:
        holds, parts = True, []
        for task, label in tasks(evidence).items():
            rows = _ranking(evidence, evidence.accuracy[evidence.accuracy["task"] == task])
            best = rows[rows["score"].isin(names)].iloc[0]
            rest = rows[~rows["score"].isin(names)]
            holds &= bool(best["accuracy"] < rest["accuracy"].min() - EQUAL)
            parts.append(f"{label}: {_said(best.to_frame().T)}, best other {_said(rest.head(1))}")
        return Verdict(bool(holds), f"accuracy at n = {evidence.n}, " + "; ".join(parts))

    return rule


def _against_random(evidence: LrpEvidence, task: str, score: str) -> pd.DataFrame:
    """Difference to random positions at every n, positive class."""
    if evidence.printed:
        raise NotTested("the curves are drawn, not printed")
    table = evidence.paired
    rows = table[(table["task"] == task) & (table["class"] == POSITIVE) & (table["against"] == "random")]
    rows = rows[rows["score"] == score].sort_values("n")
    if rows.empty:
        raise NotTested(f"no paired test of {score_label(score)} against random positions")
    return rows


def _below(rows: pd.DataFrame) -> pd.Series:
    """Where the interval of the difference lies below 0."""
    return (-rows["high"]).map(clear)


def _beaten(rows: pd.DataFrame) -> str:
    below = _below(rows)
    every, at = (", ".join(f"{n:.0f}" for n in counts) for counts in (rows["n"], rows.loc[below, "n"]))
    if below.all():
        return f"below random at every n ({every})"
    return f"below random at n = {at} of {every}" if at else f"below random at no n ({every})"


def beat_random(task: str, *names: str) -> Rule:
    """In the positive class each of these scores is below random positions at every n, with its interval."""

    def rule(evidence: LrpEvidence) -> Verdict:
        name = _task_name(evidence, task)
        found = {score: _against_random(evidence, name, score) for score in names}
        parts = []
        for score, rows in found.items():
            last = rows.iloc[-1]
            gap = with_limits(last["difference"], last["low"], last["high"], show=signed)
            parts.append(f"{score_label(score)} {_beaten(rows)}; at n = {last['n']:.0f} {gap}")
        return Verdict(all(_below(rows).all() for rows in found.values()), "; ".join(parts))

    return rule


def _task_name(evidence: LrpEvidence, task: str) -> str:
    if evidence.printed:
        raise NotTested("the curves are drawn, not printed")
    return str(of_task(evidence.paired, task)["task"].iloc[0])


def no_other_beats_random(task: str, name: str) -> Rule:
    """In the positive class every other score of the paper fails to be below random positions at some n."""

    def rule(evidence: LrpEvidence) -> Verdict:
        of = _task_name(evidence, task)
        found = {score: _against_random(evidence, of, score) for score in PAPER_SCORES if score != name}
        always = [score_label(score) for score, rows in found.items() if _below(rows).all()]
        text = f"{len(always)} of {len(found)} other scores are below random at every n"
        return Verdict(not always, text + (f": {', '.join(always)}" if always else ""))

    return rule


def attention_not_below_random(task: str) -> Rule:
    """In the positive class attention at Table 1's n is not below random positions: the interval reaches 0."""

    def rule(evidence: LrpEvidence) -> Verdict:
        row = paired_row(evidence, _task_name(evidence, task), POSITIVE, "attention", "random", evidence.n)
        gap = with_limits(row["difference"], row["low"], row["high"], show=signed)
        return Verdict(not clear(-row["high"]), f"attention less random positions {gap}, p {p_text(row['p_value'])}")

    return rule


def attention_unreliable() -> Rule:
    """In the positive class of some task attention is not below random positions at some n."""

    def rule(evidence: LrpEvidence) -> Verdict:
        found = {label: _against_random(evidence, task, "attention") for task, label in tasks(evidence).items()}
        text = "; ".join(f"{label}: {_beaten(rows)}" for label, rows in found.items())
        return Verdict(not all(_below(rows).all() for rows in found.values()), text)

    return rule


# Claims about DNABERT and LRP (002) that are ours, not the paper's: checks of classifier, mutations and scores.

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


# What the paper on DNABERT and LRP (002) says of its results, in our words, each with a criterion stated for it.
# Its "TATA" is the positive class of the promoters, its "non-TATA" the negative one (SPEC S21). Where a word such
# as "roughly" needs a threshold, it is chosen here, said in the criterion, and applied to the paper's own numbers
# wherever they suffice.

DATA, ACCURACY, TABLE, MUTAGENESIS = "Section 3", "Section 5.1", "Section 5.1, Table 1", "Section 5.2, Table 1"

FIGURE, MOTIFS = "Section 5.2, Figure 1", "Section 5.3"

NAMES = {
    (PROMOTERS, POSITIVE): "promoters (the paper's TATA)",
    (PROMOTERS, NEGATIVE): "non-promoters (the paper's non-TATA)",
    (ENHANCERS, POSITIVE): "enhancers",
    (ENHANCERS, NEGATIVE): "non-enhancers",
}

TOP_CLASSES = {
    "attention": "Other C4 zinc finger-type factors",
    "lrp_last": "C2H2 zinc finger factors",
    "lrp": "Homeo domain factors",
}

_SINGLE = {PROMOTERS: "promoter", ENHANCERS: "enhancer"}


def _accuracy(task: str, value: float) -> Claim:
    sentence = f"The fine-tuned model classifies {value:.0%} of the {_SINGLE[task]} task's test set correctly."
    criterion = (
        f"Its test accuracy, or the upper limit of the 95 % interval where there is one, is {value:.2f} or more "
    )
    criterion += "after rounding to two digits."
    return Claim(f"{task}_accuracy", ACCURACY, sentence.replace("%", " %"), criterion, reaches(task, value))


def _learned(task: str) -> list[Claim]:
    one, more = _SINGLE[task], NAMES[task, POSITIVE]
    return [
        Claim(
            f"{task}_drop_on_random",
            TABLE,
            f"The {one} model loses much accuracy on random sequences labelled {more}: it has learned the class.",
            "Accuracy of the positive class on its test sequences less that on random ones: the 95 % interval of the "
            "difference is above 0.",
            drops_on_random(task),
        ),
        Claim(
            f"{task}_positive_learned_better",
            TABLE,
            f"The {one} model has learned {more} better than {NAMES[task, NEGATIVE]}.",
            "The accuracy that random sequences cost is larger in the positive than in the negative class: the 95 % "
            "interval of the difference is above 0.",
            positive_drops_more(task),
        ),
    ]


def _below_attention(task: str, name: str) -> Claim:
    sentence = (
        f"Mutating what LRP or LRP_last names costs more accuracy than what attention names: {NAMES[task, name]}."
    )
    criterion = "Accuracy at n = 20 after mutation by LRP*, the better of LRP and LRP_last, is below that by attention."
    return Claim(
        f"{task}_{name}_lrp_below_attention", MUTAGENESIS, sentence, criterion, lrp_below_attention(task, name)
    )


def _lowest(name: str, task: str, sentence: str, scores: tuple[str, ...], where: str = FIGURE) -> Claim:
    labels = ", ".join(map(score_label, scores))
    criterion = f"Of the paper's six scores {labels} {'has' if len(scores) == 1 else 'have'} the lowest accuracy at "
    criterion += f"n = 20, {NAMES[task, POSITIVE]}."
    return Claim(name, where, sentence, criterion, lowest_are(task, *scores))


def _top_class(score: str, tf_class: str) -> Claim:
    label = score_label(score).replace("Attention", "attention")
    sentence = f"In promoters the top motif found by {label} matches {tf_class}."
    criterion = "The motif with the lowest q-value matches a factor of this class; of a dimer either partner counts."
    return Claim(f"{score}_top_motif", MOTIFS, sentence, criterion, top_class(PROMOTERS, score, tf_class))


CLAIMS = [
    Claim(
        "test_share",
        DATA,
        "About 30 % of all sequences are test sequences.",
        "In every task whose data come with a test set, 25 to 35 % of the sequences kept are in it.",
        share_of_test(0.25, 0.35),
    ),
    Claim(
        "balanced",
        DATA,
        "The test sets are relatively balanced.",
        "In every task whose data come with a test set, 40 to 60 % of its sequences are positive.",
        balanced(0.4, 0.6),
    ),
    _accuracy(PROMOTERS, 0.93),
    _accuracy(ENHANCERS, 0.86),
    *_learned(PROMOTERS),
    *_learned(ENHANCERS),
    Claim(
        "only_positive_learned",
        ACCURACY,
        "The models learn the positive class only: what has no pattern is negative.",
        "In every task the accuracy on random sequences is below 0.5 where they count as positive and above 0.5 where "
        "they count as negative, and so are the 95 % intervals.",
        random_is_negative(),
    ),
    *(_below_attention(task, name) for task, name in NAMES),
    Claim(
        "lrp_surely_below_attention",
        MUTAGENESIS,
        "LRP and LRP_last outperform attention in all cases.",
        "In every class the accuracy by LRP* is below that by attention at n = 20, and the 95 % interval of the "
        "difference, from the same sequences, excludes 0. LRP* is chosen on these sequences, which favours it.",
        lrp_surely_below_attention(),
    ),
    Claim(
        "lrp_closer_to_random",
        MUTAGENESIS,
        "In all cases LRP or LRP_last bring the model closer to its accuracy on random sequences than attention does.",
        "In every class the accuracy at n = 20 by LRP* differs less from that on random sequences than the accuracy by "
        "attention.",
        lrp_closer_to_random(),
    ),
    Claim(
        "lrp_best_score",
        "Abstract; Section 5.2",
        "LRP and LRP_last outperform all other scores at 20 mutations.",
        "In the positive class of every task LRP or LRP_last has the lowest accuracy of the paper's six scores at "
        "n = 20, and no other score the same.",
        some_lowest(["lrp", "lrp_last"]),
    ),
    _lowest("promoters_lrp_best", PROMOTERS, "In promoters LRP costs the most accuracy.", ("lrp",)),
    _lowest(
        "promoters_next_best",
        PROMOTERS,
        "In promoters GradCAM and LRP_last come next after LRP.",
        ("lrp", "gradcam", "lrp_last"),
        "Figure 1, caption",
    ),
    _lowest("enhancers_lrp_last_best", ENHANCERS, "In enhancers LRP_last costs the most accuracy.", ("lrp_last",)),
    _lowest(
        "enhancers_next_best",
        ENHANCERS,
        "In enhancers LRP and attention are just behind LRP_last.",
        ("lrp_last", "lrp", "attention"),
    ),
    Claim(
        "promoters_lrp_above_random",
        FIGURE,
        "In promoters LRP is outside of the 95 % interval of random mutations throughout.",
        "At every n the accuracy by LRP is below that by random positions, and the 95 % interval of the difference, "
        "from the same sequences, excludes 0.",
        beat_random(PROMOTERS, "lrp"),
    ),
    Claim(
        "promoters_no_other_above_random",
        FIGURE,
        "In promoters no other score is outside of that interval throughout.",
        "For each of the paper's five other scores, at one n at least, the 95 % interval of that difference reaches 0.",
        no_other_beats_random(PROMOTERS, "lrp"),
    ),
    Claim(
        "promoters_attention_random",
        "Figure 1, caption",
        "In promoters attention is no better than random positions.",
        "The 95 % interval of the difference in accuracy at n = 20, attention less random positions, is not below 0.",
        attention_not_below_random(PROMOTERS),
    ),
    Claim(
        "attention_unreliable",
        "Abstract",
        "Attention cannot reliably outperform random positions.",
        "In the positive class of some task, at some n, the 95 % interval of the difference in accuracy, attention "
        "less random positions, is not below 0.",
        attention_unreliable(),
    ),
    Claim(
        "enhancers_above_random",
        "Figure 1, caption",
        "In enhancers LRP_last, LRP and attention capture what the model uses.",
        "At every n each of the three is below random positions, and the 95 % interval of the difference excludes 0.",
        beat_random(ENHANCERS, "lrp_last", "lrp", "attention"),
    ),
    *(_top_class(score, name) for score, name in TOP_CLASSES.items()),
    Claim(
        "top_motifs_differ",
        MOTIFS,
        "The three scores name different motifs.",
        "In promoters their top motifs match factors of three different classes.",
        classes_differ(PROMOTERS, list(TOP_CLASSES)),
    ),
    Claim(
        "motifs_found",
        MOTIFS,
        "Regions with high scores yield known motifs.",
        "In promoters each of the three scores has a motif that matches a factor of JASPAR at the configured q-value.",
        motifs_found(PROMOTERS, list(TOP_CLASSES)),
    ),
    Claim(
        "not_converged",
        "Conclusion",
        "20 mutations do not bring the accuracy down to that on random sequences: information is distributed.",
        "In every class the accuracy at n = 20 by LRP* is above that on random sequences, and the 95 % interval of the "
        "difference excludes 0.",
        above_random_sequences(),
    ),
    *CONTROLS,
]


def claims_table(
    tables: Tables,
    published: Path | str,
    csv: Path | str,
    markdown: Path | str,
    *,
    n: int,
    published_as: PublishedAs,
    given_splits: Collection[str] = (),
    data_note: str | None = None,
) -> pd.DataFrame:
    """Judge every claim on this run and on the numbers that the paper prints; write CSV and Markdown.

    Arguments:
        tables: tables of the run.
        published: ``config/published.csv``.
        csv, markdown: output paths.
        n: mutated bases of Table 1.
        published_as: task to the paper's task that it repeats; claims about one task are judged on the first that does.
        given_splits: tasks whose data come with a test set of their own.
        data_note: one sentence on the data and the model.

    Returns the claims, columns ``claims.COLUMNS``. Raises InputError on bad files.
    """
    run = of_run(tables, published_as, n, set(given_splits))
    table = judge_all(CLAIMS, run, of_paper(published))
    write_claims(table, csv, markdown, _notes(run, data_note))
    return table


def _notes(run: LrpEvidence, data_note: str | None) -> list[str]:
    """Sentences under the verdicts, each true of this run."""
    repeats = run.accuracy.drop_duplicates("task").set_index("task")["paper"]
    shown = [
        f"{label} (the paper's {repeats[task]})" if repeats[task] else f"{label} (not in the paper)"
        for task, label in tasks(run).items()
    ]
    seeds = spread(run.accuracy["seeds"])
    other_n = "" if run.n == PAPER_N else f" Where the criteria say n = {PAPER_N}, n is {run.n} here."
    lines = [
        CRITERIA,
        "The paper's TATA class is the positive class of the promoters, its non-TATA class the negative one: its data "
        "set has non-TATA promoters and non-promoters.",
        f"Tasks: {', '.join(shown)}; {seeds} seed{'s' * (seeds != '1')}, {spread(run.accuracy['sequences'])} sequences "
        f"of a class mutated.{other_n}",
        "95 % intervals: bootstrap over the sequences; where scores are compared, on the same sequences; between "
        "classes, and against random sequences, from the intervals of both. An interval excludes 0 where it does as "
        "printed. p: exact McNemar test, the largest of the seeds. No correction for the number of comparisons. "
        "Intervals of the paper's table are binomial, of its 500 sequences and one draw.",
    ]
    return [*lines, data_note] if data_note else lines
