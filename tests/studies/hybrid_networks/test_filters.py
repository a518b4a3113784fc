"""Logo sheet of filters: which trial, what is said of every filter, letters in their panels."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text

from regulens.core.errors import InputError
from regulens.data.matrices import PositionWeightMatrix
from regulens.motifs.filter_matches import FILTER_COLUMNS, filter_id
from regulens.motifs.meme import MemeMotif, write_meme
from regulens.plotting.style import BLACK, GREEN, GREY
from regulens.studies.hybrid_networks.filters import filter_figure, filter_title, read_filters
from regulens.studies.hybrid_networks.results import trial_columns

FOUND = {  # of a filter: sites, hits, best_name, best_q, truth, matched
    "true": (120, 4, "SRF", 1e-7, "SRF", True),
    "longer": (80, 2, "Arid3a", 0.003, "Arid3", True),
    "second": (75, 9, "SMAD2::SMAD3::SMAD4", 1e-4, "CEBPB", True),
    "other": (60, 1, "SMAD2::SMAD3::SMAD4(var.2)", 0.0812, "", True),
    "ignored": (55, 1, "Gmeb1", 0.05, "", False),
    "none": (1, 0, "", np.nan, "", False),
    "empty": (0, 0, "", np.nan, "", False),
}


CAPTIONS = {
    "true": ("SRF, q = 1e-07", GREEN),
    "longer": ("Arid3a, q = 0.003", GREEN),
    "second": ("SMAD2::SM… (matches CEBPB)", GREEN),
    "other": ("SMAD2::SMAD3:…, q = 0.081", BLACK),
    "ignored": ("Gmeb1, ignored", GREY),
    "none": ("no match", GREY),
    "empty": ("empty", GREY),
}


def write_filters(folder, kinds, trials=(0, 3, 12)):
    """MEME text and table of filters of these kinds, the same in every trial; all but empty ones spell ACGT..."""
    motifs, rows = [], []
    for trial in trials:
        for number, kind in enumerate(kinds):
            width = 20 if kind == "empty" else 8 + number % 5
            frequencies = np.full((width, 4), 0.25)
            if kind != "empty":
                frequencies[:] = np.eye(4)[np.arange(width) % 4] * 0.88 + 0.03
            name = filter_id(trial, number)
            motifs.append(MemeMotif(PositionWeightMatrix(name, name, frequencies), FOUND[kind][0]))
            found = dict(zip(["sites", "hits", "best_name", "best_q", "truth", "matched"], FOUND[kind], strict=True))
            rows.append({"trial": trial, "filter": number, "width": width, "best_target": "MA1"} | found)
    write_meme(folder / "filters.meme", motifs)
    table = pd.DataFrame(rows)
    table[[*FILTER_COLUMNS]].sample(frac=1, random_state=1).to_csv(folder / "filters.csv", index=False)
    return folder / "filters.meme", folder / "filters.csv"


def test_filters_of_one_trial_in_their_order_with_captions(tmp_path):
    filters = read_filters(*write_filters(tmp_path, list(FOUND), (1, 3, 12)), 3)
    assert [one.number for one in filters] == list(range(7))
    assert all(one.matrix.matrix_id == filter_id(3, one.number) for one in filters)
    assert [filter_title(one) for one in filters] == [text for text, _ in CAPTIONS.values()]
    assert all(len(filter_title(one)) <= 26 for one in filters)


def test_panels_show_number_sites_match_and_colour(tmp_path):
    figure = filter_figure(read_filters(*write_filters(tmp_path, list(FOUND)), 3), "C24, ReLU", 3)
    for number, (axes, kind) in enumerate(zip(figure.axes, FOUND, strict=True)):
        upper, lower = axes.texts
        assert upper.get_text() == f"filter {number}, {FOUND[kind][0]} site{'s' * (FOUND[kind][0] != 1)}"
        assert (lower.get_text(), lower.get_color()) == CAPTIONS[kind]
        letters = [patch.get_gid() for patch in axes.patches if patch.get_gid()]
        assert sorted(letters) == ([] if kind == "empty" else list("ACGT"))
        assert axes.get_xlim() == (0, 20)
    assert [text.get_text() for text in figure.texts] == [
        "C24, ReLU, trial 3",
        "Height of a letter: information (bits); width: one base pair",
        "Of 7 filters",
        "3 match a planted motif",
        "1 only another motif of JASPAR",
        "3 none",
    ]


@pytest.mark.parametrize("count", [1, 24, 32])
def test_text_is_readable(tmp_path, count):
    kinds = [list(FOUND)[number % len(FOUND)] for number in range(count)]
    figure = filter_figure(read_filters(*write_filters(tmp_path, kinds), 0), "C4C6-LSTM-Trans4, Exponential", 0)
    assert len(figure.axes) == count
    check_text(figure)


def test_a_sheet_of_32_filters_fits_a_page(tmp_path):
    paths = write_filters(tmp_path, ["true"] * 32)
    assert filter_figure(read_filters(*paths, 0), "C24", 0).get_size_inches()[1] * 25.4 < 240


def test_another_trial_and_files_that_do_not_belong_together_are_errors(tmp_path):
    meme, table = write_filters(tmp_path, list(FOUND))
    with pytest.raises(InputError, match="no filter of trial 1; trials there: 0, 3, 12"):
        read_filters(meme, table, 1)
    rows = pd.read_csv(table)
    rows[rows["filter"] < 5].to_csv(table, index=False)
    with pytest.raises(InputError, match="has 7 motifs trial3_filterNN, .* has 5 filters of trial 3, not the same"):
        read_filters(meme, table, 3)
    rows.drop(columns="truth").to_csv(table, index=False)
    with pytest.raises(InputError, match="column truth is missing"):
        read_filters(meme, table, 3)


SELECTION = {"split": "test", "metric": "aupr"}


def write_trials(path, kept, aupr, valid):
    table = pd.DataFrame({name: 0.5 for name in trial_columns("task1")}, index=range(len(kept)))
    table = table.assign(
        architecture="c24", label="C24", baseline="c24", modules="", activation="relu", status="early_stopped"
    )
    table = table.assign(trial=range(len(kept)), kept=kept, aupr=aupr, valid_auroc=valid)
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("selection", "trial"), [(SELECTION, 3), ({"split": "valid", "metric": "auroc"}, 0)])
def test_filters_of_the_best_trial_by_the_selection(tmp_path, draw, selection, trial):
    meme, table = write_filters(tmp_path, list(FOUND))
    trials = write_trials(tmp_path / "trials.csv", [True] * 4, [0.6, 0.7, 0.8, 0.9], [0.9, 0.8, 0.7, 0.6])
    words = [meme, "--matches", table, "--trials", trials, "--architecture", "c24", "--activation", "relu"]
    shown = draw("filters", *words, label="C24", selection=selection)
    assert f"C24, ReLU, trial {trial}" in shown
    assert "lter 6, " in shown  # fi is one glyph, which pdf_text passes over
