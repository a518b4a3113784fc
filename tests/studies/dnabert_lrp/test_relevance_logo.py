"""Relevance logos: what is read, which part is shown, scales, sites, and errors that name the valid values."""

import h5py
import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text
from matplotlib.patches import Rectangle
from score_inputs import SCORES

from regulens.core.errors import InputError
from regulens.interpret.score_file import write_score_file
from regulens.plotting.logos import ROLE_LABELS, draw_logo, place_sites
from regulens.plotting.style import MM, new_figure
from regulens.studies.dnabert_lrp.relevance_logo import best_window, logo_figure, read_example, relevance_logo

LENGTH = 200
CLASSES = {"positive": "Promoter", "negative": "Non-promoter"}
SIGNED = ("full_lrp", "gradient_x_input")
SITES = [
    ("p2", 60, 75, "TBP", "+", "positive"),
    ("p2", 93, 104, "SP1", "-", "positive"),  # across the end of the first line
    ("p2", 130, 146, "NFYA", "-", "positive"),
    ("p2", 138, 154, "a motif with a very long name indeed", "+", "shared"),
    ("p2", 192, 198, "CCAAT-enhancer", "-", "negative"),  # its name fits on the left only
    ("elsewhere", 500, 510, "TBP", "+", "positive"),  # of a sequence of another split
]


def write_inputs(folder, length=LENGTH, target="predicted", sites=SITES):
    """A score file of four sequences, and the sites."""
    random = np.random.default_rng(4)
    codes = random.integers(0, 4, (4, length)).astype(np.uint8)
    attributes = {"task": "promoters", "seed": 1, "rules": "ours", "target": target, "k": 6, "model": "small"}
    names = ["p0", "3", "p2", "n0"]
    with write_score_file(folder / "scores.h5", names, np.array([1, 1, 1, 0]), codes, SCORES, **attributes) as writer:
        scale = dict.fromkeys(SCORES, 1) | {"gradcam": 1e-5}
        scores = {
            name: scale[name] * (random.normal(0, 1, codes.shape) if name in SIGNED else random.random(codes.shape))
            for name in SCORES
        }
        writer.append(np.array([[0, 2], [0, 1], [np.log(3), 0], [800, 0]]), scores)
    table = pd.DataFrame(sites, columns=["id", "start", "end", "motif", "strand", "role"])
    table.to_csv(folder / "sites.tsv", sep="\t", index=False)
    return folder / "scores.h5", folder / "sites.tsv"


@pytest.fixture
def inputs(tmp_path):
    return write_inputs(tmp_path)


def tracks(figure, name):
    """Axes of one track on every line, found by its name."""
    return [axes for axes in figure.axes if name in [text.get_text() for text in axes.texts]]


def letter_extent(axes):
    """Left, right, bottom, top of all letters of a panel."""
    corners = [path.get_extents() for path in (p.get_path() for p in axes.patches if p.get_gid())]
    low, high = np.min([c.min for c in corners], axis=0), np.max([c.max for c in corners], axis=0)
    return low[0], high[0], low[1], high[1]


def test_an_example_by_row_or_id(inputs):
    scores, sites = inputs
    example = read_example(scores, 2, sites_path=sites)
    assert (example.name, example.row, example.label, example.predicted, example.explained) == ("p2", 2, 1, 0, 0)
    assert example.probability == pytest.approx(0.75)
    assert list(example.scores) == SCORES
    with h5py.File(scores) as file:
        np.testing.assert_array_equal(example.codes, file["codes"][2])
        np.testing.assert_array_equal(example.scores["lrp"], file["scores/lrp"][2])
    assert list(example.sites["motif"]) == [site[3] for site in SITES if site[0] == "p2"]
    assert read_example(scores, "p2").row == 2
    # Sequences whose ids are numbers: a number is a row, a text an id.
    assert [read_example(scores, number).name for number in (1, 3)] == ["3", "n0"]
    assert read_example(scores, "3").row == 1
    assert read_example(scores, 3).probability == 1  # logits of 800 do not overflow
    assert read_example(scores, 2).sites is None


def test_the_order_of_the_scores_and_the_explained_class(tmp_path):
    scores, _ = write_inputs(tmp_path, target="label")
    example = read_example(scores, "p2", ["random", "lrp"])
    assert list(example.scores) == ["random", "lrp"]
    assert example.explained == 1


