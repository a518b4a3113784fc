"""What must hold of every page in a browser; used on a small page and on that of the tiny run."""

from pathlib import Path

from browser import ENTER, TAB, Browser

WIDTHS = (1440, 1024, 390)
"""A desktop, a tablet and a phone, in CSS pixels."""


def check_page(browser: Browser, page: Path) -> None:
    """All checks, at every width."""
    for width in WIDTHS:
        browser.resize(width, 900)
        browser.open(page)
        assert browser.errors() == []
        check_images(browser)
        # Tables and commands may scroll in their boxes, the page may not.
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run(TOO_WIDE) == [], f"at {width}"
    check_headings(browser)
    check_contents(browser, page)
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
        path, _, place = link.removeprefix("file://").partition("#")
        assert Path(path).is_file(), link
        assert not place or browser.run("return document.getElementById(arguments[0]) !== null", place), link


CURRENT = "return [...document.querySelectorAll('nav a[aria-current]')].map(a => a.hash)"
FOUND = "return [...document.querySelectorAll('nav li li')].filter(i => !i.hidden).map(i => i.textContent.trim())"
FIND = """
const box = document.querySelector('.find input');
box.value = arguments[0];
box.dispatchEvent(new Event('input'));
"""
COLOURS = "const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]"


def check_contents(browser: Browser, page: Path) -> None:
    """The contents mark the current section and can be searched, folded claims open for a link, and dark is dark."""
    browser.resize(WIDTHS[0], 900)
    browser.open(page)
    assert browser.run(CURRENT) == ["#overview"]
    place = browser.run("return document.querySelector('.strip a').hash")
    browser.run("document.querySelector('.strip a').click()")
    browser.wait_for(f"return document.querySelector('nav a[aria-current]')?.hash === '{place}'")
    browser.run(FIND, "figure 1")
    found = browser.run(FOUND)
    assert "figure 1" in {text.lower() for text in found}
    caption = " ".join(browser.run("return document.querySelector('article .caption').textContent").split())
    browser.run(FIND, caption)  # over the breaks of its lines
    assert len(browser.run(FOUND)) > 0
    browser.run(FIND, "no such word")
    assert browser.run(FOUND) == []
    assert browser.run("return document.querySelector('.find output').textContent") == "Nothing found"
    browser.run(FIND, "")
    assert len(browser.run(FOUND)) > 5
    browser.run("location.hash = document.querySelector('.claims tr[id]').id")
    browser.wait_for("return document.querySelector('.claims tr[id]').closest('details').open")
    light = browser.run(COLOURS)
    browser.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    assert browser.run(COLOURS) != light
    browser.devtools("Emulation.setEmulatedMedia", {"features": []})


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
