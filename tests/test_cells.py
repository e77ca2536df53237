"""Digits and letters below each other are cells where they stand level with others."""

from __future__ import annotations

import numpy as np

from shizi.geometry import box_to_quad
from shizi.page import Char, Quads
from shizi.reader.cells import part, vouched
from shizi.recognition import Reading


def column(text: str, **kind: bool) -> Reading:
    n = len(text)
    chars = tuple(Char(c, 0.99, (i + 0.2) / n, (i + 0.8) / n) for i, c in enumerate(text))
    return Reading(text, 0.99, chars, vertical=kind.get("vertical", True))


def columns(count: int) -> Quads:
    boxes = [(100.0 * i, 0.0, 100.0 * i + 30, 160.0) for i in range(count)]
    return box_to_quad(np.array(boxes, np.float32))


def test_columns_of_letters_that_stand_level_are_cells() -> None:
    quads, readings = part(columns(2), [column("ABDC"), column("CDBA")])
    assert "".join(r.text for r in readings) == "ABDCCDBA"
    assert not any(r.vertical for r in readings)
    np.testing.assert_allclose(quads[1], [[0, 40], [30, 40], [30, 80], [0, 80]])
    np.testing.assert_allclose(quads[4:, 0, 0], 100)


def test_a_letter_beside_each_one_is_enough() -> None:
    lone = box_to_quad(np.array([[60, 40 * i + 2, 85, 40 * i + 38] for i in range(4)], np.float32))
    given = np.concatenate([columns(1), lone])
    _, readings = part(given, [column("1234"), *(column(c, vertical=False) for c in "是否是否")])
    assert [r.text for r in readings] == [*"1234", *"是否是否"]


def test_a_word_that_stands_by_itself_stays_whole() -> None:
    assert part(columns(1), [column("HOTEL")])[1] == [column("HOTEL")]


def test_columns_of_chinese_stay_whole() -> None:
    verse = [column("床前明月"), column("疑是地上")]
    quads, readings = part(columns(2), verse)
    assert readings == verse
    np.testing.assert_allclose(quads, columns(2))


def test_no_lines_have_no_cells() -> None:
    quads, readings = part(columns(1)[:0], [])
    assert quads.shape == (0, 4, 2)
    assert readings == []


def lone(*texts: str) -> list[Reading]:
    return [Reading(t, 0.7, tuple(Char(c, 0.7, 0.0, 1.0) for c in t)) for t in texts]


def boxes(*places: tuple[float, float]) -> Quads:
    """Cells of 30 by 36 pixels by their left and top."""
    return box_to_quad(np.array([[x, y, x + 30, y + 36] for x, y in places], np.float32))


def test_a_stroke_among_numerals_is_a_one() -> None:
    row = boxes((0, 0), (80, 2), (160, -2))
    first, *others = vouched(row, lone("—", "二", "三"))
    assert first.text == first.chars[0].text == "一"
    assert first.chars[0].score == 0.7
    assert others == lone("二", "三")
    assert vouched(row, lone("一", "二", "三"))[0].score > 0.7  # sure enough to be kept
    down = boxes((0, 0), (3, 60), (-2, 120))
    assert [r.text for r in vouched(down, lone("-", "二", "三"))] == ["一", "二", "三"]


def test_a_stroke_by_itself_or_among_words_stays_what_it_is() -> None:
    row = boxes((0, 0), (80, 0), (160, 0))
    for texts in (("—", "语", "数"), ("—", "12", "二月"), ("—", "—", "—")):
        assert vouched(row, lone(*texts)) == lone(*texts)
    below = boxes((0, 50), (0, 0), (80, 0))  # a heading of numerals, and a cell without an entry
    assert vouched(below, lone("—", "二", "三")) == lone("—", "二", "三")
    apart = boxes((0, 0), (80, 50), (160, 100))
    assert vouched(apart, lone("—", "二", "三")) == lone("—", "二", "三")
    faint = [r._replace(score=0.4) for r in lone("—")] + lone("二", "三")
    assert vouched(row, faint) == faint
    long = box_to_quad(np.array([[0, 0, 75, 36], [100, 0, 130, 36]], np.float32))
    assert vouched(long, lone("—", "二")) == lone("—", "二")
    assert vouched(row[:0], []) == []


def test_a_doubtful_numeral_is_believed_among_others() -> None:
    row = boxes((0, 0), (60, 0), (120, 0))
    assert [r.score for r in vouched(row, lone("二", "三", "四"))] == [1.0, 1.0, 1.0]
    assert [r.score for r in vouched(row, lone("二", "三", "人"))] == [0.7, 0.7, 0.7]


def test_a_doubtful_cell_is_what_its_column_is_of() -> None:
    column = boxes((0, 0), (2, 60), (-2, 120))
    assert [r.text for r in vouched(column, lone("8", "O", "5"))] == ["8", "0", "5"]
    assert [r.text for r in vouched(column, lone("I", "2", "5"))] == ["1", "2", "5"]
    believed = vouched(column, lone("B", "H", "D"))
    assert [r.text for r in believed] == ["B", "H", "D"]
    assert believed[1].score > 0.87  # enough for a character that stands alone
    assert believed[1].chars[0].score == 0.7  # as sure as the network was


def test_a_digit_flush_with_longer_numbers_is_believed() -> None:
    sides = np.array([[40, 0, 80, 20], [40, 60, 80, 80], [68, 120, 80, 140]], np.float32)
    axis = box_to_quad(sides)
    assert vouched(axis, lone("500", "250", "0"))[2].score == 1.0
    for texts in (("500", "250", "O"), ("500", "Mon", "0"), ("Tue", "Mon", "0")):
        assert vouched(axis, lone(*texts)) == lone(*texts)
    beside = box_to_quad(sides + np.array([[0, 0, 0, 0], [0, 0, 0, 0], [60, 0, 60, 0]], np.float32))
    assert vouched(beside, lone("500", "250", "0")) == lone("500", "250", "0")


def test_a_row_of_another_kind_does_not_outvote_a_column() -> None:
    table = boxes((0, 0), (0, 60), (0, 120), (80, 120), (160, 120))
    assert vouched(table, lone("2", "3", "O", "F", "E"))[2].text == "0"


def test_what_is_sure_or_among_strangers_stays_what_it_is() -> None:
    column = boxes((0, 0), (0, 60), (0, 120))
    sure = [Reading("O", 0.99, (Char("O", 0.99, 0.0, 1.0),)), *lone("3", "5")]
    assert vouched(column, sure)[0].text == "O"
    assert vouched(column, lone("语", "O", "数")) == lone("语", "O", "数")
    specks = [r._replace(score=0.3) for r in lone("O", "3", "5")]
    assert vouched(column, specks)[0] == specks[0]
