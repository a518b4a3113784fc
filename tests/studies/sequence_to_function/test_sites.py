"""Bound sites: AUROC by factor and of all together."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import pdf_text

from regulens.core.runs import Run
from regulens.studies.sequence_to_function.sites import sites


@pytest.fixture
def written(tmp_path):
    """Two factors with 20 bound and 20 unbound sites each: `lrp` knows the first factor, not the second."""
    rng, rows = np.random.default_rng(0), []
    for number in range(80):
        factor, bound = ("Reb1", "Abf1")[number // 40], number % 2
        scores = {
            "lrp": bound + rng.random() if factor == "Reb1" else rng.random(),
            "random": rng.random(),
            "inverse_distance": 1 / 150,
        }
        common = (f"r{number}", "VIII", 500 * number, 150, bound, factor)
        rows += [(*common, name, name, score) for name, score in scores.items()]
    names = ["readout", "contig", "position", "distance_bp", "regulated", "cell", "method", "method_label", "score"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "sites.csv", index=False)
    outputs = {name: tmp_path / f"out.{name}" for name in ("csv", "md", "pdf", "png")}
    runs = [Run("enformer", "Enformer", 1, tmp_path / "sites.csv")]
    return sites(runs, **outputs, resamples=50, seed=1, data_note="Made up."), outputs


def test_areas_by_factor(written):
    table, _ = written
    found = table.set_index(["method", "group"])["auroc"]
    assert found["lrp", "Reb1"] == 1
    assert 0.2 < found["lrp", "Abf1"] < 0.8
    assert found["lrp", "Abf1"] < found["lrp", "all"] < 1


def test_table_and_figure(written):
    _, outputs = written
    text = outputs["md"].read_text()
    assert text.split("\n")[0].replace(" ", "") == "|Model|Method|AUROC|GaininAUROC|Reb1|Abf1|"
    assert [line.split("|")[2].strip() for line in text.splitlines() if "**" in line] == ["lrp"]
    assert "Bound sites: Reb1 20 of 40, Abf1 20 of 40." in text
    shown = pdf_text(outputs["pdf"])
    for word in ("Enformer", "Reb1", "Abf1", "AUROC, bound against unbound sites"):
        assert word in shown
