"""Variants: from a VCF or a table to alleles that were compared with the genome.

A table of variants has the columns ``variant`` (its name), ``contig``, ``position`` (0-based, of the first base of the
reference allele), ``ref`` and ``alt``; others are kept (truth, effect sizes). Nothing is dropped silently: what cannot
be used is a row of a second table with its reason.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pysam

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import note_read
from regulens.core.progress import say
from regulens.core.sequence import decode
from regulens.core.settings import nearest
from regulens.core.tables import read_table, read_text_table, whole_numbers, write_csv
from regulens.data.genome import CONTIG_NAMES, Genome, check_contigs
from regulens.data.positions import renamed
from regulens.data.settings import MeasuredVariants

COLUMNS = ["variant", "contig", "position", "ref", "alt"]

SKIPPED_COLUMNS = ["variant", "contig", "position", "ref", "alt", "reason"]


def read_variants(path: Path | str) -> pd.DataFrame:
    """A table of variants that `check_variants` wrote."""
    return read_table(path, COLUMNS, ["position"], keep_default_na=False, na_values={"position": [""]})


@command("check-variants")
def check_variants(
    variants: Path | str,
    /,
    fasta: Path | str,
    contig_names: Part[Mapping[str, str | None]],
    output: Path | str,
    skipped: Path | str,
    measured: Part[MeasuredVariants | None] = None,
) -> None:
    """Read variants from a VCF (plain or bgzip) or a table, and compare their reference alleles with the genome.

    A table has a header with chrom, pos (1-based, as in a VCF), ref and alt ("-": a deletion), and optionally id and
    others, which are kept. A site with several alternatives becomes several variants. ``measured``: which rows are
    used, and the columns (of a VCF: INFO fields) that become ``effect``, ``causal`` and ``group``.

    Left out, with the reason in ``skipped``: alleles that are not A, C, G, T (symbolic, N), a reference that is not the
    genome's, a contig that the genome lacks, and a place beyond its contig. Raises `InputError` for a malformed file,
    and if no variant is left.
    """
    known = _known_columns(measured)
    table = _from_vcf(variants, known) if _is_vcf(variants) else _from_table(variants)
    table = _measured(table, measured, variants) if measured else table
    table["contig"] = renamed(table["contig"], contig_names)
    with Genome(fasta) as genome:
        check_contigs(table["contig"].dropna(), variants, genome.lengths, fasta, CONTIG_NAMES)
        reasons = [_unfit(row, genome) for row in table.itertuples()]
    unfit = pd.Series(reasons, table.index) != ""
    left_out = table[unfit].assign(reason=[reason for reason in reasons if reason])
    for reason, number in left_out["reason"].value_counts().items():
        say(f"{variants}: {number:,} of {len(table):,} variants left out: {reason}")
    if unfit.all():
        raise InputError(f"{variants}: none of its {len(table):,} variants can be used, see the reasons above")
    write_csv(left_out[SKIPPED_COLUMNS], skipped)
    write_csv(table[~unfit], output)


def _is_vcf(path: Path | str) -> bool:
    return Path(path).name.removesuffix(".gz").endswith((".vcf", ".bcf"))


def _known_columns(measured: MeasuredVariants | None) -> list[str]:
    """The columns that the settings name."""
    if measured is None:
        return []
    return [name for name in (measured.effect, measured.causal, measured.group) if name] + [
        *measured.where,
        *measured.at_least,
    ]


def _measured(table: pd.DataFrame, measured: MeasuredVariants, path: Path | str) -> pd.DataFrame:
    """The rows that are wanted, with what is known of them; `InputError` naming line (or variant) and column."""
    for name in _known_columns(measured):
        if name.lower() not in table:
            raise InputError(f"{path}: there is no column {name!r}; {nearest(name.lower(), list(table))}")
    for name, value in measured.where.items():
        table = table[table[name.lower()] == value]
    for name, lowest in measured.at_least.items():
        table = table[_numbers(table, name.lower(), path) >= lowest]
    if table.empty:
        raise InputError(f"{path}: no variant has {measured.where | measured.at_least}")
    known = {"group": table[measured.group.lower()]} if measured.group else {}
    if measured.effect:
        known["effect"] = _numbers(table, measured.effect.lower(), path)
    if measured.causal:
        known["causal"] = _numbers(table, measured.causal.lower(), path)
        wrong = ~known["causal"].isin([0, 1])
        if wrong.any():
            line = wrong.idxmax()
            raise InputError(f"{path}, line {line}: {measured.causal} must be 1 or 0, found {known['causal'][line]}")
    return table.assign(**known)


def _numbers(table: pd.DataFrame, name: str, path: Path | str) -> pd.Series:
    values = pd.to_numeric(table[name], errors="coerce")
    if values.isna().any():
        line = values.isna().idxmax()
        raise InputError(f"{path}, line {line}: {name} must be a number, found {table[name][line]!r}")
    return values


def _from_vcf(path: Path | str, fields: Sequence[str]) -> pd.DataFrame:
    """The variants, with INFO fields as texts (of one value for every alternative: its own); index: record, from 1."""
    note_read(path)
    index, rows = [], []
    try:
        with pysam.VariantFile(str(path)) as file:
            for name in fields:
                if name not in file.header.info:
                    found = nearest(name, list(file.header.info))
                    raise InputError(f"{path}: its header has no INFO field {name!r}; {found}")
            for number, record in enumerate(file, start=1):
                for place, alt in enumerate(record.alts or (".",)):
                    values = [record.info.get(name, "") for name in fields]
                    values = [
                        value[min(place, len(value) - 1)] if isinstance(value, tuple) else value for value in values
                    ]
                    index.append(number)
                    rows.append((record.id or "", record.contig, record.pos - 1, record.ref, alt, *map(str, values)))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable VCF ({error})") from None
    if not rows:
        raise InputError(f"{path}: there are no variants in it")
    return _named(pd.DataFrame(rows, index, [*COLUMNS, *(name.lower() for name in fields)]))


def _from_table(path: Path | str) -> pd.DataFrame:
    table = read_text_table(path, ["chrom", "pos", "ref", "alt"])
    table["position"] = whole_numbers(table, "pos", path) - 1
    table = table.rename(columns={"chrom": "contig"}).drop(columns="pos").replace({"alt": {"-": ""}})
    table.insert(0, "variant", table.pop("id") if "id" in table else "")
    return _named(table[[*COLUMNS, *(name for name in table if name not in COLUMNS)]])


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Upper-case alleles, and the place as the name of a variant without one."""
    table = table.assign(ref=table["ref"].str.upper(), alt=table["alt"].str.upper())
    places = table["contig"] + ":" + (table["position"] + 1).astype(str) + table["ref"] + ">" + table["alt"]
    return table.assign(variant=table["variant"].where(~table["variant"].isin(["", "."]), places))


def _unfit(row, genome: Genome) -> str:
    """Why a variant cannot be used; empty if it can."""
    if row.contig not in genome.lengths:
        return "on a contig that the genome does not have"
    if not row.ref or set(row.ref + row.alt) - set("ACGT"):
        return "an allele is not A, C, G, T"
    if row.position < 0 or row.position + len(row.ref) > genome.lengths[row.contig]:
        return "beyond the end of its contig"
    if decode(genome.codes(row.contig, row.position, row.position + len(row.ref))) != row.ref:
        return "the reference allele is not that of the genome"
    return ""
