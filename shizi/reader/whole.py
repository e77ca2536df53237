"""A character that was read whole explains what was taken for lines in it.

Parts of a character are characters too: 林 stands in 禁.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shizi.detection.filling import PART
from shizi.geometry import area, intersection, sides
from shizi.page import Quads
from shizi.recognition import Reading

SURE = 0.95
"""Least score of a character that explains its parts."""

LINE = 0.8
"""Least score of several characters that are a line, and no parts of one."""


def apart(quads: Quads, readings: Sequence[Reading]) -> NDArray[np.bool_]:
    """Say which lines (N,) are no parts of a character that was read whole.

    Where one of the parts is a legible line, it is the whole that goes: a block of text. What is
    less than PART as high is a caption laid over it.

    Args:
        quads: lines of an upright picture, (N, 4, 2).
        readings: what the N lines say.
    """
    size, height = area(quads), np.minimum(*sides(quads))  # (N,)
    kept = np.ones(len(quads), bool)
    whole = [i for i, r in enumerate(readings) if len(r.text) == 1 and r.score >= SURE]
    for i in whole:
        near = np.flatnonzero((size < size[i]) & (height > PART * height[i]))
        parts = [j for j in near.tolist() if intersection(quads[i], quads[j]) > size[j] / 2]
        if any(len(readings[j].text) > 1 and readings[j].score >= LINE for j in parts):
            kept[i] = False
        else:
            kept[parts] = False
    return kept
