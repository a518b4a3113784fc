"""Figure 2: accuracy on the negative classes against the number of mutated bases."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from regulens.core.command import Part, command
from regulens.core.runs import TaskRun, labelled
from regulens.plotting.style import save
from regulens.studies.dnabert_lrp.mutagenesis_curves import curves_figure
from regulens.studies.dnabert_lrp.table1 import read_curves
from regulens.studies.dnabert_lrp.tasks import ClassNames


@command("dnabert-lrp figure2")
def figure2(
    runs: Sequence[TaskRun],
    /,
    pdf: Path | str,
    png: Path | str,
    class_names: Part[ClassNames | None] = None,
    labels: Part[Mapping[str, str] | None] = None,
) -> None:
    """Figure 2: accuracy on the negative classes against the number of mutated bases.

    ``runs``: ``curves.csv`` of every task and seed; see `curves_figure`.
    """
    save(curves_figure(read_curves(labelled(runs, labels)), 0, class_names), pdf, png)
