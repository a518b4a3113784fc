"""Comparison of motifs: query MEME file against target MEME file, by Tomtom.

The program of the MEME Suite (https://meme-suite.org/meme/doc/tomtom.html) is run as a subprocess where it is
installed; elsewhere `alignment` computes the same. The table names the engine.
"""

import itertools
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens import __version__
from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output, note_read, write_text
from regulens.core.progress import reported, say
from regulens.core.tables import damaged, read_table
from regulens.motifs.alignment import Alignments, Targets, align, with_pseudocounts
from regulens.motifs.meme import MemeMotif, MemeText, read_meme, split_meme
from regulens.motifs.settings import ComparisonSettings, Distance

HIT_COLUMNS = [
    "query",
    "target",
    "p_value",
    "e_value",
    "q_value",
    "overlap",
    "offset",
    "orientation",
    "query_consensus",
    "target_consensus",
]
"""``offset``: position i of the query is aligned to position i + offset of the target on the strand of ``orientation``
(+ or -); ``overlap``: number of aligned positions; ``target_consensus`` is on that strand."""

TEXT_COLUMNS = ["query", "target", "orientation", "query_consensus", "target_consensus"]

FACTS = ["engine", "version", "distance", "q_value_method", "max_q_value", "targets", "queries"]
"""Keys of the header of a table of hits."""

MIN_TARGETS = 50
"""With fewer targets than this, Tomtom's p-values depend strongly on the targets; the MEME Suite warns, too."""


class Comparison(NamedTuple):
    """Result of `compare`."""

    hits: pd.DataFrame
    """`HIT_COLUMNS`; by query in the order of its file, then by p-value."""
    facts: dict[str, str]
    """`FACTS`."""
    notes: list[str]
    """Remarks for the user: empty query, no hit, few targets."""


@command("tomtom")
def tomtom(
    queries: Path | str,
    /,
    targets: Path | str,
    settings: Part[ComparisonSettings],
    output: Path | str,
    threads: int = 1,
) -> None:
    """Compare motifs with Tomtom, the program of the MEME Suite or, where it is not installed, the same method.

    ``queries`` and ``targets`` are MEME text; see `compare`.

    Arguments:
        threads: number of queries compared at a time.
    """
    name = " ".join(filter(None, [settings.release, settings.collection, settings.tax_group]))
    for note in compare(queries, targets, settings, output, name, threads).notes:
        say(note)