@pytest.mark.parametrize(
    ("example", "names", "message"),
    [
        (4, None, r"scores.h5: example 4 does not exist; valid: rows 0 to 3, or an id such as 'p0'"),
        (-1, None, r"scores.h5: example -1"),
        ("p9", None, r"scores.h5: example 'p9'"),
        ("2", None, r"scores.h5: example '2' does not exist"),
        (0, ["lrp", "lrp_lst"], r"scores.h5: score: 'lrp_lst' does not exist; nearest valid: lrp_last"),
    ],
)
def test_wrong_keys_name_the_valid_values(inputs, example, names, message):
    with pytest.raises(InputError, match=message):
        read_example(inputs[0], example, names)


def test_a_site_beyond_the_end_is_an_error_of_its_sequence_only(tmp_path):
    scores, sites = write_inputs(tmp_path, sites=[*SITES, ("n0", 195, 205, "TBP", "+", "negative")])
    assert len(read_example(scores, "p2", None, sites).sites) == 5
    with pytest.raises(InputError, match=r"sites.tsv, line 8: .*beyond the end of n0"):
        read_example(scores, "n0", None, sites)


def test_the_window_holds_the_sites_of_the_positive_class(inputs):
    scores, sites = inputs
    example = read_example(scores, 2, sites_path=sites)
    assert best_window(example, None) == (0, 200)
    assert best_window(example, 500) == (0, 200)
    start, end = best_window(example, 50)  # TBP and SP1 have 26 bases in 44; with the shared site it would be NFYA
    assert start <= 60
    assert end >= 104
    start, end = best_window(example, 90)
    assert start <= 60
    assert end >= 146
    with pytest.raises(InputError, match="span_bp: 0 bp"):
        best_window(example, 0)


def test_without_sites_the_window_holds_the_highest_relevance(inputs):
    example = read_example(inputs[0], 0, ["lrp", "random"])
    example.scores["lrp"][:] = 0
    example.scores["lrp"][120:130] = -1
    start, end = best_window(example, 20)
    assert start <= 120
    assert end >= 130
    assert start == 110  # the first of the best


def test_two_lines_hold_every_base_once_on_one_scale(inputs):
    example = read_example(inputs[0], 2, ["lrp", "full_lrp", "gradcam"], inputs[1])
    figure = logo_figure(example, CLASSES)
    for name, label in [("lrp", "LRP"), ("full_lrp", "full_LRP"), ("gradcam", "GradCAM")]:
        panels = tracks(figure, label)
        assert [axes.get_xlim() for axes in panels] == [(0, 100), (100, 200)]
        values = example.scores[name]
        low, high = min(values.min(), 0), values.max()
        for axes in panels:
            np.testing.assert_allclose(axes.get_ylim(), (low, high))
        extents = np.array([letter_extent(axes) for axes in panels])
        assert extents[:, 3].max() == pytest.approx(high)
        assert extents[:, 2].min() == pytest.approx(low, abs=1e-12)
        assert extents[0, 1] < 100 < extents[1, 0]
    shown = [label.get_text() for label in tracks(figure, "GradCAM")[0].get_yticklabels()]
    assert shown == ["0", f"{example.scores['gradcam'].max():.2g}".replace("-", "\N{MINUS SIGN}")]


def test_the_sequence_track_spells_the_sequence(inputs):
    example = read_example(inputs[0], 0, ["lrp"])
    axes = tracks(logo_figure(example, CLASSES), "Sequence")[1]
    counts = {patch.get_gid(): len(patch.get_path().vertices) for patch in axes.patches}
    one = {p.get_gid(): len(p.get_path().vertices) for p in _one_of_each().patches}
    expected = {"ACGT"[code]: count for code, count in enumerate(np.bincount(example.codes[100:], minlength=4))}
    assert {letter: counts[letter] / one[letter] for letter in "ACGT"} == expected


def _one_of_each():
    axes = new_figure(85, 20).subplots()
    draw_logo(axes, np.eye(4))
    return axes


