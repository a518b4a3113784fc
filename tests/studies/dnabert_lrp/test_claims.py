"""Claims on DNABERT-LRP: verdicts on the paper's numbers, on made-up ones, and the table of a run."""

import re

import numpy as np
import pandas as pd
import pytest
from commands import run_command
from hybrid_inputs import PUBLISHED
from score_inputs import (
    CLASS_NAMES,
    TASKS,
    curves_table,
    metrics_table,
    paired_table,
    truth_table,
    write_task_tables,
)

from regulens.core.errors import InputError
from regulens.studies.claims import COLUMNS, FAILS, HOLDS, NOT_PUBLISHED, NOT_TESTED, Estimate
from regulens.studies.dnabert_lrp.claims import (
    CLAIMS,
    Evidence,
    Tables,
    claims,
    independent_difference,
    paper_evidence,
    run_evidence,
)
from regulens.studies.dnabert_lrp.paired_tests import paired_tests
from regulens.studies.dnabert_lrp.section51 import section51
from regulens.studies.dnabert_lrp.table1 import table1
from regulens.studies.dnabert_lrp.truth import truth_means

CLAIM = {claim.name: claim for claim in CLAIMS.claims}
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
TABLE_FILES = {
    "table1": "table1.csv",
    "paired-tests": "paired.csv",
    "section51": "section51.csv",
    "filters": "filters.csv",
    "section53": "section53.csv",
    "truth": "truth.csv",
}


@pytest.mark.parametrize("name", CLAIM)
def test_the_papers_own_numbers_have_these_verdicts(name):
    verdict, numbers = CLAIM[name].judge(paper_evidence(PUBLISHED), NOT_PUBLISHED)
    assert verdict == (HOLDS if name in HOLD_IN_PAPER else NOT_PUBLISHED), numbers
    assert numbers


def test_spec_numbers_stand_in_the_verdicts():
    paper = paper_evidence(PUBLISHED)
    _, found = CLAIM["promoters_positive_lrp_below_attention"].judge(paper, NOT_PUBLISHED)
    assert found.endswith("difference −0.040, 20 of 500 sequences in one draw")  # docs/papers.md, "single-draw"
    _, found = CLAIM["lrp_surely_below_attention"].judge(paper, NOT_PUBLISHED)
    assert found.startswith("outcomes of the same sequences are not published; taken as independent, ")
    assert "below 0 in 0 of 4 classes" in found
    _, found = CLAIM["random_sums_to_one"].judge(paper, NOT_PUBLISHED)
    assert found.startswith("sum Promoters 0.984 [")  # docs/papers.md, "promoter-classes"
    assert "Enhancers 1.006 [" in found


def evidence(scores=SCORES, positive=(0.9, 0.2), negative=(0.85, 0.8), half=0.02, beside=None) -> Evidence:
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
    return Evidence(accuracy, paired, none, none, none, none, 20)


def without(score, against=None, **more) -> Evidence:
    """The same without a score, or without its paired tests."""
    if against is None:
        return evidence({name: value for name, value in SCORES.items() if name != score}, **more)
    run = evidence(**more)
    return run._replace(paired=run.paired[(run.paired["score"] != score) | (run.paired["against"] != against)])


def with_attention(value, **more) -> Evidence:
    return evidence(SCORES | {"attention": value}, **more)


def with_metrics(*rows) -> Evidence:
    names = ["task", "task_label", "paper", "subset", "row", "metric", "value", "low", "high"]
    table = pd.DataFrame([("promoters", "Promoters", "promoters", *row) for row in rows], columns=names)
    return evidence()._replace(metrics=table)


def with_motifs(**tops) -> Evidence:
    rows = [
        ("promoters", "promoters", score, 1, name, "F", "M1" if isinstance(name, str) else name, 1e-5)
        for score, name in tops.items()
    ]
    names = ["task", "paper", "score", "rank", "tf_class", "target_name", "target", "q_value"]
    table = pd.DataFrame(rows, columns=names)
    second = table.assign(rank=2, tf_class="Other")
    return evidence()._replace(motifs=pd.concat([second, table], ignore_index=True))


