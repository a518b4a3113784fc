"""Labelled sequences of one length: what models are trained on, tested with and explained for.

They come from coordinates in a genome (`from_coordinates`), from the user's table (`from_table`) or files of each class
(`from_class_files`), or from a simulation; `prepare_sequences` filters, crops and splits them and writes the files that
everything else reads, with the count of what was left out and why. Motif sites, planted or annotated, go with them.
"""

import csv
import logging
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output, read_text
from regulens.core.progress import progress
from regulens.core.runs import CLASSES
from regulens.core.sequence import N_CODE, decode, encode, reverse_complement
from regulens.core.tables import one_of, read_text_table, unique_ids, whole_numbers
from regulens.data.genome import Genome, map_contigs
from regulens.data.overlap import COORDINATES, data_card, grouped_split, groups_of, overlapping
from regulens.data.settings import (
    SPLITS,
    ClassFileSequences,
    ClassName,
    CoordinateSequences,
    SequenceData,
    TableSequences,
)

COLUMNS = ("id", "label", "sequence")

SITE_COLUMNS = ("id", "start", "end", "motif", "strand", "role")

INTERVAL_COLUMNS = ("id", "region", "start", "end", "strand")

LABELS = {name: label for label, name in CLASSES.items()}
"""Label of each class."""

LABEL_WORDS = {"1": 1, "0": 0, **LABELS}
"""Accepted labels."""

ROLES = ("positive", "negative", "shared")
"""Classes whose sequences have the motif."""

REASONS = ("empty", "ambiguous", "not_dna", "too_short", "conflicting", "duplicated", "leaked")
"""Reasons in the order in which they are checked; see `filter_sequences`."""

NOT_DRAWN = "not_drawn"
"""Reason of what is left out by ``settings.at_most``, after all others; a row of the counts only where that is set."""

ROWS = ("read", *REASONS, "validation", "kept", "overlapping")
"""Rows of the table of counts, for each split and label; see `count_reasons`."""

_AMBIGUOUS = re.compile("[RYSWKMBDHVN]")  # the IUPAC codes of more than one base

_NOT_DNA = re.compile("[^ACGTRYSWKMBDHVN]")

logger = logging.getLogger(__name__)

# Files of sequences.


class SequenceSet(NamedTuple):
    """N labelled sequences of L bases."""

    ids: list[str]
    """Names, all distinct."""
    labels: np.ndarray
    """uint8 (N,), 1 = positive, 0 = negative."""
    codes: np.ndarray
    """uint8 (N, L), A, C, G, T = 0 to 3."""


def read_sequences(path: Path | str) -> SequenceSet:
    """Read a table with the columns id, label (0 or 1) and sequence, in file order; further columns are skipped.

    Raises `InputError` naming file and line for a missing column, an empty table, a repeated id, an invalid label,
    sequences of unequal length and letters other than A, C, G, T.
    """
    table = read_text_table(path, COLUMNS)
    ids = unique_ids(table, path)
    labels = one_of(table, "label", ("0", "1"), path)
    lengths = table["sequence"].str.len()
    length = int(lengths.iloc[0])
    if length == 0:
        raise InputError(f"{path}, line {table.index[0]}: the sequence is empty")
    if (lengths != length).any():
        line = (lengths != length).idxmax()
        raise InputError(
            f"{path}, line {line}: a sequence of {lengths[line]} bp where the first has {length}: all must have one "
            "length"
        )
    text = "".join(table["sequence"])
    if not text.isascii() or (encode(text) == N_CODE).any():
        for line, sequence in table["sequence"].items():
            letter = next((letter for letter in sequence if letter not in "ACGTacgt"), None)
            if letter:
                raise InputError(f"{path}, line {line}: {letter!r} in the sequence is not A, C, G or T")
    return SequenceSet(ids.tolist(), (labels == "1").to_numpy(np.uint8), encode(text).reshape(len(table), length))


