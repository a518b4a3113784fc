"""Loss curves of fine-tuning, to see whether training has converged."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from regulens.core.command import Part, command
from regulens.core.runs import Run, TaskRun, labelled
from regulens.studies.loss_curves import CLASSES, loss_curves


@command("dnabert-lrp fine-tuning-curves")
def fine_tuning_curves(
    runs: Sequence[TaskRun],
    /,
    pdf: Path | str,
    png: Path | str,
    labels: Part[Mapping[str, str] | None] = None,
    select: Part[Mapping[str, str] | None] = None,
) -> None:
    """Loss and validation accuracy of every task, by epoch.

    See `studies.loss_curves.loss_curves`.
    """
    found = [Run(*run) for run in labelled(runs, labels)]
    loss_curves(found, pdf, png, select=select, quantities=CLASSES)
