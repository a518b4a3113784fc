"""The bigWig route on a small made-up genome."""

import gzip
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pyBigWig
import pytest
from tfrecords import write_table

from regulens.core.errors import InputError
from regulens.core.sequence import decode
from regulens.data.crop import crop_bigwig
from regulens.data.settings import CropSettings, Geometry
from regulens.data.store import AssayStore, link_shards

GEOMETRY = Geometry(input_bp=320, bins=4, bin_bp=32)
LENGTHS = {"chr1": 4000, "chr2": 1500, "chr3": 1000}
WINDOWS = [
    ("chr1", 500, 1600, "train"),
    ("chr1", 1600, 2700, "train"),
    ("chr2", 100, 356, "valid"),
    ("chr1", 3000, 4000, "test"),
]


def write_bigwig(path, coverage, lengths=LENGTHS):
    file = pyBigWig.open(str(path), "w")
    file.addHeader(list(lengths.items()))
    for contig, values in coverage.items():
        known = np.flatnonzero(~np.isnan(values))
        file.addEntries([contig] * len(known), known.tolist(), ends=(known + 1).tolist(), values=values[known].tolist())
    file.close()


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    data = SimpleNamespace(folder=tmp_path, fasta=tmp_path / "genome.fa", windows=tmp_path / "windows.bed")
    data.sequences = {contig: rng.integers(0, 5, length, dtype=np.uint8) for contig, length in LENGTHS.items()}
    text = {contig: decode(codes) for contig, codes in data.sequences.items()}
    text["chr1"] = text["chr1"].lower()
    data.fasta.write_text(
        "".join(f">{c} note\n" + "\n".join(t[i : i + 60] for i in range(0, len(t), 60)) + "\n" for c, t in text.items())
    )
    data.coverage = [
        {contig: rng.gamma(0.5, 2, length).astype(np.float16) for contig, length in LENGTHS.items()} for _ in range(2)
    ]
    for number, coverage in enumerate(data.coverage):
        write_bigwig(tmp_path / f"t{number}.bw", coverage)
    data.tracks = write_table(
        tmp_path / "tracks.txt", [{"scale": 2}, {"sum_stat": "sum_sqrt", "clip": 6, "clip_soft": 5}]
    )
    write_windows(data, *WINDOWS)
    return data


def write_windows(data, *rows):
    data.windows.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


def crop(data, split="train", shard=0, n_shards=1, geometry=GEOMETRY, blacklist=None, **settings):
    output = data.folder / "out" / f"{split}-{shard}.h5"
    number = crop_bigwig(
        fasta=data.fasta,
        windows=data.windows,
        tracks=data.tracks,
        coverage=[data.folder],
        output=output,
        split=split,
        shard=shard,
        shards=n_shards,
        geometry=geometry,
        groups={"CAGE": ["CAGE"]},
        crop=CropSettings(**settings),
        blacklist=blacklist,
    )
    store = AssayStore(output)
    assert len(store) == number
    return store


def expected_target(data, contig, start, end):
    mean, root = (coverage[contig][start:end].astype(float).reshape(-1, 32) for coverage in data.coverage)
    root = np.sqrt(1 + root.sum(axis=1)) - 1
    soft = np.where(root > 5, 4 + np.sqrt(np.maximum(root - 4, 0)), root)
    return np.stack([2 * mean.mean(axis=1), np.minimum(soft, 6)], axis=1)