def with_sites(half=0.02, **aurocs) -> Evidence:
    rows = [("p", "P", 1, score, value, value - half, value + half, 90) for score, value in aurocs.items()]
    names = ["task", "task_label", "seed", "score", "auroc", "low", "high", "sequences"]
    return evidence()._replace(truth=truth_means(pd.DataFrame(rows, columns=names)))


def with_filters(test, negative) -> Evidence:
    rows = [
        ("P", split, name, kept)
        for split, counts in {"train": (700, 700), "test": (test, negative)}.items()
        for name, kept in zip(("positive", "negative"), counts, strict=True)
    ]
    return evidence()._replace(filters=pd.DataFrame(rows, columns=["task_label", "split", "class", "kept"]))


NO_ENHANCERS = "no task of the run repeats the paper's enhancers"
BERT = ("all", "bert", "accuracy")
GAP = ("bert_minus_logistic_regression", "accuracy")
GAPS = with_metrics(("all", *GAP, 0.02, 0.01, 0.03), ("not_overlapping", *GAP, 0.01, 0.0, 0.02))
EVEN = evidence(negative=(0.85, 0.2))
BEYOND = evidence(positive=(0.9, 0.5), negative=(0.85, 0.2))
CLOSE, TIE = with_attention(0.31), with_attention(0.3)
WEAK = with_attention(0.69, half=0.004)
FEW = evidence(half=0.004, beside={(score, 1): 0.0 for score in SCORES if score != "lrp"})
TOPS = with_motifs(lrp="Homeo domain factors::B", attention="C", lrp_last="A")
SITES = with_sites(lrp=0.8, lrp_last=0.7, full_lrp=0.6, attention=0.75, random=0.5)


