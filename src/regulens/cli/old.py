"""Commands that are still written by hand with typer; goes with the last of them."""

import typer

from regulens.cli import project, report
from regulens.provenance.record import leaves_manifests

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.registered_commands += report.app.registered_commands
for prefix, group in [("", app), *((f"{group.name} ", group.typer_instance) for group in app.registered_groups)]:
    for command in group.registered_commands:
        command.callback = leaves_manifests(command.callback, f"{prefix}{command.name}")
app.registered_commands += project.app.registered_commands
