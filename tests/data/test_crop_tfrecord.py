"""The TFRecord route on small made-up data sets."""

import zlib

import numpy as np
import pytest
from disguises import DISGUISES
from tfrecords import write_statistics, write_table, write_tfrecord

from regulens.core.errors import InputError
from regulens.data.crop import crop_tfrecord
from regulens.data.settings import CropSettings, Geometry
from regulens.data.store import AssayStore, link_shards

BP, CROP, POOL, BINS, TRACKS = 1024, 256, 16, 32, 3
GEOMETRY = Geometry(input_bp=320, bins=4, bin_bp=32)
GROUPS = {"CAGE": ["CAGE"]}


class DataSet:
    """Five training records in files of two, one test record; contig ``chrK`` starts record K at base 1000 K."""

    def __init__(self, folder, one_hot=False, wide_rows=False):
        rng = np.random.default_rng(0)
        self.folder = folder
        self.sequences = rng.integers(0, 5, (6, BP), dtype=np.uint8)
        self.targets = rng.random((6, BINS, TRACKS)).astype(np.float16)
        for name, rows in {"train-0": [0, 1], "train-1": [2, 3], "train-2": [4], "test-0": [5]}.items():
            write_tfrecord(folder / f"{name}.tfr", self.sequences[rows], self.targets[rows], one_hot)
        self.statistics = write_statistics(folder / "statistics.json", BP, POOL, CROP, TRACKS, train=5, test=1)
        self.tracks = write_table(folder / "targets.txt", [{}] * TRACKS)
        self.windows = folder / "sequences.bed"
        splits = ["train"] * 5 + ["test"]
        edge = 0 if wide_rows else CROP
        # The row of the test record comes first: only the order within a split counts.
        rows = [f"chr{k}\t{1000 * k + edge}\t{1000 * k + BP - edge}\t{splits[k]}\n" for k in (5, 0, 1, 2, 3, 4)]
        self.windows.write_text("".join(rows))

    def crop(self, name="train-0", geometry=GEOMETRY, windows=True, groups=GROUPS, **settings):
        split, shard = name.split("-")
        output = self.folder / "out" / f"{name}.h5"
        number = crop_tfrecord(
            tfrecord=self.folder / f"{name}.tfr",
            tracks=self.tracks,
            statistics=self.statistics,
            output=output,
            split=split,
            shard=int(shard),
            geometry=geometry,
            groups=groups,
            crop=CropSettings(**{"records_per_file": 2} | settings),
            windows=self.windows if windows else None,
        )
        store = AssayStore(output)
        assert len(store) == number
        return store


@pytest.fixture
def data(tmp_path):
    return DataSet(tmp_path)


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("wide_rows", [False, True])
def test_centre(tmp_path, one_hot, wide_rows):
    data = DataSet(tmp_path, one_hot, wide_rows)
    for name, records in {"train-0": [0, 1], "train-1": [2, 3], "train-2": [4], "test-0": [5]}.items():
        store = data.crop(name, compression="lzf")
        assert len(store) == len(records)
        assert store.split == name.split("-")[0]
        for index, record in enumerate(records):
            np.testing.assert_array_equal(store.sequence(index), data.sequences[record, 352:672])
            target = data.targets[record, 12:20].astype(float).reshape(4, 2, TRACKS).mean(axis=1)
            np.testing.assert_allclose(store.target(index), target, rtol=1e-3)
            assert store.location(index) == f"chr{record}:{1000 * record + 352}-{1000 * record + 672}"


def test_adjoining(data):
    store = data.crop("train-1", tiling="adjoining", windows=False)
    assert len(store) == 2 * 4
    for index in range(8):
        record, tile = 2 + index // 4, index % 4
        start = CROP + 128 * tile - 96
        np.testing.assert_array_equal(store.sequence(index), data.sequences[record, start : start + 320])
        target = data.targets[record, 8 * tile : 8 * tile + 8].astype(float).reshape(4, 2, TRACKS).mean(axis=1)
        np.testing.assert_allclose(store.target(index), target, rtol=1e-3)
        assert store.location(index) == ""


def test_bins_of_the_data_are_kept_bit_by_bit(data):
    store = data.crop(geometry=Geometry(input_bp=320, bins=8, bin_bp=16))
    np.testing.assert_array_equal(store.target(1), data.targets[1, 12:20])


def test_overhang_pads_or_drops(data):
    """Inputs of 768 bp around 128 bp targets: the outer two of four tiles reach 64 bp beyond the record's sequence."""
    geometry = Geometry(input_bp=768, bins=4, bin_bp=32)
    padded = data.crop(geometry=geometry, tiling="adjoining", overhang="pad")
    assert len(padded) == 8
    np.testing.assert_array_equal(padded.sequence(0), np.pad(data.sequences[0, :704], (64, 0), constant_values=4))
    np.testing.assert_array_equal(padded.sequence(3), np.pad(data.sequences[0, 320:], (0, 64), constant_values=4))
    assert padded.location(0) == "chr0:-64-704"
    dropped = data.crop(geometry=geometry, tiling="adjoining", overhang="drop")
    assert len(dropped) == 4
    for index, kept in enumerate([1, 2, 5, 6]):
        np.testing.assert_array_equal(dropped.sequence(index), padded.sequence(kept))
        np.testing.assert_array_equal(dropped.target(index), padded.target(kept))
        assert dropped.location(index) == padded.location(kept)


