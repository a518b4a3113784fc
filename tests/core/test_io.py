"""Outputs are whole or absent."""

import pytest

from regulens.core.io import atomic_output


def test_atomic_output_leaves_whole_files_only(tmp_path):
    target = tmp_path / "deep/x.txt"
    with atomic_output(target) as path:
        path.write_text("whole")
    with pytest.raises(RuntimeError), atomic_output(target) as path:
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "whole"
    assert [p.name for p in target.parent.iterdir()] == ["x.txt"]


def test_atomic_output_replaces_folders(tmp_path):
    for text in ("old", "new"):
        with atomic_output(tmp_path / "folder") as path:
            path.mkdir()
            (path / text).write_text(text)
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["new"]
