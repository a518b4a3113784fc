"""What the parses of a workflow remember."""

from pathlib import Path

from regulens.core import code
from regulens.core.code import ParseCache, cache_folder


def test_values_are_computed_once_for_each_key(tmp_path):
    folder, calls = tmp_path / "cache", []

    def compute():
        calls.append(1)
        return [f"value {len(calls)}"]

    first = ParseCache(folder)
    assert first.remember("code", ("a", "b"), compute) == ["value 1"]
    assert first.remember("code", ("a", "b"), compute) == ["value 1"]
    assert not folder.exists()
    first.save()
    second = ParseCache(folder)
    assert second.remember("code", ("a", "b"), compute) == ["value 1"]
    assert second.remember("code", ("a",), compute) == ["value 2"]
    assert second.remember("module", ("a", "b"), compute) == ["value 3"]


def test_two_parses_at_once_keep_what_both_found(tmp_path):
    one, other = ParseCache(tmp_path), ParseCache(tmp_path)
    one.remember("code", "a", lambda: 1)
    other.remember("code", "b", lambda: 2)
    one.save()
    other.save()
    again = ParseCache(tmp_path)
    assert [again.remember("code", key, lambda: 3) for key in ("a", "b", "c")] == [1, 2, 3]


def test_other_code_has_another_file(tmp_path, monkeypatch):
    cache = ParseCache(tmp_path)
    cache.remember("code", "a", lambda: "old")
    cache.save()
    assert ParseCache(tmp_path).remember("code", "a", lambda: "new") == "old"
    monkeypatch.setattr(code, "source_hash", lambda: "another")
    assert ParseCache(tmp_path).remember("code", "a", lambda: "new") == "new"


def test_what_cannot_be_read_or_written_is_no_reason_to_stop(tmp_path):
    path = ParseCache(tmp_path).path
    for content in ("", "{", "[1]"):
        path.write_text(content)
        assert ParseCache(tmp_path).remember("code", "a", lambda: 1) == 1
    (tmp_path / "file").write_text("")
    cache = ParseCache(tmp_path / "file")  # its folder is a file
    assert cache.remember("code", "a", lambda: 1) == 1
    cache.save()


def test_the_folder_is_where_caches_belong(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "regulens"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/regulens"
