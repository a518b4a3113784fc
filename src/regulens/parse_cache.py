"""What parsing the workflow found out, kept for the next parse: every job of a cluster parses the workflow twice."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regulens.codehash import source_hash
from regulens.files import atomic_output


class ParseCache:
    """Plain values by kind and key, in one JSON file; what other code or another Python wrote is forgotten."""

    def __init__(self, path: Path | str):
        self.path = Path(path).absolute()
        self._made_by = f"{source_hash()} {sys.version}"
        self._values: dict[str, Any] = {}
        self._changed = False
        try:
            content = json.loads(self.path.read_text())
            if content["made_by"] == self._made_by:
                self._values = content["values"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # absent or of another kind: everything is found out again

    def remember(self, kind: str, key: Any, compute: Callable[[], Any]) -> Any:
        """The value of ``compute()`` (what JSON can hold); ``key`` is all that it depends on besides the code."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()
        name = f"{kind} {digest}"
        if name not in self._values:
            self._values[name] = compute()
            self._changed = True
        return self._values[name]

    def save(self) -> None:
        """Write the file when there is something new in it; where that is impossible, the next parse takes longer."""
        if self._changed:
            try:
                with atomic_output(self.path) as temporary:
                    temporary.write_text(json.dumps({"made_by": self._made_by, "values": self._values}))
            except Exception:  # a cache must not be what a run fails on
                return
            self._changed = False
