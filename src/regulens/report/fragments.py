"""Files as pieces of HTML: pictures, tables and captions."""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from docutils.core import publish_parts
from docutils.utils import SystemMessage
from markdown_it import MarkdownIt
from markupsafe import Markup
from PIL import Image

from regulens.core.errors import InputError
from regulens.core.tables import damaged, read_table

PICTURE_WIDTH = 1500
"""Maximum width in pixels when pictures have to be reduced. The page links to the originals."""
CSS_DPI, ENLARGED = 96, 1.1
"""Pixels of CSS in an inch, and by how much figures are larger on the page than on paper."""
THUMBNAIL = (300, 150)
"""Largest width and height of a thumbnail in pixels, twice those that it is shown in."""
TABLE_ROWS = 20
"""Rows shown of a CSV without Markdown; the rest is in the file."""
ALT_LENGTH = 320
_DOCUTILS = {"report_level": 2, "halt_level": 2, "file_insertion_enabled": False, "raw_enabled": False}


class Picture(NamedTuple):
    """A picture of the page."""

    data: str
    """The picture as a data URL."""
    size: tuple[int, int]
    """Width and height of the original picture in pixels."""
    width: int
    """Width on the page in CSS pixels: a little more than on paper, so that letters have one size in all figures."""


def picture(path: Path, smaller: bool = False) -> Picture:
    """A PNG as a data URL: unchanged, or at most `PICTURE_WIDTH` wide and with 256 colours if that is smaller."""
    with _opened(path) as image:
        content, size, dpi = path.read_bytes(), image.size, image.info.get("dpi", (CSS_DPI, CSS_DPI))[0]
        versions = [content, _smaller(image)] if smaller else [content]
    return Picture(
        "data:image/png;base64," + base64.b64encode(min(versions, key=len)).decode(),
        size,
        round(size[0] / dpi * CSS_DPI * ENLARGED),
    )


def thumbnail(path: Path) -> str:
    """A PNG as a small picture of at most `THUMBNAIL` pixels, as a data URL."""
    with _opened(path) as image:
        small = _on_white(image)
    small.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=75)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            image.load()
            yield image
    except (OSError, SyntaxError) as error:
        raise damaged(path, f"not a PNG ({error})") from None


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    flat = Image.new("RGB", rgba.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return flat


def _smaller(image: Image.Image) -> bytes:
    flat = _on_white(image)
    if flat.width > PICTURE_WIDTH:
        flat = flat.resize((PICTURE_WIDTH, round(flat.height * PICTURE_WIDTH / flat.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    flat.quantize(256, dither=Image.Dither.NONE).save(buffer, format="PNG", compress_level=9)
    return buffer.getvalue()


def caption(path: Path) -> Markup:
    """A caption in reStructuredText as HTML."""
    try:
        parts = publish_parts(path.read_text(), writer="html5", settings_overrides=_DOCUTILS)
    except SystemMessage as error:
        raise InputError(f"{path}: not valid reStructuredText ({error}): correct the caption") from None
    return Markup(parts["body"])


def inline(text: str) -> Markup:
    """One line of Markdown (code between backticks, emphasis) as HTML."""
    return Markup(MarkdownIt("commonmark", {"html": False}).renderInline(text))


def alternative_text(item: str, title: str, shown: Markup) -> str:
    """Alternative text of a picture: title and caption, up to `ALT_LENGTH` characters."""
    text = f"{item}: {title}."
    for sentence in re.split(r"(?<=[.?!])\s+", " ".join(shown.striptags().split())):
        if len(text) + len(sentence) >= ALT_LENGTH:
            break
        text += f" {sentence}"
    return text


def table(path: Path, name: str) -> Markup:
    """A table as HTML: from its Markdown (rounded, with published numbers and notes) if it has one, else the CSV."""
    markdown = path.with_suffix(".md")
    return from_markdown(markdown.read_text(), name) if markdown.is_file() else from_csv(path, name)


def from_markdown(text: str, name: str) -> Markup:
    """Markdown as HTML; headings become lowest-level headings, tables scroll in boxes."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    if tokens and tokens[0].type == "heading_open":
        tokens = tokens[3:]  # the page has its own heading
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = "h5"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
    html = parser.renderer.render(tokens, parser.options, {})
    # An interval goes below its number, so that columns are narrower.
    html = re.sub(r"(\d(?:</\w+>)?) (\[[^<\]]*\]</td>)", r"\1<br>\2", html)
    return Markup(re.sub(r"<table>(.*?)</table>", lambda found: _boxed(found[0], name), html, flags=re.S))


def from_csv(path: Path, name: str) -> Markup:
    """The first `TABLE_ROWS` rows of a CSV as HTML, headed by words, with four significant digits."""
    values = read_table(path, (), may_be_empty=True).rename(columns=lambda name: name.replace("_", " "))
    html = values.head(TABLE_ROWS).to_html(index=False, border=0, na_rep="", float_format=lambda v: f"{v:.4g}")
    html = _boxed(html.replace("<th>", '<th scope="col">').replace(' style="text-align: right;"', ""), name)
    if len(values) > TABLE_ROWS:
        html += Markup(f"<p>The first {TABLE_ROWS} of {len(values):,} rows; all are in the CSV.</p>")
    return html


def _boxed(html: str, name: str) -> Markup:
    return Markup('<div class="scroll" tabindex="0" role="region" aria-label="{}">').format(f"Table: {name}") + Markup(
        f"{html}</div>"
    )
