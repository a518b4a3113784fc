"""The page as text: everything is on it, nothing is taken for markup, and nothing comes from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from commands import run_command
from page_inputs import NOTE, write_claims

from regulens.core.errors import InputError
from regulens.report.page import write_page

PAGE = Path("results/test/index.html")


class Page(HTMLParser):
    """Names, links and text of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.text += " " if tag in ("td", "th") else ""
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src"):
                self.links.append(value)

    def handle_data(self, data):
        self.text += data


def written(settings, rebuild="snakemake --cores all --force") -> Page:
    write_page(settings, rebuild, PAGE)
    return Page(PAGE.read_text())


def test_everything_has_a_place_and_every_link_an_end(page_settings):
    page = written(page_settings)
    for study in ("genomic_interpreter", "hybrid_networks"):
        for name in ("figure-1", "table-1", "claims", "differences", "claim-claim0"):
            assert f"{study}-{name}" in page.ids
    assert "hybrid_networks-filters-c24" in page.ids
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        elif not link.startswith("data:"):
            assert (PAGE.parent / link).is_file(), link


def test_nothing_comes_from_elsewhere(page_settings):
    written(page_settings)
    text = re.sub(r'"data:image/(png|webp);base64,[^"]*"', '""', PAGE.read_text())
    assert not re.search(r"(src|href|url|@import)\s*[=(:]?\s*[\"'(]?\s*(https?:)?//", text)
    assert re.findall(r"<script[^>]*>", text) == ["<script>"]  # its own
    assert '<link rel="stylesheet' not in text


def test_settings_and_labels_are_text(page_settings):
    page = written(page_settings, "snakemake --configfile '<a> & {b}.yaml' --force")
    assert NOTE in page.text
    assert "Numbers & <more>" in page.text
    assert "Logos of C24 <b>&" in page.text
    assert "A < B & {C}" in page.text
    assert "snakemake --configfile '<a> & {b}.yaml' --force results/test/genomic_interpreter/figure1.png" in page.text
    assert "<i>a</i>" in page.text


def test_counts_of_the_claims(page_settings):
    write_claims(Path("results/test/hybrid_networks/claims.csv"), ["does not hold"] * 3 + ["holds"] * 2)
    words = " ".join(written(page_settings).text.split())
    assert "Genomic Interpreter simulated data 1 1 1 1 4" in words
    assert "Hybrid networks the paper's data 2 3 0 0 5" in words
    assert "Together, simulated data 1 1 1 1 4" in words
    assert "Together, the paper's data 2 3 0 0 5" in words
    assert "3 figures, 4 tables and 9 claims of 2 studies, made from simulated data and the paper's data" in words


def test_the_page_begins_with_figures_and_numbers(page_settings):
    page = written(page_settings)
    words = " ".join(page.text.split("Claims")[0].split())
    overview = " ".join(page.text.partition("Overview")[2].partition("The paper predicts")[0].split())
    assert overview.index("Figure 1") < overview.index("Best of")
    assert "Best of 2 models, all tracks (mean r) B, 0.300 ± 0.020 5,313 tracks <i>A</i>, 0.4614 no" in overview
    assert "GC + CpG ridge, all tracks (mean r) 0.900 5,313 tracks none" in overview
    assert "Task 1, best of 1 networks (AUPR) C24, relu, 0.900 ± 0.010 3 trials C24, relu, 0.914 yes" in overview
    assert "C4C6, ReLU: share of filters that are planted motifs 0.250 ± 0.100 3 trials 0.396 yes" in overview
    assert "no number may be compared with a published one" in words


def test_claims_are_folded_where_the_data_are_simulated(page_settings):
    written(page_settings)
    text = PAGE.read_text()
    folded = [part.partition(">")[0] for part in text.split('<details class="folded"')[1:]]
    assert folded == ["", " open"]


def test_only_the_configured_studies_are_on_it(page_settings):
    alone = page_settings.model_copy(
        update={
            "studies": {"hybrid_networks": page_settings.studies["hybrid_networks"]},
            "rules": [rule for rule in page_settings.rules if rule.study == "hybrid_networks"],
        }
    )
    page = written(alone)
    assert "hybrid_networks-error-bars" in page.ids
    assert not [name for name in page.ids if name.startswith(("genomic_interpreter", "dnabert_lrp"))]
    assert "Together" not in page.text


def test_the_engine_is_named_as_the_facts_beside_the_tables_name_it(page_settings):
    sentence = "Motifs compared with Tomtom by regulens 0.1.0, distance ed, BH, q <= 0.1, targets J."
    assert sentence in written(page_settings).text.split("Seed")[-1]


def test_a_study_without_claims_is_an_error_that_names_the_file(page_settings):
    page_settings = page_settings.model_copy(
        update={"rules": [rule for rule in page_settings.rules if not rule.rule.endswith("a_claims")]}
    )
    Path("results/test/hybrid_networks/claims.csv").unlink()
    with pytest.raises(InputError, match=r"results/test/hybrid_networks/claims\.csv: no such file"):
        write_page(page_settings, "", PAGE)
    assert not PAGE.exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("not tested in this run", "not tested", r"claim claim2: unknown verdict 'not tested'"),
        ("criterion", "criteria", r"column criterion is missing"),
    ],
)
def test_claims_that_are_not_readable(page_settings, old, new, message):
    path = Path("results/test/hybrid_networks/claims.csv")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=rf"hybrid_networks/claims\.csv: {message}"):
        write_page(page_settings, "", PAGE)


def test_without_manifests_the_page_says_so(page_settings):
    page = written(page_settings)
    assert page.text.count("where it comes from was not recorded") == 7


def test_the_command_writes_the_page_and_its_manifest(page_settings, tmp_path):
    settings = {"settings": page_settings.model_dump(mode="json")}
    words = ["--output", PAGE, "--rebuild", "snakemake --cores all --force"]
    run_command("report", *words, folder=tmp_path, settings=settings)
    assert "snakemake --cores all --force results/test" in Page(PAGE.read_text()).text
    assert PAGE.with_name("index.html.manifest.json").is_file()
    run_command("report", *words, "--study", "hybrid_networks", folder=tmp_path, settings=settings)
    assert "Genomic Interpreter, Table" not in Page(PAGE.read_text()).text
    with pytest.raises(InputError, match="study hybrid was not run; did you mean 'hybrid_networks'?"):
        run_command("report", *words, "--study", "hybrid", folder=tmp_path, settings=settings)


def test_a_wrong_setting_is_named(tmp_path):
    with pytest.raises(InputError, match="rulez: unknown key"):
        words = ["--output", "index.html", "--rebuild", ""]
        run_command("report", *words, folder=tmp_path, settings={"settings": {"run": "a", "rulez": []}})
