"""Each format, exactly as written, page by page."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shizi
from shizi.errors import WriteError
from shizi.formats import FORMATS, FormatName, write
from shizi.formats.parts import join
from shizi.formats.picture import is_drawing
from shizi.page import Line, Page, Quad, Sheet

QUAD = Quad(((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0)))


def page(source: str, *lines: tuple[str, int] | tuple[str, int, int]) -> Page:
    """A page of lines given as (text, paragraph) or (text, paragraph, block)."""
    made = (Line(QUAD, text, 0.9, paragraph=p, block=sum(b)) for text, p, *b in lines)
    return Page(source, 90, 50, lines=tuple(made))


LETTER = page("信.png", ("你好", 0), ("世界", 0), ("再见", 1))
SIGN = page("dir/b.png", ("OPEN", 0))
EMPTY = page("c.png")


def written(kind: FormatName, *pages: Page) -> str:
    out = io.BytesIO()
    write(iter(pages), out, kind)
    return out.getvalue().decode()


def test_text() -> None:
    assert written("text", LETTER) == "你好\n世界\n\n再见\n"
    assert written("text", EMPTY) == ""
    assert written("text") == ""
    several = "# 信.png\n你好\n世界\n\n再见\n\n# c.png\n\n# dir/b.png\nOPEN\n"
    assert written("text", LETTER, EMPTY, SIGN) == several


def test_jsonl() -> None:
    rows = written("jsonl", LETTER, EMPTY).splitlines()
    assert [json.loads(row) for row in rows] == [LETTER.to_dict(), EMPTY.to_dict()]
    assert "你好" in rows[0]
    assert written("jsonl") == ""


def test_json() -> None:
    assert json.loads(written("json", LETTER, SIGN)) == [LETTER.to_dict(), SIGN.to_dict()]
    assert json.loads(written("json", EMPTY)) == [EMPTY.to_dict()]
    assert json.loads(written("json")) == []


@given(st.text(), st.text())
def test_json_holds_any_text(source: str, text: str) -> None:
    given_page = page(source, (text, 0))
    assert json.loads(written("json", given_page)) == [given_page.to_dict()]
    (row,) = written("jsonl", given_page).rstrip("\n").split("\n")
    assert Page.from_dict(json.loads(row)) == given_page


def test_markdown() -> None:
    assert written("markdown", LETTER, SIGN, EMPTY) == (
        "## 信.png\n\n你好世界\n\n再见\n\n## dir/b.png\n\nOPEN\n\n## c.png\n"
    )


def test_markdown_block_starts_a_paragraph() -> None:
    two = page("x", ("左", 0, 0), ("右", 0, 1))
    assert written("markdown", two) == "## x\n\n左\n\n右\n"


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ("识", "字", "识字"),
        ("a word", "and more", "a word and more"),
        ("使用", "Python", "使用Python"),
        ("Python", "语言", "Python语言"),
        ("好，", "OK", "好，OK"),
        ("well-", "known", "well-known"),
        ("", "x", "x"),
        ("x", "", "x"),
    ],
)
def test_joining_lines(left: str, right: str, joined: str) -> None:
    assert join(left, right) == joined


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("138****0000", r"138\*\*\*\*0000"),
        ("a_b <c> [d] `e` f\\g", r"a\_b \<c> \[d\] \`e\` f\\g"),
        ("# 1 in town", r"\# 1 in town"),
        ("- 5 °C", r"\- 5 °C"),
        ("1. first", r"1\. first"),
        ("1.5 kg", "1.5 kg"),
        ("12) x", r"12\) x"),
    ],
)
def test_markdown_shows_the_text_itself(text: str, safe: str) -> None:
    assert written("markdown", page("x", (text, 0))) == f"## x\n\n{safe}\n"


def plain(out: io.BytesIO) -> bytes:
    """What was written, without tags."""
    return re.sub(b"<span[^>]*>|</span>", b"", out.getvalue())


HOSTILE = "a\x1b[2J\x9b31m\nb\u202ec\u2028.png"


@pytest.mark.parametrize("kind", ["text", "json", "jsonl", "markdown"])
def test_nothing_that_a_terminal_obeys_is_written(kind: FormatName) -> None:
    hostile, plain = page(HOSTILE, (HOSTILE, 0)), page("a.png", ("a", 0))
    bad = set(HOSTILE) - set("a[2J31mbc.png\n")
    both = written(kind, hostile, hostile)
    assert not bad & set(both)
    assert both.count("\n") == written(kind, plain, plain).count("\n")
    assert r"\x1b[2J" in both or r"\\x1b\[2J" in both or r"\u001b[2J" in both


@pytest.mark.parametrize("kind", [name for name, kind in FORMATS.items() if not kind.binary])
def test_pages_are_written_as_they_come(kind: FormatName) -> None:
    out = io.BytesIO()

    def coming() -> Iterator[Page]:
        yield page("1", ("first", 0))
        yield page("2", ("second", 0))
        assert b"first" in plain(out)  # by now the second is known, so the first is out
        yield page("3", ("third", 0))
        assert b"second" in plain(out)

    write(coming(), out, kind)
    assert b"third" in plain(out)


# The public door


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    shizi.write(LETTER, tmp_path / "a.txt", "text")
    shizi.write([LETTER, Sheet(SIGN)], str(tmp_path / "a.json"), "json")
    assert (tmp_path / "a.txt").read_text("utf-8") == written("text", LETTER)
    assert len(json.loads((tmp_path / "a.json").read_text("utf-8"))) == 2

    def broken() -> Iterator[Page]:
        yield LETTER
        raise RuntimeError

    with pytest.raises(RuntimeError):
        shizi.write(broken(), tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text("utf-8") == written("text", LETTER)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.txt"]


def test_what_cannot_be_written_says_why() -> None:
    with pytest.raises(WriteError, match="'docx' is no format; choose from text, json"):
        shizi.write(LETTER, io.BytesIO(), "docx")  # type: ignore[arg-type]
    with pytest.raises(WriteError, match="open as text"):
        shizi.write(LETTER, io.StringIO(), "text")  # type: ignore[arg-type]
    sheet = Sheet(SIGN, np.full((50, 90, 3), 255, np.uint8))
    for pages, what in (([], "not none"), ([sheet, sheet], "not several"), (SIGN, "the picture")):
        with pytest.raises(WriteError, match=what):
            shizi.write(pages, io.BytesIO(), "picture")


def test_the_annotated_picture_is_a_format_and_knows_its_own() -> None:
    out = io.BytesIO()
    shizi.write(Sheet(SIGN, np.full((50, 90, 3), 255, np.uint8)), out, "picture")
    assert PIL.Image.open(io.BytesIO(out.getvalue())).size == (180, 50)
    assert is_drawing(io.BytesIO(out.getvalue()))
    photo = io.BytesIO()
    PIL.Image.new("RGB", (9, 9)).save(photo, "JPEG")
    assert not is_drawing(photo)
    assert not is_drawing(io.BytesIO(b"text"))


def test_every_format_has_a_suffix_of_its_own() -> None:
    assert len({kind.suffix for kind in FORMATS.values()}) == len(FORMATS)


def test_draw_is_the_function_whatever_was_imported() -> None:
    import shizi.formats.drawing

    assert shizi.draw is shizi.formats.drawing.draw
    assert shizi.write is write