def compare(
    query_meme: Path | str,
    targets_meme: Path | str,
    settings: ComparisonSettings,
    output: Path | str,
    targets_name: str | None = None,
    threads: int = 1,
) -> Comparison:
    """Compare every query motif with every target on both strands and write the hits with q <= ``max_q_value``.

    ``output``: TSV with ``# key: value`` lines (`FACTS`) and `HIT_COLUMNS`, see `read_hits`. ``targets_name`` describes
    the targets (default: the name of their file). Without query motifs or hits, the table has only a header.
    ``threads`` queries at a time.

    Raises `InputError` if a MEME file is malformed, there is no target, the configured engine is not installed, or
    Tomtom fails.
    """
    queries, targets = read_meme(query_meme), read_meme(targets_meme)
    if not targets.motifs:
        raise InputError(f"{targets_meme}: no motif to compare with")
    binary = None if settings.engine == "native" else find_tomtom()
    if settings.engine == "meme" and binary is None:
        raise InputError(
            "motifs.comparison.engine: meme needs the program tomtom of the MEME Suite, which is not on the PATH: "
            "install it (conda: envs/meme.yaml, bioconda package meme) or set motifs.comparison.engine: native"
        )
    notes = []
    if len(targets.motifs) < MIN_TARGETS:
        notes.append(f"{len(targets.motifs)} targets only: p-values depend strongly on which they are")
    if binary is None:
        facts = {"engine": "native", "version": __version__, "q_value_method": NATIVE_Q_VALUES}
    else:
        facts = {"engine": "meme", "version": meme_version(binary), "q_value_method": MEME_Q_VALUES}
    facts["distance"] = settings.distance
    facts["max_q_value"] = f"{settings.max_q_value:g}"
    facts["targets"] = f"{targets_name or Path(targets_meme).name} ({len(targets.motifs)} motifs)"
    facts["queries"] = str(len(queries.motifs))
    if not queries.motifs:
        notes.append(f"{query_meme}: no motif to compare, so no hit")
        hits = pd.DataFrame(columns=HIT_COLUMNS)
    elif binary is None:
        hits = native_hits(queries, targets, settings.distance, settings.max_q_value, threads)
    else:
        hits = meme_hits(binary, query_meme, targets_meme, settings.distance, settings.max_q_value, threads)
        _check_names(hits, "query", [m.matrix.matrix_id for m in queries.motifs], query_meme)
        _check_names(hits, "target", [m.matrix.matrix_id for m in targets.motifs], targets_meme)
    if queries.motifs and hits.empty:
        notes.append(f"no hit with q <= {settings.max_q_value:g} for {len(queries.motifs)} motifs")
    order = {motif.matrix.matrix_id: place for place, motif in enumerate(queries.motifs)}
    by = hits["query"].map(order)
    hits = hits.assign(_by=by).sort_values(["_by", "p_value"], kind="stable", ignore_index=True)[HIT_COLUMNS]
    with atomic_output(output) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(f"# {key}: {facts[key]}\n" for key in FACTS)
        hits.to_csv(file, sep="\t", index=False, float_format="%.6g")
    return Comparison(hits, facts, notes)


def _check_names(hits: pd.DataFrame, column: str, known: list[str], path: Path | str) -> None:
    strange = sorted(set(hits[column]) - set(known))
    if strange:
        raise InputError(f"tomtom reports the {column} {strange[0]!r}, which is not a motif of {path}")


