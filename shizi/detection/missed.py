"""A second look at strokes that no line explains: what is cut out, and what comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shizi.detection.canvas import resize
from shizi.detection.sheets import SPACE
from shizi.detection.strokes import (
    ASLANT,
    STEEP,
    Patch,
    Unexplained,
    cut_patch,
    lengthen,
    slant,
)
from shizi.geometry import area, box_to_quad, grow, intersection, quad_to_box, sides
from shizi.page import Image, Quads

Float = NDArray[np.float32]

GOOD = 26.0
"""Height that a strip is brought to for a look of its own, pixels."""

LEGIBLE = 12.0
"""Height below which nothing can be read in a strip, pixels."""

ALONE = 40.0
"""The same for a character that stands alone, which is harder to see."""

APART = 1.0
"""Blank between the words of a line, at most, by its height: messages are further apart."""

LARGE = 100.0
"""Height, pixels, from which on the anchors no longer hold a character."""

SHRINK = 4
"""By how much the picture is shrunk where something larger is."""

AROUND = 0.4
"""What a strip is cut out with on all sides, by its height."""

AHEAD = 1.0
"""The same at its ends, by the height that this makes of it: lines need room to be seen."""

BEYOND = 0.6
"""How far a line goes on beyond the strip that was seen of it, at most, by the strip's height."""

SLIM = 3.8
"""Length of a strip that may be a single slim character, with what is around it, by its height."""

CROSSED = 0.05
"""Share of a line that lies over another which it crosses, at least."""

SPARE = 0.25
"""Share of the picture's area, as it was looked at, that strips may have at most."""

SPARE_ALONE = 1.0
"""The same for characters that stand alone: on plain ground hardly anything else looks so."""

PIECE = 3.0
"""Length of what was seen of a line that runs another way, by its height, at most."""

SPECKS = 3, 0.15
"""Pieces from which on something is no line, and their height by its own, at most."""

LARGE_SCORE = 0.9
"""Least score of large characters: shrunk pictures are full of shapes."""


def second_looks(image: Image, scaled: Image, left: Unexplained, enlarge: float) -> list[Patch]:
    """Cut out what deserves a second look; places are pixels of ``scaled``."""
    thickness = sides(left.strips)[1]
    most = enlarge * image.shape[1] / scaled.shape[1]
    factors = np.minimum(GOOD / np.maximum(thickness, 1), most)
    # What ran level and cannot be enlarged would be seen as before.
    wanted = (factors * thickness > LEGIBLE) & ((factors > 1.3) | (slant(left.strips) > ASLANT))
    room = lengthen(grow(left.strips[wanted], AROUND), AHEAD)
    patches = _cut(image, scaled, room, factors[wanted], SPARE)
    box = quad_to_box(left.marks)
    half = (box[:, 3:] - box[:, 1:2]) / 2
    room = box_to_quad(box + half * np.array([-1, -1, 1, 1], np.float32))
    factors = ALONE / np.maximum(2 * half[:, 0], 1)
    marks = _cut(image, scaled, room, factors, SPARE_ALONE)
    return patches + [mark._replace(alone=True) for mark in marks]


def _cut(
    image: Image, scaled: Image, room: Quads, factors: NDArray[np.floating[Any]], spare: float
) -> list[Patch]:
    """Cut out quads (N, 4, 2), enlarged by factors (N,), the smallest first.

    All together they have at most ``spare`` of the area of ``scaled``.
    """
    scale = scaled.shape[1] / image.shape[1]
    areas = np.prod([side * factors + SPACE for side in sides(room)], axis=0)  # (N,)
    order = np.argsort(areas, kind="stable")
    within = order[areas[order].cumsum() < spare * scaled.shape[0] * scaled.shape[1]]
    patches = []
    for i in within.tolist():
        quad, factor = room[i], float(factors[i])
        if factor > 1:  # the picture itself may hold more
            sharp = cut_patch(image, quad / np.float32(scale), factor * scale)
            patches.append(Patch(sharp.picture, quad))
        else:
            patches.append(cut_patch(scaled, quad, factor))
    return patches


