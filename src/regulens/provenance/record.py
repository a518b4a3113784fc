"""Manifests: written beside every file that a command writes, with what it was made from and how; and read again.

Of the paths in a command's options, those that it wrote (`atomic_output`) are its artefacts and the others its inputs;
further inputs are recorded by `note_read`. A command that fails leaves no manifest. `trace` follows manifests back.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import regulens
from regulens.core.code import ROOT, source_hash
from regulens.core.errors import InputError
from regulens.core.io import (
    SMALL_BYTES,
    FileRecord,
    atomic_output,
    display_path,
    file_sum,
    joined_sum,
    manifest_path,
    recorded_files,
    remembered_sum,
    size_and_time,
)

FORMAT = "regulens manifest 1"

WITHOUT_EFFECT = {"download": {"settings"}, "report": {"rebuild"}}
"""Options and settings, by command, without effect on the content: how a file is fetched, the command shown on the
page."""

STATE = "state"
"""Option with the state folder of an interrupted training, which no longer exists once its artefacts do."""

MEASURED = {"epochs_log": ["seconds", "examples_per_s"], "measured_csv": ["minutes"]}
"""Columns with wall times, by the option that names the file; its checksum leaves them out."""

_MANY = 50
"""Largest number of files of a folder that are listed one by one."""

_TOUCHED_NS = 600 * 10**9
"""Seconds after a command within which its outputs may still be touched (Snakemake updates their times)."""

_KEYS = {"identity": dict, "identity_sha256": str, "run": dict}

_IDENTITY_KEYS = {"artefact": str, "sha256": str, "command": str, "inputs": list, "code": dict}


@contextmanager
def manifests(command: str, arguments: dict[str, Any], settings: dict[str, Any] | None = None) -> Iterator[None]:
    """Record the files of a block that runs a command; when it ends without an error, write their manifests.

    ``arguments``: values of the options by name, as they were given; ``settings``: parts of the configuration by name.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    code = code_facts()  # taken before the command runs, because the source files may change meanwhile
    with recorded_files() as record:
        yield
    paths, rest = _sorted(command, arguments)
    artefacts = _artefacts(record, paths)
    if not artefacts:
        return
    inputs = _inputs(record, paths, artefacts)
    without_effect = WITHOUT_EFFECT.get(command, ())
    settings = {name: value for name, value in (settings or {}).items() if name not in without_effect}
    shared = {
        "command": command,
        "arguments": rest,
        "settings": settings,
        "inputs": [entry for entry, _ in inputs],
        "code": code,
        "packages": package_versions(),
        "python": platform.python_version(),
        "seed": arguments.get("seed", seeds_in(settings)),
        "threads": threads_of(arguments),
        "device": device_name(),
    }
    run = {
        "started": started.isoformat(timespec="seconds"),
        "wall_s": round(time.perf_counter() - clock, 3),
        "cpu_s": cpu_s(),
        "peak_memory_mb": peak_memory_mb(),
    }
    measured = {Path(os.path.abspath(arguments[name])): columns for name, columns in MEASURED.items() if name in paths}
    for artefact, parts in artefacts.items():
        identity = {
            "artefact": display_path(artefact),
            **_contents(artefact, parts, record, measured.get(artefact, [])),
        }
        identity |= shared
        files = [artefact / name for name in parts] if parts else [artefact]
        places = {
            **dict(zip(("bytes", "changed_ns"), size_and_time(files), strict=True)),
            "inputs": [_place(path, artefact.parent) for _, path in inputs],
        }
        content = {"format": FORMAT, "identity": identity, "identity_sha256": identity_sum(identity)}
        with atomic_output(manifest_path(artefact)) as temporary:
            text = json.dumps(content | {"run": run | places}, indent=1, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")


def _place(path: Path, folder: Path) -> str:
    """Path by which a manifest refers to an input: relative to the artefact's folder, if both belong to a run."""
    return str(path) if os.path.relpath(path).split(os.sep)[0] == os.pardir else os.path.relpath(path, folder)


def _sorted(command: str, arguments: dict[str, Any]) -> tuple[dict[str, list[Path]], dict[str, Any]]:
    """Paths that the options name, and the values of the other options; `NAME=FILE` contributes to both."""
    paths: dict[str, list[Path]] = {}
    rest: dict[str, Any] = {}
    skipped = {*WITHOUT_EFFECT.get(command, ()), STATE, "seed", "threads"}
    for name, value in arguments.items():
        if name in skipped or value in (None, ""):
            continue
        values = value if isinstance(value, list) else [value]
        if all(isinstance(one, Path) for one in values):
            paths[name] = [Path(os.path.abspath(one)) for one in values]
        elif isinstance(value, list) and all("=" in str(one) for one in values):
            pairs = [str(one).split("=", 1) for one in values]
            paths[name] = [Path(os.path.abspath(path)) for _, path in pairs]
            rest[name] = [key for key, _ in pairs]
        else:
            rest[name] = value
    return paths, rest


def _artefacts(record: FileRecord, paths: dict[str, list[Path]]) -> dict[Path, list[str]]:
    """Artefacts, with the files of those that are folders.

    A file written elsewhere than the options say (an index beside the user's FASTA) is not an artefact.
    """
    named = {path for found in paths.values() for path in found}
    folders = {path for path in paths.get("output", [])}
    found: dict[Path, list[str]] = {}
    for path in record.written:
        if path not in named and not folders & set(path.parents):
            continue
        folder = next((folder for folder in record.folders if folder in path.parents), None)
        if folder:
            found.setdefault(folder, []).append(path.relative_to(folder).as_posix())
        elif path.is_dir():
            found[path] = [p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()]
        else:
            found[path] = []
    return found


def _contents(artefact: Path, parts: list[str], record: FileRecord, measured: list[str]) -> dict[str, Any]:
    """sha256 and size of an artefact; of a folder also the sha256 of every file in it."""
    if parts:
        sums = {name: record.written.get(artefact / name) or file_sum(artefact / name) for name in sorted(parts)}
        size = size_and_time(artefact / name for name in parts)[0]
        return {"sha256": joined_sum(sums.items()), "bytes": size, "files": sums}
    found = record.written.get(artefact) or file_sum(artefact, measured)
    return {"sha256": found} | ({"measured": measured} if measured else {"bytes": artefact.stat().st_size})


def _inputs(
    record: FileRecord, paths: dict[str, list[Path]], artefacts: dict[Path, list[str]]
) -> list[tuple[dict[str, Any], Path]]:
    """Inputs as manifests list them, each with its path, in the order of the paths."""
    named = [path for found in paths.values() for path in found if path not in artefacts and path.exists()]
    given = {path: None for path in named if path not in record.written}
    read = {path for path in record.read if path not in record.written and path not in given}
    found = {}
    for path in given:
        if not path.is_dir():
            found[path] = _input([path], path)
        elif manifest_path(path).exists():
            found[path] = _input([part for part in read if path in part.parents], path)
            read = {part for part in read if path not in part.parents}
    # A user's folder with thousands of files is one input; what regulens made there has its own manifests.
    for folder in [path for path in given if path.is_dir() and path not in found]:
        parts = {part for part in read if folder in part.parents and not manifest_path(part).exists()}
        if len(parts) > _MANY:
            found[folder] = _input(sorted(parts), folder)
            read -= parts
    found |= {path: _input([path], path) for path in read}
    return sorted(((entry, path) for path, entry in found.items()), key=lambda pair: json.dumps(pair[0]))


def _input(files: list[Path], path: Path) -> dict[str, Any]:
    """A file or folder as an input, identified by its manifest if it has one that still fits."""
    try:
        manifest = read_manifest(path)
        if still_fits(path, manifest):
            return {"path": display_path(path), "manifest": manifest["identity_sha256"]}
    except InputError:
        pass  # no manifest, or an unreadable one
    if not path.exists():
        return {"path": display_path(path), "sha256": None}  # gone since it was read
    if files == [path]:
        return {"path": display_path(path), "sha256": remembered_sum(path)}
    sums = [(file.relative_to(path).as_posix(), remembered_sum(file)) for file in files]
    return {"path": display_path(path), "sha256": joined_sum(sums), "files": len(files)}


# Reading a manifest, and checking whether it still describes the artefact beside it.


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
        raise InputError(f"{path}: its text was changed (identity_sha256 does not match): make {artefact} again")
    return content


def identity_sum(identity: dict[str, Any]) -> str:
    """sha256 of the canonical JSON of a manifest's identity: keys sorted, no spaces."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def files_of(artefact: Path, manifest: dict[str, Any]) -> list[Path]:
    """The file, or the files of the folder, that a manifest describes."""
    parts = manifest["identity"].get("files")
    return [artefact] if parts is None else [artefact / name for name in parts]


def still_fits(artefact: Path, manifest: dict[str, Any]) -> bool:
    """Whether the artefact is still the one that its manifest describes.

    It is if its size is the same and it was not modified later than shortly after the command (Snakemake touches
    outputs when a job ends). Otherwise, e.g. after a copy, and for small files, sha256 is compared.
    """
    if not same_size(artefact, manifest):
        return False
    size, changed = size_and_time(files_of(artefact, manifest))
    since = changed - manifest["run"].get("changed_ns", 0)
    untouched = size >= SMALL_BYTES and 0 <= since <= _TOUCHED_NS
    return untouched or same_contents(artefact, manifest, again=False)


def same_size(artefact: Path, manifest: dict[str, Any]) -> bool:
    """Whether the artefact exists with the size that its manifest states."""
    try:
        return size_and_time(files_of(artefact, manifest))[0] == _bytes(manifest)
    except OSError:
        return False


def _bytes(manifest: dict[str, Any]) -> int | None:
    """Size of the artefact; for artefacts that contain wall times, the size is not part of the identity."""
    return manifest["identity"].get("bytes", manifest["run"].get("bytes"))


def same_contents(artefact: Path, manifest: dict[str, Any], again: bool = True) -> bool:
    """Whether the artefact has the sha256 that its manifest states; ``again``: do not use a cached checksum."""
    identity, sum_of = manifest["identity"], file_sum if again else remembered_sum
    try:
        if "files" in identity:
            names = identity["files"]
            return joined_sum((name, sum_of(artefact / name)) for name in names) == identity["sha256"]
        return sum_of(artefact, identity.get("measured", [])) == identity["sha256"]
    except OSError:
        return False


# Conditions of a command that may affect its results (seeds, threads, device), and its peak memory.


def seeds_in(settings: dict[str, Any]) -> int | dict[str, int] | None:
    """Seeds in the settings: one number, or several by their path; None without any."""
    found: dict[str, int] = {}

    def collect(values: Any, place: str) -> None:
        if isinstance(values, dict):
            for name, value in values.items():
                if name == "seed" and isinstance(value, int):
                    found[f"{place}seed"] = value
                else:
                    collect(value, f"{place}{name}.")

    collect(settings, "")
    return next(iter(found.values())) if len(set(found.values())) == 1 else found or None


def threads_of(arguments: dict[str, Any]) -> int:
    """CPU threads: as requested, else OMP_NUM_THREADS, else the number of usable CPUs."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return arguments.get("threads") or (int(told) if told.isdigit() else usable_cpus())


def usable_cpus() -> int:
    """Number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def device_name() -> str:
    """Name of the GPU, or "cpu"; does not import torch just to ask."""
    torch = sys.modules.get("torch")
    used = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    return f"cuda: {torch.cuda.get_device_name()}" if used else "cpu"


def cpu_s() -> float:
    """CPU time in seconds of this process so far, the start of Python included, and of its children that have ended."""
    return round(sum(os.times()[:4]), 3)


def peak_memory_mb() -> float:
    """Peak memory of this process or of its largest child, in MB (1e6 bytes)."""
    users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(max(resource.getrusage(user).ru_maxrss for user in users) * unit / 1e6, 1)


# Which code runs: version, commit and hash of this package, and the versions of its dependencies.


@cache
def code_facts() -> dict[str, str | None]:
    """Version; commit (None outside a checkout; ``+changes`` if it is not what runs); hash of all files."""
    return {"version": regulens.__version__, "commit": _commit(), "hash": source_hash()}


def _commit() -> str | None:
    """Commit of the checkout that contains the package as ``src/regulens``."""
    root = ROOT.parents[1]
    if not ((root / ".git").exists() and (root / "pyproject.toml").is_file()):
        return None
    command = ["git", "status", "--porcelain=v2", "--branch", "--", str(ROOT)]
    # Without taking git's lock: jobs that run in parallel all ask.
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
    """Installed version of every direct dependency; empty if the package itself is not installed."""
    try:
        needed = importlib.metadata.requires("regulens") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    installed = _installed()
    names = sorted({re.match(r"[\w.-]+", entry)[0] for entry in needed if "extra ==" not in entry}, key=str.lower)
    return {name: found for name in names if (found := installed.get(_normal(name)))}


def _installed() -> dict[str, str]:
    """Versions of all installed packages, read from folder names because reading their metadata takes much longer."""
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