def test_adjoining_examples(data):
    store = crop(data, tiling="adjoining")
    assert len(store) == 2 * 8
    for index in range(16):
        start = 500 + 1100 * (index // 8) + 38 + 128 * (index % 8)
        np.testing.assert_array_equal(store.sequence(index), data.sequences["chr1"][start - 96 : start + 224])
        np.testing.assert_allclose(store.target(index), expected_target(data, "chr1", start, start + 128), rtol=1e-3)
        assert store.location(index) == f"chr1:{start - 96}-{start + 224}"
    assert (np.stack([store.target(i) for i in range(16)])[..., 1] > 5).any()


def test_centre(data):
    store = crop(data)
    assert [store.location(index) for index in range(2)] == ["chr1:890-1210", "chr1:1990-2310"]
    np.testing.assert_allclose(store.target(1), expected_target(data, "chr1", 2086, 2214), rtol=1e-3)


def test_shards_divide_the_examples_evenly(data):
    whole = crop(data, tiling="adjoining")
    whole = [(whole.location(i), whole.target(i), whole.sequence(i)) for i in range(len(whole))]
    parts = []
    for shard in range(5):
        store = crop(data, shard=shard, n_shards=5, tiling="adjoining")
        assert len(store) in (3, 4)
        parts += [(store.location(i), store.target(i), store.sequence(i)) for i in range(len(store))]
    assert [part[0] for part in parts] == [part[0] for part in whole]
    for part, example in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(part[1], example[1])
        np.testing.assert_array_equal(part[2], example[2])


def test_more_shards_than_examples(data):
    assert [len(crop(data, "valid", shard, 3)) for shard in range(3)] == [0, 0, 1]


def test_overhang_pads_or_drops(data):
    """chr2 ends at 1,500; inputs of 640 bp around the two tiles of [100, 356) start at -156 and -28."""
    geometry = Geometry(input_bp=640, bins=4, bin_bp=32)
    padded = crop(data, "valid", geometry=geometry, tiling="adjoining")
    np.testing.assert_array_equal(padded.sequence(0), np.pad(data.sequences["chr2"][:484], (156, 0), constant_values=4))
    assert [padded.location(0), padded.location(1)] == ["chr2:-156-484", "chr2:-28-612"]
    with pytest.raises(InputError, match="there are no examples of valid in it.*or use overhang: pad"):
        crop(data, "valid", geometry=geometry, tiling="adjoining", overhang="drop")
    kept = crop(data, "test", geometry=geometry, tiling="adjoining", overhang="drop")
    everything = crop(data, "test", geometry=geometry, tiling="adjoining", overhang="pad")
    assert [len(kept), len(everything)] == [5, 7]
    start = int(everything.location(6).split(":")[1].split("-")[0])
    expected = np.pad(data.sequences["chr1"][start:], (0, start + 640 - 4000), constant_values=4)
    np.testing.assert_array_equal(everything.sequence(6), expected)


def test_blacklist_and_gaps(data):
    """The median is 1; the blacklist, extended by 20 bp, flattens one of two peaks, that in bases 922 to 1,050."""
    values = np.ones(4000, np.float16)
    values[1000:1030] = values[1100:1130] = 40
    write_bigwig(data.folder / "t0.bw", {"chr1": values})
    (data.folder / "black.bed").write_text("chr1\t1020\t1025\nchr2\t0\t99\n")
    plain, masked = (
        [crop(data, tiling="adjoining", blacklist=blacklist).target(tile)[:, 0] for tile in (2, 3, 4)]
        for blacklist in (None, data.folder / "black.bed")
    )
    sums = np.array([32, 32, 32 + 39 * 18, 32 + 39 * 12])  # a bin ends at base 1,018, amid the peak
    np.testing.assert_allclose(plain[1], 2 * sums / 32, rtol=1e-3)
    np.testing.assert_allclose(masked[1], [2, 2, 2, 2])  # 1,000 to 1,045 in the mask
    np.testing.assert_array_equal(plain[0], masked[0])
    np.testing.assert_array_equal(plain[2], masked[2])
    assert plain[2].max() > 20
    values[600:700] = np.nan
    write_bigwig(data.folder / "t0.bw", {"chr1": values})
    gap = crop(data, tiling="adjoining").target(0)[:, 0]  # 538 to 666
    np.testing.assert_allclose(gap, [2, 2 * 30 / 32, 0, 0])
    filled = crop(data, tiling="adjoining", interpolate_gaps=True).target(0)[:, 0]
    np.testing.assert_allclose(filled, [2, 2, 2, 2])


def test_contig_without_coverage_is_zero(data):
    write_bigwig(data.folder / "t0.bw", {"chr1": np.ones(4000)}, {"chr1": 4000})
    target = crop(data, "valid").target(0)
    assert (target[:, 0] == 0).all()
    assert (target[:, 1] > 0).all()


def expect(data, message, **changes):
    with pytest.raises(InputError, match=message):
        crop(data, **changes)
    assert not (data.folder / "out").exists() or list((data.folder / "out").iterdir()) == []


def test_unknown_contig(data):
    write_windows(data, *WINDOWS, ("chr9", 0, 500, "train"))
    expect(data, r"line 5 \(chr9:0-500, train\) is on a contig that .*genome\.fa lacks \(it has chr1, chr2, chr3")
    write_windows(data, ("1", 0, 500, "train"), ("2", 0, 500, "train"))
    expect(data, r'line 1 .* map the names: crop\.contig_names: {"1": "chr1", "2": "chr2"}')


def test_windows_that_do_not_fit(data):
    write_windows(data, *WINDOWS, ("chr2", 1000, 1501, "train"))
    expect(data, r"line 5 .* ends beyond its contig of 1500 bp")
    write_windows(data, *WINDOWS, ("chr2", 300, 1000, "train"))
    expect(data, r"target regions of line 3 .* and line 5 .* overlap")
    write_windows(data, ("chr1", 0, 100, "train"))
    expect(data, r"line 1 \(chr1:0-100, train\): a window's target region of 100 bp is shorter")
    expect(data, "there are no examples of test in it", split="test")
    expect(data, "shards are numbered from 0 to 1", shard=2, n_shards=2)


def test_coverage_of_another_assembly(data):
    write_bigwig(data.folder / "t1.bw", {"1": np.ones(40)}, {"1": 40, "2": 15})
    expect(data, r"t1\.bw: it names contigs otherwise than the windows.*\(here 1, 2; there chr1, chr2\)")
    write_bigwig(data.folder / "t1.bw", {"NC_1.2": np.ones(40)}, {"NC_1.2": 40})
    expect(data, r't1\.bw: it has no contig of the windows.*\(here NC_1\.2; .*contig_names: {"NC_1\.2": "\.\.\."}')
    write_bigwig(data.folder / "t1.bw", {"chr1": np.ones(40)}, {"chr1": 4000, "2": 1500})
    expect(data, r't1\.bw: it names .*\(here 2; there chr2\): .* map the names: crop\.contig_names: {"2": "chr2"}')
    write_bigwig(data.folder / "t1.bw", {"chr1": np.ones(40)}, {"chr1": 4001})
    expect(data, r"t1\.bw: chr1 has 4001 bp there and 4000 bp in .*genome\.fa")


def test_broken_inputs(data):
    (data.folder / "t1.bw").write_bytes(b"not a bigWig")
    expect(data, r"t1\.bw: the coverage of track 1 \(t1\) in .* is not a readable bigWig file: it is of another format")
    (data.folder / "t1.bw").write_bytes(gzip.compress(b"a bigWig"))
    expect(data, r"t1\.bw: the coverage of track 1 .* is compressed; decompress it")
    (data.folder / "t1.bw").write_bytes((files("pyBigWigTest") / "test.bigBed").read_bytes())
    expect(data, r"t1\.bw: the coverage of track 1 .* it is a bigBed file")
    whole = (data.folder / "t0.bw").read_bytes()
    (data.folder / "t0.bw").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"t0\.bw") as error:
        crop(data)
    assert "delete" not in str(error.value)
    (data.folder / "t0.bw").write_bytes(whole)
    (data.folder / "t1.bw").unlink()
    expect(data, r"t1\.bw: the coverage of track 1 \(t1\) in .*tracks\.txt is missing")
    write_bigwig(data.folder / "t1.bw", {"chr1": np.full(4000, -1.0)})
    expect(data, r"t1\.bw: track 1 \(t1\) cannot be binned at line 1 .*: sum_sqrt of a bin whose sum is -32")


