"""What a line says and in which colours: runs, the vote over sightings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shizi.live.colour import APART, felt
from shizi.live.event import Colour, Run
from shizi.live.see.reading.shapes import settle
from shizi.live.see.reading.vote import Palette, Sighting, coloured, elect
from shizi.page import Char
from shizi.recognition import Reading

BLUE = (60, 150, 255)


def test_a_clear_sighting_outvotes_a_faint_one_and_many_outvote_one() -> None:
    def said(text: str, clarity: float) -> Sighting:
        return Sighting((Run(text, BLUE),), 0.9, clarity)

    assert elect([said("多少钱", 30.0), said("多小钱", 5.0)]).text == "多少钱"
    assert elect([said("多小钱", 20.0), *[said("多少钱", 15.0)] * 2]).text == "多少钱"


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("第—晚", "第一晚"),
        ("—只小鹿", "一只小鹿"),
        ("对——不起", "对——不起"),
        ("ハスキ一な", "ハスキーな"),
        ("〵神乐", "丶神乐"),
        ("lt was, l'm in", "It was, I'm in"),
        ("ls说得对 lol", "ls说得对 lol"),
    ],
)
def test_neighbours_settle_what_a_stroke_means(read: str, meant: str) -> None:
    assert settle(read) == meant


def test_a_character_that_is_hardly_sure_is_an_icon() -> None:
    crop = np.full((30, 90, 3), 20, np.uint8)
    crop[8:22, 5:85:4] = 220
    chars = Char("小", 1, 0, 1 / 3), Char("鱼", 1, 1 / 3, 2 / 3), Char("v", 0.3, 2 / 3, 1)
    assert "".join(run.text for run in coloured(crop, Reading("小鱼v", 0.9, chars))) == "小鱼"


@pytest.mark.parametrize(
    ("read", "meant"), [("玫瑰×3-", "玫瑰×3"), ("玫瑰×3", "玫瑰×3"), ("3-", "3-")]
)
def test_what_follows_a_count_is_an_edge(read: str, meant: str) -> None:
    crop = np.full((30, 180, 3), 20, np.uint8)
    crop[8:22, 5:175:4] = 220
    chars = [Char(c, 0.9, i / len(read), (i + 1) / len(read)) for i, c in enumerate(read)]
    assert "".join(run.text for run in coloured(crop, Reading(read, 0.9, tuple(chars)))) == meant


def test_a_stroke_of_another_colour_is_no_digit_of_a_count() -> None:
    """The edge of something behind, beside ×2."""
    crop = np.full((30, 180, 3), 20, np.uint8)
    crop[8:22, 5:140:4] = (255, 205, 70)
    crop[:, 155:160] = (120, 200, 255)
    read = "玫瑰×27"
    chars = [Char(c, 0.95, i / len(read), (i + 1) / len(read)) for i, c in enumerate(read)]
    assert "".join(run.text for run in coloured(crop, Reading(read, 0.9, tuple(chars)))) == "玫瑰×2"


def test_a_dot_after_a_nickname_has_no_colour_of_its_own() -> None:
    crop = np.full((30, 120, 3), 20, np.uint8)
    crop[8:22, 5:60:4], crop[8:22, 95:115:4] = (140, 230, 250), (250, 250, 250)
    crop[8:14, 64:67] = (73, 89, 82)  # too thin for its colour to be seen
    chars = [Char(c, 0.95, i / 4, (i + 1) / 4) for i, c in enumerate("小鱼丶好")]
    texts = [run.text for run in coloured(crop, Reading("小鱼丶好", 0.95, tuple(chars)))]
    assert texts == ["小鱼丶", "好"]


def test_the_dark_edge_of_bright_text_is_none_of_its_colour() -> None:
    """Nickname and text over something bright, as over a shirt."""
    crop = np.full((30, 120, 3), (90, 220, 130), np.uint8)
    for x in range(5, 115, 15):
        crop[6:24, x - 2 : x + 5] = 10
        crop[8:22, x : x + 3] = (140, 230, 255) if x < 60 else (255, 255, 255)
    chars = [Char(c, 0.95, i / 4, (i + 1) / 4) for i, c in enumerate("小鱼你好")]
    runs = coloured(crop, Reading("小鱼你好", 0.95, tuple(chars)))
    assert runs == (Run("小鱼", (140, 230, 255)), Run("你好", (255, 255, 255)))


def inked(
    *parts: tuple[str, Colour], tall: int = 20, paper: int = 255, palette: Palette | None = None
) -> list[str]:
    """Runs of a text whose characters, 10 px wide, are drawn as bars in colours."""
    text = "".join(part for part, _ in parts)
    crop = np.full((tall, 10 * len(text) + 20, 3), paper, np.uint8)
    for i, (c, ink) in enumerate((c, ink) for part, ink in parts for c in part):
        if not c.isspace():
            crop[3:17, 10 * i + 2 : 10 * i + 9 : 3] = ink
    wide = crop.shape[1]
    chars = [Char(c, 1.0, 10 * i / wide, 10 * (i + 1) / wide) for i, c in enumerate(text)]
    return [run.text for run in coloured(crop, Reading(text, 1.0, tuple(chars)), 20.0, palette)]


def test_what_a_picture_behind_it_lends_to_white_text_is_no_other_colour() -> None:
    assert math.dist(felt((248, 253, 255)), felt((254, 250, 253))) < APART / 3


def test_a_brightness_changes_at_a_blank_rather_than_elsewhere() -> None:
    grey, black = (107, 109, 106), (28, 28, 28)
    assert inked(("一叶知秋 ", grey), ("gg", black)) == ["一叶知秋 ", "gg"]
    assert inked(("一叶知秋", grey), ("gg", black)) == ["一叶知秋gg"]


def test_a_few_letters_are_parted_by_the_brightness_that_nicknames_have_in_a_room() -> None:
    grey, black = (107, 109, 106), (52, 52, 52)
    assert inked(("Mike O ", grey), ("W", black)) == ["Mike O W"]
    assert inked(("Mike O ", grey), ("W", black), palette=(grey, black)) == ["Mike O ", "W"]
    assert inked(("what a W", black), palette=(grey, black)) == ["what a W"]


def test_no_colour_changes_inside_a_word() -> None:
    pale, white = (214, 242, 245), (224, 225, 230)
    assert inked(("12", pale), ("345", white), paper=0) == ["12", "345"]
    assert inked(("ju", pale), ("mps", white), paper=0) == ["jumps"]


def test_a_character_whose_span_shows_no_stroke_has_the_colour_before_it() -> None:
    assert inked(("小鱼来了", (30, 30, 30)), ("吗", (250, 250, 250))) == ["小鱼来了吗"]


def test_an_outlined_sign_has_the_colour_of_its_nickname() -> None:
    pale, blue = (200, 210, 215), (60, 150, 255)
    assert inked(("☆", pale), ("小鱼", blue), paper=0) == ["☆小鱼"]
    assert inked(("★", pale), ("小鱼", blue), paper=0) == ["★", "小鱼"]
