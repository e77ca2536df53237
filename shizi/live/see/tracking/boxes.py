"""Upright boxes of lines: found, joined, and held against each other."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.geometry import quad_to_box
from shizi.live.frame import Box
from shizi.page import Image, Quads

_CLUTTER = 1.8
"""How many times as high as the other one of two boxes beside each other is not of its line."""

_LEVEL = 0.17
"""Most by which their middles are apart, in heights of the higher one: a count on a banner stands
beside two lines."""

_OTHER, _FULL, _HIGHER = 60, 0.66, 1.4
"""Difference of colour from which a pixel is no paper; share of the box around an avatar that it
fills, more than any character does; and how much higher it is than the text beside it."""

_ROUND, _BLANK = (0.7, 1.4), 0.12
"""Width of an avatar, in its heights, and of what is blank behind it, in those of the box."""

HEIGHT = 15.0
"""Height to which lines are scaled to be found; to be read they keep their own."""


def find_lines(detect: Callable[[Image], Quads], image: Image, usual: float) -> list[Box]:
    """Find lines in a picture (H, W, 3), made smaller where they are known to be large.

    Args:
        detect: finds text lines in a picture: quads (N, 4, 2).
        image: the picture.
        usual: height of a line, pixels; 0 while it is not known.
    """
    scale = min(1.0, HEIGHT / usual) if usual else 1.0
    if scale < 1:
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    return [box / np.float32(scale) for box in lines_of(detect(np.ascontiguousarray(image)))]


def without_avatar(box: Box, image: Image) -> Box:
    """A box without the picture of who speaks, which is higher than the text beside it.

    Args:
        box: of a line, pixels.
        image: in which it stands, RGB (H, W, 3).
    """
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    part = image[top : int(np.ceil(box[3])), left : int(np.ceil(box[2]))].astype(np.int16)
    if not part.size:
        return box
    paper = np.median(part.reshape(-1, 3), axis=0)
    other = np.abs(part - paper).max(2) > _OTHER  # (h, w)
    blank = np.flatnonzero(~other.any(0))  # columns
    blank = blank[blank > _ROUND[0] * len(part) / 2]
    if not len(blank):
        return box
    first, end = int(other.any(0).argmax()), int(blank[0])
    rest = np.flatnonzero(other[:, end:].any(0))
    if not len(rest) or rest[0] < _BLANK * len(part) or first >= end:
        return box
    begin = end + int(rest[0])
    picture, text = (_extent(other[:, a:b]) for a, b in ((first, end), (begin, None)))
    tall = picture[1] - picture[0]
    full = float(other[slice(*picture), first:end].mean())
    higher = tall > _HIGHER * (text[1] - text[0])
    if not (higher and full > _FULL and _ROUND[0] < (end - first) / tall < _ROUND[1]):
        return box
    rim = 0.12 * (text[1] - text[0])
    return np.array(
        [left + begin - rim, top + text[0] - rim, box[2], top + text[1] + rim], np.float32
    )


def _extent(shown: NDArray[np.bool_]) -> tuple[int, int]:
    """First row of a picture (h, w) that shows something, and the one after the last."""
    rows = np.flatnonzero(shown.any(1))
    return int(rows[0]), int(rows[-1]) + 1


def lines_of(quads: Quads) -> list[Box]:
    """Join quads (N, 4, 2) that stand beside each other into upright boxes of lines, (4,) each."""
    boxes = (
        [b for b in quad_to_box(quads) if b[2] - b[0] > 0.35 * (b[3] - b[1])] if len(quads) else []
    )
    lines: list[Box] = []
    for box in sorted(boxes, key=lambda b: float(b[0])):
        beside = [i for i, line in enumerate(lines) if _beside(line, box)]
        # What stands beside two lines, as a count does on a banner, is alone.
        if len(beside) == 1 and _joins(lines[beside[0]], box):
            line = lines[beside[0]]
            a, b = np.minimum(line, box), np.maximum(line, box)
            lines[beside[0]] = np.array([a[0], a[1], b[2], b[3]], np.float32)
        else:
            lines.append(np.asarray(box, np.float32))
    return sorted(lines, key=lambda b: float(b[1]))


def _beside(line: Box, box: Box) -> bool:
    """True when a line to the left of a box is near it, and perhaps a bit higher or lower."""
    low, high = sorted((_height(line), _height(box)))
    near = box[0] - line[2] < 3 * _height(line) and high < _CLUTTER * low
    return bool(near and shared(line, box) > 0.25)


def _joins(line: Box, box: Box) -> bool:
    """True when a box goes on with a line that it is beside."""
    middles = abs(line[1] + line[3] - box[1] - box[3]) / 2
    high = max(_height(line), _height(box))
    return bool(shared(line, box) > 0.55 and middles < _LEVEL * high)


def _height(box: Box) -> float:
    return float(box[3] - box[1])


def shared(a: Box, b: Box) -> float:
    """Vertical overlap of two boxes as a share of the lower one's height."""
    return float((min(a[3], b[3]) - max(a[1], b[1])) / max(1.0, min(a[3] - a[1], b[3] - b[1])))


def same_place(a: Box, b: Box) -> bool:
    """They claim the same place."""
    return shared(a, b) > 0.5 and bool(min(a[2], b[2]) > max(a[0], b[0]))
