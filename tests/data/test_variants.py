"""Variants from VCF and tables: what is kept, what is left out and why."""

import gzip

import pandas as pd
import pysam
import pytest

from regulens.core.errors import InputError
from regulens.data.settings import MeasuredVariants
from regulens.data.variants import check_variants, read_variants

SEQUENCE = "ACGTACGTACGTNNACGTAC"
HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=20>\n##contig=<ID=chr9>\n"
HEADER += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RECORDS = """chr1\t1\trs1\tA\tC\t.\t.\t.
chr1\t2\t.\tC\tT,G\t.\t.\t.
chr1\t4\tdeletion\tTAC\tT\t.\t.\t.
chr1\t5\tinsertion\tA\tAGG\t.\t.\t.
chr1\t6\twrong\tG\tA\t.\t.\t.
chr1\t13\tn\tN\tA\t.\t.\t.
chr1\t3\tsymbolic\tG\t<DEL>\t.\t.\t.
chr1\t20\tend\tCA\tC\t.\t.\t.
chr9\t5\telsewhere\tA\tC\t.\t.\t.
"""


@pytest.fixture
def fasta(tmp_path):
    (tmp_path / "genome.fa").write_text(f">chr1\n{SEQUENCE}\n")
    return tmp_path / "genome.fa"


def checked(path, fasta, names=None, **measured):
    folder = path.parent
    options = {"contig_names": names or {}, "output": folder / "out.csv", "skipped": folder / "skipped.csv"}
    if measured:
        options["measured"] = MeasuredVariants(route="table", file=str(path), **measured)
    check_variants(path, fasta, **options)
    return read_variants(folder / "out.csv"), pd.read_csv(folder / "skipped.csv", keep_default_na=False)


@pytest.mark.parametrize("compressed", [False, True])
def test_vcf(tmp_path, fasta, capsys, compressed):
    path = tmp_path / "some.vcf"
    path.write_text(HEADER + RECORDS)
    if compressed:
        pysam.tabix_compress(str(path), str(path) + ".gz")
        path = tmp_path / "some.vcf.gz"
    kept, skipped = checked(path, fasta)
    assert kept["variant"].tolist() == ["rs1", "chr1:2C>T", "chr1:2C>G", "deletion", "insertion"]
    assert kept["position"].tolist() == [0, 1, 1, 3, 4]
    reasons = skipped.set_index("variant")["reason"].to_dict()
    assert reasons == {
        "wrong": "the reference allele is not that of the genome",
        "n": "an allele is not A, C, G, T",
        "symbolic": "an allele is not A, C, G, T",
        "end": "beyond the end of its contig",
        "elsewhere": "on a contig that the genome does not have",
    }
    assert "2 of 10 variants left out: an allele is not A, C, G, T" in capsys.readouterr().err


def test_table_with_further_columns_and_other_contig_names(tmp_path, fasta):
    path = tmp_path / "mpra.tsv.gz"
    text = "Chrom\tPos\tRef\tAlt\tValue\tElement\n1\t1\ta\tc\t-0.5\tF9\n1\t2\tC\tT\t0.1\tF9\n"
    path.write_bytes(gzip.compress(text.encode()))
    kept, skipped = checked(path, fasta, {"1": "chr1"})
    assert kept.columns.tolist() == ["variant", "contig", "position", "ref", "alt", "value", "element"]
    assert kept["ref"].tolist() == ["A", "C"]
    assert skipped.empty


MPRA = """Chrom\tPos\tRef\tAlt\tBarcodes\tCoefficient\tRelease\tElement
1\t1\tA\tC\t12\t-0.5\tGRCh38\tF9
1\t2\tC\t-\t30\t0.25\tGRCh38\tLDLR
1\t3\tG\tT\t9\t2\tGRCh38\tLDLR
1\t3\tG\tA\t90\t2\tGRCh37\tLDLR
"""


def test_table_of_a_saturation_mpra(tmp_path, fasta):
    """One build, enough barcodes, a deletion written as in that table; what is wrong is named with its line."""
    path = tmp_path / "elements.tsv"
    path.write_text(MPRA)
    settings = {"effect": "Coefficient", "group": "Element", "where": {"Release": "GRCh38"}}
    settings["at_least"] = {"Barcodes": 10}
    kept, _ = checked(path, fasta, {"1": "chr1"}, **settings)
    assert kept[["position", "alt", "effect", "group"]].to_numpy().tolist() == [
        [0, "C", -0.5, "F9"],
        [1, "", 0.25, "LDLR"],
    ]
    for changed, message in (
        ({"effect": "Coeficient"}, "no column 'Coeficient'; did you mean 'coefficient'"),
        ({"effect": "Element"}, "line 2: element must be a number, found 'F9'"),
        ({"causal": "Barcodes"}, "line 2: Barcodes must be 1 or 0, found 12"),
        ({"where": {"Release": "hg38"}}, r"no variant has {'Release': 'hg38', 'Barcodes': 10.0}"),
    ):
        with pytest.raises(InputError, match=message):
            checked(path, fasta, {"1": "chr1"}, **(settings | changed))


def test_fields_of_a_vcf(tmp_path, fasta):
    """INFO fields, one value for each alternative or one for all."""
    path = tmp_path / "causal.vcf"
    fields = (
        "##INFO=<ID=PIP,Number=A,Type=Float,Description=x>\n##INFO=<ID=CAUSAL,Number=1,Type=Integer,Description=x>\n"
    )
    head = HEADER.replace("#CHROM", fields + "#CHROM")
    path.write_text(head + "chr1\t2\t.\tC\tT,G\t.\t.\tPIP=0.5,0.25;CAUSAL=1\nchr1\t4\t.\tT\t.\t.\t.\tPIP=1;CAUSAL=0\n")
    kept, skipped = checked(path, fasta, effect="PIP", causal="CAUSAL")
    assert kept[["alt", "effect", "causal"]].to_numpy().tolist() == [["T", 0.5, 1], ["G", 0.25, 1]]
    assert skipped["reason"].tolist() == ["an allele is not A, C, G, T"]
    with pytest.raises(InputError, match="no INFO field 'causal'; valid: PIP, CAUSAL"):
        checked(path, fasta, causal="causal")


def test_other_spelling_of_contigs_is_named(tmp_path, fasta):
    path = tmp_path / "variants.tsv"
    path.write_text("chrom\tpos\tref\talt\n1\t1\tA\tC\n")
    with pytest.raises(InputError, match="crop.contig_names"):
        checked(path, fasta)


def test_nothing_left(tmp_path, fasta):
    path = tmp_path / "variants.tsv"
    path.write_text("chrom\tpos\tref\talt\nchr1\t1\tG\tC\n")
    with pytest.raises(InputError, match="none of its 1 variants can be used"):
        checked(path, fasta)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bad.vcf", "no vcf at all\n", "not a readable VCF"),
        ("empty.vcf", HEADER, "there are no variants in it"),
        ("bad.tsv", "chrom\tpos\tref\nchr1\t1\tA\n", "there is no column 'alt'"),
        ("line.tsv", "chrom\tpos\tref\talt\nchr1\tx\tA\tC\n", "line 2: pos must be a whole number"),
    ],
)
def test_malformed_files(tmp_path, fasta, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        checked(tmp_path / name, fasta)
