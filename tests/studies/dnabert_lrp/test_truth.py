"""AUROC against planted positions: table, comparison with random, figure."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text
from score_inputs import SCORES, TASKS, truth_table, write_task_tables

from regulens.core.errors import InputError
from regulens.studies.dnabert_lrp.truth import COLUMNS, read_truth, to_markdown, truth, truth_figure, truth_means


@pytest.fixture
def runs(tmp_path):
    return write_task_tables(tmp_path / "truth", truth_table)


def change(run, score, **values):
    table = pd.read_csv(run.path)
    table.loc[table["score"] == score, list(values)] = list(values.values())
    table.to_csv(run.path, index=False)


def tables(runs, data_note=None):
    table = truth_means(read_truth(runs))
    return table, to_markdown(table, data_note)


def with_label(axes, name):
    return [artist for artist in axes.get_children() if artist.get_label() == name]


def test_above_random_compares_with_the_upper_limit(runs):
    change(runs[0], "random", low=0.48, high=0.52)
    change(runs[0], "rollout", auroc=0.519)
    change(runs[0], "gradcam", auroc=0.521)
    table, text = tables(runs, "Simulated promoters.")
    above = table[table["task"] == "promoters"].set_index("score")["above_random"]
    assert (above["rollout"], above["gradcam"], above["random"]) == ("no", "yes", "")
    shown = {auroc: [line for line in text.splitlines() if auroc in line] for auroc in ("0.519", "0.521")}
    random = table[(table["task"] == "promoters") & (table["score"] == "random")]["auroc"].iloc[0]
    assert shown["0.519"][0].split("|")[-2].strip() == f"{0.519 - random:+.3f}"
    assert shown["0.521"][0].split("|")[-2].strip() == f"**{0.521 - random:+.3f}**"
    assert "- Simulated promoters." in text


def test_rows_are_sorted_by_auroc_within_a_task(runs):
    table, _ = tables(runs)
    assert list(dict.fromkeys(table["task"])) == list(TASKS)
    for _, part in table.groupby("task"):
        assert list(part["auroc"]) == sorted(part["auroc"], reverse=True)
        assert set(part["score"]) == set(SCORES)


def test_seeds_are_averaged(tmp_path):
    runs = write_task_tables(tmp_path / "t", truth_table, (1, 2, 3), {"promoters": "Promoters"})
    values = [pd.read_csv(run.path).set_index("score").loc["lrp"] for run in runs]
    row = truth_means(read_truth(runs)).set_index("score").loc["lrp"]
    assert row["auroc"] == pytest.approx(np.mean([value["auroc"] for value in values]))
    assert row["sd"] == pytest.approx(np.std([value["auroc"] for value in values], ddof=1))
    assert row["high"] == pytest.approx(np.mean([value["high"] for value in values]))
    _, text = tables(runs)
    assert " ± " in text
    assert "3 models" in text


def test_dots_intervals_and_band_are_drawn_at_their_values(runs):
    change(runs[1], "random", low=0.48, high=0.53)
    table = read_truth(runs)
    figure = truth_figure(table)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) == len(SCORES) - 1
    assert names[0] == "LRP"
    for axes, task in zip(figure.axes, TASKS, strict=True):
        rows = table[table["task"] == task].set_index("score")
        for score in SCORES[:-1]:
            (dot,) = with_label(axes, score)
            assert dot.get_xdata()[0] == pytest.approx(rows.loc[score, "auroc"])
            (bar,) = [line for line in axes.lines if list(line.get_ydata()) == [dot.get_ydata()[0]] * 2]
            np.testing.assert_allclose(bar.get_xdata(), rows.loc[score, ["low", "high"]].astype(float))
        (band,) = with_label(axes, "band")
        assert band.get_x() == pytest.approx(rows.loc["random", "low"])
        assert band.get_x() + band.get_width() == pytest.approx(rows.loc["random", "high"])


def test_seeds_are_small_dots(tmp_path):
    runs = write_task_tables(tmp_path / "t", truth_table, (1, 2, 3), {"promoters": "Promoters"})
    table = read_truth(runs)
    axes = truth_figure(table).axes[0]
    values = np.sort(table.loc[table["score"] == "attention", "auroc"])
    assert any(len(line.get_xdata()) == 3 and np.allclose(np.sort(line.get_xdata()), values) for line in axes.lines)
    assert axes.get_title() == "Promoters (mean of 3 seeds)"


@pytest.mark.parametrize("tasks", [{"promoters": "Promoters"}, TASKS])
@pytest.mark.parametrize("centre", [0.5, 0.65])
def test_text_is_readable_wherever_the_band_is(tmp_path, tasks, centre):
    runs = write_task_tables(tmp_path / "t", truth_table, (1, 2), tasks)
    for run in runs:
        change(run, "random", auroc=centre, low=centre - 0.01, high=centre + 0.01)
    check_text(truth_figure(read_truth(runs)))


def test_a_score_that_one_task_lacks_leaves_its_row_empty(runs):
    table = pd.read_csv(runs[1].path)
    table[table["score"] != "gradcam"].to_csv(runs[1].path, index=False)
    figure = truth_figure(read_truth(runs))
    assert [len(with_label(axes, "gradcam")) for axes in figure.axes] == [1, 0]


def test_files_hold_table_and_text(runs, tmp_path):
    table = truth(runs, *(tmp_path / f"t.{ending}" for ending in ("csv", "md", "pdf", "png")), data_note="Simulated.")
    read = pd.read_csv(tmp_path / "t.csv")
    assert list(read.columns) == COLUMNS
    np.testing.assert_allclose(read["auroc"], table["auroc"], rtol=1e-5)
    assert (tmp_path / "t.md").read_text().endswith("- Simulated.\n")
    assert "AUROC of known sites" in pdf_text(tmp_path / "t.pdf")
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")


def test_without_random_there_is_nothing_to_compare_with(runs):
    table = pd.read_csv(runs[1].path)
    table[table["score"] != "random"].to_csv(runs[1].path, index=False)
    with pytest.raises(InputError, match=f"{runs[1].path}: no row random"):
        read_truth(runs)
