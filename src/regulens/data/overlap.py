"""Sequences of one place: rows that repeat or overlap others, splits that keep them on one side, and their data card.

A classifier that has seen a test sequence, or most of it, in training may remember it. Where rows have coordinates,
overlap is that of the intervals; otherwise, two sequences overlap if they share 32-mers on either strand.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from regulens.core.sequence import N_CODE, encode
from regulens.data.settings import SPLITS, SequenceData

OVERLAP_KMER = 32
"""Length of the compared k-mers; 32 bases of 2 bits fill a 64-bit unsigned integer."""

OVERLAP_SHARE = 0.5
"""A sequence is overlapping if the training set has at least this share of its k-mers, or of its interval."""

LINK_SHARE = 0.1
"""Two sequences belong together if they share this part of the k-mers of the one with fewer: for 251 bp, 53 bp in
common. Much less than `OVERLAP_SHARE`, because a sequence can be covered by several training sequences in part; any
shared k-mer would put everything with a young repeat (Alu) into one group."""

COORDINATES = ("region", "start", "end")
"""Columns of rows from a genome: contig and interval (0-based, half-open)."""

CARD_COLUMNS = (
    "split",
    "label",
    "rows",
    "groups",
    "duplicated",
    "both_labels",
    "repeated",
    "reverse_repeated",
    "overlapping",
    "gc",
    "shortest",
    "median",
    "longest",
)

ALL = "all"
"""Name of all splits together in the data card."""

_ROWS_AT_ONCE = 1000

_COMPLEMENT = str.maketrans("ACGT", "TGCA")

# K-mers.


def canonical_kmers(codes: np.ndarray, k: int = OVERLAP_KMER) -> np.ndarray:
    """Strand-independent numbers of the k-mers (k a power of 2, at most 32) of codes (N, L).

    The number reads the bases as digits of base 4; it is the smaller of a k-mer's and its reverse complement's.
    ``k`` is halved until it is at most L. Returns uint64 (N, L - k + 1).
    """
    while k > codes.shape[1]:
        k //= 2
    forward = codes.astype(np.uint64)
    reverse = np.uint64(3) - forward
    size = 1
    while size < k:  # two k-mers side by side make one of twice the length
        shift = np.uint64(2 * size)
        forward = (forward[:, :-size] << shift) | forward[:, size:]
        reverse = reverse[:, :-size] | (reverse[:, size:] << shift)
        size *= 2
    return np.minimum(forward, reverse)


def kmers_of(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """All canonical 32-mers without N of sequences of any lengths: int64 rows and uint64 numbers, both (K,)."""
    rows, numbers = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        part = texts[start : start + _ROWS_AT_ONCE]
        codes = encode("N".join(part) + "N" * OVERLAP_KMER)  # no k-mer reaches from one sequence into the next
        row = np.repeat(np.arange(start, start + len(part)), [len(text) + 1 for text in part])
        found = canonical_kmers(np.where(codes == N_CODE, 0, codes)[None])[0][: len(row)]
        unknown = np.concatenate([[0], (codes == N_CODE).cumsum()])
        whole = (unknown[OVERLAP_KMER:] == unknown[:-OVERLAP_KMER])[: len(found)]
        rows.append(row[: len(found)][whole])
        numbers.append(found[whole])
    return np.concatenate(rows), np.concatenate(numbers)


def _among(asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which numbers of ``asked`` (K,) are in the sorted ``known``, bool (K,)."""
    if not len(known):
        return np.zeros(len(asked), dtype=bool)
    order = asked.argsort()  # searching in sorted order stays in the cache
    values, found = asked[order], np.empty(len(asked), dtype=bool)
    found[order] = known[np.searchsorted(known, values).clip(max=len(known) - 1)] == values
    return found


# Held-out sequences that the training set has in large part: shifted windows, or the other strand.