@pytest.mark.parametrize(
    ("name", "run", "verdict", "text"),
    [
        # Accuracy on random sequences: 0.02 x sqrt 2; 0.02 +- 0.04.
        (
            "promoters_drop_on_random",
            evidence(),
            HOLDS,
            r"0.900 \[0.880, 0.920\] to 0.200 \[0.180, 0.220\], difference \+0.700 \[0.672, 0.728\]$",
        ),
        ("promoters_drop_on_random", evidence(positive=(0.9, 0.88)), FAILS, r"difference \+0.020"),
        ("enhancers_drop_on_random", evidence(), NOT_TESTED, NO_ENHANCERS),
        (
            "promoters_positive_learned_better",
            evidence(),
            HOLDS,
            r"positive \+0.700 .*, negative \+0.050 .*; difference",
        ),
        (
            "promoters_positive_learned_better",
            evidence(positive=(0.9, 0.7), negative=(0.9, 0.3)),
            FAILS,
            "difference −",
        ),
        ("promoters_positive_learned_better", evidence(positive=(0.9, 0.7), negative=(0.9, 0.72)), FAILS, "0.020"),
        (
            "only_positive_learned",
            evidence(),
            HOLDS,
            r"random sequences, Promoters: positive 0.200 \[.*, negative 0.800 \[",
        ),
        ("only_positive_learned", evidence(positive=(0.9, 0.49)), FAILS, "positive 0.490"),
        ("random_sums_to_one", evidence(), HOLDS, r"^sum Promoters 1.000 \[0.972, 1.028\]$"),
        ("random_sums_to_one", evidence(negative=(0.9, 0.9)), FAILS, "1.100"),
        # LRP against attention.
        (
            "promoters_positive_lrp_below_attention",
            evidence(),
            HOLDS,
            r"^LRP\* \(LRP\) 0.300, attention 0.400, difference −0.100 \[−0.120, −0.080\] on the same seq.*, p 0.010$",
        ),
        ("promoters_positive_lrp_below_attention", TIE, FAILS, "difference 0.000"),  # the same number of sequences
        ("promoters_positive_lrp_below_attention", CLOSE, HOLDS, "difference −0.010"),
        (
            "promoters_positive_lrp_below_attention",
            without("attention"),
            NOT_TESTED,
            "no attention of the positive class",
        ),
        (
            "promoters_positive_lrp_below_attention",
            without("lrp", "attention"),
            NOT_TESTED,
            "no paired test of LRP against attention at n = 20",
        ),
        ("lrp_surely_below_attention", evidence(), HOLDS, "below 0 in 2 of 2 classes: Positive −0.100"),
        ("lrp_surely_below_attention", CLOSE, FAILS, r"Positive −0.010 \[−0.030, 0.010\] \(p 0.010\), Negative"),
        # Closer to random sequences, and beyond them: 0.2 past the goal, attention 0.1.
        (
            "lrp_closer_to_random",
            EVEN,
            HOLDS,
            "closer in 2 of 2 classes; distance Positive 0.100 against 0.200, Negative",
        ),
        ("lrp_closer_to_random", BEYOND, FAILS, "closer in 1 of 2 classes"),
        (
            "not_converged",
            EVEN,
            HOLDS,
            r"^accuracy by LRP\* less random sequences: Positive \+0.100 \[.*, Negative \+0.100 ",
        ),
        ("not_converged", BEYOND, FAILS, "Positive −0.200"),
        ("not_converged", evidence(positive=(0.9, 0.28), negative=(0.85, 0.28)), FAILS, "0.020"),
        # Which scores cost most; of those of the paper.
        (
            "promoters_lrp_best",
            evidence(),
            HOLDS,
            r"^accuracy at n = 20: LRP 0.300 \[0.280, 0.320\], LRP_last 0.350 .*, GradCAM",
        ),
        ("promoters_next_best", evidence(), FAILS, "LRP"),
        (
            "promoters_next_best",
            evidence(SCORES | {"gradcam": 0.38}),
            HOLDS,
            "LRP_last 0.350 .*, GradCAM 0.380 .*, Att",
        ),
        ("promoters_lrp_best", TIE, FAILS, "Attention 0.300"),
        ("promoters_lrp_best", evidence(SCORES | {"gradient_x_input": 0.1}), HOLDS, "LRP"),
        ("promoters_lrp_best", without("rollout"), NOT_TESTED, "Rollout was not computed"),
        ("enhancers_next_best", evidence(), NOT_TESTED, NO_ENHANCERS),
        ("lrp_best_score", evidence(), HOLDS, r"n = 20, Promoters: LRP 0.300 \[.*\], best other Attention 0.400 \["),
        ("lrp_best_score", TIE, FAILS, r"LRP 0.300 \[0.280, 0.320\], best other Attention 0.300"),
        # Which scores are better than random positions.
        ("promoters_lrp_above_random", WEAK, HOLDS, r"^LRP below random at every n \(1, 5, 20\); at n = 20 −0.400 \["),
        ("promoters_lrp_above_random", evidence(), FAILS, "LRP below random at n = 5, 20 of 1, 5, 20; at n = 20"),
        (
            "promoters_no_other_above_random",
            WEAK,
            FAILS,
            "^4 of 5 other scores are below random at every n: LRP_last, full",
        ),
        ("promoters_no_other_above_random", FEW, HOLDS, "^0 of 5 other scores are below random at every n$"),
        (
            "promoters_no_other_above_random",
            without("gradcam"),
            NOT_TESTED,
            "no paired test of GradCAM against random pos",
        ),
        (
            "promoters_attention_random",
            WEAK,
            FAILS,
            r"^attention less random positions −0.010 \[−0.014, −0.006\], p 0.010$",
        ),
        ("promoters_attention_random", with_attention(0.69), HOLDS, "−0.010"),
        ("attention_unreliable", WEAK, HOLDS, "^Promoters: below random at n = 20 of 1, 5, 20$"),
        ("attention_unreliable", evidence(half=0.004), FAILS, "at every n"),
        ("attention_unreliable", with_attention(0.7), HOLDS, r"below random at no n \(1, 5, 20\)"),
        # The classifier against the paper and the regression.
        ("promoters_accuracy", with_metrics((*BERT, 0.92, 0.90, 0.926)), HOLDS, r"^accuracy 0.920 \[0.900, 0.926\]$"),
        ("promoters_accuracy", with_metrics((*BERT, 0.92, 0.90, 0.924)), FAILS, "0.920"),
        ("promoters_accuracy", GAPS, NOT_TESTED, "no accuracy of the whole test set of promoters"),
        ("enhancers_accuracy", with_metrics((*BERT, 0.92, 0.90, 0.926)), NOT_TESTED, NO_ENHANCERS),
        ("above_regression", GAPS, HOLDS, r"^difference in accuracy: Promoters \+0.020 \[0.010, 0.030\]$"),
        ("above_regression_without_overlap", GAPS, FAILS, r"\+0.010"),
        (
            "above_regression_without_overlap",
            with_metrics((*BERT, 0.9, 0.8, 1)),
            NOT_TESTED,
            "no test sequence overlaps",
        ),
        # Top motifs; of a dimer either partner counts.
        ("lrp_top_motif", TOPS, HOLDS, r"^top motif of LRP: Homeo domain factors::B \(F, q 1e-05\)$"),
        ("attention_top_motif", TOPS, FAILS, r"^top motif of Attention: C \("),
        (
            "lrp_last_top_motif",
            with_motifs(lrp_last=np.nan),
            FAILS,
            "top motif of LRP_last: no motif that matches a factor$",
        ),
        ("lrp_last_top_motif", with_motifs(lrp="A"), NOT_TESTED, "motifs of LRP_last were not sought"),
        ("lrp_top_motif", evidence(), NOT_TESTED, "no task of the run repeats"),
        ("motifs_found", TOPS, HOLDS, r"Attention C .*, LRP_last A .*, LRP Homeo"),
        ("motifs_found", with_motifs(lrp="A", attention="C", lrp_last=np.nan), FAILS, "LRP_last no motif that matches"),
        ("motifs_found", with_motifs(lrp="A", attention="C"), NOT_TESTED, "motifs of LRP_last were not sought"),
        ("top_motifs_differ", TOPS, HOLDS, "Attention C"),
        ("top_motifs_differ", with_motifs(lrp="C", attention="C", lrp_last="A"), FAILS, "LRP C"),
        (
            "top_motifs_differ",
            with_motifs(lrp="A", attention="C", lrp_last=np.nan),
            NOT_TESTED,
            "no motif of LRP_last that",
        ),
        # Known sites: 0.78 against 0.79.
        ("lrp_finds_sites", SITES, HOLDS, "^3 of 3 above random; AUROC P: LRP 0.800, LRP_last 0.700, full_LRP 0.600$"),
        ("lrp_finds_sites", with_sites(lrp=0.8, lrp_last=0.51, random=0.5), FAILS, "1 of 2 above random"),
        (
            "others_find_sites",
            with_sites(lrp=0.8, random=0.5),
            NOT_TESTED,
            "Attention, Rollout was not computed",
        ),
        ("lrp_finds_sites_better", SITES, HOLDS, r"P: LRP 0.800 \[0.780, 0.820\], Attention 0.750 \[0.730, 0.770\]$"),
        ("lrp_finds_sites_better", with_sites(lrp=0.8, attention=0.77, random=0.5), FAILS, "0.770"),
        ("lrp_finds_sites_better", with_sites(lrp=0.8, random=0.5), NOT_TESTED, "LRP and attention are needed"),
        ("lrp_finds_sites_better", evidence(), NOT_TESTED, "no motif sites are known"),
        # The data set.
        ("test_share", with_filters(300, 350), HOLDS, "^test sequences: P 31.7 % of 2,050$"),
        ("test_share", with_filters(100, 100), FAILS, "12.5 %"),
        ("balanced", with_filters(100, 100), HOLDS, "^positive share of the test sequences: P 50.0 %$"),
        ("balanced", with_filters(300, 600), FAILS, "33.3 %"),
        ("balanced", evidence(), NOT_TESTED, "no task is read from data with a test set of their own"),
    ],
)
def test_criteria_on_made_up_runs(name, run, verdict, text):
    found, numbers = CLAIM[name].judge(run)
    assert found == verdict, numbers
    assert re.search(text, numbers), numbers


