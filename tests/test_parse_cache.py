"""What the parses of a workflow remember."""

import json

from regulens import parse_cache
from regulens.parse_cache import ParseCache


def test_values_are_computed_once_for_each_key(tmp_path):
    path, calls = tmp_path / "cache/parsed.json", []

    def compute():
        calls.append(1)
        return [f"value {len(calls)}"]

    first = ParseCache(path)
    assert first.remember("code", ("a", "b"), compute) == ["value 1"]
    assert first.remember("code", ("a", "b"), compute) == ["value 1"]
    assert not path.exists()
    first.save()
    second = ParseCache(path)
    assert second.remember("code", ("a", "b"), compute) == ["value 1"]
    assert second.remember("code", ("a",), compute) == ["value 2"]
    assert second.remember("module", ("a", "b"), compute) == ["value 3"]


def test_other_code_forgets(tmp_path, monkeypatch):
    path = tmp_path / "parsed.json"
    cache = ParseCache(path)
    cache.remember("code", "a", lambda: "old")
    cache.save()
    assert ParseCache(path).remember("code", "a", lambda: "new") == "old"
    monkeypatch.setattr(parse_cache, "source_hash", lambda: "another")
    assert ParseCache(path).remember("code", "a", lambda: "new") == "new"


def test_what_cannot_be_read_or_written_is_no_reason_to_stop(tmp_path):
    path = tmp_path / "parsed.json"
    for content in ("", "{", json.dumps([1]), json.dumps({"made_by": 3})):
        path.write_text(content)
        assert ParseCache(path).remember("code", "a", lambda: 1) == 1
    (tmp_path / "file").write_text("")
    cache = ParseCache(tmp_path / "file/parsed.json")  # its folder is a file
    assert cache.remember("code", "a", lambda: 1) == 1
    cache.save()
