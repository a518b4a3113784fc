"""Claims of DNABERT-LRP, and their evidence: the numbers of a run or of the paper."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.runs import EvidenceKind
from regulens.core.tables import numbers, p_text, read_table, spread
from regulens.interpret.scores import score_label
from regulens.studies.claims import Estimate, Group, NotTested, claims_table, load_claims
from regulens.studies.dnabert_lrp.paired_tests import COLUMNS as PAIRED_COLUMNS
from regulens.studies.dnabert_lrp.table1 import COLUMNS as TABLE1_COLUMNS
from regulens.studies.dnabert_lrp.tasks import PublishedAs, over_seeds, paper_task, published_values, tasks_of
from regulens.studies.dnabert_lrp.truth import COLUMNS as TRUTH_COLUMNS

POSITIVE, NEGATIVE = "positive", "negative"
UNMUTATED, LRP_STAR, ATTENTION, RANDOM_SEQUENCE = "n=0", "LRP*", "attention", "n=all"
"""Columns of Table 1."""
DROP = (UNMUTATED, RANDOM_SEQUENCE)
"""Table 1 columns between which the accuracy of a class drops."""
PAPER_CLASSES = {
    ("promoters", POSITIVE): "TATA",
    ("promoters", NEGATIVE): "Non-TATA",
    ("enhancers", POSITIVE): "Enhancer",
    ("enhancers", NEGATIVE): "Non-enhancer",
}
"""Names of the classes in the paper, by task (docs/papers.md, "promoter-classes")."""
PAPER_N, PAPER_SEQUENCES = 20, 500
"""Numbers of mutated bases and of sequences per class in the paper's Table 1."""
PAPER_SCORES = ("lrp", "lrp_last", "full_lrp", "rollout", "gradcam", "attention")
"""Scores of the paper's Figure 1; further scores of a run are ignored."""
Z = 1.959964
"""97.5 % point of the normal distribution."""
METRIC_COLUMNS = ["task", "task_label", "subset", "row", "metric", "value", "sd", "low", "high", "sequences"]
MOTIF_COLUMNS = ["task", "score", "rank", "motif", "instances", "target", "target_name", "tf_class", "q_value"]
FILTER_COLUMNS = ["task", "task_label", "split", "class", "kept"]


class Tables(NamedTuple):
    """Files of a run that the claims need."""

    table1: Path | str
    paired_tests: Path | str
    section51: Path | str
    filters: Path | str
    section53: Sequence[Path | str]
    """A table for each task with motifs."""
    truth: Path | str | None
    """None: no task has known sites."""


