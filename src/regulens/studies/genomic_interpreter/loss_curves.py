"""Loss curves of the assay models, to see whether training has converged."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from regulens.core.command import Part, command
from regulens.core.runs import Run, labelled
from regulens.studies import loss_curves as drawing


@command("genomic-interpreter loss-curves")
def loss_curves(
    runs: Sequence[Run],
    /,
    pdf: Path | str,
    png: Path | str,
    labels: Part[Mapping[str, str] | None] = None,
    select: Part[Mapping[str, str] | None] = None,
) -> None:
    """Training and validation loss of every model, by epoch.

    See `studies.loss_curves.loss_curves`.
    """
    drawing.loss_curves(labelled(runs, labels), pdf, png, select=select)
