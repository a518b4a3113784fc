"""Test scores of trained trials."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from regulens.data.motif_sequences import read_motif_sequences
from regulens.errors import InputError
from regulens.files import atomic_output
from regulens.training.device import best_device
from regulens.training.display import progress
from regulens.training.trials.files import load_trials
from regulens.training.trials.group import predict
from regulens.training.trials.metrics import exact_scores, threshold_scores

METRIC_COLUMNS = (
    "trial", "seed", "status", "epochs", "best_epoch", "parameters", "valid_auroc", "valid_aupr",
    "test_loss", "test_auroc", "test_aupr", "test_auroc_exact", "test_aupr_exact",
)  # fmt: skip
"""Columns of ``metrics.csv``.

parameters are the trainable ones of one trial. The validation scores, test_auroc and test_aupr pool the labels of all
classes and use 200 thresholds, as the published numbers do (`threshold_scores`); the exact ones are means over the
classes (`exact_scores`).
"""


def evaluate_trials(
    model_path: Path | str, data_path: Path | str, output: Path | str, batch: int = 500, accelerator: str = "auto"
) -> pd.DataFrame:
    """Score every trial on the test sequences; writes and returns a row a trial, `METRIC_COLUMNS`.

    ``batch`` sequences at a time. A trial whose predictions are not finite has empty scores. Raises `InputError` when
    a file cannot be read or the data do not fit the model.
    """
    loaded, data = load_trials(model_path), read_motif_sequences(data_path, split="test", model=False)
    found, wanted = (data.codes.shape[1], data.labels.shape[1]), (loaded.settings.input_bp, loaded.settings.classes)
    if found != wanted or not len(data.codes):
        raise InputError(
            f"{data_path} has {len(data.codes)} test sequences of {found[0]} bp with {found[1]} classes, {model_path} "
            f"was made for {wanted[0]} bp and {wanted[1]} classes: use the data that it was trained on"
        )
    device = best_device(accelerator)
    codes, labels = torch.from_numpy(data.codes).to(device), torch.from_numpy(data.labels != 0).to(device)
    rows = []
    for place, known in enumerate(progress(loaded.trials.to_dict("records"), f"testing {Path(model_path).parent}")):
        logits = predict(loaded.only([place]).to(device), codes, batch)
        rows.append(known | {"parameters": loaded.network.parameter_count()} | _scores(logits, labels))
    table = pd.DataFrame(rows)[list(METRIC_COLUMNS)]
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def _scores(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Test scores from logits (1, sequences, classes) and bool labels (sequences, classes)."""
    loss = float(F.binary_cross_entropy_with_logits(logits[0], labels.to(logits.dtype)))
    auroc, aupr = (float(score) for score in threshold_scores(logits.sigmoid(), labels))
    # The logits rank as the probabilities do, without the ties of those that round to 1.
    exact = exact_scores(logits[0].double().cpu().numpy(), labels.cpu().numpy())
    loss = loss if np.isfinite(loss) else np.nan
    return {
        "test_loss": loss,
        "test_auroc": auroc,
        "test_aupr": aupr,
        "test_auroc_exact": exact[0],
        "test_aupr_exact": exact[1],
    }
