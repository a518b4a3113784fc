"""The hash of code sees code, not words, and code of imported modules."""

import pytest

from regulens.core import code
from regulens.core.errors import InputError


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
