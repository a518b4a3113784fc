"""Stores: what is written is read, and a damaged virtual data set is an error instead of zeros."""

import multiprocessing
import pickle

import h5py
import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore, link_shards, write_store
from regulens.data.tracks import assign_groups

GEOMETRY = Geometry(input_bp=96, bins=3, bin_bp=16)


def table(n_tracks: int = 5) -> pd.DataFrame:
    tracks = pd.DataFrame(
        {
            "identifier": [f"t{i}" for i in range(n_tracks)],
            "file": "x.bw",
            "clip": 32.0,
            "clip_soft": np.nan,
            "scale": 1.0,
            "sum_stat": "mean",
            "strand_pair": range(n_tracks),
            "description": "CAGE:x",
        }
    )
    return assign_groups(tracks, {"CAGE": ["CAGE"]})


def write(path, examples, n_tracks=5, geometry=GEOMETRY, split="train", compression=None, seed=0):
    rng = np.random.default_rng(seed)
    sequences = rng.integers(0, 5, (examples, geometry.input_bp), dtype=np.uint8)
    targets = rng.random((examples, geometry.bins, n_tracks)).astype(np.float16)
    with write_store(path, table(n_tracks), geometry, split, compression) as store:
        for number, (sequence, target) in enumerate(zip(sequences, targets, strict=True)):
            store.append(sequence, target, f"chr{seed}:{number}-{number + geometry.input_bp}")
    return sequences, targets


@pytest.fixture
def linked(tmp_path):
    """Three shards, one of them empty, and their virtual data set in another folder."""
    shards = [tmp_path / f"shards/train-{number}.h5" for number in range(3)]
    written = [
        write(path, examples, seed=seed) for seed, (path, examples) in enumerate(zip(shards, [4, 0, 2], strict=True))
    ]
    assert link_shards(shards, tmp_path / "linked/train.h5") == 6
    return tmp_path / "linked/train.h5", shards, *(np.concatenate(part) for part in zip(*written, strict=True))


@pytest.mark.parametrize("compression", [None, "lzf"])
def test_shard_round_trip(tmp_path, compression):
    sequences, targets = write(tmp_path / "a.h5", 7, compression=compression)
    with AssayStore(tmp_path / "a.h5") as store:
        assert len(store) == 7
        assert store.geometry == GEOMETRY
        assert store.split == "train"
        assert store.tracks["identifier"].tolist() == table()["identifier"].tolist()
        assert store.tracks["group"].unique().tolist() == ["CAGE"]
        for index in (6, 0, 3):
            np.testing.assert_array_equal(store.sequence(index), sequences[index])
            np.testing.assert_array_equal(store.target(index), targets[index])
            assert store.location(index) == f"chr0:{index}-{index + 96}"
        assert store.target(0).dtype == np.float16
        np.testing.assert_array_equal(store.target(-1), targets[6])
        with pytest.raises(IndexError):
            store.target(7)


def test_virtual_data_set_reads_every_shard(linked):
    path, _, sequences, targets = linked
    with AssayStore(path) as store:
        assert len(store) == 6
        np.testing.assert_array_equal([store.sequence(i) for i in range(6)], sequences)
        np.testing.assert_array_equal([store.target(i) for i in range(6)], targets)
        assert [store.location(i) for i in (3, 4)] == ["chr0:3-99", "chr2:0-96"]


def test_virtual_data_set_is_one_for_other_readers(linked):
    path, _, sequences, targets = linked
    with h5py.File(path) as file:
        assert file["target"].is_virtual
        np.testing.assert_array_equal(file["target"][:], targets)
        np.testing.assert_array_equal(file["sequence"][:], sequences)


def test_chunk_is_one_example(tmp_path):
    write(tmp_path / "a.h5", 2)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["target"].chunks == (1, 3, 5)
        assert file["sequence"].chunks == (1, 96)


def test_folder_can_move(linked, tmp_path):
    path, _, _, targets = linked
    path.parent.parent.joinpath("moved").mkdir()
    for folder in ("shards", "linked"):
        (tmp_path / folder).rename(tmp_path / "moved" / folder)
    with AssayStore(tmp_path / "moved/linked/train.h5") as store:
        np.testing.assert_array_equal(store.target(5), targets[5])


def test_only_empty_shards(tmp_path):
    write(tmp_path / "a.h5", 0)
    assert link_shards([tmp_path / "a.h5"], tmp_path / "all.h5") == 0
    assert len(AssayStore(tmp_path / "all.h5")) == 0


