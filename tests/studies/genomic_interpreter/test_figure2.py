"""Figure 2: points, means, limits, order of the panels."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text, write_runs
from matplotlib.colors import to_hex

from regulens.core.errors import InputError
from regulens.core.tables import read_correlations
from regulens.plotting.style import model_colour
from regulens.studies.genomic_interpreter.figure2 import correlation_figure, figure2, shared_limits
from regulens.studies.genomic_interpreter.table1 import table1

REFERENCES = ["maxpool_cnn", "attpool_cnn", "attpool_dilated", "enformer"]


def panels(figure):
    """Axes as rows (references) of columns (groups)."""
    return np.array(figure.axes).reshape(4, -1)


def labelled(axes, label):
    return next(artist for artist in axes.get_children() if artist.get_label() == label)


def test_one_panel_for_every_reference_and_group(runs):
    figure = correlation_figure(read_correlations(runs), "swin1d")
    grid = panels(figure)
    assert grid.shape == (4, 3)
    assert [axes.get_title() for axes in grid[0]] == ["DNase", "ChIP", "CAGE"]
    labels = [row[0].get_xlabel().split(",")[0] for row in grid]
    assert labels == ["MaxPoolCNNs", "AttPoolCNNs", "AttPoolDilate", "Enformer"]
    assert all(axes.get_ylabel().startswith("1D-Swin, ") for axes in grid.ravel())


def test_points_are_the_tracks_averaged_over_seeds(runs):
    table = read_correlations(runs)
    figure = correlation_figure(table, "swin1d")
    for row, other in zip(panels(figure), REFERENCES, strict=True):
        for axes, (group, size) in zip(row, {"DNase": 4, "ChIP": 8, "CAGE": 4}.items(), strict=True):
            points = np.asarray(labelled(axes, "tracks").get_offsets())
            assert len(points) == size  # one DNase track is constant
            part = table[table["group"] == group]
            for column, model in enumerate((other, "swin1d")):
                of_model = part[part["model"] == model].dropna(subset="pearson")
                expected = of_model.groupby("track")["pearson"].mean()
                np.testing.assert_allclose(np.sort(points[:, column]), np.sort(expected))


def test_means_on_the_axes_are_those_of_table_1(runs, published, tmp_path):
    outputs = [tmp_path / name for name in ("t.csv", "t.md", "t.tex")]
    means = table1(runs, published, *outputs).set_index(["model", "group"])["pearson"]
    figure = correlation_figure(read_correlations(runs), "swin1d")
    for row, other in zip(panels(figure), REFERENCES, strict=True):
        for axes, group in zip(row, ["DNase", "ChIP", "CAGE"], strict=True):
            x, y = means[other, group], means["swin1d", group]
            assert axes.get_xlabel().endswith(f"mean r {x:.3f}")
            assert axes.get_ylabel().endswith(f"mean r {y:.3f}")
            assert labelled(axes, "mean x").get_xdata()[0] == pytest.approx(x)
            assert labelled(axes, "mean y").get_ydata()[0] == pytest.approx(y)


def test_share_above_the_line_is_counted(runs):
    table = read_correlations(runs)
    table.loc[table["model"] == "swin1d", "pearson"] = 0.3
    table.loc[table["model"] == "enformer", "pearson"] = 0.4
    axes = panels(correlation_figure(table, "swin1d"))[3, 1]
    assert [text.get_text() for text in axes.texts] == ["above the line: 0 of 8"]


def test_axes_share_their_limits_and_hold_negative_points(runs):
    table = read_correlations(runs)
    table.loc[(table["model"] == "swin1d") & (table["track"] == 16), "pearson"] = -0.44
    figure = correlation_figure(table, "swin1d")
    limits = {(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}
    assert len(limits) == 1
    low, high = limits.pop()[0]
    points = np.concatenate([np.asarray(labelled(axes, "tracks").get_offsets()) for axes in figure.axes])
    assert low <= points.min() == pytest.approx(-0.44)
    assert points.max() <= high


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([0.2, 0.55], (0, 0.6)),
        ([-0.13, 0.4], (-0.2, 0.5)),
        ([0.97], (0, 1)),
        ([0.01], (0, 0.2)),
        ([np.nan], (0, 1)),
    ],
)
def test_shared_limits(values, limits):
    assert shared_limits(np.array(values)) == pytest.approx(limits)


def test_many_points_are_an_image_in_the_pdf(tmp_path):
    many = write_runs(tmp_path / "many", counts={"ChIP": 4000})
    figure2(many, "swin1d", tmp_path / "many.pdf", tmp_path / "many.png")
    assert (tmp_path / "many.pdf").stat().st_size < 600_000
    assert b"/Image" in (tmp_path / "many.pdf").read_bytes()
    assert "of 3,999" in pdf_text(tmp_path / "many.pdf")  # one is constant


def test_colour_is_that_of_the_reference(runs):
    figure = correlation_figure(read_correlations(runs), "swin1d")
    for row, other in zip(panels(figure), REFERENCES, strict=True):
        assert to_hex(labelled(row[0], "tracks").get_facecolor()[0]) == model_colour(other).lower()


def test_any_model_can_be_on_y_and_reference_rows_are_not_drawn(runs):
    figure = correlation_figure(read_correlations(runs), "enformer", ["CAGE", "DNase", "ChIP"])
    grid = panels(figure)
    assert grid[-1, 0].get_xlabel().startswith("1D-Swin")
    assert grid[0, 0].get_title() == "CAGE"
    assert not any("ridge" in axes.get_xlabel() for axes in figure.axes)


def test_a_collapsed_model_leaves_an_empty_panel(runs):
    table = read_correlations(runs)
    table.loc[table["model"] == "maxpool_cnn", "pearson"] = np.nan
    figure = correlation_figure(table, "swin1d")
    axes = panels(figure)[0, 0]
    assert len(labelled(axes, "tracks").get_offsets()) == 0
    assert axes.get_xlabel() == "MaxPoolCNNs, mean r undefined"


def test_unknown_or_lonely_model_is_an_error(runs):
    table = read_correlations(runs)
    with pytest.raises(InputError, match="main_model: 'swin' .*nearest valid: swin1d"):
        correlation_figure(table, "swin")
    with pytest.raises(InputError, match="only model"):
        correlation_figure(table[table["model"].isin(["swin1d", "mean"])], "swin1d")


@pytest.mark.parametrize("groups", [{"DNase": 5, "ChIP": 8, "CAGE": 4}, {f"G{i}": 3 for i in range(4)}])
def test_text_is_readable(tmp_path, groups):
    runs = write_runs(tmp_path / "r", counts=groups)
    check_text(correlation_figure(read_correlations(runs), "swin1d"))


def test_text_is_text_in_the_pdf(runs, tmp_path):
    figure2(runs, "swin1d", tmp_path / "f.pdf", tmp_path / "f.png")
    mean = pd.concat(pd.read_csv(run.path) for run in runs if run.model == "enformer")
    mean = mean[mean["group"] == "ChIP"]["pearson"].mean()
    assert f"Enformer, mean r {mean:.3f}" in pdf_text(tmp_path / "f.pdf")
