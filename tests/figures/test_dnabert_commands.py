"""What the commands of the DNABERT study read from their settings: the paper's tasks, and names that are not there."""

import json

import pandas as pd
import pytest
from score_inputs import CLASS_NAMES, TASKS, curves_table, metrics_table, write_task_tables

from regulens.cli import dnabert_lrp, dnabert_lrp_figures
from regulens.core.errors import InputError
from regulens.motifs.tomtom import HIT_COLUMNS


def settings(published=None, **rest):
    """Settings of the tasks of `TASKS`; ``published`` of those that it names."""
    published = published or {}
    tasks = {name: {"label": label, "classes": CLASS_NAMES[name]} for name, label in TASKS.items()}
    tasks = {
        name: entry | ({"published": published[name]} if name in published else {}) for name, entry in tasks.items()
    }
    return json.dumps({"tasks": tasks, "data_note": None, **rest})


@pytest.mark.parametrize(
    ("command", "make", "rest"),
    [
        (dnabert_lrp.section51, metrics_table, {"reference_k": 4}),
        (dnabert_lrp.table1, curves_table, {"mutations": [1, 20]}),
    ],
)
@pytest.mark.parametrize("name", [None, "promoters"])
def test_published_numbers_follow_the_settings(tmp_path, published, command, make, rest, name):
    runs = [f"{run.task}:{run.seed}={run.path}" for run in write_task_tables(tmp_path / "in", make)]
    text = settings({"promoters": None, "enhancers": name}, **rest)
    command(runs, published, text, tmp_path / "t.csv", tmp_path / "t.md", tmp_path / "t.tex")
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


def section53(folder, published, text, task="promoters"):
    outputs = folder / "t.csv", folder / "t.md"
    dnabert_lrp.section53(folder, task, folder / "targets.tsv", published, text, *outputs)
    return pd.read_csv(outputs[0], keep_default_na=False)["published_class"].tolist()


def test_published_classes_follow_the_settings(motifs, published):
    named = settings({"promoters": "promoters"}, scores=["lrp"])
    assert section53(motifs, published, named) == ["Homeo domain factors"]
    assert section53(motifs, published, settings(scores=["lrp"])) == [""]
    assert section53(motifs, published, json.dumps({"scores": ["lrp"], "data_note": None})) == [""]


def test_an_unknown_task_is_answered_with_the_nearest(motifs, published, tmp_path):
    with pytest.raises(InputError, match="--task promotors: no such task; did you mean 'promoters'?"):
        section53(motifs, published, settings(scores=["lrp"]), task="promotors")
    text, outputs = settings(scores=["lrp"], span_bp=None), (tmp_path / "l.pdf", tmp_path / "l.png")
    with pytest.raises(InputError, match="--task enhancer: no such task; did you mean 'enhancers'?"):
        dnabert_lrp_figures.relevance_logo(tmp_path / "scores.h5", "enhancer", 0, text, *outputs)
