"""Page, Line and Quad: order of points, spans of characters, and JSON there and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizi.certainty import Fit, certainty, surprise
from shizi.errors import DataError
from shizi.page import Char, Line, Page, Quad

BOX = Quad(((10.0, 20.0), (110.0, 20.0), (110.0, 40.0), (10.0, 40.0)))

numbers = st.integers(-9999, 99999).map(lambda n: n / 10)
points = st.tuples(numbers, numbers)
scores = st.integers(0, 10000).map(lambda n: n / 10000)
chars = st.builds(Char, st.characters(codec="utf-8"), scores, scores, scores)
lines = st.builds(
    Line,
    quad=st.builds(Quad, st.tuples(points, points, points, points)),
    text=st.text(),
    score=scores,
    chars=st.lists(chars, max_size=3).map(tuple),
    block=st.integers(0, 99),
    paragraph=st.integers(0, 99),
    vertical=st.booleans(),
)
pages = st.builds(
    Page,
    source=st.text(),
    width=st.integers(1, 9999),
    height=st.integers(1, 9999),
    angle=st.sampled_from([0, 90, 180, 270]),
    angle_score=scores,
    lines=st.lists(lines, max_size=3).map(tuple),
    number=st.integers(1, 999),
    dpi=st.none() | st.integers(1000, 240000).map(lambda n: n / 100),
)


@given(pages)
def test_page_survives_json(page: Page) -> None:
    assert Page.from_dict(json.loads(json.dumps(page.to_dict()))) == page


def test_dict_has_what_the_command_line_promises() -> None:
    page = Page("a.png", 200, 100, 90, 0.98765, (Line(BOX, "识字", 0.87654),))
    data = page.to_dict()
    assert (data["number"], data["dpi"]) == (1, None)
    assert (data["image"], data["width"], data["height"], data["angle"]) == ("a.png", 200, 100, 90)
    assert data["lines"][0]["text"] == "识字"
    assert data["lines"][0]["score"] == 0.8765
    assert data["lines"][0]["quad"] == [[10, 20], [110, 20], [110, 40], [10, 40]]


GOOD = {
    **Page("a.png", 200, 100, 90, 0.9, (Line(BOX, "识", 0.8, (Char("识", 0.8, 0, 1),)),)).to_dict()
}
LINE = GOOD["lines"][0]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "no page.*'image' is missing"),
        ([GOOD], "no page.*a list is no dict"),
        (GOOD | {"width": "200"}, "no page.*width is '200'"),
        (GOOD | {"height": True}, "height is True"),
        (GOOD | {"dpi": [300]}, "dpi is"),
        (GOOD | {"lines": "abc"}, "lines is 'abc'"),
        (GOOD | {"lines": ["abc"]}, "no line.*a str is no dict"),
        (GOOD | {"lines": [LINE | {"text": None}]}, "no line.*text is None"),
        (GOOD | {"lines": [LINE | {"quad": [[1, 2]]}]}, "no line.*shape"),
        (GOOD | {"lines": [LINE | {"quad": [[1, 2], [3], [4, 5], [6, 7]]}]}, "no line"),
        (GOOD | {"lines": [LINE | {"chars": [["识", 0.5]]}]}, "no line"),
        (GOOD | {"lines": [LINE | {"chars": [["识", "a", 0, 1]]}]}, "识 is 'a'"),
        (GOOD | {"lines": [LINE | {"chars": [[]]}]}, "no line"),
        (GOOD | {"lines": [LINE | {"chars": [5]}]}, "no line"),
    ],
)
def test_other_json_is_told_in_a_line(wrong: object, told: str) -> None:
    assert Page.from_dict(GOOD).to_dict() == GOOD
    with pytest.raises(DataError, match=told) as error:
        Page.from_dict(wrong)  # type: ignore[arg-type]
    assert len(str(error.value).splitlines()) == 1
    assert "to_dict" in str(error.value)


def test_text_parts_paragraphs() -> None:
    page = Page(
        "",
        1,
        1,
        lines=tuple(Line(BOX, t, 1, paragraph=p) for t, p in zip("一二三", (0, 0, 1), strict=True)),
    )
    assert page.text == "一\n二\n\n三"
    assert Page("", 1, 1).text == ""


def test_char_quad_runs_along_the_line() -> None:
    half = (Char("识", 1, 0, 0.5), Char("字", 1, 0.5, 1))
    across = Line(BOX, "识字", 1, half)
    assert across.char_quad(1).bounds == (60, 20, 110, 40)
    down = Line(BOX, "识字", 1, half, vertical=True)
    assert down.char_quad(1).bounds == (10, 30, 110, 40)
    # Upside down, the first character stands to the right, with its own top-left lower right.
    turned = Line(Quad.from_array(BOX.to_array()[[2, 3, 0, 1]]), "识字", 1, half)
    assert turned.char_quad(0).points[0] == (110, 40)
    assert turned.char_quad(0).bounds == (60, 20, 110, 40)


def test_words_are_runs_without_a_blank() -> None:
    texts = "识字 OCR"
    chars = tuple(Char(c, 0.5 + n / 10, n / 6, (n + 1) / 6) for n, c in enumerate(texts))
    across = Line(BOX, texts, 0.7, chars)
    first, second = across.words
    assert (first.text, second.text) == ("识字", "OCR")
    assert first.quad.bounds == pytest.approx((10, 20, 10 + 200 / 6, 40))
    assert second.quad.bounds == pytest.approx((60, 20, 110, 40))
    assert second.chars == chars[3:]
    down = Line(BOX, texts, 0.7, chars, vertical=True)
    assert down.words[1].quad.bounds == pytest.approx((10, 30, 110, 40))


@pytest.mark.parametrize("fit", [Fit(0.83, 0.84), None])
def test_a_long_line_is_less_certain_than_a_short_one(fit: Fit | None) -> None:
    assert certainty([1.0], fit) == certainty([1.0] * 50, fit) == 1
    assert certainty([0.99] * 30, fit) < certainty([0.99] * 3, fit) < 0.99
    assert 0.9 < certainty([0.99], fit) < certainty([0.999], fit) < 1


def test_one_doubtful_character_makes_the_line_doubtful() -> None:
    fit = Fit(0.83, 0.84)
    assert certainty([1.0] * 30 + [0.5], fit) == certainty([0.5], fit) < 0.6
    assert 0 < certainty([0.0, 1.0], fit) < 0.1
    assert certainty([1.0000001], fit) == 1  # of a network that rounds


@pytest.mark.parametrize("wrong", [(0, 1), (1, -1), (float("nan"), 1), (1, float("inf"))])
def test_a_fit_that_makes_no_sense_is_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Fit(*wrong)


def test_words_share_the_doubts_of_their_line() -> None:
    def words(scores: list[float], certain: float) -> list[float]:
        chars = tuple(Char(c, p, 0, 1) for c, p in zip("ab cd", scores, strict=True))
        return [word.score for word in Line(BOX, "ab cd", certain, chars).words]

    sure, doubtful = words([1, 1, 1, 0.5, 1], 0.4)
    assert sure == 1
    assert doubtful == pytest.approx(0.4)
    even = words([0.9, 1, 1, 0.9, 1], 0.5)
    assert even == pytest.approx([2 / 3, 2 / 3])  # odds of 1 to 2 each
    assert words([1] * 5, 0.7) == [0.7, 0.7]
    assert words([1, 1, 1, 0.5, 1], 0.0) == [1, 0]
    whole = (Char("a", 0.5, 0, 0.5), Char("b", 0.6, 0.5, 1))
    (word,) = Line(BOX, "ab", 0.3, whole).words
    assert word.score == pytest.approx(0.3)
    assert surprise([0.5, 0.5]) == pytest.approx(-np.log(0.25))


def test_words_of_a_line_whose_characters_have_no_place() -> None:
    first, second = Line(BOX, " ab cd", 0.7).words
    assert (first.text, second.text) == ("ab", "cd")
    assert first.score == second.score == pytest.approx(0.7)
    assert second.quad.bounds == pytest.approx((10 + 400 / 6, 20, 110, 40))
    assert Line(BOX, "", 0.7).words == Line(BOX, "  ", 0.7).words == ()


def test_quad_of_array_and_back() -> None:
    array = BOX.to_array()
    assert array.shape == (4, 2)
    assert array.dtype == np.float32
    assert Quad.from_array(array) == BOX
    assert BOX.bounds == (10, 20, 110, 40)


@pytest.mark.parametrize("wrong", [np.zeros((2, 4)), np.zeros((3, 2)), np.full((4, 2), np.nan)])
def test_quad_refuses(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="quad"):
        Quad.from_array(wrong)
