"""Figures 1 and 2 of the DNABERT study: what is drawn where, and that it can be read."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text
from matplotlib.colors import to_hex
from score_inputs import CLASS_NAMES, MUTATIONS, SCORES, curves_table, write_task_tables

from regulens.core.errors import InputError
from regulens.plotting.style import score_style
from regulens.studies.dnabert_lrp.figure1 import figure1
from regulens.studies.dnabert_lrp.mutagenesis_curves import curves_figure, spread_labels
from regulens.studies.dnabert_lrp.table1 import read_curves


@pytest.fixture
def curves(tmp_path):
    return read_curves(write_task_tables(tmp_path / "curves", curves_table))


def with_label(figure, name):
    return [artist for axes in figure.axes for artist in axes.get_children() if artist.get_label() == name]


def part(curves, task, label, score):
    rows = curves[(curves["task"] == task) & (curves["label"] == label) & (curves["score"] == score)]
    return rows.sort_values("n")


def main_axes(figure):
    """The axes with curves, one a task."""
    return [axes for axes in figure.axes if any(line.get_label() == "lrp" for line in axes.lines)]


@pytest.mark.parametrize("label", [0, 1])
def test_every_score_is_a_line_from_the_unmutated_accuracy(curves, label):
    figure = curves_figure(curves, label, CLASS_NAMES)
    for axes, task in zip(main_axes(figure), ["promoters", "enhancers"], strict=True):
        start = part(curves, task, label, "unmutated")["accuracy"].iloc[0]
        for score in SCORES:
            (line,) = [line for line in axes.lines if line.get_label() == score]
            expected = [start, *part(curves, task, label, score)["accuracy"]]
            np.testing.assert_allclose(line.get_ydata(), expected)
            assert np.abs(line.get_xdata() - [0, *MUTATIONS]).max() < 0.7
            assert to_hex(line.get_color()) == score_style(score).colour.lower()


def test_random_stands_at_its_n_with_the_band_of_its_draws(curves):
    figure = curves_figure(curves, 1)
    lines = with_label(figure, "random")
    np.testing.assert_array_equal(lines[0].get_xdata(), [0, *MUTATIONS])
    band = with_label(figure, "band")[0].get_paths()[0].vertices
    rows = part(curves, "promoters", 1, "random")
    for n, low, high in zip(rows["n"], rows["draw_low"], rows["draw_high"], strict=True):
        at_n = band[band[:, 0] == n, 1]
        assert at_n.min() == pytest.approx(low)
        assert at_n.max() == pytest.approx(high)


def test_bars_are_the_intervals(curves):
    axes = main_axes(curves_figure(curves, 1))[1]
    colour = score_style("gradcam").colour.lower()
    (bars,) = [c for c in axes.collections if c.get_label() != "band" and to_hex(c.get_color()[0]) == colour]
    limits = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(limits, part(curves, "enhancers", 1, "gradcam")[["low", "high"]])


def test_markers_of_different_scores_do_not_share_a_place(curves):
    axes = main_axes(curves_figure(curves, 1))[0]
    x = {line.get_label(): line.get_xdata()[-1] for line in axes.lines if line.get_label() in SCORES}
    assert len({round(value, 6) for value in x.values()}) == len(SCORES) - 1 + (
        x["random"] not in list(x.values())[:-1]
    )


def test_random_sequences_are_a_dashed_line_and_cut_off_when_far(curves):
    figure = curves_figure(curves, 1)
    far, near = with_label(figure, "random_sequence")
    assert far.get_ydata()[0] == pytest.approx(0.31)
    assert near.get_ydata()[0] == pytest.approx(0.47)
    promoters, enhancers = main_axes(figure)
    assert far.axes is not promoters
    assert near.axes is enhancers
    assert promoters.get_ylim()[0] > 0.6
    assert far.axes.get_xlabel() == "Mutated bases, n"
    for axes in (promoters, far.axes):
        low, high = axes.get_ylim()
        data = np.concatenate(
            [np.atleast_1d(line.get_ydata()) for line in axes.lines if line.get_label() in SCORES] or [[0.31]]
        )
        assert low < data.min() <= data.max() < high


def test_random_sequences_above_the_curves_are_cut_off_above(curves):
    curves.loc[(curves["score"] == "random_sequence") & (curves["label"] == 0), "accuracy"] = 1.3
    figure = curves_figure(curves, 0, CLASS_NAMES)
    for line, axes in zip(with_label(figure, "random_sequence"), main_axes(figure), strict=True):
        assert line.axes.get_position().y0 > axes.get_position().y1
        assert axes.get_xlabel() == "Mutated bases, n"
        assert line.axes.get_title(loc="left").startswith(("Promoters", "Enhancers"))
    check_text(figure)


def test_titles_name_task_and_class_and_seeds(tmp_path, curves):
    assert [axes.get_title(loc="left") for axes in main_axes(curves_figure(curves, 0, CLASS_NAMES))] == [
        "Promoters: Non-promoter",
        "Enhancers: Non-enhancer",
    ]
    three = read_curves(write_task_tables(tmp_path / "three", curves_table, (1, 2, 3)))
    assert main_axes(curves_figure(three, 1))[0].get_title(loc="left") == "Promoters: positive (mean of 3 seeds)"


def test_several_seeds_are_averaged_and_shown_as_dots(tmp_path):
    curves = read_curves(write_task_tables(tmp_path / "three", curves_table, (1, 2, 3)))
    axes = main_axes(curves_figure(curves, 1))[0]
    rows = part(curves, "promoters", 1, "lrp")
    (line,) = [line for line in axes.lines if line.get_label() == "lrp"]
    np.testing.assert_allclose(line.get_ydata()[1:], rows.groupby("n")["accuracy"].mean())
    dots = [line for line in axes.lines if len(line.get_ydata()) == len(rows) == 15]
    assert any(np.allclose(np.sort(dot.get_ydata()), np.sort(rows["accuracy"])) for dot in dots)


def test_spread_labels_keep_order_and_distance_and_stay_near():
    values = np.array([0.5, 0.1, 0.11, 0.9, 0.12])
    places = spread_labels(values, 0.1, 0.0, 1.0)
    order = np.argsort(values)
    assert (np.diff(places[order]) > 0.1 - 1e-9).all()
    assert places[0] == pytest.approx(0.5)
    assert places[3] == pytest.approx(0.9)
    np.testing.assert_allclose(places[[1, 2, 4]], [0.01, 0.11, 0.21])
    crowded = spread_labels(np.full(4, 0.98), 0.1, 0.0, 1.0)
    assert crowded.max() == pytest.approx(1.0)
    np.testing.assert_allclose(np.sort(crowded), [0.7, 0.8, 0.9, 1.0])
    assert spread_labels(np.array([0.01, 0.0]), 0.1, 0.0, 1.0).min() == 0


@pytest.mark.parametrize(("count", "seeds"), [(1, (1,)), (2, (1, 2, 3)), (3, (1,))])
def test_text_is_readable(tmp_path, seeds, count):
    tasks = {"promoters": "Promoters", "enhancers": "Enhancers", "silencers": "Silencers"}
    tasks = dict(list(tasks.items())[:count])
    figure = curves_figure(read_curves(write_task_tables(tmp_path / "c", curves_table, seeds, tasks)), 1, CLASS_NAMES)
    assert len(main_axes(figure)) == count
    check_text(figure)


def test_lines_that_end_together_and_other_numbers_of_mutations_are_readable(tmp_path):
    curves = read_curves(write_task_tables(tmp_path / "c", curves_table, mutations=[1, 2, 3, 4, 50]))
    is_score = curves["score"].isin(SCORES)
    curves.loc[is_score, ["accuracy", "low", "high"]] = [0.8, 0.77, 0.83]
    figure = curves_figure(curves, 1, CLASS_NAMES)
    check_text(figure)


def test_without_random_sequences_or_random_the_rest_is_drawn(tmp_path, curves):
    rest = curves[~curves["score"].isin(["random", "random_sequence"])]
    figure = curves_figure(rest, 1, CLASS_NAMES)
    assert len(with_label(figure, "lrp")) == 2
    assert not with_label(figure, "band")
    check_text(figure)


def test_a_class_that_is_not_there_is_an_error(curves):
    with pytest.raises(InputError, match="class negative is not in the tables"):
        curves_figure(curves[curves["label"] == 1], 0)


def test_a_table_without_a_column_is_named(tmp_path):
    runs = write_task_tables(tmp_path / "curves", curves_table)
    pd.read_csv(runs[0].path).drop(columns="draw_low").to_csv(runs[0].path, index=False)
    with pytest.raises(InputError, match=f"{runs[0].path}: column draw_low is missing"):
        figure1(runs, tmp_path / "f.pdf", tmp_path / "f.png")
