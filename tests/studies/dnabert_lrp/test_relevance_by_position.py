"""Relevance by position: an enrichment that is known, a score that knows nothing, and what is drawn."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text
from score_files import write_scores

from regulens.core.errors import InputError
from regulens.core.runs import TaskRun
from regulens.studies.dnabert_lrp.relevance_by_position import (
    COLUMNS,
    enrichment,
    position_figure,
    read_profiles,
    relative_relevance,
    relevance_by_position,
)

N, LENGTH, START, END = 120, 100, 40, 50


def made_up(seed):
    """Scores of N sequences: three times the relevance inside the place, with either sign, none, and elsewhere."""
    rng = np.random.default_rng(seed)
    inside = np.zeros(LENGTH, bool)
    inside[START:END] = True
    noise = rng.gamma(4, 0.25, (N, LENGTH))
    return {
        "lrp": (noise * np.where(inside, 3, 1)).astype(np.float32),
        "gradient_x_input": (noise * np.where(inside, 3, 1) * rng.choice([-1, 1], (N, LENGTH))).astype(np.float32),
        "attention": (noise * np.where(np.arange(LENGTH) < 10, 3, 1)).astype(np.float32),
        "random": rng.random((N, LENGTH)).astype(np.float32),
    }


@pytest.fixture
def given(tmp_path):
    labels = np.arange(N) % 2
    codes = np.random.default_rng(0).integers(0, 4, (N, LENGTH), dtype=np.uint8)
    runs = []
    for seed in (1, 2):
        path = write_scores(tmp_path / f"{seed}.h5", labels, codes, made_up(seed))
        runs.append(TaskRun("tata", "TATA promoters", seed, path))
    rows = [f"s{row}\t{START}\t{END}\tTATA box\t.\tpositive\n" for row in range(N) if labels[row]]
    (tmp_path / "sites.tsv").write_text("id\tstart\tend\tmotif\tstrand\trole\n" + "".join(rows))
    return runs, {"tata": tmp_path / "sites.tsv"}


def test_relative_relevance_has_mean_one_and_no_sign():
    values = np.array([[1.0, -3.0], [0.0, 0.0], [2.0, 2.0]])
    assert relative_relevance(values).tolist() == [[0.5, 1.5], [1.0, 1.0]]


def test_a_known_enrichment_is_found():
    expected = 3 / (0.9 + 0.1 * 3)  # a tenth of the bases have three times the relevance
    scores = {name: relative_relevance(values) for name, values in made_up(5).items()}
    for name in ("lrp", "gradient_x_input"):
        found = enrichment(scores[name], START, END, 500, 1)
        assert found["enrichment"] == pytest.approx(expected, rel=0.03)
        assert found["low"] < expected < found["high"]
        assert found["above"] == 1.0
        assert found["sequences"] == N
    nothing = enrichment(scores["random"], START, END, 500, 1)
    assert nothing["low"] < 1 < nothing["high"]
    assert enrichment(scores["attention"], START, END, 500, 1)["high"] < 1


def test_the_interval_covers_the_truth_in_95_of_100_data_sets():
    rng = np.random.default_rng(3)
    found = [enrichment(relative_relevance(rng.gamma(1, 1, (40, 30))), 10, 15, 200, 1) for _ in range(200)]
    covered = np.mean([one["low"] <= 1 <= one["high"] for one in found])
    assert 0.88 < covered < 0.99


def test_files_hold_table_and_figure(given, tmp_path):
    files = [tmp_path / f"t.{ending}" for ending in ("csv", "md", "pdf", "png")]
    table = relevance_by_position(given[0], given[1], *files, resamples=100, seed=1, data_note="Made up.")
    assert list(pd.read_csv(files[0]).columns) == COLUMNS
    assert list(table["score"])[-1] == "attention"
    assert set(table["score"][:2]) == {"lrp", "gradient_x_input"}
    assert (table["sequences"] == N / 2).all()  # positive ones
    assert (table["seeds"] == 2).all()
    text = files[1].read_text()
    assert "TATA promoters: TATA box, bases 41 to 50" in text
    assert "100 %" in text
    assert text.endswith("- Made up.\n")
    assert "Relevance (1: average base)" in pdf_text(files[2])
    assert files[3].read_bytes().startswith(b"\x89PNG")


def test_the_figure_draws_every_seed_and_the_place(given):
    table, profiles = read_profiles(*given, 50, 1)
    figure = position_figure(table, profiles)
    check_text(figure)
    assert len(figure.axes) == 4
    axes = next(axes for axes in figure.axes if axes.get_title() == "LRP")
    lines = [line for line in axes.lines if len(line.get_xdata()) == LENGTH]
    assert len(lines) == 2
    assert lines[0].get_ydata()[START:END].min() > 2
    (band,) = [patch for patch in axes.patches if patch.get_label() == "TATA box"]
    assert (band.get_x(), band.get_width()) == (START + 0.5, END - START)


def test_sites_at_several_places_are_refused(given):
    path = given[1]["tata"]
    path.write_text(path.read_text() + "s1\t3\t9\tInr\t+\tpositive\n")
    with pytest.raises(InputError, match="sites at 2 places"):
        read_profiles(*given, 50, 1)
    with pytest.raises(InputError, match="at least one task"):
        read_profiles([], {}, 50, 1)