def overlapping(held_out: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Which sequences have at least half of their 32-mers in the training set, on either strand. Returns bool (N,).

    ``held_out`` (N, L) and ``train`` (M, L): codes 0 to 3. Identical sequences overlap, too. For 200 bp, half of the
    32-mers corresponds to a common stretch of 116 bp. Long genomic repeats can match without being the same place.
    """
    asked = canonical_kmers(held_out)
    found = _among(asked.ravel(), np.sort(canonical_kmers(train), axis=None))
    return found.reshape(asked.shape).mean(axis=1) >= OVERLAP_SHARE


def overlapping_rows(held_out: pd.DataFrame, train: pd.DataFrame) -> np.ndarray:
    """Which records overlap a training record by half or more of their length, bool (N,).

    With `COORDINATES`, half of the interval lies in one training interval, on either strand; otherwise at least half of
    the 32-mers of the ``sequence`` are in the training set. A sequence without 32-mers overlaps none.
    """
    if has_coordinates(held_out):
        return _overlapping_intervals(held_out, train)
    row, asked = kmers_of(held_out["sequence"].tolist())
    found = _among(asked, np.sort(kmers_of(train["sequence"].tolist())[1]))
    every, shared = (np.bincount(row, weights, len(held_out)) for weights in (None, found))
    return (every > 0) & (shared >= OVERLAP_SHARE * every)


def has_coordinates(records: pd.DataFrame) -> bool:
    """Whether records come with `COORDINATES`."""
    return set(COORDINATES) <= set(records)


def _overlapping_intervals(held_out: pd.DataFrame, train: pd.DataFrame) -> np.ndarray:
    found = np.zeros(len(held_out), dtype=bool)
    theirs = dict(tuple(train.groupby("region")[["start", "end"]]))
    for region, rows in held_out.groupby("region").indices.items():
        if region not in theirs:
            continue
        start, end = theirs[region].sort_values("start").to_numpy().T
        first, last = held_out[["start", "end"]].to_numpy()[rows].T
        # Training intervals that may overlap: not yet over at the start of this one, begun before its end.
        low = np.searchsorted(start, first - (end - start).max(), "right")
        count = np.maximum(np.searchsorted(start, last, "left") - low, 0)
        mine = np.repeat(np.arange(len(rows)), count)
        other = np.arange(count.sum()) - np.repeat(count.cumsum() - count - low, count)
        common = np.minimum(end[other], last[mine]) - np.maximum(start[other], first[mine])
        long = (common > 0) & (common >= OVERLAP_SHARE * (last - first)[mine])
        found[rows[mine[long]]] = True
    return found


# Groups of records that belong together, and splits that do not separate them.


def groups_of(records: pd.DataFrame) -> np.ndarray:
    """Number of each record's group, int64 (N,), from 0: records of one group must not be in two splits.

    With `COORDINATES` a group is a connected region, the union of intervals that overlap or adjoin, on either strand,
    of both classes. Otherwise sequences are clustered by single linkage: two are linked if they share at least
    `LINK_SHARE` of the 32-mers of the one with fewer. In either case identical sequences and reverse complements
    belong together.
    """
    texts = [min(text, reverse_text(text)) for text in records["sequence"].str.upper()]
    groups = pd.factorize(pd.Series(texts, dtype=object))[0].astype(np.int64)
    if has_coordinates(records):
        return _joined(groups, [(np.arange(len(records)), _representatives(_regions(records)))])
    return _joined(groups, _linked(texts))


def reverse_text(text: str) -> str:
    """Reverse complement of letters; others than A, C, G, T stay."""
    return text.translate(_COMPLEMENT)[::-1]


def _regions(records: pd.DataFrame) -> np.ndarray:
    """Number of the connected region of each record, from 0."""
    table = records[list(COORDINATES)].reset_index(drop=True).sort_values(["region", "start"], kind="stable")
    reached = table.groupby("region")["end"].cummax().shift()
    begins = (table["region"] != table["region"].shift()) | (table["start"] > reached)
    return begins.cumsum().sub(1).sort_index().to_numpy(np.int64)


def _representatives(labels: np.ndarray) -> np.ndarray:
    """Place of the first record with each record's label."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return first[inverse]


def _linked(texts: Sequence[str]) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Pairs of sequences that share `LINK_SHARE` of their 32-mers, in parts: one product of a matrix with itself."""
    row, number = kmers_of(texts)
    if not len(row):
        return
    column = pd.factorize(number)[0]
    has = csr_array((np.ones(len(row), np.int32), (row, column)), shape=(len(texts), column.max() + 1))
    has.data[:] = 1  # a k-mer that a sequence has twice counts once
    sizes = np.diff(has.indptr)
    has = has[:, np.bincount(has.indices) > 1]
    transposed = has.T.tocsr()
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        shared = (has[start : start + _ROWS_AT_ONCE] @ transposed).tocoo()
        one, two = shared.row + start, shared.col
        close = shared.data >= LINK_SHARE * np.minimum(sizes[one], sizes[two])
        yield one[close], two[close]


def _joined(groups: np.ndarray, links: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Groups after joining those of linked records, numbered from 0 in the order of the records."""
    for one, two in links:
        edges = (np.ones(len(one), np.int8), (groups[one], groups[two]))
        count = groups.max() + 1
        groups = connected_components(coo_array(edges, shape=(count, count)), directed=False)[1][groups]
    return pd.factorize(groups)[0].astype(np.int64)


def grouped_split(records: pd.DataFrame, groups: np.ndarray, settings: SequenceData) -> pd.Series:
    """A split of the records that keeps groups together; sizes and class balance as near as possible to the given ones.

    Wanted is, of each class, the number of records that ``records["split"]`` has in each split; without a validation
    set, it gets ``valid_fraction`` of the training records. Groups are placed from the largest to the smallest, equal
    ones in an order drawn with ``split_seed``, each in the split where the squared deviations from these numbers,
    relative to them, grow least: large groups go to all splits in proportion, and single records fill what is missing.
    """
    label = records["label"].to_numpy()
    given = pd.crosstab(records["split"], label).reindex(index=SPLITS, columns=[0, 1], fill_value=0)
    wanted = given.to_numpy(float, copy=True)
    if not wanted[1].any():
        wanted[1] = (settings.valid_fraction * wanted[0]).round()
        wanted[0] -= wanted[1]
    members = np.bincount(2 * groups + label, minlength=2 * (groups.max() + 1)).reshape(-1, 2)
    order = np.random.default_rng([settings.split_seed, len(SPLITS)]).permutation(len(members))
    order = order[np.argsort(-members[order].sum(axis=1), kind="stable")]
    chosen, most = np.empty(len(members), dtype=int), np.maximum(wanted, 1).tolist()
    missing = wanted.tolist()
    for group in order.tolist():
        sizes = members[group].tolist()
        growth = [
            sum(size * (size - 2 * left) / whole for size, left, whole in zip(sizes, *pair, strict=True))
            for pair in zip(missing, most, strict=True)
        ]
        place = chosen[group] = min(range(len(SPLITS)), key=growth.__getitem__)
        missing[place] = [left - size for left, size in zip(missing[place], sizes, strict=True)]
    return pd.Series(np.array(SPLITS, dtype=object)[chosen[groups]], index=records.index)


# The data card.


def data_card(records: pd.DataFrame, groups: np.ndarray) -> pd.DataFrame:
    """What is known of labelled sequences before anything is trained or left out: one row per split and class.

    ``records``: columns id, split, label, sequence and, if from a genome, `COORDINATES`; ``groups`` of `groups_of`.
    Columns `CARD_COLUMNS`; further rows, of the split `ALL`, count the whole data.

    * rows, groups: records, and groups (`groups_of`) of which a record is among them
    * duplicated: records that repeat an earlier one of the same split and class letter by letter
    * both_labels: records whose sequence has the other label, too, in any split
    * repeated, reverse_repeated, overlapping: held-out records that a training record (for the test set also a
      validation record) repeats, letter by letter or as its reverse complement, or overlaps (`overlapping_rows`);
      missing for the training set
    * gc: mean share of G and C among A, C, G and T; shortest, median, longest: lengths in bp
    """
    table = records.reset_index(drop=True)
    table = table.assign(sequence=table["sequence"].str.upper(), group=groups)
    bases = {base: table["sequence"].str.count(base) for base in "ACGT"}
    table["gc"] = (bases["G"] + bases["C"]) / sum(bases.values())
    table["duplicated"] = table.duplicated(["split", "label", "sequence"])
    table["both_labels"] = table.groupby("sequence")["label"].transform("nunique") > 1
    shared = ("repeated", "reverse_repeated", "overlapping")
    table[list(shared)] = np.nan
    for split, seen in (("valid", ["train"]), ("test", ["train", "valid"])):
        here, train = table[table["split"] == split], table[table["split"].isin(seen)]
        known = set(train["sequence"])
        table.loc[here.index, "repeated"] = here["sequence"].isin(known).astype(float)
        table.loc[here.index, "reverse_repeated"] = here["sequence"].map(reverse_text).isin(known).astype(float)
        table.loc[here.index, "overlapping"] = overlapping_rows(here, train).astype(float)
    rows = []
    for split in (*SPLITS, ALL):
        of_split = table if split == ALL else table[table["split"] == split]
        for label in (1, 0):
            here = of_split[of_split["label"] == label]
            if not len(here):
                continue
            lengths, held_out = here["sequence"].str.len(), split not in ("train", ALL)
            counts = [int(here[name].sum()) for name in ("duplicated", "both_labels")]
            counts += [int(here[name].sum()) if held_out else np.nan for name in shared]
            sizes = (lengths.min(), lengths.median(), lengths.max())
            rows.append((split, label, len(here), here["group"].nunique(), *counts, here["gc"].mean(), *sizes))
    card = pd.DataFrame(rows, columns=CARD_COLUMNS)
    return card.astype(dict.fromkeys(shared, "Int64"))
