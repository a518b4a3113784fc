"""Text as it comes, atomic output, the record of the files that a command wrote and read, and checksums.

Every file is written through `atomic_output`. Within `recorded_files` it is also recorded, and so are files that were
read without being named on the command line (`note_read`); manifests are made from these records. Checksums are sha256;
those of the user's own files, which have no manifest, are cached in the working folder.
"""

import codecs
import csv
import errno
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from regulens.core.errors import InputError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that mean: no room on the disk, or within a quota or a limit on file size."""

_NO_ROOM_BYTES = 1 << 20
"""Some writers (torch.save) fail on a full disk without saying so; with less free space than this, we assume it."""

MEMORY = Path(".regulens/sums")
"""Cache folder (in the working folder) for checksums of files without a manifest; it may be deleted at any time."""

SMALL_BYTES = 1 << 20
"""Smaller files are read again, which is as fast as looking up their checksum."""

_CHUNK_BYTES = 4 << 20

GZIP = b"\x1f\x8b"
"""First bytes of a gzip file."""


def read_text(path: Path | str, what: str = "file", errors: str = "strict") -> str:
    r"""Text of a small file of the user's, ``what`` in messages: the one opener of all readers of text.

    Plain or gzip (by the first bytes, not by the name), UTF-8 or UTF-16, with or without a byte order mark; lines end
    with ``\n`` whatever they ended with. ``errors`` is that of `bytes.decode`.

    Raises `InputError` for a file that is missing, cannot be read, is cut short, or is not text, with the line.
    """
    try:
        raw = Path(path).read_bytes()
        raw = gzip.decompress(raw) if raw.startswith(GZIP) else raw
    except FileNotFoundError:
        raise InputError(f"{path}: the {what} does not exist") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: the compressed file is cut short or damaged ({error}): get it again") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise InputError(f"{path}: cannot read the {what}: {getattr(error, 'strerror', error)}") from None
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig", errors)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not a text file in UTF-8 ({error}): save the {what} as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass
class FileRecord:
    """Files that a command wrote and read, in order; all paths are absolute."""

    written: dict[Path, str | None] = field(default_factory=dict)
    """Finished targets of `atomic_output`, with their sha256 where it is already known."""
    folders: list[Path] = field(default_factory=list)
    """Folders whose files together are one artefact."""
    read: dict[Path, None] = field(default_factory=dict)
    """Files that were read but are not named on the command line."""


_record: FileRecord | None = None


@contextmanager
def atomic_output(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it onto ``target`` on success, remove it on any failure.

    The temporary name keeps the suffixes of the target, because some writers choose their format by suffix. Works for
    files and folders (create the folder inside the block; an existing one is replaced). The manifest of an older target
    is removed first, so that it never lies beside a file that it does not describe.

    Raises `InputError` that names target and folder when the folder or the file cannot be written, or the disk (or a
    quota) is full.
    """
    target = Path(target)
    make_folder_of(target)
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
        free = shutil.disk_usage(target.parent).free  # measured before the temporary file is removed
        if getattr(error, "errno", None) in FULL_DISK or free < _NO_ROOM_BYTES:
            raise InputError(
                f"{target}: no space left to write it ({free:,} bytes free on the disk of {target.parent.resolve()}): "
                "make room there (or check your quota) and start again"
            ) from error
        if isinstance(error, OSError) and str(error.filename).startswith(str(temporary)):
            raise InputError(f"{target}: cannot write it into {target.parent.resolve()}: {error.strerror}") from error
        raise
    finally:
        if os.path.isdir(temporary):
            shutil.rmtree(temporary)
        else:
            with suppress(OSError):  # mostly because it is not there any more
                temporary.unlink()


def make_folder_of(target: Path) -> None:
    """Make the folder of an output; `InputError` if that is not possible or the folder cannot be written."""
    folder = target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{target}: cannot make the folder {folder.resolve()} for it: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{target}: cannot write it, there is no permission to write into the folder {folder.resolve()}: choose "
            "another place, or ask for the permission"
        )


def write_text(text: str, target: Path | str) -> None:
    """Write a text file atomically; see `atomic_output`."""
    with atomic_output(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def manifest_path(artefact: Path | str) -> Path:
    """Path of the manifest of a file or folder, which lies beside it."""
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
    """Record that a file is read that the command line does not name, e.g. one in a folder."""
    if _record is not None:
        _record.read[Path(os.path.abspath(path))] = None


def note_sha256(path: Path | str, sha256: str) -> None:
    """Record the sha256 of an output, so that it need not be read again to compute it."""
    if _record is not None:
        _record.written[Path(os.path.abspath(path))] = sha256


def note_folder(folder: Path | str) -> None:
    """From now on, treat outputs below this folder as one artefact: the folder."""
    manifest_path(folder).unlink(missing_ok=True)
    if _record is not None:
        _record.folders.append(Path(os.path.abspath(folder)))


def display_path(path: Path) -> str:
    """Path in manifests and figures: relative to the working folder, or the name alone for a file outside of it.

    Two runs in two folders therefore have the same ones.
    """
    inside = os.path.relpath(path)
    return path.name if inside.split(os.sep)[0] == os.pardir else Path(inside).as_posix()


def file_sum(path: Path, without: Sequence[str] = ()) -> str:
    """sha256 of a file in hexadecimal; for a CSV, of its rows without the columns ``without``."""
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
    """One sha256 for many files, computed over lines `sha256  name` sorted by name."""
    text = "".join(f"{sum_}  {name}\n" for name, sum_ in sorted(sums))
    return hashlib.sha256(text.encode()).hexdigest()


def remembered_sum(path: Path, without: Sequence[str] = ()) -> str:
    """sha256 of a file, from the cache if size and modification time are unchanged.

    Jobs that ask for the same file at once wait for the first of them. Nothing is cached if the working folder is
    read-only.
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
    """Total size of these files in bytes, and the latest modification time in ns."""
    found = [path.stat() for path in files]
    return sum(stat.st_size for stat in found), max((stat.st_mtime_ns for stat in found), default=0)
