"""Line crops: cutting a quad out of a page and fitting it into a width bucket.

A crop is stretched to the nearest of a few widths rather than padded: a line's text then
cannot depend on its neighbours in a batch, and memory stays bounded.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.geometry import rotate90, sides, warp
from shizi.page import GREY, Image

HEIGHT = 48
"""Height of every crop that the recogniser sees, pixels."""


TALL = 1.5
"""A crop this many times taller than wide is a vertical line."""


def _widths(first: int, last: int, ratio: float) -> tuple[int, ...]:
    widths = [first]
    while widths[-1] < last:
        widths.append(max(widths[-1] + 8, round(widths[-1] * ratio / 8) * 8))
    return tuple(widths)


WIDTHS = _widths(32, 1500, 2 ** (1 / 3))
"""The width buckets, pixels: steps of a quarter, so a crop is stretched by an eighth at most."""


@cache
def widths(height: int = HEIGHT) -> tuple[int, ...]:
    """Width buckets of crops of another height, pixels: the same shapes."""
    return tuple(round(width * height / HEIGHT / 8) * 8 for width in WIDTHS)


def bucket(width: float, height: int = HEIGHT) -> int:
    """Return the bucket nearest to ``width`` on a logarithmic scale."""
    buckets = widths(height)
    ratios = np.abs(np.log(np.asarray(buckets) / max(width, 1.0)))
    return buckets[int(ratios.argmin())]


def cut(image: Image, quad: NDArray[np.float32]) -> Image:
    """Cut a quad (4, 2) out; a line lower than HEIGHT comes out at that height.

    Small letters are thus resampled once, not twice; a higher line keeps its size, for
    :func:`fit` shrinks it without aliasing.
    """
    width, height = (max(1.0, float(v)) for v in sides(quad))
    scale = max(1.0, HEIGHT / min(width, height))
    return warp(image, quad, round(width * scale), round(height * scale))


def fit(crop: Image, squeeze: float = 1.0, height: int = HEIGHT) -> Image:
    """Scale a crop (h, w, 3) to a height and to its width bucket.

    Args:
        crop: a line, text from left to right.
        squeeze: factor on the width; below 1 the recogniser has less work.
        height: that the net expects, pixels.
    """
    h, w = crop.shape[:2]
    natural = w * height / h * squeeze
    width = bucket(natural, height)
    inner = width if natural >= widths(height)[0] else max(4, round(natural))
    shrinks = h > height
    out = cv2.resize(
        crop, (inner, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    if inner < width:
        left = (width - inner) // 2
        out = cv2.copyMakeBorder(
            out, 0, 0, left, width - inner - left, cv2.BORDER_CONSTANT, value=(GREY,) * 3
        )
    return np.ascontiguousarray(out, dtype=np.uint8)


def is_tall(height: float, width: float) -> bool:
    """Say whether a crop so high and wide is a vertical line, which is laid down to be read."""
    return height >= TALL * width


def lie_down(crop: Image) -> Image:
    """Turn a vertical line's crop by 90 degrees counter-clockwise, so its top is at the left."""
    return rotate90(crop, 90)


def lay_out(crop: Image, pitch: float = 1.0) -> tuple[Image, NDArray[np.float64]]:
    """Lay the characters of a vertical line, which stand upright, side by side.

    The line is cut where its rows show least ink, into pieces of about one height: the
    cheapest way by dynamic programming.

    Args:
        crop: one character under the other, (h, w, 3).
        pitch: height of a character by the width of the crop.

    Returns:
        The horizontal line, and where along the crop each of its n characters begins, with
        the end: fractions of the height, shape (n + 1,).
    """
    h, w = crop.shape[:2]
    rows = max(_CELL, round(_CELL * h / w / pitch))
    small = cv2.resize(crop, (_CELL, rows), interpolation=cv2.INTER_AREA)
    strokes = np.abs(np.diff(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float64), axis=1))
    ink = np.append(strokes.mean(1), 0.0)  # (rows + 1,) crossed by a cut above each row
    cuts = _cheapest_cuts(ink / max(ink.max(), 1e-9)) / rows
    tops = np.unique((cuts * h).round().astype(int))
    cells = [cv2.resize(crop[a:b], (w, w), interpolation=cv2.INTER_AREA) for a, b in pairwise(tops)]
    return np.ascontiguousarray(np.concatenate(cells, 1), dtype=np.uint8), tops / h


_CELL = 32
"""Rows that a character has where cuts are sought."""


def _cheapest_cuts(ink: NDArray[np.float64]) -> NDArray[np.intp]:
    """Cut rows (n + 1,) into cells of 0.6 to 1.5 times _CELL; return their edges."""
    heights = np.arange(round(0.6 * _CELL), round(1.5 * _CELL) + 1)
    shape = 2 * np.log(heights / _CELL) ** 2  # cells are of like height
    last = len(ink) - 1
    cost = np.full(last + 1, np.inf)
    came = np.zeros(last + 1, dtype=np.intp)
    cost[0] = 0.0
    for row in range(1, last + 1):
        fits = heights <= row
        ways = cost[row - heights[fits]] + shape[fits]
        if len(ways):
            best = int(ways.argmin())
            cost[row], came[row] = ways[best] + ink[row], row - heights[best]
    if not np.isfinite(cost[last]):  # lower than any cell
        return np.array([0, last])
    edges = [last]
    while edges[-1]:
        edges.append(int(came[edges[-1]]))
    return np.array(edges[::-1])
