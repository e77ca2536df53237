"""Each format, exactly as written, page by page."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizi.formats import WRITERS, Format
from shizi.formats.markdown import join
from shizi.page import Line, Page, Quad

QUAD = Quad(((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0)))


def page(source: str, *lines: tuple[str, int] | tuple[str, int, int]) -> Page:
    """A page of lines given as (text, paragraph) or (text, paragraph, block)."""
    made = (Line(QUAD, text, 0.9, paragraph=p, block=sum(b)) for text, p, *b in lines)
    return Page(source, 90, 50, lines=tuple(made))


LETTER = page("信.png", ("你好", 0), ("世界", 0), ("再见", 1))
SIGN = page("dir/b.png", ("OPEN", 0))
EMPTY = page("c.png")


def written(kind: Format, *pages: Page) -> str:
    out = io.StringIO()
    WRITERS[kind](iter(pages), out)
    return out.getvalue()


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


@pytest.mark.parametrize("kind", WRITERS)
def test_pages_are_written_as_they_come(kind: Format) -> None:
    out = io.StringIO()

    def coming() -> Iterator[Page]:
        yield page("1", ("first", 0))
        yield page("2", ("second", 0))
        assert "first" in out.getvalue()  # by now the second is known, so the first is out
        yield page("3", ("third", 0))
        assert "second" in out.getvalue()

    WRITERS[kind](coming(), out)
    assert "third" in out.getvalue()
