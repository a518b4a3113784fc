"""Figure 2: curves of the negative class; what both figures draw is in test_mutagenesis_curves."""

from figure_inputs import pdf_text
from score_inputs import CLASS_NAMES, curves_table, write_task_tables

from regulens.studies.dnabert_lrp.figure2 import figure2


def test_files_hold_text_and_pixels(tmp_path):
    runs = write_task_tables(tmp_path / "curves", curves_table)
    figure2(runs, tmp_path / "f.pdf", tmp_path / "f.png", class_names=CLASS_NAMES)
    text = pdf_text(tmp_path / "f.pdf")
    for word in ("Accuracy", "Enhancers: Non-enhancer", "LRP_last", "All bases, n = 200"):
        assert word in text
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
