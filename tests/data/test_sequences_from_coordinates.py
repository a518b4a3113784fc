"""Sequences from coordinates, on a small genome and on real windows of hg38."""

import gzip

import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.core.sequence import encode
from regulens.data.download import decompress
from regulens.data.sequences import (
    SequenceOutputs,
    from_coordinates,
    read_coordinates,
    read_intervals,
    read_sequences,
    read_table,
)
from regulens.data.settings import CoordinateSequences, TableSequences

HEADER = "id,region,start,end,strand\n"


@pytest.fixture
def genome(tmp_path):
    """Two contigs, 300 and 60 bp, in lines of 50; one N, lower case in the first."""
    rng = np.random.default_rng(0)
    text = {name: "".join(rng.choice(list("ACGT"), length)) for name, length in (("chr1", 300), ("chr2", 60))}
    text["chr1"] = text["chr1"][:100].lower() + "N" + text["chr1"][101:]
    lines = [
        f">{name}\n" + "".join(f"{sequence[i : i + 50]}\n" for i in range(0, len(sequence), 50))
        for name, sequence in text.items()
    ]
    (tmp_path / "genome.fa").write_text("".join(lines))
    return tmp_path / "genome.fa", text


def reverse_complement(text):
    return text.upper()[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_sequences_and_order(tmp_path, genome):
    fasta, text = genome
    packed = tmp_path / "test.positive.csv.gz"
    packed.write_bytes(gzip.compress((HEADER + "x,chr2,10,40,-\ny,chr1,0,30,+\n").encode()))
    (tmp_path / "train.negative.csv").write_text(HEADER + "x,chr1,90,130,+\nz,chr2,0,60,+\nw,chr1,5,5,+\n")
    files = {("test", "positive"): packed, ("train", "negative"): tmp_path / "train.negative.csv"}
    records = read_intervals(fasta, files)
    expected = [
        ("test_positive_x", "test", 1, reverse_complement(text["chr2"][10:40]), "chr2", 10, 40),
        ("test_positive_y", "test", 1, text["chr1"][:30].upper(), "chr1", 0, 30),
        ("train_negative_x", "train", 0, text["chr1"][90:130].upper(), "chr1", 90, 130),
        ("train_negative_z", "train", 0, text["chr2"], "chr2", 0, 60),
        ("train_negative_w", "train", 0, "", "chr1", 5, 5),
    ]
    assert list(records.columns) == ["id", "split", "label", "sequence", "region", "start", "end"]
    assert list(records.itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "a,chr1,0,30,+\nb,1,0,30,+\nc,2,0,30,+\n",
            r"line 3 \(id b, 1:0-30\): .*genome.fa has no contig '1' \(2 of 3",
        ),
        ("a,chr2,31,61,+\n", r"line 2 \(id a, chr2:31-61\): the contig ends at 60 .*\(1 of 1 records reach beyond"),
        ("a,chr1,0,30,.\n", "line 2: strand must be \\+ or -, found '.'"),
        ("a,chr1,30,29,+\n", r"line 2 \(id a, chr1:30-29\): need 0 <= start <= end"),
        ("a,chr1,-1,29,+\n", "need 0 <= start <= end"),
        ("a,chr1,1.5,29,+\n", "line 2: start must be a whole number, found '1.5'"),
        ("a,chr1,0,30,+\na,chr2,0,30,+\n", "line 3: the id 'a' is on line 2 too"),
    ],
)
def test_errors_name_file_and_record(tmp_path, genome, rows, message):
    path = tmp_path / "train.positive.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(InputError, match=f"train.positive.csv, {message}" if message.startswith("line") else message):
        read_intervals(genome[0], {("train", "positive"): path})


def test_missing_column_and_unknown_class(tmp_path, genome):
    path = tmp_path / "a.csv"
    path.write_text("id,chrom,start,end,strand\na,chr1,0,30,+\n")
    with pytest.raises(InputError, match="a.csv: there is no column 'region'; found: id, chrom"):
        read_coordinates(path)
    with pytest.raises(InputError, match="train.promoter is not a split and a class"):
        read_intervals(genome[0], {("train", "promoter"): path})


@pytest.mark.parametrize(
    ("name", "counts"),
    # docs/papers.md, "Promoters and enhancers"
    [
        ("human_nontata_promoters", (12355, 14742, 4119, 4915)),
        ("human_enhancers_ensembl", (61936, 61936, 15485, 15485)),
    ],
)
def test_real_coordinates(mirror, name, counts):
    found = []
    for split in ("train", "test"):
        for label in ("negative", "positive"):
            table = read_coordinates(mirror / f"genomic_benchmarks/coordinates/{name}/{split}.{label}.csv.gz")
            found.append(len(table))
            length = table["end"] - table["start"]
            assert (length == 251).all() if "promoters" in name else length.between(2, 573).all()
    assert tuple(found) == counts


