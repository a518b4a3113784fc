"""The page in a browser: nothing in the console, pictures with words, narrow screens, keyboard."""

from pathlib import Path

import pytest
from page_checks import check_page

from regulens.report.page import write_page


@pytest.fixture
def page(page_settings) -> Path:
    path = Path("results/test/index.html").absolute()
    write_page(page_settings, "snakemake --cores all --force", path)
    return path


def test_the_page_holds_up_in_a_browser(browser, page):
    check_page(browser, page)


def test_the_checks_find_a_page_that_is_wrong(browser, page):
    text = page.read_text()
    wrong = {
        "wide": text.replace("<h2", '<p style="width: 100rem">Wide.</p><h2', 1),
        "loud": text.replace("</body>", "<script>console.error('no')</script></body>"),
        "mute": text.replace(' alt="', ' data-alt="'),
        "deep": text.replace("<h4", "<h5").replace("</h4>", "</h5>"),
        "lost": text.replace("outline: 3px solid", "outline: 0px solid"),
    }
    for name, changed in wrong.items():
        assert changed != text, name
        path = page.with_name(f"{name}.html")
        path.write_text(changed)
        with pytest.raises(AssertionError):
            check_page(browser, path)


def test_nothing_of_the_settings_runs_as_script(browser, page):
    browser.resize(1280, 900)
    browser.open(page)
    assert browser.run("return document.scripts.length") == 1, "the page's own"
    assert "<script>alert(1)</script>" in browser.run("return document.body.innerText")
