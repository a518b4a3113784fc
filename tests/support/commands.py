"""Commands as a person types them, with their settings from a file."""

from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from regulens.cli import app


def run_command(name: str, *words: Any, folder: Path, settings: dict[str, Any] | None = None) -> str:
    """Run `regulens NAME WORDS` with these settings in a configuration of their own; returns what it printed.

    Raises what the command raises.
    """
    options = []
    if settings is not None:
        config = folder / "configuration.yaml"
        config.write_text(yaml.safe_dump({"given": settings}, sort_keys=False))
        options = ["--config", str(config), *(word for key in settings for word in ("--part", f"given/{key}"))]
    done = CliRunner().invoke(app, [*name.split(), *map(str, words), *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output
