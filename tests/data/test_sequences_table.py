"""Your own sequences, with and without splits and sites."""

import gzip

import numpy as np
import pandas as pd
import pytest
from disguises import DISGUISES

from regulens.core.errors import InputError
from regulens.data.sequences import SequenceOutputs, from_table, read_sequences, read_sites, read_table
from regulens.data.settings import TableSequences


def settings(**values):
    return TableSequences(route="table", table="x", **{"length_bp": 20, **values})


def random_texts(count, length, seed=0):
    return ["".join(row) for row in np.random.default_rng(seed).choice(list("ACGT"), (count, length))]


def outputs(folder, sites=False):
    return SequenceOutputs(
        *(folder / f"out/{name}" for name in ("train.tsv", "valid.tsv", "test.tsv", "filters.csv")),
        folder / "out/sites.tsv" if sites else None,
    )


def test_with_split_id_and_words(tmp_path):
    text = random_texts(6, 20)
    path = tmp_path / "a.csv.gz"
    rows = ["a,train,positive", "b,train,Negative", "c,valid,positive", "d,valid,negative", "e,test,1", "f,test,0"]
    lines = ["id,split,label,sequence"] + [f"{row},{one}" for row, one in zip(rows, text, strict=True)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    from_table(path, settings(), *outputs(tmp_path))
    for split, ids in (("train", ["a", "b"]), ("valid", ["c", "d"]), ("test", ["e", "f"])):
        found = read_sequences(tmp_path / f"out/{split}.tsv")
        assert found.ids == ids
        assert found.labels.tolist() == [1, 0]
    assert not (tmp_path / "out/sites.tsv").exists()


def write_table(path, text, labels):
    path.write_text("seq\tlabel\n" + "".join(f"{s}\t{y}\n" for s, y in zip(text, labels, strict=True)))
    return path


def test_drawn_split_is_stratified_seeded_and_without_leaks(tmp_path):
    text = random_texts(200, 24)
    text[100:110] = [one[:20].lower() + "AAAA" for one in text[:10]]  # the same after the crop
    labels = [int(number < 60 or 100 <= number < 110) for number in range(200)]
    path = write_table(tmp_path / "a.tsv", text, labels)
    records = read_table(path, settings(test_fraction=0.25))
    assert records["id"].tolist()[:2] == ["line_2", "line_3"]
    key = records["sequence"].str[:20].str.upper()
    for label, distinct in ((1, 60), (0, 130)):
        test = records[(records["split"] == "test") & (records["label"] == label)]
        assert key[test.index].nunique() == round(0.25 * distinct)
    assert not set(key[records["split"] == "test"]) & set(key[records["split"] == "train"])
    assert records.equals(read_table(path, settings(test_fraction=0.25)))
    assert not records["split"].equals(read_table(path, settings(test_fraction=0.25, split_seed=2))["split"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text\tlabel\nACGT\t1\n", "there is no column 'sequence' \\(or 'seq'\\); found: text, label"),
        ("seq\tclass\nACGT\t1\n", "there is no column 'label'; found: seq, class"),
        ("seq\tlabel\nACGT\tyes\n", "line 2: label must be 1 or 0 or positive or negative, found 'yes'"),
        ("seq\tlabel\tsplit\nACGT\t1\tdev\n", "line 2: split must be train or valid or test, found 'dev'"),
        ("seq,label,id\nACGT,1,a\nACGT,1,a\n", "line 3: the id 'a' is on line 2 too"),
    ],
)
def test_errors(tmp_path, text, message):
    path = tmp_path / "mine.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=f"mine.txt.*{message}"):
        read_table(path, settings())


SITES = "id\tstart\tend\tmotif\tstrand\n"


@pytest.mark.parametrize(
    ("crop", "inside"),
    # 30 bp are cut to 20: the crop keeps 0 to 20, 5 to 25 or 10 to 30.
    [
        ("start", [("line_2", 0, 8, "A", "positive"), ("line_3", 12, 20, "C", "positive")]),
        ("centre", [("line_3", 7, 15, "C", "positive")]),
        ("end", [("line_3", 2, 10, "C", "positive"), ("line_2", 14, 20, "D", "positive")]),
    ],
)
def test_sites_follow_the_crop(tmp_path, crop, inside):
    text = random_texts(8, 30)
    path = write_table(tmp_path / "a.tsv", text, [1, 1, 1, 1, 0, 0, 0, 0])
    sites = tmp_path / "sites.tsv"
    rows = [("2", 0, 8, "A", "+"), ("3", 12, 20, "C", "-"), ("2", 24, 30, "D", "."), ("2", 1, 29, "E", ".")]
    sites.write_text(SITES + "".join("line_" + "\t".join(map(str, row)) + "\n" for row in rows))
    from_table(path, settings(crop=crop, test_fraction=0.5), *outputs(tmp_path, sites=True), sites)
    found = read_sites(tmp_path / "out/sites.tsv")
    assert list(found.columns) == ["id", "start", "end", "motif", "strand", "role"]
    columns = ["id", "start", "end", "motif", "role"]
    assert list(found[columns].itertuples(index=False, name=None)) == inside
    # The bases under a site are the same before and after the crop.
    before = {"A": text[0][0:8], "C": text[1][12:20], "D": text[0][24:30]}
    cropped = {}
    for split in ("train", "valid", "test"):
        table = pd.read_csv(tmp_path / f"out/{split}.tsv", sep="\t", index_col="id")
        cropped |= table["sequence"].to_dict()
    for row in found.itertuples():
        assert cropped[row.id][row.start : row.end] == before[row.motif]


def test_no_site_left_is_an_empty_table(tmp_path):
    path = write_table(tmp_path / "a.tsv", random_texts(8, 30), [1, 1, 1, 1, 0, 0, 0, 0])
    (tmp_path / "sites.tsv").write_text(SITES + "line_2\t0\t30\tA\t+\n")
    from_table(path, settings(), *outputs(tmp_path, sites=True), tmp_path / "sites.tsv")
    assert len(read_sites(tmp_path / "out/sites.tsv")) == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("line_99\t0\t8\tA\t+", r"sites.tsv, line 2: there is no sequence 'line_99' \(1 such sites\)"),
        ("line_2\t25\t31\tA\t+", r"sites.tsv, line 2: the site ends at 31, beyond the end of line_2 \(30 bp\)"),
        ("line_2\t8\t8\tA\t+", "sites.tsv, line 2: need 0 <= start < end, found start 8 and end 8"),
        ("line_2\tx\t8\tA\t+", "sites.tsv, line 2: start must be a whole number, found 'x'"),
        ("line_2\t0\t8\tA\t*", r"sites.tsv, line 2: strand must be \+ or - or \., found '\*'"),
    ],
)
def test_site_errors(tmp_path, row, message):
    path = write_table(tmp_path / "a.tsv", random_texts(8, 30), [1, 1, 1, 1, 0, 0, 0, 0])
    (tmp_path / "sites.tsv").write_text(SITES + row + "\n")
    with pytest.raises(InputError, match=message):
        from_table(path, settings(), *outputs(tmp_path, sites=True), tmp_path / "sites.tsv")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "read", "ambiguous", "overlapping"),
    # The negatives of the promoters are windows that overlap, so that a split at random leaves much of them on both
    # sides; those of the other set do not.
    [("promoters_nontata", (4915, 4119), 1, (0.0, 0.6)), ("enhancers_cohn", (3474, 3474), 0, (0.0, 0.0))],
)
def test_real_tables(mirror, tmp_path, name, read, ambiguous, overlapping):
    path = mirror / f"genomic_benchmarks/sequences/{name}/test.tsv"
    counts = from_table(path, settings(length_bp=200), *outputs(tmp_path))
    table = counts.pivot_table(index=["split", "label"], columns="reason", values="sequences")
    assert table.loc["train", "read"][[1, 0]].sum() + table.loc["test", "read"].sum() == sum(read)
    assert table["ambiguous"].sum() == ambiguous
    assert table[["empty", "not_dna", "too_short", "conflicting", "duplicated", "leaked"]].to_numpy().sum() == 0
    for label, total, share in zip((1, 0), read, overlapping, strict=True):
        test = table.loc[("test", label)]
        assert test["kept"] == round(0.3 * total)
        assert test["overlapping"] / test["kept"] == pytest.approx(share, abs=0.05)
    sets = {split: read_sequences(tmp_path / f"out/{split}.tsv") for split in ("train", "valid", "test")}
    rows = {split: {one.tobytes() for one in found.codes} for split, found in sets.items()}
    assert sum(map(len, rows.values())) == len(set.union(*rows.values())) == sum(read) - ambiguous


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("separator", ["\t", ","])
def test_tables_as_they_come(tmp_path, disguise, separator):
    text = "".join(f"{line}\n" for line in ("id,label,seq", "a,1,ACGT", "b,0,TTTT")).replace(",", separator)
    (tmp_path / "a.tsv").write_bytes(disguise(text))
    assert read_table(tmp_path / "a.tsv", settings(test_fraction=0.5))["sequence"].tolist() == ["ACGT", "TTTT"]
