"""Decompressing: the same bytes, whole or not at all."""

import gzip
from contextlib import nullcontext

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.data.download import decompress

BYTES = np.random.default_rng(0).integers(0, 256, 9_000_000, dtype=np.uint8).tobytes()  # several chunks


def test_members_are_joined(tmp_path):
    packed, output = tmp_path / "a.fa.gz", tmp_path / "folder" / "a.fa"
    packed.write_bytes(gzip.compress(BYTES, 1) + gzip.compress(b"end", 1))
    decompress(packed, output)
    assert output.read_bytes() == BYTES + b"end"


@pytest.mark.parametrize("kept", [3, 1000, -4])
def test_cut_short(tmp_path, kept):
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(BYTES, 1)[:kept])
    with pytest.raises(InputError, match=r"a.gz: the compressed file is cut short or damaged \(.*get it again"):
        decompress(packed, tmp_path / "a")
    assert list(tmp_path.iterdir()) == [packed]


def test_damaged(tmp_path):
    packed = tmp_path / "a.gz"
    content = bytearray(gzip.compress(BYTES[:10_000]))
    content[5000] ^= 255
    packed.write_bytes(content)
    with pytest.raises(InputError, match="cut short or damaged"):
        decompress(packed, tmp_path / "a")
    assert list(tmp_path.iterdir()) == [packed]


def test_not_gzip_and_missing(tmp_path):
    plain, empty = tmp_path / "plain.fa", tmp_path / "empty.gz"
    plain.write_text(">a\nACGT\n")
    empty.write_bytes(b"")
    with pytest.raises(InputError, match="plain.fa: not a gzip file: get it again"):
        decompress(plain, tmp_path / "a")
    with pytest.raises(InputError, match=r"empty.gz: not a gzip file \(it is empty\)"):
        decompress(empty, tmp_path / "a")
    with pytest.raises(InputError, match="none.gz: cannot read the compressed file: No such file"):
        decompress(tmp_path / "none.gz", tmp_path / "a")


def test_full_disk(tmp_path, monkeypatch):
    packed, full = tmp_path / "a.gz", tmp_path / "full"
    packed.write_bytes(gzip.compress(b"ACGT" * 1000))
    full.symlink_to("/dev/full")
    monkeypatch.setattr("regulens.data.download.atomic_output", lambda path: nullcontext(full))
    with pytest.raises(InputError, match="cannot decompress .*a.gz to it: No space left on device"):
        decompress(packed, tmp_path / "a")
