"""docs/add-a-model.md, followed word by word in a copy of the project."""

import shutil

import pandas as pd
import pytest
from copies import blocks, finished_rules, follow, run_in, tiny_assay, uses_code_of, write_configuration

DOCUMENT = "docs/add-a-model.md"


@pytest.fixture(scope="module")
def followed(imported, tmp_path_factory):
    """A copy with the results of a finished run, in which the page has been followed and its commands have run."""
    project = tmp_path_factory.mktemp("model") / "regulens"
    shutil.copytree(imported.project, project)
    for part in ("results", ".snakemake"):
        shutil.copytree(imported.folder / part, project / part)
    write_configuration(project / "config/demo.yaml", tiny_assay())
    follow(DOCUMENT, project, project / "config/demo.yaml")
    assert uses_code_of(project)
    look, make = (block.text for block in blocks(DOCUMENT, "bash"))
    return project, run_in(project, project, look), run_in(project, project, make)


def test_the_new_model_has_its_row(followed):
    project, look, _ = followed
    table = pd.read_csv(project / "results/demo/genomic_interpreter/table1.csv")
    assert list(table["model"].unique()) == ["maxpool_cnn", "enformer", "strided_cnn", "mean", "gc_cpg_ridge"]
    rows = table[table["model"] == "strided_cnn"]
    assert list(rows["label"].unique()) == ["StridedCNNs"]
    assert rows["pearson"].between(-1, 1).any()
    assert "output (1, 80, 3)" in look.stdout


def test_nothing_else_is_trained_again(followed):
    _, _, make = followed
    assert sorted(finished_rules(make)) == ["genomic_interpreter_table1", "pearson", "predict", "train_assay_model"]


def test_its_keys_are_checked_and_documented(followed):
    """The settings class is all that schema and key table need."""
    project, _, _ = followed
    run_in(project, project, "regulens schema --write")
    assert "### `settings` of architecture `strided_cnn`" in (project / "config/README.md").read_text()