def read_hits(path: Path | str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read a table of `compare`: hits with `HIT_COLUMNS`, and the facts of its header (engine, version, ...).

    Without hits the table is empty. Raises `InputError` for a file that is missing or not such a table.
    """
    facts: dict[str, str] = {}
    try:
        with open(path, encoding="utf-8") as file:
            for line in itertools.takewhile(lambda line: line.startswith("# "), file):
                key, _, value = line[2:].rstrip("\n").partition(": ")
                facts[key] = value
    except (OSError, UnicodeDecodeError):
        pass  # `read_table` reports it
    numeric, texts = ["p_value", "e_value", "q_value"], dict.fromkeys(TEXT_COLUMNS, str)
    options = {"sep": "\t", "skiprows": len(facts), "keep_default_na": False, "dtype": texts}
    table = read_table(path, HIT_COLUMNS, numeric, may_be_empty=True, **options)
    if "engine" not in facts:
        raise damaged(path, "the line '# engine: ...' is missing")
    return table.astype(dict.fromkeys(numeric, float)), facts


# The MEME Suite's Tomtom.


MEME_Q_VALUES = "tomtom's own q-values"

TSV_COLUMNS = {
    "Query_ID": "query",
    "Target_ID": "target",
    "p-value": "p_value",
    "E-value": "e_value",
    "q-value": "q_value",
    "Overlap": "overlap",
    "Optimal_offset": "offset",
    "Orientation": "orientation",
    "Query_consensus": "query_consensus",
    "Target_consensus": "target_consensus",
}
"""Columns of Tomtom's TSV and their names here. Before MEME 5.0 they had blanks, and a `#` before the first."""


def find_tomtom() -> str | None:
    """Path of the program ``tomtom``; None if it is not on the PATH."""
    return shutil.which("tomtom")


def meme_version(binary: str) -> str:
    """Version of the MEME Suite, e.g. ``5.4.1``. Raises `InputError` if the program does not print one."""
    for option in ("--version", "-version"):  # some releases before 5.0 know only the second
        answer = _run_tomtom([binary, option])
        if not answer.returncode and (found := re.search(r"\d+\.\d+(\.\d+)?", answer.stdout)):
            return found[0]
    raise InputError(_failure([binary, "--version"], answer, "no version number in its answer"))


def meme_hits(
    binary: str, query_meme: Path | str, targets_meme: Path | str, distance: str, max_q_value: float, threads: int = 1
) -> pd.DataFrame:
    """Hits with q <= ``max_q_value``, columns `HIT_COLUMNS`, in the order of the queries and then Tomtom's.

    Runs ``tomtom -text -thresh Q -dist DISTANCE QUERY TARGETS`` for every query motif, ``threads`` at a time: both
    strands, and a threshold on q because ``-evalue`` is not given. What Tomtom computes is a query's own, its q-values
    too. Raises `InputError` with arguments, version, return code and stderr if Tomtom fails, and with the line
    if its table cannot be read.
    """
    options = [binary, "-text", "-thresh", f"{max_q_value:g}", "-dist", distance]

    def run(query: Path) -> pd.DataFrame:
        answer = _run_tomtom([*options, str(query), str(targets_meme)])
        shown = [*options, str(query_meme), str(targets_meme)]  # the query's own file is gone when a person reads it
        if answer.returncode:
            raise InputError(_failure(shown, answer, f"return code {answer.returncode}", meme_version(binary)))
        try:
            return parse_tsv(answer.stdout)
        except ValueError as error:
            raise InputError(_failure(shown, answer, str(error), meme_version(binary))) from None

    with TemporaryDirectory() as folder, ThreadPoolExecutor(threads) as pool:
        queries = []
        for number, text in enumerate(split_meme(query_meme)):
            queries.append(Path(folder) / f"{number}.meme")
            queries[-1].write_text(text, encoding="utf-8")
        found = list(reported(pool.map(run, queries), "Tomtom: queries", len(queries)))
    # A program that answers for more than the query that it is given does not count twice.
    return pd.concat(found, ignore_index=True).drop_duplicates(ignore_index=True)


def parse_tsv(text: str) -> pd.DataFrame:
    """Tomtom's TSV, with the blank line and the comments at its end, as a table with `HIT_COLUMNS`.

    Without hits the table is empty. Raises `ValueError` naming the line for anything else.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    header = lines[0][1].removeprefix("#").strip().replace(" ", "_").split("\t") if lines else []
    missing = [name for name in TSV_COLUMNS if name not in header]
    if missing:
        shown = repr(lines[0][1][:80]) if lines else "nothing"
        raise ValueError(f"its output is not Tomtom's table: column {missing[0]} is missing, found {shown}")
    rows = []
    for number, line in lines[1:]:
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != len(header):
            raise ValueError(f"line {number} of its output has {len(cells)} columns, {len(header)} expected")
        row = {TSV_COLUMNS[name]: cell for name, cell in zip(header, cells, strict=True) if name in TSV_COLUMNS}
        try:
            for name in set(HIT_COLUMNS) - set(TEXT_COLUMNS):
                row[name] = int(row[name]) if name in ("overlap", "offset") else float(row[name])
        except ValueError as error:
            raise ValueError(f"line {number} of its output: {error}") from None
        rows.append(row)
    return pd.DataFrame(rows, columns=HIT_COLUMNS)


def _run_tomtom(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(arguments, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    except OSError as error:
        raise InputError(
            f"cannot run {shlex.join(arguments)} ({error.strerror}): install the MEME Suite again"
        ) from None


def _failure(arguments: list[str], answer: subprocess.CompletedProcess[str], problem: str, number: str = "") -> str:
    said = "\n".join(f"  {line}" for line in answer.stderr.strip().splitlines()[-20:]) or "  (nothing)"
    which = f"tomtom {number}".strip()
    return f"{which} failed: {problem}; arguments: {shlex.join(arguments)}; it wrote to stderr:\n{said}"


# The same method without the program.


NATIVE_Q_VALUES = "q-values by tomtom's method"
"""The errors of bootstrap samples are expected instead of drawn, see `alignment.q_values`."""


def native_hits(
    queries: MemeText, targets: MemeText, distance: Distance, max_q_value: float, threads: int = 1
) -> pd.DataFrame:
    """Hits of every query (at least one) with q <= ``max_q_value``: `HIT_COLUMNS`, by query and then by p-value.

    The better strand of each target, as `alignment` finds it. E = p times the number of targets. ``threads`` queries at
    a time.
    """

    def compared(motif: MemeMotif) -> np.ndarray:
        return with_pseudocounts(motif.matrix.probabilities, motif.sites, queries.background)

    matrices = [compared(motif) for motif in targets.motifs]
    strands, ids = Targets.of(matrices), [motif.matrix.matrix_id for motif in targets.motifs]
    given = [_consensus(matrix) for matrix in matrices]
    turned = [text[::-1].translate(str.maketrans("ACGT", "TGCA")) for text in given]

    def hits(motif: MemeMotif) -> pd.DataFrame:
        query = compared(motif)
        found = align(query, strands, distance)
        strand = found.best_strand()
        values = Alignments(*(part[np.arange(len(strand)), strand] for part in found))
        table = pd.DataFrame(
            {
                "query": motif.matrix.matrix_id,
                "target": ids,
                "p_value": values.p_value,
                "e_value": values.p_value * len(strand),
                "q_value": values.q_value,
                "overlap": values.overlap,
                "offset": values.offset,
                "orientation": np.where(strand, "-", "+"),
                "query_consensus": _consensus(query),
                "target_consensus": np.where(strand, turned, given),
            }
        )
        return table[table["q_value"] <= max_q_value].sort_values("p_value", kind="stable")

    with ThreadPoolExecutor(threads) as pool:
        found = list(reported(pool.map(hits, queries.motifs), "comparing motifs", len(queries.motifs)))
    return pd.concat(found, ignore_index=True)


def _consensus(matrix: np.ndarray) -> str:
    return "".join("ACGT"[base] for base in matrix.argmax(axis=1))


class Compared(NamedTuple):
    """Motifs that were compared in one way."""

    what: str
    """What was compared, as text: 'Motifs', 'Filters of 2 of the networks'."""
    facts: dict[str, str]
    """`FACTS` without the number of queries."""

    def __str__(self) -> str:
        facts = self.facts
        by = {"meme": "the MEME Suite", "native": "regulens"}.get(facts["engine"], facts["engine"])
        return (
            f"{by} {facts['version']}, distance {facts['distance']}, {facts['q_value_method']}, "
            f"q <= {facts['max_q_value']}, targets {facts['targets']}"
        )


def group_by_way(facts: Mapping[str, Mapping[str, str]]) -> list[tuple[list[str], dict[str, str]]]:
    """Group names by how they were compared: names and facts of each group, from the facts of `read_hits` by name."""
    groups: list[tuple[list[str], dict[str, str]]] = []
    for name, of_name in facts.items():
        way = {key: value for key, value in of_name.items() if key != "queries"}
        same = [names for names, known in groups if known == way]
        if same:
            same[0].append(name)
        else:
            groups.append(([name], way))
    return groups


def facts_path(table: Path | str) -> Path:
    """Path of the facts about the comparisons in a table: beside it."""
    return Path(table).with_suffix(".facts.json")


def write_comparisons(comparisons: Sequence[Compared], path: Path | str) -> None:
    """Write how the motifs of a table were compared, as JSON; see `facts_path`."""
    content = {"comparisons": [{"what": one.what, **one.facts} for one in comparisons]}
    write_text(json.dumps(content, indent=2) + "\n", path)


def read_comparisons(path: Path | str) -> list[Compared]:
    """Read a file of `write_comparisons`."""
    note_read(path)
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))["comparisons"]
        return [Compared(one["what"], {key: one[key] for key in FACTS if key != "queries"}) for one in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, f"not the facts of a table ({error})") from None
