"""Single characters level with a line: the amounts and ticks of a table, which stand far apart.

A detector that looks for lines overlooks a narrow character by itself. Where a line was found, its
row is known, and so is how high a character in it may be.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.geometry import alike, box_to_quad, quad_to_box
from shizi.page import Quads

GUESS = 0.5
"""Score of what looks like a character: reading decides."""

REACH = 0.3
"""How far above and below a line strokes are looked at, by the line's height."""

BLANK = 0.4
"""Blank around a single character, by the line's height."""

MARGIN = 0.15
"""What is added to a character at its left and right, by the line's height."""

NARROW = 0.9
"""Least width of a character with what is added, by the line's height."""

WIDTHS = 0.1, 1.1
"""Width of a character, by the line's height."""

HEIGHTS = 0.4, 1.2
"""Height of a character, by the line's height."""

SQUAT = 1.75
"""Width of a character by its own height, at most: 二 is low."""

STROKE = 0.55
"""Least width of one that is a single level stroke, 一, by the line's height."""

SOLID = 0.5
"""Share of its box that the edges of such a stroke fill."""

SAME = 0.15
"""How much the middles and heights of two lines of a row differ, by their height."""

SPECK = 0.15, 0.3
"""Height and width below both of which strokes are dirt, by the line's height."""

PLAIN = 12.0
"""Standard deviation of grey at both sides of a character, at most."""

IN_LINE = 0.35
"""How far edges or middles of what stands in one row or column are apart, by its height."""

AWAY = 3
"""Pixels from a character to where its ground is looked at."""


def beside(grey: NDArray[np.uint8], strokes: NDArray[np.uint8], lines: Quads) -> Quads:
    """Find single characters (M, 4, 2), upright boxes as high as their rows.

    Args:
        grey: the picture (H, W).
        strokes: 1 where strokes are that no line explains, (H, W).
        lines: what was found, (N, 4, 2), nearly level.
    """
    found: dict[tuple[int, int], NDArray[np.float32]] = {}
    for top, bottom in _rows(lines):
        height = bottom - top
        y0, y1 = max(0, round(top - REACH * height)), round(bottom + REACH * height)
        for x0, upper, x1, lower in _groups(strokes[y0:y1], height):
            box = x0, y0 + upper, x1, y0 + lower
            level = abs(box[1] + box[3] - top - bottom) < 0.4 * height
            filled = float(strokes[box[1] : box[3], x0:x1].mean())
            if level and _fits(x1 - x0, lower - upper, height, filled) and _plain(grey, box):
                whole = x0, min(top, box[1]), x1, max(bottom, box[3])
                found.setdefault((x0, box[1]), np.array(whole, np.float32))
    return roomy(box_to_quad(np.array(list(found.values()), np.float32).reshape(-1, 4)))


def roomy(chars: Quads) -> Quads:
    """Widen upright boxes of single characters (N, 4, 2), so that none is taken for a column."""
    x0, y0, x1, y1 = quad_to_box(chars).reshape(-1, 4).T
    margin = np.maximum(MARGIN * (y1 - y0), (NARROW * (y1 - y0) - (x1 - x0)) / 2)
    return box_to_quad(np.stack([x0 - margin, y0, x1 + margin, y1], 1))


def guessed(
    quads: Quads, scores: NDArray[np.float32], guesses: Quads
) -> tuple[Quads, NDArray[np.float32]]:
    """Add guesses (G, 4, 2) to lines (N, 4, 2) and their scores (N,)."""
    likely = np.full(len(guesses), GUESS, np.float32)
    return np.concatenate([quads, guesses]), np.append(scores, likely)


def in_line(marks: Quads, lines: Quads) -> NDArray[np.bool_]:
    """Say which marks (M, 4, 2) stand in a row or a column with a line (N, 4, 2) of like height."""
    (x0, y0, x1, y1), (a0, b0, a1, b1) = quad_to_box(marks).T[..., None], quad_to_box(lines).T
    height = y1 - y0  # (M, 1)
    off = [a0 - x0, a1 - x1, (a0 + a1 - x0 - x1) / 2, (b0 + b1 - y0 - y1) / 2]  # of (M, N)
    near = np.min(np.abs(off), 0) < IN_LINE * height
    return np.asarray((near & alike(height, b1 - b0)).any(1))


def _rows(lines: Quads) -> list[tuple[float, float]]:
    """Top and bottom of the rows that lines (N, 4, 2) stand in, those of one row once.

    The highest speaks for its row: 日 is lower than 五, and 一 is as wide as either.
    """
    box = quad_to_box(lines).reshape(-1, 4)
    box = box[np.argsort(box[:, 1] - box[:, 3], kind="stable")]
    rows: list[tuple[float, float]] = []
    for top, bottom in zip(box[:, 1].tolist(), box[:, 3].tolist(), strict=True):
        off = SAME * (bottom - top)
        if not any(abs(top - a) < off and abs(bottom - b) < off for a, b in rows):
            rows.append((top, bottom))
    return rows


def _groups(row: NDArray[np.uint8], height: float) -> list[tuple[int, int, int, int]]:
    """Boxes of strokes in a row that stand apart from others; what leaves the row is left out."""
    if not row.any():
        return []
    solid = cv2.morphologyEx(row, cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    x, y, w, h = stats[1:, :4].T
    clean = (h >= SPECK[0] * height) | (w >= SPECK[1] * height)
    inside = clean & (y > 0) & (y + h < len(row))
    boxes = np.stack([x, y, x + w, y + h], 1)[inside]
    boxes = boxes[np.argsort(boxes[:, 0], kind="stable")]
    if not len(boxes):
        return []
    reached = np.maximum.accumulate(boxes[:, 2])
    breaks = np.flatnonzero(boxes[1:, 0] - reached[:-1] > BLANK * height) + 1
    return [
        (*part[:, :2].min(0).tolist(), *part[:, 2:].max(0).tolist())
        for part in np.split(boxes, breaks)
    ]


def _fits(width: int, high: int, height: float, filled: float) -> bool:
    """Say whether something so wide, high and filled is a character of a line of this height."""
    if high < HEIGHTS[0] * height:
        return STROKE * height <= width <= WIDTHS[1] * height and filled > SOLID
    return WIDTHS[0] * height <= width <= min(WIDTHS[1] * height, SQUAT * high) and (
        high <= HEIGHTS[1] * height
    )


def _plain(grey: NDArray[np.uint8], box: tuple[int, int, int, int]) -> bool:
    """Say whether the ground at both sides of a box is plain; other rows may be close."""
    x0, y0, x1, y1 = box
    if x0 < AWAY or x1 + AWAY >= grey.shape[1]:
        return False
    return float(grey[y0:y1, [x0 - AWAY, x1 + AWAY]].std()) < PLAIN
