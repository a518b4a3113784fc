"""Commands that are still written by hand with typer; goes with the last of them."""

import typer

from regulens.cli import (
    filters,
    hybrid_networks,
    hybrid_networks_figures,
    motif_sequences,
    motifs,
    project,
    report,
    saliency,
    trials,
)
from regulens.provenance.record import leaves_manifests

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
for module in (motif_sequences, trials, saliency, filters, motifs, report):
    app.registered_commands += module.app.registered_commands
hybrid_networks.app.registered_commands += hybrid_networks_figures.app.registered_commands
app.add_typer(hybrid_networks.app, name="hybrid-networks")
for prefix, group in [("", app), *((f"{group.name} ", group.typer_instance) for group in app.registered_groups)]:
    for command in group.registered_commands:
        command.callback = leaves_manifests(command.callback, f"{prefix}{command.name}")
app.registered_commands += project.app.registered_commands
