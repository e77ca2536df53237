"""Where columns of short lines go on: the 0 of an axis, whose tick is close to it.

A narrow character by itself is seen at no scale, and beside a rule it does not stand alone. But
two numbers that are flush say where the next one would be.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.detection.beside import roomy
from shizi.geometry import box_to_quad, quad_to_box
from shizi.page import Quads

FLUSH = 0.25
"""By how much the ends of lines of a column differ, by their height, at most."""

LENGTH = 4.0
"""Length of such a line by its height, at most."""

STEP = 10.0
"""How far they are apart, by their height, at most."""

APART = 3.0
"""The same from which on a character between them may have been missed, at least."""

BETWEEN = 2, 3, 4
"""Into how many steps the way from one to the other is divided."""

HIGH = 1.3
"""By how much the heights of its lines differ, as a factor, at most."""

WIDE = 1.1
"""Width of what is looked for, by the height of the lines, at most."""

CHARACTER = 0.4, 1.05
"""Least and greatest height of a character, by the height of a line, which has a margin."""


def going_on(strokes: NDArray[np.uint8], lines: Quads) -> Quads:
    """Find single characters (M, 4, 2) where columns of lines go on, upright boxes.

    Args:
        strokes: 1 where strokes are that no line explains, (H, W).
        lines: what was found, (N, 4, 2), nearly level.
    """
    box = quad_to_box(lines).reshape(-1, 4)
    short = box[box[:, 2] - box[:, 0] < LENGTH * (box[:, 3] - box[:, 1])]
    found: dict[tuple[int, ...], NDArray[np.float32]] = {}
    for side in (0, 2):
        for ahead, last in _ends(short, side):
            character = _character(strokes, last, ahead, side)
            if character is not None:
                found[tuple(character.round().astype(int).tolist())] = character
    return roomy(box_to_quad(np.array(list(found.values()), np.float32).reshape(-1, 4)))


def _ends(box: NDArray[np.float32], side: int) -> list[tuple[float, NDArray[np.float32]]]:
    """Steps from a line to where its column goes on, and the line, of columns flush at a side.

    That is the left (0) or the right (2). A step above is less than nought.
    """
    order = np.argsort(box[:, side], kind="stable")
    height = box[order, 3] - box[order, 1]
    apart = np.diff(box[order, side]) > FLUSH * np.minimum(height[1:], height[:-1])
    ends = []
    for column in np.split(order, np.flatnonzero(apart) + 1):
        lines = box[column[np.argsort(box[column, 1], kind="stable")]]
        pairs = ((lines[1], lines[0]), (lines[-2], lines[-1])) if len(lines) > 1 else ()
        for other, last in pairs:
            step = float(last[[1, 3]].mean() - other[[1, 3]].mean())
            if _alike(last, other) and abs(step) < STEP * (last[3] - last[1]):
                ends.append((step, last))
        for one, other in pairwise(lines):
            step = float(other[[1, 3]].mean() - one[[1, 3]].mean())
            wide = max(one[2] - one[0], other[2] - other[0]) > CHARACTER[1] * (one[3] - one[1])
            if _alike(one, other) and step > APART * (one[3] - one[1]) and not wide:
                ends += [(step * i / n, one) for n in BETWEEN for i in range(1, n)]
    return ends


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    low, high = sorted((float(one[3] - one[1]), float(other[3] - other[1])))
    return high < HIGH * low


def _character(
    strokes: NDArray[np.uint8], line: NDArray[np.float32], step: float, side: int
) -> NDArray[np.float32] | None:
    """What stands alone a step from a line (4,), flush with it: a box (4,) as high as the line."""
    height = float(line[3] - line[1])
    left, right = (line[2] - WIDE * height, line[2]) if side else (line[0], line[0] + WIDE * height)
    margin = FLUSH / 2 * height
    x0, y0 = max(0, round(left - margin)), max(0, round(line[1] + step - margin))
    x1, y1 = max(0, round(right + margin)), max(0, round(line[3] + step + margin))
    window = strokes[y0:y1, x0:x1]
    if not window.any():
        return None
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(window), connectivity=8)
    x, y, w, h = stats[1:, :4].T
    rim = (x == 0) | (y == 0) | (x + w == window.shape[1]) | (y + h == window.shape[0])
    whole = stats[1:, :4][~rim & (h >= CHARACTER[0] * height) & (h <= CHARACTER[1] * height)]
    if len(whole) != 1:
        return None
    ((x0_, _, w_, _),) = whole.tolist()
    return np.array([x0 + x0_, line[1] + step, x0 + x0_ + w_, line[3] + step], np.float32)
