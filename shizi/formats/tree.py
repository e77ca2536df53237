"""A page as blocks of paragraphs of lines, for formats that nest them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby
from typing import TypeAlias

from shizi.page import Line, Page, Quad

PixelBox: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels."""


def tree(page: Page) -> list[list[list[Line]]]:
    """Return its blocks in reading order, each a list of paragraphs, each a list of lines."""
    return [
        [list(lines) for _, lines in groupby(block, key=lambda line: line.paragraph)]
        for _, block in groupby(page.lines, key=lambda line: line.block)
    ]


def box_of(quads: Iterable[Quad]) -> PixelBox:
    """Return the upright box around quads."""
    lefts, tops, rights, bottoms = zip(*(quad.bounds for quad in quads), strict=True)
    return (
        math.floor(min(lefts)),
        math.floor(min(tops)),
        math.ceil(max(rights)),
        math.ceil(max(bottoms)),
    )


def turned(line: Line) -> float:
    """Return by how many degrees clockwise, 0 to 360, its writing runs away from left to right."""
    tl, tr, _, bl = line.quad.points
    end = bl if line.vertical else tr
    return math.degrees(math.atan2(end[1] - tl[1], end[0] - tl[0])) % 360
