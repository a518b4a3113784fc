"""The file of motif sequences: what is written is read, splits, and every way in which a file can be wrong."""

import h5py
import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.data.simulate.motifs import FORMAT, MotifSequences, read_motif_sequences, write_motif_sequences

SPLIT = np.array([0, 2, 0, 1, 2, 0], np.uint8)


def data(split=SPLIT):
    rng = np.random.default_rng(3)
    return MotifSequences(
        codes=rng.integers(5, size=(6, 11)).astype(np.uint8),
        labels=rng.integers(2, size=(6, 2)).astype(np.uint8),
        model=rng.dirichlet(np.ones(4), size=(6, 11)).astype(np.float32),
        split=split,
        classes=("SP1", "Pou5f1::Sox2"),
    )


@pytest.fixture
def path(tmp_path):
    write_motif_sequences(tmp_path / "data.h5", data(), '{"seed": 3}')
    return tmp_path / "data.h5"


def same(first, second, rows=slice(None)):
    for name in ("codes", "labels", "model", "split"):
        found, expected = getattr(first, name), getattr(second, name)[rows]
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
    assert first.classes == second.classes


def test_what_was_written_is_read(path):
    same(read_motif_sequences(path), data())
    with h5py.File(path) as file:
        assert file.attrs["settings"] == '{"seed": 3}'
    assert [child.name for child in path.parent.iterdir()] == ["data.h5"]


@pytest.mark.parametrize(("split", "rows"), [("train", [0, 2, 5]), ("valid", [3]), ("test", [1, 4])])
def test_one_split(path, split, rows):
    same(read_motif_sequences(path, split), data(), rows)
    same(data().of(split), data(), rows)


def test_the_model_may_be_left_out(path):
    found = read_motif_sequences(path, "test", model=False)
    assert found.model is None
    assert np.array_equal(found.codes, data().codes[[1, 4]])
    assert found.of("test").model is None
    assert len(found) == 2


def test_a_split_that_does_not_exist(path):
    with pytest.raises(InputError, match="no split 'validation'; choose one of train, valid, test"):
        read_motif_sequences(path, "validation")


def test_a_split_without_sequences(tmp_path):
    write_motif_sequences(tmp_path / "data.h5", data(np.zeros(6, np.uint8)), "{}")
    with pytest.raises(InputError, match="data.h5: no valid sequences in it"):
        read_motif_sequences(tmp_path / "data.h5", "valid")


def test_a_file_without_sequences(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.attrs.update(format=FORMAT, classes='["SP1"]', settings="{}")
        for name, dtype, shape in (("codes", "u1", (0, 9)), ("labels", "u1", (0, 1)), ("split", "u1", (0,))):
            file.create_dataset(name, shape, dtype)
        file.create_dataset("model", (0, 9, 4), "f4")
    with pytest.raises(InputError, match="data.h5: no sequences in it"):
        read_motif_sequences(tmp_path / "data.h5")


def test_data_without_a_model_are_not_written(tmp_path, path):
    with pytest.raises(ValueError, match="without their model"):
        write_motif_sequences(tmp_path / "other.h5", read_motif_sequences(path, model=False), "{}")
    assert not (tmp_path / "other.h5").exists()


def test_files_that_are_not_there_or_not_hdf5(tmp_path):
    with pytest.raises(InputError, match="absent.h5: the file of motif sequences does not exist"):
        read_motif_sequences(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="text.h5: not a file of motif sequences: no readable HDF5"):
        read_motif_sequences(tmp_path / "text.h5")


def replaced(name, values):
    def change(file):
        del file[name]
        file[name] = values

    return change


def without(name):
    def change(file):
        del file[name]

    return change


def attribute(name, value):
    def change(file):
        if value is None:
            del file.attrs[name]
        else:
            file.attrs[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (attribute("format", None), "not a file of motif sequences .its format is 'missing'"),
        (attribute("format", "regulens motif sequences 0"), "its format is 'regulens motif sequences 0', expected"),
        (attribute("settings", None), "settings missing"),
        (attribute("classes", "one, two"), "its classes are not a JSON list of names"),
        (attribute("classes", "2"), "its classes are not a JSON list of names"),
        (without("model"), "model missing"),
        (attribute("classes", '["one"]'), r"labels is uint8 \(6, 2\), expected uint8 \(6, 1\)"),
        (replaced("codes", np.zeros((6, 11), np.int64)), r"codes is int64 \(6, 11\), expected uint8"),
        (
            replaced("codes", np.zeros((6, 12), np.uint8)),
            r"model is float32 \(6, 11, 4\), expected float32 \(6, 12, 4\)",
        ),
        (replaced("codes", np.zeros(6, np.uint8)), r"codes is uint8 \(6,\), expected uint8 \(6, 0\)"),
        (replaced("split", np.zeros(5, np.uint8)), r"split is uint8 \(5,\), expected uint8 \(6,\)"),
        (replaced("split", np.full(6, 3, np.uint8)), "split must be 0 to 2, found 3"),
        (replaced("labels", np.full((6, 2), 2, np.uint8)), "labels must be 0 to 1, found 2"),
        (replaced("codes", np.full((6, 11), 5, np.uint8)), "codes must be 0 to 4, found 5"),
    ],
)
def test_files_that_contradict_themselves(path, change, message):
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(InputError, match=f"data.h5: .*{message}"):
        read_motif_sequences(path)


def test_damage_inside_a_data_set(path):
    with h5py.File(path) as file:
        chunk = file["model"].id.get_chunk_info(0)
    with open(path, "r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(np.random.default_rng(1).bytes(chunk.size))
    with pytest.raises(InputError, match="data.h5: damaged"):
        read_motif_sequences(path)
    read_motif_sequences(path, model=False)
