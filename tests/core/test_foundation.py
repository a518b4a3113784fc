"""Sequence codes, whole-or-absent outputs, code hashes and source templates."""

import numpy as np
import pytest
import torch

from regulens.core import code
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.sequence import decode, encode, one_hot, reverse_complement
from regulens.data.settings import Geometry, Source, find_source, pattern


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


def test_code_hash_ignores_words_and_sees_code_of_imported_modules(tmp_path, monkeypatch):
    monkeypatch.setattr(code, "ROOT", tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("")

    def hashed(first, second="def g(x):\n    return x\n"):
        (tmp_path / "first.py").write_text(first)
        (tmp_path / "package/second.py").write_text(second)
        code._read.cache_clear()
        return code.code_hash(["first"])

    source = '"""Doc."""\nfrom regulens.package.second import g\n\ndef f(x):\n    """Doc."""\n    return g(x) + 1\n'
    before = hashed(source)
    assert hashed(source.replace("Doc", "Other words").replace("+ 1", "+ 1  # because")) == before
    assert hashed(source.replace("+ 1", "+ 2")) != before
    assert hashed(source, "def g(x):\n    return -x\n") != before
    (tmp_path / "first.yaml").write_text("limit: 1")  # data that a module reads from a file of its name
    assert hashed(source) != before
    with pytest.raises(InputError, match="regulens.missing is not a module"):
        code.code_hash(["missing"])
    code._read.cache_clear()


def test_code_of_a_model_covers_its_layers_but_no_other_model():
    modules = code.code_modules(["models.swin1d"])
    assert {"models.attention", "data.settings"} <= modules
    assert not {"models.enformer", "models.convolutional"} & modules
    assay = code.code_modules(["training.assay"])
    assert {"core.sequence", "training.loop", "training.batches", "data.store"} <= assay
    assert not {"models.swin1d", "models.bert", "core.progress"} & assay
    trainer = code.code_modules(["training.loop"])
    assert {"training.resume", "training.batches"} <= trainer
    assert not {"training.assay", "training.classification"} & trainer


def test_source_templates_fill_the_url():
    sources = {
        "b/{split}-{shard}.tfr": Source(url="gs://bucket/{split}-{shard}.tfr"),
        "exact.txt": Source(url="https://example.org/exact.txt"),
    }
    assert find_source(sources, "b/train-12.tfr").url == "gs://bucket/train-12.tfr"
    assert find_source(sources, "exact.txt").url.endswith("exact.txt")
    assert find_source(sources, "b/other.tfr") is None
    assert pattern("exact.txt") == r"exact\.txt"


def test_a_placeholder_may_occur_twice():
    sources = {"{split}/{split}-{shard}.tfr": Source(url="https://example.org/{split}/{shard}")}
    assert find_source(sources, "test/test-3.tfr").url == "https://example.org/test/3"
    assert find_source(sources, "test/train-3.tfr") is None
