"""Figure 6: the windows of one layer by heads."""

import numpy as np
from figure_inputs import maps

from regulens.studies.genomic_interpreter.figure6 import windows_figure


def test_windows_by_heads(attention_file):
    figure = windows_figure(attention_file, 6)
    layer = attention_file.layer(6)
    shown = np.array(maps(figure)).reshape(4, 4, 48, 48)
    np.testing.assert_allclose(shown[2, 1], layer.weights[1, 2] * 48, rtol=1e-6)
    assert figure.axes[0].get_ylabel() == "Window 1 of 4"
    assert figure.axes[0].images[0].get_extent()[:2] == [-72, -72 + 48 * 32]


def test_of_many_windows_the_central_ones_are_shown(attention_file):
    figure = windows_figure(attention_file, 3)  # 32 windows
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel().startswith("Window")]
    assert labels == [f"Window {number} of 32" for number in (15, 16, 17, 18)]
