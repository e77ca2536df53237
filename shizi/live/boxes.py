"""Upright boxes of lines: joined from what was detected, and held against each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import quad_to_box
from shizi.page import Quads

Box = NDArray[np.float32]
"""Left, top, right, bottom, pixels of the panel, shape (4,)."""

_CLUTTER = 1.8
"""How many times as high as the other one of two boxes beside each other is not of its line."""


def lines_of(quads: Quads) -> list[Box]:
    """Join quads (N, 4, 2) that stand beside each other into upright boxes of lines, (4,) each."""
    boxes = (
        [b for b in quad_to_box(quads) if b[2] - b[0] > 0.35 * (b[3] - b[1])] if len(quads) else []
    )
    lines: list[Box] = []
    for box in sorted(boxes, key=lambda b: float(b[0])):
        for i, line in enumerate(lines):
            low, high = sorted((_height(line), _height(box)))
            near = box[0] - line[2] < 3 * _height(line) and high < _CLUTTER * low
            if near and shared(line, box) > 0.55:
                a, b = np.minimum(line, box), np.maximum(line, box)
                lines[i] = np.array([a[0], a[1], b[2], b[3]], np.float32)
                break
        else:
            lines.append(np.asarray(box, np.float32))
    return sorted(lines, key=lambda b: float(b[1]))


def _height(box: Box) -> float:
    return float(box[3] - box[1])


def shared(a: Box, b: Box) -> float:
    """Vertical overlap of two boxes as a share of the lower one's height."""
    return float((min(a[3], b[3]) - max(a[1], b[1])) / max(1.0, min(a[3] - a[1], b[3] - b[1])))


def same_place(a: Box, b: Box) -> bool:
    """They claim the same place."""
    return shared(a, b) > 0.5 and bool(min(a[2], b[2]) > max(a[0], b[0]))