class Evidence(NamedTuple):
    """Tables of a run or of the paper, empty if missing; column ``paper``: the paper's task that a task reproduces.

    Public methods are the ``values`` of ``claims.yaml``; their argument ``task`` is a task of the paper. Accuracies of
    different classes, and on random sequences, are independent; scores are compared on the same sequences.
    """

    accuracy: pd.DataFrame
    """``table1.csv``; for the paper's LRP* the score is None."""
    paired: pd.DataFrame
    """``paired_tests.csv`` over the seeds: difference, low, high, p_value (largest of the seeds)."""
    metrics: pd.DataFrame
    """``section51.csv``."""
    motifs: pd.DataFrame
    """``section53_<task>.csv`` of all tasks."""
    truth: pd.DataFrame
    """``truth.csv``."""
    filters: pd.DataFrame
    """``filters.csv`` of the tasks whose data come with a test set."""
    n: int
    """Mutated bases of Table 1."""

    def share_of_test(self) -> dict:
        """Share of test sequences in each task whose data come with a test set."""
        table = self._filters()
        total = table.groupby("task_label", sort=False)["kept"].sum()
        share = table[table["split"] == "test"].groupby("task_label", sort=False)["kept"].sum() / total
        shown = (f"{label} {100 * value:.1f} % of {total[label]:,.0f}" for label, value in share.items())
        return {"values": Group.of(share), "text": ", ".join(shown)}

    def positive_share_of_test(self) -> dict:
        """Share of positive sequences in each of these test sets."""
        table = self._filters()
        kept = table[table["split"] == "test"].groupby(["task_label", "class"], sort=False)["kept"].sum().unstack()
        share = kept["positive"] / kept.sum(axis=1)
        shown = (f"{label} {100 * value:.1f} %" for label, value in share.items())
        return {"values": Group.of(share), "text": ", ".join(shown)}

    def test_accuracy(self, task: str) -> Estimate:
        """Accuracy of the model on the whole test set."""
        rows = task_rows(self.metrics, task)
        rows = rows[(rows["subset"] == "all") & (rows["row"] == "bert") & (rows["metric"] == "accuracy")]
        if rows.empty:
            raise NotTested(f"no accuracy of the whole test set of {task}")
        return _estimate(rows.iloc[0], "value")

    def above_regression(self, subset: str) -> Group:
        """Test accuracy of the network minus that of the k-mer regression, by task."""
        rows = self.metrics[(self.metrics["metric"] == "accuracy") & (self.metrics["subset"] == subset)]
        rows = rows[rows["row"] == "bert_minus_logistic_regression"]
        if rows.empty:
            raise NotTested("no test sequence overlaps training sequences: there is no such part of a test set")
        return Group(_estimate(row, "value", row["task_label"]) for _, row in rows.iterrows())

    def drop_on_random_sequences(self, task: str) -> dict:
        """Accuracy of the positive class on its own sequences and on random ones, and the drop."""
        table = task_rows(self.accuracy, task)
        before, after = (table1_cell(table, POSITIVE, column) for column in DROP)
        return {"before": before, "after": after, "drop": independent_difference([before], [after])}

    def drops_of_classes(self, task: str) -> dict:
        """Drop of the accuracy of each class on random sequences; excess: drop of positive minus drop of negative."""
        table = task_rows(self.accuracy, task)
        (a, b), (c, d) = ([table1_cell(table, name, column) for column in DROP] for name in (POSITIVE, NEGATIVE))
        excess = independent_difference([a, d], [b, c])
        return {
            "positive": independent_difference([a], [b]),
            "negative": independent_difference([c], [d]),
            "excess": excess,
        }

    def on_random_sequences(self) -> dict:
        """Accuracy on random sequences by task and class, and the sum of both classes by task."""
        found = {"positive": Group(), "negative": Group(), "sums": Group()}
        for task, label in tasks_of(self.accuracy).items():
            table = self.accuracy[self.accuracy["task"] == task]
            both = [table1_cell(table, name, RANDOM_SEQUENCE) for name in (POSITIVE, NEGATIVE)]
            for group, estimate in zip(found.values(), (*both, independent_difference(both, [], label)), strict=True):
                group.append(estimate)
        rows = zip(*found.values(), strict=True)
        return found | {"text": "; ".join(f"{total.name}: positive {a}, negative {b}" for a, b, total in rows)}

    def above_random_sequences(self) -> Group:
        """Accuracy after mutation by LRP* minus that on random sequences, by class."""
        found = Group()
        for table, name in self._classes():
            star = table1_cell(table, name, LRP_STAR)
            found.append(independent_difference([star], [table1_cell(table, name, RANDOM_SEQUENCE)], star.name))
        return found

    def against_attention(self, task: str, name: str) -> dict:
        """Accuracy by LRP* and by attention in a class; gap: their difference; paired: with interval and p."""
        table = task_rows(self.accuracy, task)
        star, attention = (_row(table, name, column) for column in (LRP_STAR, ATTENTION))
        gap, score = star["accuracy"] - attention["accuracy"], star["score"]
        paired, p = self._less_attention(table, name)
        return {
            "gap": Estimate(gap),
            "paired": paired._replace(value=gap),
            "p": p,
            "chosen": f" ({score_label(score)})" if pd.notna(score) else "",
            "star": Estimate(star["accuracy"]),
            "attention": Estimate(attention["accuracy"]),
            "differing": f"{abs(gap) * star['sequences']:.0f} of {star['sequences']} sequences",
        }

    def against_attention_by_class(self) -> Group:
        """Accuracy by LRP* minus that by attention, by class; for the paper, intervals as if they were independent."""
        found = (self._less_attention(table, name) for table, name in self._classes())
        return Group(gap._replace(note=f" (p {p})" if p else "") for gap, p in found)

    def distances_to_random_sequences(self) -> dict:
        """Distance from the accuracy on random sequences, that of LRP* minus that of attention, by class."""
        gaps, parts = Group(), []
        for table, name in self._classes():
            goal, star, attention = (
                table1_cell(table, name, column) for column in (RANDOM_SEQUENCE, LRP_STAR, ATTENTION)
            )
            near, far = (Estimate(abs(item.value - goal.value)) for item in (star, attention))
            gaps.append(Estimate(near.value - far.value, name=star.name))
            parts.append(f"{star.name} {near} against {far}")
        return {"gaps": gaps, "text": ", ".join(parts)}

    def scores(self, task: str, named: list[str]) -> dict:
        """Accuracies of the paper's scores at n in the positive class, lowest first: all, named and others."""
        rows = self._ranking(task_rows(self.accuracy, task))
        inside = rows["score"].isin(named)
        groups = {"values": rows, "named": rows[inside], "others": rows[~inside]}
        return {name: _scores(part) for name, part in groups.items()} | {"n": self.n}

    def lowest_scores(self, named: list[str]) -> dict:
        """Lowest accuracy at n of the named scores minus the lowest of the others, positive class of every task."""
        gaps, parts = Group(), []
        for task, label in tasks_of(self.accuracy).items():
            rows = self._ranking(self.accuracy[self.accuracy["task"] == task])
            inside = rows["score"].isin(named)
            best, other = (_scores(part.head(1)) for part in (rows[inside], rows[~inside]))
            gaps.append(Estimate(best[0].value - other[0].value, name=label))
            parts.append(f"{label}: {best}, best other {other}")
        return {"gaps": gaps, "text": "; ".join(parts), "n": self.n}

    def against_random(self, task: str, scores: list[str]) -> dict:
        """Accuracy of some scores minus that of random positions, in the positive class at every n."""
        task = self._task(task)
        found = {score_label(score): self._against_random(task, score) for score in scores}
        parts = [f"{label} {_beaten_text(gaps)}; at n = {gaps[-1].name} {gaps[-1]:+}" for label, gaps in found.items()]
        return {"values": Group(sum(found.values(), [])), "text": "; ".join(parts)}

    def others_against_random(self, task: str, but: str) -> dict:
        """The same for all other scores of the paper, each at the n with the highest upper limit."""
        task, found = self._task(task), Group()
        for score in PAPER_SCORES:
            if score != but:
                gaps = self._against_random(task, score)
                found.append(max(gaps, key=lambda item: item.high)._replace(name=score_label(score)))
        always = [item.name for item in found if _is_below(item)]
        text = f"{len(always)} of {len(found)} other scores are below random at every n"
        return {"values": found, "text": text + (f": {', '.join(always)}" if always else "")}

    def attention_against_random(self, task: str) -> dict:
        """Accuracy of attention minus that of random positions, in the positive class at n."""
        row = self._paired(self._task(task), POSITIVE, "attention", "random")
        return {"gap": _estimate(row, "difference"), "p": Estimate(row["p_value"])}

    def attention_against_random_by_task(self) -> dict:
        """The same for every task at every n."""
        found = {label: self._against_random(task, "attention") for task, label in tasks_of(self.accuracy).items()}
        text = "; ".join(f"{label}: {_beaten_text(gaps)}" for label, gaps in found.items())
        return {"values": Group(sum(found.values(), [])), "text": text}

    def top_motifs(self, task: str, scores: list[str], matched: bool = False) -> dict:
        """classes: those of the factor that the top motif of each score matches; matched: one is required."""
        rows = task_rows(self.motifs, task).sort_values("rank", kind="stable").drop_duplicates("score")
        top = {row["score"]: row for _, row in rows.iterrows()}
        found = {score: _factor_classes(top[score]) if score in top else [] for score in scores}
        for score, classes in found.items():
            if matched and not classes:
                raise NotTested(f"no motif of {score_label(score)} that matches a factor")
            if score not in top:
                raise NotTested(f"motifs of {score_label(score)} were not sought")
        shown = {score: _motif_text(top[score]) for score in scores}
        text = ", ".join(f"{score_label(score)} {motif}" for score, motif in shown.items())
        return {"classes": list(found.values()), "text": text, "motif": shown[scores[0]]}

    def sites(self, scores: list[str]) -> dict:
        """Pairs of task and score whose AUROC against the known sites is above the band of random scores, counted."""
        rows = self._truth()
        rows = rows[rows["score"].isin(scores)]
        if rows.empty:
            raise NotTested(f"{', '.join(map(score_label, scores))} was not computed")
        parts = [f"{label}: {_scores(part, 'auroc', False)}" for label, part in rows.groupby("task_label", sort=False)]
        above = Estimate((rows["above_random"] == "yes").sum())
        return {"above": above, "count": Estimate(len(rows)), "text": "; ".join(parts)}

    def sites_of_lrp(self) -> dict:
        """Lower limit of the AUROC of the better of LRP and LRP_last minus the upper limit of attention, by task."""
        gaps, parts = Group(), []
        for label, part in self._truth().groupby("task_label", sort=False):
            lrp = part[part["score"].isin(["lrp", "lrp_last"])].sort_values("auroc", ascending=False)
            attention = part[part["score"] == "attention"]
            if lrp.empty or attention.empty:
                raise NotTested("LRP and attention are needed")
            found = _scores(pd.concat([lrp.head(1), attention.head(1)]), "auroc")
            gaps.append(Estimate(found[0].low - found[1].high, name=label))
            parts.append(f"{label}: {found}")
        return {"gaps": gaps, "text": "; ".join(parts)}

    def _classes(self) -> Iterator[tuple[pd.DataFrame, str]]:
        """Rows of the task and name of the class, for every row of Table 1."""
        for task, name in dict.fromkeys(zip(self.accuracy["task"], self.accuracy["class"], strict=True)):
            yield self.accuracy[self.accuracy["task"] == task], name

    def _less_attention(self, table: pd.DataFrame, name: str) -> tuple[Estimate, str]:
        """Accuracy by LRP* minus that by attention in a class, and the p-value ('' for the paper)."""
        star = _row(table, name, LRP_STAR)
        if self.paired.empty:
            return independent_difference(
                [table1_cell(table, name, LRP_STAR)], [table1_cell(table, name, ATTENTION)], star["class_name"]
            ), ""
        test = self._paired(star["task"], name, star["score"], "attention")
        return _estimate(test, "difference", star["class_name"]), p_text(test["p_value"])

    def _paired(self, task: str, name: str, score: str, against: str) -> pd.Series:
        """Row of the paired test of two scores in a class at n."""
        rows = self.paired[(self.paired["task"] == task) & (self.paired["class"] == name)]
        rows = rows[(rows["score"] == score) & (rows["against"] == against) & (rows["n"] == self.n)]
        if rows.empty:
            raise NotTested(f"no paired test of {score_label(score)} against {against} at n = {self.n}")
        return rows.iloc[0]

    def _against_random(self, task: str, score: str) -> Group:
        """Difference of a score to random positions in the positive class, named by n."""
        rows = self.paired[(self.paired["task"] == task) & (self.paired["class"] == POSITIVE)]
        rows = rows[(rows["against"] == "random") & (rows["score"] == score)].sort_values("n")
        if rows.empty:
            raise NotTested(f"no paired test of {score_label(score)} against random positions")
        return Group(_estimate(row, "difference", f"{row['n']:.0f}") for _, row in rows.iterrows())

    def _task(self, task: str) -> str:
        return str(task_rows(self.paired, task)["task"].iloc[0])

    def _ranking(self, table: pd.DataFrame) -> pd.DataFrame:
        """The paper's scores in the positive class at n, lowest accuracy first."""
        rows = table[(table["class"] == POSITIVE) & table["score"].isin(PAPER_SCORES)]
        if missing := [name for name in PAPER_SCORES if name not in set(rows["score"])]:
            raise NotTested(f"{score_label(missing[0])} was not computed")
        return rows.sort_values("accuracy", kind="stable")

    def _truth(self) -> pd.DataFrame:
        if self.truth.empty:
            raise NotTested("no motif sites are known")
        return self.truth

    def _filters(self) -> pd.DataFrame:
        if self.filters.empty:
            raise NotTested("no task is read from data with a test set of their own (route coordinates)")
        return self.filters


