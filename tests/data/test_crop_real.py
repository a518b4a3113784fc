"""Both routes on real hg38 windows, against a recomputation from the bytes."""

import gzip
import json
import zlib

import numpy as np
import pandas as pd
import pytest

from regulens.core.sequence import encode
from regulens.data.crop import crop_bigwig, crop_tfrecord
from regulens.data.settings import CropSettings, Geometry
from regulens.data.store import AssayStore, link_shards

GROUPS = {"DNase": ["DNASE", "ATAC"], "CAGE": ["CAGE"], "RNA": ["RNA", "RNA3"]}
FILES = {"train": 12, "valid": 3, "test": 3}


def crop_all(tiny, folder, geometry, tracks=None, **settings):
    stores = {}
    for split, number in FILES.items():
        shards = [folder / f"{split}-{shard}.h5" for shard in range(number)]
        for shard, output in enumerate(shards):
            crop_tfrecord(
                tfrecord=tiny / f"tfrecords/{split}-{shard}.tfr",
                tracks=tracks or tiny / "targets.txt",
                statistics=tiny / "statistics.json",
                output=output,
                split=split,
                shard=shard,
                geometry=geometry,
                groups=GROUPS,
                crop=CropSettings(records_per_file=4, **settings),
                windows=tiny / "sequences.bed",
            )
        link_shards(shards, folder / f"{split}.h5")
        stores[split] = AssayStore(folder / f"{split}.h5")
    return stores


@pytest.fixture(scope="module")
def adjoining(mirror, tmp_path_factory):
    return crop_all(mirror / "hg38_tiny", tmp_path_factory.mktemp("adjoining"), Geometry(), tiling="adjoining")


@pytest.fixture(scope="module")
def windows(mirror):
    """Sequence codes of the 65 windows, by contig name ``chrom_start_end``, in file order."""
    text = gzip.decompress((mirror / "hg38_bigwig/windows.fa.gz").read_bytes()).decode()
    records = [record.partition("\n") for record in text.split(">")[1:]]
    return {name: encode(sequence.replace("\n", "")) for name, _, sequence in records}


def raw_records(path):
    """Sequence (131,072) and target (2048, 74) of each record by position: names, then three 4-byte field headers."""
    stream = zlib.decompress(path.read_bytes())
    while stream:
        size = int.from_bytes(stream[:8], "little")
        payload, stream = stream[12 : 12 + size], stream[16 + size :]
        sequence = payload.index(b"sequence") + 8 + 12
        target = payload.index(b"target") + 6 + 12
        yield (
            np.frombuffer(payload, np.uint8, 131072, sequence),
            np.frombuffer(payload, "<f2", 2048 * 74, target).reshape(2048, 74).astype(np.float64),
        )


def test_counts(adjoining):
    assert {split: len(store) for split, store in adjoining.items()} == {"train": 270, "valid": 60, "test": 60}
    assert adjoining["test"].tracks["group"].value_counts().to_dict() == {"RNA": 40, "CAGE": 24, "DNase": 10}


@pytest.mark.parametrize(("split", "shard"), [("train", 0), ("train", 11), ("test", 2)])
def test_values_of_a_shard(mirror, adjoining, split, shard):
    """Each example against float64: soft clip and square root undone, mean or sum of four, both applied again."""
    tracks = pd.read_csv(mirror / "hg38_tiny/targets.txt", sep="\t")
    is_mean = (tracks["sum_stat"] == "mean").to_numpy()
    soft = tracks["clip_soft"].to_numpy()
    index = shard * 4 * 6
    for sequence, target in raw_records(mirror / f"hg38_tiny/tfrecords/{split}-{shard}.tfr"):
        assert target.max() < 128  # nothing reached the hard clip
        raw = np.where(target > soft, (target - soft + 1) ** 2 + soft - 1, target)
        raw = np.where(is_mean, raw, (raw + 1) ** 2 - 1)
        for tile in range(6):
            first = 64 + 320 * tile
            fine = raw[first : first + 320].reshape(80, 4, 74)
            expected = np.where(is_mean, fine.mean(axis=1), np.sqrt(1 + fine.sum(axis=1)) - 1)
            expected = np.where(expected > soft, soft - 1 + np.sqrt(np.maximum(expected - soft, 0) + 1), expected)
            np.testing.assert_allclose(adjoining[split].target(index), expected, rtol=5e-4, atol=1e-6)
            start = 32768 + 32 * first - 3736
            np.testing.assert_array_equal(adjoining[split].sequence(index), sequence[start : start + 17712])
            index += 1


