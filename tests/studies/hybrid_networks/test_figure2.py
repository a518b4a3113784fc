"""Figure 2; its points, bars and limits are in test_activation_scatter."""

from hybrid_inputs import results_table


def test_figure2_is_drawn_from_its_table(tmp_path, draw):
    results_table("task1", 3, 10).to_csv(tmp_path / "task1.csv", index=False)
    assert "C4C6-LSTM-Trans2" in draw("figure2", tmp_path / "task1.csv")