CLAIMS = load_claims(Path(__file__).with_suffix(".yaml"), Evidence)


def task_rows(table: pd.DataFrame, task: str) -> pd.DataFrame:
    """Rows of the first task that reproduces the paper's task. Raises `NotTested` if there is none."""
    rows = table[table["paper"] == task] if len(table) else table
    if rows.empty:
        raise NotTested(f"no task of the run repeats the paper's {task}")
    return rows[rows["task"] == rows["task"].iloc[0]]


def _row(table: pd.DataFrame, name: str, column: str) -> pd.Series:
    """Row of Table 1 for a class and column of one task. Raises `NotTested` if there is none."""
    rows = table[(table["class"] == name) & (table["column"] == column)]
    if rows.empty:
        raise NotTested(f"Table 1 has no {column} of the {name} class")
    return rows.iloc[0]


def table1_cell(table: pd.DataFrame, name: str, column: str) -> Estimate:
    """Accuracy in a cell of Table 1, named after its class. Raises `NotTested` if there is none."""
    row = _row(table, name, column)
    return _estimate(row, "accuracy", row["class_name"])


def _estimate(row: pd.Series, column: str, name: str = "") -> Estimate:
    return Estimate(row[column], row["low"], row["high"], name)


def _scores(rows: pd.DataFrame, column: str = "accuracy", intervals: bool = True) -> Group:
    found = [_estimate(row, column, score_label(row["score"])) for _, row in rows.iterrows()]
    return Group(found if intervals else (Estimate(item.value, name=item.name) for item in found))