def test_large_table_fits_the_attribute(tmp_path):
    """The paper's table is larger than the 64 KB that HDF5 keeps in an object header."""
    tracks = table(5313).assign(description="CAGE:" + "x" * 100)
    with write_store(tmp_path / "a.h5", tracks, GEOMETRY, "test"):
        pass
    assert len(AssayStore(tmp_path / "a.h5").tracks) == 5313


def test_missing_shard_is_an_error(linked):
    path, shards, *_ = linked
    shards[2].unlink()
    with h5py.File(path) as file:
        assert not file["target"][4:].any()  # what makes the check necessary
    with pytest.raises(InputError, match=r"train-2\.h5 is missing: make that shard again, or delete"):
        AssayStore(path)


def test_shard_that_disappears_later_is_an_error(linked):
    path, shards, *_ = linked
    store = AssayStore(path)
    shards[0].unlink()
    with pytest.raises(InputError, match=r"train-0\.h5"):
        store.target(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"examples": 3}, "has 3 examples, 2 when it was linked"),
        ({"examples": 2, "n_tracks": 4}, "its tracks differs"),
        ({"examples": 2, "geometry": Geometry(input_bp=96, bins=1, bin_bp=16)}, "its geometry differs"),
        ({"examples": 2, "split": "valid"}, "its split differs"),
    ],
)
def test_changed_shard_is_an_error(linked, change, message):
    path, shards, *_ = linked
    write(shards[2], **change)
    with pytest.raises(InputError, match=message):
        AssayStore(path)
    if change["examples"] == 2:
        with pytest.raises(InputError, match=message):
            link_shards(shards, path)


def test_broken_shard_is_an_error(linked):
    path, shards, *_ = linked
    shards[0].write_bytes(shards[0].read_bytes()[:1000])
    with pytest.raises(InputError, match=r"train-0\.h5: not a store: no readable HDF5 file"):
        AssayStore(path)
    with h5py.File(shards[0], "w") as file:
        file["target"] = np.zeros(3)
    with pytest.raises(InputError, match="not a store of examples, it has no sequence, location, tracks"):
        AssayStore(path)


def test_attributes_that_do_not_match_the_data(tmp_path):
    write(tmp_path / "a.h5", 2)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["bins"] = 4
    with pytest.raises(InputError, match="target is float16"):
        AssayStore(tmp_path / "a.h5")


def test_other_errors(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        AssayStore(tmp_path / "none.h5")
    with pytest.raises(InputError, match="no shards to link"):
        link_shards([], tmp_path / "all.h5")


def test_failed_writer_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), write_store(tmp_path / "a.h5", table(), GEOMETRY, "train") as store:
        store.append(np.zeros(96, np.uint8), np.zeros((3, 5), np.float16))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_writer_checks_shapes(tmp_path):
    with write_store(tmp_path / "a.h5", table(), GEOMETRY, "train") as store:
        with pytest.raises(ValueError, match="target must be float16"):
            store.append(np.zeros(96, np.uint8), np.zeros((3, 5), np.float32))
        with pytest.raises(ValueError, match="sequence must be uint8"):
            store.append(np.zeros(95, np.uint8), np.zeros((3, 5), np.float16))
        with pytest.raises(InputError, match="longer than 96 bytes"):
            store.append(np.zeros(96, np.uint8), np.zeros((3, 5), np.float16), "c" * 97)
    assert len(AssayStore(tmp_path / "a.h5")) == 0


def test_writer_flushes_in_blocks(tmp_path):
    """More examples than one block: order and content stay."""
    geometry = Geometry(input_bp=16384, bins=64, bin_bp=128)
    targets = []
    with write_store(tmp_path / "a.h5", table(2000), geometry, "train") as store:
        block = len(store._block["target"])
        buffer = np.empty((64, 2000), np.float16)  # reused: the writer must keep its own copy
        for number in range(2 * block + 1):
            buffer[:] = number
            targets.append(number)
            store.append(np.full(16384, number % 5, np.uint8), buffer, str(number))
    assert 1 < block < 100
    with AssayStore(tmp_path / "a.h5") as store:
        assert [float(store.target(i)[63, 1999]) for i in range(len(store))] == targets
        assert [store.location(i) for i in range(len(store))] == [str(number) for number in targets]


def test_store_travels_to_other_processes(linked):
    path, _, _, targets = linked
    store = AssayStore(path)
    store.target(0)  # files are open when it is sent
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store)).target(5), targets[5])
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            for index, target in enumerate(pool.map(store.target, range(6))):
                np.testing.assert_array_equal(target, targets[index])
