"""Fetches a source, from the mirror folder or its address, checked against its sha256, and unpacks what is compressed.

Files are whole or absent. Transfers are counted, hashed and tried again; what another attempt does not mend is an
`InputError` that says what to do.
"""

import asyncio
import fcntl
import gzip
import hashlib
import logging
import os
import re
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import aiohttp
import fsspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from tqdm import tqdm

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import FULL_DISK, atomic_output, note_sha256
from regulens.data.settings import DownloadSettings, Source

PROTOCOLS = ("https", "http", "gs", "file")

CHUNK_BYTES = 4 * 2**20
"""Read at a time, packed or not."""

BACKOFF_S = 2.0
"""Pause before the second attempt; doubled before each further one."""

SILENCE_S = 120
"""A server that sends nothing for this long is a failed transfer. The whole has no limit: files may be large."""

PASSING_STATUS = (408, 425, 429)
"""HTTP statuses below 500 that may be gone at the next attempt."""

logger = logging.getLogger(__name__)


class TransferError(Exception):
    """A transfer that broke off; worth another attempt."""


@command("download")
def download_source(
    name: str,
    /,
    *,
    url: str,
    settings: Part[DownloadSettings],
    output: Path,
    sha256: str | None = None,
    licence: str | None = None,
    lock: Path | None = None,
) -> None:
    """Fetch one file, from the mirror folder or its address, and check its sha256; see `download`.

    Arguments:
        name: name of the source: its path in the mirror folder.
        url: where it is when the mirror has no copy.
        sha256: checksum that it must have; none: that of the lock file, or a new line there.
        licence: licence of the data, for the manifest.
        lock: checksums seen of sources that state none.
    """
    download(name, Source(url=url, sha256=sha256, licence=licence), output, settings, lock)


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


@command("unpack")
def decompress(path: Path | str, /, output: Path | str) -> None:
    """Write the contents of a gzip file (also of several members, as bgzip makes it) to ``output``, whole or not.

    A chunk is in memory at a time. Raises `InputError` for a file that is missing, no gzip file, cut short or damaged,
    and for an output that cannot be written.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            magic = file.read(2)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise InputError(f"{path}: cannot read the compressed file: {error.strerror}") from None
    if magic != b"\x1f\x8b":
        raise InputError(f"{path}: not a gzip file{'' if size else ' (it is empty)'}: get it again, or use it as it is")
    # A bar for a person at a terminal only (disable=None): a log would fill with them.
    bar = tqdm(total=size, desc=f"Decompressing {path.name}", unit="B", unit_scale=True, disable=None)
    with atomic_output(output) as temporary, open(path, "rb") as file, bar:
        try:
            with gzip.GzipFile(fileobj=file) as stream, open(temporary, "wb") as target:
                while chunk := stream.read(CHUNK_BYTES):
                    target.write(chunk)
                    bar.update(file.tell() - bar.n)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"{path}: the compressed file is cut short or damaged ({error}): delete it and get it again"
            ) from None
        except OSError as error:
            raise InputError(f"{output}: cannot decompress {path} to it: {error.strerror}") from None


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


def fetch(name: str, url: str, target: Path, settings: DownloadSettings) -> str:
    """Download ``url`` to the path ``target`` and return the sha256 of what came, as hexadecimal digits.

    Broken transfers, timeouts and statuses of 500 and more are tried again ``settings.retries`` times, from the start.
    Raises InputError with what to do for everything that another attempt does not mend: an address that does not exist
    (404), a refusal (401, 403), a full disk, a requester-pays bucket without a billing project, an unknown protocol.
    """
    for attempt in range(1, settings.retries + 2):
        try:
            with open_url(name, url, settings) as (stream, size):
                return copy_stream(name, stream, size, target)
        except InputError:
            raise
        except Exception as error:
            explain(name, url, error)
            logger.warning("%s: attempt %d of %d failed: %s", name, attempt, settings.retries + 1, reason(error))
            last = reason(error)
        if attempt <= settings.retries:
            time.sleep(BACKOFF_S * 2 ** (attempt - 1))
    raise InputError(
        f"{name}: the transfer from {url} failed {settings.retries + 1} times, at last with: {last}. Try again later, "
        f"or put a copy at {name} in a mirror folder and set download.mirror to it."
    )


@contextmanager
def open_url(name: str, url: str, settings: DownloadSettings) -> Iterator[tuple[BinaryIO, int | None]]:
    """Open an address for reading from start to end; yields the stream and its length in bytes, None if unknown."""
    protocol = url.partition(":")[0]
    if protocol in ("http", "https"):
        client = {
            "trust_env": True,  # HTTPS_PROXY and its kin
            # Without this a server may send a compressed body, whose length says nothing about the file's.
            "headers": {"Accept-Encoding": "identity"},
            # aiohttp would end every transfer after five minutes.
            "timeout": aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=SILENCE_S),
        }
        system = fsspec.filesystem(protocol, client_kwargs=client, skip_instance_cache=True)
        # block_size 0 streams one request. Any size skips the probing requests of fsspec, which turn every failure
        # into "file not found".
        with system.open(url, block_size=0, size=-1) as stream:
            headers = stream.r.headers
            plain = headers.get("Content-Encoding", "identity") == "identity"
            yield stream, int(headers["Content-Length"]) if plain and "Content-Length" in headers else None
    elif protocol == "gs":
        project = settings.billing_project
        if not project:
            raise InputError(
                f"{name}: {url} is in a requester-pays bucket. Set download.billing_project to the Google Cloud "
                "project that pays for the transfer, or set download.mirror (or REGULENS_MIRROR) to a folder that has "
                f"a copy at {name}."
            )
        from gcsfs.core import GCSFileSystem  # not fsspec's "gs": that one first asks what kind of bucket it is

        # Not `project=project`: gcsfs drops a login whose own default project is another one, and goes on anonymously.
        system = GCSFileSystem(requester_pays=project, skip_instance_cache=True)
        with system.open(url, block_size=CHUNK_BYTES) as stream:
            yield stream, stream.size
    elif protocol == "file":
        with fsspec.filesystem("file").open(url) as stream:
            yield stream, stream.size
    else:
        raise InputError(f"{name}: {url} has the protocol {protocol!r}; known are {', '.join(PROTOCOLS)}.")


def copy_stream(name: str, stream: BinaryIO, size: int | None, target: Path) -> str:
    """Write a stream to the path ``target`` with a progress report; returns the sha256 of its bytes.

    ``size``: length in bytes, None if unknown. Raises InputError when the disk is too full for it, before the first
    byte where that can be known, and `TransferError` when the stream ends early.
    """
    free = shutil.disk_usage(target.parent).free
    if size is not None and size > free:
        raise InputError(full_disk(name, target.parent, size, free))
    digest, received = hashlib.sha256(), 0
    with ExitStack() as stack:
        advance = stack.enter_context(report(name, size))
        with write_errors(name, target, size, 0):
            output = stack.enter_context(open(target, "wb", buffering=0))
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            with write_errors(name, target, size, received + len(chunk)):
                rest = memoryview(chunk)
                while rest:
                    rest = rest[output.write(rest) :]
            received += len(chunk)
            advance(received)
    if size is not None and received != size:
        raise TransferError(f"the transfer ended after {received:,} of {size:,} bytes")
    return digest.hexdigest()


@contextmanager
def write_errors(name: str, target: Path, size: int | None, so_far: int) -> Iterator[None]:
    """Turn a failure to write into an InputError at once, so that a full disk is not taken for a broken transfer."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            free = shutil.disk_usage(target.parent).free
            needed = size if size is not None else so_far
            raise InputError(full_disk(name, target.parent, needed, free)) from error
        raise InputError(f"{name}: cannot write into {target.parent}: {error.strerror}.") from error


