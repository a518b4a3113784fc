"""Ablations: means over seeds, differences from the base with intervals, questions that share the base."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import pdf_text
from scipy.stats import ttest_ind

from regulens.core.runs import Run
from regulens.studies.sequence_to_function.ablations import COLUMNS, ablations

QUESTIONS = {"Positions": ["none"], "Depth": ["deep", "none"]}
R = {"base": [0.60, 0.62, 0.61], "none": [0.40, 0.45, 0.41], "deep": [0.61, 0.63, 0.60]}


@pytest.fixture
def written(tmp_path):
    runs = []
    for model, values in R.items():
        for seed, value in enumerate(values, 1):
            path = tmp_path / f"{model}{seed}.csv"
            pearson = [value + 0.1, value + 0.1, value - 0.2]
            frame = {"track": range(3), "identifier": list("abc"), "description": ["DNASE:a", "DNASE:b", "CAGE:c"]}
            frame |= {"group": ["DNase", "DNase", "CAGE"], "pearson": pearson, "constant": ""}
            pd.DataFrame(frame).to_csv(path, index=False)
            runs.append(Run(model, f"Model {model}", seed, path))
    outputs = {name: tmp_path / f"ablations.{name}" for name in ("csv", "md", "pdf", "png")}
    groups = {"DNase": ["DNASE"], "CAGE": ["CAGE"]}
    return ablations(runs, **outputs, base="base", questions=QUESTIONS, groups=groups), outputs


def test_means_and_differences_over_seeds(written):
    table, _ = written
    assert list(table.columns) == COLUMNS
    row = table.set_index(["question", "model", "group"]).loc["Positions", "none", "Overall"]
    assert row["pearson"] == pytest.approx(np.mean(R["none"]))
    assert row["sd"] == pytest.approx(np.std(R["none"], ddof=1))
    assert row["difference"] == pytest.approx(np.mean(R["none"]) - np.mean(R["base"]))
    expected = ttest_ind(R["none"], R["base"], equal_var=False).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))


def test_every_question_begins_with_the_base(written):
    table, _ = written
    for _, part in table.groupby("question"):
        assert part["model"].iloc[0] == "base"
        assert (part.loc[part["model"] == "base", "difference"] == 0).all()
    assert table[["question", "model"]].drop_duplicates().shape[0] == 5
    assert table["group"].unique().tolist() == ["DNase", "CAGE", "Overall"]


def test_table_and_figure(written):
    _, outputs = written
    assert "| Positions | Model base" in outputs["md"].read_text()
    shown = pdf_text(outputs["pdf"])
    for word in ("Positions", "Depth", "Model deep", "Overall", "Mean Pearson correlation"):
        assert word in shown
