"""Saliency logos: which trial, what is read, scales, signal, and errors that name the valid values."""

from dataclasses import replace

import numpy as np
import pytest
from commands import run_command
from figure_inputs import check_text, pdf_text
from hybrid_inputs import paper_architectures, write_model
from matplotlib.patches import Rectangle

from regulens.core.errors import InputError
from regulens.interpret.saliency import SaliencyExamples, write_saliency_examples
from regulens.interpret.settings import SaliencySettings
from regulens.studies.hybrid_networks.results import collect_trials
from regulens.studies.hybrid_networks.saliency_logo import read_saliency_example, saliency_figure

LENGTH = 200
SIGNAL = [(20, 31), (95, 106), (190, 200)]  # the second is on both lines


def some_examples(activation: str, length: int = LENGTH, seed: int = 0) -> SaliencyExamples:
    """Three trials, two sequences with three planted motifs; the saliency is highest inside them."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (2, length)).astype(np.uint8)
    codes[0, 60] = 4
    model = np.full((2, length, 4), 0.25, np.float32)
    for start, end in SIGNAL:
        model[0, start:end] = 0.05 + 0.8 * np.eye(4)[codes[0, start:end]]
    model[0, 25] = [0.28, 0.24, 0.24, 0.24]  # inside a motif, but neither signal nor background
    model[1, 5:20] = np.eye(4)[codes[1, 5:20]]
    rng = np.random.default_rng([seed, len(activation)])
    scores = rng.normal(0, 1e-4, (3, 2, length)) + 1e-3 * (model.max(axis=2) > 0.5)
    return SaliencyExamples(
        scores=scores.astype(np.float32),
        probability=rng.random((3, 2)).astype(np.float32),
        codes=codes,
        model=model,
        rows=np.array([7, 2]),
        trials=np.array([0, 1, 2]),
        settings=SaliencySettings(examples=[7, 2]),
    )


@pytest.fixture
def files(tmp_path):
    """Activation to file."""
    paths = {activation: tmp_path / f"{activation}.h5" for activation in ("relu", "exponential")}
    for activation, path in paths.items():
        write_saliency_examples(path, some_examples(activation))
    return paths


@pytest.fixture
def trials_table(tmp_path):
    """Trials of two architectures; 2 of 3 are kept."""
    architectures = {name: paper_architectures()[name] for name in ("c24", "c4_att")}
    auroc = {"relu": [0.8, 0.9, 0.7], "exponential": [0.9, 0.6, 0.95]}
    valid = {"relu": [0.8, 0.7, 0.9], "exponential": [0.5, 0.4, 0.3]}
    for name in architectures:
        for activation in auroc:
            values = {"classification_auroc": np.array(auroc[activation]), "valid_auroc": np.array(valid[activation])}
            if (name, activation) == ("c4_att", "relu"):
                values = {metric: np.full(3, np.nan) for metric in values}
            write_model(tmp_path / "task2" / name / activation, "task2", values=values)
    table = collect_trials(tmp_path, "task2", architectures, ["relu", "exponential"], 2, "test", "auroc")
    table.to_csv(tmp_path / "task2_trials.csv", index=False)
    return tmp_path / "task2_trials.csv"


def panels(figure, name):
    """Axes of one track on every line, found by its name."""
    return [axes for axes in figure.axes if name in [text.get_text() for text in axes.texts]]


def test_an_example_by_its_row(files):
    example = read_saliency_example(files, {"relu": 2, "exponential": 0}, 7)
    assert example.row == 7
    assert [track.label for track in example.tracks] == ["ReLU", "Exponential"]
    for track, (activation, trial) in zip(example.tracks, [("relu", 2), ("exponential", 0)], strict=True):
        np.testing.assert_array_equal(track.values, some_examples(activation).scores[trial, 0])
        probability = some_examples(activation).probability[trial, 0]
        assert track.title.startswith(f"Trial {trial}, probability {probability:.3g}: AUROC 1.000, AUPR 1.000, ")
    signal = np.zeros(LENGTH, bool)
    for start, end in SIGNAL:
        signal[start:end] = True
    signal[25] = False
    np.testing.assert_array_equal(example.signal, signal)
    information = 2 + 0.85 * np.log2(0.85) + 0.15 * np.log2(0.05)
    np.testing.assert_allclose(example.bits[20].sum(), information, rtol=1e-6)
    assert (example.bits[~signal][:, :] < 0.01).all()
    assert (example.bits[50] == 0).all()


@pytest.mark.parametrize(
    ("trials", "row", "message"),
    [
        ({"relu": 3, "exponential": 0}, 7, r"relu.h5: trial: 3 does not exist; valid: 0, 1, 2"),
        ({"relu": 0, "exponential": 0}, 0, r"relu.h5: example: 0 does not exist; valid: 7, 2"),
    ],
)
def test_wrong_trials_and_rows(files, trials, row, message):
    with pytest.raises(InputError, match=message):
        read_saliency_example(files, trials, row)


@pytest.mark.parametrize("change", ["codes", "model", "settings"])
def test_files_of_different_sequences_do_not_mix(files, change):
    other = some_examples("exponential")
    if change == "settings":
        other = replace(other, settings=SaliencySettings(examples=[7, 2], worst=5))
    else:
        other = replace(other, **{change: getattr(other, change)[::-1].copy()})
    write_saliency_examples(files["exponential"], other)
    with pytest.raises(InputError, match=r"exponential.h5: example 7 is not the sequence of .*relu.h5"):
        read_saliency_example(files, {"relu": 0, "exponential": 0}, 7)
    # The batch changes no score.
    write_saliency_examples(
        files["exponential"], replace(some_examples("exponential"), settings=SaliencySettings(examples=[7, 2], batch=3))
    )
    read_saliency_example(files, {"relu": 0, "exponential": 0}, 7)


def test_every_base_is_drawn_once_on_one_scale(files):
    example = read_saliency_example(files, {"relu": 0, "exponential": 1}, 7)
    figure = saliency_figure(example, "C24")
    for track in example.tracks:
        shown = panels(figure, track.label)
        assert [axes.get_xlim() for axes in shown] == [(0, 100), (100, 200)]
        for axes in shown:
            np.testing.assert_allclose(axes.get_ylim(), (track.values.min(), track.values.max()))
        titles = [text.get_text() for axes in shown for text in axes.texts]
        assert titles.count(track.title) == 1
    assert [axes.get_ylim() for axes in panels(figure, "Planted motifs\n(bits)")] == [(0, 2), (0, 2)]
    assert figure.texts[0].get_text().startswith("C24: saliency of one sequence (row 7 ")


def test_the_signal_is_shaded_in_every_track(files):
    figure = saliency_figure(read_saliency_example(files, {"relu": 0, "exponential": 1}, 7), "C24")
    for name in ("ReLU", "Exponential", "Planted motifs\n(bits)"):
        spans = [
            [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches if type(patch) is Rectangle]
            for axes in panels(figure, name)
        ]
        assert spans == [[(20, 25), (26, 31), (95, 100)], [(100, 106), (190, 200)]]


def test_saliency_that_is_zero_or_not_a_number_says_so(files):
    examples = some_examples("relu")
    examples.scores[0], examples.scores[1] = 0, np.nan
    write_saliency_examples(files["relu"], examples)
    for trial, message in ((0, "zero at every base: the output is saturated"), (1, "not a finite number: this trial")):
        figure = saliency_figure(read_saliency_example(files, {"relu": trial, "exponential": 1}, 7), "C24")
        texts = [text.get_text() for text in panels(figure, "ReLU")[0].texts]
        assert any(text.startswith(message) for text in texts)
        assert "Trial 1" in texts if trial else any("AUROC 0.500" in text for text in texts)
        check_text(figure)


@pytest.mark.parametrize(("length", "lines"), [(LENGTH, 2), (251, 3)])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_nothing_collides(tmp_path, length, lines, shift):
    examples = some_examples("relu", length)
    examples = replace(examples, scores=examples.scores + np.float32(shift * 2e-3))  # all signs; positive; negative
    write_saliency_examples(tmp_path / "e.h5", examples)
    files = {"relu": tmp_path / "e.h5", "exponential": tmp_path / "e.h5"}
    figure = saliency_figure(read_saliency_example(files, {"relu": 0, "exponential": 2}, 7), "C4C6-LSTM-Trans4")
    assert len(panels(figure, "ReLU")) == lines
    check_text(figure)
    boxes = [axes.get_position() for axes in figure.axes]
    for upper, lower in zip(boxes[:-1], boxes[1:], strict=True):
        assert lower.y1 < upper.y0
    assert boxes[-1].y0 > 0


def test_the_command_draws_the_best_trials(files, trials_table, tmp_path):
    def run(*examples, **selection):
        words = [part for text in examples for part in ("--examples", text)]
        words += ["--trials-table", trials_table, "--architecture", "c24", "--example", 7]
        words += ["--pdf", tmp_path / "f.pdf", "--png", tmp_path / "f.png"]
        settings = {"label": "C24", "selection": {"split": "test", "metric": "auroc"} | selection}
        run_command("hybrid-networks saliency-logo", *words, folder=tmp_path, settings=settings)
        return pdf_text(tmp_path / "f.pdf")

    given = [f"{activation}={path}" for activation, path in files.items()]
    text = run(*given)
    for expected in ("C24: saliency", "ReLU", "Exponential", "Trial 1,", "Trial 2,", "Position in the sequence (bp)"):
        assert expected in text
    assert (tmp_path / "f.png").stat().st_size > 10_000
    assert "Trial 0," in run(*given, split="valid")
    with pytest.raises(InputError, match="NAME=FILE, found 'relu'"):
        run("relu")
    with pytest.raises(InputError, match="relu is given twice"):
        run(given[0], given[0])
