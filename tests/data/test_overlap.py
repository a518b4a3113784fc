"""Rows that overlap, groups of rows, splits that keep them together, and the data card."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.sequence import decode, encode, reverse_complement
from regulens.data.overlap import (
    canonical_kmers,
    data_card,
    grouped_split,
    groups_of,
    overlapping,
    overlapping_rows,
    reverse_text,
)
from regulens.data.sequences import LABELS, SequenceOutputs, prepare_sequences, read_coordinates
from regulens.data.settings import SPLITS, SequenceData, coordinate_tables


def random_text(length, seed):
    return decode(np.random.default_rng(seed).integers(0, 4, length))


def make_records(rows, columns=("split", "label", "sequence")):
    return pd.DataFrame(rows, columns=columns).assign(id=[f"s{number}" for number in range(len(rows))])


def intervals(rows):
    """Records with coordinates; the sequence is a name of the interval."""
    table = make_records(rows, ("split", "label", "region", "start", "end"))
    return table.assign(sequence=[f"{row[2]}:{row[3]}-{row[4]}" for row in rows])


def windows(count, places=60, seed=5):
    """Records without coordinates: ``count`` windows of 100 bp of random places of 150 bp, half of them positive."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        place, start = rng.integers(places), rng.integers(50)
        split = "test" if number % 4 == 0 else "train"
        rows.append((split, int(place % 2), random_text(150, 1000 + place)[start : start + 100]))
    return make_records(rows).assign(place=[None] * count)


def test_shifted_windows_and_the_other_strand_overlap():
    rng = np.random.default_rng(3)
    train = rng.integers(0, 4, (20, 200), dtype=np.uint8)
    stretch = (200 - 31) // 2 + 1 + 31  # bp in common for half of the 32-mers
    shifted = [
        np.concatenate([train[0, 200 - n :], rng.integers(0, 4, 200 - n)]) for n in (200, stretch, stretch - 3, 31)
    ]
    held_out = np.stack([*shifted, reverse_complement(train[3]), rng.integers(0, 4, 200)]).astype(np.uint8)
    assert overlapping(held_out, train).tolist() == [True, True, False, False, True, False]
    # Exactly half: 2 of 4 32-mers are in 33 bp, 1 of 4 in 32 bp.
    short = np.stack([np.concatenate([train[0, -n:], rng.integers(0, 4, 35 - n)]) for n in (33, 32)]).astype(np.uint8)
    assert overlapping(short, train).tolist() == [True, False]


def test_canonical_kmers():
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 4, (3, 40), dtype=np.uint8)
    found = canonical_kmers(codes)
    assert found.shape == (3, 9)
    assert np.array_equal(found, canonical_kmers(reverse_complement(codes))[:, ::-1])
    number = [
        sum(int(base) * 4 ** (31 - i) for i, base in enumerate(one))
        for one in (codes[1, 4:36], reverse_complement(codes[1, 4:36]))
    ]
    assert int(found[1, 4]) == min(number)
    assert canonical_kmers(encode("ACG")[None]).tolist() == [[1, 6]]  # AC (GT is 11), CG: k is cut to 2
    many = rng.integers(0, 4, (2000, 35), dtype=np.uint8)
    assert len(np.unique(canonical_kmers(many))) == 2000 * 4


@pytest.mark.parametrize("strand", ["+", "-"])
def test_records_of_any_length_overlap_by_half_of_their_kmers(strand):
    train = random_text(300, 1)
    given = train if strand == "+" else reverse_text(train)
    half = random_text(50, 2)
    held_out = [
        given[:50] + half,  # 19 of 69 32-mers
        given[:66] + half[:34],  # 35 of 69
        given[:62] + half[:38],  # 31 of 69
        given[100:131],  # no 32-mer at all
        given[100:132],
        given[:60] + "N" + half,  # 29 of the 48 32-mers without N
        random_text(100, 3),
        "",
    ]
    records = make_records([("test", 1, text) for text in held_out])
    found = overlapping_rows(records, make_records([("train", 0, train), ("train", 0, "ACGT")]))
    assert found.tolist() == [False, True, False, False, True, True, False, False]


def test_intervals_overlap_by_half_of_their_length():
    train = intervals([("train", 0, "chr1", 100, 200), ("train", 0, "chr1", 0, 1000), ("train", 0, "chr2", 10, 30)])
    asked = [("chr1", 900, 1100), ("chr1", 901, 1101), ("chr2", 0, 40), ("chr2", 0, 41), ("chr2", 30, 40)]
    asked += [("chr3", 10, 30), ("chr1", 5000, 5010), ("chr2", 15, 20)]
    found = overlapping_rows(intervals([("test", 1, *one) for one in asked]), train)
    assert found.tolist() == [True, False, True, False, False, False, False, True]


