"""Figure 2: classification and filter motifs of every network, exponential activation against ReLU."""

from pathlib import Path

from regulens.core.command import command
from regulens.plotting.style import save
from regulens.studies.hybrid_networks.activation_scatter import Metric, activation_scatter, read_results

METRICS = (
    Metric("aupr", "Classification AUPR", "AUPR", (0.62, 1.0)),
    Metric("tpr", "True positive rate of filters", "Rate", (0.25, 1.0)),
    Metric("fpr", "False positive rate of filters", "Rate", (-0.02, 0.18)),
)
"""Columns of panels."""


@command("hybrid-networks figure2")
def figure2(table: Path | str, /, pdf: Path | str, png: Path | str) -> None:
    """Figure 2: classification and filter motifs of every network, exponential against ReLU.

    ``table``: result table of task 1 (`regulens hybrid-networks results`). See `activation_scatter`.
    """
    save(activation_scatter(read_results(table, METRICS), METRICS), pdf, png)
