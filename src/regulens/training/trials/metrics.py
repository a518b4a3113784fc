"""Scores of classifiers: as Keras approximates them during training, and exact ones."""

import numpy as np
import torch
from torch import Tensor

THRESHOLDS = 200
"""Thresholds of Keras' AUC: -1e-7, 1/199 ... 198/199, 1 + 1e-7."""


def threshold_scores(probability: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """AUROC and AUPR of each trial as ``tf.keras.metrics.AUC`` gives them by default, each float64 (trials,).

    ``probability`` is (trials, sequences, classes), ``label`` bool (sequences, classes). All labels are pooled (micro
    average). A prediction is positive when it is above one of `THRESHOLDS`; the ROC curve is summed by trapezoids, the
    precision-recall curve by Davis and Goadrich's interpolation (both are Keras' ``interpolation``). The published
    tables and the training of the published networks are made with these (SPEC 5.4). nan where a probability is.

    Without a positive or without a negative label the scores are undefined: nan where Keras says 0.
    """
    trials, finite = len(probability), probability.isfinite().all(dim=(1, 2))
    steps = THRESHOLDS - 1
    # Bin b holds the predictions above threshold b and not above b + 1.
    bins = (probability.float().nan_to_num() * steps).ceil_().sub_(1).clamp_(0, steps - 1).long()
    bins += THRESHOLDS * torch.arange(2 * trials, device=bins.device)[::2].view(-1, 1, 1)
    bins += THRESHOLDS * label.long()
    counts = torch.bincount(bins.flatten(), minlength=2 * trials * THRESHOLDS).view(trials, 2, THRESHOLDS).double()
    above = counts.flip(-1).cumsum(-1).flip(-1)
    false, true = above.unbind(1)
    positives, negatives = true[:, :1], false[:, :1]
    defined = finite & (positives > 0).squeeze(1) & (negatives > 0).squeeze(1)
    recall, fallout = true / positives, false / negatives
    auroc = ((fallout[:, :-1] - fallout[:, 1:]) * (recall[:, :-1] + recall[:, 1:]) / 2).sum(1)
    aupr = _interpolated_aupr(true, true + false) / positives.squeeze(1)
    return auroc.where(defined, torch.nan), aupr.where(defined, torch.nan)


def _interpolated_aupr(true: Tensor, predicted: Tensor) -> Tensor:
    """Area below the precision-recall curve times the number of positives, (trials,).

    ``true`` and ``predicted`` positives are (trials, thresholds). Between two thresholds the true positives are linear
    in the predicted ones, so that the precision is not (Davis and Goadrich 2006).
    """
    change, width = true[:, :-1] - true[:, 1:], predicted[:, :-1] - predicted[:, 1:]
    slope = torch.where(width > 0, change / width, 0)
    intercept = true[:, 1:] - slope * predicted[:, 1:]
    both = (predicted[:, :-1] > 0) & (predicted[:, 1:] > 0)
    ratio = torch.where(both, predicted[:, :-1] / predicted[:, 1:], 1)
    return (slope * (change + intercept * ratio.log())).sum(1)


def exact_scores(probability: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Mean over the classes of the exact AUROC and of the average precision.

    ``probability`` and ``label`` are (sequences, classes). A class with one kind of label has neither and is left out;
    nan without any other class or with a prediction that is not finite.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    mixed = np.flatnonzero((label == 1).any(0) & (label == 0).any(0))
    if not len(mixed) or not np.isfinite(probability).all():
        return np.nan, np.nan
    scores = (roc_auc_score, average_precision_score)
    return tuple(float(np.mean([score(label[:, c], probability[:, c]) for c in mixed])) for score in scores)
