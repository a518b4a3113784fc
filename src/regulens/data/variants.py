"""Variants: from a VCF or a table to alleles that were compared with the genome.

A table of variants has the columns ``variant`` (its name), ``contig``, ``position`` (0-based, of the first base of the
reference allele), ``ref`` and ``alt``; others are kept (truth, effect sizes). Nothing is dropped silently: what cannot
be used is a row of a second table with its reason.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pysam

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import note_read
from regulens.core.progress import say
from regulens.core.sequence import decode
from regulens.core.tables import read_table, read_text_table, whole_numbers, write_csv
from regulens.data.genome import CONTIG_NAMES, Genome, check_contigs

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
) -> None:
    """Read variants from a VCF (plain or bgzip) or a table, and compare their reference alleles with the genome.

    A table has a header with chrom, pos (1-based, as in a VCF), ref and alt, and optionally id and others, which are
    kept. A site with several alternatives becomes several variants. Left out, with the reason in ``skipped``: alleles
    that are not A, C, G, T (symbolic, N), a reference that is not the genome's, a contig that the genome lacks, and a
    place beyond its contig. Raises `InputError` for a malformed file, and if no variant is left.
    """
    table = _from_vcf(variants) if _is_vcf(variants) else _from_table(variants)
    table["contig"] = table["contig"].map({name: contig_names.get(name, name) for name in table["contig"].unique()})
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


def _from_vcf(path: Path | str) -> pd.DataFrame:
    note_read(path)
    try:
        with pysam.VariantFile(str(path)) as file:
            rows = [
                (record.id or "", record.contig, record.pos - 1, record.ref, alt)
                for record in file
                for alt in record.alts or ("",)
            ]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable VCF ({error})") from None
    if not rows:
        raise InputError(f"{path}: there are no variants in it")
    return _named(pd.DataFrame(rows, columns=COLUMNS))


def _from_table(path: Path | str) -> pd.DataFrame:
    table = read_text_table(path, ["chrom", "pos", "ref", "alt"])
    table["position"] = whole_numbers(table, "pos", path) - 1
    table = table.rename(columns={"chrom": "contig"}).drop(columns="pos")
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
    if not row.ref or not row.alt or set(row.ref + row.alt) - set("ACGT"):
        return "an allele is not A, C, G, T"
    if row.position < 0 or row.position + len(row.ref) > genome.lengths[row.contig]:
        return "beyond the end of its contig"
    if decode(genome.codes(row.contig, row.position, row.position + len(row.ref))) != row.ref:
        return "the reference allele is not that of the genome"
    return ""