def independent_difference(plus: Sequence[Estimate], minus: Sequence[Estimate], name: str = "") -> Estimate:
    """Sum of ``plus`` minus sum of ``minus``, all from different sequences, with a normal interval from their own."""
    value = sum(item.value for item in plus) - sum(item.value for item in minus)
    half = Z * np.sqrt(sum(((item.high - item.low) / (2 * Z)) ** 2 for item in [*plus, *minus]))
    return Estimate(value, value - half, value + half, name)


def _is_below(gap: Estimate) -> bool:
    """Whether the interval of a difference lies below 0, as printed."""
    return round(float(gap.high), 3) < 0


def _beaten_text(gaps: Group) -> str:
    """Text on the n at which a score is below random positions."""
    every, at = (", ".join(item.name for item in items) for items in (gaps, filter(_is_below, gaps)))
    if every == at:
        return f"below random at every n ({every})"
    return f"below random at n = {at} of {every}" if at else f"below random at no n ({every})"


def _factor_classes(row: pd.Series) -> list[str]:
    """Classes of the factor that a motif matches, for a dimer those of both partners; empty without a match."""
    return str(row["tf_class"]).split("::") if isinstance(row["target"], str) and row["target"] else []


def _motif_text(row: pd.Series) -> str:
    if not _factor_classes(row):
        return "no motif that matches a factor"
    q = f", q {row['q_value']:.1g}" if np.isfinite(row["q_value"]) else ""
    return f"{row['tf_class']} ({row['target_name']}{q})"


