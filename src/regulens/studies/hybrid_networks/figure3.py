"""Figure 3: classification and saliency maps of every network, exponential activation against ReLU."""

from pathlib import Path

from regulens.core.command import command
from regulens.plotting.style import save
from regulens.studies.hybrid_networks.activation_scatter import Metric, activation_scatter, read_results

METRICS = (
    Metric("classification_auroc", "Classification AUROC", "AUROC", (0.945, 0.987)),
    Metric("saliency_auroc", "Saliency AUROC", "AUROC", (0.61, 0.95)),
    Metric("saliency_aupr", "Saliency AUPR", "AUPR", (0.42, 0.88)),
    Metric("saliency_snr", "Saliency SNR", "Ratio", (0.0, 3.2)),
)
"""Columns of panels."""


@command("hybrid-networks figure3")
def figure3(table: Path | str, /, pdf: Path | str, png: Path | str) -> None:
    """Figure 3: classification and saliency maps of every network, exponential against ReLU.

    ``table``: result table of task 2 (`regulens hybrid-networks results`). See `activation_scatter`.
    """
    save(activation_scatter(read_results(table, METRICS), METRICS), pdf, png)
