"""What a run needs before its first job."""

import os
from itertools import chain
from pathlib import Path

from regulens.config import Config, TfrecordData
from regulens.sources import find_source


def needed_sources(config: Config) -> list[str]:
    """Names of all files that the run downloads."""
    data = config.genomic_interpreter.data
    names = [getattr(data, key, None) for key in ("windows", "tracks", "statistics", "fasta")] + [data.crop.blacklist]
    records = []
    if isinstance(data, TfrecordData):
        shards = ((split, shard) for split, count in data.shards.items() for shard in range(count))
        records = [data.tfrecords.replace("{split}", split).replace("{shard}", str(i)) for split, i in shards]
    return [name for name in chain(names, records) if name and find_source(config.sources, name)]


def problems(config: Config) -> list[str]:
    """Everything that is known to be missing, each with its remedy; empty when the run can start."""
    found = []
    mirror = config.download.mirror or os.environ.get("REGULENS_MIRROR")
    if mirror and not Path(mirror).is_dir():
        found.append(f"mirror folder {mirror} does not exist: correct download.mirror or REGULENS_MIRROR")
    folders = [Path(config.download.folder), *([Path(mirror)] if mirror else [])]
    paid = [
        name
        for name in needed_sources(config)
        if find_source(config.sources, name).url.startswith("gs:")
        and not any((folder / name).is_file() for folder in folders)
    ]
    if paid and not config.download.billing_project:
        found.append(
            f"{len(paid)} files ({paid[0]}, ...) are in a requester-pays bucket: set download.billing_project to a "
            "Google Cloud project, or download.mirror to a folder that has copies of them"
        )
    return found
