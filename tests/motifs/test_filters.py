"""Filters to motifs: hand-made activations, the plain definition as a loop, and a planted motif through the files."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from regulens.core.errors import InputError
from regulens.core.sequence import encode
from regulens.data.simulate.motifs import MotifSequences, write_motif_sequences
from regulens.models.hybrid import HybridNetwork
from regulens.models.settings import HybridNetworkSettings
from regulens.motifs import filters
from regulens.motifs.filter_matches import ALIGNED_COLUMNS, match_filters
from regulens.motifs.filters import align, align_filters
from regulens.motifs.jaspar import write_targets
from regulens.motifs.meme import read_meme
from regulens.motifs.settings import ComparisonSettings, FilterSettings
from regulens.motifs.tomtom import compare
from regulens.training.trials import TRIAL_COLUMNS, save_trials

LENGTH = 40
SITE = "TGACTCA"


def random_codes(n, length=LENGTH, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 4, (n, length), dtype=np.uint8))


def given(activations, codes):
    """A first layer whose activations, (trials, N, filters, L), are looked up by the sequence."""
    one_hot = torch.nn.functional.one_hot(codes.long(), 4).transpose(1, 2).float()

    def first_layer(bases):
        assert bases.shape[0] == 1
        rows = [int((one_hot == row).all(dim=(1, 2)).nonzero()[0, 0]) for row in bases[0]]
        return activations[:, rows]

    return first_layer


def loop(activations, codes, threshold=0.5, window=20):
    """The published procedure, one filter and one position at a time."""
    trials, count, number, length = activations.shape
    frequencies, sites = np.full((trials, number, window, 4), 0.25), np.zeros((trials, number), int)
    for trial in range(trials):
        for f in range(number):
            values = activations[trial, :, f]
            windows = []
            for row in range(count):
                for position in range(length):
                    start, end = position - window // 2, position + window // 2
                    if values[row, position] > threshold * values.max() and start > 0 and end < length:
                        windows.append(np.eye(4)[codes[row, start:end]])
            sites[trial, f] = len(windows)
            if windows:
                frequencies[trial, f] = np.mean(windows, axis=0)
    return frequencies, sites


@pytest.mark.parametrize("threshold", [0.1, 0.5])
@pytest.mark.parametrize("window", [20, 6, 38])
@pytest.mark.parametrize("batch", [3, 100])
def test_equal_to_the_plain_loop(threshold, window, batch):
    codes = random_codes(11)
    activations = torch.rand(2, 11, 3, LENGTH, generator=torch.Generator().manual_seed(1)) ** 3
    found = align(given(activations, codes), codes, threshold, window, batch)
    frequencies, sites = loop(activations.numpy(), codes.numpy(), threshold, window)
    assert sites.max() > 0
    np.testing.assert_array_equal(found.sites, sites)
    np.testing.assert_allclose(found.frequencies, frequencies, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.maximum, activations.amax(dim=(1, 3)).double().numpy())


@pytest.mark.parametrize(("position", "counts"), [(10, 0), (11, 1), (29, 1), (30, 0)])
def test_the_borders_of_the_window_are_strict(position, counts):
    """Of 40 bp: a window from base 0, or one that ends at base 39, is left out."""
    codes = random_codes(2)
    activations = torch.zeros(1, 2, 1, LENGTH)
    activations[0, 0, 0, position] = 1
    found = align(given(activations, codes), codes)
    assert found.sites.item() == counts
    if counts:
        expected = np.eye(4)[codes[0, position - 10 : position + 10]]
        np.testing.assert_array_equal(found.frequencies[0, 0], expected)
    else:
        assert (found.frequencies == 0.25).all()


def test_exactly_half_the_maximum_is_no_site_and_the_maximum_may_lie_at_the_border():
    codes = random_codes(3)
    activations = torch.zeros(1, 3, 1, LENGTH)
    activations[0, 0, 0, 0] = 2  # sets the threshold, makes no site
    activations[0, 1, 0, 15] = 1
    activations[0, 2, 0, 16] = 1.001
    found = align(given(activations, codes), codes)
    assert (found.sites.item(), found.maximum.item()) == (1, 2)
    np.testing.assert_array_equal(found.frequencies[0, 0], np.eye(4)[codes[2, 6:26]])


def test_filters_that_are_dead_or_not_finite_have_no_site():
    codes = random_codes(4)
    activations = torch.rand(2, 4, 3, LENGTH, generator=torch.Generator().manual_seed(0))
    activations[0, :, 1] = 0  # a dead filter with ReLU
    activations[0, 2, 2, 20] = torch.nan
    activations[1, 3, 0, 20] = torch.inf
    found = align(given(activations, codes), codes, batch=2)
    assert (found.sites > 0).tolist() == [[True, False, False], [False, True, True]]
    assert np.isnan(found.maximum[0, 2])
    assert np.isinf(found.maximum[1, 0])
    assert (found.frequencies[0, 1:] == 0.25).all()
    np.testing.assert_allclose(found.frequencies.sum(axis=3), 1)


class Planted:
    """Stand-in for trials: filter 0 of each trial responds to `SITE`, filter 1 to any sequence, filter 2 never."""

    def __init__(self, trials, broken=()):
        self.trials, self.broken = trials, broken
        self.weight = torch.zeros(1, 4, len(SITE))
        self.weight[0, encode(SITE).tolist(), range(len(SITE))] = 1

    def first_layer(self, one_hot):
        best = torch.nn.functional.conv1d(one_hot[0], self.weight, padding=3)
        site = torch.exp(5 * (best - len(SITE)))
        layer = torch.stack([site[:, 0], torch.ones_like(site[:, 0]), torch.zeros_like(site[:, 0])], dim=1)
        layer = layer.repeat(self.trials, 1, 1, 1)
        layer[list(self.broken)] = torch.nan
        return layer


@pytest.fixture
def data(tmp_path):
    """30 test sequences of 60 bp, 20 of them with the site at base 26; one training sequence that must not count."""
    codes = random_codes(31, 60).numpy()
    codes[:20, 26:33] = encode(SITE)
    split = np.array([2] * 30 + [0], np.uint8)
    sequences = MotifSequences(codes, np.ones((31, 1), np.uint8), np.full((31, 60, 4), 0.25, np.float32), split, ("A",))
    write_motif_sequences(tmp_path / "data.h5", sequences, "{}")
    return tmp_path / "data.h5"


def stand_in(monkeypatch, network, trials, input_bp=60):
    """Every model file holds these trials."""
    shape, table = SimpleNamespace(input_bp=input_bp), pd.DataFrame({"trial": trials})
    loaded = SimpleNamespace(network=network, settings=shape, trials=table)
    monkeypatch.setattr(filters, "load_trials", lambda path, device: loaded)


def run(data, monkeypatch, network=None, trials=(0, 1), input_bp=60, **settings):
    stand_in(monkeypatch, network or Planted(len(trials)), trials, input_bp)
    outputs = data.parent / "filters.meme", data.parent / "aligned.csv"
    align_filters("model.pt", data, FilterSettings(**({"batch": 7} | settings)), *outputs, accelerator="cpu")
    return pd.read_csv(outputs[1]), read_meme(outputs[0])


def test_a_planted_motif_comes_back_through_the_files(data, monkeypatch):
    table, meme = run(data, monkeypatch, trials=(0, 4))
    assert list(table) == ALIGNED_COLUMNS
    assert table["trial"].tolist() == [0, 0, 0, 4, 4, 4]
    assert table["filter"].tolist() == [0, 1, 2, 0, 1, 2]
    names = [f"trial{trial}_filter{number:02d}" for trial in (0, 4) for number in range(3)]
    assert [motif.matrix.matrix_id for motif in meme.motifs] == names
    assert (meme.background == 0.25).all()
    site, always, never = table.iloc[:3].to_dict("records")
    # the window is [position - 10, position + 10) around the middle of the site: the site lies at 7 to 13 in it
    assert (site["sites"], site["start"], site["width"]) == (20, 4, 13)
    assert site["maximum_activation"] == pytest.approx(1)
    assert (site["clipped"], site["empty"]) == (True, False)
    matrix = meme.motifs[0].matrix
    assert "".join("ACGT"[base] for base in matrix.probabilities[3:10].argmax(axis=1)) == SITE
    np.testing.assert_allclose(matrix.probabilities[3:10].max(axis=1), 1)
    assert site["information_bits"] == pytest.approx(matrix.information.sum(), abs=1e-3)
    assert (always["sites"], always["width"], always["clipped"], always["empty"]) == (30 * 39, 20, False, False)
    assert (never["sites"], never["width"], never["clipped"], never["empty"]) == (0, 20, False, True)
    assert never["information_bits"] == 0
    assert (meme.motifs[2].matrix.probabilities == 0.25).all()
    assert [motif.sites for motif in meme.motifs[:3]] == [13, 20, 20]  # the width, as published


def test_a_diverged_trial_has_empty_filters(data, monkeypatch):
    table, meme = run(data, monkeypatch, Planted(2, broken=[1]))
    assert table["empty"].tolist() == [False, False, True, True, True, True]
    assert table["maximum_activation"].isna().tolist() == [False] * 3 + [True] * 3
    assert len(meme.motifs) == 6


def test_the_settings_reach_the_alignment(data, monkeypatch):
    table, _ = run(data, monkeypatch, window_bp=12, pad_bp=1, min_information=1.5, threshold=0.999)
    assert table.loc[0, ["sites", "start", "width"]].tolist() == [20, 2, 9]
    table, _ = run(data, monkeypatch, min_information=1.99999, pad_bp=0)
    assert table.loc[0, ["start", "width"]].tolist() == [7, 7]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_bp": 200}, "data.h5 has sequences of 60 bp, the model model.pt is for 200 bp"),
        ({"window_bp": 60}, "filters.window_bp: a window of 60 bp does not fit within sequences of 60 bp"),
    ],
)
def test_what_does_not_fit_is_said(data, monkeypatch, changes, message):
    with pytest.raises(InputError, match=message):
        run(data, monkeypatch, **changes)
    assert not (data.parent / "aligned.csv").exists()


def test_unknown_bases_are_said(data, monkeypatch):
    codes = random_codes(2, 60).numpy()
    codes[1, 5] = 4
    model = np.full((2, 60, 4), 0.25, np.float32)
    sequences = MotifSequences(codes, np.ones((2, 1), np.uint8), model, np.full(2, 2, np.uint8), ("A",))
    write_motif_sequences(data, sequences, "{}")
    with pytest.raises(InputError, match=r"data.h5 has test sequences with N: filters are aligned on A, C, G and T"):
        run(data, monkeypatch)


@pytest.mark.parametrize("activation", ["relu", "exponential"])
def test_trained_networks_are_read_from_their_file(data, activation):
    """The first filter of every trial is the site, in the middle of the kernel, as batch normalisation passes it."""
    settings = HybridNetworkSettings(baseline="c4c6", activation=activation, input_bp=60, classes=1)
    network = HybridNetwork(settings, 2)
    state = network.state_dict()
    weight = state["convolution.weight"]
    kernel = torch.zeros(4, 19)
    kernel[encode(SITE).tolist(), range(6, 13)] = 1
    assert weight[0, 0].numel() == kernel.numel()
    weight[:, 0] = (6 * kernel).view(weight.shape[2:])
    state["convolution_norm.running_mean"][:, 0] = 39  # the consensus gives 42, one mismatch 36
    weight[1, 5] = torch.nan
    trials = [dict.fromkeys(TRIAL_COLUMNS, 0) | {"trial": trial} for trial in (2, 3)]
    save_trials(data.parent / "model.pt", settings, state, trials, {}, 1, "")
    outputs = data.parent / "filters.meme", data.parent / "aligned.csv"
    table = align_filters(data.parent / "model.pt", data, FilterSettings(), *outputs, accelerator="cpu")
    assert len(table) == 2 * 32
    assert table["trial"].unique().tolist() == [2, 3]
    assert table.loc[(table["trial"] == 3) & (table["filter"] == 5), "empty"].all()
    for trial in (2, 3):
        row = table[(table["trial"] == trial) & (table["filter"] == 0)].iloc[0]
        assert row[["sites", "start", "width"]].tolist() == [20, 4, 13]
        # running variance 1 and epsilon 0.001 divide 3 by sqrt(1.001)
        value = 3 / np.sqrt(1.001)
        expected = np.exp(value) if activation == "exponential" else value
        assert row["maximum_activation"] == pytest.approx(expected, rel=1e-5)


def test_from_filters_to_rates(data, monkeypatch):
    """Trial 0: AP-1 site, flat, empty; trial 1 diverged. The flat filters have hits by this distance; none counts."""
    stand_in(monkeypatch, Planted(2, broken=[1]), (0, 1))
    folder, settings = data.parent, FilterSettings()
    meme, targets, hits = folder / "filters.meme", folder / "targets.meme", folder / "tomtom.tsv"
    aligned, annotation = folder / "aligned.csv", folder / "targets.tsv"
    align_filters(folder / "model.pt", data, settings, meme, aligned)
    comparison = ComparisonSettings(
        release="JASPAR2020", tax_group=None, all_versions=True, engine="native", distance="ed"
    )
    write_targets(comparison, targets, annotation)
    found = compare(meme, targets, comparison, hits).hits
    assert {"trial0_filter01", "trial1_filter00"} <= set(found["query"])
    match_filters(hits, annotation, aligned, settings, folder / "filters.csv", folder / "rates.csv")
    table = pd.read_csv(folder / "filters.csv", keep_default_na=False)
    assert table["truth"].tolist() == ["FOSL1", "", "", "", "", ""]
    assert (table["hits"] > 0).tolist() == [True] + [False] * 5
    rates = pd.read_csv(folder / "rates.csv")
    assert rates["tpr"].tolist() == [pytest.approx(1 / 3, abs=1e-5), 0]
    assert rates["fpr"].tolist() == [0, 0]
    assert rates["no_hit"].tolist() == [pytest.approx(2 / 3, abs=1e-5), 1]
    assert rates["empty"].tolist() == [pytest.approx(1 / 3, abs=1e-5), 1]
