"""BED files, tiles and splits."""

import pytest
from disguises import DISGUISES

from regulens.core.errors import InputError
from regulens.data.crop import check_splits_disjoint, read_bed, read_windows, tile_window, windows_by_contig
from regulens.data.settings import ContigSplits, CropSettings, Geometry

PAPER = Geometry()
ADJOINING = CropSettings(tiling="adjoining")


def test_centre_of_the_paper():
    """Bins 408 to 487 of 896, bases 56,680 to 74,391 of 131,072 (docs/papers.md, "BasenjiSmall")."""
    (tile,) = tile_window(896 * 128, PAPER, CropSettings())
    assert tile.target_start == 408 * 128
    assert tile.input_start + 8192 == 56680
    assert tile.input_start + 8192 + PAPER.input_bp == 74392


def test_adjoining_tiles():
    tiles = tile_window(65536, PAPER, ADJOINING)
    assert [tile.target_start for tile in tiles] == [2048 + 10240 * number for number in range(6)]
    assert {tile.target_start - tile.input_start for tile in tiles} == {(17712 - 10240) // 2}
    assert tiles[-1].target_start + 10240 == 65536 - 2048  # centred as a whole


def test_exact_fit_and_too_short():
    assert tile_window(10240, PAPER, ADJOINING) == tile_window(10240, PAPER, CropSettings())
    with pytest.raises(InputError, match="10239 bp is shorter than bins x bin_bp = 10240 bp"):
        tile_window(10239, PAPER, CropSettings())


@pytest.fixture
def bed(tmp_path):
    def write(*rows):
        path = tmp_path / "windows.bed"
        path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
        return path

    return write


def test_read(bed):
    path = bed(["# note"], ["track name=x"], ["chr1", 5, 9, "train", "more"], [""], ["tracked", 0, 1, "test"])
    windows = read_windows(path)
    assert windows == [("chr1", 5, 9, "train", 3), ("tracked", 0, 1, "test", 5)]
    assert str(windows[0]) == "line 3 (chr1:5-9, train)"
    assert read_bed(bed(["chr1", 5, 9])) == [("chr1", 5, 9, "", 1)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["chr1", 5], "line 2: 2 tab-separated fields where 4 are needed"),
        (["chr1 5 9 train"], "line 2: 1 tab-separated fields"),
        (["chr1", "five", 9, "train"], "line 2: start and end must be numbers"),
        (["chr1", 9, 9, "train"], "line 2: need 0 <= start < end, found start 9 and end 9"),
        (["chr1", -1, 9, "train"], "line 2: need 0 <= start < end"),
        (["chr1", 5, 9, "dev"], "line 2: split 'dev' is not one of train, valid, test"),
    ],
)
def test_malformed_rows(bed, row, message):
    with pytest.raises(InputError, match=message):
        read_windows(bed(["chr1", 0, 5, "train"], row))


def test_missing_and_empty(bed, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_windows(tmp_path / "none.bed")
    with pytest.raises(InputError, match="there are no windows in it"):
        read_windows(bed(["#"]))


@pytest.mark.parametrize(
    "rows",
    [
        [["chr1", 0, 10, "train"], ["chr1", 10, 20, "test"]],
        [["chr1", 0, 10, "train"], ["chr2", 5, 20, "test"]],
        [["chr1", 0, 10, "train"], ["chr1", 5, 20, "train"], ["chr1", 20, 30, "test"]],
    ],
)
def test_disjoint_splits(bed, rows):
    path = bed(*rows)
    check_splits_disjoint(read_windows(path), path)


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([["chr1", 5, 20, "test"], ["chr1", 0, 6, "train"]], (2, 1)),
        # The long first row reaches under the third, although a shorter row of its split lies between.
        ([["c", 0, 50, "train"], ["c", 10, 20, "train"], ["c", 30, 40, "valid"]], (1, 3)),
        ([["c", 0, 50, "train"], ["d", 0, 5, "test"], ["c", 49, 70, "test"]], (1, 3)),
    ],
)
def test_overlapping_splits_name_both_rows(bed, rows, lines):
    path = bed(*rows)
    with pytest.raises(InputError, match=rf"target regions of line {lines[0]} .* and line {lines[1]} .* overlap"):
        check_splits_disjoint(read_windows(path), path)


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_bed_files_as_they_come(bed, disguise):
    path = bed(["chr1", 5, 9, "train"], ["chr2", 0, 1, "test"])
    plain = read_windows(path)
    path.write_bytes(disguise(path.read_text()))
    assert [window[:4] for window in read_windows(path)] == [window[:4] for window in plain]


# Windows by contig.

GENOME = Geometry(input_bp=40, bins=4, bin_bp=8)


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "genome.fa"
    lengths = {"chr1": 100, "chr2": 64, "chr3": 33, "chrM": 40, "chr1_random": 50, "chr2_random": 20}
    path.write_text("".join(f">{name}\n{'A' * length}\n" for name, length in lengths.items()))
    return path


def test_adjoining_windows_split_by_contig(tmp_path, fasta):
    output = tmp_path / "windows.bed"
    splits = ContigSplits(valid=["chr2"], test=["chr3"], left_out=["chrM", "*_random"])
    assert windows_by_contig(fasta, splits, GENOME, output) == {"train": 3, "valid": 2, "test": 1}
    rows = [tuple(row[:4]) for row in read_windows(output)]
    assert rows == [
        ("chr1", 0, 32, "train"),
        ("chr1", 32, 64, "train"),
        ("chr1", 64, 96, "train"),
        ("chr2", 0, 32, "valid"),
        ("chr2", 32, 64, "valid"),
        ("chr3", 0, 32, "test"),
    ]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"valid": ["2"], "test": ["chr3"]}, "genome.fa: splits.valid: there is no contig '2'"),
        ({"valid": ["chr2"], "test": ["chr2"]}, "chr2 is in valid .* and in test"),
        ({"valid": ["chr2*"], "test": ["chr3"], "left_out": ["*_random"]}, "chr2_random is in valid"),
        ({"valid": ["chr2_random"], "test": ["chr3"]}, "no contig of valid is as long as bins x bin_bp = 32 bp"),
    ],
)
def test_splits_that_name_no_contig_or_one_twice(tmp_path, fasta, splits, message):
    with pytest.raises(InputError, match=message):
        windows_by_contig(fasta, ContigSplits(**splits), GENOME, tmp_path / "windows.bed")
    assert not (tmp_path / "windows.bed").exists()


def test_contigs_without_a_name_here_are_left_out(bed):
    path = bed(["1", 5, 9, "train"], ["M", 0, 1, "test"])
    assert [window[:4] for window in read_windows(path, {"1": "chr1", "M": None})] == [("chr1", 5, 9, "train")]
