"""Fetches a source, from the mirror folder or its address, checked against its sha256, and unpacks what is compressed.

Files are written atomically. Transfers are measured, hashed and retried; a failure that no retry can fix is an
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
from regulens.core.io import FULL_DISK, GZIP, atomic_output, make_folder_of, note_sha256
from regulens.data.settings import DownloadSettings, Source

PROTOCOLS = ("https", "http", "gs", "file")

CHUNK_BYTES = 4 * 2**20
"""Bytes read at a time."""

BACKOFF_S = 2.0
"""Pause in seconds before the second attempt; doubled before each further one."""

REFUSALS = ("Forbidden:", "Bad Request:", "Bucket is requester pays")
"""How gcsfs begins when access is refused."""

SILENCE_S = 120
"""Seconds without data after which a transfer has failed. There is no total limit, because files may be large."""

PASSING_STATUS = (408, 425, 429)
"""HTTP statuses below 500 that may be temporary."""

logger = logging.getLogger(__name__)


class TransferError(Exception):
    """A transfer that failed and may be retried."""


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
) -> None:
    """Fetch one file, from the mirror folder or its address, and check its sha256; see `download`.

    Arguments:
        name: name of the source: its path in the mirror folder.
        url: where to download it from if the mirror has no copy.
        sha256: checksum that it must have; none: that of the lock file, or a new line there.
        licence: licence of the data, for the manifest.
    """
    download(name, Source(url=url, sha256=sha256, licence=licence), output, settings)


def download(name: str, source: Source, output: Path | str, settings: DownloadSettings) -> None:
    """Put a source's file at ``output``.

    A copy at ``name`` in the mirror folder (``settings.mirror``, else the environment variable `REGULENS_MIRROR`) takes
    precedence over the URL. The sha256 must be that of ``source`` or, if it states none, the one that ``settings.lock``
    has from an earlier download; without either, a warning states the checksum and the lock file keeps it: text with
    lines of `sha256  name`, as `sha256sum -c` reads them.

    Raises `InputError`, and leaves no file, for a wrong checksum; a URL that does not exist, refuses access or keeps
    failing; a full disk; a requester-pays bucket without ``settings.billing_project``; an unknown protocol; a mirror
    folder that does not exist.
    """
    output = Path(output)
    lock = Path(settings.lock)
    expected, stated_in = source.sha256, f"sources.{name}.sha256"
    if expected is None:
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
            add_to_lock(lock, name, found)
    note_sha256(output, found)
    logger.info("%s: sha256 %s, from %s", name, found, copy or source.url)


@command("unpack")
def decompress(path: Path | str, /, output: Path | str) -> None:
    """Write the contents of a gzip file (also with several members, as from bgzip) to ``output``, atomically.

    One chunk is in memory at a time. Raises `InputError` for a file that is missing, not gzip, truncated or damaged,
    and for an output that cannot be written.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            magic = file.read(2)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise InputError(f"{path}: cannot read the compressed file: {error.strerror}") from None
    if magic != GZIP:
        raise InputError(f"{path}: not a gzip file{'' if size else ' (it is empty)'}: get it again, or use it directly")
    # disable=None: a bar in a terminal only; it would fill a log.
    bar = tqdm(total=size, desc=f"Decompressing {path.name}", unit="B", unit_scale=True, disable=None)
    with atomic_output(output) as temporary, open(path, "rb") as file, bar:
        try:
            with gzip.GzipFile(fileobj=file) as stream, open(temporary, "wb") as target:
                while chunk := stream.read(CHUNK_BYTES):
                    target.write(chunk)
                    bar.update(file.tell() - bar.n)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{path}: the compressed file is cut short or damaged ({error}): get it again") from None
        except OSError as error:
            raise InputError(f"{output}: cannot decompress {path} to it: {error.strerror}") from None


def mirror_copy(name: str, settings: DownloadSettings) -> Path | None:
    """Path of a source's copy in the mirror folder; None if there is no mirror or no copy."""
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
    """Error message about a wrong checksum."""
    if copy is not None:
        advice = f"Replace this copy, or rename it: without it the file comes from {source.url}."
    else:
        advice = f"Try again; if it stays, the file there has changed: see what did, then correct {stated_in}."
    return f"{name}: {copy or source.url} has sha256 {found}, but {stated_in} says {expected}. {advice}"


