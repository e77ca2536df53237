"""A character that was read whole, and what was found in it."""

from __future__ import annotations

import numpy as np
import pytest

from shizi.geometry import box_to_quad
from shizi.reader.whole import apart
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
    found = apart(quads, readings)
    assert [name for name, keep in zip(texts, found, strict=True) if keep] == kept


def test_a_caption_laid_over_a_character_stays() -> None:
    quads = box_to_quad(np.array([(0, 0, 100, 100), (10, 45, 90, 60)], np.float32))
    assert apart(quads, [Reading("福", 0.99, ()), Reading("恭", 0.9, ())]).all()
    assert apart(quads[:0], []).shape == (0,)
