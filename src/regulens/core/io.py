"""Files that are whole or absent, the record of what a command wrote and read, and sums of files.

`atomic_output` puts every file in place. Within `recorded_files` it also notes what it wrote, and readers note what the
command line does not name (`note_read`): manifests are made from that. Sums are sha256; those of a user's own files,
which have no manifest, are remembered in the working folder.
"""

import csv
import errno
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from regulens.core.errors import InputError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that mean: no room on the disk, or within a quota or a limit on file size."""

_NO_ROOM_BYTES = 1 << 20
"""Some writers (torch.save) fail on a full disk without a reason; with less than this free, that is the reason."""

MEMORY = Path(".regulens/sums")
"""Folder, in the working folder, of the sums of files that have no manifest; it may be deleted at any time."""

SMALL_BYTES = 1 << 20
"""Smaller files are read again instead: that is as quick as looking up their sum."""

_CHUNK_BYTES = 4 << 20


@dataclass
class FileRecord:
    """What a command did to files, in order; all paths are absolute."""

    written: dict[Path, str | None] = field(default_factory=dict)
    """Targets of `atomic_output` that are in place, with their sha256 where it is known already."""
    folders: list[Path] = field(default_factory=list)
    """Folders whose files are one artefact."""
    read: dict[Path, None] = field(default_factory=dict)
    """Files read that the command line does not name."""


_record: FileRecord | None = None


@contextmanager
def atomic_output(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it onto ``target`` on success, remove it on any failure.

    The temporary name keeps the suffixes of the target, because some writers choose their format by suffix.
    Works for a file and for a folder (create it inside the block; an older folder of that name is replaced). The
    manifest of an older target is removed first: it never stands beside another file than its own.

    Raises `InputError` that names target and folder when the disk (or a quota) is full.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid.uuid4().hex[:8]}.part.{target.name}")
    try:
        yield temporary
        manifest_path(target).unlink(missing_ok=True)
        if temporary.is_dir() and target.is_dir():
            shutil.rmtree(target)
        os.replace(temporary, target)
        if _record is not None:
            _record.written.setdefault(Path(os.path.abspath(target)))
    except (OSError, RuntimeError) as error:
        free = shutil.disk_usage(target.parent).free  # before what was written is removed
        if getattr(error, "errno", None) in FULL_DISK or free < _NO_ROOM_BYTES:
            raise InputError(
                f"{target}: no space left to write it ({free:,} bytes free on the disk of {target.parent.resolve()}): "
                "make room there (or look at your quota) and start again"
            ) from error
        raise
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def write_text(text: str, target: Path | str) -> None:
    """Write a text file, whole or not at all; see `atomic_output`."""
    with atomic_output(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def manifest_path(artefact: Path | str) -> Path:
    """Where the manifest of a file or folder is: beside it."""
    artefact = Path(artefact)
    return artefact.with_name(f"{artefact.name}.manifest.json")


@contextmanager
def recorded_files() -> Iterator[FileRecord]:
    """Record what is written and read in this block."""
    global _record
    before, _record = _record, FileRecord()
    try:
        yield _record
    finally:
        _record = before


def note_read(path: Path | str) -> None:
    """Say that a file is read which the command line does not name itself: in a folder, or behind another file."""
    if _record is not None:
        _record.read[Path(os.path.abspath(path))] = None


def note_sha256(path: Path | str, sha256: str) -> None:
    """Say what the sha256 of an output is, so that it is not read again for it."""
    if _record is not None:
        _record.written[Path(os.path.abspath(path))] = sha256


def note_folder(folder: Path | str) -> None:
    """Say that the outputs put in place below this folder from now on are one artefact: the folder."""
    manifest_path(folder).unlink(missing_ok=True)
    if _record is not None:
        _record.folders.append(Path(os.path.abspath(folder)))


def file_sum(path: Path, without: Sequence[str] = ()) -> str:
    """sha256 of a file as hexadecimal digits; of a CSV ``without`` some columns, those of its rows without them."""
    digest = hashlib.sha256()
    if without:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            kept = [name for name in reader.fieldnames or () if name not in without]
            for row in [dict(zip(kept, kept, strict=True)), *reader]:
                digest.update((json.dumps([row[name] for name in kept]) + "\n").encode())
        return digest.hexdigest()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def joined_sum(sums: Iterable[tuple[str, str]]) -> str:
    """One sha256 for many files: of lines `sha256  name`, in the order of the names."""
    text = "".join(f"{sum_}  {name}\n" for name, sum_ in sorted(sums))
    return hashlib.sha256(text.encode()).hexdigest()


def remembered_sum(path: Path, without: Sequence[str] = ()) -> str:
    """sha256 of a file, from the memory if it has had this size and time of change before.

    Jobs that ask for the same file at the same time wait for the first of them. Where the working folder cannot be
    written to, nothing is remembered.
    """
    facts = [*size_and_time([path]), list(without)]
    if facts[0] < SMALL_BYTES:
        return file_sum(path, without)
    place = os.path.abspath(path)
    entry = MEMORY / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        file = entry.open("a+", encoding="utf-8")
    except OSError:
        return file_sum(path, without)
    with file:
        with suppress(OSError):  # a file system without locks: at worst two jobs compute the same sum
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        try:
            known = json.loads(file.read())
            if known["path"] == place and known["facts"] == facts:
                return known["sha256"]
        except (ValueError, KeyError, TypeError):  # new, or cut short
            pass
        found = file_sum(path, without)
        file.truncate(0)
        file.write(json.dumps({"path": place, "facts": facts, "sha256": found}))
        return found


def size_and_time(files: Iterable[Path]) -> tuple[int, int]:
    """Bytes of these files together, and the time of the latest change in ns."""
    found = [path.stat() for path in files]
    return sum(stat.st_size for stat in found), max((stat.st_mtime_ns for stat in found), default=0)
