"""Fetches one source: from the mirror folder or its address, checked against its sha256, whole or not at all."""

import fcntl
import logging
import os
import re
from pathlib import Path

from regulens.data.settings import DownloadSettings, Source
from regulens.data.transfer import TransferError, copy_stream, fetch, reason
from regulens.errors import InputError
from regulens.files import atomic_output, note_sha256

logger = logging.getLogger(__name__)


def download(
    name: str, source: Source, output: Path | str, settings: DownloadSettings, lock: Path | str | None = None
) -> None:
    """Put a source's file at ``output``.

    A copy at ``name`` in the mirror folder (``settings.mirror``, else the environment variable `REGULENS_MIRROR`) is
    taken before the address is asked. The sha256 must be the one of ``source``; where that states none, the one that
    ``lock`` holds from an earlier download; where there is neither, a warning tells the sum and ``lock`` keeps it.
    ``lock`` is a text file with lines of `sha256  name`, as `sha256sum -c` reads them.

    Raises InputError, and leaves no file, for: another checksum; an address that does not exist, refuses, or keeps
    breaking off; a full disk; a requester-pays bucket without ``settings.billing_project``; an unknown protocol; a
    mirror folder that does not exist.
    """
    output = Path(output)
    lock = None if lock is None else Path(lock)
    expected, stated_in = source.sha256, f"sources.{name}.sha256"
    if expected is None and lock is not None:
        expected, stated_in = read_lock(lock).get(name), str(lock)
    copy = mirror_copy(name, settings)
    with atomic_output(output) as temporary:
        if copy is not None:
            found = copy_from_mirror(name, copy, temporary)
        else:
            found = fetch(name, source.url, temporary, settings)
        if expected is not None and found != expected:
            raise InputError(checksum_advice(name, source, copy, expected, found, stated_in))
        if expected is None:
            logger.warning("%s: no sha256 is stated for this source; found %s", name, found)
            if lock is not None:
                add_to_lock(lock, name, found)
    note_sha256(output, found)
    logger.info("%s: sha256 %s, from %s", name, found, copy or source.url)


def mirror_copy(name: str, settings: DownloadSettings) -> Path | None:
    """Path of a source's copy in the mirror folder; None without a mirror or a copy."""
    folder = settings.mirror or os.environ.get("REGULENS_MIRROR")
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise InputError(f"the mirror folder {folder} does not exist; correct download.mirror or REGULENS_MIRROR.")
    copy = Path(folder) / name
    return copy if copy.is_file() else None


def copy_from_mirror(name: str, copy: Path, target: Path) -> str:
    """Copy a file of the mirror to ``target`` and return its sha256."""
    try:
        with open(copy, "rb") as stream:
            return copy_stream(name, stream, os.fstat(stream.fileno()).st_size, target)
    except (OSError, TransferError) as error:
        raise InputError(f"{name}: cannot read the mirror's copy {copy}: {reason(error)}.") from error


def checksum_advice(name: str, source: Source, copy: Path | None, expected: str, found: str, stated_in: str) -> str:
    """The sentence about a wrong checksum."""
    if copy is not None:
        advice = f"Delete or replace this copy; without it the file comes from {source.url}."
    else:
        advice = f"Try again; if it stays, the file there has changed: see what did, then correct {stated_in}."
    return f"{name}: {copy or source.url} has sha256 {found}, but {stated_in} says {expected}. {advice}"


def read_lock(lock: Path) -> dict[str, str]:
    """Checksums of a lock file by source name; empty when the file does not exist."""
    return parse_lock(lock.read_text(encoding="utf-8"), lock) if lock.exists() else {}


def parse_lock(text: str, lock: Path) -> dict[str, str]:
    """Lines of `sha256  name` as name to sha256. Raises InputError naming the line that is not one."""
    sums = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if not found:
            raise InputError(f"{lock}, line {number}: expected 'sha256  name', found {line!r}; correct or delete it.")
        sums[found[2]] = found[1]
    return sums


def add_to_lock(lock: Path, name: str, sha256: str) -> None:
    """Append a checksum; several downloads may do so at a time. Raises InputError when another sum is there by now."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
        file.seek(0)
        text = file.read()
        known = parse_lock(text, lock).get(name)
        if known is None:
            file.write(("" if not text or text.endswith("\n") else "\n") + f"{sha256}  {name}\n")
        elif known != sha256:
            raise InputError(f"{name}: another download wrote sha256 {known} to {lock}, this one found {sha256}.")
