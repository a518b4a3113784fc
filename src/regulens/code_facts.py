"""Which code runs: version, commit and hash of this package, and the versions of what it is built on."""

import importlib.metadata
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import regulens
from regulens.codehash import source_hash

PACKAGE = Path(regulens.__file__).parent


@cache
def code_facts() -> dict[str, str | None]:
    """version; commit (None outside a checkout; with ``+changes`` where it is not what runs); hash of all files."""
    return {"version": regulens.__version__, "commit": _commit(), "hash": source_hash()}


def _commit() -> str | None:
    """Commit of the checkout that the package lies in, as ``src/regulens``."""
    root = PACKAGE.parents[1]
    if not ((root / ".git").exists() and (root / "pyproject.toml").is_file()):
        return None
    command = ["git", "status", "--porcelain=v2", "--branch", "--", str(PACKAGE)]
    # Without a lock: jobs that run side by side all ask.
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=2)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"^# branch.oid ([0-9a-f]+)$", done.stdout, flags=re.M)
    if not found:
        return None
    changed = any(not line.startswith("#") for line in done.stdout.splitlines())
    return found[1][:12] + "+changes" * changed


@cache
def package_versions() -> dict[str, str]:
    """Installed version of every direct dependency; empty where the package runs without being installed."""
    try:
        needed = importlib.metadata.requires("regulens") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    installed = _installed()
    names = sorted({re.match(r"[\w.-]+", entry)[0] for entry in needed if "extra ==" not in entry}, key=str.lower)
    return {name: found for name in names if (found := installed.get(_normal(name)))}


def _installed() -> dict[str, str]:
    """Versions of all installed packages, from the names of their folders: reading their texts takes much longer."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if match := re.fullmatch(r"(.+?)-([^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info", name):
                found.setdefault(_normal(match[1]), match[2])
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
