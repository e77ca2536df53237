"""Few sizes for pictures of all sizes, and the strips that a large one is looked at in."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from shizi.page import GREY, Image

OVERLAP = 96
"""Rows that neighbouring strips have in common."""


class Canvas(NamedTuple):
    """A size that the net is run at, and where strips of that height begin."""

    height: int
    width: int
    tops: tuple[int, ...]


SHEETS = ((192, 256), (352, 288), (320, 480), (96, 1088), (96, 1760), (192, 1088), (480, 512))
"""Canvases (height, width) of second looks: hardly any patches of 27 pages needed another one."""


def fitting(height: int, width: int) -> tuple[int, int]:
    """Return the smallest of :data:`SHEETS` (height, width) that holds so much, or one as large."""
    sheets = [(h, w) for h, w in SHEETS if h >= height and w >= width]
    return min(sheets, key=math.prod, default=(_up(height), _up(width)))


@cache
def _sizes() -> tuple[tuple[int, int], ...]:
    """The canvases (height, width): areas in steps of 2, shapes in steps of 1.4."""
    return tuple(
        (_up(math.sqrt(area / shape)), _up(math.sqrt(area * shape)))
        for area in (18_750 * 2**i for i in range(10))
        for shape in (1.4**i for i in range(-16, 17))
    )


def _up(length: float, multiple: int = 32) -> int:
    return math.ceil(length / multiple) * multiple


def cover(height: int, width: int, most: int) -> Canvas:
    """Choose the canvas, and the strips, that cover a picture at the least cost.

    Few sizes keep memory flat, and time too: a runtime prepares its kernels for every new
    one, which costs as much as the look itself.

    Args:
        height: of the picture, pixels.
        width: of the picture, pixels.
        most: area that a canvas may have; a picture too wide for that gets strips of its own width.
    """
    if (height, width) in SHEETS:
        return Canvas(height, width, (0,))
    least = min(height, 3 * OVERLAP)
    fitting = [(h, w) for h, w in _sizes() if w >= width and h >= least]
    fitting = [size for size in fitting if math.prod(size) <= most] or [(_up(least), _up(width))]
    covers = [Canvas(h, w, _tops(height, h)) for h, w in fitting]
    return min(covers, key=lambda c: c.height * c.width * len(c.tops))


def _tops(height: int, strip: int) -> tuple[int, ...]:
    """Where strips begin that cover a height evenly, with OVERLAP or more in common."""
    if height <= strip:
        return (0,)
    count = math.ceil((height - OVERLAP) / (strip - OVERLAP))
    return tuple(round(i * (height - strip) / (count - 1)) for i in range(count))


def extend(image: Image, height: int, width: int) -> Image:
    """Extend a picture to the right and below, in grey."""
    low, right = height - image.shape[0], width - image.shape[1]
    return np.asarray(
        cv2.copyMakeBorder(image, 0, low, 0, right, cv2.BORDER_CONSTANT, value=(GREY,) * 3),
        np.uint8,
    )


def padded(image: Image, multiple: int = 64) -> Image:
    """Extend a picture to multiples of 64."""
    return extend(image, *(_up(v, multiple) for v in image.shape[:2]))


def resize(image: Image, scale: float) -> Image:
    """Scale a picture, 8 px at least a side."""
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    h, w = (max(8, round(v * scale)) for v in image.shape[:2])
    return np.asarray(cv2.resize(image, (w, h), interpolation=how), np.uint8)