def full_disk(name: str, folder: Path, needed: int, free: int) -> str:
    """The sentence about a full disk (or a quota, or a limit on file size, where ``free`` does not tell the reason)."""
    return (
        f"{name}: no space for it in {folder}: {needed:,} bytes needed, {free:,} bytes free on that disk. "
        "Make room (or look at your quota), or set download.folder to another disk."
    )


def explain(name: str, url: str, error: Exception) -> None:
    """Raise InputError for a failure that stays, reraise a bug; return when another attempt is worth it."""
    status = getattr(error, "status", None) or getattr(error, "code", None)  # of aiohttp; of gcsfs
    status = int(status) if str(status).isdigit() else None
    mirror = f"put a copy at {name} in a mirror folder and set download.mirror to it"
    # gcsfs says "Forbidden: ..." in an OSError, "Bad Request: ..." (a wrong billing project) in a ValueError, and
    # may raise FileNotFoundError because of either.
    steps = (error, error.__context__)
    refusal = next((step for step in steps if str(step).startswith(("Forbidden:", "Bad Request:"))), None)
    if refusal is None and (isinstance(error, FileNotFoundError) or status in (404, 410)):
        what = "there is no such file" if url.startswith("file:") else f"the server has no such file ({status or 404})"
        raise InputError(f"{name}: {url}: {what}. Correct the url of this source, or {mirror}.") from error
    if refusal or isinstance(error, PermissionError) or status in (400, 401, 402, 403, 407):
        advice = "check that the address needs no login"
        if url.startswith("gs:"):
            advice = "check download.billing_project and your login (gcloud auth application-default login)"
        why = reason(refusal or error)
        raise InputError(f"{name}: {url}: access refused ({why}); {advice}, or {mirror}.") from error
    if status is not None and status < 500 and status not in PASSING_STATUS:
        raise InputError(f"{name}: {url}: the server answered {reason(error)}; check the url, or {mirror}.") from error
    if type(error).__module__.startswith("google.auth"):
        raise InputError(
            f"{name}: {url}: no usable Google login ({reason(error)}); run gcloud auth application-default login, "
            f"or {mirror}."
        ) from error
    if isinstance(error, aiohttp.InvalidURL):
        raise InputError(f"{name}: {url} is not a valid address; correct the url of this source.") from error
    passing = (TransferError, aiohttp.ClientError, OSError, asyncio.TimeoutError)
    if not isinstance(error, passing) and status is None:
        raise error


def reason(error: Exception) -> str:
    """An exception in words; some have no text of their own."""
    return ": ".join(part for part in (type(error).__name__, " ".join(str(error).split())) if part)


@contextmanager
def report(name: str, size: int | None) -> Iterator:
    """Tell the progress: a bar in a terminal, else a log line at each quarter. Yields a function of the bytes."""
    started = time.monotonic()
    total = f"{size / 1e6:,.1f} MB" if size is not None else "unknown size"
    if sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            task = progress.add_task(name, total=size)
            yield lambda received: progress.update(task, completed=received)
        return
    logger.info("%s: transfer of %s", name, total)
    quarter, done = (size or 0) / 4, 0

    def advance(received: int) -> None:
        nonlocal done
        if quarter and int(received / quarter) > done:
            done = int(received / quarter)
            rate = received / 1e6 / max(time.monotonic() - started, 1e-3)
            logger.info("%s: %d %% of %s, %.1f MB/s", name, 25 * done, total, rate)

    yield advance


# The lock file: checksums that were seen first, for sources that state none.


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
