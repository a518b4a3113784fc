"""The explorer of the tiny run: its files, and the page in a browser, where choosing changes the plots."""

import numpy as np
import pandas as pd
import pytest
from browser import ENTER, SPACE, TAB

from regulens.core.runs import Run
from regulens.data.store import AssayStore, parse_location
from regulens.explorer.choice import explorer_readouts
from regulens.explorer.page import write_explorer
from regulens.explorer.settings import ExplorerSettings
from regulens.interpret.attribution import AttributionFile


@pytest.fixture(scope="session")
def run(tiny):
    return tiny / "results/tiny"


def test_read_outs_are_the_highest_places_of_each_track(run):
    table = pd.read_csv(run / "explorer/readouts.csv")
    why = table.drop_duplicates("segment").set_index("segment")["why"]
    assert (why[1], why[0]) == ("Figure 3", "Figures 4, 6 and 7")
    assert set(why.drop([0, 1])) <= {"best", "middling", "worst"}
    with AssayStore(run / "genomic_interpreter/data/test.h5") as store:
        for row in table.itertuples():
            coverage = store.target(row.segment)[:, row.row].astype(float)
            start = (
                parse_location(store.location(row.segment))[1]
                + (store.geometry.input_bp - store.geometry.target_bp) // 2
            )
            bin_ = (row.position - start) // store.geometry.bin_bp
            assert coverage[bin_ - 1] + coverage[bin_] == pytest.approx((coverage[:-1] + coverage[1:]).max())


def test_one_segment_may_be_that_of_every_figure(run, tmp_path):
    study, settings = run / "genomic_interpreter", ExplorerSettings(segments=2)
    arguments = study / "predictions/swin1d/seed1.h5", study / "data/test.h5", tmp_path / "readouts.csv", settings
    explorer_readouts(*arguments, track="CAGE.erythroid.plus", example=1, attended=1)
    assert pd.read_csv(tmp_path / "readouts.csv")["why"][0] == "Figures 3, 4, 6 and 7"


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
    assert table.groupby("n")["draws"].unique().map(list).to_dict() == {0: [1], 1: [3], 5: [3]}
    assert table["probability"].between(0, 1).all()


CHOOSE = "Bokeh.documents[0].get_model_by_name(arguments[0]).value = arguments[1]"
OPTIONS = "return Bokeh.documents[0].get_model_by_name(arguments[0]).options"
TITLE = "return Bokeh.documents[0].get_model_by_name(arguments[0]).title.text"
VISIBLE = "return Bokeh.documents[0].get_model_by_name(arguments[0]).visible"
VALUES = """
const renderer = Bokeh.documents[0].get_model_by_name(arguments[0]).renderers[arguments[2] ?? 0]
return Array.from(renderer.data_source.data[arguments[1]])
"""
RANGE = """
const {x_range, y_range} = Bokeh.documents[0].get_model_by_name(arguments[0])
return [x_range.start, x_range.end, y_range.start, y_range.end]
"""
TICKS = """
const {y_range, left: [axis]} = Bokeh.documents[0].get_model_by_name(arguments[0])
const ticks = axis.ticker.get_ticks(y_range.start, y_range.end, y_range, 0).major
return axis.formatter.doFormat(ticks, {loc: 0})
"""
SEQUENCES = "Bokeh.documents[0].roots()[0].children[1].active = 1"
FOCUSED = """
let element = document.activeElement
while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
return [element.textContent, element.name || element.closest("select")?.previousSibling?.textContent]
"""
DEEP = """
const deep = (root, selector) => [...root.querySelectorAll("*")].flatMap(
    e => [...(e.matches(selector) ? [e] : []), ...(e.shadowRoot ? deep(e.shadowRoot, selector) : [])])
"""
FIRST_PLOT = f"""{DEEP}
const {{left, top, right, bottom}} = deep(document, ".bk-Figure")[0].getBoundingClientRect()
return [left, top, right, bottom]
"""


def opened(browser, page, width=1440):
    browser.resize(width, 1000)
    browser.open(page)
    browser.wait_for("return Bokeh.documents.length && Bokeh.documents[0].is_idle", 30)


def test_choosing_changes_the_plots(browser, run, tmp_path):
    for width in (1440, 1024, 390):
        opened(browser, run / "explore.html", width)
        browser.screenshot(before := tmp_path / f"{width}.png")
        first = browser.run(VALUES, "measured", "measured")
        browser.run(CHOOSE, "segment", "1")
        browser.wait_for("return Bokeh.documents[0].is_idle")
        assert browser.run(VALUES, "measured", "measured") != first
        browser.run(CHOOSE, "model", "3")
        browser.run(CHOOSE, "score", "2")
        browser.wait_for("return Bokeh.documents[0].is_idle")
        assert browser.run(TITLE, "predicted").startswith("Predicted by Enformer")
        assert browser.run(TITLE, "arcs").startswith("Attention: the")
        browser.run(SEQUENCES)
        logo = browser.run(VALUES, "lrp", "value")
        browser.run(CHOOSE, "task", "Enhancers")
        assert browser.run(VALUES, "lrp", "value") != logo
        browser.wait_for("return Bokeh.documents[0].is_idle")
        browser.screenshot(after := tmp_path / f"{width}-after.png")
        assert before.read_bytes() != after.read_bytes()
        assert browser.run("return document.documentElement.scrollWidth") <= width, f"too wide at {width}"
        assert browser.errors() == []


