"""Motifs as MEME text: the minimal format, version 4, DNA (https://meme-suite.org/meme/doc/meme-format.html)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regulens.core.errors import InputError
from regulens.core.io import atomic_output, note_read, read_text
from regulens.core.sequence import information_content
from regulens.data.matrices import PositionWeightMatrix

UNIFORM = np.full(4, 0.25)

_SUM_TOLERANCE = 0.02 + 1e-9
"""Tolerance for the sum of a row: four values rounded to two digits."""

_ROUNDED = 1e-5
"""A sum this close to 1 differs only because its values are printed with six digits."""

_SITES = 20.0
"""Number of sites where a file gives none, or 0: MEME's default."""

_FLOOR = 1e-7
"""Added to a frequency before the logarithm, as in the published code."""


@dataclass(frozen=True)
class MemeMotif:
    """A matrix with its number of sites and E-value."""

    matrix: PositionWeightMatrix
    """``matrix_id`` is the identifier, ``name`` the alternative name (the identifier where there is none)."""
    sites: float = _SITES
    """Number of sites of the matrix (``nsites``)."""
    e_value: float = 0.0
    """E-value of the motif."""


class MemeText(NamedTuple):
    """Contents of a MEME file."""

    motifs: list[MemeMotif]
    background: np.ndarray
    """Frequencies of A, C, G, T, float64 (4,); uniform if the file gives none."""


