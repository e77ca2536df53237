"""Digits and letters below each other are cells where they stand level with others."""

from __future__ import annotations

import numpy as np

from shizi.cells import part
from shizi.geometry import box_to_quad
from shizi.page import Char, Quads
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