def test_many_tracks_share_few_open_files(data, monkeypatch):
    monkeypatch.setattr("regulens.data.crop._OPEN_FILES", 1)
    np.testing.assert_allclose(crop(data).target(0), expected_target(data, "chr1", 986, 1114), rtol=1e-3)


def test_contigs_by_another_name(data, capsys):
    """FASTA chr1 to chr3; windows and one bigWig call them 1 to 3, the blacklist Chr1 to Chr3."""
    (data.folder / "black.bed").write_text("Chr1\t1020\t1025\n")
    plain = crop(data).target(0)
    data.windows.write_text(data.windows.read_text().replace("chr", ""))
    write_bigwig(
        data.folder / "t1.bw",
        {contig[3:]: values for contig, values in data.coverage[1].items()},
        {contig[3:]: length for contig, length in LENGTHS.items()},
    )
    expect_in_out = r'map the names: crop\.contig_names: {"1": "chr1", "2": "chr2"}'
    with pytest.raises(InputError, match=expect_in_out):
        crop(data)
    names = {contig[3:]: contig for contig in LENGTHS}
    store = crop(data, contig_names=names)
    np.testing.assert_array_equal(store.target(0), plain)
    assert store.location(0) == "chr1:890-1210"
    with pytest.raises(InputError, match=r'black\.bed: it names .*\(here Chr1; there chr1\): .* {"Chr1": "chr1"}'):
        crop(data, blacklist=data.folder / "black.bed", contig_names=names)
    (data.folder / "other.bed").write_text("NC_000001.11\t1020\t1025\n")
    with pytest.raises(InputError, match=r"other\.bed: it has no contig of .*\(here NC_000001\.11; there chr1, "):
        crop(data, blacklist=data.folder / "other.bed", contig_names=names)
    masked = crop(data, blacklist=data.folder / "black.bed", contig_names=names | {"Chr1": "chr1"})
    assert (masked.target(0) != plain).any()
    assert capsys.readouterr().err.count("\n") == 0
    (data.folder / "black.bed").write_text("chr3\t10\t25\nchr3\t30\t35\n")
    crop(data, blacklist=data.folder / "black.bed", contig_names=names)
    assert "black.bed: none of its 2 regions is on a contig of the windows" in capsys.readouterr().err


