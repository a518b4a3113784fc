"""Simulated sequences with planted motifs and their true model: the two data sets of the hybrid networks.

The motifs of a sequence are drawn uniformly, with replacement, from a pool of matrices and laid out in a row: gap,
motif, gap, ..., motif, gap. Each base is then drawn from its column of the sequence model, which is a motif's column or
uniform, so that the truth is known at every position (hybrid networks, section 2; docs/papers.md, "Binding sites" and
"Regulatory code").

One HDF5 file has all three splits: data sets codes uint8 (N, L), labels uint8 (N, C), model float32 (N, L, 4) and split
uint8 (N,); attributes format, classes (JSON list of C names) and settings (JSON of the simulation). A checksum goes
with every chunk.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output, open_hdf5
from regulens.core.sequence import N_CODE
from regulens.data.settings import SPLITS, BindingSites, MotifGrammar, RegulatoryCode

FORMAT = "regulens motif sequences 1"

CODE_CLASS = "regulatory code"
"""The one class of task 2."""

DRAWS = 1_000
"""Maximum number of draws of a sequence's motifs before giving up."""

_ROWS_PER_CHUNK = 256
"""Sequences per chunk: with 200 bp, 0.8 MB of the model, small enough to be compressed in the CPU cache."""


@dataclass(frozen=True)
class MotifSequences:
    """N sequences of L bp with C binary labels."""

    codes: np.ndarray
    """Bases, uint8 (N, L): A, C, G, T = 0 to 3, N = 4."""
    labels: np.ndarray
    """1 where a sequence belongs to a class, uint8 (N, C)."""
    model: np.ndarray | None
    """True probabilities of A, C, G, T at each position, float32 (N, L, 4), background 0.25; None if not read."""
    split: np.ndarray
    """uint8 (N,): 0 train, 1 valid, 2 test."""
    classes: tuple[str, ...]
    """Names of the C classes."""

    def of(self, split: str) -> "MotifSequences":
        """The sequences of one split, train, valid or test, in their order."""
        rows = self.split == _code(split)
        model = None if self.model is None else self.model[rows]
        return replace(self, codes=self.codes[rows], labels=self.labels[rows], model=model, split=self.split[rows])

    def __len__(self) -> int:
        return len(self.codes)


