"""Leaves a manifest beside every file that a command wrote: what it was made from, and how.

`provenance` reads them. Of a command's path options, those that it put in place (`atomic_output`) are its artefacts,
the other files its inputs; what it reads besides is told by `note_read`. A command that fails leaves no manifest.
"""

import functools
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regulens.code_facts import code_facts, package_versions
from regulens.errors import InputError
from regulens.file_sums import file_sum, joined_sum, remembered_sum, size_and_time
from regulens.files import FileRecord, atomic_output, manifest_path, recorded_files
from regulens.manifest_text import FORMAT, identity_sum, read_manifest, still_fits
from regulens.run_facts import device, peak_memory_mb, seeds, threads

SETTINGS = ("settings", "hardware", "source")
"""Options with JSON."""
WITHOUT_EFFECT = {"download": {"settings", "lock"}, "report": {"rebuild"}}
"""Options, by command, that do not change what a file is: how it is fetched, what a reader is told to type."""
STATE = "state"
"""Option with the folder of an interrupted training's state, which is gone when its artefacts are there."""
_MANY = 50
"""Files of one folder that are listed one by one."""
MEASURED = {"epochs_log": ["seconds", "examples_per_s"]}
"""Columns, by the option that names the file, that are wall time: the sum of the file leaves them out."""


def leaves_manifests(function: Callable, command: str) -> Callable:
    """The function of a command of this name, which writes the manifests of its outputs when it has succeeded."""

    @functools.wraps(function)
    def inner(**arguments):
        with manifests(command, arguments):
            return function(**arguments)

    return inner


@contextmanager
def manifests(command: str, arguments: dict[str, Any]) -> Iterator[None]:
    """Record the files of a block that runs a command; when it ends without an error, write their manifests.

    ``arguments``: values of the options by name, as the function of the command gets them.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    code = code_facts()  # of what runs: the files may change while it does
    with recorded_files() as record:
        yield
    paths, rest = _sorted(command, arguments)
    artefacts = _artefacts(record, paths)
    if not artefacts:
        return
    inputs = _inputs(record, paths, artefacts)
    settings = _settings(command, arguments)
    shared = {
        "command": command,
        "arguments": rest,
        "settings": settings,
        "inputs": [entry for entry, _ in inputs],
        "code": code,
        "packages": package_versions(),
        "python": platform.python_version(),
        "seed": arguments.get("seed", seeds(settings)),
        "threads": threads(arguments),
        "device": device(),
    }
    run = {
        "started": started.isoformat(timespec="seconds"),
        "wall_s": round(time.perf_counter() - clock, 3),
        "peak_memory_mb": peak_memory_mb(),
    }
    measured = {Path(os.path.abspath(arguments[name])): columns for name, columns in MEASURED.items() if name in paths}
    for artefact, parts in artefacts.items():
        identity = {"artefact": shown(artefact), **_contents(artefact, parts, record, measured.get(artefact, []))}
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


def shown(path: Path) -> str:
    """A path as a manifest names it: relative to the working folder; outside of that, the name alone.

    So two runs in two folders have the same manifests.
    """
    inside = os.path.relpath(path)
    return path.name if inside.split(os.sep)[0] == os.pardir else Path(inside).as_posix()


def _place(path: Path, folder: Path) -> str:
    """Where a reader of a manifest finds an input: relative to the folder of the artefact, if both lie in a run."""
    return str(path) if os.path.relpath(path).split(os.sep)[0] == os.pardir else os.path.relpath(path, folder)


def _sorted(command: str, arguments: dict[str, Any]) -> tuple[dict[str, list[Path]], dict[str, Any]]:
    """Paths that the options name, and the values of the other options; of `NAME=FILE` both have a part."""
    paths: dict[str, list[Path]] = {}
    rest: dict[str, Any] = {}
    skipped = {*SETTINGS, *WITHOUT_EFFECT.get(command, ()), STATE, "seed", "threads"}
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
    """Artefacts, and the files in those that are folders.

    What was written elsewhere than the options say (an index beside the user's FASTA) is none.
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
    # Thousands of files in a folder of the user's are one input; what regulens made there has manifests of its own.
    for folder in [path for path in given if path.is_dir() and path not in found]:
        parts = {part for part in read if folder in part.parents and not manifest_path(part).exists()}
        if len(parts) > _MANY:
            found[folder] = _input(sorted(parts), folder)
            read -= parts
    found |= {path: _input([path], path) for path in read}
    return sorted(((entry, path) for path, entry in found.items()), key=lambda pair: json.dumps(pair[0]))


def _input(files: list[Path], path: Path) -> dict[str, Any]:
    """A file or folder as an input: by its manifest, where it has one and is still what that says."""
    try:
        manifest = read_manifest(path)
        if still_fits(path, manifest):
            return {"path": shown(path), "manifest": manifest["identity_sha256"]}
    except InputError:
        pass  # none, or one that cannot be read
    if not path.exists():
        return {"path": shown(path), "sha256": None}  # gone since it was read
    if files == [path]:
        return {"path": shown(path), "sha256": remembered_sum(path)}
    sums = [(file.relative_to(path).as_posix(), remembered_sum(file)) for file in files]
    return {"path": shown(path), "sha256": joined_sum(sums), "files": len(files)}


def _settings(command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the JSON options say; hardware and source under their names."""
    parsed = {
        name: json.loads(arguments[name])
        for name in SETTINGS
        if arguments.get(name) and name not in WITHOUT_EFFECT.get(command, ())
    }
    return parsed.pop("settings", {}) | parsed