@pytest.fixture(scope="module")
def windows(mirror, tmp_path_factory):
    """FASTA of the real windows of hg38, and their places: columns region, first, last, name (of the contig)."""
    fasta = tmp_path_factory.mktemp("windows") / "windows.fa"
    decompress(mirror / "hg38_bigwig/windows.fa.gz", fasta)
    names = [line[1:].strip() for line in fasta.read_text().splitlines() if line.startswith(">")]
    table = pd.DataFrame([name.split("_") for name in names], columns=["region", "first", "last"])
    return fasta, table.astype({"first": int, "last": int}).assign(name=names)


def inside_windows(table, windows):
    """Rows of genome coordinates that lie in a window, with coordinates in it."""
    found = table.merge(windows, on="region")
    found = found[(found["first"] <= found["start"]) & (found["end"] <= found["last"])]
    return found.assign(region=found["name"], start=found["start"] - found["first"], end=found["end"] - found["first"])


def test_real_enhancers(mirror, windows, tmp_path):
    known = pd.read_csv(mirror / "genomic_benchmarks/sequences/enhancers_ensembl_subset/all.tsv", sep="\t")
    fasta, places = windows
    found = inside_windows(known, places)
    # The other 28 of 578 lie in the first million bases of chr1, where there is no window.
    assert len(found) == found[["split", "label", "id"]].drop_duplicates().shape[0] == 550
    files = {}
    for (split, label), group in found.groupby(["split", "label"]):
        files[split, label] = tmp_path / f"{split}.{label}.csv"
        group[["id", "region", "start", "end", "strand"]].to_csv(files[split, label], index=False)
    records = read_intervals(fasta, files).set_index("id")["sequence"]
    ids = found["split"] + "_" + found["label"] + "_" + found["id"].astype(str)
    assert records[ids].tolist() == found["seq"].tolist()

    settings = CoordinateSequences(route="coordinates", fasta="x", coordinates="{split}.{class}", valid_fraction=0.2)
    outputs = SequenceOutputs(*(tmp_path / f"{name}.tsv" for name in ("train", "valid", "test", "filters")))
    counts = from_coordinates(settings, fasta, {".".join(key): path for key, path in files.items()}, *outputs[:4])
    sets = [read_sequences(path) for path in outputs[:3]]
    assert {one.codes.shape[1] for one in sets} == {200}
    total = counts.groupby("reason")["sequences"].sum()
    assert total["too_short"] == (found["seq"].str.len() < 200).sum()
    assert total["kept"] == sum(len(one.ids) for one in sets)


def test_real_promoters(mirror, windows, tmp_path):
    """Both strands, against sequences that others read from GRCh38; a few major alleles of the windows differ."""
    fasta, places = windows
    known = read_table(
        mirror / "genomic_benchmarks/sequences/promoters_nontata/test.tsv", TableSequences(route="table", table="x")
    )
    for label, name in ((1, "positive"), (0, "negative")):
        path = mirror / f"genomic_benchmarks/coordinates/human_nontata_promoters/test.{name}.csv.gz"
        found = inside_windows(read_coordinates(path), places)
        assert "-" in set(found["strand"])
        found[["id", "region", "start", "end", "strand"]].to_csv(tmp_path / "a.csv", index=False)
        records = read_intervals(fasta, {("test", name): tmp_path / "a.csv"})
        of_class = np.stack([encode(text) for text in known.loc[known["label"] == label, "sequence"]])
        different = np.array([(of_class != encode(text)).sum(axis=1).min() for text in records["sequence"]])
        print(f"{name}: {different.sum()} bases differ, in {np.count_nonzero(different)} of {len(different)} sequences")
        assert different.max() <= 3
        assert different.sum() < 0.001 * 251 * len(different)


def test_contigs_by_another_name(tmp_path, genome):
    fasta, text = genome
    path = tmp_path / "train.positive.csv"
    path.write_text(HEADER + "a,1,0,30,+\nb,chr2,0,30,+\nc,2,0,30,+\n")
    with pytest.raises(InputError, match=r'map the names: data\.contig_names: {"1": "chr1", "2": "chr2"}'):
        read_intervals(fasta, {("train", "positive"): path})
    records = read_intervals(fasta, {("train", "positive"): path}, {"1": "chr1", "2": "chr2"})
    assert records["sequence"].tolist() == [text["chr1"][:30].upper(), text["chr2"][:30], text["chr2"][:30]]
