"""Another workflow imports this one through `module:` and builds on its results."""

from collections import Counter

import pandas as pd

TRAINED = ["maxpool_cnn", "enformer"]


def test_a_few_lines_make_table_1_with_prefixed_rules(imported):
    table = pd.read_csv(imported.folder / "report.csv")
    assert list(table["model"].unique()) == [*TRAINED, "mean", "gc_cpg_ridge"]
    assert table.loc[table["model"].isin(TRAINED), "pearson"].notna().any()
    jobs = Counter(imported.rules)
    assert jobs["report"] == jobs["genomic_interpreter_table1"] == 1
    assert jobs["train_main_model"] == jobs["train_assay_model"] == 1
    assert "regulens_train_main_model" in imported.output


def test_everything_lands_in_the_folder_of_the_importing_workflow(imported):
    """Nothing is written to the imported project, and its folders are found from where the other workflow runs."""
    assert (imported.folder / "results/demo/genomic_interpreter/table1.tex").exists()
    assert (imported.folder / "results/demo/logs/genomic_interpreter/models/maxpool_cnn/seed1/model.ckpt.log").exists()
    assert not list(imported.project.glob("results*"))


def test_environments_are_given_the_code_that_parses_the_workflow(imported):
    assert f"The environments are given {imported.project}\n" in imported.output
