"""The papers' run in little (config/rehearsal.yaml), on synthetic files that a server on loopback gives out.

    make rehearsal                                    # through a SLURM of this one machine and the shipped profile
    make rehearsal PROFILE=profiles/local             # without SLURM
    make rehearsal PROFILE=profiles/slurm-a100        # on a cluster: its login node must keep this process running

Takes up to two hours on two cores, 24 GB of memory and 50 GB of disk. What is there is not made again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slurm.cluster import missing, running_cluster
from slurm.runs import write_profile

from regulens.config import load
from regulens.core.io import file_sum
from regulens.core.progress import say
from regulens.data.download import download, read_lock
from regulens.data.settings import find_source

from .inputs import GENOME, WEIGHTS, make_inputs
from .server import Server

CONFIG = Path("config/rehearsal.yaml")
SERVED = Path("resources/rehearsal_served")
PORT = 8338
"""Stated in the configuration's addresses."""

BROKEN_ONCE = {"train-0-1.tfr", "hg38.fa.gz"}
"""Files whose first transfer breaks off."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=Path, help="profile to run with; without: a SLURM of this machine")
    parser.add_argument("targets", nargs="*", default=["all"])
    arguments = parser.parse_args()
    tracks = read_tracks()
    make_inputs(SERVED, tracks)
    state_checksums()
    with place(arguments.profile) as (options, environment):
        environment = os.environ | environment

        def run(*targets: str, **variables: str) -> bool:
            command = [sys.executable, "-m", "snakemake", *targets, "--configfile", str(CONFIG), *options]
            return subprocess.run(command, env=environment | variables).returncode == 0

        with Server(SERVED, PORT, BROKEN_ONCE) as server:
            fetched = run("prepare", STORAGE_EMULATOR_HOST=server.address)
            unpaid = [name for name, project in server.requests if project != "rehearsal"]
        if unpaid:
            say(f"{len(unpaid)} requests to the bucket named no billing project, the first for {unpaid[0]}")
        # From here on, nothing answers.
        offline = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
        return 0 if fetched and not unpaid and run(*arguments.targets, **offline) and run("resources") else 1


def read_tracks() -> Path:
    """The real table of tracks, downloaded."""
    config, name = load(CONFIG), "targets_human.txt"
    path = Path(config.download.folder) / name
    if not path.exists():
        download(name, find_source(config.sources, name), path, config.download)
    return path


def state_checksums() -> None:
    """Put the checksums of genome and weights into the lock file, so that their downloads are checked."""
    lock = Path(load(CONFIG).download.lock)
    known = read_lock(lock)
    lines = [f"{sha256}  {name}\n" for name, sha256 in known.items()]
    for path in (GENOME, WEIGHTS):
        name = path.removeprefix("http/")
        if name not in known:
            lines.append(f"{file_sum(SERVED / path)}  {name}\n")
    lock.write_text("".join(lines), encoding="utf-8")


@contextmanager
def place(profile: Path | None) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Options and environment of a run with a profile, or on a SLURM of this machine."""
    if profile:
        yield ["--profile", str(profile)], {}
        return
    if reason := missing():
        raise SystemExit(f"no SLURM here: {reason}; or name a profile: make rehearsal PROFILE=profiles/local")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "profile").mkdir()
        written = write_profile(Path(folder) / "profile")
        with running_cluster(Path(folder), cpus=24) as cluster:  # as many as a training asks for
            # Many in the queue: the executor looks for jobs that have ended at intervals that grow while none has.
            options = ["--profile", str(written), "--jobs", "48", "--slurm-init-seconds-before-status-checks", "1"]
            yield [*options, "--latency-wait", "20"], cluster.environment


if __name__ == "__main__":
    raise SystemExit(main())
