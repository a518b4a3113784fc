"""Random access to a genome in a FASTA file, and the names of its contigs in other files."""

import codecs
import json
import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from regulens.core.command import command
from regulens.core.errors import InputError
from regulens.core.io import GZIP, atomic_output
from regulens.core.sequence import N_CODE, encode

_LONGEST_HEADER = 1 << 20
"""Bytes between the bases of two contigs that are still read as a header and blank lines."""

CONTIG_NAMES = "crop.contig_names"
"""Key of the setting that maps names of contigs to those of the FASTA."""

_BASES = re.compile(r"[A-Za-z*.-]+")


_ROMAN = {
    tens + ones: str(10 * ten + one)
    for ten, tens in enumerate(("", "x", "xx"))
    for one, ones in enumerate(("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"))
}


class Record(NamedTuple):
    """A contig in an index, whose format is that of `samtools faidx`."""

    name: bytes
    length: int
    """Bases."""
    offset: int
    """First byte of the first base."""
    width: int
    """Bases on every line but the last; 0 for a contig without bases."""
    stride: int
    """Bytes from one line to the next."""

    def byte(self, base: int) -> int:
        """Place of a base in the file."""
        return self.offset + base // self.width * self.stride + base % self.width

    @property
    def end(self) -> int:
        """Place of the first byte after the last base."""
        return self.byte(self.length - 1) + 1 if self.length else self.offset


class Genome:
    """A FASTA file, opened for reading spans; a context manager.

    ``lengths`` maps each contig to its length in bp. Raises `InputError` for a missing, malformed or compressed file.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._records = {name_text(record.name): record for record in index_fasta(self.path)}
        self._file = self.path.open("rb")
        self.lengths: dict[str, int] = {name: record.length for name, record in self._records.items()}

    def codes(self, contig: str, start: int, end: int) -> np.ndarray:
        """uint8 codes (end - start,) of a 0-based half-open span, N beyond the ends of the contig."""
        record = self._records[contig]
        first, last = max(start, 0), min(end, record.length)
        inside = b""
        if first < last:
            self._file.seek(record.byte(first))
            inside = self._file.read(record.byte(last - 1) + 1 - record.byte(first)).translate(None, b"\r\n")
            if len(inside) != last - first:
                raise InputError(f"{self.path}: {contig}:{first}-{last} is not what it was when the file was indexed")
        return pad_with_n(encode(inside), start, end)

    def __enter__(self) -> "Genome":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def pad_with_n(inside: np.ndarray, start: int, end: int) -> np.ndarray:
    """Codes of bases ``start`` to ``end`` from those ``inside`` their sequence: N where they hang over it."""
    if len(inside) == end - start:
        return inside
    left = min(max(-start, 0), end - start)
    return np.pad(inside, (left, end - start - left - len(inside)), constant_values=N_CODE)


def check_contigs(theirs: Iterable[str], path: Path | str, ours: Iterable[str], other: Path | str, key: str) -> None:
    """Raise `InputError` if two files share no contig, or have one under two names (``1`` and ``chr1``, ``MT``, ``M``).

    ``theirs`` are the contigs of the file ``path``, ``ours`` those of ``other``, which states the names; ``key`` is the
    setting that maps the former to the latter.
    """
    theirs, ours = list(dict.fromkeys(theirs)), list(dict.fromkeys(ours))
    pairs = same_contigs(theirs, ours)
    if not pairs and not set(theirs).isdisjoint(ours):
        return
    problem = "names contigs otherwise than" if pairs else "has no contig of"
    here, there = (_some(list(pairs) or theirs), _some(list(pairs.values()) or ours))
    raise InputError(
        f"{path}: it {problem} {other} (here {here}; there {there}): use files of one assembly, or "
        f"{map_contigs(theirs, ours, key)}"
    )


def same_contigs(theirs: Iterable[str], ours: Iterable[str]) -> dict[str, str]:
    """Contigs of two files that differ only in how they are spelled: name in the one to name in the other."""

    theirs, ours = set(theirs), dict.fromkeys(ours)
    spelled = {plain: name for name, plain in _plain(ours).items() if name not in theirs}
    found = {name: spelled.get(plain) for name, plain in _plain(theirs).items() if name not in ours}
    return {name: found[name] for name in sorted(found) if found[name]}


def _plain(names: Iterable[str]) -> dict[str, str]:
    """Names without what differs between assemblies: case, `chr`, Roman numerals, names of the mitochondrion."""
    plain = {name: name.lower().removeprefix("chr") for name in names}
    # The X of human chromosomes is no number.
    roman = _ROMAN if {"ii", "iii"} <= set(plain.values()) else {}
    return {name: "m" if text in ("mt", "mito") else roman.get(text, text) for name, text in plain.items()}


def map_contigs(theirs: Iterable[str], ours: Iterable[str], key: str) -> str:
    """What to do about contigs of another name: the setting, with an example."""
    theirs = list(theirs)
    example = dict(list(same_contigs(theirs, ours).items())[:3]) or dict.fromkeys(theirs[:1], "...")
    return f"map the names: {key}: {json.dumps(example, ensure_ascii=False)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "none"


def name_text(name: bytes) -> str:
    """Name of a contig: UTF-8, or Latin-1 where it cannot be."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")


