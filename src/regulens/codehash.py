"""A hash of modules that ignores comments, docstrings and layout, so that rewording does not retrain a model."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from regulens.errors import InputError


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # Field docstrings of settings classes are bare strings as well; none of them changes a result.
            node.body = [n for n in body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return tree


@cache
def _module_hash(module: str) -> str:
    spec = find_spec(f"regulens.{module}")
    if spec is None or spec.origin is None:
        raise InputError(f"regulens.{module} is not a module: correct the code(...) of the rule that names it")
    tree = _without_docstrings(ast.parse(Path(spec.origin).read_text()))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def code_hash(modules: Iterable[str]) -> str:
    """Hash of the syntax trees, without docstrings, of modules named relative to ``regulens``."""
    joined = "".join(f"{module}:{_module_hash(module)}" for module in sorted(set(modules)))
    return hashlib.sha256(joined.encode()).hexdigest()[:12]
