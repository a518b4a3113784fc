"""Scores as Keras gives them, and exact ones."""

import math

import numpy as np
import pytest
import torch

from regulens.training.trials import exact_scores, threshold_scores


def keras(probability: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """AUROC and AUPR by the definition: count at each of the 200 thresholds, then sum between neighbours."""
    p, y = probability.astype(np.float32).ravel(), label.ravel()
    thresholds = [-1e-7, *(i / 199 for i in range(1, 199)), 1 + 1e-7]
    true = [int(((p > np.float32(t)) & y).sum()) for t in thresholds]
    false = [int(((p > np.float32(t)) & ~y).sum()) for t in thresholds]
    auroc = aupr = 0.0
    for t, f, t_next, f_next in zip(true, false, true[1:], false[1:], strict=False):
        auroc += (f - f_next) / true_count(~y) * (t + t_next) / 2 / true_count(y)
        all_, all_next = t + f, t_next + f_next
        slope = (t - t_next) / (all_ - all_next) if all_ > all_next else 0
        start = t_next - slope * all_next
        ratio = all_ / all_next if all_next else 1
        aupr += slope * (t - t_next + start * math.log(ratio)) / true_count(y)
    return auroc, aupr


def true_count(values: np.ndarray) -> int:
    return int(values.sum())


def test_every_trial_has_the_scores_of_the_definition():
    rng = np.random.default_rng(0)
    label = rng.random((70, 3)) < 0.2
    probability = rng.random((4, 70, 3)) ** 3 * 0.6 + 0.4 * label * rng.random((4, 70, 3))
    found = threshold_scores(torch.from_numpy(probability), torch.from_numpy(label))
    for trial, (auroc, aupr) in enumerate(zip(*found, strict=True)):
        assert (float(auroc), float(aupr)) == pytest.approx(keras(probability[trial], label), abs=1e-12)
    assert found[0].dtype == torch.float64


def test_hand_made_scores():
    label = torch.tensor([[False], [False], [True], [True]])
    probability = torch.tensor([[0.0, 0.5, 0.3, 0.9], [0.1, 0.2, 0.8, 0.9], [0.9, 0.8, 0.2, 0.1], [0.5] * 4])
    auroc, aupr = threshold_scores(probability.unsqueeze(-1), label)
    assert auroc.tolist() == [0.75, 1.0, 0.0, 0.5]
    # Of one group of ties the precision is the share of positives; perfect order gives 1.
    assert aupr[[1, 3]].tolist() == [1.0, 0.5]
    # 0.9: 1/2. Between 1 of 2 and 2 of 3 predictions: slope 1, intercept -1, (1 - log(3/2)) / 2.
    assert aupr[0] == pytest.approx(0.5 + (1 - math.log(1.5)) / 2)


def test_predictions_between_two_thresholds_are_tied():
    """Exact AUROC is 1; Keras cannot see differences below 1/199."""
    probability, label = torch.tensor([[[0.0006], [0.0007]]]), torch.tensor([[False], [True]])
    assert threshold_scores(probability, label)[0].tolist() == [0.5]
    assert exact_scores(probability[0].numpy(), label.numpy())[0] == 1


def test_extreme_probabilities():
    """0 is above the first threshold and 1 is not above the last; a threshold itself is not above itself."""
    label = torch.tensor([[False], [True]])
    assert threshold_scores(torch.tensor([[[0.0], [1.0]]]), label)[0].tolist() == [1.0]
    assert threshold_scores(torch.tensor([[[0.0], [1 / 199]]]), label)[0].tolist() == [0.5]


def test_predictions_that_are_not_finite_spoil_their_own_trial_alone():
    label = torch.tensor([[False], [True]])
    probability = torch.tensor([[[0.2], [0.9]], [[torch.nan], [0.9]], [[0.2], [torch.inf]]])
    for scores in threshold_scores(probability, label):
        assert scores[0] == 1
        assert scores[1:].isnan().all()


@pytest.mark.parametrize("value", [True, False])
def test_labels_of_one_kind_have_no_score(value):
    auroc, aupr = threshold_scores(torch.rand(2, 5, 1), torch.full((5, 1), value))
    assert auroc.isnan().all()
    assert aupr.isnan().all()


def test_exact_scores_are_means_over_classes_with_both_labels():
    label = np.array([[0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 1]])
    probability = np.array([[0.1, 0.5, 0.9], [0.2, 0.5, 0.8], [0.3, 0.5, 0.7], [0.4, 0.5, 0.6]])
    # Class 0: 3 of 4 pairs, precisions 1 and 2/3. Class 1 has one label. Class 2: 2 of 3; 1, 1 and 3/4.
    assert exact_scores(probability, label) == pytest.approx(((3 / 4 + 2 / 3) / 2, (5 / 6 + 11 / 12) / 2))
    assert np.isnan(exact_scores(probability[:, 1:2], label[:, 1:2])).all()
    probability[0, 0] = np.inf
    assert np.isnan(exact_scores(probability, label)).all()
