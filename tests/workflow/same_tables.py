"""Compares the results of two runs: tables byte by byte, everything else by what the manifests say."""

import json
from pathlib import Path

from regulens.core.errors import InputError
from regulens.provenance.record import identity_sum, read_manifest

TABLES = {".csv", ".md", ".tex"}
NO_RESULTS = {"logs", "requests.csv"}
"""In the folder of a run, beside its results: what its commands said, and what its jobs asked for."""
DATED = {".html"}
"""Pages that say when they were written: their inputs are compared."""


def differing_tables(one: Path, other: Path) -> list[str]:
    """Names of what differs between two folders of results, relative to them and each with the reason; empty: nothing.

    Tables (CSV, Markdown, LaTeX) must be the same byte by byte; a training's log, whose manifest says which of its
    columns are wall time, without those. Other files must have manifests with the same identity.
    """
    names = [_names(folder) for folder in (one, other)]
    differing = [f"{name}: only in {one}" for name in sorted(names[0] - names[1])]
    differing += [f"{name}: only in {other}" for name in sorted(names[1] - names[0])]
    for name in sorted(names[0] & names[1]):
        if reason := _difference(one / name, other / name):
            differing.append(f"{name}: {reason}")
    return differing


def _names(folder: Path) -> set[str]:
    """Files that have a manifest, and tables; a folder that is one artefact is one of them."""
    found = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if name.parts[0] in NO_RESULTS or path.name.startswith("."):
            continue
        if path.name.endswith(".manifest.json"):
            found.add(name.as_posix().removesuffix(".manifest.json"))
        elif path.suffix in TABLES and path.is_file():
            found.add(name.as_posix())
    return found


def _difference(one: Path, other: Path) -> str | None:
    manifests = []
    for path in (one, other):
        try:
            manifests.append(read_manifest(path))
        except InputError as error:
            return str(error)
    identities = [manifest["identity"] for manifest in manifests]
    if one.suffix in DATED:
        identities = [{"inputs": identity["inputs"]} for identity in identities]
    elif one.suffix in TABLES and "measured" not in identities[0] and one.read_bytes() != other.read_bytes():
        return "other bytes"
    if identity_sum(identities[0]) == identity_sum(identities[1]):
        return None
    keys = [key for key in identities[0] if identities[0][key] != identities[1].get(key)]
    return f"another identity ({', '.join(keys)}): {json.dumps({key: identities[1].get(key) for key in keys})[:300]}"
