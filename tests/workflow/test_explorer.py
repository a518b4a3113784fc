"""The explorer of the tiny run: its files, and the page in a browser, where choosing changes the plots."""

import numpy as np
import pandas as pd
import pytest

from regulens.data.store import AssayStore, parse_location
from regulens.interpret.attribution import AttributionFile


@pytest.fixture(scope="session")
def run(tiny):
    return tiny / "results/tiny"


def test_read_outs_are_the_highest_places_of_each_track(run):
    table = pd.read_csv(run / "explorer/readouts.csv")
    assert table["segment"].isin([0, 1]).any(), "those of the figures are among them"
    assert set(table["why"]) <= {"configured", "best", "middling", "worst"}
    with AssayStore(run / "genomic_interpreter/data/test.h5") as store:
        for row in table.itertuples():
            coverage = store.target(row.segment)[:, row.row].astype(float)
            start = (
                parse_location(store.location(row.segment))[1]
                + (store.geometry.input_bp - store.geometry.target_bp) // 2
            )
            bin_ = (row.position - start) // store.geometry.bin_bp
            assert coverage[bin_ - 1] + coverage[bin_] == pytest.approx((coverage[:-1] + coverage[1:]).max())


def test_every_model_explains_them(run):
    table = pd.read_csv(run / "explorer/readouts.csv")
    files = sorted((run / "explorer/attributions").glob("*/seed1.h5"))
    assert len(files) == 5
    for path in files:
        with AttributionFile(path) as file:
            assert list(file.readouts["readout"]) == list(table["readout"])
            assert ("attention" in file.names) == (path.parent.name == "enformer" or path.parent.name == "swin1d")


def test_mutants_start_from_the_probability_of_the_sequence(run):
    from regulens.interpret.score_file import ScoreFile

    table = pd.read_csv(run / "explorer/mutants/promoters/seed1.csv", keep_default_na=False)
    with ScoreFile(run / "dnabert_lrp/relevance/promoters/seed1.h5") as file:
        logits, labels = file.logits.astype(float), file.labels
    right = 1 / (1 + np.exp((logits[:, 0] - logits[:, 1]) * np.where(labels == 1, 1, -1)))
    for row in table[table["score"] == ""].itertuples():
        assert row.probability == pytest.approx(right[row.row], abs=1e-4)
    assert set(table["n"]) == {0, 1, 5}
    assert table["probability"].between(0, 1).all()


CHOOSE = "Bokeh.documents[0].get_model_by_name(arguments[0]).value = arguments[1]"
TITLE = "return Bokeh.documents[0].get_model_by_name(arguments[0]).title.text"
VALUES = """
const renderer = Bokeh.documents[0].get_model_by_name(arguments[0]).renderers[0]
return Array.from(renderer.data_source.data[arguments[1]])
"""


def test_choosing_changes_the_plots(browser, run, tmp_path):
    for width in (1440, 1024, 390):
        browser.resize(width, 1000)
        browser.open(run / "explore.html")
        browser.wait_for("return Bokeh.documents.length && Bokeh.documents[0].is_idle", 30)
        browser.screenshot(before := tmp_path / f"{width}.png")
        first = {name: browser.run(VALUES, name, "top") for name in ("measured", "predicted")}
        browser.run(CHOOSE, "segment", "1")
        browser.wait_for("return Bokeh.documents[0].is_idle")
        assert browser.run(VALUES, "measured", "top") != first["measured"]
        browser.run(CHOOSE, "model", "3")
        browser.run(CHOOSE, "score", "2")
        browser.wait_for("return Bokeh.documents[0].is_idle")
        assert browser.run(TITLE, "predicted").startswith("Predicted by Enformer")
        assert browser.run(TITLE, "arcs").startswith("Attention: the")
        browser.run(CHOOSE, "model", "0")
        assert browser.run(TITLE, "arcs") == "MaxPoolCNNs has no attention"
        browser.run("Bokeh.documents[0].roots()[0].children[1].active = 1")
        logo = browser.run(VALUES, "lrp", "value")
        browser.run(CHOOSE, "task", "Enhancers")
        assert browser.run(VALUES, "lrp", "value") != logo
        browser.wait_for("return Bokeh.documents[0].is_idle")
        browser.screenshot(after := tmp_path / f"{width}-after.png")
        assert before.read_bytes() != after.read_bytes()
        assert browser.run("return document.documentElement.scrollWidth") <= width, f"too wide at {width}"
        assert browser.errors() == []


def test_the_page_leads_to_it(run):
    assert 'href="explore.html"' in (run / "index.html").read_text()
    assert "index.html" in (run / "explore.html").read_text()
