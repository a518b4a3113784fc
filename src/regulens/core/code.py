"""Hashes of this package's code, which decide what must run again, and a cache for parsing the workflow.

A hash ignores comments, docstrings and layout, so that rewording does not retrain a model.
"""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from regulens.core.errors import InputError
from regulens.core.io import atomic_output

PACKAGE = "regulens"

ROOT = Path(__file__).parents[1]

WITHOUT_EFFECT = {
    "",
    "core.code",
    "core.command",
    "core.errors",
    "core.hdf5",
    "core.io",
    "core.progress",
    "data.download",
    "training.lock",
}
"""Modules that cannot change results: messages, progress bars, locks, how files are fetched and moved into place."""


def code_hash(modules: Iterable[str]) -> str:
    """Hash of the syntax trees, without docstrings, of these modules and everything that they import."""
    joined = "".join(f"{module}:{_read(module)[0]}" for module in sorted(code_modules(modules)))
    return hashlib.sha256(joined.encode()).hexdigest()[:12]


def code_modules(modules: Iterable[str]) -> set[str]:
    """These modules, named relative to ``regulens``, and everything that they import, directly or indirectly.

    Architectures are found by the registry at run time: a model's own module must be named.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found and module not in WITHOUT_EFFECT:
            found.add(module)
            waiting += _read(module)[1]
    return found


@cache
def source_hash() -> str:
    """Hash of every file of the package, including texts and templates."""
    digest = hashlib.sha256()
    for path in sorted(path for path in ROOT.rglob("*") if path.parent.name != "__pycache__" and path.is_file()):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _read(module: str) -> tuple[str, frozenset[str]]:
    """Hash of one module with the data beside it (claims.yaml of claims.py), and the modules that it imports."""
    file = _file(module)
    if file is None:
        raise InputError(f"{PACKAGE}.{module} is not a module: correct the code(...) of the rule that names it")
    tree = _without_docstrings(ast.parse(file.read_text()))
    data = file.with_suffix(".yaml")
    text = ast.dump(tree) + (data.read_text() if data.is_file() else "")
    return hashlib.sha256(text.encode()).hexdigest(), frozenset(_imported(tree))


def _file(module: str) -> Path | None:
    """Source of a module named relative to the package."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imported(tree: ast.AST) -> set[str]:
    """Modules of this package that a syntax tree imports, relative to the package; imports at run time are not seen."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            if node.module.split(".")[0] == PACKAGE:
                inner = node.module.removeprefix(PACKAGE).lstrip(".")
                candidates = [f"{inner}.{alias.name}".lstrip(".") for alias in node.names]
                names |= {f"{PACKAGE}.{name}" for name in candidates if _file(name)}
    return {n.removeprefix(PACKAGE).lstrip(".") for n in names if n == PACKAGE or n.startswith(f"{PACKAGE}.")}


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # Field docstrings of settings classes are bare strings too; none of them affects a result.
            node.body = [n for n in body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return tree


class ParseCache:
    """Cache of JSON values by kind and key, with one file per state of the code and Python version.

    Every job of a cluster parses the workflow twice, so the results of one parse are kept for the next.
    """

    def __init__(self, folder: Path | str):
        made_by = hashlib.sha256(f"{source_hash()} {sys.version}".encode()).hexdigest()[:16]
        self.path = Path(folder).absolute() / f"parsed-{made_by}.json"
        self._values = self._read()
        self._found: dict[str, Any] = {}

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}  # absent or damaged: everything is computed again
        return values if isinstance(values, dict) else {}

    def remember(self, kind: str, key: Any, compute: Callable[[], Any]) -> Any:
        """The cached value of ``compute()`` (JSON types); ``key`` is everything it depends on besides the code."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()
        name = f"{kind} {digest[:16]}"
        if name not in self._values:
            self._values[name] = self._found[name] = compute()
        return self._values[name]

    def save(self) -> None:
        """Write new values to the file; if that fails, the next parse just takes longer."""
        if self._found:
            try:
                content = json.dumps(self._read() | self._found)  # other processes may have added values meanwhile
                with atomic_output(self.path) as temporary:
                    temporary.write_text(content)
            except Exception:  # a run must not fail because of a cache
                return
            self._found = {}


def cache_folder() -> Path:
    """The user's cache folder (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regulens"
