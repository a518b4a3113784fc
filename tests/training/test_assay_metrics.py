"""Poisson loss and pooled correlation against numpy."""

import numpy as np
import pytest
import torch

from regulens.training.assay import poisson_loss
from regulens.training.correlation import TrackPearson
from regulens.training.loop import learning_rate_factor


def test_poisson_loss_is_the_mean_over_bins_and_tracks_of_each_example():
    random = np.random.default_rng(1)
    rate, target = random.gamma(2, size=(3, 4, 5)), random.poisson(2, size=(3, 4, 5))
    expected = (rate - target * np.log(rate)).mean(axis=(1, 2))
    found = poisson_loss(torch.from_numpy(rate), torch.from_numpy(target).half())
    assert found.dtype == torch.float32
    assert found.numpy() == pytest.approx(expected, rel=1e-6)


def test_poisson_loss_is_finite_at_rate_zero_and_in_bfloat16_inputs():
    loss = poisson_loss(torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    assert loss.item() == pytest.approx(-np.log(1e-20), rel=1e-5)
    rate = torch.full((1, 1, 1), 3.0, dtype=torch.bfloat16)
    assert poisson_loss(rate, torch.ones(1, 1, 1)).item() == pytest.approx(3 - np.log(3), rel=1e-6)


def test_correlation_pools_segments_and_bins_like_numpy_in_float64():
    random = np.random.default_rng(2)
    target = random.gamma(1, size=(17, 8, 6)).astype(np.float16)
    # An offset a thousand times the spread: sums in float32 lose the correlation.
    prediction = (1e3 + target + random.normal(size=target.shape)).astype(np.float32)
    metric = TrackPearson(6)
    for rows in np.array_split(np.arange(17), 5):
        metric.update(torch.from_numpy(prediction[rows]), torch.from_numpy(target[rows]))
    found = metric.correlation()
    flat = [values.astype(np.float64).reshape(-1, 6) for values in (prediction, target)]
    expected = [np.corrcoef(flat[0][:, track], flat[1][:, track])[0, 1] for track in range(6)]
    assert found.pearson.numpy() == pytest.approx(expected, abs=1e-12)
    assert float(found.mean()) == pytest.approx(np.mean(expected), abs=1e-12)
    metric.reset()
    metric.update(torch.from_numpy(prediction[:4]), torch.from_numpy(target[:4]))
    expected = np.corrcoef(prediction[:4, :, 0].ravel().astype(float), target[:4, :, 0].ravel().astype(float))[0, 1]
    assert float(metric.correlation().pearson[0]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_tracks", [1, 4])
def test_constant_tracks_are_undefined_and_marked(n_tracks):
    random = torch.Generator().manual_seed(1)
    prediction, target = torch.rand(2, 30, 5, n_tracks, generator=random)
    prediction[..., 0] = 0.1  # not a binary fraction: its running mean is rounded
    if n_tracks == 4:
        target[..., 1] = 0.7
        prediction[..., 2], target[..., 2] = 0.3, 0.3
    metric = TrackPearson(n_tracks)
    for rows in torch.arange(30).split(7):
        metric.update(prediction[rows], target[rows])
    metric.update(prediction[:0], target[:0])
    found = metric.correlation()
    assert found.constant_prediction.tolist() == [True, False, True, False][:n_tracks]
    assert found.constant_target.tolist() == [False, True, True, False][:n_tracks]
    assert found.pearson.isnan().tolist() == [True, True, True, False][:n_tracks]
    if n_tracks == 4:
        assert float(found.mean()) == float(found.pearson[3])


def test_learning_rate_warms_up_and_falls_along_half_a_cosine():
    factors = [learning_rate_factor(step, 100, 0.1) for step in range(101)]
    assert factors[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert factors[10:] == pytest.approx(0.5 * (1 + np.cos(np.pi * np.arange(91) / 90)))
    assert learning_rate_factor(0, 100, 0.0) == 1
