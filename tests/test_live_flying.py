"""Comments that fly across the picture: each told once, of nobody; what stands is not told."""

from __future__ import annotations

from typing import cast

import numpy as np

from shizi.live.event import Row
from shizi.live.frame import Area, Frame
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.parse import Parser
from shizi.live.see.flying import Flights
from shizi.page import Char, Image, Quads
from shizi.recognition import Reading, Recognizer

WIDE, HIGH, SPEED = 1280, 720, 200  # pixels, pixels a second
WHITE = 255


class Reads:
    """Reads 小明：好看 wherever something is written."""

    def read(self, images: list[Image]) -> list[Reading]:
        text = "小明：好看"
        chars = tuple(Char(c, 0.9, i / 5, (i + 1) / 5) for i, c in enumerate(text))
        return [Reading(text, 0.9, chars) for _ in images]


def bars(image: Image) -> Quads:
    """The boxes of what is white, as quads (N, 4, 2)."""
    found = []
    for top in (40, 80, 300):
        columns = np.flatnonzero((image[top + 10] == WHITE).all(1))
        if len(columns):
            a, b = columns[0], columns[-1] + 1
            found.append([(a, top), (b, top), (b, top + 24), (a, top + 24)])
    return np.array(found, np.float32).reshape(-1, 4, 2)


def shown(time: float) -> Image:
    """One comment that flies, one that stands, one that flies the other way."""
    picture = np.zeros((HIGH, WIDE, 3), np.uint8)
    for top, left in ((40, WIDE - SPEED * time), (80, 500), (300, SPEED * time - 150)):
        x0, x1 = (int(np.clip(v, 0, WIDE)) for v in (left, left + 150))
        picture[top : top + 24, x0:x1] = WHITE
    return picture


def told(area: Area | None) -> list[Row]:
    numbers = iter(range(100))
    flights = Flights(bars, cast("Recognizer", Reads()), lambda: next(numbers))
    frames = (Frame(i / 10, i, WIDE, HIGH, shown(i / 10)) for i in range(80))
    return [row for frame in frames for row in flights.look(frame, area)]


def test_a_comment_that_flies_is_told_once_and_nobody_is_named() -> None:
    for area in (None, (0, 0, WIDE, HIGH), (1000, 0, WIDE, HIGH)):
        (row,) = told(area)
        event = Parser(load_grammar("generic"), "r").parse(row)
        assert event is not None and event.closed
        assert (event.kind, event.user, event.text) == ("comment", "", "小明：好看")


def test_what_flies_within_the_comment_area_is_left_to_it() -> None:
    assert told((0, 0, WIDE, 100)) == []
