"""What parsing the workflow found out, kept for the next parse: every job of a cluster parses the workflow twice."""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regulens.codehash import source_hash
from regulens.files import atomic_output


def cache_folder() -> Path:
    """Folder of this user for what can be found out again (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regulens"


class ParseCache:
    """Plain values by kind and key, in one JSON file for each state of the code and each Python."""

    def __init__(self, folder: Path | str):
        made_by = hashlib.sha256(f"{source_hash()} {sys.version}".encode()).hexdigest()[:16]
        self.path = Path(folder).absolute() / f"parsed-{made_by}.json"
        self._values = self._read()
        self._found: dict[str, Any] = {}

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}  # absent or damaged: everything is found out again
        return values if isinstance(values, dict) else {}

    def remember(self, kind: str, key: Any, compute: Callable[[], Any]) -> Any:
        """The value of ``compute()`` (what JSON can hold); ``key`` is all that it depends on besides the code."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()
        name = f"{kind} {digest[:16]}"
        if name not in self._values:
            self._values[name] = self._found[name] = compute()
        return self._values[name]

    def save(self) -> None:
        """Add what was found out to the file; where that is impossible, the next parse takes longer."""
        if self._found:
            try:
                content = json.dumps(self._read() | self._found)  # others may have added something meanwhile
                with atomic_output(self.path) as temporary:
                    temporary.write_text(content)
            except Exception:  # a cache must not be what a run fails on
                return
            self._found = {}