def test_lists_are_sorted_by_what_they_show(browser, run):
    opened(browser, run / "explore.html")
    for model in "0", "3":
        browser.run(CHOOSE, "model", model)
        options = [text for _, text in browser.run(OPTIONS, "segment")]
        shown = [text.split(",")[0].removeprefix("r = ").replace("−", "-") for text in options]
        numbers = [float(r) for r in shown if r != "no r"]
        assert len(numbers) > 1
        assert numbers == sorted(numbers, reverse=True)
        assert set(shown[len(numbers) :]) <= {"no r"}, "what has no r comes last"
        assert sum("(Figure" in text for text in options) == 2
    options = [text for _, text in browser.run(OPTIONS, "sequence")]
    shown = [float(text.split(",")[0].removeprefix("p = ")) for text in options]
    assert shown == sorted(shown, reverse=True)


def test_only_the_scores_of_the_model_are_offered(browser, run):
    opened(browser, run / "explore.html")
    browser.run(CHOOSE, "model", "3")
    assert "Attention" in [text for _, text in browser.run(OPTIONS, "score")]
    attention = next(number for number, text in browser.run(OPTIONS, "score") if text == "Attention")
    browser.run(CHOOSE, "score", attention)
    assert browser.run(VISIBLE, "arcs")
    browser.run(CHOOSE, "model", "0")
    assert not browser.run(VISIBLE, "arcs")
    offered = browser.run(OPTIONS, "score")
    assert not any(text.startswith("Attention") for _, text in offered)
    assert browser.run(TITLE, "attribution") == f"{offered[0][1]} of the read-out"
    assert browser.errors() == []


def test_without_attributions_there_is_no_score(browser, run, tmp_path):
    study = run / "genomic_interpreter"
    predictions = [Run("maxpool_cnn", "MaxPoolCNNs", 1, study / "predictions/maxpool_cnn/seed1.h5")]
    paths = {"readouts": run / "explorer/readouts.csv", "test": study / "data/test.h5", "predictions": predictions}
    write_explorer(tmp_path / "explore.html", run="none", explorer=ExplorerSettings(), **paths)
    opened(browser, tmp_path / "explore.html")
    assert not any(browser.run(VISIBLE, name) for name in ("score", "attribution", "arcs"))
    assert browser.run(VALUES, "predicted", "predicted")
    assert browser.errors() == []


def test_measured_and_predicted_are_on_one_scale(browser, run):
    opened(browser, run / "explore.html")
    assert browser.run(RANGE, "measured") == browser.run(RANGE, "predicted")
    highest = max(browser.run(VALUES, "measured", "measured") + browser.run(VALUES, "measured", "predicted"))
    assert browser.run(RANGE, "measured")[3] == pytest.approx(1.05 * highest)


def test_pointing_above_a_bar_shows_its_numbers(browser, run):
    opened(browser, run / "explore.html")
    left, top, right, bottom = browser.run(FIRST_PLOT)
    place = {"x": left + 0.6 * (right - left), "y": (top + bottom) / 2}
    browser.devtools("Input.dispatchMouseEvent", {"type": "mouseMoved", **place})
    browser.wait_for(f"{DEEP} return deep(document, '.bk-Tooltip').length > 0")
    shown = browser.run(f"{DEEP} return deep(document, '.bk-Tooltip')[0].shadowRoot.textContent")
    assert all(word in shown for word in ("kb", "measured", "predicted")), shown


def test_ticks_of_the_logos_differ(browser, run):
    opened(browser, run / "explore.html")
    browser.run(SEQUENCES)
    for score in "lrp", "full_lrp", "attention", "random":
        ticks = browser.run(TICKS, score)
        assert len(ticks) > 1
        assert len(set(ticks)) == len(ticks), f"{score}: {ticks}"


def test_names_are_written_where_there_is_room(browser, run):
    opened(browser, run / "explore.html")
    written = browser.run(VALUES, "places", "text", 1)
    assert written
    assert set(written) <= set(browser.run(VALUES, "places", "text"))
    browser.run("const range = Bokeh.documents[0].get_model_by_name('places').x_range; range.end = range.start + 1e-3")
    assert browser.run(VALUES, "places", "text", 1) == []
    browser.run(SEQUENCES)
    browser.wait_for("return Bokeh.documents[0].is_idle")
    sites = []
    for number, _ in browser.run(OPTIONS, "sequence"):
        browser.run(CHOOSE, "sequence", number)
        sites += browser.run(VALUES, "sites", "text")
        assert len(browser.run(VALUES, "sites", "text", 1)) == len(browser.run(VALUES, "sites", "text")), "one a row"
    assert sites


def test_points_of_the_mutants_and_their_draws(browser, run):
    opened(browser, run / "explore.html")
    browser.run(SEQUENCES)
    assert browser.run(TITLE, "mutants") == "Mean of 3 draws of random bases"
    assert set(browser.run(VALUES, "mutants", "x", 1)) == {0, 1, 5}


def test_the_keyboard_reaches_both_parts(browser, run):
    opened(browser, run / "explore.html")
    seen = "return Bokeh.documents[0].roots()[0].children[2].active"
    for _ in range(3):
        browser.press(TAB)
    assert browser.run(FOCUSED)[0] == "Sequences of a classifier"
    for key in ENTER, SPACE:
        browser.run(SEQUENCES.replace("1].active = 1", "1].active = 0"))
        assert browser.run(seen) == 0
        browser.press(key)
        assert browser.run(seen) == 1
    browser.press(TAB)
    assert browser.run(FOCUSED)[0].startswith("Promoters"), "the lists of the other part are left out"


def test_the_page_leads_to_it(run):
    assert 'href="explore.html"' in (run / "index.html").read_text()
    assert "index.html" in (run / "explore.html").read_text()