def test_intervals_of_independent_accuracies_add_up_in_squares():
    cells = [Estimate(value, value - 0.03, value + 0.03) for value in (0.8, 0.4, 0.1)]
    found = independent_difference(cells[:1], cells[1:])
    assert found.value == pytest.approx(0.3)
    assert found.high - found.value == pytest.approx(0.03 * np.sqrt(3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tables of a run with two seeds, made by the commands' own functions."""
    folder = tmp_path_factory.mktemp("lrp_claims")
    rest, names = (folder / "x.md", folder / "x.tex"), {"class_names": CLASS_NAMES}
    runs = {
        make: write_task_tables(folder / make.__name__, make, seeds=(1, 2))
        for make in (curves_table, metrics_table, paired_table, truth_table)
    }
    repeats = {"promoters": "promoters", "enhancers": "enhancers"}
    table1(runs[curves_table], PUBLISHED, folder / "table1.csv", *rest, n=20, published_as=repeats, **names)
    paired_tests(runs[paired_table], folder / "paired.csv", rest[0], n=20, **names)
    section51(runs[metrics_table], PUBLISHED, folder / "section51.csv", *rest, kmer=4, published_as=repeats)
    frames = [
        pd.read_csv(run.path).assign(task=run.task, task_label=run.label, seed=run.seed) for run in runs[truth_table]
    ]
    truth_means(pd.concat(frames)).to_csv(folder / "truth.csv", index=False)
    kept = [
        ("train", "positive", 500),
        ("train", "negative", 500),
        ("test", "positive", 200),
        ("test", "negative", 200),
    ]
    splits = [(task, label, *counts) for task, label in TASKS.items() for counts in kept]
    pd.DataFrame(splits, columns=["task", "task_label", "split", "class", "kept"]).to_csv(
        folder / "filters.csv", index=False
    )
    rows = [
        ("promoters", "lrp", 1, "a", 9, "M1", "HOXA1", "Homeo domain factors", 1e-4),
        ("promoters", "lrp_last", "", "", 0, "", "", "", ""),
        ("promoters", "attention", 1, "b", 5, "M2", "SP1", "C2H2 zinc finger factors", 1e-3),
    ]
    columns = ["task", "score", "rank", "motif", "instances", "target", "target_name", "tf_class", "q_value"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "section53.csv", index=False)
    return folder


def tables(folder, **changes) -> Tables:
    paths = [folder / name for name in ("table1.csv", "paired.csv", "section51.csv", "filters.csv")]
    return Tables(*paths, [folder / "section53.csv"], folder / "truth.csv")._replace(**changes)


def judged(given: Tables, outputs, **options):
    csv, md = outputs
    return claims(**given._asdict(), published=PUBLISHED, csv=csv, md=md, **{"evidence": "real"} | options)


def test_every_claim_of_a_run_is_on_the_page_with_its_numbers(folder):
    outputs = folder / "claims.csv", folder / "claims.md"
    options = {"published_as": {name: name for name in TASKS}, "given_splits": ["promoters"], "data_note": "Made up."}
    table = judged(tables(folder), outputs, n=20, **options).set_index("claim")
    assert list(pd.read_csv(outputs[0]).columns) == COLUMNS
    assert list(table.index) == list(CLAIM)
    assert list(table.index[table["verdict"] == NOT_TESTED]) == ["top_motifs_differ"]  # LRP_last found no motif
    assert table.loc["test_share", "numbers"] == "test sequences: Promoters 28.6 % of 1,400"
    assert table.loc["lrp_top_motif", "verdict"] == HOLDS
    assert table.loc["lrp_last_top_motif", "verdict"] == FAILS
    assert table.loc["promoters_lrp_above_random", "verdict"] == FAILS  # within 0.02 of random at n = 1
    assert table.loc["promoters_lrp_best", "verdict"] == HOLDS
    assert "Promoter" in table.loc["lrp_surely_below_attention", "numbers"]
    text = outputs[1].read_text()
    for number, claim in enumerate(CLAIMS.claims, 1):
        assert f"{number}. {claim.sentence}" in text
        assert f"- Criterion: {claim.criterion}" in text
        assert f"{table.loc[claim.name, 'numbers']}." in text
    assert "nan" not in text
    assert "Tasks: Promoters (the paper's promoters), Enhancers (the paper's enhancers); 2 seeds, 500 sequences" in text
    assert "Where the criteria say" not in text
    assert "- Made up." in text


def test_paired_differences_are_means_over_the_seeds(folder):
    run = run_evidence(tables(folder), {"promoters": "promoters"}, 20, set())
    every = pd.read_csv(folder / "paired.csv")
    keys = {"task": "promoters", "class": "positive", "score": "lrp", "against": "attention", "n": 20}
    seeds = every[(every[list(keys)] == pd.Series(keys)).all(axis=1)]
    found = run.paired[(run.paired[list(keys)] == pd.Series(keys)).all(axis=1)].iloc[0]
    assert len(seeds) == 2
    assert found["difference"] == pytest.approx(seeds["difference"].mean())
    assert found["p_value"] == seeds["p_value"].max()


def test_a_task_of_ones_own_and_no_sites(folder, tmp_path):
    outputs = tmp_path / "c.csv", tmp_path / "c.md"
    given = tables(folder, truth=None, section53=[])
    options = {"n": 5, "published_as": {"promoters": "promoters", "enhancers": None}}
    table = judged(given, outputs, **options).set_index("claim")
    missing = table[table["verdict"] == NOT_TESTED]["numbers"]
    assert missing["enhancers_accuracy"] == "no task of the run repeats the paper's enhancers"
    assert missing["enhancers_above_random"] == "no task of the run repeats the paper's enhancers"
    assert missing["lrp_top_motif"] == "no task of the run repeats the paper's promoters"
    assert missing["lrp_finds_sites"] == "no motif sites are known"
    assert missing["test_share"].startswith("no task is read from data with a test set of their own")
    assert missing.str.len().min() > 10
    assert "Enhancers" in table.loc["only_positive_learned", "numbers"]  # a claim on every task
    text = outputs[1].read_text()
    assert "Enhancers (not in the paper)" in text
    assert "Where the criteria say n = 20, n is 5 here." in text


def test_a_missing_table_or_column_is_an_error(folder, tmp_path):
    outputs = tmp_path / "c.csv", tmp_path / "c.md"
    with pytest.raises(InputError, match=r"none.csv: no such file"):
        judged(tables(folder, truth=folder / "none.csv"), outputs, n=20, published_as={})
    with pytest.raises(InputError, match=r"truth.csv: column .*against.* is missing"):
        judged(tables(folder, paired_tests=folder / "truth.csv"), outputs, n=20, published_as={})
    assert not list(tmp_path.iterdir())


def test_the_command_runs(folder, tmp_path):
    files = [word for name, file in TABLE_FILES.items() for word in (f"--{name}", str(folder / file))]
    files += ["--published", PUBLISHED, "--csv", tmp_path / "c.csv", "--md", tmp_path / "c.md"]
    values = {
        "n": 20,
        "published_as": {name: name for name in TASKS},
        "data_note": "A {note}.",
        "evidence": "real",
        "given_splits": [],
    }
    run_command("dnabert-lrp claims", *files, folder=tmp_path, settings=values)
    table = pd.read_csv(tmp_path / "c.csv").set_index("claim")
    assert len(table) == len(CLAIM)
    assert table.loc["lrp_finds_sites", "verdict"] != NOT_TESTED
    assert "- A {note}." in (tmp_path / "c.md").read_text()
