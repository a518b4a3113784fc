"""What goes on the page, in which order, and what is said when something is missing."""

import re
from pathlib import Path

import pytest

from regulens.config import STUDIES
from regulens.core.errors import InputError
from regulens.report.items import PageSettings, differences, ordered_entries, papers, slug

RULES = Path(__file__).parents[2] / "workflow/rules"


def test_the_papers_items_come_first_in_its_order(page_settings):
    found = ordered_entries(page_settings)
    assert list(found) == ["genomic_interpreter", "hybrid_networks"]
    assert [entry.item for entry in found["genomic_interpreter"]] == ["Figure 1", "Table 1", "Claims"]
    assert [entry.item for entry in found["hybrid_networks"]][0] == "Figure 1"


def test_titles_leave_out_the_number_and_names_are_those_for_readers(page_settings):
    entries = {entry.id: entry for entry in ordered_entries(page_settings)["hybrid_networks"]}
    assert entries["hybrid_networks-figure-1"].title == "A picture"
    sheet = entries["hybrid_networks-filters-c24"]
    assert (sheet.item, sheet.title) == ("Filters, C24 <b>&", "Logos of C24 <b>&")


@pytest.mark.parametrize("name", ["results/test/hybrid_networks/figure1.png", "caption.rst"])
def test_a_missing_file_is_named_with_its_rule(page_settings, name):
    Path(name).unlink()
    with pytest.raises(InputError, match=rf"{re.escape(name)}: missing or empty.*\(rule \w+\)"):
        ordered_entries(page_settings)


def test_an_empty_file_is_as_good_as_none(page_settings):
    Path("results/test/hybrid_networks/table1.csv").write_text("")
    with pytest.raises(InputError, match=r"hybrid_networks/table1\.csv: missing or empty"):
        ordered_entries(page_settings)


def test_two_entries_that_cannot_be_told_apart(page_settings):
    rules = [rule.model_dump() for rule in page_settings.rules]
    twice = page_settings.model_dump() | {"rules": [*rules, rules[0]]}
    with pytest.raises(InputError, match=r"same labels \(genomic_interpreter-claims\)"):
        ordered_entries(PageSettings.model_validate(twice))


def test_addresses_have_no_blanks_or_signs():
    assert slug("hybrid_networks", "Section 5.3", "c24 <b>&") == "hybrid_networks-section-5-3-c24-b"


def test_every_contradiction_has_one_line_about_it():
    lines = differences()
    assert len({line["id"] for line in lines}) == len(lines) == 31
    for line in lines:
        # with a hyphen, so that a reference to it cannot be taken for a word
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", line["id"])
        assert set(line) == {"id", "study", "paper", "here", "why"}
        assert line["study"] in STUDIES
        assert all(line[key].endswith(".") and len(line[key]) < 200 for key in ("paper", "here", "why")), line["id"]


def test_every_item_of_a_paper_is_an_item_of_a_rule():
    text = "".join(path.read_text() for path in RULES.rglob("*.smk"))
    # **figure("study/figure1", "Figure 1") and **table(...)
    items = set(re.findall(r'\*\*(?:figure|table)\(\s*(?:\*\()?"[^"]+",\s*"([^"]+)"', text))
    assert tuple(papers()) == STUDIES
    for study, paper in papers().items():
        assert len(set(paper["order"])) == len(paper["order"])
        assert set(paper["order"]) <= items, study