def run_evidence(
    tables: Tables,
    published_as: PublishedAs,
    n: int,
    given_splits: Collection[str],
    published_accuracy_of: PublishedAs | None = None,
) -> Evidence:
    """Evidence of a run, from the arguments of `claims`. Raises InputError on bad tables."""

    def read(
        path: Path | str, columns: Sequence[str], numeric: Iterable[str], known_as: PublishedAs = published_as
    ) -> pd.DataFrame:
        table = read_table(path, columns)
        for name in numeric:
            table[name] = numbers(table[name], path)
        return table.assign(paper=[paper_task(known_as, task) for task in table["task"]])

    tested_as = published_as if published_accuracy_of is None else published_accuracy_of
    limits = ["low", "high"]
    accuracy = read(tables.table1, TABLE1_COLUMNS, ["n", "accuracy", *limits]).fillna({"column": ""})
    paired = read(tables.paired_tests, PAIRED_COLUMNS, ["n", "difference", *limits, "p_value"])
    keys = ["paper", "class", "class_name", "score", "against", "n"]
    over = over_seeds(paired, keys, "difference", limits)
    p_values = paired.groupby(["task", *keys])["p_value"].max().reset_index()
    over = over.merge(p_values, how="left", on=["task", *keys])
    motifs = [read(path, MOTIF_COLUMNS, ["rank", "q_value"]) for path in tables.section53]
    filters = read(tables.filters, FILTER_COLUMNS, ["kept"])
    return Evidence(
        accuracy,
        over,
        read(tables.section51, METRIC_COLUMNS, ["value", *limits], tested_as),
        pd.concat(motifs, ignore_index=True) if motifs else pd.DataFrame(columns=[*MOTIF_COLUMNS, "paper"]),
        read(tables.truth, TRUTH_COLUMNS, ["auroc", *limits]) if tables.truth else pd.DataFrame(columns=TRUTH_COLUMNS),
        filters[filters["task"].isin(given_splits)],
        n,
    )


