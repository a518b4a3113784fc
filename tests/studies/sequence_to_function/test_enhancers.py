"""Enhancer prioritisation: areas against scikit-learn, groups of distances, seeds, the figure."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import pdf_text
from sklearn.metrics import average_precision_score, roc_auc_score

from regulens.core.runs import Run
from regulens.studies.sequence_to_function.enhancers import (
    ALL,
    COLUMNS,
    PAIR_SCORES,
    distance_groups,
    enhancer_figure,
    enhancers,
)

BOUNDS = [0, 1000, 3000]
ORDER = ["lrp", "gradient_x_input", "random", "inverse_distance"]  # that of the bars
LABELS = {
    "gradient_x_input": "Gradient × input",
    "lrp": "LRP",
    "random": "Random",
    "inverse_distance": "1 / distance",
}


@pytest.fixture
def pairs():
    """40 promoters with five elements each: `gradient_x_input` knows the truth, `lrp` half of it."""
    rng = np.random.default_rng(0)
    rows = []
    for promoter in range(40):
        for element in range(5):
            regulated = bool(rng.random() < 0.3)
            scores = {
                "gradient_x_input": regulated + 0.1 * rng.random(),
                "lrp": regulated + 1.5 * rng.random(),
                "random": rng.random(),
                "inverse_distance": 1 / (400 * (element + 1)),
            }
            common = (f"r{promoter}", "chr1", 1000 * promoter, 400 * (element + 1), int(regulated))
            rows += [(*common, name, LABELS[name], score) for name, score in scores.items()]
    return pd.DataFrame(rows, columns=PAIR_SCORES)


@pytest.fixture
def written(pairs, tmp_path):
    runs = []
    for seed in (1, 2):
        pairs.to_csv(tmp_path / f"{seed}.csv", index=False)
        runs.append(Run("enformer", "Enformer", seed, tmp_path / f"{seed}.csv"))
    outputs = {name: tmp_path / f"enhancers.{name}" for name in ("csv", "md", "pdf", "png")}
    table = enhancers(runs, **outputs, distance_bounds_bp=BOUNDS, resamples=20, seed=1, data_note="Made up.")
    return table, outputs


def test_areas_are_those_of_scikit_learn(pairs, written):
    table, _ = written
    lrp = pairs[pairs["method"] == "lrp"]
    row = table[(table["method"] == "lrp") & (table["group"] == ALL)].iloc[0]
    assert row["auprc"] == pytest.approx(average_precision_score(lrp["regulated"], lrp["score"]))
    assert row["auroc"] == pytest.approx(roc_auc_score(lrp["regulated"], lrp["score"]))
    assert row["auprc_low"] < row["auprc"] < row["auprc_high"]
    assert (row["pairs"], row["promoters"], row["seeds"], row["auprc_sd"]) == (200, 40, 2, 0)


def test_what_knows_the_truth_is_best_and_methods_without_a_model_are_shown_once(written):
    table, _ = written
    whole = table[table["group"] == ALL].set_index("method")
    assert list(table.columns) == COLUMNS
    assert whole["auprc"]["gradient_x_input"] == 1
    assert whole["auprc"].idxmax() == "gradient_x_input"
    assert whole["model"]["inverse_distance"] == ""
    assert (table["method"] == "inverse_distance").sum() == 3  # all, and two groups of distances
    assert table["group"].unique().tolist() == [ALL, "0 to 1 kb", "1 kb to 3 kb"]


def test_gains_are_over_one_by_distance_on_the_same_draws_and_bold_where_they_are_sure(written):
    table, outputs = written
    whole = table[table["group"] == ALL].set_index("method")
    for area in ("auprc", "auroc"):
        expected = whole[area] - whole[area]["inverse_distance"]
        np.testing.assert_allclose(whole[f"{area}_gain"], expected)
        assert (whole.loc["inverse_distance", [f"{area}_gain_low", f"{area}_gain_high"]] == 0).all()
        assert whole[f"{area}_gain_low"]["gradient_x_input"] > 0.3 > 0 > whole[f"{area}_gain_low"]["random"]
    bold = [line.split("|")[2].strip() for line in outputs["md"].read_text().splitlines() if "**" in line]
    assert bold == ["Gradient × input", "LRP"]


def test_groups_of_distances_are_half_open():
    groups = distance_groups(pd.Series([0, 999, 1000, 2999, 3000]), BOUNDS)
    assert {name: mask.sum() for name, mask in groups.items()} == {ALL: 5, "0 to 1 kb": 2, "1 kb to 3 kb": 2}


def test_table_and_figure_name_what_they_show(written):
    _, outputs = written
    text = outputs["md"].read_text()
    assert "| No model | 1 / distance" in text
    assert "of 40 promoters" in text
    assert text.rstrip().endswith("- Made up.")
    shown = pdf_text(outputs["pdf"])
    for word in ("Enformer", "Average precision", "all distances", "Gradient × input", "1 / distance"):
        assert word in shown


def test_the_legend_has_the_methods_of_every_model(written):
    """The dilated CNN has no attention, which must not drop it from the legend."""
    table, _ = written
    first = table[(table["model"] == "enformer") & (table["method"] != "lrp")].assign(
        model="attpool_dilated", label="AttPoolDilate"
    )
    figure = enhancer_figure(pd.concat([first, table]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [LABELS[name] for name in ORDER]