def index_fasta(path: Path | str) -> list[Record]:
    """Records of a FASTA from its index ``PATH.fai``, which is written if it is missing or not that of the file.

    Dates alone say little, because `cp -p`, `gunzip` and `rsync -t` keep them: an index is used if it is not older than
    the FASTA and fits it (`fits`). Jobs that start together may all write it, each under a temporary name that is then
    renamed. If the folder is read-only, the index goes to the system's temporary folder.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            magic = file.read(2)
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise InputError(f"{path}: cannot read the FASTA file: {error.strerror}") from None
    if magic == GZIP:
        raise InputError(f"{path}: a compressed FASTA has no random access: decompress it first (gunzip)")
    aside = Path(tempfile.gettempdir()) / f"regulens-{os.getuid()}" / f"{path.name}.{changed}.fai"
    for index in (Path(f"{path}.fai"), aside):
        with suppress(OSError, ValueError, TypeError):  # there is none, or its lines are of another kind
            if index.stat().st_mtime_ns >= changed and fits(path, records := read_index(index)):
                return records
    records = scan_fasta(path)
    with atomic_output(f"{path}.fai" if os.access(path.parent, os.W_OK) else aside) as temporary:
        temporary.write_bytes(b"".join(b"%s\t%d\t%d\t%d\t%d\n" % record for record in records))
    return records


@command("index-genome")
def index_genome(fasta: Path | str, /, output: Path | str) -> None:
    """Write the index of a FASTA beside it, in the format of `samtools faidx`.

    Arguments:
        fasta: genome sequence.
        output: its path with .fai at the end.
    """
    if Path(output) != Path(f"{fasta}.fai"):
        raise InputError(f"{output}: the index of {fasta} must be {fasta}.fai, where it is looked for")
    index_fasta(fasta)


def read_index(path: Path) -> list[Record]:
    """Records of an index, in the order of the FASTA; `ValueError` or `TypeError` if it is none."""
    lines = [line.split(b"\t") for line in path.read_bytes().splitlines()]
    return sorted((Record(name, *map(int, numbers)) for name, *numbers in lines), key=lambda record: record.offset)


def fits(path: Path, records: list[Record]) -> bool:
    """Whether an index is that of this FASTA.

    Between the bases of two contigs there must be one header with the second one's name, the first line of each must
    end where the index says, and the last base must be one, with nothing but blank lines after it.
    """
    end, size = 0, path.stat().st_size
    with path.open("rb") as file:
        for record in records:
            between = _between(file, end, record.offset)
            if not end:
                between = re.sub(rb"(^|(?<=[\r\n]));[^\r\n]*", b"", between.removeprefix(codecs.BOM_UTF8))
            header = between.strip()
            if header[:1] != b">" or header[1:].split()[:1] != [record.name] or re.search(rb"[\r\n]", header):
                return False
            if between[-1:] not in (b"\r", b"\n") or record.length < 0:
                return False
            if record.length:
                if not (0 < record.width <= record.stride <= size and record.end <= size):
                    return False
                line = file.read(min(record.length, record.width, _LONGEST_HEADER))
                file.seek(record.offset + record.width)
                line_end = file.read(min(record.stride - record.width, 2)) if record.length > record.width else b""
                file.seek(record.end - 1)
                if re.search(rb"\s", line + file.read(1)) or line_end.strip():
                    return False
            end = record.end
        names = {name_text(record.name) for record in records}
        return 0 < len(names) == len(records) and not _between(file, end, size).strip()


def _between(file: BinaryIO, start: int, end: int) -> bytes:
    """Bytes between two places; something that is no header if there are none, or too many."""
    if not 0 <= end - start <= _LONGEST_HEADER:
        return b"no header"
    file.seek(start)
    return file.read(end - start)


def scan_fasta(path: Path) -> list[Record]:
    """Records of a FASTA, found by reading it once.

    Blank lines before and after the bases of a contig, a byte order mark, names and comments in any encoding, and
    lines that end with LF, CR LF or CR are read. Raises `InputError` naming the line of what stands in the way of
    random access: lines of different lengths within a contig, characters that are no bases, bases before the first
    header, a name that is missing or occurs twice.
    """

    def wrong(line: int, problem: str) -> InputError:
        return InputError(f"{path}, line {line}: not a FASTA file that can be indexed: {problem}")

    found: dict[bytes, Record] = {}
    name, place = None, 0
    length = offset = width = stride = 0
    uneven = 0  # number of the line after which this contig may have no more bases
    # In Latin-1 each byte is one character, so that lengths of text are lengths in bytes.
    with path.open(encoding="latin-1", newline="") as file:
        for number, line in enumerate(file, start=1):
            start, place = place, place + len(line)
            text = line.rstrip("\r\n")
            if text.isalpha() and len(line) == stride and len(text) == width and not uneven and text.isascii():
                length += width  # most lines by far
                continue
            if number == 1:
                text = text.removeprefix(codecs.BOM_UTF8.decode("latin-1"))
            if text.startswith(">"):
                if name:
                    found[name] = Record(name, length, offset, width, stride)
                name = (text[1:].encode("latin-1").split() or [b""])[0]
                if not name or name in found:
                    raise wrong(number, f"the contig {text[1:]!r} occurs twice" if name else "a header without a name")
                length, offset, width, stride, uneven = 0, place, 0, 0, 0
            elif not text.strip():
                uneven = uneven or number
            elif not name:
                if not text.startswith(";"):  # the comments of the first FASTA files
                    raise wrong(number, f"a header such as '>chr1' expected first, found {text[:40]!r}")
            elif not _BASES.fullmatch(text):
                raise wrong(number, f"{next(c for c in text if not _BASES.fullmatch(c))!r} among the bases")
            elif not length:
                length, offset, width, stride, uneven = len(text), start, len(text), len(line), 0
            elif uneven or len(text) > width:
                raise wrong(
                    uneven or number,
                    f"every line of {name_text(name)} but its last must have {width} bases, as its first has "
                    "(`seqtk seq -l 60` makes them so)",
                )
            else:
                length += len(text)
                uneven = number if len(text) < width or len(line) != stride else 0
    if not name:
        raise InputError(f"{path}: not a FASTA file that can be indexed: it has no header such as '>chr1'")
    found[name] = Record(name, length, offset, width, stride)
    return list(found.values())