def test_overlapping_intervals_by_comparing_every_pair():
    rng = np.random.default_rng(0)

    def draw(count, split):
        start, length = rng.integers(0, 3000, count), rng.integers(1, 120, count)
        region = rng.choice(["a", "b"], count)
        return intervals([(split, 0, r, s, s + n) for r, s, n in zip(region, start, length, strict=True)])

    held_out, train = draw(300, "test"), draw(200, "train")
    expected = []
    for row in held_out.itertuples():
        same = train[train["region"] == row.region]
        common = np.minimum(same["end"], row.end) - np.maximum(same["start"], row.start)
        expected.append(bool((common >= 0.5 * (row.end - row.start)).any()))
    assert overlapping_rows(held_out, train).tolist() == expected
    assert 20 < sum(expected) < 280


def test_connected_regions_join_chains_and_identical_sequences():
    rows = [("a", 0, 10), ("a", 8, 20), ("a", 20, 25), ("a", 26, 30), ("b", 0, 10), ("a", 19, 22), ("b", 50, 60)]
    records = intervals([("train", place % 2, *row) for place, row in enumerate(rows)])
    assert groups_of(records).tolist() == [0, 0, 0, 1, 2, 0, 3]
    records.loc[[3, 6], "sequence"] = ["AACC", "GGTT"]
    assert groups_of(records).tolist() == [0, 0, 0, 1, 2, 0, 1]


def test_sequences_are_clustered_by_shared_kmers_on_either_strand():
    place = random_text(400, 7)
    texts = [
        place[:200],
        reverse_text(place[150:350]),  # 50 bp in common with the first: 19 of 169 32-mers
        place[310:] + random_text(110, 8),  # 40 bp in common with the second: 9 of 169
        random_text(200, 9),
        place[:30].lower(),  # shorter than a k-mer
        place[:30],
        random_text(100, 10) + "N" + random_text(99, 11),
        random_text(99, 11),
    ]
    found = groups_of(make_records([("train", 0, text) for text in texts]))
    assert found.tolist() == [0, 0, 1, 2, 3, 3, 4, 4]


def test_a_grouped_split_keeps_groups_together_and_the_sizes():
    records = windows(2000)
    groups = groups_of(records)
    assert len(np.unique(groups)) == 60
    settings = SequenceData(valid_fraction=0.2)
    split = grouped_split(records, groups, settings)
    assert (pd.crosstab(groups, split) > 0).sum(axis=1).max() == 1
    card = data_card(records.assign(split=split), groups)
    assert card.dropna()["overlapping"].tolist() == [0] * 4
    rows = card.set_index(["split", "label"])["rows"]
    for label in (0, 1):
        given = records[records["label"] == label]
        of_train = (given["split"] == "train").sum()
        wanted = {"train": 0.8 * of_train, "valid": 0.2 * of_train, "test": (given["split"] == "test").sum()}
        for name, count in wanted.items():
            assert rows[name, label] == pytest.approx(count, abs=20)
    assert split.equals(grouped_split(records, groups, settings))
    other = grouped_split(records, groups, SequenceData(valid_fraction=0.2, split_seed=2))
    assert not split.equals(other)


