"""docs/add-a-score.md, followed word by word in a copy of the project."""

import pandas as pd
import pytest
from copies import blocks, copy_project, follow, run_in, tiny_relevance, uses_code_of, write_configuration
from figure_inputs import pdf_text

DOCUMENT = "docs/add-a-score.md"
NAME = "attention_gradient"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of a copy in which the page has been followed and its command has run."""
    project = copy_project(tmp_path_factory.mktemp("score") / "regulens")
    write_configuration(project / "config/demo.yaml", tiny_relevance())
    follow(DOCUMENT, project, project / "config/demo.yaml")
    assert uses_code_of(project)
    (make,) = (block.text for block in blocks(DOCUMENT, "bash"))
    run_in(project, project, make)
    return project / "results/demo/dnabert_lrp"


def test_the_new_score_has_its_rows(results):
    curves = pd.read_csv(results / "mutagenesis/promoters/seed1/curves.csv")
    rows = curves[curves["score"] == NAME]
    assert sorted(rows["n"].unique()) == [1, 5]
    assert rows["accuracy"].between(0, 1).all()
    truth = pd.read_csv(results / "truth.csv")
    assert truth.loc[truth["score"] == NAME, "auroc"].between(0, 1).all()
    assert NAME in set(truth["score"])
    assert "Attention x gradient" in (results / "truth.md").read_text()


def test_the_new_score_is_drawn(results):
    legend = pdf_text(results / "figure1.pdf")
    assert "Attention x gradient" in legend
    assert "Rollout" in legend