def test_sites_are_shaded_in_every_track_and_cut_at_the_end_of_a_line(inputs):
    figure = logo_figure(read_example(inputs[0], 2, ["lrp", "random"], inputs[1]), CLASSES)
    for name in ("LRP", "Random"):
        spans = [
            sorted(
                (patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches if type(patch) is Rectangle
            )
            for axes in tracks(figure, name)
        ]
        assert spans == [[(60, 75), (93, 100)], [(100, 104), (130, 146), (138, 154), (192, 198)]]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [ROLE_LABELS[role] for role in ("positive", "negative", "shared")]
    names = [text.get_text() for axes in tracks(figure, "Sites") for text in axes.texts]
    assert names.count("SP1") == 2


def test_names_and_arrows_have_their_own_place(inputs):
    sites = read_example(inputs[0], 2, sites_path=inputs[1]).sites
    placed = {site.name: site for site in place_sites(sites, 100, 200, 1.47)}
    assert (placed["SP1"].start, placed["SP1"].cut_left, placed["SP1"].cut_right) == (100, True, False)
    assert placed["NFYA"].level == 0
    long = next(site for name, site in placed.items() if name.endswith("…"))
    assert long.level == 1  # it overlaps NFYA
    assert long.text_at > long.end  # the name is beside the arrow
    assert placed["CCAAT-enhancer"].text_at < 192
    assert place_sites(sites, 0, 50, 1.47) == place_sites(None, 0, 100, 1.47) == []


def test_the_strand_is_the_tip_of_the_arrow(inputs):
    figure = logo_figure(read_example(inputs[0], 2, ["lrp"], inputs[1]), CLASSES)
    first = tracks(figure, "Sites")[0]
    tbp, sp1 = (patch.get_xy()[:-1] for patch in first.patches)
    assert (tbp[:, 0] == tbp[:, 0].max()).sum() == 1
    assert (tbp[:, 0] == 60).sum() == 2
    assert (sp1[:, 0] == sp1[:, 0].min()).sum() == 1
    assert (sp1[:, 0] == 100).sum() == 2


def test_the_title_says_what_the_model_said(inputs):
    figure = logo_figure(read_example(inputs[0], 2, ["lrp"]), CLASSES)
    texts = [text.get_text() for text in figure.texts]
    assert texts[0] == "p2 (row 2): Promoter, predicted Non-promoter with probability 0.75"
    assert "explain Non-promoter" in texts[1]
    assert not tracks(figure, "Sites")
    assert not figure.legends


def test_a_sequence_without_a_site_keeps_the_track(inputs):
    figure = logo_figure(read_example(inputs[0], "p0", ["lrp"], inputs[1]), CLASSES)
    assert len(tracks(figure, "Sites")) == 2
    assert not figure.legends


def test_a_score_that_is_zero_everywhere_says_so(inputs):
    example = read_example(inputs[0], 0, ["lrp", "gradcam"])
    example.scores["gradcam"][:] = 0
    axes = tracks(logo_figure(example, CLASSES), "GradCAM")[0]
    assert "zero at every base" in [text.get_text() for text in axes.texts]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0"]


@pytest.mark.parametrize(("length", "span", "lines"), [(251, None, 3), (251, 60, 1)])
def test_any_length_fits_the_page_without_collisions(tmp_path, length, span, lines):
    scores, sites = write_inputs(tmp_path, length, sites=[("p2", 10, 20, "TBP", "+", "positive")])
    figure = logo_figure(read_example(scores, 2, SCORES, sites), CLASSES, span)
    assert len(tracks(figure, "LRP")) == lines
    assert figure.get_figheight() / MM < 245
    widths = [axes.get_position().width / np.ptp(axes.get_xlim()) for axes in tracks(figure, "LRP")]
    np.testing.assert_allclose(widths, widths[0])  # letters of one width
    check_text(figure)
    boxes = [axes.get_position() for axes in figure.axes]
    for upper, lower in zip(boxes[:-1], boxes[1:], strict=True):
        assert lower.y1 < upper.y0
    assert boxes[-1].y0 > 0


def test_crowded_sites_do_not_collide(inputs):
    check_text(logo_figure(read_example(inputs[0], 2, sites_path=inputs[1]), CLASSES))


def test_files_and_text(inputs, tmp_path):
    outputs = tmp_path / "f.pdf", tmp_path / "f.png"
    relevance_logo(inputs[0], 2, CLASSES, *outputs, scores=["lrp", "random"], sites=inputs[1], span_bp=60)
    text = pdf_text(outputs[0])
    for expected in ("p2 (row 2): Promoter", "LRP", "Random", "NFYA", "Position in the sequence (bp)"):
        assert expected in text
    assert outputs[1].stat().st_size > 10_000
