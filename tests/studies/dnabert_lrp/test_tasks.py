"""Reading tables of tasks and seeds, averaging over seeds, published numbers, text of numbers."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from score_inputs import SCORES, TASKS, curves_table, metrics_table, write_task_tables

from regulens.cli import app
from regulens.core.errors import InputError
from regulens.core.runs import TaskRun, labelled
from regulens.core.tables import MINUS, TextTable, decimal, interval, p_text, spread, with_sd
from regulens.plotting.style import in_order, score_style
from regulens.studies.dnabert_lrp.section51 import section51
from regulens.studies.dnabert_lrp.table1 import CURVE_COLUMNS, NUMBERS, table1
from regulens.studies.dnabert_lrp.tasks import (
    class_name,
    over_seeds,
    paper_task,
    published_values,
    read_task_runs,
)


def read(runs):
    return read_task_runs(runs, CURVE_COLUMNS, NUMBERS)


@pytest.fixture
def runs(tmp_path):
    return write_task_tables(tmp_path / "curves", curves_table, (1, 2, 3))


def test_task_seed_and_class_stand_in_front(runs):
    table = read(runs)
    assert list(table.columns[:4]) == ["task", "task_label", "seed", "class"]
    assert list(dict.fromkeys(table["task"])) == ["promoters", "enhancers"]
    assert set(table["seed"]) == {1, 2, 3}
    assert ((table["class"] == "positive") == (table["label"] == 1)).all()


def test_mean_and_sd_are_over_the_seeds(runs):
    table = read(runs)
    means = over_seeds(table, ["class", "score", "n"], "accuracy", ["low"]).set_index(["task", "class", "score", "n"])
    frames = [pd.read_csv(run.path) for run in runs if run.task == "enhancers"]
    values = [f[(f["label"] == 0) & (f["score"] == "gradcam") & (f["n"] == 10)].iloc[0] for f in frames]
    row = means.loc["enhancers", "negative", "gradcam", 10]
    assert row["accuracy"] == pytest.approx(np.mean([value["accuracy"] for value in values]))
    assert row["sd"] == pytest.approx(np.std([value["accuracy"] for value in values], ddof=1))
    assert row["low"] == pytest.approx(np.mean([value["low"] for value in values]))
    assert row["seeds"] == 3


def test_a_row_that_one_seed_lacks_is_an_error(runs):
    table = pd.read_csv(runs[1].path)
    table[~((table["score"] == "rollout") & (table["label"] == 1))].to_csv(runs[1].path, index=False)
    with pytest.raises(InputError, match="promoters, seed 2: class positive, score rollout, n 1 is missing"):
        over_seeds(read(runs), ["class", "score", "n"], "accuracy")


def test_the_same_task_and_seed_twice_is_an_error(runs):
    with pytest.raises(InputError, match=f"{runs[0].path}: task promoters, seed 1 is given twice"):
        read([*runs, runs[0]])


def test_no_table_is_an_error():
    with pytest.raises(InputError, match="no table given"):
        read([])


def test_text_where_numbers_belong_is_an_error(tmp_path):
    path = tmp_path / "bad.csv"
    table = curves_table("promoters", 1).astype({"accuracy": object})
    table.loc[0, "accuracy"] = "high"
    table.to_csv(path, index=False)
    with pytest.raises(InputError, match=f"{path}: column accuracy has values that are not numbers"):
        read([TaskRun("promoters", "Promoters", 1, path)])


def test_class_names_fall_back_to_the_key():
    names = {"promoters": {"positive": "Promoter"}}
    assert class_name(names, "promoters", "positive") == "Promoter"
    assert class_name(names, "promoters", "negative") == "negative"
    assert class_name(None, "enhancers", "positive") == "positive"


def test_a_task_repeats_the_papers_only_where_that_is_said():
    assert paper_task({"mine": "promoters"}, "mine") == "promoters"
    for published_as in (None, {}, {"promoters": None}):
        assert paper_task(published_as, "promoters") == ""


def test_published_numbers_by_subject_and_condition(published):
    accuracy = published_values(published, "table1", "accuracy")
    assert accuracy["promoters_positive", "LRP*,n=20"] == 0.814
    assert accuracy["enhancers_negative", "n=200"] == 0.62
    assert len(accuracy) == 16
    assert published_values(published, "section51", "test_accuracy") == {
        ("promoters", ""): 0.93,
        ("enhancers", ""): 0.86,
    }
    with pytest.raises(InputError, match="no row with study dnabert_lrp and item table9"):
        published_values(published, "table9", "accuracy")


def test_numbers_as_text():
    assert decimal(-0.0246) == f"{MINUS}0.025"
    assert decimal(float("nan")) == "undefined"
    assert with_sd(0.5, float("nan")) == "0.500"
    assert with_sd(0.5, 0.0123) == "0.500 ± 0.012"
    assert interval(-0.1, 0.25) == f"[{MINUS}0.100, 0.250]"
    assert interval(float("nan"), 0.25) == "undefined"
    assert spread(pd.Series([500.0, np.nan, 480.0])) == "480 to 500"
    assert spread(pd.Series([1500, 1500])) == "1,500"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "1.00"),
        (0.342, "0.34"),
        (0.1, "0.10"),
        (0.0421, "0.042"),
        (0.00423, "0.0042"),
        (0.001, "0.0010"),
        (3.14e-5, "3.1e-05"),
        (0.0, "< 1e-10"),
        (float("nan"), "undefined"),
    ],
)
def test_p_values_have_two_digits(p, text):
    assert p_text(p) == text


def test_tables_escape_what_their_format_reads():
    table = TextTable(["a|b", "x"], [["LRP_last", f"{MINUS}5 %"], ["", "**< 1**"]], ["50 %"], caption="C", blocks=[1])
    markdown = table.markdown().splitlines()
    assert markdown[0].startswith(r"| a\|b ")
    assert markdown[1].endswith(":|") or markdown[1].endswith(": |")
    assert markdown[3] == "|          | **< 1** |"
    assert markdown[-1] == "- 50 %"
    assert table.markdown(padded=False).splitlines()[3] == "|  | **< 1** |"
    latex = table.latex()
    assert r"LRP\_last & $-$5 \% \\" in latex
    assert r" & \textbf{$<$ 1} \\" in latex
    assert latex.count(r"\midrule") == 2
    assert r"50 \%" in latex


def test_every_score_looks_different():
    styles = [score_style(name) for name in SCORES]
    assert len({style.colour for style in styles}) == len({style.marker for style in styles}) == len(SCORES)
    assert score_style("new") == score_style("new")
    assert score_style("new").colour not in {style.colour for style in styles}


def test_scores_come_in_one_order():
    assert in_order(["random", "new", "attention", "lrp", "attention"]) == ["lrp", "attention", "random", "new"]


@pytest.mark.parametrize(
    ("command", "make", "rest"), [(section51, metrics_table, {}), (table1, curves_table, {"n": 20})]
)
@pytest.mark.parametrize("name", [None, "promoters"])
def test_published_numbers_follow_the_settings(tmp_path, published, command, make, rest, name):
    runs = write_task_tables(tmp_path / "in", make)
    outputs = [tmp_path / f"t.{ending}" for ending in ("csv", "md", "tex")]
    command(runs, published, *outputs, labels=TASKS, published_as={"promoters": None, "enhancers": name}, **rest)
    table = pd.read_csv(tmp_path / "t.csv")
    assert set(table.loc[table["published"].notna(), "task"]) == ({"enhancers"} if name else set())


def test_an_unknown_task_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(InputError, match="run promotors:1: no such task; did you mean 'promoters'?"):
        labelled([TaskRun.parse("promotors:1=t.csv")], TASKS)
    with pytest.raises(InputError, match="a run must be TASK:SEED=FILE, found 'promoters=t.csv'"):
        TaskRun.parse("promoters=t.csv")
    (tmp_path / "c.yaml").write_text("dnabert_lrp: {tasks: {enhancers: {classes: {positive: P, negative: N}}}}")
    words = ["dnabert-lrp", "relevance-logo", "scores.h5", "--example", "0", "--pdf", "l.pdf", "--png", "l.png"]
    words += ["--config", str(tmp_path / "c.yaml"), "--part", "class_names=dnabert_lrp/tasks/enhancer/classes"]
    with pytest.raises(InputError, match="did you mean 'dnabert_lrp/tasks/enhancers/classes'"):
        CliRunner().invoke(app, words, catch_exceptions=False)
