"""Sequence codes, whole-or-absent outputs, code hashes and source templates."""

import numpy as np
import pytest
import torch

from regulens import codehash
from regulens.data.settings import Geometry, Source
from regulens.files import atomic_output
from regulens.sequence import decode, encode, one_hot, reverse_complement
from regulens.sources import find_source, pattern


def test_codes_round_trip_and_reverse_complement():
    codes = encode("ACGTNacgtnRX")
    assert codes.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 4, 4]
    assert decode(codes) == "ACGTNACGTNNN"
    assert decode(reverse_complement(encode("AACGN"))) == "NCGTT"


def test_one_hot_rows_are_acgt_and_n_is_zero():
    x = one_hot(torch.from_numpy(np.stack([encode("ACGTN"), encode("NNGGA")])))
    assert x.shape == (2, 4, 5)
    assert torch.equal(x[0, :, :4], torch.eye(4))
    assert x[:, :, :].sum(1).tolist() == [[1, 1, 1, 1, 0], [0, 0, 1, 1, 1]]


def test_geometry_of_the_paper():
    geometry = Geometry()
    assert (geometry.padded_bp, geometry.padded_bins, geometry.crop_bins) == (17920, 140, 30)
    demo = Geometry(input_bp=6144, bins=32, bin_bp=128)
    assert (demo.padded_bp, demo.padded_bins, demo.crop_bins) == (6144, 48, 8)


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


def test_code_hash_ignores_words_and_sees_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def hashed(text):
        path = tmp_path / "m.py"
        path.write_text(text)
        codehash._module_hash.cache_clear()
        monkeypatch.setattr(codehash, "find_spec", lambda name: type("Spec", (), {"origin": str(path)}))
        return codehash.code_hash(["m"])

    first = hashed('"""Doc."""\ndef f(x):\n    """Doc."""\n    return x + 1\n')
    assert hashed('# why\ndef f(x):\n    """Other words."""\n\n    return x + 1  # because\n') == first
    assert hashed("def f(x):\n    return x + 2\n") != first
    codehash._module_hash.cache_clear()


def test_source_templates_fill_the_url():
    sources = {
        "b/{split}-{shard}.tfr": Source(url="gs://bucket/{split}-{shard}.tfr"),
        "exact.txt": Source(url="https://example.org/exact.txt"),
    }
    assert find_source(sources, "b/train-12.tfr").url == "gs://bucket/train-12.tfr"
    assert find_source(sources, "exact.txt").url.endswith("exact.txt")
    assert find_source(sources, "b/other.tfr") is None
    assert pattern("exact.txt") == r"exact\.txt"
