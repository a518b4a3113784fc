"""Saliency maps: known gradients, trials apart from each other, saturation, and the files of a whole model."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from commands import run_command

from regulens.core.errors import InputError
from regulens.core.sequence import one_hot
from regulens.data.simulate.motifs import MotifSequences, write_motif_sequences
from regulens.interpret.saliency import (
    read_saliency_examples,
    saliency,
    score_saliency,
    trial_statistics,
    truth_positions,
)
from regulens.interpret.settings import SaliencySettings
from regulens.models.hybrid import HybridNetwork
from regulens.models.settings import HybridNetworkSettings, HybridSizes
from regulens.training.trials import save_trials

SIZES = HybridSizes(filters=6, kernel_bp=7, lstm=8, attention=8, heads=2, feed_forward=4, dense=10)
LENGTH = 48
ARCHITECTURES = {
    "c24": ("c24", []),
    "c4c6_att": ("c4c6", ["attention"]),
    "c4_trans2": ("c4", ["transformer", "transformer"]),
}


class Linear(torch.nn.Module):
    """Logits b + sum of w x: the gradient is w wherever it is taken."""

    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)

    def forward(self, x):
        return torch.einsum("tbal,tal->tb", x, self.weight)[..., None] + self.bias[:, None, None]


def hybrid(name="c24", activation="relu", trials=3, classes=1) -> HybridNetwork:
    """A network in evaluation mode whose running statistics are not those of a new one."""
    baseline, modules = ARCHITECTURES[name]
    settings = HybridNetworkSettings(
        baseline=baseline, modules=modules, activation=activation, sizes=SIZES, input_bp=LENGTH, classes=classes
    )
    network = HybridNetwork(settings, trials)
    network.initialise(range(trials))
    codes = torch.from_numpy(np.random.default_rng(9).integers(0, 4, (40, LENGTH)).astype(np.uint8))
    with torch.no_grad():
        network.train()(one_hot(codes)[None])
    return network.eval()


def some_data(sequences=30) -> MotifSequences:
    """Half of the sequences positive; a planted motif of 6 bp in each; the last two thirds are for testing."""
    rng = np.random.default_rng(4)
    model = np.full((sequences, LENGTH, 4), 0.25, np.float32)
    codes = rng.integers(0, 4, (sequences, LENGTH)).astype(np.uint8)
    for row, start in enumerate(rng.integers(0, LENGTH - 6, sequences)):
        codes[row, start : start + 6] = [0, 1, 2, 3, 3, 1]
        model[row, start : start + 6] = np.eye(4)[codes[row, start : start + 6]]
    labels = (np.arange(sequences) % 2)[:, None].astype(np.uint8)
    split = np.where(np.arange(sequences) < sequences // 3, 0, 2).astype(np.uint8)
    split[1] = 1
    return MotifSequences(codes, labels, model, split, ("code",))


@pytest.fixture
def files(tmp_path):
    """A model of three trials, of which the last diverged, and its data."""
    data = some_data()
    write_motif_sequences(tmp_path / "task2.h5", data, "{}")
    network = hybrid()
    network.classes.weight.data[2] = float("nan")
    statuses = ["early_stopped", "max_epochs", "diverged"]
    trials = [
        {"trial": 4 + t, "seed": t, "status": status, "epochs": 3, "best_epoch": 2, "valid_auroc": 0.5, "valid_aupr": 1}
        for t, status in enumerate(statuses)
    ]
    save_trials(tmp_path / "model.pt", network.settings, network.state_dict(), trials, {}, 1, "")
    return tmp_path, network, data


def test_known_gradients_at_known_bases():
    weight = torch.arange(24.0).reshape(1, 4, 6) / 10
    network = Linear(torch.cat([weight, -2 * weight]), torch.tensor([-1.0, 3.0]))
    codes = np.array([[0, 1, 2, 3, 4, 0]], np.uint8)  # N is no base: its saliency is 0
    logit = np.array([0.0, 0.7, 1.4, 2.1, 0.0, 0.5])
    scores, probability = saliency(network, codes, "logit")
    np.testing.assert_allclose(scores, [[logit], [-2 * logit]], rtol=1e-6)
    expected = 1 / (1 + np.exp(-np.array([logit.sum() - 1, 3 - 2 * logit.sum()])))
    np.testing.assert_allclose(probability[:, 0], expected, rtol=1e-5)
    scores, _ = saliency(network, codes, "probability")
    slope = (expected * (1 - expected))[:, None, None]
    np.testing.assert_allclose(scores, slope * [[logit], [-2 * logit]], rtol=1e-4, atol=1e-9)


def test_a_saturated_output_has_no_saliency_but_its_logit_has():
    network = Linear(torch.ones(1, 4, 5), torch.tensor([30.0]))
    codes = np.zeros((1, 5), np.uint8)
    assert (saliency(network, codes, "probability")[0] == 0).all()
    assert (saliency(network, codes, "logit")[0] == 1).all()


@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_saliency_is_the_derivative_of_the_probability(name, activation):
    network = hybrid(name, activation, trials=2).double()
    codes = some_data(3).codes
    scores, probability = saliency(network, codes)
    inputs, step = one_hot(torch.from_numpy(codes), torch.float64), 1e-6
    with torch.no_grad():
        np.testing.assert_allclose(probability, network(inputs[None])[..., 0].sigmoid(), rtol=1e-12)
        for base in (0, 13, 30):
            change = torch.zeros_like(inputs)
            change[:, :, base] = step * inputs[:, :, base]
            ends = [network((inputs + sign * change)[None])[..., 0].sigmoid() for sign in (1, -1)]
            np.testing.assert_allclose(scores[..., base], (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_neither_company_nor_batch_changes_a_trial(name):
    network, codes = hybrid(name).double(), some_data(10).codes
    together, probability = saliency(network, codes, batch=4)
    assert together.shape == (3, 10, LENGTH)
    assert probability.shape == (3, 10)
    for trial in range(3):
        alone, _ = saliency(network.select([trial]), codes, batch=10)
        np.testing.assert_allclose(alone[0], together[trial], rtol=1e-9, atol=1e-15)
    assert np.abs(together[0] - together[1]).max() > 0


def test_the_first_class_is_explained():
    network, codes = hybrid(classes=3), some_data(4).codes
    before = saliency(network, codes)[0]
    network.classes.weight.data[:, 1:] = 0
    np.testing.assert_allclose(saliency(network, codes)[0], before, rtol=1e-5, atol=1e-9)
    network.classes.weight.data[:, 0] = 0
    assert (saliency(network, codes)[0] == 0).all()


def test_the_files_of_a_model(files):
    folder, network, data = files
    settings = SaliencySettings(worst=5, examples=[3, 0], batch=7)
    score_saliency(folder / "model.pt", folder / "task2.h5", folder / "s.csv", folder / "e.h5", settings, "cpu")
    rows = np.flatnonzero((data.labels[:, 0] == 1) & (data.split == 2))
    assert len(rows) == 10
    scores, probability = saliency(network, data.codes[rows])
    table = pd.read_csv(folder / "s.csv")
    expected = trial_statistics(scores, truth_positions(data.model[rows], 0.1, 1e-6), 5)
    assert list(table) == ["trial", *expected]
    assert table["trial"].tolist() == [4, 5, 6]
    np.testing.assert_allclose(table[list(expected)], expected, rtol=1e-4)
    assert (table["sequences"] == 10).all()
    assert table["auroc"].isna().tolist() == [False, False, True]
    examples = read_saliency_examples(folder / "e.h5")
    np.testing.assert_allclose(examples.scores, scores[:, [3, 0]], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(examples.probability, probability[:, [3, 0]], rtol=1e-5)
    np.testing.assert_array_equal(examples.codes, data.codes[rows[[3, 0]]])
    np.testing.assert_array_equal(examples.model, data.model[rows[[3, 0]]])
    assert (examples.rows.tolist(), examples.trials.tolist()) == ([3, 0], [4, 5, 6])
    assert examples.settings == settings


def test_the_command_writes_the_same(files):
    folder, _, _ = files
    settings = {"worst": 5, "examples": [1]}
    score_saliency(
        folder / "model.pt", folder / "task2.h5", folder / "a.csv", folder / "a.h5", SaliencySettings(**settings)
    )
    words = ["--data", folder / "task2.h5", "--output", folder / "b.csv", "--examples", folder / "b.h5"]
    run_command(
        "score-saliency", folder / "model.pt", *words, "--threads", 1, folder=folder, settings={"settings": settings}
    )
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    assert read_saliency_examples(folder / "b.h5").rows.tolist() == [1]


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {"examples": [10]}, "no row 10; .*task2.h5 has 10 positive test sequences, rows 0 to 9"),
        ({"labels": lambda data: 0 * data.labels}, {}, "no positive test sequence"),
        ({"model": lambda data: 0 * data.model + 0.25}, {}, "no positive test sequence has both"),
        (
            {"codes": lambda data: data.codes[:, 1:], "model": lambda data: data.model[:, 1:]},
            {},
            r"sequences of 47 bp with 1 class\(es\), the model .*model.pt is for 48 bp and 1",
        ),
    ],
)
def test_wrong_inputs_are_named(files, change, settings, message):
    folder, _, data = files
    data = dataclasses.replace(data, **{name: make(data) for name, make in change.items()})
    write_motif_sequences(folder / "task2.h5", data, "{}")
    outputs = folder / "s.csv", folder / "e.h5"
    with pytest.raises(InputError, match=message):
        score_saliency(folder / "model.pt", folder / "task2.h5", *outputs, SaliencySettings(**settings), "cpu")
    assert not any(path.exists() for path in outputs)
