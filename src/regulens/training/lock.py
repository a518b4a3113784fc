"""Lock that allows only one training run per model at a time.

Without it there may be two: a killed workflow leaves its cluster jobs running, and its rerun submits them again.
"""

import json
import os
import socket
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from regulens.core.errors import InputError
from regulens.core.io import make_folder_of
from regulens.core.progress import say

HEARTBEAT_S = 15.0
"""Interval in seconds at which a holder touches its lock."""

PATIENCE_S = 90.0
"""Seconds after which an untouched lock from another host is stale."""


class TrainingLock:
    """Context manager that holds ``folder``/lock, a small JSON file: host, process, SLURM job, start.

    A lock is taken over if its process is gone: according to the process table on the same host; on another host, if
    the file is not touched for ``PATIENCE_S``. Otherwise entering raises `InputError` that names the holder.

    ``what`` is what the lock protects, for messages.
    """

    def __init__(self, folder: Path | str, what: Path | str):
        self.path = Path(folder) / "lock"
        self.what = what
        self._mine = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_start": _process_start(os.getpid()),
            "slurm_job": os.environ.get("SLURM_JOB_ID"),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": uuid.uuid4().hex,
        }
        self._done = threading.Event()

    def __enter__(self) -> "TrainingLock":
        make_folder_of(self.path)
        while not self._create():
            holder = self._holder()
            if holder is None:  # released in the meantime
                continue
            if self._alive(holder):
                raise InputError(self._sentence(holder))
            self._remove(holder)
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        if self._is_mine():
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise `InputError` if the lock was removed or taken over: two processes must not write the same state."""
        if not self._is_mine():
            raise InputError(
                f"{self.path} was removed or taken over by another process while {self.what} was in training: "
                "this process stops; start the run again when no other one trains this model"
            )

    def _create(self) -> bool:
        # Written elsewhere and linked into place: the lock is never seen incomplete, and only one link succeeds.
        draft = self.path.with_name(f".lock.{self._mine['token']}")
        try:
            draft.write_text(json.dumps(self._mine))
            os.link(draft, self.path)
        except FileExistsError:
            return False
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot write the lock of {self.what}: {error.strerror}; make room or correct the "
                "permissions there, and start again"
            ) from error
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _remove(self, holder: dict) -> None:
        # Two processes may find the same stale lock; the slower one must not remove the new lock of the faster one.
        aside = self.path.with_name(f".lock.{self._mine['token']}")
        try:
            os.rename(self.path, aside)
        except FileNotFoundError:
            return
        if json.loads(aside.read_text()) == holder:
            say(f"{self.path}: taking over the lock of {_name(holder)}, which is gone")
        else:
            os.link(aside, self.path)
        aside.unlink()

    def _holder(self) -> dict | None:
        try:
            holder = json.loads(self.path.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            holder = None
        if not isinstance(holder, dict) or holder.keys() != self._mine.keys():
            raise InputError(f"{self.path}: not a lock of this program; delete it if nothing trains {self.what}")
        return holder

    def _is_mine(self) -> bool:
        holder = self._holder()
        return holder is not None and holder["token"] == self._mine["token"]

    def _alive(self, holder: dict) -> bool:
        if holder["host"] == self._mine["host"]:
            return _process_start(holder["pid"]) == holder["process_start"] is not None
        say(f"{self.path} is held by {_name(holder)}: waiting up to {PATIENCE_S:.0f} s to see whether that still runs")
        seen, end = self._touched(), time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            time.sleep(min(1.0, PATIENCE_S / 10))
            if self._touched() != seen:
                return True
        return False

    def _touched(self) -> int:
        try:
            with self.path.open() as file:  # opening forces a network file system to ask the server
                return os.fstat(file.fileno()).st_mtime_ns
        except FileNotFoundError:
            return -1

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_S):
            if self._is_mine():
                os.utime(self.path)

    def _sentence(self, holder: dict) -> str:
        stop = f"kill {holder['pid']}" + (f" on {holder['host']}" if holder["host"] != self._mine["host"] else "")
        if holder["slurm_job"]:
            stop = f"scancel {holder['slurm_job']}"
        return (
            f"{self.what} is already in training by {_name(holder)} since {holder['since']} (lock {self.path}): "
            f"wait until it ends, or stop it ({stop}) and start again"
        )


def _name(holder: dict) -> str:
    job = f", SLURM job {holder['slurm_job']}" if holder["slurm_job"] else ""
    return f"process {holder['pid']} on host {holder['host']}{job}"


def _process_start(pid: int) -> str | None:
    """Start time of a process on this host (distinguishes it from a later one with the same id); None if gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]  # zombie: has ended
    except FileNotFoundError:
        pass
    if Path("/proc/self").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "running"
