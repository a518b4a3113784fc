"""docs/architecture.md is true: imports go one way through its table, and the files that it names exist."""

import ast
import re

from copies import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text()
SOURCE = ROOT / "src/regulens"
ORDER = [name.split("/")[0] for name in re.findall(r"^\| `([a-z/<>]+)` \|", PAGE, re.M)]


def imported(tree: ast.Module) -> set[str]:
    """Subpackages of regulens that a module imports, also inside functions."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("regulens.")} & set(ORDER)


def test_every_subpackage_is_in_the_table():
    assert sorted(ORDER) == sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


def test_imports_go_from_top_to_bottom():
    upwards = [
        f"{path.relative_to(SOURCE)} imports {name}"
        for path in sorted(SOURCE.glob("*/**/*.py"))
        for name in imported(ast.parse(path.read_text()))
        if ORDER.index(name) < ORDER.index(path.relative_to(SOURCE).parts[0])
    ]
    assert upwards == []


def test_named_files_exist():
    names = re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.(?:py|smk|rst))`", PAGE)
    assert len(names) > 10
    folders = (ROOT, SOURCE, ROOT / "workflow")
    assert [name for name in names if not any((folder / name).is_file() for folder in folders)] == []
