"""Outputs are whole or absent; text is read as it comes."""

import gzip

import pytest
from disguises import DISGUISES

from regulens.core.errors import InputError
from regulens.core.io import atomic_output, read_text


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


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_text_is_read_however_it_was_saved(tmp_path, disguise):
    (tmp_path / "x.bed.gz").write_bytes(disguise("chr1\té\n\nb\n"))  # the name says nothing
    assert read_text(tmp_path / "x.bed.gz").strip() == "chr1\té\n\nb"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "x.txt: the BED file does not exist"),
        ("caf\n\né\n".encode("latin-1"), "x.txt, line 3: not a text file in UTF-8 .*: save the BED file as UTF-8"),
        (b"\x1f\x8b\x08rest", "x.txt: the compressed file is cut short or damaged"),
        (gzip.compress(b"text")[:-4], "x.txt: the compressed file is cut short or damaged"),
    ],
)
def test_what_is_not_text_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_text(tmp_path / "x.txt", "BED file")
    with pytest.raises(InputError, match="cannot read the BED file: Is a directory"):
        read_text(tmp_path, "BED file")


def test_folders_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    def message(target):
        with pytest.raises(InputError) as error, atomic_output(target) as path:
            path.write_text("x")
        return str(error.value)

    (tmp_path / "file").write_text("")
    (tmp_path / "there").mkdir()
    assert f"cannot make the folder {tmp_path}/file" in message(tmp_path / "file/x.txt")
    assert f"{tmp_path}/there: cannot write it into {tmp_path}: Is a directory" in message(tmp_path / "there")
    assert "cannot write it into" in message(tmp_path / ("long" * 63))
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # root may write everywhere
    assert f"no permission to write into the folder {tmp_path}" in message(tmp_path / "x.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "there"]
