"""Moves the bytes of one file: opens any address, counts, hashes, retries, and explains what went wrong."""

import asyncio
import errno
import hashlib
import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import aiohttp
import fsspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from regulens.data.settings import DownloadSettings
from regulens.errors import InputError

logger = logging.getLogger(__name__)

PROTOCOLS = ("https", "http", "gs", "file")
CHUNK_BYTES = 4 * 2**20
BACKOFF_S = 2.0
"""Pause before the second attempt; doubled before each further one."""
SILENCE_S = 120
"""A server that sends nothing for this long is a failed transfer. The whole has no limit: files may be large."""
PASSING_STATUS = (408, 425, 429)
"""HTTP statuses below 500 that may be gone at the next attempt."""
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TransferError(Exception):
    """A transfer that broke off; worth another attempt."""


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


def reason(error: Exception) -> str:
    """An exception in words; some have no text of their own."""
    return ": ".join(part for part in (type(error).__name__, " ".join(str(error).split())) if part)


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
