"""The command `regulens`: one command for each rule, nothing but parsing and calling."""

import sys

import typer

from regulens.cli import (
    assay,
    classifier,
    data,
    dnabert_lrp,
    dnabert_lrp_figures,
    filters,
    genomic_interpreter,
    hybrid_networks,
    hybrid_networks_figures,
    motif_sequences,
    motifs,
    project,
    relevance,
    report,
    saliency,
    sequences,
    trials,
)
from regulens.core.errors import InputError
from regulens.provenance.record import leaves_manifests

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
for module in (
    data,
    assay,
    sequences,
    classifier,
    relevance,
    motif_sequences,
    trials,
    saliency,
    filters,
    motifs,
    report,
):
    app.registered_commands += module.app.registered_commands
app.add_typer(genomic_interpreter.app, name="genomic-interpreter")
dnabert_lrp.app.registered_commands += dnabert_lrp_figures.app.registered_commands
app.add_typer(dnabert_lrp.app, name="dnabert-lrp")
hybrid_networks.app.registered_commands += hybrid_networks_figures.app.registered_commands
app.add_typer(hybrid_networks.app, name="hybrid-networks")
# Every command but those about the project itself leaves manifests.
for prefix, group in [("", app), *((f"{group.name} ", group.typer_instance) for group in app.registered_groups)]:
    for command in group.registered_commands:
        command.callback = leaves_manifests(command.callback, f"{prefix}{command.name}")
app.registered_commands += project.app.registered_commands


def main() -> None:
    """Run the command line; bad input ends with one message and status 2 instead of a traceback."""
    try:
        app()
    except InputError as error:
        print(f"regulens: error: {error}", file=sys.stderr)
        sys.exit(2)
