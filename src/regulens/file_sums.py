"""sha256 of files and folders, each computed once: the sums of a user's own files are remembered."""

import csv
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

MEMORY = Path(".regulens/sums")
"""Folder, in the working folder, of the sums of files that have no manifest; it may be deleted at any time."""
SMALL_BYTES = 1 << 20
"""Smaller files are read again instead: that is as quick as looking up their sum."""
_CHUNK_BYTES = 4 << 20


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


def size_and_time(files: Iterable[Path]) -> tuple[int, int]:
    """Bytes of these files together, and the time of the latest change in ns."""
    found = [path.stat() for path in files]
    return sum(stat.st_size for stat in found), max((stat.st_mtime_ns for stat in found), default=0)


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