def test_order_of_the_rows(mirror, adjoining, windows):
    """Row K of sequences.bed is record K: the sequence at each location is that of the FASTA's window there."""
    starts = {}
    for name in windows:
        contig, start, end = name.split("_")
        starts.setdefault(contig, []).append((int(start), int(end), name))
    for store in adjoining.values():
        for index in range(0, len(store), 3):
            contig, _, span = store.location(index).partition(":")
            left, right = map(int, span.split("-"))
            (window,) = [row for row in starts[contig] if row[0] <= left and right <= row[1]]
            codes = windows[window[2]][left - window[0] : right - window[0]]
            np.testing.assert_array_equal(store.sequence(index), codes)


def test_splits_and_counts_of_the_public_files(mirror):
    statistics = json.loads((mirror / "hg38_tiny/statistics.json").read_text())
    assert [statistics[f"{split}_seqs"] for split in FILES] == [45, 10, 10]


@pytest.mark.parametrize(
    ("geometry", "tiling"),
    [
        (Geometry(input_bp=17712, bins=320, bin_bp=32), "centre"),
        (Geometry(input_bp=17712, bins=80, bin_bp=128), "adjoining"),
    ],
)
def test_both_routes_agree(mirror, tmp_path, windows, geometry, tiling):
    """Coverage here is the processed target, 32 bp a step: both routes see the same numbers when tracks are means."""
    table = pd.read_csv(mirror / "hg38_tiny/targets.txt", sep="\t", index_col=0).drop(
        columns=["clip_soft", "strand_pair"]
    )
    table = table.assign(sum_stat="mean", scale=1)
    table.to_csv(tmp_path / "all.txt", sep="\t")
    files = sorted((mirror / "hg38_bigwig/bw").iterdir())
    rows = [int(path.name.split("_")[0]) for path in files]
    assert rows == list(range(34))
    table.iloc[rows].assign(file=[path.name for path in files]).to_csv(tmp_path / "some.txt", sep="\t")
    fasta = tmp_path / "windows.fa"
    fasta.write_bytes(gzip.decompress((mirror / "hg38_bigwig/windows.fa.gz").read_bytes()))
    records = crop_all(mirror / "hg38_tiny", tmp_path / "records", geometry, tmp_path / "all.txt", tiling=tiling)
    for split, n_shards in {"valid": 2, "test": 1}.items():
        shards = [tmp_path / f"coverage/{split}-{shard}.h5" for shard in range(n_shards)]
        for shard, output in enumerate(shards):
            crop_bigwig(
                fasta=fasta,
                windows=mirror / "hg38_bigwig/windows.bed",
                tracks=tmp_path / "some.txt",
                coverage=[mirror / "hg38_bigwig/bw"],
                output=output,
                split=split,
                shard=shard,
                shards=n_shards,
                geometry=geometry,
                groups=GROUPS,
                crop=CropSettings(tiling=tiling),
            )
        link_shards(shards, tmp_path / f"coverage/{split}.h5")
        with AssayStore(tmp_path / f"coverage/{split}.h5") as coverage:
            assert len(coverage) == len(records[split]) == (10 if tiling == "centre" else 60)
            for index in range(len(coverage)):
                np.testing.assert_array_equal(coverage.sequence(index), records[split].sequence(index))
                found, expected = coverage.target(index), records[split].target(index)[:, :34]
                assert expected.any()
                if geometry.bin_bp == 32:
                    np.testing.assert_array_equal(found, expected)
                else:  # sums of 4 and of 128 float32 may round differently
                    np.testing.assert_allclose(found, expected, rtol=1e-3)
