"""Outputs that are whole or absent."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regulens.errors import InputError

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM_BYTES = 1 << 20
"""Some writers (torch.save) fail on a full disk without a reason; with less than this free, that is the reason."""


@contextmanager
def atomic_output(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it onto ``target`` on success, remove it on any failure.

    The temporary name keeps the suffixes of the target, because some writers choose their format by suffix.
    Works for a file and for a folder (create it inside the block; an older folder of that name is replaced).

    Raises `InputError` that names target and folder when the disk (or a quota) is full.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid.uuid4().hex[:8]}.part.{target.name}")
    try:
        yield temporary
        if temporary.is_dir() and target.is_dir():
            shutil.rmtree(target)
        os.replace(temporary, target)
    except (OSError, RuntimeError) as error:
        free = shutil.disk_usage(target.parent).free  # before what was written is removed
        if getattr(error, "errno", None) in _FULL_DISK or free < _NO_ROOM_BYTES:
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
