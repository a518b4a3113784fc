"""The page of the tiny run: what the papers have is there, with its files and where they come from."""

import csv
import re
from pathlib import Path

import pytest
import yaml
from page_checks import check_page

from regulens.provenance.trace import chain, manifest_path, read_manifest
from regulens.report.items import differences
from regulens.studies.claims import count_verdicts, read_claims

from .conftest import TINY, run_snakemake

ASSAY, LRP, HYBRID = "genomic_interpreter", "dnabert_lrp", "hybrid_networks"
RESULTS = "results/tiny"
# Everything in the papers that can be made again: study, what it is called, files, place on the page.
REGENERABLE = [
    (ASSAY, "Figure 1", ["figure1.png", "figure1.pdf"], "figure-1"),
    (ASSAY, "Table 1", ["table1.csv", "table1.md", "table1.tex"], "table-1"),
    (ASSAY, "Figure 2", ["figure2.png", "figure2.pdf"], "figure-2"),
    (ASSAY, "Figure 3", ["figure3.png", "figure3.pdf"], "figure-3"),
    (ASSAY, "Figure 4a", ["figure4a.png", "figure4a.pdf"], "figure-4a"),
    (ASSAY, "Figure 4b", ["figure4b.png", "figure4b.pdf"], "figure-4b"),
    (ASSAY, "Figure 5", ["figure5.png", "figure5.pdf"], "figure-5"),
    (ASSAY, "Figure 6", ["figure6.png", "figure6.pdf"], "figure-6"),
    (ASSAY, "Figure 7", ["figure7.png", "figure7.pdf"], "figure-7"),
    (HYBRID, "Figure 1", ["figure1.png", "figure1.pdf"], "figure-1"),
    (HYBRID, "Figure 2", ["figure2.png", "figure2.pdf"], "figure-2"),
    (HYBRID, "Figure 3", ["figure3.png", "figure3.pdf"], "figure-3"),
    (HYBRID, "task1_results_table", ["task1.csv", "task1.md", "task1.tex"], "results-task1"),
    (HYBRID, "task2_results_table", ["task2.csv", "task2.md", "task2.tex"], "results-task2"),
    *(
        (HYBRID, "filter logo sheet", [f"filters_{name}.png", f"filters_{name}.pdf"], f"filters-{place}")
        for name, place in (
            (f"{architecture}_{activation}", f"{architecture}-{activation}")
            for architecture in ("c24", "c4_lstm_trans1", "own")
            for activation in ("relu", "exponential")
        )
    ),
    (LRP, "Table 1", ["table1.csv", "table1.md", "table1.tex"], "table-1"),
    (LRP, "Figure 1", ["figure1.png", "figure1.pdf"], "figure-1"),
    (LRP, "Figure 2", ["figure2.png", "figure2.pdf"], "figure-2"),
    (LRP, "Section 5.3", ["section53_promoters.csv", "section53_promoters.md"], "section-5-3-promoters"),
    (LRP, "Section 5.3, logos", ["motif_logos_promoters.png", "motif_logos_promoters.pdf"], "motif-logos-promoters"),
    (LRP, "Section 5.1", ["section51.csv", "section51.md", "section51.tex"], "section-5-1"),
]


@pytest.fixture(scope="module")
def page(tiny) -> Path:
    """The page of the tiny run."""
    return tiny / RESULTS / "index.html"


@pytest.fixture(scope="module")
def text(page) -> str:
    """The page without its pictures."""
    return re.sub(r'"data:image/(png|webp);base64,[^"]*"', '""', page.read_text())


@pytest.mark.parametrize(
    ("study", "names", "place"), [pytest.param(s, n, p, id=f"{s}, {i}") for s, i, n, p in REGENERABLE]
)
def test_what_the_papers_have(tiny, text, study, names, place):
    for name in names:
        artefact = tiny / RESULTS / study / name
        assert artefact.stat().st_size > 0
        assert read_manifest(artefact)["identity"]["bytes"] == artefact.stat().st_size
        assert f'href="{study}/{name}"' in text
    assert text.count(f'id="{study}-{place}"') == 1


def test_every_picture_of_the_run_is_on_the_page(tiny, text):
    made = [path for study in (ASSAY, LRP, HYBRID) for path in (tiny / RESULTS / study).glob("*.png")]
    assert len(made) > 30
    assert not [path for path in made if f'href="{path.relative_to(tiny / RESULTS).as_posix()}"' not in text]


def test_chains_of_the_page_end_where_the_run_began(tiny, text):
    for name in (f"{ASSAY}/figure2.png", f"{LRP}/figure1.png", f"{HYBRID}/figure3.png"):
        steps = chain(tiny / RESULTS / name)
        assert not [step.problem for step in steps if step.problem]
        commands = {step.identity["command"] for step in steps if step.manifest}
        assert commands & {"simulate-genome", "simulate-sequences", "simulate-motif-sequences"}, commands
    assert "was not recorded" not in text
    assert manifest_path(tiny / RESULTS / "index.html").is_file()


def test_claims_and_their_number(tiny, text):
    words = re.sub(r"<[^>]+>", " ", text)
    for study, name in ((ASSAY, "Genomic Interpreter"), (LRP, "DNABERT-LRP"), (HYBRID, "Hybrid networks")):
        claims = read_claims(tiny / RESULTS / study / "claims.csv")
        numbers = [*count_verdicts(claims).values(), len(claims)]
        assert re.search(rf"{name}\s+simulated data\s+" + r"\s+".join(map(str, numbers)), words), name
        for claim in claims:
            assert text.count(f'id="{study}-claim-{claim["claim"]}"') == 1


def test_differences_data_note_and_command(text):
    note = yaml.safe_load(TINY.read_text())[ASSAY]["data_note"]
    assert note.replace("'", "&#39;") in text
    assert all(f'id="{line["study"]}-{line["id"].lower()}"' in text for line in differences())
    assert re.search(r"snakemake --cores all --configfile \S*tiny\.yaml --force results/tiny/\S+figure1\.png", text)


def test_published_numbers_stand_beside(tiny, text):
    with open(tiny / RESULTS / ASSAY / "table1.csv") as file:
        published = [row["published"] for row in csv.DictReader(file) if row["published"]]
    assert published
    table = text.split(f'id="{ASSAY}-table-1"')[1].split("</table>")[0]
    assert all(f"({float(number):.4f})" in table for number in published)


def test_the_tiny_page_in_a_browser(browser, page):
    check_page(browser, page)


def test_one_study_has_a_page_of_its_own(tiny):
    path = f"{RESULTS}/{LRP}/index.html"
    done = run_snakemake(tiny, TINY, path)
    assert done.returncode == 0, done.stderr[-3000:]
    text = (tiny / path).read_text()
    assert f'id="{LRP}-table-1"' in text
    assert 'href="table1.csv"' in text
    assert f'id="{HYBRID}-table-1"' not in text
    assert path in done.stdout + done.stderr


def test_snakemakes_own_report(tiny):
    target = f"{RESULTS}/report.html"
    done = run_snakemake(tiny, TINY, "--report", target)
    assert done.returncode == 0, done.stderr[-3000:]
    text = (tiny / target).read_text()
    for words in ("Genomic Interpreter", "DNABERT-LRP", "Hybrid networks", "Figure 4b", "Section 5.3"):
        assert words in text, words
