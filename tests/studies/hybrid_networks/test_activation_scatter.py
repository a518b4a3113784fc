"""Scatter of two activations (Figures 2 and 3): points, bars, limits, rows that are not configured."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text
from hybrid_inputs import paper_architectures, results_table

from regulens.core.errors import InputError
from regulens.plotting.style import activation_style, combination, marker_size, modules_style
from regulens.studies.hybrid_networks.activation_scatter import (
    activation_scatter,
    axis_limits,
    by_activation,
    read_results,
)
from regulens.studies.hybrid_networks.figure2 import METRICS as TASK1
from regulens.studies.hybrid_networks.figure3 import METRICS as TASK2


@pytest.fixture(scope="module")
def task1(tmp_path_factory):
    """Table of task 1, on disk."""
    path = tmp_path_factory.mktemp("tables") / "task1.csv"
    results_table("task1", 3, 10, 0.004).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def figure(task1):
    """Figure 2 of that table."""
    return activation_scatter(read_results(task1, TASK1), TASK1)


def panels(figure, columns=3):
    """Axes as rows (baselines) of columns (metrics)."""
    return np.array(figure.axes).reshape(3, columns)


def drawn(axes) -> dict[str, tuple]:
    """Label of a point to x, y, half lengths of the horizontal and vertical bar, marker."""
    found = {}
    for container in axes.containers:
        line, _, (horizontal, vertical) = container
        x, y = line.get_xdata()[0], line.get_ydata()[0]
        wide = np.ptp(horizontal.get_segments()[0][:, 0]) / 2
        high = np.ptp(vertical.get_segments()[0][:, 1]) / 2
        found[container.get_label()] = (x, y, wide, high, line.get_marker())
    return found


def test_the_names_of_combinations_are_the_papers():
    names = {design.label: combination(design.modules) for design in paper_architectures().values()}
    assert names["C24"] == names["C4-LSTM"] == ""
    assert names["C4C6-Att"] == names["C4-LSTM-Att"] == "Att"
    assert names["C24-LSTM-Trans2"] == "LSTM-Trans2"
    assert names["C4-LSTM-Trans4"] == "Trans4"
    assert combination(["transformer", "lstm", "transformer", "transformer"]) == "Trans1-LSTM-Trans2"


def test_markers_are_the_papers_and_the_lstm_of_a_baseline_changes_none():
    labels = [f"C24{end}" for end in ("", "-Att", "-LSTM-Att", "-LSTM-Trans1", "-LSTM-Trans2", "-LSTM-Trans4")]
    styles = {design.label: modules_style(design.modules) for design in paper_architectures().values()}
    assert [styles[label].marker for label in labels] == list("o^sP*D")
    assert styles["C4-LSTM-Trans2"] == styles["C4C6-LSTM-Trans2"]
    others = [modules_style(m) for m in (["lstm"], ["transformer"] * 3, ["attention", "lstm"])]
    assert len({style.marker for style in others} | set("o^sP*D")) == 9
    assert all(marker_size(style.marker) > 3 for style in others)


def test_an_unknown_activation_keeps_its_name():
    assert activation_style("softplus").label == "softplus"
    assert activation_style("relu").colour != activation_style("exponential").colour


def test_points_have_relu_on_x_and_the_bars_of_their_own_axis(task1, figure):
    table = pd.read_csv(task1).set_index(["label", "activation", "metric"])
    grid = panels(figure)
    for row, baseline, count in zip(grid, ("C24", "C4C6", "C4-LSTM"), (6, 6, 5), strict=True):
        for axes, metric in zip(row, TASK1, strict=True):
            points = drawn(axes)
            assert len(points) == count
            assert all(label.startswith(baseline) for label in points)
            for label, (x, y, wide, high, _) in points.items():
                relu, exponential = (table.loc[label, a, metric.name] for a in ("relu", "exponential"))
                assert (x, y) == pytest.approx((relu["mean"], exponential["mean"]))
                # not swapped: docs/papers.md, "error-bars"
                assert (wide, high) == pytest.approx((relu["sd"], exponential["sd"]))
    assert [point[-1] for point in drawn(grid[2, 0]).values()] == list("o^P*D")


def test_figure2_by_hand(figure):
    """C4C6-Att: TPR .458 with ReLU and .917 with exponential activations, as published (here .004 more)."""
    point = drawn(panels(figure)[1, 1])["C4C6-Att"]
    assert point[:2] == pytest.approx((0.462, 0.921))


def test_published_points_are_open_and_apart(figure):
    axes = panels(figure)[1, 1]
    line = next(line for line in axes.lines if line.get_label() == "published C4C6-Att")
    assert (line.get_xdata()[0], line.get_ydata()[0]) == pytest.approx((0.458, 0.917))
    assert line.get_markerfacecolor() == "none"


def test_without_published_numbers_there_are_no_open_points(task1):
    figure = activation_scatter(read_results(task1, TASK1).assign(published=np.nan), TASK1[:1])
    assert not any(str(line.get_label()).startswith("published") for axes in figure.axes for line in axes.lines)
    assert "published mean" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_points_above_the_diagonal_are_counted(figure):
    grid = panels(figure)
    notes = [[axes.texts[0].get_text() for axes in row] for row in grid]
    assert notes[0][1] == "above the line: 0 of 6"  # ReLU has the higher TPR with C24
    assert notes[1][1] == "above the line: 6 of 6"
    assert notes[2][0] == "above the line: 4 of 5"


def test_columns_share_their_limits_and_hold_everything_drawn(figure):
    grid = panels(figure)
    for column in grid.T:
        assert len({axes.get_xlim() for axes in column} | {axes.get_ylim() for axes in column}) == 1
        low, high = column[0].get_xlim()
        for axes in column:
            for x, y, wide, tall, _ in drawn(axes).values():
                assert low <= min(x - wide, y - tall)
                assert max(x + wide, y + tall) <= high


def points(x, y, sd=0.0, published=np.nan):
    return pd.DataFrame({"x": [x], "y": y, "x_sd": sd, "y_sd": sd, "x_published": published, "y_published": published})


@pytest.mark.parametrize(
    ("table", "limits"),
    [
        (points(0.7, 0.9), (0.62, 1)),
        (points(0.7, np.nan), (0.62, 1)),
        (points(np.nan, 0.1), (0.62, 1)),  # not drawn
        (points(0.3, 0.9), (0.279, 1)),
        (points(0.7, 0.9, sd=0.2), (0.482, 1.118)),
        (points(0.7, 0.9, sd=np.nan), (0.62, 1)),
        (points(0.7, 0.9, published=0.4), (0.382, 1)),
    ],
)
def test_limits_are_the_papers_until_something_lies_outside(table, limits):
    assert axis_limits(table, (0.62, 1.0)) == pytest.approx(limits)


def test_baselines_without_a_model_have_no_row_and_are_named(task1, tmp_path):
    table = pd.read_csv(task1)
    table[table["architecture"] == "c4c6_att"].to_csv(tmp_path / "one.csv", index=False)
    figure = activation_scatter(read_results(tmp_path / "one.csv", TASK1), TASK1)
    assert len(figure.axes) == 3
    assert list(drawn(figure.axes[0])) == ["C4C6-Att"]
    assert "not run: networks on C24, C4-LSTM" in [text.get_text() for text in figure.legends[0].get_texts()]
    check_text(figure)


def test_points_without_both_numbers_are_counted_and_one_activation_is_no_crash(task1, tmp_path):
    table = read_results(task1, TASK1)
    lost = (table["architecture"] == "c24_att") & (table["metric"] == "tpr") & (table["activation"] == "relu")
    table.loc[lost, "mean"] = np.nan
    grid = panels(activation_scatter(table, TASK1[:2]), 2)
    assert grid[0, 1].texts[0].get_text() == "above the line: 0 of 5; not drawn: 1"
    assert "C24-Att" not in drawn(grid[0, 1])
    assert "C24-Att" in drawn(grid[0, 0])
    alone = activation_scatter(table[table["activation"] == "relu"], TASK1[:1])
    assert panels(alone, 1)[1, 0].texts[0].get_text() == "no model with numbers\nfor both activations"


def key(table) -> str:
    figure = activation_scatter(table, TASK1[:1])
    return figure.legends[0].get_texts()[0].get_text()


def test_the_key_tells_how_many_trials(task1):
    table = read_results(task1, TASK1)
    assert key(table) == "mean ± s.d. over the best 3 of 10 trials"
    table.loc[table["architecture"] == "c24", "n_kept"] = 2
    assert key(table) == "mean ± s.d. over the best 2 to 3 of 10 trials"
    table.loc[table["architecture"] == "c24", "n_kept"] = 0  # all diverged
    assert key(table) == "mean ± s.d. over the best 3 of 10 trials"
    assert key(table.assign(n_kept=5, n_trials=5)) == "mean ± s.d. over 5 trials"
    assert key(table.assign(n_kept=1, n_trials=1)) == "value of the one trial"
    assert key(table.assign(n_kept=1, n_trials=4)) == "value of the best of 4 trials"


def test_paired_keeps_the_order_and_takes_infinity_for_undefined(task1):
    table = read_results(task1, TASK1)
    table.loc[table.index[0], "mean"] = np.inf
    rows = by_activation(table, "aupr")
    assert list(rows.index) == list(paper_architectures())
    assert np.isnan(rows.loc["c24", "x"])
    assert rows.loc["c24", "y"] == pytest.approx(0.908)


def test_text_is_readable(figure, tmp_path):
    check_text(figure)
    results_table("task2", 3, 10, 0.01).to_csv(tmp_path / "t.csv", index=False)
    check_text(activation_scatter(read_results(tmp_path / "t.csv", TASK2), TASK2))


def test_a_missing_column_is_named(task1, tmp_path):
    pd.read_csv(task1).drop(columns="sd").to_csv(tmp_path / "sd.csv", index=False)
    with pytest.raises(InputError, match="sd.csv: column sd is missing"):
        read_results(tmp_path / "sd.csv", TASK1)
