"""What a page's lines say of each other: icons, ticks, and the pitch of characters."""

from __future__ import annotations

import numpy as np

from shizi.geometry import box_to_quad
from shizi.page import Char, Quads
from shizi.reader.cells import vouched
from shizi.reader.icons import without_icons
from shizi.reader.pitch import gridded
from shizi.reader.ticks import without_ticks
from shizi.recognition import Reading

Line = tuple[float, float, float, float, str, float]
"""Left, top, width, height, what it says, and its score."""


def page(*lines: Line) -> tuple[Quads, list[Reading]]:
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _, _ in lines], np.float32)
    said = []
    for *_, text, score in lines:
        n = max(len(text), 1)
        chars = tuple(Char(c, score, i / n, (i + 1) / n) for i, c in enumerate(text))
        said.append(Reading(text, score, chars))
    return box_to_quad(boxes), said


def texts(readings: list[Reading]) -> list[str]:
    return [r.text for r in readings if r.text]


def menu(*icons: tuple[str, float]) -> tuple[Quads, list[Reading]]:
    lines: list[Line] = []
    for i, (icon, score) in enumerate(icons):
        lines += [(10, 60 * i, 24, 24, icon, score), (50, 60 * i, 90, 24, "通用设置", 1.0)]
    return page(*lines)


def test_icons_before_words_are_no_letters() -> None:
    quads, said = menu(("O", 0.9), ("D", 0.64), ("O", 0.86), ("凸", 0.4), ("☆", 0.99))
    assert texts(without_icons(quads, said)) == ["通用设置"] * 4 + ["☆", "通用设置"]


def test_figures_and_certain_letters_before_words_are_told() -> None:
    for marks in (
        [("1", 0.9), ("2", 0.6), ("2", 0.9)],
        [("A", 0.99), ("B", 0.99), ("B", 0.6)],
        [("A", 0.9), ("B", 0.6), ("C", 0.9)],  # all different: a list
    ):
        quads, said = menu(*marks)
        assert without_icons(quads, said) == said


def test_an_icon_in_a_line_leaves_its_word() -> None:
    quads, said = menu(("O", 0.9), ("O", 0.6), ("D", 0.8))
    more, joined = page((10, 180, 130, 24, "O 通用设置", 0.9))
    all_quads, every = np.concatenate([quads, more]), [*said, *joined]
    assert texts(without_icons(all_quads, every)) == ["通用设置"] * 4


def test_icons_above_the_words_of_a_bar_are_no_letters() -> None:
    lines: list[Line] = []
    for i, (icon, score) in enumerate((("O", 0.9), ("O", 0.5), ("Q", 0.8))):
        lines += [(100 * i, 0, 30, 30, icon, score), (100 * i - 3, 36, 36, 18, "首页", 1.0)]
    quads, said = page(*lines)
    assert texts(without_icons(quads, said)) == ["首页"] * 3


def test_arrows_that_look_like_a_letter_do_not_vouch_for_each_other() -> None:
    quads, said = page(*((300, 60 * i, 24, 24, "V", 0.75) for i in range(4)))
    assert vouched(quads, said) == said
    quads, said = page(*((300, 60 * i, 24, 24, t, 0.75) for i, t in enumerate("ABCA")))
    assert all(r.score == 1.0 for r in vouched(quads, said))


def test_a_tick_beyond_flush_numbers_is_none_of_their_digits() -> None:
    below: list[Line] = [(10, 60, 30, 20, "100", 1.0), (20, 120, 20, 20, "50", 1.0)]
    for text in ("150 -", "1501"):
        width = 10 * len(text)
        quads, said = page((10, 0, width, 20, text, 0.9), *below)
        assert texts(without_ticks(quads, said)) == ["150", "100", "50"]


def test_longer_numbers_that_are_not_above_flush_ones_stay_whole() -> None:
    quads, said = page((10, 0, 40, 20, "1501", 0.9), (10, 60, 30, 20, "100", 1.0))
    assert without_ticks(quads, said) == said
    quads, said = page(
        (10, 0, 40, 20, "1502", 0.9), (10, 60, 30, 20, "100", 1.0), (20, 120, 20, 20, "50", 1.0)
    )
    assert without_ticks(quads, said) == said


def code(*rows: str) -> list[Line]:
    return [(0, 40 * i, 10 * len(row), 20, row, 1.0) for i, row in enumerate(rows)]


def test_pieces_of_a_line_whose_characters_have_one_pitch_are_one_line() -> None:
    rows = code("if value > 10:", "return value", "while count < 5")
    quads, said = page(*rows, (0, 120, 90, 20, "WHERE age", 1.0), (100, 120, 40, 20, "> 18", 1.0))
    joined, read = gridded(quads, said)
    assert texts(read)[3:] == ["WHERE age > 18"]
    assert joined[3].max(0).tolist() == [140, 140]
    assert [c.start for c in read[3].chars] == sorted(c.start for c in read[3].chars)


def test_columns_two_blanks_apart_stay_apart() -> None:
    rows = code("if value > 10:", "return value", "while count < 5")
    quads, said = page(*rows, (0, 120, 50, 20, "total", 1.0), (70, 120, 40, 20, "1.10", 1.0))
    assert gridded(quads, said)[1] == said


def test_the_pitch_tells_the_blanks_beside_signs() -> None:
    quads, said = page(*code("if value > 10:", "return value", "while count < 5", "1 | 2 | 3"))
    squeezed = tuple(c for c in said[3].chars if c.text != " ")
    said[3] = said[3]._replace(text="1|2|3", chars=squeezed)
    assert gridded(quads, said)[1][3].text == "1 | 2 | 3"


def test_lines_of_different_pitch_are_left_alone() -> None:
    lines: list[Line] = [
        (0, 40 * i, (9 + i) * len(t), 20, t, 1.0)
        for i, t in enumerate(("if value > 10:", "return value", "while count < 5"))
    ]
    quads, said = page(*lines, (0, 160, 90, 20, "WHERE age", 1.0), (100, 160, 40, 20, "> 18", 1.0))
    assert gridded(quads, said)[1] == said