def test_longer_than_the_record(data):
    geometry = Geometry(input_bp=2048, bins=4, bin_bp=32)
    np.testing.assert_array_equal(data.crop(geometry=geometry).sequence(0)[512:1536], data.sequences[0])
    with pytest.raises(InputError, match="hangs over .* overhang: drop leaves no example"):
        data.crop(geometry=geometry, overhang="drop")


def expect(data, message, name="train-0", **changes):
    with pytest.raises(InputError, match=message):
        data.crop(name, **changes)
    assert not (data.folder / "out").exists() or list((data.folder / "out").iterdir()) == []


def test_geometry_that_does_not_fit(data):
    expect(data, "bin_bp = 8 is not a multiple .* pool_width = 16", geometry=Geometry(input_bp=320, bins=4, bin_bp=8))
    odd = Geometry(input_bp=320, bins=7, bin_bp=16)
    expect(data, r"start 200 bp into .* off its grid of 16 bp .* is even, as target_length is", geometry=odd)
    expect(data, "shorter than bins x bin_bp = 640", geometry=Geometry(input_bp=640, bins=40, bin_bp=16))


def test_table_that_does_not_fit(data):
    write_table(data.tracks, [{}] * 2)
    expect(data, "the table has 2 tracks, the data have num_targets = 3")
    write_table(data.tracks, [{"sum_stat": "median"}] * 3)
    expect(data, "median bins cannot be pooled")
    write_table(data.tracks, [{"description": "HIC:x"}] * 3)
    expect(data, "type HIC, which is in no group")


def test_statistics_that_do_not_fit(data):
    write_statistics(data.statistics, BP, POOL, CROP, 4)
    write_table(data.tracks, [{}] * 4)
    expect(data, "record 0 is not usable: its target has 192 bytes where .* are 256")
    write_table(data.tracks, [{}] * TRACKS)
    write_statistics(data.statistics, 2048, POOL, 768, TRACKS)
    expect(data, "record 0 is not usable: its sequence has 1024 bytes, expected 2048", windows=False)
    data.statistics.write_text('{"seq_length": 1024}')
    expect(data, "pool_width must be a whole number, found None")
    data.statistics.write_text("{")
    expect(data, "not a readable JSON file")
    data.statistics.write_text(
        '{"seq_length": 1024, "pool_width": 16, "crop_bp": 0, "target_length": 32, "num_targets": 3}'
    )
    expect(data, "target_length x pool_width .* = 512 is not seq_length = 1024")
    data.statistics.unlink()
    expect(data, "the file of the data set's statistics does not exist")


def test_windows_that_do_not_fit(data):
    expect(data, "it has 2 records, but as file 0 .* records_per_file = 256 it should have 5", records_per_file=256)
    expect(data, "has more than 1 records", records_per_file=1)
    data.crop("train-2")
    (data.folder / "train-3.tfr").write_bytes((data.folder / "train-2.tfr").read_bytes())
    (data.folder / "out/train-2.h5").unlink()
    expect(data, "file 3 of train would start at row 6 of that split in .* too many files", "train-3")
    rows = data.windows.read_text()
    data.windows.write_text(rows.replace("chr4", "#chr4"))
    expect(data, "it has 4 rows of train, but the statistics say train_seqs = 5")
    data.windows.write_text(rows.replace("chr3\t3256", "chr3\t3000"))
    expect(data, r"line 5 \(chr3:3000-3768, train\) is neither a sequence of 1024 bp nor a target region of 512 bp")
    data.windows.write_text(rows.replace("chr5\t5256\t5768", "chr4\t4736\t5248"))
    expect(data, "target regions of line 6 .* and line 1 .* overlap")


def test_broken_records(data):
    whole = (data.folder / "train-0.tfr").read_bytes()
    (data.folder / "train-0.tfr").write_bytes(whole[:-100])
    expect(data, r"train-0\.tfr: record 1 \(near byte \d+\) is cut off: the file is truncated")
    (data.folder / "train-0.tfr").unlink()
    expect(data, r"train-0\.tfr: cannot read the TFRecord file")
    for value in (np.nan, np.inf, -np.inf):
        data.targets[1, 15, 2] = value
        write_tfrecord(data.folder / "train-0.tfr", data.sequences[:2], data.targets[:2])
        expect(data, f"record 1 is not usable: its target of track 2 is {value}")


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_statistics_as_they_come(data, disguise):
    data.statistics.write_bytes(disguise(data.statistics.read_text()))
    assert len(data.crop()) == 2


def test_a_file_without_records_after_the_last_row_is_an_empty_shard(data):
    """The last file of a public data set is an empty zlib stream of 8 bytes."""
    (data.folder / "train-3.tfr").write_bytes(zlib.compress(b""))
    assert (data.folder / "train-3.tfr").stat().st_size == 8
    assert len(data.crop("train-3")) == 0
    assert len(data.crop("train-3", windows=False)) == 0
    for name in ("train-0", "train-1", "train-2"):
        data.crop(name)
    whole = data.folder / "train.h5"
    link_shards([data.folder / f"out/train-{shard}.h5" for shard in (0, 3, 1, 2)], whole)
    assert [AssayStore(whole).location(i).split(":")[0] for i in range(5)] == [f"chr{i}" for i in range(5)]
    (data.folder / "out/train-0.h5").unlink()
    (data.folder / "train-0.tfr").write_bytes(zlib.compress(b""))
    with pytest.raises(InputError, match="it has 0 records, but as file 0 .* it should have 2"):
        data.crop("train-0")