def write_sequences(path: Path | str, sequences: SequenceSet) -> None:
    """Write a table with the columns id, label, sequence (tab-separated, upper case) that `read_sequences` reads.

    Raises `ValueError` for arrays whose shapes or codes do not fit, and `InputError` for an id that is repeated, empty,
    or has a tab, a line break or outer spaces.
    """
    ids, labels, codes = sequences
    if codes.ndim != 2 or not len(ids) == len(labels) == len(codes) > 0 or codes.shape[1] == 0:
        raise ValueError(f"{len(ids)} ids, labels {np.shape(labels)}, codes {codes.shape} do not fit together")
    if codes.max() >= N_CODE or not np.isin(labels, (0, 1)).all():
        raise ValueError("codes must be 0 to 3 and labels 0 or 1")
    if len(set(ids)) < len(ids):
        raise InputError(f"{path}: two sequences have the same id: ids must differ")
    for name in ids:
        if not name or name != name.strip() or not name.isprintable():
            raise InputError(f"{path}: {name!r} cannot be an id: no tabs, line breaks or outer spaces")
    text, length = decode(codes), codes.shape[1]
    with atomic_output(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.write("\t".join(COLUMNS) + "\n")
        file.writelines(
            f"{name}\t{label}\t{text[row * length : (row + 1) * length]}\n"
            for row, (name, label) in enumerate(zip(ids, labels, strict=True))
        )


# From raw sequences to these files.


class SequenceOutputs(NamedTuple):
    """Paths of what is written."""

    train: Path
    """Sequence file (`write_sequences`) of each split."""
    valid: Path
    test: Path
    filters: Path
    """CSV with the columns split, label, reason, sequences (`count_reasons`)."""
    sites: Path | None = None
    """Sites in the sequences of all splits (`write_sites`); None if the data have no sites."""
    card: Path | None = None
    """CSV with the data card (`overlap.data_card`)."""


def prepare_sequences(
    records: pd.DataFrame, settings: SequenceData, outputs: SequenceOutputs, sites: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Split as configured, filter and crop sequences, draw a validation set if there is none, write all files.

    ``records``: row number as index; columns id (unique), split, label (1, 0), sequence and, from a genome, region,
    start, end. ``sites``: `SITE_COLUMNS`, in the coordinates of the uncropped sequences. Either all outputs are
    written, or none. Returns the counts.

    Raises `InputError` with the counts if a class of a split ends up empty.
    """
    if outputs.sites is not None and sites is None:
        raise ValueError("there is a path for sites, but no sites")
    card = None
    if outputs.card is not None or settings.split == "grouped":
        groups = groups_of(records)
        if settings.split == "grouped":
            records = records.assign(split=grouped_split(records, groups, settings))
        card = data_card(records, groups)
    table = split_validation(filter_sequences(records, settings), settings)
    table["overlapping"] = False
    check_classes(count_reasons(table))
    if settings.at_most:
        table = draw_at_most(table, settings.at_most, settings.split_seed)
    kept = table[table["kept"]]
    codes = {split: _codes(kept[kept["split"] == split], settings.length_bp) for split in SPLITS}
    held_out = np.concatenate([kept.index[kept["split"] == split] for split in ("valid", "test")])
    seen = overlapping(np.concatenate([codes["valid"], codes["test"]]), codes["train"])
    table.loc[held_out, "overlapping"] = seen
    if seen.any():
        logger.warning(
            "%d of %d held-out sequences overlap with training sequences and are kept (counted in %s)",
            seen.sum(),
            len(seen),
            outputs.filters,
        )
    counts = count_reasons(table)
    for reason, number in kept.loc[kept["reason"] != "", "reason"].value_counts().items():
        logger.warning("%d sequences are %s and are kept, as configured", number, reason)
    with ExitStack() as stack:
        path = {
            name: stack.enter_context(atomic_output(target)) for name, target in outputs._asdict().items() if target
        }
        for split in SPLITS:
            part = kept[kept["split"] == split]
            labels = part["label"].to_numpy(np.uint8)
            write_sequences(path[split], SequenceSet(part["id"].tolist(), labels, codes[split]))
        counts.to_csv(path["filters"], index=False, lineterminator="\n")
        if outputs.card is not None:
            card.to_csv(path["card"], index=False, lineterminator="\n", float_format="%.6g")
        if outputs.sites is not None:
            first = pd.Series(crop_start(kept["sequence"].str.len().to_numpy(), settings), index=kept["id"])
            inside = crop_sites(sites, first, settings.length_bp)
            logger.info("%d of %d sites lie wholly inside a kept sequence", len(inside), len(sites))
            write_sites(path["sites"], inside)
    return counts


def _codes(part: pd.DataFrame, length_bp: int) -> np.ndarray:
    """The cropped sequences as codes (N, length_bp)."""
    return encode("".join(part["cropped"])).reshape(len(part), length_bp)


# Sequences cut out of a genome, from coordinates in the layout of Genomic Benchmarks (docs/papers.md, "Promoters and
# enhancers").


@command("sequences-from-coordinates")
def from_coordinates(
    settings: Part[CoordinateSequences],
    fasta: Path | str,
    coordinates: Mapping[str, Path | str],
    train: Path | str,
    valid: Path | str,
    test: Path | str,
    filters: Path | str,
    card: Path | str | None = None,
) -> pd.DataFrame:
    """Cut labelled sequences out of a genome, filter and split them; returns the counts of the filters.

    Arguments:
        fasta: genome sequence.
        coordinates: table of each split (train, test, also valid) and class, such as train.positive.
        train, valid, test: sequence files to write.
        filters: counts of the filters, to write.
        card: data card, to write.

    Raises what `read_intervals`, `read_coordinates` and `prepare_sequences` raise.
    """
    files = {}
    for name, path in coordinates.items():
        split, _, of_class = name.partition(".")
        files[split, of_class] = path
    records = read_intervals(fasta, files, settings.contig_names)
    return prepare_sequences(records, settings, SequenceOutputs(train, valid, test, filters, card=card))


def read_intervals(
    fasta: Path | str,
    coordinate_files: Mapping[tuple[str, str], Path | str],
    contig_names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Sequences of the intervals of all files: id, split, label (1, 0), sequence (upper case), region, start, end.

    ``id`` is ``<split>_<class>_<id in the file>``; rows keep the order of the files. Strand - gives the reverse
    complement; every letter of the genome that is not a base becomes N. ``contig_names`` maps contigs of the tables to
    those of the FASTA. Intervals are read in genome order, about 30,000 per second. Raises `InputError` naming file and
    record for a malformed table, a contig that is not in the FASTA, and an interval beyond the end of its contig.
    """
    tables, names = [], contig_names or {}
    with Genome(fasta) as genome:
        for (split, name), path in coordinate_files.items():
            if split not in SPLITS or name not in LABELS:
                raise InputError(f"{path}: {split}.{name} is not a split and a class such as train.positive")
            table = read_coordinates(path)
            table["region"] = [names.get(region, region) for region in table["region"]]
            _check_inside(table, genome, path)
            table["id"] = f"{split}_{name}_" + table["id"]
            tables.append(table.assign(split=split, label=LABELS[name]))
        table = pd.concat(tables, ignore_index=True)
        sequences = np.empty(len(table), dtype=object)
        order = table.sort_values(["region", "start"], kind="stable")
        rows = zip(order.index, order["region"], order["start"], order["end"], order["strand"], strict=True)
        for row, region, start, end, strand in progress(rows, "intervals", len(table)):
            codes = genome.codes(region, start, end)
            sequences[row] = decode(codes if strand == "+" else reverse_complement(codes))
    return table.assign(sequence=sequences)[["id", "split", "label", "sequence", *COORDINATES]]


def read_coordinates(path: Path | str) -> pd.DataFrame:
    """Read a table with the columns id, region (contig), start, end (int64, 0-based, half-open) and strand (+ or -).

    The index is the line number. An interval may be empty. Raises `InputError` naming file and line of a missing
    column, a repeated id, an invalid strand or an impossible interval.
    """
    table = read_text_table(path, INTERVAL_COLUMNS)
    table = pd.DataFrame(
        {
            "id": unique_ids(table, path),
            "region": table["region"],
            "start": whole_numbers(table, "start", path),
            "end": whole_numbers(table, "end", path),
            "strand": one_of(table, "strand", ("+", "-"), path),
        }
    )
    wrong = (table["start"] < 0) | (table["start"] > table["end"])
    if wrong.any():
        row = table.loc[wrong.idxmax()]
        raise InputError(f"{_record(path, row)}: need 0 <= start <= end (0-based, half-open)")
    return table


def _check_inside(table: pd.DataFrame, genome: Genome, path: Path | str) -> None:
    unknown = ~table["region"].isin(genome.lengths)
    if unknown.any():
        row = table.loc[unknown.idxmax()]
        known = ", ".join(list(genome.lengths)[:3])
        raise InputError(
            f"{_record(path, row)}: {genome.path} has no contig {row['region']!r} ({unknown.sum()} of {len(table)} "
            f"records are on contigs that it lacks; its own are {known}, ...): use the genome of these coordinates, or "
            f"{map_contigs(table['region'][unknown], genome.lengths, 'data.contig_names')}"
        )
    beyond = table["end"] > table["region"].map(genome.lengths)
    if beyond.any():
        row = table.loc[beyond.idxmax()]
        raise InputError(
            f"{_record(path, row)}: the contig ends at {genome.lengths[row['region']]} in {genome.path} ("
            f"{beyond.sum()} of {len(table)} records reach beyond theirs): use the genome of these coordinates"
        )


def _record(path: Path | str, row: pd.Series) -> str:
    return f"{path}, line {row.name} (id {row['id']}, {row['region']}:{row['start']}-{row['end']})"


# The user's own sequences.


@command("sequences-from-table")
def from_table(
    table: Path | str,
    /,
    settings: Part[TableSequences],
    train: Path | str,
    valid: Path | str,
    test: Path | str,
    filters: Path | str,
    sites: Path | str | None = None,
    card: Path | str | None = None,
    annotated: Path | str | None = None,
) -> pd.DataFrame:
    """Read labelled sequences from a table, filter and split them; returns the counts of the filters.

    Arguments:
        train, valid, test: sequence files to write.
        filters: counts of the filters, to write.
        sites: motif sites, to write.
        card: data card, to write.
        annotated: motif sites in the sequences of the table (`read_sites`).

    Raises what `read_table`, `read_sites`, `check_sites` and `prepare_sequences` raise.
    """
    records, found = read_table(table, settings), None
    if annotated is not None:
        found = read_sites(annotated)
        check_sites(found, records.set_index("id")["sequence"].str.len(), annotated)
    return prepare_sequences(records, settings, SequenceOutputs(train, valid, test, filters, sites, card), found)


def read_table(path: Path | str, settings: TableSequences) -> pd.DataFrame:
    """Read labelled sequences: columns id, split, label (1, 0), sequence, in file order.

    The file is tab- or comma-separated, also gzip, and has the columns ``sequence`` (or ``seq``) and ``label`` (1, 0,
    positive, negative), optionally ``id`` (else ``line_<number>``) and ``split`` (train, valid, test). Without splits,
    ``test_fraction`` of the distinct sequences of each class, drawn with ``split_seed``, form the test set; copies of a
    sequence stay together. Raises `InputError` naming file and line of a missing column, an invalid label or split, or
    a repeated id.
    """
    table = read_text_table(path, ("label",))
    name = next((name for name in ("sequence", "seq") if name in table), None)
    if name is None:
        raise InputError(f"{path}: there is no column 'sequence' (or 'seq'); found: {', '.join(table.columns)}")
    table["label"] = table["label"].str.lower()
    labels = one_of(table, "label", tuple(LABEL_WORDS), path).map(LABEL_WORDS).astype("int64")
    ids = unique_ids(table, path) if "id" in table else "line_" + table.index.astype(str)
    records = pd.DataFrame({"id": ids, "split": "train", "label": labels, "sequence": table[name]})
    if "split" in table:
        records["split"] = one_of(table, "split", SPLITS, path)
    else:
        records = draw_test(records, settings)
    return records.reset_index(drop=True)


def draw_test(records: pd.DataFrame, settings: TableSequences | ClassFileSequences) -> pd.DataFrame:
    """Put ``test_fraction`` of the distinct sequences of each class, drawn with ``split_seed``, into the test set."""
    rng = np.random.default_rng([settings.split_seed, SPLITS.index("test")])
    keys = crop_sequences(records["sequence"], settings)
    drawn = draw_share(keys, records["label"], settings.test_fraction, rng)
    return records.assign(split=records["split"].mask(drawn, "test"))


@command("sequences-from-class-files")
def from_class_files(
    settings: Part[ClassFileSequences],
    positive: Path | str,
    negative: Path | str,
    train: Path | str,
    valid: Path | str,
    test: Path | str,
    filters: Path | str,
    sites: Path | str,
    card: Path | str | None = None,
) -> pd.DataFrame:
    """Read a file of positive and one of negative sequences, filter and split them; returns the counts of the filters.

    Arguments:
        positive, negative: FASTA, or one sequence a line.
        train, valid, test: sequence files to write.
        filters: counts of the filters, to write.
        sites: the known places in the positive sequences, to write.
        card: data card, to write.

    Raises what `read_class_file`, `check_sites` and `prepare_sequences` raise.
    """
    parts = [read_class_file(path, name) for name, path in (("positive", positive), ("negative", negative))]
    records = draw_test(pd.concat(parts, ignore_index=True), settings)
    ids = records.loc[records["label"] == 1, "id"].tolist()
    rows = [(name, *span, motif, ".", "positive") for motif, span in settings.places.items() for name in ids]
    found = pd.DataFrame(rows, columns=list(SITE_COLUMNS)).astype({"start": "int64", "end": "int64"})
    check_sites(found, records.set_index("id")["sequence"].str.len(), positive)
    return prepare_sequences(records, settings, SequenceOutputs(train, valid, test, filters, sites, card), found)


def read_class_file(path: Path | str, name: ClassName) -> pd.DataFrame:
    """Sequences of one class from FASTA, or from plain text with one a line: id, split (train), label, sequence.

    ``id`` is the class and the name in the FASTA, or the number of the line. Raises `InputError` for an empty file, a
    FASTA record without a name, and a name that is repeated.
    """
    text = read_text(path)
    if text.lstrip().startswith(">"):
        found = [record.partition("\n") for record in text.lstrip()[1:].split("\n>")]
        pairs = [((header.split() or [""])[0], "".join(rest.split())) for header, _, rest in found]
    else:
        lines = enumerate(map(str.strip, text.split("\n")), start=1)
        pairs = [(f"line_{number}", line) for number, line in lines if line]
    if not pairs:
        raise InputError(f"{path}: the file is empty: it must have the {name} sequences")
    seen: set[str] = set()
    for one, _ in pairs:
        if not one or one in seen:
            raise InputError(f"{path}: {f'two sequences are named {one!r}' if one else 'a sequence has no name'}")
        seen.add(one)
    table = pd.DataFrame(pairs, columns=["id", "sequence"])
    return table.assign(id=f"{name}_" + table["id"], split="train", label=LABELS[name])


# Decides which sequences are kept and counts the reasons for dropping the others.


def filter_sequences(records: pd.DataFrame, settings: SequenceData) -> pd.DataFrame:
    """Table that says for every sequence whether it is kept, and if not, why.

    ``records``: columns id, split (train, valid, test), label (1, 0), sequence (str, either case).
    Returns them with the columns ``cropped`` (str, upper case), ``reason`` (of `REASONS`, or empty) and ``kept``:

    * empty: no bases; ambiguous: N or another IUPAC code for several bases anywhere, even in the part that is cut off;
      not_dna: any letter that is not an IUPAC code; too_short: fewer than ``length_bp`` bases.
    * conflicting: the same cropped sequence has both labels within a split; all its copies are dropped.
    * duplicated: an earlier sequence of the split is the same after the crop (``settings.duplicates``: keep or drop).
    * leaked: a training sequence that is also in the test set or in a given validation set, or a validation sequence
      that is also in the test set, whatever its label (``settings.leaked``: keep or drop). Only sequences kept in those
      sets count.

    The first reason that applies is recorded; one that drops the sequence takes precedence over one that keeps it.
    Reverse complements count as different sequences.
    """
    text = records["sequence"].str.upper()
    cropped = crop_sequences(text, settings)
    content = {
        "empty": (text == "").to_numpy(),
        "ambiguous": np.array([bool(_AMBIGUOUS.search(one)) for one in text], dtype=bool),
        "not_dna": np.array([bool(_NOT_DNA.search(one)) for one in text], dtype=bool),
        "too_short": (text.str.len() < settings.length_bp).to_numpy(),
    }
    table = records.assign(cropped=cropped)
    right = ~np.any(list(content.values()), axis=0)

    conflicting = np.zeros(len(table), dtype=bool)
    conflicting[right] = table[right].groupby(["split", "cropped"])["label"].transform("nunique") > 1
    right &= ~conflicting
    duplicated = np.zeros(len(table), dtype=bool)
    duplicated[right] = table[right].duplicated(["split", "cropped"])

    leaked = np.zeros(len(table), dtype=bool)
    by_split = {split: set(cropped[right & (table["split"] == split).to_numpy()]) for split in SPLITS}
    for split, held_out in (("train", by_split["test"] | by_split["valid"]), ("valid", by_split["test"])):
        leaked |= right & (table["split"] == split).to_numpy() & cropped.isin(held_out).to_numpy()

    found = content | {"conflicting": conflicting, "duplicated": duplicated, "leaked": leaked}
    keeping = [
        name for name, choice in (("duplicated", settings.duplicates), ("leaked", settings.leaked)) if choice == "keep"
    ]
    order = [name for name in REASONS if name not in keeping] + keeping
    reason = np.select([found[name] for name in order], order, default="").astype(object)
    return table.assign(reason=reason, kept=np.isin(reason, ["", *keeping]))


def crop_start(lengths: np.ndarray, settings: SequenceData) -> np.ndarray:
    """First kept base, 0-based, of sequences of ``lengths`` bp; 0 if they are not longer than ``length_bp``.

    The centre is rounded down to a whole base.
    """
    spare = np.maximum(lengths - settings.length_bp, 0)
    return {"start": spare * 0, "centre": spare // 2, "end": spare}[settings.crop]


def crop_sequences(sequences: pd.Series, settings: SequenceData) -> pd.Series:
    """Upper-case sequences cut to at most ``length_bp`` (``settings.crop``)."""
    starts = crop_start(sequences.str.len().to_numpy(), settings)
    cropped = [
        text[start : start + settings.length_bp].upper() for text, start in zip(sequences, starts.tolist(), strict=True)
    ]
    return pd.Series(cropped, index=sequences.index, dtype=object)


def split_validation(table: pd.DataFrame, settings: SequenceData) -> pd.DataFrame:
    """Move ``valid_fraction`` of the kept training sequences to the validation set, if the data have none.

    ``table``: from `filter_sequences`. Returns it with the column ``from_train`` (true if moved). Drawn with
    ``split_seed``, the same share of both classes, no sequence in both sets.
    """
    moved = np.zeros(len(table), dtype=bool)
    if not (table["split"] == "valid").any():
        train = (table["kept"] & (table["split"] == "train")).to_numpy()
        rng = np.random.default_rng([settings.split_seed, SPLITS.index("valid")])
        moved[train] = draw_share(table["cropped"][train], table["label"][train], settings.valid_fraction, rng)
    return table.assign(split=table["split"].mask(moved, "valid"), from_train=moved)


def draw_share(sequences: pd.Series, labels: pd.Series, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the same share of the distinct sequences of both classes; identical sequences stay together.

    A sequence with both labels counts for the class of its first copy. Of a class with at least two sequences, at least
    one is drawn and one is left. Returns bool (N,), true if drawn.
    """
    table = pd.DataFrame({"sequence": sequences, "label": labels}).drop_duplicates("sequence")
    drawn: set[str] = set()
    for _, group in table.groupby("label"):
        count = min(max(round(fraction * len(group)), 1), len(group) - 1)
        drawn.update(rng.choice(group["sequence"].to_numpy(object), size=count, replace=False))
    return sequences.isin(drawn).to_numpy()


def draw_at_most(table: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Of the kept sequences of each split, keep ``number`` at most, at least one of each class: drawn by class."""
    table = table.copy()
    for code, split in enumerate(SPLITS):
        rng = np.random.default_rng([seed, code, number])
        kept = table[table["kept"] & (table["split"] == split)]
        if len(kept) > number:
            for _, part in kept.groupby("label"):
                drawn = rng.choice(part.index, size=max(round(number * len(part) / len(kept)), 1), replace=False)
                table.loc[part.index.difference(drawn), ["reason", "kept"]] = NOT_DRAWN, False
    return table


def count_reasons(table: pd.DataFrame) -> pd.DataFrame:
    """Counts for every split and label: columns split, label, reason (`ROWS`), sequences.

    ``table``: of `split_validation`, with the column ``overlapping`` (bool). ``read`` minus all that were dropped minus
    ``validation`` (training sequences that were moved to the validation set, where they count as read) is ``kept``, the
    number in the split's file. A reason that the settings keep is counted, and its sequences count as kept too. So do
    ``overlapping`` ones: validation and test sequences that the training set has in large part (`overlapping`).
    """
    listed = [*ROWS, NOT_DRAWN] if (table["reason"] == NOT_DRAWN).any() else ROWS
    rows = []
    for split in SPLITS:
        for label in LABELS.values():
            here = table[(table["split"] == split) & (table["label"] == label)]
            moved = table[table["from_train"] & (table["label"] == label)] if split == "train" else here[:0]
            # The reason of a moved sequence (e.g. a kept repeat) was found while it was in the training set.
            reasons = pd.concat([here[~here["from_train"]], moved])["reason"].value_counts()
            counts = {reason: int(reasons.get(reason, 0)) for reason in REASONS}
            counts[NOT_DRAWN] = int((here["reason"] == NOT_DRAWN).sum())
            counts |= {"read": len(here) + len(moved), "validation": len(moved), "kept": int(here["kept"].sum())}
            counts["overlapping"] = int(here["overlapping"].sum())
            rows += [(split, label, row, counts[row]) for row in listed]
    return pd.DataFrame(rows, columns=["split", "label", "reason", "sequences"])


def check_classes(counts: pd.DataFrame) -> None:
    """Raise `InputError` with the counts if a class of a split has no sequence left."""
    for (split, label), group in counts.groupby(["split", "label"], sort=False):
        row: Mapping[str, int] = dict(zip(group["reason"], group["sequences"], strict=True))
        if not row["kept"]:
            found = ", ".join(f"{reason} {number}" for reason, number in row.items() if number or reason == "read")
            raise InputError(
                f"no sequence of class {label} ({CLASSES[label]}) is left for the {split} set "
                f"({found}): every split needs both classes; check length_bp, the splits and the data"
            )


# Motif sites: planted by a simulation, or annotated by the user.


def read_sites(path: Path | str) -> pd.DataFrame:
    """Read sites: id (of the sequence), start, end (int64, 0-based, half-open), motif, strand (+, - or .) and role.

    ``role`` is one of `ROLES`; without the column, sites are annotated ones and count as positive. A header without
    rows is valid: no sequence has a site. Raises `InputError` naming file and line of a missing column, an invalid
    strand or role, an impossible interval, or an id or motif with a tab or line break.
    """
    path = Path(path)
    if path.is_file() and _is_header(path.read_text("utf-8-sig", errors="replace")):
        empty = pd.DataFrame(columns=list(SITE_COLUMNS), dtype=object)
        return empty.astype({"start": "int64", "end": "int64"})
    table = read_text_table(path, SITE_COLUMNS[:5])
    if "role" not in table:
        table["role"] = "positive"
    table = table[list(SITE_COLUMNS)].assign(
        start=whole_numbers(table, "start", path),
        end=whole_numbers(table, "end", path),
        strand=one_of(table, "strand", ("+", "-", "."), path),
        role=one_of(table, "role", ROLES, path),
    )
    for name in ("id", "motif"):
        if len(strange := table[~table[name].map(str.isprintable)]):  # a quoted field may hold a tab
            raise InputError(
                f"{path}, line {strange.index[0]}: {strange[name].iloc[0]!r} cannot be the {name} of a site"
            )
    wrong = (table["start"] < 0) | (table["start"] >= table["end"])
    if wrong.any():
        row = table.loc[wrong.idxmax()]
        raise InputError(
            f"{path}, line {row.name}: need 0 <= start < end, found start {row['start']} and end {row['end']}"
        )
    return table


def _is_header(text: str) -> bool:
    """Whether a file is only the header of a table of sites, which `read_text_table` rejects."""
    return "\n" not in text.strip() and set(SITE_COLUMNS[:5]) <= set(re.split(r"\s*[\t,]\s*", text.strip().lower()))


def check_sites(sites: pd.DataFrame, lengths: pd.Series, path: Path | str) -> None:
    """Raise `InputError` naming the line of a site of an unknown sequence or beyond its end; ``lengths`` by id."""
    unknown = ~sites["id"].isin(lengths.index)
    if unknown.any():
        line = unknown.idxmax()
        raise InputError(
            f"{path}, line {line}: there is no sequence {sites['id'][line]!r} ({unknown.sum()} such sites): ids must "
            "be those of the table of sequences"
        )
    beyond = sites["end"] > sites["id"].map(lengths)
    if beyond.any():
        row = sites.loc[beyond.idxmax()]
        raise InputError(
            f"{path}, line {row.name}: the site ends at {row['end']}, beyond the end of {row['id']} "
            f"({lengths[row['id']]} bp)"
        )


def crop_sites(sites: pd.DataFrame, first: pd.Series, length_bp: int) -> pd.DataFrame:
    """Sites in the coordinates of the cropped sequences, without those that do not lie entirely inside.

    ``first``: first kept base of each kept sequence, by id; sites of other sequences are dropped.
    """
    sites = sites[sites["id"].isin(first.index)]
    shift = sites["id"].map(first).astype("int64")
    sites = sites.assign(start=sites["start"] - shift, end=sites["end"] - shift)
    return sites[(sites["start"] >= 0) & (sites["end"] <= length_bp)].reset_index(drop=True)


def write_sites(path: Path | str, sites: pd.DataFrame) -> None:
    """Write sites as a table that `read_sites` reads."""
    with atomic_output(path) as temporary:
        # `read_text_table` takes quotation marks between tabs as they are.
        options = {"sep": "\t", "index": False, "lineterminator": "\n", "quoting": csv.QUOTE_NONE}
        sites.to_csv(temporary, columns=list(SITE_COLUMNS), **options)
