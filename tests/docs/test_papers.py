"""What comments in the code point at in docs/papers.md is there."""

import re

from copies import ROOT

from regulens.report.items import differences

PAGE = (ROOT / "docs/papers.md").read_text()
HEADINGS = re.findall(r"^##+ (.+)$", PAGE, re.M)
FOLDERS = ("src", "workflow", "tests", "config", "docs")
# docs/papers.md, "Binding sites" and "Regulatory code"; a comment may go on in the next line
REFERENCE = re.compile(r'docs/papers\.md((?:(?:,|, and| and)[\s#]+"[^"\n]+")+)')


def references() -> list[tuple[str, str]]:
    """File and name of every reference, from files that a person writes."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    texts = {path: path.read_text() for path in paths if path.suffix in (".py", ".smk", ".md", ".yaml", ".rst")}
    return [
        (str(path.relative_to(ROOT)), name)
        for path, text in texts.items()
        for names in REFERENCE.findall(text)
        for name in re.findall(r'"([^"]+)"', names)
    ]


def test_headings_are_unique():
    assert len(set(HEADINGS)) == len(HEADINGS)


def test_references_lead_to_a_heading_or_an_open_point():
    names = {*HEADINGS, *(entry["id"] for entry in differences())}
    found = references()
    assert len(found) >= 2  # the page shows one of each kind
    assert [reference for reference in found if reference[1] not in names] == []


def test_links_inside_the_page_lead_somewhere():
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in HEADINGS}
    anchors |= set(re.findall(r'<a id="([^"]+)">', PAGE))
    assert [link for link in re.findall(r"\]\(#([^)]+)\)", PAGE) if link not in anchors] == []


def test_every_open_point_is_linked_from_the_text():
    text = PAGE.split("<!-- generated: differences -->")[0]
    assert [entry["id"] for entry in differences() if f"(#{entry['id']})" not in text] == []
