"""Patches laid side by side on sheets, which are looked at in their place.

A look costs what its sheet measures, and kernels are prepared for every size of one. So there are
few sizes, and patches share one or two sheets, whichever is the least.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shizi.detection.canvas import SHEETS, fitting
from shizi.detection.strokes import Patch
from shizi.page import GREY, Image

SPACE = 48
"""Pixels between patches, so that no line goes on from one to the next."""

LOOK = 55_000
"""What a look costs besides its area, 4.5 ms, as pixels."""


class Sheet(NamedTuple):
    """A picture, and the patches that were laid on it."""

    picture: Image
    patches: list[int]  # which of those that were given
    corners: list[tuple[int, int]]  # left top, (x, y), of each


class _Plan(NamedTuple):
    """A sheet to be."""

    height: int
    width: int
    patches: list[int]
    corners: list[tuple[int, int]]

    @property
    def cost(self) -> int:
        return self.height * self.width + LOOK


def lay(patches: Sequence[Patch]) -> list[Sheet]:
    """Lay patches on sheets, one at least: all on one, or the higher ones on one of their own."""
    sizes = [p.picture.shape[:2] for p in patches]
    order = sorted(range(len(patches)), key=lambda i: -sizes[i][0])
    plans = [[_plan(sizes, order)]]
    plans += [[_plan(sizes, order[:i]), _plan(sizes, order[i:])] for i in range(1, len(patches))]
    least = min(plans, key=lambda plan: sum(sheet.cost for sheet in plan))
    return [_drawn(sheet, patches) for sheet in least]


def _plan(sizes: Sequence[tuple[int, ...]], order: Sequence[int]) -> _Plan:
    """Lay patches of some sizes (height, width) in rows, in an order, on the smallest sheet."""
    widest = max(sizes[i][1] for i in order)
    widths = sorted({max(width, widest) for _, width in SHEETS})
    return min((_rows(sizes, order, width) for width in widths), key=lambda plan: plan.cost)


def _rows(sizes: Sequence[tuple[int, ...]], order: Sequence[int], width: int) -> _Plan:
    corners = []
    x = y = row = right = 0
    for i in order:
        h, w = sizes[i]
        if x and x + w > width:
            x, y, row = 0, y + row + SPACE, 0
        corners.append((x, y))
        right, x, row = max(right, x + w), x + w + SPACE, max(row, h)
    return _Plan(*fitting(y + row, right), list(order), corners)


def _drawn(plan: _Plan, patches: Sequence[Patch]) -> Sheet:
    picture = np.full((plan.height, plan.width, 3), GREY, np.uint8)
    for i, (x, y) in zip(plan.patches, plan.corners, strict=True):
        h, w = patches[i].picture.shape[:2]
        picture[y : y + h, x : x + w] = patches[i].picture
    return Sheet(picture, plan.patches, plan.corners)
