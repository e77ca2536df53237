"""Reading order: golden pages, and properties that any page must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shizi.geometry import box_to_quad
from shizi.layout import Arranged, arrange
from shizi.page import Quads

Box = tuple[float, float, float, float]


def read(lines: dict[str, Box], degrees: float = 0.0) -> list[Arranged]:
    """Arrange named boxes, handed over in a scrambled order; index runs over ``lines``."""
    quads = box_to_quad(np.array(list(lines.values()), dtype=np.float32))
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    scrambled = np.random.default_rng(7).permutation(len(lines))
    texts = list(lines)
    places = arrange((quads @ matrix).astype(np.float32)[scrambled], [texts[i] for i in scrambled])
    return [Arranged(int(scrambled[p.index]), p.block, p.paragraph, p.vertical) for p in places]


def order(lines: dict[str, Box], degrees: float = 0.0) -> list[str]:
    names = list(lines)
    return [names[place.index] for place in read(lines, degrees)]


def column(name: str, x: float, y: float, rows: int, width: float = 300) -> dict[str, Box]:
    return {
        f"{name}{i} text that fills": (x, y + 30 * i, x + width, y + 30 * i + 20)
        for i in range(rows)
    }


TWO_COLUMNS = column("left", 0, 100, 8) | column("right", 340, 100, 8)
TABLE = {
    f"row{r} cell{c}": (c * 150.0, r * 30.0, c * 150.0 + 40 + 13 * ((r + c) % 4), r * 30.0 + 20)
    for r in range(6)
    for c in range(4)
}
RECEIPT = {
    name: box
    for i, item in enumerate(["SOAP", "BREAD WHITE LARGE", "MILK 1L", "TOTAL", "CASH", "CHANGE"])
    for name, box in {
        item: (20.0, 40 + 28.0 * i, 20 + 14.0 * len(item), 60 + 28.0 * i),
        f"{i}.50": (400.0 - 12 * (i % 3), 42 + 28.0 * i, 460.0, 61 + 28.0 * i),
    }.items()
}
VERTICAL = {
    f"第{i}行自上而下": (500.0 - 40 * i, 80.0, 524.0 - 40 * i, 480.0 - 90 * (i % 2))
    for i in range(8)
}


@pytest.mark.parametrize("degrees", [0, 5, -5, 20])
def test_columns_with_level_rows_are_read_one_after_the_other(degrees: float) -> None:
    assert order(TWO_COLUMNS, degrees) == list(TWO_COLUMNS)


@pytest.mark.parametrize("shift", [7, 13])
def test_columns_out_of_step(shift: float) -> None:
    lines = column("left", 0, 100, 8) | column("right", 340, 100 + shift, 7)
    assert order(lines) == list(lines)


def test_titles_part_bands() -> None:
    lines: dict[str, Box] = {"the title of it all": (60, 20, 600, 60)}
    lines |= column("upper left", 0, 100, 4) | column("upper right", 340, 100, 5)
    lines |= {"a second heading": (40, 262, 560, 290)}
    lines |= column("lower left", 0, 310, 5) | column("lower right", 340, 310, 3)
    lines |= {"- 3 -": (300, 520, 340, 540)}
    assert order(lines) == list(lines)


def test_spread_of_two_pages_reads_each_page_whole() -> None:
    first = {"title of the left page": (0.0, 40.0, 640.0, 80.0)} | TWO_COLUMNS
    second = column("third", 800, 40, 10) | column("fourth", 1140, 45, 9)
    assert order(first | second) == list(first | second)


def test_a_page_number_at_the_side_is_read_last() -> None:
    lines = TWO_COLUMNS | {"12": (0.0, 420.0, 30.0, 440.0)}
    assert order(lines)[-1] == "12"


@pytest.mark.parametrize("degrees", [0, 5, -8])
def test_tables_and_receipts_are_read_row_by_row(degrees: float) -> None:
    assert order(TABLE, degrees) == list(TABLE)
    assert order(RECEIPT, degrees) == list(RECEIPT)


@pytest.mark.parametrize("degrees", [0, 3])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_conversation_is_read_from_top_to_bottom(rows: int, degrees: float) -> None:
    lines: dict[str, Box] = {}
    y = 50.0
    for i, left in enumerate([1, 0, 0, 1, 0, 1, 1, 0, 1]):
        for row in range(rows):
            width = 260 if row < rows - 1 else 60 + 37 * (i % 4)
            x = 80.0 if left else 620.0 - width
            lines[f"message {i} row {row}"] = (x, y, x + width, y + 24)
            y += 32
        y += 40
    assert order(lines, degrees) == list(lines)


def test_words_of_a_line_join_into_one_row() -> None:
    lines: dict[str, Box] = {
        "one": (0, 2, 40, 22), "two": (48, 0, 90, 20), "three": (98, 4, 160, 24),
        "four": (0, 30, 50, 50), "five": (58, 28, 100, 48),
    }  # fmt: skip
    assert order(lines) == ["one", "two", "three", "four", "five"]


def test_vertical_columns_run_from_right_to_left() -> None:
    places = read(VERTICAL)
    assert [p.index for p in places] == list(range(8))
    assert all(p.vertical for p in places)
    assert order(VERTICAL, 4) == list(VERTICAL)


def test_horizontal_title_over_vertical_text() -> None:
    lines = {"橫排的大標題": (230.0, 10.0, 500.0, 50.0)} | VERTICAL
    places = read(lines)
    assert [p.index for p in places] == list(range(9))
    assert [p.vertical for p in places] == [False] + [True] * 8


def test_two_tiers_of_vertical_text() -> None:
    lower = {f"下段第{i}": (500.0 - 40 * i, 520.0, 524.0 - 40 * i, 900.0) for i in range(8)}
    upper = {name: (x0, y0, x1, 480.0) for name, (x0, y0, x1, _) in VERTICAL.items()}
    assert order(upper | lower) == list(upper | lower)


def test_a_tall_single_character_is_not_vertical() -> None:
    assert not read({"1": (0, 0, 8, 24), "你好": (20, 0, 60, 24)})[0].vertical


def test_paragraphs_by_indent_gap_and_short_last_line() -> None:
    lines: dict[str, Box] = {
        "Heading": (0, 0, 120, 34),
        "　　第一段的第一行，缩进两格": (40, 50, 300, 70),
        "第一段的第二行顶格排印出来": (0, 75, 300, 95),
        "第一段完。": (0, 100, 100, 120),
        "第二段不缩进，但上一行很短": (0, 125, 300, 145),
        "第二段的第二行顶格排印出来": (0, 150, 300, 170),
        "隔开一行的第三段第一行文字": (0, 200, 300, 220),
        "第三段的第二行顶格排印出来": (0, 225, 300, 245),
        "　　缩进的第四段，第一行文字": (40, 250, 300, 270),
        "第四段的第二行顶格排印出来": (0, 275, 300, 295),
    }
    places = read(lines)
    assert [p.index for p in places] == list(range(10))
    assert [p.paragraph for p in places] == [0, 1, 1, 1, 2, 2, 3, 3, 4, 4]
    assert {p.block for p in places} == {0}


def test_blocks_are_the_columns() -> None:
    assert [p.block for p in read(TWO_COLUMNS)] == [0] * 8 + [1] * 8


def test_nothing_and_mismatch() -> None:
    assert arrange(np.zeros((0, 4, 2), np.float32), []) == []
    with pytest.raises(ValueError, match="2 quads do not match 1 texts"):
        arrange(np.zeros((2, 4, 2), np.float32), ["a"])


def test_degenerate_quads_are_all_returned() -> None:
    places = arrange(np.zeros((5, 4, 2), np.float32), ["a", "b", "", "d", "e"])
    assert sorted(p.index for p in places) == list(range(5))


@st.composite
def pages(draw: st.DrawFn) -> tuple[Quads, list[str]]:
    """Upright boxes on whole pixels, no two alike, with texts of 0 to 3 characters."""
    corner, side = st.integers(0, 300), st.integers(1, 200)
    boxes = draw(
        st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=40, unique=True)
    )
    array = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], dtype=np.float32)
    texts = draw(st.lists(st.sampled_from(["", "字", "ab", "完。"]), min_size=len(array), max_size=len(array)))  # fmt: skip  # noqa: E501
    return box_to_quad(array), texts


@settings(max_examples=150)
@given(page=pages(), data=st.data())
def test_order_depends_on_the_geometry_only(page: tuple[Quads, list[str]], data: st.DataObject) -> None:  # fmt: skip  # noqa: E501
    quads, texts = page
    places = arrange(quads, texts)
    assert sorted(p.index for p in places) == list(range(len(quads)))
    for field in ("block", "paragraph"):
        numbers = [getattr(p, field) for p in places]
        assert numbers[0] == 0
        assert all(0 <= step <= 1 for step in np.diff(numbers))

    shuffled = data.draw(st.permutations(range(len(quads))))
    again = arrange(quads[shuffled], [texts[i] for i in shuffled])
    assert [(shuffled[p.index], p.block, p.paragraph) for p in again] == [
        (p.index, p.block, p.paragraph) for p in places
    ]

    scale = data.draw(st.sampled_from([0.25, 2.0, 8.0]))
    dx, dy = data.draw(st.tuples(st.integers(-500, 500), st.integers(-500, 500)))
    moved = (quads * scale + np.array([dx, dy])).astype(np.float32)
    assert arrange(moved, texts) == places


def test_two_thousand_lines() -> None:
    lines: dict[str, Box] = {}
    for c in range(10):
        lines |= column(f"c{c} ", c * 340, 0, 200)
    assert order(lines) == list(lines)
