"""Loss curve of the pre-training, to see whether it has converged."""

from pathlib import Path

from regulens.core.command import Part, command
from regulens.core.runs import Run
from regulens.studies.loss_curves import MASKED_KMERS, loss_curves


@command("dnabert-lrp pretraining-curves")
def pretraining_curves(epochs: Path | str, /, pdf: Path | str, png: Path | str, select: Part[str]) -> None:
    """Loss and validation accuracy of the pre-training, by epoch.

    See `studies.loss_curves.loss_curves`.
    """
    run = Run("pretraining", "Masked k-mers", 0, epochs)
    loss_curves([run], pdf, png, select={run.model: select}, quantities=MASKED_KMERS)
