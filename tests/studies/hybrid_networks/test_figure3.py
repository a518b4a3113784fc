"""Figure 3; its points, bars and limits are in test_activation_scatter."""

import pytest
from hybrid_inputs import results_table

from regulens.core.errors import InputError
from regulens.studies.hybrid_networks.figure3 import figure3


def test_the_other_tasks_table_is_an_error(tmp_path):
    results_table("task1", 3, 10, 0.004).to_csv(tmp_path / "task1.csv", index=False)
    with pytest.raises(InputError, match="metric classification_auroc, .* is missing: is this the table of the other"):
        figure3(tmp_path / "task1.csv", tmp_path / "3.pdf", tmp_path / "3.png")


def test_figure3_is_drawn_from_its_table(tmp_path, draw):
    results_table("task2", 5, 5).to_csv(tmp_path / "task2.csv", index=False)
    assert "Saliency AUROC" in draw("figure3", tmp_path / "task2.csv")
