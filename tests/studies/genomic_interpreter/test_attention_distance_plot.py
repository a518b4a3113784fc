"""Plot of attention distances: lines, marks, errors."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, write_distances

from regulens.core.errors import InputError
from regulens.studies.genomic_interpreter.attention_distance_plot import attention_distance_plot, distance_figure


def test_distances_are_drawn_for_every_layer_block_and_head(tmp_path):
    table = pd.read_csv(write_distances(tmp_path / "d.csv"))
    figure = distance_figure(table)
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    handles, labels = axes.get_legend_handles_labels()
    regular = handles[labels.index("regular block")].lines[0].get_xydata()
    expected = table[(table["block"] == "regular") & (table["head"] == "all")]
    np.testing.assert_allclose(regular[:, 1], expected["mean_distance_bp"])
    drawn = np.concatenate([line.get_ydata() for line in axes.lines if line.get_marker() == "."])
    assert len(drawn) == (table["head"] != "all").sum()
    uniform = np.concatenate([line.get_ydata() for line in axes.lines if line.get_markersize() == 9])
    np.testing.assert_allclose(np.sort(uniform), np.sort(table[table["head"] == "all"]["uniform_bp"]))
    assert [label.get_text() for label in axes.get_xticklabels()][-1] == "8\n128"
    check_text(figure)


def test_one_segment_has_no_error_bars(tmp_path):
    table = pd.read_csv(write_distances(tmp_path / "d.csv", segments=1)).assign(sd_bp=np.nan)
    figure = distance_figure(table)
    check_text(figure)
    assert figure.axes[0].get_title(loc="right") == "1 test segment"


def test_unknown_blocks_and_missing_columns_are_errors(tmp_path):
    path = write_distances(tmp_path / "d.csv")
    with pytest.raises(InputError, match="block diagonal is unknown; valid: regular, shifted, full"):
        distance_figure(pd.read_csv(path).assign(block="diagonal"))
    pd.read_csv(path).drop(columns="uniform_bp").to_csv(path, index=False)
    with pytest.raises(InputError, match="column uniform_bp is missing"):
        attention_distance_plot(path, tmp_path / "d.pdf", tmp_path / "d.png")
