"""What must hold of every page in a browser; used on a small page and on that of the tiny run."""

from pathlib import Path

from browser import ENTER, TAB, Browser

WIDTHS = (1280, 390)
"""A desktop and a phone, in CSS pixels."""


def check_page(browser: Browser, page: Path) -> None:
    """All checks, at both widths."""
    for width in WIDTHS:
        browser.resize(width, 900)
        browser.open(page)
        assert browser.errors() == []
        check_images(browser)
        # Tables and commands may scroll in their boxes, the page may not.
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run(TOO_WIDE) == [], f"at {width}"
    check_headings(browser)
    browser.open(page)
    check_keyboard(browser)


TOO_WIDE = """
return [...document.querySelectorAll('article, section, pre, .scroll, img, h1, h2, h3, h4, p')]
    .filter(e => !e.closest('.scroll *') && e.getBoundingClientRect().right > window.innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 80))
"""
HEADINGS = "return [...document.querySelectorAll('h1, h2, h3, h4, h5')].map(e => Number(e.tagName[1]))"
IMAGES = """
return [...document.images].map(
    i => [i.complete && i.naturalWidth > 0, i.alt.length, i.clientWidth > 20, i.closest('a')?.href])
"""
FOCUSED = "const e = document.activeElement; return [e.tagName, e.className, e.textContent.trim()]"
FOCUS_IS_SEEN = """
const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
return style.outlineStyle != 'none' && parseFloat(style.outlineWidth) > 0 && box.left >= 0 && box.width > 0
"""


def check_images(browser: Browser) -> None:
    """Every picture is there, says in words what it shows and leads to its file."""
    images = browser.run(IMAGES)
    assert images
    assert all(loaded and words > 30 and seen for loaded, words, seen, _ in images), images
    for *_, link in images:
        assert Path(link.removeprefix("file://")).is_file(), link


def check_headings(browser: Browser) -> None:
    """One heading of the first level; no level is left out on the way down."""
    levels = browser.run(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), levels


def check_keyboard(browser: Browser) -> None:
    """Tab reaches the link past the contents first, which works; details open by Enter; the focus is seen."""
    browser.press(TAB)
    tag, name, text = browser.run(FOCUSED)
    assert (tag, name, text) == ("A", "skip", "Skip to the content")
    assert browser.run(FOCUS_IS_SEEN)
    browser.press(ENTER)
    assert browser.run("return document.activeElement.id") == "content"
    for _ in range(200):
        browser.press(TAB)
        if browser.run("return document.activeElement.matches('article summary')"):
            break
    assert browser.run("return document.activeElement.matches('article summary')"), "no summary is reached by Tab"
    assert browser.run(FOCUS_IS_SEEN)
    assert not browser.run("return document.activeElement.parentElement.open")
    browser.press(ENTER)
    assert browser.run("return document.activeElement.parentElement.open")
