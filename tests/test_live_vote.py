"""What a line says and in which colours: badges, runs, the vote over sightings."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from shizi.live.event import Run
from shizi.live.shapes import settle
from shizi.live.vote import Sighting, badge_end, coloured, elect
from shizi.page import Char
from shizi.recognition import Reading

BLUE = (60, 150, 255)


def paper() -> np.ndarray:
    return np.full((30, 240, 3), 40, np.uint8)


def test_a_filled_badge_ends_where_its_colour_does() -> None:
    line = paper()
    cv2.rectangle(line, (2, 4), (48, 26), BLUE, -1)
    cv2.putText(line, "27", (12, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
    assert 46 < badge_end(line) < 56


def test_bold_strokes_in_one_colour_are_no_badge() -> None:
    line = paper()
    for k in range(3):  # characters with thick horizontal strokes at heights of their own
        for y in (5 + k, 13 - k, 20 + k):
            cv2.rectangle(line, (3 + 28 * k, y), (26 + 28 * k, y + 3), BLUE, -1)
    assert badge_end(line) == 0


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