def write_meme(path: Path | str, motifs: Sequence[MemeMotif], background: np.ndarray = UNIFORM) -> None:
    """Write any number of motifs (possibly none) as MEME text.

    Raises `InputError` if two have the same identifier, or one contains white space.
    """
    lines = [
        "MEME version 4",
        "",
        "ALPHABET= ACGT",
        "",
        "strands: + -",
        "",
        "Background letter frequencies",
        " ".join(f"{base} {frequency:.5f}" for base, frequency in zip("ACGT", background, strict=True)),
    ]
    seen = set()
    for motif in motifs:
        identifier, name = motif.matrix.matrix_id, "_".join(motif.matrix.name.split())
        if not identifier or identifier.split() != [identifier] or identifier in seen:
            problem = "occurs twice" if identifier in seen else "must be one word"
            raise InputError(f"{path}: the motif identifier {identifier!r} {problem}")
        seen.add(identifier)
        shape = f"alength= 4 w= {motif.matrix.width} nsites= {motif.sites:g} E= {motif.e_value:g}"
        lines += ["", f"MOTIF {identifier}" + (f" {name}" if name and name != identifier else ""), ""]
        lines += [f"letter-probability matrix: {shape}"]
        lines += [" ".join(f"{value:.6f}" for value in row) for row in motif.matrix.probabilities]
    with atomic_output(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


class _Lines:
    """Non-blank lines, with line numbers for messages."""

    def __init__(self, path: Path | str):
        self.path, self.number = path, 0
        note_read(path)
        self._lines = read_text(path, "file of motifs", errors="replace").splitlines()

    def __iter__(self) -> Iterator[str]:
        while self.number < len(self._lines):
            line = self._lines[self.number].strip()
            self.number += 1
            if line:
                yield line

    def numbers(self) -> Iterator[list[str]]:
        """The words of the lines up to the first that does not begin with a number, which stays for the next reader."""
        for line in self:
            if not _is_number(line.split()[0]):
                self.number -= 1
                return
            yield line.split()

    def error(self, problem: str) -> InputError:
        return InputError(f"{self.path}, line {self.number}: {problem}")


def read_meme(path: Path | str) -> MemeText:
    """Read the motifs of a MEME file, minimal or ``meme.txt`` as written by MEME; unknown lines are skipped.

    Rows printed with fewer digits than six are rescaled to sum to 1. All ``key= value`` pairs of a matrix are
    optional. A file without motifs is valid.

    Raises `InputError` naming file and line: another format, another alphabet than ACGT, a matrix with more or
    fewer rows than it states, or rows that are too short, negative or do not sum to 1, an identifier that occurs twice.
    """
    lines = _Lines(path)
    motifs: dict[str, MemeMotif] = {}
    background, header, banner, title = UNIFORM, False, False, None
    for line in lines:
        if not header:
            version = re.match(r"MEME version (\d+)", line)
            banner = banner or line.startswith("*****")
            if banner and not version:
                continue
            if not version or int(version[1]) < 4:
                raise lines.error(f"'MEME version 4' or later expected first, found {line[:60]!r}")
            header = True
        elif line.startswith("ALPHABET"):
            if not re.fullmatch(r'ALPHABET(\s*=?\s*ACGT|\s+"DNA"(\s+DNA-LIKE)?)', line):
                raise lines.error(f"the alphabet must be ACGT, found {line[:60]!r}")
        elif line.startswith("Background letter frequencies"):
            background = _background(lines)
        elif line.startswith("MOTIF"):
            if title:
                raise lines.error(f"motif {title[0]} before it has no letter-probability matrix")
            title = re.sub(r"\swidth\s*=.*", "", line).split()[1:]
            if not title or title[0] in motifs:
                raise lines.error(f"motif {title[0]} occurs twice" if title else "a motif without an identifier")
        elif line.startswith("letter-probability matrix:"):
            if not title:
                raise lines.error("a matrix without a MOTIF line before it")
            motifs[title[0]] = _motif(lines, line, title)
            title = None
    if not header:
        problem = "no line 'MEME version' after its banner" if banner else "the file is empty"
        raise InputError(f"{path}: {problem}; a MEME file without motifs has its header")
    if title:
        raise lines.error(f"motif {title[0]} has no letter-probability matrix")
    return MemeText(list(motifs.values()), background)


def split_meme(path: Path | str) -> list[str]:
    """A file that `read_meme` reads as one text for each motif: the lines before the first motif, then its own."""
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    header, *motifs = re.split(r"^(?=[^\S\n]*MOTIF)", text, flags=re.MULTILINE)
    return [header + motif for motif in motifs]


def _motif(lines: _Lines, line: str, title: list[str]) -> MemeMotif:
    facts = dict(re.findall(r"(\w+)=\s*(\S+)", line))
    try:
        letters, width = int(facts.get("alength", 4)), int(facts["w"]) if "w" in facts else None
        sites, e_value = float(facts.get("nsites", _SITES)) or _SITES, float(facts.get("E", 0))
    except ValueError:
        raise lines.error(f"motif {title[0]}: 'alength= 4 w= WIDTH nsites= N E= E' expected") from None
    if letters != 4 or (width is not None and width < 1) or not 0 < sites < np.inf:
        raise lines.error(f"motif {title[0]}: alength must be 4, w at least 1 and nsites a number that is not negative")
    rows, stated = [], "" if width is None else f" of {width}"
    for words in lines.numbers():
        if len(rows) == width:
            raise lines.error(f"motif {title[0]} has more rows than its w= {width}")
        rows.append(_frequencies(lines, words, f"row {len(rows) + 1}{stated} of motif {title[0]}"))
    if not rows or len(rows) < (width or 0):
        raise lines.error(f"motif {title[0]} ends after row {len(rows)}{stated}")
    matrix = PositionWeightMatrix(title[1] if len(title) > 1 else title[0], title[0], np.stack(rows))
    return MemeMotif(matrix, sites, e_value)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _background(lines: _Lines) -> np.ndarray:
    words: list[str] = []
    for line in lines:
        words += line.split()
        if len(words) >= 8:
            break
    if words[::2] != list("ACGT"):
        raise lines.error("background frequencies 'A 0.25 C 0.25 G 0.25 T 0.25' expected")
    return _frequencies(lines, words[1::2], "the background")


def _frequencies(lines: _Lines, words: list[str], what: str) -> np.ndarray:
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        raise lines.error(f"{what} has something that is not a number: {' '.join(words)[:60]!r}") from None
    if len(values) != 4:
        raise lines.error(f"{what} has {len(values)} numbers, 4 expected")
    if not (values >= 0).all() or abs(values.sum() - 1) > _SUM_TOLERANCE:
        raise lines.error(f"{what} must be probabilities that sum to 1, found {' '.join(words)}")
    return values if abs(values.sum() - 1) < _ROUNDED else values / values.sum()


# An aligned motif, cut to its informative columns (docs/papers.md, "Filters to motifs", step 2).


class Span(NamedTuple):
    """Columns of a motif, 0-based, end exclusive."""

    start: int
    end: int
    informative: bool
    """False: no column is informative, and the span is the whole motif."""


def informative_span(frequencies: np.ndarray, min_information: float = 0.5, pad_bp: int = 3) -> Span:
    """Columns from the first to the last with more than ``min_information`` bits, and ``pad_bp`` more on each side.

    ``frequencies``: (width, 4), rows A, C, G, T that sum to 1. Without such a column: the whole motif. The published
    code also keeps the whole motif if column 0 is the only informative one (a slip: it tests whether any *index* is
    true); here that column is treated like any other.
    """
    columns = np.flatnonzero(information_content(frequencies, _FLOOR) > min_information)
    if not len(columns):
        return Span(0, len(frequencies), False)
    return Span(max(int(columns[0]) - pad_bp, 0), min(int(columns[-1]) + 1 + pad_bp, len(frequencies)), True)