def _code(split: str) -> int:
    if split not in SPLITS:
        raise InputError(f"no split '{split}'; choose one of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def simulate_binding_sites(settings: BindingSites, matrices: Mapping) -> MotifSequences:
    """Task 1: sequences whose label c is 1 when motif c was planted, on either strand.

    ``matrices``: `PositionWeightMatrix` by name, all of ``settings.motifs``. The same settings give the same result.
    Raises `InputError` for a matrix that is missing and for motifs that do not fit into a sequence.
    """
    pool = both_strands(_matrices(settings.motifs, matrices))
    rng = np.random.default_rng([settings.seed, 0])
    codes, model, has = _plant(pool, settings, settings.sequences, rng)
    labels = has.reshape(len(has), -1, 2).any(axis=2).astype(np.uint8)  # strands of a motif are neighbours in the pool
    return MotifSequences(codes, labels, model, _splits(settings), tuple(settings.motifs))


def simulate_regulatory_code(settings: RegulatoryCode, core: Mapping, background: Sequence) -> MotifSequences:
    """Task 2: positive sequences have core motifs, negative ones motifs from core and background.

    ``core``: `PositionWeightMatrix` by name, all of ``settings.core``, used on both strands. ``background``: further
    `PositionWeightMatrix` of negative sequences, one per strand (see `both_strands`). Positive sequences are the even
    rows and do not depend on the background; the number of motifs has the same distribution in both classes. A negative
    sequence may happen to have core motifs only. The same settings give the same result. Raises `InputError` as
    `simulate_binding_sites` does.
    """
    own = both_strands(_matrices(settings.core, core))
    codes = np.empty((settings.sequences, settings.length_bp), np.uint8)
    model = np.empty((*codes.shape, 4), np.float32)
    labels = np.zeros((len(codes), 1), np.uint8)
    labels[::2] = 1
    for label, pool in ((1, own), (0, [*own, *background])):
        rows = slice(1 - label, None, 2)
        part = _plant(pool, settings, len(codes[rows]), np.random.default_rng([settings.seed, 1 - label]))
        codes[rows], model[rows] = part.codes, part.model
    return MotifSequences(codes, labels, model, _splits(settings), (CODE_CLASS,))


def both_strands(matrices: Iterable) -> list:
    """Each matrix followed by its reverse complement; palindromes occur twice, as in the public generators."""
    return [strand for matrix in matrices for strand in (matrix, matrix.reverse_complement())]


def choose_background(core: Sequence, library: Sequence, number: int, max_similarity: float, seed: int) -> list:
    """Draw ``number`` matrices of ``library`` whose similarity to every one of ``core`` is at most ``max_similarity``.

    Both are lists of `PositionWeightMatrix`. Drawn without replacement with ``seed``, returned in the library's order.
    Raises `InputError` when too few are left.
    """
    kept = [
        matrix
        for matrix in library
        if all(similarity(matrix.probabilities, own.probabilities) <= max_similarity for own in core)
    ]
    if len(kept) < number:
        raise InputError(
            f"background_motifs: {number} are wanted, but only {len(kept)} of {len(library)} motifs have a similarity "
            f"of at most {max_similarity:g} to every core motif: take fewer or raise max_similarity"
        )
    chosen = np.random.default_rng([seed, 3]).choice(len(kept), size=number, replace=False)
    return [kept[index] for index in sorted(chosen)]


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Similarity of two motifs, matrices (width, 4): cosine of their probabilities minus 0.25, from -1 to 1.

    Maximum over all ungapped alignments on both strands; overhanging columns count as 0.25 in the other motif. It is 1
    for the same motif, also on the other strand or with uniform flanks, because columns are weighted by their distance
    from 0.25.
    """
    first, second = np.asarray(first) - 0.25, np.asarray(second) - 0.25
    norm = np.linalg.norm(first) * np.linalg.norm(second)
    if norm == 0:
        return 0.0
    offset = (np.arange(len(second)) - np.arange(len(first))[:, None] + len(first) - 1).ravel()
    strands = (second, second[::-1, ::-1])
    best = max(np.bincount(offset, (first @ strand.T).ravel()).max() for strand in strands)  # sums of the diagonals
    return float(best / norm)


def read_motif_sequences(path: Path | str, split: str | None = None, model: bool = True) -> MotifSequences:
    """Read the sequences of one split (train, valid or test; None: all), in the file's order.

    ``model`` False skips the true model, which is most of the file. Raises `InputError` for a file that is missing, of
    another format or inconsistent, and for a split without sequences.
    """
    with open_hdf5(Path(path), "file of motif sequences", "make it with regulens simulate-motif-sequences") as file:
        classes = _check(path, file)
        names = ("codes", "labels", "split", *(("model",) if model else ()))
        try:
            arrays = {name: file[name][:] for name in names}
        except OSError as error:
            raise InputError(f"{path}: damaged ({error}): delete it and make it again") from None
    data = MotifSequences(**({"model": None} | arrays), classes=classes)
    for name, largest in (("codes", N_CODE), ("labels", 1), ("split", len(SPLITS) - 1)):
        if len(data) and (found := getattr(data, name).max()) > largest:
            raise InputError(f"{path}: {name} must be 0 to {largest}, found {found}: delete it and make it again")
    if split is not None:
        data = data.of(split)
    if not len(data):
        what = "no sequences" if split is None else f"no {split} sequences"
        raise InputError(f"{path}: {what} in it: simulate more, or change the splits")
    return data


def write_motif_sequences(path: Path | str, data: MotifSequences, settings_json: str) -> None:
    """Write all splits to one file, atomically; ``settings_json`` is stored with the data."""
    if data.model is None:
        raise ValueError("data without their model cannot be written")
    with hdf5_output(path) as file:
        file.attrs["format"], file.attrs["classes"] = FORMAT, json.dumps(data.classes)
        file.attrs["settings"] = settings_json
        for name in ("codes", "labels", "model", "split"):
            values = getattr(data, name)
            chunk = (min(len(data), _ROWS_PER_CHUNK), *values.shape[1:])
            file.create_dataset(name, data=values, chunks=chunk, compression="lzf", fletcher32=True)


def _check(path: Path | str, file: h5py.File) -> tuple[str, ...]:
    """Names of the classes, after checking format, types and shapes."""
    if (found := file.attrs.get("format")) != FORMAT:
        raise InputError(
            f"{path}: not a file of motif sequences (its format is '{found or 'missing'}', expected '{FORMAT}'): "
            "make it with `regulens simulate-motif-sequences`"
        )
    missing = [name for name in ("codes", "labels", "model", "split") if name not in file]
    missing += [name for name in ("classes", "settings") if name not in file.attrs]
    if missing:
        raise InputError(f"{path}: {', '.join(missing)} missing: delete it and make it again")
    try:
        classes = tuple(json.loads(file.attrs["classes"]))
    except (TypeError, ValueError):
        raise InputError(f"{path}: its classes are not a JSON list of names: delete it and make it again") from None
    rows, length = (*file["codes"].shape, 0)[:2]
    expected = {
        "codes": ("uint8", (rows, length)),
        "labels": ("uint8", (rows, len(classes))),
        "model": ("float32", (rows, length, 4)),
        "split": ("uint8", (rows,)),
    }
    for name, (dtype, shape) in expected.items():
        if (str(file[name].dtype), file[name].shape) != (dtype, shape):
            raise InputError(
                f"{path}: {name} is {file[name].dtype} {file[name].shape}, expected {dtype} {shape}: "
                "delete it and make it again"
            )
    return classes


# How motifs are planted.


class _Planted(NamedTuple):
    """Simulated sequences, before splitting."""

    codes: np.ndarray
    """uint8 (N, L)."""
    model: np.ndarray
    """float32 (N, L, 4)."""
    has: np.ndarray
    """bool (N, pool): whether a sequence has each matrix of the pool."""


def _plant(pool: Sequence, settings: MotifGrammar, sequences: int, rng: np.random.Generator) -> _Planted:
    """Simulate sequences whose motifs come from ``pool``.

    Until the end, the model is an index into one table of columns: 0 is the background, followed by the columns of all
    matrices of the pool.
    """
    widths = np.array([matrix.width for matrix in pool])
    table = np.concatenate([np.full((1, 4), 0.25), *(matrix.probabilities for matrix in pool)])
    first_column = 1 + np.cumsum(widths) - widths
    column = np.zeros((sequences, settings.length_bp), np.int32)
    has = np.zeros((sequences, len(pool)), bool)
    numbers = np.array(sorted(settings.motif_counts))
    shares = np.array([settings.motif_counts[number] for number in numbers])
    number_of_motifs = rng.choice(numbers, size=sequences, p=shares / shares.sum())
    for number in numbers[shares > 0]:
        rows = np.flatnonzero(number_of_motifs == number)
        chosen = _choose(widths, number, len(rows), settings.length_bp, rng)
        starts = _starts(widths[chosen], settings.length_bp, rng)
        has[rows[:, None], chosen] = True
        for member in np.unique(chosen):
            row, slot = np.nonzero(chosen == member)
            where = starts[row, slot][:, None] + np.arange(widths[member])
            column[rows[row][:, None], where] = first_column[member] + np.arange(widths[member])
    return _Planted(_sample(table, column, rng), table.astype(np.float32)[column], has)


def _choose(widths: np.ndarray, number: int, sequences: int, length_bp: int, rng: np.random.Generator) -> np.ndarray:
    """Motifs of each sequence, int (sequences, number), redrawn where they leave no base for the gaps."""
    if number * widths.min() >= length_bp:
        raise InputError(
            f"{number} motif(s) of at least {widths.min()} bp leave no room in sequences of {length_bp} bp: "
            "lengthen the sequences (length_bp) or plant fewer motifs (motif_counts)"
        )
    chosen = rng.integers(len(widths), size=(sequences, number))
    for _ in range(DRAWS):
        wide = np.flatnonzero(widths[chosen].sum(axis=1) >= length_bp)
        if not len(wide):
            return chosen
        chosen[wide] = rng.integers(len(widths), size=(len(wide), number))
    raise InputError(
        f"{number} motif(s) of {widths.min()} to {widths.max()} bp hardly ever fit into sequences of {length_bp} bp "
        f"({DRAWS:,} draws): lengthen the sequences (length_bp) or plant fewer motifs (motif_counts)"
    )


def _starts(widths: np.ndarray, length_bp: int, rng: np.random.Generator) -> np.ndarray:
    """Start of each motif, int (sequences, number), given their ``widths`` of the same shape."""
    gaps = _gaps(length_bp - widths.sum(axis=1), widths.shape[1] + 1, rng)
    return np.cumsum(gaps[:, :-1] + np.pad(widths, ((0, 0), (1, 0)))[:, :-1], axis=1)


def _gaps(remaining: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Lengths of gaps, int (sequences, number), 0 or more, that sum to ``remaining`` (sequences,).

    Uniform draws, scaled to the sum and rounded; they are redrawn where rounding misses the sum.
    """
    gaps = np.empty((len(remaining), number), int)
    missed = np.arange(len(remaining))
    for _ in range(DRAWS):  # more than a third of the draws give the sum, unless it is less than the number of gaps
        draws = rng.random((len(missed), number))
        draws *= (remaining[missed] / draws.sum(axis=1))[:, None]
        gaps[missed] = np.round(draws)
        missed = missed[gaps[missed].sum(axis=1) != remaining[missed]]
        if not len(missed):
            return gaps
    raise InputError(
        f"{number - 1} motifs leave {remaining[missed].min()} bp for {number} gaps, which rounding hardly ever gives "
        f"({DRAWS:,} draws): lengthen the sequences (length_bp) or plant fewer motifs (motif_counts)"
    )


def _sample(table: np.ndarray, column: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bases, uint8 in the shape of ``column``, drawn from the rows of ``table`` that ``column`` indexes."""
    thresholds = table.cumsum(axis=1)
    draws = rng.random(column.shape)
    return sum((draws >= thresholds[column, base]).astype(np.uint8) for base in range(3))


def _matrices(wanted: Mapping[str, str], matrices: Mapping) -> list:
    if missing := [name for name in wanted if name not in matrices]:
        raise InputError(f"motifs {', '.join(missing)}: no matrix was loaded for them")
    return [matrices[name] for name in wanted]


def _splits(settings: MotifGrammar) -> np.ndarray:
    """Random split of every sequence, uint8 (N,), with the configured shares rounded to whole sequences."""
    ends = np.floor(np.cumsum(settings.splits)[:2] * settings.sequences + 1e-6).astype(int)
    split = np.searchsorted(ends, np.arange(settings.sequences), side="right").astype(np.uint8)
    return np.random.default_rng([settings.seed, 2]).permutation(split)
