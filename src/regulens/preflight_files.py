"""What a run needs on disk and on the network, and what of it is missing."""

import os
import shutil
from collections import defaultdict
from pathlib import Path

from regulens.config import Config
from regulens.errors import InputError
from regulens.plan_data import assay_examples, local_copies, source_bytes, store_bytes, track_count
from regulens.sources import find_source

SMALLEST_WEIGHTS = 10_000
"""A file of weights with fewer bytes is a pointer (Git LFS) or a web page."""


def mirror_problems(config: Config) -> list[str]:
    """A mirror that does not exist."""
    mirror = config.download.mirror or os.environ.get("REGULENS_MIRROR")
    if mirror and not Path(mirror).is_dir():
        return [f"mirror folder {mirror} does not exist: correct download.mirror or REGULENS_MIRROR"]
    return []


def bucket_problems(config: Config, names: list[str]) -> list[str]:
    """Files of a bucket that are not here yet, and no way to them."""
    paid = [
        name
        for name in names
        if find_source(config.sources, name).url.startswith("gs:") and not local_copies(config, name)
    ]
    if not paid:
        return []
    if not config.download.billing_project:
        return [
            f"{len(paid)} files ({paid[0]}, ...) are in a requester-pays bucket: set download.billing_project to a "
            "Google Cloud project, or download.mirror to a folder that has copies of them"
        ]
    from regulens.data import transfer  # the libraries of the network load slowly

    url = find_source(config.sources, paid[0]).url
    try:
        with transfer.open_url(paid[0], url, config.download) as (stream, _):
            stream.read(1)
    except Exception as error:
        try:
            transfer.explain(paid[0], url, error)
        except InputError as known:
            return [f"{known} ({len(paid)} files come from there)"]
        except Exception:  # explain hands back what it does not know
            pass
        return [
            f"{len(paid)} files: {url} does not answer ({transfer.reason(error)}): try again later, or set "
            "download.mirror to a folder that has copies of them"
        ]
    return []


def disk_problems(config: Config, names: list[str]) -> list[str]:
    """Disks without room for what is still to be downloaded and cropped, of which the sizes are known."""
    needed: dict[int, float] = defaultdict(float)
    folders: dict[int, list[str]] = defaultdict(list)
    for folder, size in ((config.download.folder, _to_download(config, names)), ("results", _to_crop(config))):
        if size:
            disk = os.stat(_existing(Path(folder))).st_dev
            needed[disk] += size
            folders[disk].append(folder)
    found = []
    for disk, size in needed.items():
        free = shutil.disk_usage(_existing(Path(folders[disk][0]))).free
        if size > free:
            found.append(
                f"the disk of {' and '.join(folders[disk])} has {_gb(free)} free and the run needs about {_gb(size)} "
                f"there: make room, or run from another disk{_other_disk(folders[disk], config)}"
            )
    return found


def file_problems(config: Config) -> list[str]:
    """Weights and checkpoints that are not there or are no weights."""
    wanted, found = {}, []
    if assay := config.genomic_interpreter:
        wanted |= {f"genomic_interpreter.models.{name}.checkpoint": m.checkpoint for name, m in assay.models.items()}
    if lrp := config.dnabert_lrp:
        wanted |= {f"dnabert_lrp.tasks.{name}.checkpoint": task.checkpoint for name, task in lrp.tasks.items()}
        wanted["dnabert_lrp.model.weights"] = lrp.model.weights
    if hybrid := config.hybrid_networks:
        for task in ("task1", "task2"):
            for name, files in hybrid.task(task).checkpoints.items():
                for activation, path in files.items():
                    wanted[f"hybrid_networks.{task}.checkpoints.{name}.{activation}"] = path
    for key, name in wanted.items():
        if not name:
            continue
        copies = local_copies(config, name)
        if copies and copies[0].stat().st_size < SMALLEST_WEIGHTS:
            size = copies[0].stat().st_size
            found.append(
                f"{copies[0]} has {size} bytes, which are no weights ({key}): delete it and fetch the file itself "
                "(not its Git LFS pointer)"
            )
        elif not copies and not find_source(config.sources, name):
            found.append(f"{key}: {name} does not exist: correct the path, or name it in sources to have it downloaded")
    return found


def _to_download(config: Config, names: list[str]) -> float:
    from regulens.plan_gpu import bert_parameters

    parameters = bert_parameters(config.dnabert_lrp.model.settings) if config.dnabert_lrp else 0
    folder = Path(config.download.folder)
    missing = [name for name in names if not (folder / name).is_file()]
    return sum(source_bytes(config, name, parameters) or 0 for name in missing)


def _to_crop(config: Config) -> float:
    """Bytes of the store, less the shards that are there."""
    study = config.genomic_interpreter
    examples, tracks = (assay_examples(config), track_count(config)) if study else (None, None)
    if not examples or not tracks:
        return 0
    shards = Path("results") / config.run / "genomic_interpreter/data/shards"
    there = sum(path.stat().st_size for path in shards.glob("[!.]*.h5")) if shards.is_dir() else 0
    return max(store_bytes(study, examples, tracks) - there, 0)


def _other_disk(folders: list[str], config: Config) -> str:
    return "; download.folder may be on another one" if config.download.folder in folders else ""


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
