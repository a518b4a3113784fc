"""Manifests as text: reading one, and whether the artefact beside it is still the one that it is about."""

import hashlib
import json
from pathlib import Path
from typing import Any

from regulens.errors import InputError
from regulens.file_sums import SMALL_BYTES, file_sum, joined_sum, remembered_sum, size_and_time
from regulens.files import manifest_path

FORMAT = "regulens manifest 1"
_TOUCHED_NS = 600 * 10**9
"""Time after a command in which its outputs may be touched."""
_KEYS = {"identity": dict, "identity_sha256": str, "run": dict}
_IDENTITY_KEYS = {"artefact": str, "sha256": str, "command": str, "inputs": list, "code": dict}


def identity_sum(identity: dict[str, Any]) -> str:
    """sha256 of the canonical JSON of a manifest's identity: keys sorted, no spaces."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(artefact: Path | str) -> dict[str, Any]:
    """The manifest of a file or folder.

    Raises `InputError` when there is none, or when it cannot be read or was changed by hand.
    """
    path = manifest_path(artefact)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{artefact}: no manifest ({path.name}) beside it: it was not made by a regulens command that has "
            "finished, or by an older version: make it again"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable manifest ({error}): make {artefact} again") from None
    parts = [(content, _KEYS), (content.get("identity") if isinstance(content, dict) else None, _IDENTITY_KEYS)]
    wrong = [
        key
        for part, keys in parts
        for key, kind in keys.items()
        if not (isinstance(part, dict) and isinstance(part.get(key), kind))
    ]
    if wrong or content.get("format") != FORMAT:
        what = ", ".join(wrong) or "format"
        raise InputError(f"{path}: not a manifest of this version (missing or wrong: {what}): make {artefact} again")
    if identity_sum(content["identity"]) != content["identity_sha256"]:
        raise InputError(f"{path}: its text was changed: identity_sha256 is another one's: make {artefact} again")
    return content


def files_of(artefact: Path, manifest: dict[str, Any]) -> list[Path]:
    """The file, or the files of a folder, that a manifest is about."""
    parts = manifest["identity"].get("files")
    return [artefact] if parts is None else [artefact / name for name in parts]


def same_size(artefact: Path, manifest: dict[str, Any]) -> bool:
    """Whether the artefact is there with the number of bytes that its manifest says."""
    try:
        return size_and_time(files_of(artefact, manifest))[0] == _bytes(manifest)
    except OSError:
        return False


def _bytes(manifest: dict[str, Any]) -> int | None:
    """Size of the artefact; where a part of it is wall time, that is no part of the identity."""
    return manifest["identity"].get("bytes", manifest["run"].get("bytes"))


def same_contents(artefact: Path, manifest: dict[str, Any], again: bool = True) -> bool:
    """Whether the artefact has the sha256 that its manifest says; ``again``: read it even if its sum is remembered."""
    identity, sum_of = manifest["identity"], file_sum if again else remembered_sum
    try:
        if "files" in identity:
            names = identity["files"]
            return joined_sum((name, sum_of(artefact / name)) for name in names) == identity["sha256"]
        return sum_of(artefact, identity.get("measured", [])) == identity["sha256"]
    except OSError:
        return False


def still_fits(artefact: Path, manifest: dict[str, Any]) -> bool:
    """Whether the artefact is still the one that its manifest is about.

    That is so when its size is the same and it has not changed later than shortly after the command: Snakemake touches
    outputs when their job ends. Otherwise, as after a copy, and where it is small, its sha256 is compared.
    """
    if not same_size(artefact, manifest):
        return False
    size, changed = size_and_time(files_of(artefact, manifest))
    since = changed - manifest["run"].get("changed_ns", 0)
    untouched = size >= SMALL_BYTES and 0 <= since <= _TOUCHED_NS
    return untouched or same_contents(artefact, manifest, again=False)
