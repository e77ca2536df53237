"""What a line says and in which colours: badges, runs, the vote over sightings."""

from __future__ import annotations

import cv2
import numpy as np

from shizi.live.event import Run
from shizi.live.vote import Sighting, badge_end, elect

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
