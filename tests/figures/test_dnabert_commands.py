"""What the commands of the DNABERT study read from their settings: the paper's tasks, and names that are not there."""

import pandas as pd
import pytest
from click.testing import CliRunner
from score_inputs import TASKS, curves_table, metrics_table, write_task_tables

from regulens.cli import app
from regulens.core.errors import InputError
from regulens.core.runs import TaskRun, labelled
from regulens.motifs.tomtom import HIT_COLUMNS
from regulens.studies.dnabert_lrp.section51 import section51
from regulens.studies.dnabert_lrp.section53 import section53
from regulens.studies.dnabert_lrp.table1 import table1


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


@pytest.fixture
def motifs(tmp_path):
    """Folder with the motifs of one score, and the annotation of the targets."""
    (tmp_path / "lrp").mkdir()
    (tmp_path / "lrp/motifs.csv").write_text("motif,instances\na,5\n")
    facts = {"engine": "memelite", "version": "0.5.0", "distance": "ed", "q_value_method": "BH", "max_q_value": "0.1"}
    lines = [f"# {key}: {value}" for key, value in (facts | {"targets": "J", "queries": "1"}).items()]
    rows = ["\t".join(HIT_COLUMNS), "\t".join(map(str, ("a", "M1", 1e-4, 3e-4, 0.02, 8, 0, "+", "A", "A")))]
    (tmp_path / "lrp/tomtom.tsv").write_text("\n".join([*lines, *rows, ""]))
    (tmp_path / "targets.tsv").write_text("matrix_id\tname\ttf_class\ttf_family\nM1\tSP1\tC2H2\tKrueppel\n")
    return tmp_path


@pytest.mark.parametrize(("name", "expected"), [("promoters", ["Homeo domain factors"]), (None, [""])])
def test_published_classes_follow_the_settings(motifs, published, name, expected):
    outputs = motifs / "t.csv", motifs / "t.md"
    section53(motifs, "promoters", motifs / "targets.tsv", published, *outputs, ["lrp"], published_as=name)
    assert pd.read_csv(outputs[0], keep_default_na=False)["published_class"].tolist() == expected


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
