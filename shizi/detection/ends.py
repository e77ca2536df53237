"""Marks that the ends of lines lack: quotes, a degree, a thin last letter.

What is low or thin hardly looks like a slice of text. Where strokes go on beyond an end, in the
line's own band and no further apart than its letters, they belong to it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.geometry import sides
from shizi.page import Quads

LEVEL = 0.05
"""Rise of a line by its length, at most, that its ends are looked at for."""

GAP = 0.35
"""Blank between the letters of a line, at most, by its height."""

MOST = 1.3
"""How far marks go on, at most, by the line's height: what goes on further is something else."""

BAND = 0.1
"""How far above and below a line strokes are looked at, by its height; a rule leaves this band."""

LOW = 0.22
"""Height below which strokes may be dirt or a rule, by the line's height."""


def completed(strokes: NDArray[np.uint8], lines: Quads) -> Quads:
    """Lengthen level lines (N, 4, 2), corners clockwise from the left top, by marks at their ends.

    Args:
        strokes: 1 where strokes are, (H, W).
        lines: what was found.
    """
    free = strokes.copy()
    for line in lines:
        cv2.fillConvexPoly(free, line.round().astype(np.int32), 0)
    longer = lines.copy()
    width, height = sides(lines)
    rise = np.abs(lines[:, 1, 1] - lines[:, 0, 1])
    for i in np.flatnonzero((rise < LEVEL * width) & (width >= 1.5 * height)):
        a, b, c, d = lines[i].tolist()
        longer[i, [1, 2], 0] += _beyond(free, max(b[0], c[0]), b[1], c[1])
        longer[i, [0, 3], 0] -= _beyond(free[:, ::-1], free.shape[1] - min(a[0], d[0]), a[1], d[1])
    return longer


def _beyond(free: NDArray[np.uint8], end: float, top: float, bottom: float) -> float:
    """How far marks go on to the right of an end; 0 where none do."""
    height = bottom - top
    y0, y1 = math.floor(top - BAND * height), math.ceil(bottom + BAND * height)
    x0 = max(0, round(end))
    window = free[max(0, y0) : y1, x0 : x0 + math.ceil((MOST + GAP) * height)]
    if not window.any():
        return 0.0
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(window), connectivity=8)
    x, y, w, h = stats[1:, :4].T
    leaves = (y == 0) | (y + h == len(window))
    reached = 0.0
    for i in np.argsort(x, kind="stable"):
        if h[i] < LOW * height:
            continue
        if x[i] - reached > GAP * height or leaves[i]:
            break
        reached = max(reached, float(x[i] + w[i]))
    return reached if reached <= MOST * height else 0.0