def shrunk(scaled: Image) -> Patch:
    """The whole picture, so small that the largest characters have the usual height."""
    h, w = scaled.shape[:2]
    small = resize(scaled, 1 / SHRINK)
    return Patch(small, box_to_quad(np.array([0, 0, w, h], np.float32)), line=False)


def within_strip(patch: Patch, pieces: Quads, known: Quads) -> Quads:
    """Cut pieces (P, 4, 2) of a patch off where its strip ends, if they are of other things too.

    In the room around a strip there may be a line of those known (N, 4, 2), or a frame
    around what is no longer than a character.
    """
    height, width = patch.picture.shape[:2]
    whole = 1 + 2 * AROUND  # height of the patch, by that of the strip
    room = (AHEAD + (AROUND - BEYOND) / whole) * height
    slim = width < (SLIM / whole + 2 * AHEAD) * height
    strip = patch.back(box_to_quad(np.array([room, 0, width - room, height], np.float32)))
    level = known[sides(known)[0] >= 1.5 * sides(known)[1]]
    others = [q for q in level if intersection(strip, q) < area(q) / 2]
    lines = patch.back(pieces)
    if not (slim or any(_over(line, other) for line in lines for other in others)):
        return pieces
    cut = pieces.copy()
    cut[..., 0] = np.clip(cut[..., 0], room, width - room)
    left: Quads = cut[np.ptp(cut[..., 0], axis=1) > 0]
    return left


def _over(line: Float, other: Float) -> bool:
    """Say whether a line (4, 2) lies over another."""
    return bool(intersection(line, other) > CROSSED * area(line))


def one_line(pieces: Quads) -> Quads:
    """Join the pieces (P, 4, 2) of a level line; none where they are too far apart to be one."""
    if not len(pieces):
        return pieces
    box = quad_to_box(pieces)
    box = box[np.argsort(box[:, 0], kind="stable")]
    gaps = box[1:, 0] - np.maximum.accumulate(box[:, 2])[:-1]
    apart = (gaps > APART * np.median(box[:, 3] - box[:, 1])).any()
    return pieces[:0] if apart else box_to_quad(quad_to_box(pieces.reshape(1, -1, 2)))


def whole_mark(line: Float, patch: Patch) -> Float:
    """Extend a line (4, 2) by the character looked at: its edge may cut the bar off a 7."""
    (box,), (room,) = quad_to_box(line[None]), quad_to_box(patch.quad[None])
    half = (room[3] - room[1]) / 4  # what was cut out is twice as high as the character
    mark = room + half * np.array([1, 1, -1, -1], np.float32)
    middle = (mark[:2] + mark[2:]) / 2
    if not ((box[:2] < middle) & (middle < box[2:])).all():
        return line
    ends = np.concatenate([np.minimum(box, mark)[:2], np.maximum(box, mark)[2:]])
    return np.asarray(box_to_quad(ends[None])[0], np.float32)


def merge(quads: Quads, scores: Float, line: Float, score: float) -> tuple[Quads, Float]:
    """Add a line (4, 2) that a second look found, in place of pieces of it."""
    shared = np.array([intersection(quad, line) for quad in quads], np.float32)  # (N,)
    width, height = sides(quads)
    wide = (width >= 1.5 * height) & (width >= 1.5 * min(sides(line))) & (slant(quads) < STEEP)
    longer = np.maximum(width, height) >= max(sides(line))
    # What runs another way for so long is no piece of it.
    other = (width >= PIECE * height) & (np.abs(slant(quads) - slant(line[None])) > ASLANT)
    if (
        shared[wide].sum() > 0.3 * area(line)
        or (shared[longer] > 0.5 * area(line)).any()
        or (shared[other] > 0.5 * area(quads[other])).any()
    ):
        return quads, scores
    rest = wide | (shared < 0.3 * area(quads))
    if (height[~rest] < SPECKS[1] * min(sides(line))).sum() >= SPECKS[0]:
        return quads, scores  # a chart, whose labels are no parts of a character
    return np.concatenate([quads[rest], line[None]]), np.append(scores[rest], np.float32(score))
