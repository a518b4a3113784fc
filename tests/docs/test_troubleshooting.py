"""docs/troubleshooting.md quotes messages of the code, as they are."""

import ast
import re

import pytest
from copies import ROOT

PAGE = (ROOT / "docs/troubleshooting.md").read_text()
MESSAGES = re.findall(r"^\| `(.+?)` \|", PAGE, re.M)


def written_text(node: ast.AST) -> str:
    """A string of the code, with dots in the place of what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(written_text(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


@pytest.fixture(scope="module")
def strings() -> list[str]:
    trees = (ast.parse(path.read_text()) for path in sorted((ROOT / "src").rglob("*.py")))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant))
    return [written_text(node) for node in nodes]


def test_there_are_twenty():
    assert len(set(MESSAGES)) == len(MESSAGES) == 20


@pytest.mark.parametrize("message", MESSAGES)
def test_the_code_says_so(strings, message):
    assert any(message in text for text in strings)
