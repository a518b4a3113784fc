"""Filters, their counts, the validation set, and what is written."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.data.sequences import (
    REASONS,
    ROWS,
    SequenceOutputs,
    crop_sequences,
    draw_share,
    filter_sequences,
    prepare_sequences,
    read_sequences,
)
from regulens.data.settings import SequenceData

LENGTH = 24


def settings(**values):
    return SequenceData(**{"length_bp": LENGTH, **values})


def random_texts(count, length=LENGTH, seed=0):
    return ["".join(row) for row in np.random.default_rng(seed).choice(list("ACGT"), (count, length))]


def make_records(rows):
    table = pd.DataFrame(rows, columns=["split", "label", "sequence"])
    return table.assign(id=[f"s{number}" for number in range(len(table))])


def outputs(folder):
    return SequenceOutputs(*(folder / name for name in ("train.tsv", "valid.tsv", "test.tsv", "filters.csv")))


def fill(count=10, seed=1):
    """Good rows of both classes for every split."""
    text = iter(random_texts(6 * count, seed=seed))
    return [
        (split, label, next(text)) for split in ("train", "valid", "test") for label in (1, 0) for _ in range(count)
    ]


A, B, C, D, E = random_texts(5, seed=9)
CASES = [
    ("train", 1, "", "empty"),
    ("train", 1, A[:10] + "n" + A[11:], "ambiguous"),
    ("train", 1, A + "R", "ambiguous"),  # in what is cut off
    ("train", 1, A[:10] + "-" + A[11:], "not_dna"),
    ("train", 1, A.replace("T", "U"), "not_dna"),
    ("train", 1, "N-", "ambiguous"),  # the first reason that applies
    ("train", 1, A[:-1], "too_short"),
    ("train", 1, B, "conflicting"),
    ("train", 0, B + "ACGT", "conflicting"),  # the same after the crop
    ("train", 1, B.lower(), "conflicting"),
    ("train", 1, A, ""),
    ("train", 1, A.lower(), "duplicated"),
    ("train", 0, C, "leaked"),
    ("test", 1, C, ""),
    ("valid", 1, C, "leaked"),
    ("valid", 0, D, ""),
    ("train", 0, D, "leaked"),
    ("test", 1, B, ""),  # the copies in training are gone before leaks are looked for
    ("test", 0, E, "conflicting"),
    ("test", 1, E, "conflicting"),
    ("train", 1, E, ""),  # the test set keeps no copy
]


def test_reasons():
    found = filter_sequences(make_records([case[:3] for case in CASES]), settings())
    assert found["reason"].tolist() == [case[3] for case in CASES]
    assert found["kept"].equals(found["reason"] == "")


def test_counts_add_up(tmp_path):
    records = make_records([case[:3] for case in CASES] + fill())
    counts = prepare_sequences(records, settings(), outputs(tmp_path))
    assert pd.read_csv(tmp_path / "filters.csv").equals(counts)
    assert list(counts.columns) == ["split", "label", "reason", "sequences"]
    assert counts["reason"].tolist() == list(ROWS) * 6
    table = counts.pivot_table(index=["split", "label"], columns="reason", values="sequences")
    assert (table["read"] == table[[*REASONS, "validation", "kept"]].sum(axis=1)).all()
    read = records.groupby(["split", "label"]).size()
    assert table["read"].astype(int).to_dict() == read.to_dict()
    expected = pd.DataFrame(CASES, columns=["split", "label", "sequence", "reason"]).query("reason != ''")
    for (split, label, reason), number in expected.groupby(["split", "label", "reason"]).size().items():
        assert table.loc[(split, label), reason] == number
    assert table[list(REASONS)].sum().sum() == len(expected)
    for split in ("train", "valid", "test"):
        labels = read_sequences(tmp_path / f"{split}.tsv").labels
        assert [np.sum(labels == 1), np.sum(labels == 0)] == table.loc[split, "kept"][[1, 0]].tolist()


def test_kept_duplicates_and_leaks_are_counted(tmp_path):
    rows = [("train", 1, A), ("train", 1, A), ("train", 0, C), ("test", 1, C), *fill()]
    counts = prepare_sequences(make_records(rows), settings(duplicates="keep", leaked="keep"), outputs(tmp_path))
    table = counts.pivot_table(index=["split", "label"], columns="reason", values="sequences")
    assert table.loc[("train", 1), ["read", "duplicated", "kept"]].tolist() == [12, 1, 12]
    assert table.loc[("train", 0), ["read", "leaked", "kept"]].tolist() == [11, 1, 11]
    assert {"s0", "s1", "s2"} <= set(read_sequences(tmp_path / "train.tsv").ids)


def test_a_reason_that_drops_comes_before_one_that_keeps():
    rows = [("train", 1, C), ("train", 1, C), ("test", 1, C)]
    found = filter_sequences(make_records(rows), settings(duplicates="keep"))
    assert found["reason"].tolist() == ["leaked", "leaked", ""]
    assert found["kept"].tolist() == [False, False, True]


@pytest.mark.parametrize(("crop", "expected"), [("start", "ACGTA"), ("centre", "CGTAC"), ("end", "GTACG")])
def test_crop(crop, expected):
    found = crop_sequences(
        pd.Series(["acgtacg", "AC"]), SequenceData(length_bp=20).model_copy(update={"length_bp": 5, "crop": crop})
    )
    assert found.tolist() == [expected, "AC"]


def test_drawn_validation_set(tmp_path):
    """Stratified, seeded, and copies of a sequence (kept here) are on one side."""
    text = random_texts(300)
    rows = [("train", int(number < 100), one) for number, one in enumerate(text)]
    rows += [("train", int(number < 100), one) for number, one in enumerate(text)]
    rows += [row for row in fill() if row[0] == "test"]
    keep = settings(duplicates="keep", valid_fraction=0.2)
    counts = prepare_sequences(make_records(rows), keep, outputs(tmp_path))
    table = counts.pivot_table(index=["split", "label"], columns="reason", values="sequences")
    assert table.loc[("train", 1), ["read", "duplicated", "validation", "kept"]].tolist() == [200, 100, 40, 160]
    assert table.loc[("valid", 0), ["read", "duplicated", "kept"]].tolist() == [80, 0, 80]
    train, valid = (read_sequences(tmp_path / f"{split}.tsv") for split in ("train", "valid"))
    assert not {one.tobytes() for one in train.codes} & {one.tobytes() for one in valid.codes}
    assert valid.labels.sum() == 40
    prepare_sequences(make_records(rows), keep, outputs(tmp_path / "again"))
    assert read_sequences(tmp_path / "again/valid.tsv").ids == valid.ids
    other = keep.model_copy(update={"split_seed": 5})
    prepare_sequences(make_records(rows), other, outputs(tmp_path / "other"))
    assert read_sequences(tmp_path / "other/valid.tsv").ids != valid.ids


def test_at_most_so_many_of_every_split(tmp_path):
    """With their class balance, after the other filters, and counted."""
    rows = fill(10) + [("train", 0, text) for text in random_texts(30, seed=5)]
    counts = prepare_sequences(make_records(rows), settings(at_most=10), outputs(tmp_path))
    table = counts.pivot_table(index=["split", "label"], columns="reason", values="sequences")
    assert table["kept"].astype(int).tolist() == [5, 5, 8, 2, 5, 5]
    assert table["not_drawn"].astype(int).tolist() == [5, 5, 32, 8, 5, 5]
    train = read_sequences(tmp_path / "train.tsv")
    prepare_sequences(make_records(rows), settings(at_most=10), outputs(tmp_path / "again"))
    assert read_sequences(tmp_path / "again/train.tsv").ids == train.ids
    prepare_sequences(make_records(rows), settings(at_most=1000), outputs(tmp_path / "all"))
    assert set(train.ids) < set(read_sequences(tmp_path / "all/train.tsv").ids)
    # Of a validation set that is drawn, too.
    drawn = prepare_sequences(
        make_records([row for row in rows if row[0] != "valid"]), settings(at_most=4), outputs(tmp_path / "drawn")
    )
    table = drawn.pivot_table(index=["split", "label"], columns="reason", values="sequences")
    whole = table[[*REASONS, "not_drawn", "validation", "kept"]].sum(axis=1)
    assert (table["read"] == whole).all()
    assert (table["kept"].groupby("split").sum() <= 4).all()


def test_draw_leaves_and_takes_at_least_one():
    rng = np.random.default_rng(0)
    drawn = draw_share(pd.Series(["a", "b", "c"]), pd.Series([1, 1, 0]), 0.01, rng)
    assert drawn[:2].sum() == 1
    assert not drawn[2]
    assert draw_share(pd.Series(["a", "b"]), pd.Series([1, 1]), 0.99, rng).sum() == 1


def test_an_empty_class_is_an_error_with_counts(tmp_path):
    rows = [row for row in fill() if row[:2] != ("test", 0)] + [("test", 0, "ACGT"), ("test", 0, "")]
    with pytest.raises(
        InputError, match=r"class 0 \(negative\) is left for the test set \(read 2, empty 1, too_short 1\)"
    ):
        prepare_sequences(make_records(rows), settings(), outputs(tmp_path / "out"))
    with pytest.raises(InputError, match=r"class 1 \(positive\) is left for the test set \(read 0\)"):
        prepare_sequences(
            make_records([("train", 1, A), ("train", 1, B), ("train", 0, C), ("train", 0, D)]),
            settings(),
            outputs(tmp_path / "out"),
        )
    assert not (tmp_path / "out").exists()


def test_overlaps_are_counted(tmp_path):
    rows = fill()
    train = next(row[2] for row in rows if row[0] == "train")
    rows += [("test", 1, train[1:] + "A"), ("test", 1, train[2:] + "CC")]
    counts = prepare_sequences(make_records(rows), settings(), outputs(tmp_path))
    found = counts[counts["reason"] == "overlapping"].set_index(["split", "label"])["sequences"]
    assert found["test", 1] == 2
    assert found.sum() == 2
