"""Where a group of lines can be cut: bands, white strips through them, and rows.

Boxes are upright, (N, 4) left, top, right, bottom, in the group's own reading direction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

CORE = 0.5  # share of a line's height, about its middle, that keeps bands apart
OPEN_ROWS = 3  # a line joins one of the latest rows or begins one
MOST_GUTTERS = 16  # candidates looked at per group


class Gutter(NamedTuple):
    """A white strip ``low < x < high`` through the bands ``first`` to ``last``."""

    low: float
    high: float
    first: int
    last: int
    left: int  # lines on its left
    right: int
    beside: int  # lines in bands that have lines on both sides

    @property
    def weight(self) -> tuple[int, int, float]:
        return min(self.left, self.right), self.left + self.right, self.high - self.low

    def extended(self, gap: Gutter, low: float, high: float) -> Gutter:
        """Go on through the next band, whose ``gap`` leaves ``low`` to ``high`` white."""
        lines = self.left + gap.left, self.right + gap.right, self.beside + gap.beside
        return Gutter(low, high, self.first, gap.last, *lines)


def components(low: Floats, high: Floats) -> Indices:
    """Label intervals (N,) by connected component, counted in rising order."""
    order = np.argsort(low, kind="stable")
    reach = np.maximum.accumulate(high[order])
    starts = np.r_[False, low[order][1:] >= reach[:-1]]
    labels = np.empty(len(low), dtype=np.intp)
    labels[order] = np.cumsum(starts)
    return labels


def bands(boxes: Floats) -> Indices:
    """Label lines by horizontal band: bands are apart where the middles of lines are."""
    centre, half = (boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 3] - boxes[:, 1]) / 2 * CORE
    return components(centre - half, centre + half)


def gutters(boxes: Floats, band: Indices, width: float) -> Iterator[Gutter]:
    """Gutters through the whole group first, then those through some bands, best first.

    Args:
        boxes: shape (N, 4).
        band: shape (N,), from :func:`bands`.
        width: the smallest of a gutter, in median line heights.
    """
    smallest = width * float(np.median(boxes[:, 3] - boxes[:, 1]))
    order = np.argsort(boxes[:, 0], kind="stable")
    whole = _gaps(boxes[order, 0].tolist(), boxes[order, 2].tolist(), 0, smallest)[1:-1]
    for gutter in sorted(whole, key=lambda g: g.weight, reverse=True):
        yield gutter._replace(last=int(band.max()))
    if 0 < band.max() < len(boxes) - 1:  # else no line has another beside it
        partial = sorted(_partial(boxes, band, smallest), key=lambda g: g.weight, reverse=True)
        yield from partial[:MOST_GUTTERS]


def _partial(boxes: Floats, band: Indices, smallest: float) -> list[Gutter]:
    """Find white strips through consecutive bands, with lines on both sides."""
    found: list[Gutter] = []
    alive: list[Gutter] = []
    order = np.lexsort((boxes[:, 0], band))
    left, right = boxes[order, 0].tolist(), boxes[order, 2].tolist()
    ends = np.searchsorted(band[order], np.arange(band.max() + 2)).tolist()
    for number, (start, end) in enumerate(pairwise(ends)):
        gaps = _gaps(left[start:end], right[start:end], number, smallest)
        longer: dict[tuple[float, float], Gutter] = {}
        for old in alive:
            survived = False
            for gap in gaps:
                low, high = max(old.low, gap.low), min(old.high, gap.high)
                if high - low >= smallest:
                    survived |= low == old.low and high == old.high
                    longer.setdefault((low, high), old.extended(gap, low, high))
            if not survived:
                found.append(old)
        for gap in gaps:
            longer.setdefault((gap.low, gap.high), gap)
        alive = sorted(longer.values(), key=lambda g: g.first)  # the longest wins a tie above
    return [g for g in found + alive if g.beside > 2 and g.first < g.last]


def _gaps(left: list[float], right: list[float], band: int, smallest: float) -> list[Gutter]:
    """White strips of one band, its lines sorted by left edge; the margins count too."""
    count, reach = len(left), right[0]
    gaps = [Gutter(-math.inf, left[0], band, band, 0, count, 0)]
    for i in range(1, count):
        if left[i] - reach >= smallest:
            gaps.append(Gutter(reach, left[i], band, band, i, count - i, count))
        reach = max(reach, right[i])
    gaps.append(Gutter(reach, math.inf, band, band, count, 0, 0))
    return gaps


def group_rows(boxes: Floats) -> list[list[int]]:
    """Group lines into rows, top to bottom, each from left to right."""
    x0, y0, x1, y1 = (boxes[:, k].tolist() for k in range(4))
    middle = [(a + b) / 2 for a, b in zip(y0, y1, strict=True)]
    rows: list[list[int]] = []
    for i in sorted(range(len(boxes)), key=middle.__getitem__):
        best, least = None, 0.5
        for row in rows[-OPEN_ROWS:]:
            if middle[i] - middle[row[-1]] >= 0.5 * (y1[i] - y0[i]):
                continue  # the row's lowest member is already too far above
            # The nearest member decides: what tilt is left adds up along a row.
            _, j = min((abs(x0[i] + x1[i] - x0[j] - x1[j]), j) for j in row)
            overlap = min(x1[i], x1[j]) - max(x0[i], x0[j])
            away = abs(middle[i] - middle[j]) / max(min(y1[i] - y0[i], y1[j] - y0[j]), 1e-9)
            if away < least and overlap <= 0.5 * min(x1[i] - x0[i], x1[j] - x0[j]):
                best, least = row, away
        if best is None:
            rows.append([i])
        else:
            best.append(i)
    return [sorted(row, key=x0.__getitem__) for row in rows]
