"""Pictures, tables and captions as HTML: readable, escaped, and refused when they are broken."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from regulens.core.errors import InputError
from regulens.report import fragments


def decoded(address: str) -> Image.Image:
    assert address.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1])))


def gradient(path: Path) -> Path:
    Image.linear_gradient("L").resize((2000, 900)).convert("RGB").save(path)
    return path


def test_a_picture_is_embedded_as_it_is(tmp_path):
    path = gradient(tmp_path / "a.png")
    content = base64.b64decode(fragments.picture(path).data.split(",", 1)[1])
    assert content == path.read_bytes()
    assert fragments.picture(path).size == (2000, 900)


def test_a_smaller_picture_is_one(tmp_path):
    path = tmp_path / "a.png"
    Image.effect_noise((2000, 1000), 60).convert("RGB").save(path)
    image = decoded(fragments.picture(path, smaller=True).data)
    assert image.size == (1500, 750)
    assert len(fragments.picture(path, smaller=True).data) < len(fragments.picture(path).data) / 2


def test_clear_background_becomes_white(tmp_path):
    path = tmp_path / "a.png"
    noise = Image.effect_noise((1600, 800), 60).convert("RGBA")
    noise.paste((0, 0, 0, 0), (0, 0, 800, 800))
    noise.save(path)
    assert decoded(fragments.picture(path, smaller=True).data).convert("RGB").getpixel((10, 10)) == (255, 255, 255)


def test_a_broken_picture_is_named(tmp_path):
    path = gradient(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"a\.png: not a PNG"):
        fragments.picture(path)


def test_captions_are_rendered_and_broken_ones_named(tmp_path):
    path = tmp_path / "a.rst"
    path.write_text("One ``word`` & *more* <b>.\n")
    html = fragments.caption(path)
    assert "<em>more</em>" in html
    assert "&lt;b&gt;" in html
    path.write_text("An unknown :nonsense:`role`.\n")
    with pytest.raises(InputError, match=r"a\.rst: not valid reStructuredText"):
        fragments.caption(path)


def test_captions_cannot_bring_files_in(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    path = tmp_path / "a.rst"
    path.write_text(f".. include:: {tmp_path}/secret.txt\n")
    with pytest.raises(InputError, match=r"a\.rst"):
        fragments.caption(path)


def test_the_alternative_text_ends_with_a_sentence(tmp_path):
    path = tmp_path / "a.rst"
    path.write_text("First sentence. " + "A second one, which goes on and on" * 12 + ".\n")
    text = fragments.alternative_text("Figure 2", "Points", fragments.caption(path))
    assert text == "Figure 2: Points. First sentence."


def test_markdown_is_escaped_and_its_tables_scroll_on_their_own():
    text = "# Title\n\n| a | b |\n| --- | ---: |\n| <b>x</b> | 1 |\n\n- Note {{ 1 }} & more\n\n## Further\n"
    html = fragments.from_markdown(text, 'Table "1"')
    assert "Title" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert '<div class="scroll" tabindex="0" role="region" aria-label="Table: Table &#34;1&#34;"><table>' in html
    assert html.count('scope="col"') == 2
    assert "<li>Note {{ 1 }} &amp; more</li>" in html
    assert "<h5>Further</h5>" in html


def test_a_long_csv_is_cut_and_says_so(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,value\n" + "".join(f"<i>{n}</i>,{n / 7}\n" for n in range(1234)))
    html = fragments.table(path, "Numbers")
    assert html.count("<tr") == 1 + fragments.TABLE_ROWS
    assert "The first 20 of 1,234 rows" in html
    assert "&lt;i&gt;3&lt;/i&gt;" in html
    assert "0.4286" in html


def test_a_csv_that_is_none_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"unfinished\n')
    with pytest.raises(InputError, match=r"a\.csv: not a table"):
        fragments.table(path, "Numbers")


def test_the_markdown_beside_a_csv_is_shown(tmp_path):
    (tmp_path / "a.csv").write_text("name\n1.23456789\n")
    (tmp_path / "a.md").write_text("| name |\n| --- |\n| 1.23 (1.30) |\n")
    assert "1.23 (1.30)" in fragments.table(tmp_path / "a.csv", "Numbers")