def paper_evidence(published: Path | str) -> Evidence:
    """Evidence of the paper: Table 1, with binomial intervals of its 500 sequences, Sections 5.1 and 5.3."""
    columns = {"n=0": UNMUTATED, f"LRP*,n={PAPER_N}": LRP_STAR, f"attention,n={PAPER_N}": ATTENTION}
    scores = {UNMUTATED: "unmutated", ATTENTION: "attention", RANDOM_SEQUENCE: "random_sequence"}
    rows = []
    for (subject, condition), value in published_values(published, "table1", "accuracy").items():
        task, _, name = subject.rpartition("_")
        column = columns.get(condition, RANDOM_SEQUENCE)
        half = Z * np.sqrt(value * (1 - value) / PAPER_SEQUENCES)
        front = (task, task.capitalize(), task, name, PAPER_CLASSES.get((task, name), name), scores.get(column))
        rows.append((*front, column, value, value - half, value + half, PAPER_SEQUENCES))
    names = ["task", "task_label", "paper", "class", "class_name", "score", "column", "accuracy"]
    accuracy = pd.DataFrame(rows, columns=[*names, "low", "high", "sequences"])
    tests = published_values(published, "section51", "test_accuracy")
    metrics = pd.DataFrame(
        [(task, task, "all", "bert", "accuracy", value, np.nan, np.nan) for (task, _), value in tests.items()],
        columns=["task", "paper", "subset", "row", "metric", "value", "low", "high"],
    )
    table = read_table(published, ["study", "item", "subject", "metric", "condition", "value"])
    tops = table[(table["study"] == "dnabert_lrp") & (table["metric"] == "top_motif_class")]
    task = tops["condition"].str.removesuffix("_positive")
    motifs = pd.DataFrame({"task": task, "paper": task, "score": tops["subject"], "rank": 1, "tf_class": tops["value"]})
    motifs = motifs.assign(target="not published", target_name="factor not named", q_value=np.nan)
    none = pd.DataFrame()
    return Evidence(accuracy, none, metrics, motifs, none, none, PAPER_N)


@command("dnabert-lrp claims")
def claims(
    *,
    table1: Path | str,
    paired_tests: Path | str,
    section51: Path | str,
    filters: Path | str,
    section53: Sequence[Path | str] = (),
    truth: Path | str | None = None,
    published: Path | str,
    csv: Path | str,
    md: Path | str,
    n: Part[int],
    published_as: Part[PublishedAs],
    evidence: Part[EvidenceKind],
    given_splits: Part[Sequence[str]] = (),
    published_accuracy_of: Part[PublishedAs | None] = None,
    data_note: Part[str | None] = None,
) -> pd.DataFrame:
    """Evaluate the paper's claims about its scores on this run and on the paper's own numbers.

    See `studies.claims.claims_table`.

    Arguments:
        table1, paired_tests, section51, filters: tables of the run.
        section53: one table per task with motifs.
        truth: scores against known sites, if there are any.
        published: ``config/published.csv``.
        csv, md: the claims, to write.
        n: mutated bases of Table 1.
        published_as: task to the paper's task that it reproduces; the first such task counts.
        evidence: what the data are; no verdict on the paper's claims by simulated ones.
        given_splits: tasks whose data come with a test set.
        published_accuracy_of: the same as ``published_as``, for the tasks whose test accuracy is held against the
            paper's; None: all.

    Raises InputError on bad files.
    """
    tables = Tables(table1, paired_tests, section51, filters, section53, truth)
    run = run_evidence(tables, published_as, n, given_splits, published_accuracy_of)
    options = {"facts": _facts(run), "evidence": evidence, "data_note": data_note}
    return claims_table(CLAIMS, run, paper_evidence(published), csv, md, **options)


def _facts(run: Evidence) -> dict[str, str]:
    """Fields of the notes."""
    repeats = run.accuracy.drop_duplicates("task").set_index("task")["paper"]
    names = {task: f"the paper's {known}" if known else "not in the paper" for task, known in repeats.items()}
    seeds = spread(run.accuracy["seeds"])
    return {
        "tasks": ", ".join(f"{label} ({names[task]})" for task, label in tasks_of(run.accuracy).items()),
        "seeds": f"{seeds} seed{'s' * (seeds != '1')}",
        "sequences": spread(run.accuracy["sequences"]),
        "other_n": "" if run.n == PAPER_N else f" Where the criteria say n = {PAPER_N}, n is {run.n} here.",
    }
