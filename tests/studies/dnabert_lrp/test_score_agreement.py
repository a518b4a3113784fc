"""Heat map of the agreement of scores: which class is where, numbers in the cells, colours."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text
from score_inputs import CLASS_NAMES, SCORES, TASKS, agreement_table, write_task_tables

from regulens.core.errors import InputError
from regulens.studies.dnabert_lrp.score_agreement import (
    agreement_figure,
    agreement_matrix,
    read_agreements,
    score_agreement,
)


@pytest.fixture
def runs(tmp_path):
    return write_task_tables(tmp_path / "agreement", agreement_table)


def maps(figure):
    return [axes for axes in figure.axes if axes.axison and axes.get_title()]


def test_positives_above_the_diagonal_negatives_below(runs):
    figure = agreement_figure(read_agreements(runs), CLASS_NAMES)
    for axes, run in zip(maps(figure), runs, strict=True):
        values = pd.read_csv(run.path).set_index(["label", "score_a", "score_b"])["spearman"]
        matrix = axes.collections[0].get_array()
        for i, first in enumerate(SCORES):
            for j, second in enumerate(SCORES):
                if i == j:
                    assert np.ma.is_masked(matrix[i, j]) or np.isnan(matrix[i, j])
                else:
                    assert matrix[i, j] == pytest.approx(values[int(j > i), first, second])
    assert "above the diagonal: Enhancer, below: Non-enhancer" in maps(figure)[1].get_title()


def test_cells_hold_their_numbers_and_colours_are_centred(runs):
    axes = maps(agreement_figure(read_agreements(runs)))[0]
    image = axes.collections[0]
    assert image.get_clim() == (-1, 1)
    matrix = image.get_array()
    assert len(axes.texts) == len(SCORES) * (len(SCORES) - 1)
    for text in axes.texts:
        x, y = text.get_position()
        assert float(text.get_text().replace("\N{MINUS SIGN}", "-")) == pytest.approx(matrix[y, x], abs=0.0051)


def test_what_few_sequences_say_stands_in_brackets_without_a_colour(runs):
    table = read_agreements(runs)
    pair = (table["score_a"] == "attention") & (table["score_b"] == "lrp") & (table["label"] == 0)
    table.loc[pair, "sequences"] = table["sequences"].max() * 0.49
    axes = maps(agreement_figure(table))[0]
    place = SCORES.index("attention"), SCORES.index("lrp")
    place = place if place[0] > place[1] else place[::-1]  # below the diagonal
    texts = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert [where for where, text in texts.items() if text[0] == "("] == [place]
    assert np.ma.getmaskarray(np.ma.masked_invalid(axes.collections[0].get_array()))[place]


def test_seeds_are_averaged(tmp_path):
    runs = write_task_tables(tmp_path / "a", agreement_table, (1, 2, 3), {"promoters": "Promoters"})
    axes = maps(agreement_figure(read_agreements(runs)))[0]
    frames = [pd.read_csv(run.path).set_index(["label", "score_a", "score_b"])["spearman"] for run in runs]
    expected = np.mean([frame[0, "attention", "lrp"] for frame in frames])
    assert axes.collections[0].get_array()[SCORES.index("attention"), 0] == pytest.approx(expected)


def test_a_pair_without_a_correlation_is_a_dash(runs):
    table = pd.read_csv(runs[0].path)
    gradcam = (table["score_a"] == "gradcam") | (table["score_b"] == "gradcam")
    table.loc[gradcam & (table["label"] == 1), "spearman"] = np.nan
    table.to_csv(runs[0].path, index=False)
    axes = maps(agreement_figure(read_agreements(runs)))[0]
    dashes = [text.get_position() for text in axes.texts if text.get_text() == "\N{EN DASH}"]
    place = SCORES.index("gradcam")
    assert sorted(dashes) == sorted(
        [(place, i) for i in range(place)] + [(j, place) for j in range(place + 1, len(SCORES))]
    )


def test_missing_pairs_are_undefined():
    means = pd.DataFrame({"class": ["positive"], "score_a": ["a"], "score_b": ["b"], "spearman": [0.5]})
    np.testing.assert_array_equal(agreement_matrix(means, ["a", "b"]), [[np.nan, 0.5], [np.nan, np.nan]])


@pytest.mark.parametrize("tasks", [{"promoters": "Promoters"}, TASKS, {**TASKS, "silencers": "Silencers"}])
def test_text_is_readable(tmp_path, tasks):
    runs = write_task_tables(tmp_path / "a", agreement_table, (1, 2), tasks)
    figure = agreement_figure(read_agreements(runs), CLASS_NAMES)
    assert len(maps(figure)) == len(tasks)
    check_text(figure)


def test_files_hold_text(runs, tmp_path):
    score_agreement(runs[:1], tmp_path / "a.pdf", tmp_path / "a.png", class_names=CLASS_NAMES)
    text = pdf_text(tmp_path / "a.pdf")
    assert "Gradient × input" in text
    assert "Spearman correlation" in text
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_one_score_is_an_error(tmp_path):
    runs = write_task_tables(
        tmp_path / "a", lambda task, seed: agreement_table(task, seed).query("score_a == score_b == 'lrp'")
    )
    with pytest.raises(InputError, match="lrp is the only score"):
        agreement_figure(read_agreements(runs))
