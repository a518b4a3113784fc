"""What a run needs before its first job."""

import os
from pathlib import Path

from regulens.config import Config


def problems(config: Config) -> list[str]:
    """Everything that is known to be missing, each with its remedy; empty when the run can start."""
    found = []
    mirror = config.download.mirror or os.environ.get("REGULENS_MIRROR")
    if mirror and not Path(mirror).is_dir():
        found.append(f"mirror folder {mirror} does not exist: correct download.mirror or REGULENS_MIRROR")
    if not config.download.billing_project and not mirror:
        paid = [name for name, source in config.sources.items() if source.url.startswith("gs:")]
        if paid:
            found.append(
                f"{len(paid)} sources ({paid[0]}, ...) are in a requester-pays bucket: set download.billing_project to "
                "a Google Cloud project, or download.mirror to a folder that has copies of them"
            )
    for name, model in config.genomic_interpreter.models.items():
        if model.checkpoint and not Path(model.checkpoint).is_file():
            found.append(f"genomic_interpreter.models.{name}.checkpoint: {model.checkpoint} does not exist")
    return found
