"""A character that was read whole, and what was found in it."""

from __future__ import annotations

import numpy as np
import pytest

from shizi.geometry import box_to_quad
from shizi.reader.whole import once
from shizi.recognition import Reading

BOXES = {"whole": (0, 0, 100, 100), "upper": (5, 0, 95, 48), "lower": (5, 52, 95, 100)}


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        ({"whole": ("禁", 0.99), "upper": ("林", 0.98), "lower": ("示", 0.6)}, ["whole"]),
        ({"whole": ("禁", 0.9), "upper": ("林", 0.98)}, ["whole", "upper"]),  # it may be none
        (
            {"whole": ("如", 0.99), "upper": ("如意", 0.99), "lower": ("吉祥", 0.9)},
            ["upper", "lower"],
        ),
        ({"whole": ("静", 0.99), "upper": ("王冖", 0.4)}, ["whole"]),
    ],
)
def test_a_character_explains_its_parts_but_no_lines_of_text(
    texts: dict[str, tuple[str, float]], kept: list[str]
) -> None:
    quads = box_to_quad(np.array([BOXES[name] for name in texts], np.float32))
    readings = [Reading(text, score, ()) for text, score in texts.values()]
    found = once(quads, readings)
    assert [name for name, keep in zip(texts, found, strict=True) if keep] == kept


def told(*lines: tuple[tuple[int, int, int, int], str, float]) -> list[str]:
    quads = box_to_quad(np.array([box for box, _, _ in lines], np.float32))
    readings = [Reading(text, score, ()) for _, text, score in lines]
    return [r.text for r, kept in zip(readings, once(quads, readings), strict=True) if kept]


def test_what_spans_several_lines_is_no_character() -> None:
    lines = [((0, 0, 300, 40), "注意安全", 0.99), ((0, 60, 300, 100), "ENTRANCE", 0.99)]
    assert told(*lines, ((0, 0, 100, 100), "注T", 0.94)) == ["注意安全", "ENTRANCE"]
    banner = ((0, 0, 300, 100), "样品", 0.94)  # laid over them, as long as a line
    assert told(*lines, banner) == ["注意安全", "ENTRANCE", "样品"]


def test_what_is_read_twice_is_told_once() -> None:
    line = (0, 0, 400, 100), "安全出口", 0.99
    assert told(line, ((280, 0, 400, 100), "口", 0.9)) == ["安全出口"]
    assert told(line, ((290, 50, 400, 190), "口", 0.9)) == ["安全出口", "口"]  # of the row below
    assert told((line[0], line[1], 0.5), ((280, 0, 400, 100), "口", 0.9)) == ["安全出口", "口"]
    ball = ((20, 30, 80, 70), "08", 0.99), ((0, 0, 100, 100), "08", 0.9)
    assert told(*ball) == told(*ball[::-1]) == ["08"]
    assert told(ball[0], ball[0]) == ["08"]
    assert told(ball[0], ((0, 0, 100, 100), "日", 0.9)) == ["08", "日"]


def test_a_caption_laid_over_a_character_stays() -> None:
    quads = box_to_quad(np.array([(0, 0, 100, 100), (10, 45, 90, 60)], np.float32))
    assert once(quads, [Reading("福", 0.99, ()), Reading("恭", 0.9, ())]).all()
    assert once(quads[:0], []).shape == (0,)