def fetch(name: str, url: str, target: Path, settings: DownloadSettings) -> str:
    """Download ``url`` to the path ``target`` and return the sha256 of its content in hexadecimal.

    Failed transfers, timeouts and statuses of 500 or more are retried ``settings.retries`` times, from the start.
    Raises `InputError` that says what to do for everything that a retry cannot fix: a URL that does not exist (404),
    refused access (401, 403), a full disk, a requester-pays bucket without a billing project, an unknown protocol.
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
    """Open a URL for reading from start to end; yields the stream and its length in bytes (None if unknown)."""
    protocol = url.partition(":")[0]
    if protocol in ("http", "https"):
        client = {
            "trust_env": True,  # HTTPS_PROXY etc.
            # Otherwise a server may send a compressed body, whose length is not that of the file.
            "headers": {"Accept-Encoding": "identity"},
            # aiohttp would end every transfer after five minutes.
            "timeout": aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=SILENCE_S),
        }
        system = fsspec.filesystem(protocol, client_kwargs=client, skip_instance_cache=True)
        # block_size 0 streams a single request. Passing a size skips fsspec's probing requests, which turn every
        # failure into "file not found".
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

        # Not `project=project`: gcsfs ignores a login with a different default project and continues anonymously.
        system = GCSFileSystem(requester_pays=project, skip_instance_cache=True)
        with system.open(url, block_size=CHUNK_BYTES) as stream:
            yield stream, stream.size
    elif protocol == "file":
        with fsspec.filesystem("file").open(url) as stream:
            yield stream, stream.size
    else:
        raise InputError(f"{name}: {url} has the protocol {protocol!r}; known are {', '.join(PROTOCOLS)}.")


def copy_stream(name: str, stream: BinaryIO, size: int | None, target: Path) -> str:
    """Write a stream to the path ``target``, reporting progress; returns the sha256 of its bytes.

    ``size``: length in bytes, None if unknown. Raises `InputError` if the disk is too full (before the first byte if
    possible), and `TransferError` if the stream ends early.
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
    """Turn write errors into `InputError`, so that a full disk is not mistaken for a failed transfer."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            free = shutil.disk_usage(target.parent).free
            needed = size if size is not None else so_far
            raise InputError(full_disk(name, target.parent, needed, free)) from error
        raise InputError(f"{name}: cannot write into {target.parent}: {error.strerror}.") from error


def full_disk(name: str, folder: Path, needed: int, free: int) -> str:
    """Error message about a full disk, a quota or a limit on file size."""
    return (
        f"{name}: no space for it in {folder}: {needed:,} bytes needed, {free:,} bytes free on that disk. "
        "Make room (or check your quota), or set download.folder to another disk."
    )


def explain(name: str, url: str, error: Exception) -> None:
    """Raise `InputError` for a permanent failure, reraise a bug; return if a retry may help."""
    status = getattr(error, "status", None) or getattr(error, "code", None)  # of aiohttp; of gcsfs
    status = int(status) if str(status).isdigit() else None
    mirror = f"put a copy at {name} in a mirror folder and set download.mirror to it"
    # gcsfs says "Forbidden: ..." in an OSError, "Bad Request: ..." (a wrong billing project) in a ValueError, and
    # may raise FileNotFoundError because of either.
    steps = (error, error.__context__)
    refusal = next((step for step in steps if str(step).startswith(REFUSALS)), None)
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
    """An exception in words; some have no message."""
    return ": ".join(part for part in (type(error).__name__, " ".join(str(error).split())) if part)


@contextmanager
def report(name: str, size: int | None) -> Iterator:
    """Report progress: a bar in a terminal, else a log line at each quarter. Yields a function of the bytes."""
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
    """Parse lines of `sha256  name` into a map from name to sha256; `InputError` naming a malformed line."""
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
    """Append a checksum; safe for parallel downloads. Raises `InputError` if a different one is there by now."""
    make_folder_of(lock)
    with open(lock, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
        file.seek(0)
        text = file.read()
        known = parse_lock(text, lock).get(name)
        if known is None:
            file.write(("" if not text or text.endswith("\n") else "\n") + f"{sha256}  {name}\n")
        elif known != sha256:
            raise InputError(f"{name}: another download wrote sha256 {known} to {lock}, this one found {sha256}.")