def test_single_sequences_are_split_exactly_and_a_given_validation_set_keeps_its_size():
    records = make_records([(SPLITS[i % 10 // 4], i % 3 % 2, random_text(60, i)) for i in range(900)])
    split = grouped_split(records, groups_of(records), SequenceData())
    assert pd.crosstab(split, records["label"]).equals(pd.crosstab(records["split"], records["label"]))
    assert not split.equals(records["split"])


def test_a_group_larger_than_the_test_set_stays_in_training():
    records = make_records([("train" if i < 80 else "test", i % 2, random_text(60, i)) for i in range(100)])
    groups = np.maximum(np.arange(100), 39)  # 40 records in one group
    split = grouped_split(records, groups, SequenceData())
    assert set(split[groups == 39]) == {"train"}
    assert split.value_counts().to_dict() == {"train": 72, "valid": 8, "test": 20}


def test_prepared_sequences_have_the_grouped_split_and_the_card(tmp_path):
    names = ("train.tsv", "valid.tsv", "test.tsv", "filters.csv")
    cards = {}
    for split in ("published", "grouped"):
        folder = tmp_path / split
        outputs = SequenceOutputs(*(folder / name for name in names), card=folder / "card.csv")
        counts = prepare_sequences(windows(600), SequenceData(length_bp=100, split=split, leaked="keep"), outputs)
        cards[split] = pd.read_csv(folder / "card.csv").set_index(["split", "label"])
        overlap = counts[(counts["reason"] == "overlapping") & (counts["split"] == "test")]["sequences"].sum()
        assert (overlap == 0) == (split == "grouped")
    assert cards["published"].loc["test", "overlapping"].min() > 50
    assert cards["grouped"].loc[["valid", "test"], "overlapping"].max() == 0
    assert cards["published"].loc["all", "rows"].tolist() == cards["grouped"].loc["all", "rows"].tolist()


def test_the_card_counts_each_thing_in_its_place():
    one, two, three, other = (random_text(100, seed) for seed in (20, 21, 22, 23))
    rows = [
        ("train", 1, one),
        ("train", 1, one.lower()),
        ("train", 0, two),
        ("train", 0, one),  # with the other label
        ("valid", 1, three),
        ("test", 1, two),  # repeats, with the other label
        ("test", 1, reverse_text(three)),  # repeats a validation record on the other strand
        ("test", 0, one[40:] + other[:40]),  # 29 of 69 32-mers
        ("test", 0, one[30:] + other[:30]),  # 39 of 69
        ("test", 0, "GGGGCCCCNN"),
    ]
    records = make_records(rows)
    card = data_card(records, groups_of(records)).set_index(["split", "label"])
    counts = card[["rows", "duplicated", "both_labels", "repeated", "reverse_repeated", "overlapping"]]
    assert counts.loc["train"].loc[1].tolist()[:3] == [2, 1, 2]
    assert counts.loc["train"].loc[0].tolist()[:3] == [2, 0, 2]
    assert counts.loc["train"][["repeated", "reverse_repeated", "overlapping"]].isna().all(axis=None)
    assert counts.loc["valid"].loc[1].tolist() == [1, 0, 0, 0, 0, 0]
    assert counts.loc["test"].loc[1].tolist() == [2, 0, 1, 1, 1, 2]
    assert counts.loc["test"].loc[0].tolist() == [3, 0, 0, 0, 0, 1]
    assert card.loc[("all", 1), ["rows", "groups", "duplicated"]].tolist() == [5, 3, 1]
    assert ("valid", 0) not in card.index
    assert card.loc[("test", 0), "shortest":"longest"].tolist() == [10, 100, 100]
    of_two = (one[40:] + other[:40], one[30:] + other[:30])
    gc = np.mean([*((text.count("G") + text.count("C")) / 100 for text in of_two), 1.0])
    assert card.loc[("test", 0), "gc"] == pytest.approx(gc)


@pytest.mark.parametrize(
    ("name", "of_classes"),
    [
        # Windows of 649 places: 4,086 of the 4,119 in the test set overlap one in the training set by half or more.
        ("human_nontata_promoters", {1: (19657, 18721, 4915, 0, 206), 0: (16474, 649, 4119, 0, 4086)}),
        pytest.param(
            "human_enhancers_ensembl",
            {1: (77421, 40930, 15485, 11694, 11705), 0: (77421, 76883, 15485, 0, 94)},
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_published_sets(mirror, name, of_classes):
    """Counted from coordinates alone: intervals that are the same have the same sequence."""
    tables = coordinate_tables(str(mirror / f"genomic_benchmarks/coordinates/{name}/{{split}}.{{class}}.csv.gz"))
    records = pd.concat(
        [read_coordinates(path).assign(split=split, label=LABELS[of]) for (split, of), path in tables.items()],
        ignore_index=True,
    )
    place = records["start"].astype(str) + "-" + records["end"].astype(str)
    records["sequence"] = records["region"] + ":" + place + records["strand"]
    groups = groups_of(records)
    card = data_card(records, groups).set_index(["split", "label"])
    for label, counts in of_classes.items():
        every, test = card.loc[("all", label)], card.loc[("test", label)]
        assert (*every[["rows", "groups"]], *test[["rows", "repeated", "overlapping"]]) == counts
    split = grouped_split(records, groups, SequenceData(valid_fraction=0.05))
    card = data_card(records.assign(split=split), groups).set_index(["split", "label"])
    assert card.loc[["valid", "test"], ["repeated", "overlapping"]].to_numpy().sum() == 0
    assert [card.loc[("test", label), "rows"] for label in of_classes] == [counts[2] for counts in of_classes.values()]