@pytest.mark.parametrize("blacklist", ["", "# nothing\n"])
def test_an_empty_blacklist_masks_nothing(data, blacklist):
    plain = crop(data).target(0)
    (data.folder / "black.bed").write_text(blacklist)
    np.testing.assert_array_equal(crop(data, blacklist=data.folder / "black.bed").target(0), plain)


def test_a_bigwig_without_entries_is_zero(data, capsys):
    file = pyBigWig.open(str(data.folder / "t0.bw"), "w")
    file.addHeader(list(LENGTHS.items()))
    file.close()
    target = crop(data).target(0)
    assert (target[:, 0] == 0).all()
    assert (target[:, 1] > 0).all()
    assert "t0.bw: the bigWig file has no entry: track 0 (t0) is 0 everywhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "scale", "rounded", "counts"),
    [
        (2e5, 1e-4, 6.55, (128, 0, 0)),
        (2e-9, 1e9, 0, (0, 128, 0)),
        (1e-7, 1e7, 1.192, (0, 128, 0)),
        (3, 1e5, 65504, (0, 0, 4)),
        (100, 0.01, 1, None),
        (0, 1e9, 0, None),
    ],
)
def test_coverage_beyond_the_range_of_float16_is_counted_and_scaled_first(data, capsys, value, scale, rounded, counts):
    """Basenji rounds first. The window of chr2 has 256 bases, its 4 bins of one example 128 of them."""
    values = np.full(1500, value, np.float32)
    values[: 100 + 64], values[100 + 192 :] = 1, 1
    write_bigwig(data.folder / "t0.bw", {"chr2": values})
    write_table(data.tracks, [{"scale": scale}, {"sum_stat": "sum_sqrt", "clip": 6}])
    data.tracks.write_text(data.tracks.read_text().replace("\t1000\t", "\t1e9\t"))
    store = crop(data, "valid")
    np.testing.assert_allclose(store.target(0)[:, 0].astype(float), rounded, rtol=1e-2)
    said = capsys.readouterr().err
    if counts is None:
        assert (store.out_of_range, said) == ({}, "")
    else:
        named = dict(zip(("bases_above", "bases_below", "bins_at_limit"), counts, strict=True))
        assert store.out_of_range == {"t0": named}
        link_shards([store.path, store.path], data.folder / "out/valid.h5")
        assert AssayStore(data.folder / "out/valid.h5").out_of_range == {"t0": {k: 2 * n for k, n in named.items()}}
        assert f"1 of the tracks (t0): {counts[0]} bases beyond 65,504 were clipped to it, {counts[1]} bases" in said
        assert "crop.scale_first: true" in said
    if rounded != 65504:
        scaled = crop(data, "valid", scale_first=True)
        np.testing.assert_allclose(scaled.target(0)[:, 0].astype(float), value * scale, rtol=1e-3)
        if value:
            np.testing.assert_array_equal(scaled.target(0)[:, 1], store.target(0)[:, 1])


def test_the_first_folder_that_has_a_file_is_read(data):
    made = data.folder / "made"
    made.mkdir()
    write_bigwig(made / "t0.bw", {contig: np.full(length, 7.0) for contig, length in LENGTHS.items()})
    arguments = dict(
        fasta=data.fasta, windows=data.windows, tracks=data.tracks, split="valid", shard=0, shards=1,
        geometry=GEOMETRY, groups={"CAGE": ["CAGE"]}, crop=CropSettings(),
    )  # fmt: skip
    crop_bigwig(**arguments, coverage=[made, data.folder], output=data.folder / "both.h5")
    crop_bigwig(**arguments, coverage=str(data.folder), output=data.folder / "one.h5")
    both, one = AssayStore(data.folder / "both.h5").target(0), AssayStore(data.folder / "one.h5").target(0)
    assert (both[:, 0] == 7 * 2).all()  # scale 2, mean
    assert (both[:, 1] == one[:, 1]).all()
