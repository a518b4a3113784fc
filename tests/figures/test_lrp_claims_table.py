"""The claims table of DNABERT and LRP as a whole: from the tables of a run to the page, and the command."""

import json

import pandas as pd
import pytest
from hybrid_inputs import PUBLISHED
from score_inputs import CLASS_NAMES, TASKS, curves_table, metrics_table, paired_table, truth_table, write_task_tables
from typer.testing import CliRunner

from regulens.cli import dnabert_lrp
from regulens.core.errors import InputError
from regulens.studies.claims import COLUMNS, FAILS, HOLDS, NOT_TESTED
from regulens.studies.dnabert_lrp.claims import CLAIMS, Tables, claims_table, of_run
from regulens.studies.dnabert_lrp.paired_tests import paired_tests_table
from regulens.studies.dnabert_lrp.section51 import classifier_table
from regulens.studies.dnabert_lrp.table1 import mutagenesis_table
from regulens.studies.dnabert_lrp.truth import truth_means

TABLE_FILES = {
    "table1": "table1.csv",
    "paired-tests": "paired.csv",
    "section51": "section51.csv",
    "filters": "filters.csv",
    "section53": "section53.csv",
    "truth": "truth.csv",
}


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
    mutagenesis_table(runs[curves_table], PUBLISHED, folder / "table1.csv", *rest, n=20, published_as=repeats, **names)
    paired_tests_table(runs[paired_table], folder / "paired.csv", rest[0], n=20, **names)
    classifier_table(runs[metrics_table], PUBLISHED, folder / "section51.csv", *rest, kmer=4, published_as=repeats)
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


def test_every_claim_of_a_run_is_on_the_page_with_its_numbers(folder, published):
    outputs = folder / "claims.csv", folder / "claims.md"
    options = {"published_as": {name: name for name in TASKS}, "given_splits": ["promoters"], "data_note": "Made up."}
    table = claims_table(tables(folder), published, *outputs, n=20, **options).set_index("claim")
    assert list(pd.read_csv(outputs[0]).columns) == COLUMNS
    assert list(table.index) == [claim.name for claim in CLAIMS]
    assert list(table.index[table["verdict"] == NOT_TESTED]) == ["top_motifs_differ"]  # LRP_last found no motif
    assert table.loc["test_share", "numbers"] == "test sequences: Promoters 28.6 % of 1,400"
    assert table.loc["lrp_top_motif", "verdict"] == HOLDS
    assert table.loc["lrp_last_top_motif", "verdict"] == FAILS
    assert table.loc["promoters_lrp_above_random", "verdict"] == FAILS  # within 0.02 of random at n = 1
    assert table.loc["promoters_lrp_best", "verdict"] == HOLDS
    assert "Promoter" in table.loc["lrp_surely_below_attention", "numbers"]
    text = outputs[1].read_text()
    for number, claim in enumerate(CLAIMS, 1):
        assert f"{number}. {claim.sentence}" in text
        assert f"- Criterion: {claim.criterion}" in text
        assert f"{table.loc[claim.name, 'numbers']}." in text
    assert "nan" not in text
    assert "Tasks: Promoters (the paper's promoters), Enhancers (the paper's enhancers); 2 seeds, 500 sequences" in text
    assert "Where the criteria say" not in text
    assert "- Made up." in text


def test_paired_differences_are_means_over_the_seeds(folder):
    run = of_run(tables(folder), {"promoters": "promoters"}, 20, set())
    every = pd.read_csv(folder / "paired.csv")
    keys = {"task": "promoters", "class": "positive", "score": "lrp", "against": "attention", "n": 20}
    seeds = every[(every[list(keys)] == pd.Series(keys)).all(axis=1)]
    found = run.paired[(run.paired[list(keys)] == pd.Series(keys)).all(axis=1)].iloc[0]
    assert len(seeds) == 2
    assert found["difference"] == pytest.approx(seeds["difference"].mean())
    assert found["p_value"] == seeds["p_value"].max()


def test_a_task_of_ones_own_and_no_sites(folder, published, tmp_path):
    outputs = tmp_path / "c.csv", tmp_path / "c.md"
    given = tables(folder, truth=None, section53=[])
    options = {"n": 5, "published_as": {"promoters": "promoters", "enhancers": None}}
    table = claims_table(given, published, *outputs, **options).set_index("claim")
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


def test_a_missing_table_or_column_is_an_error(folder, published, tmp_path):
    outputs = tmp_path / "c.csv", tmp_path / "c.md"
    with pytest.raises(InputError, match=r"none.csv: no such file"):
        claims_table(tables(folder, truth=folder / "none.csv"), published, *outputs, n=20, published_as={})
    with pytest.raises(InputError, match=r"truth.csv: column .*against.* is missing"):
        claims_table(tables(folder, paired=folder / "truth.csv"), published, *outputs, n=20, published_as={})
    assert not list(tmp_path.iterdir())


def test_the_command_runs(folder, published, tmp_path):
    files = [word for name, file in TABLE_FILES.items() for word in (f"--{name}", str(folder / file))]
    files += ["--published", str(published), "--csv", str(tmp_path / "c.csv"), "--md", str(tmp_path / "c.md")]
    entries = {name: {"label": label, "classes": CLASS_NAMES[name], "published": name} for name, label in TASKS.items()}
    values = {"tasks": entries, "mutations": [1, 20], "data_note": "A {note}.", "given_splits": []}
    done = CliRunner().invoke(dnabert_lrp.app, ["claims", *files, "--settings", json.dumps(values)])
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "c.csv").set_index("claim")
    assert len(table) == len(CLAIMS)
    assert table.loc["lrp_finds_sites", "verdict"] != NOT_TESTED
    assert "- A {note}." in (tmp_path / "c.md").read_text()
