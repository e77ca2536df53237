"""Pictures in a line that are taken for characters."""

from __future__ import annotations

import numpy as np

from shizi.page import Char
from shizi.recognition.pictograms import without_pictograms

RED, GREY = (220, 30, 30), (90, 90, 90)


def kept(line: str, scores: list[float], colours: list[tuple[int, int, int]]) -> str:
    n = len(line)
    crop = np.full((20, 20 * n, 3), 255, np.uint8)
    for i, colour in enumerate(colours):
        crop[4:16, 20 * i + 4 : 20 * i + 16] = colour
    chars = [
        Char(c, s, i / n, (i + 1) / n) for i, (c, s) in enumerate(zip(line, scores, strict=True))
    ]
    return "".join(char.text for char in without_pictograms(crop, chars))


def test_an_emoji_is_left_out_that_is_more_colourful_than_the_text() -> None:
    assert kept("收到人", [0.99, 0.99, 0.6], [GREY, GREY, RED]) == "收到"
    assert kept("避徐明", [0.2, 0.99, 0.9], [RED, GREY, GREY]) == "徐明"


def test_what_may_be_text_stays() -> None:
    assert kept("收到人", [0.99, 0.99, 0.6], [GREY, GREY, GREY]) == "收到人"  # doubtful
    assert kept("收到人", [0.99, 0.99, 0.9], [GREY, GREY, RED]) == "收到人"  # highlighted
    assert kept("收到人", [0.99, 0.99, 0.6], [RED, RED, RED]) == "收到人"
    assert kept("⑨王芳", [0.7, 0.99, 0.99], [RED, GREY, GREY]) == "⑨王芳"  # a level on its badge
    assert kept("人", [0.6], [RED]) == "人"  # nothing to compare it with
    assert kept("", [], []) == ""
