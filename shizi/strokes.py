"""Strokes of a picture that the lines found do not explain, and a second look at them.

A detector sees one scale and lines that run nearly level. What it misses, small print on a
large page, a label on its side, still shows as strokes that lie close together in a narrow
strip. Such strips are cut out, turned level, brought to a good height and laid side by side:
one small picture shows them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.geometry import grow, sides, warp
from shizi.page import GREY, Image, Quads

CONTRAST = 40
"""Least difference of neighbouring pixels that is a stroke, grey levels."""

REACH = 9
"""Strokes nearer than this, pixels, belong to one strip."""

FILLED = 0.5
"""Share of a strip's rectangle that its strokes fill; an outline fills less."""

LEAST = 30
"""Least area of a piece of a strip, pixels."""

BETWEEN = 0.8
"""Gap between the words of a strip, by its height."""

MOST_STRIPS = 60
"""Pieces of strips looked at, the largest first."""

SPACE = 64
"""Pixels between patches, so that no line goes on from one to the next."""


def strips(image: Image, known: Quads) -> Quads:
    """Find narrow strips of strokes that no line explains.

    Args:
        image: RGB (H, W, 3), at the scale that lines were sought at.
        known: lines that explain the strokes they cover, (N, 4, 2).

    Returns:
        Rectangles (M, 4, 2) around them, the first side being a long one that runs rightwards,
        or downwards where it stands upright.
    """
    left = stroke_mask(image)
    for quad in grow(known, 0.3):
        cv2.fillConvexPoly(left, quad.round().astype(np.int32), 0)
    solid = cv2.morphologyEx(left, cv2.MORPH_CLOSE, np.ones((REACH, REACH), np.uint8))
    _, label, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    boxed = area / np.maximum(stats[:, cv2.CC_STAT_WIDTH] * stats[:, cv2.CC_STAT_HEIGHT], 1)
    found: list[NDArray[np.float32]] = []
    for i in np.argsort(-area, kind="stable").tolist():
        if len(found) == MOST_STRIPS or area[i] < LEAST:
            break
        if i == 0 or boxed[i] < FILLED / 4:  # a slanted strip fills less of an upright box
            continue
        x, y, w, h = stats[i, :4]
        part = (label[y : y + h, x : x + w] == i).astype(np.uint8)
        rectangle = cv2.minAreaRect(cv2.findNonZero(part))
        quad = _lengthwise(cv2.boxPoints(rectangle) + np.array([x, y], np.float32))
        length, thickness = sides(quad)
        if area[i] >= FILLED * (length + 1) * (thickness + 1):
            found.append(quad)
    return _joined(found)


def _joined(pieces: list[NDArray[np.float32]]) -> Quads:
    """Join rectangles (4, 2) with what follows them in their own direction, words of a line."""
    left, whole = list(pieces), []
    while left:
        quad = left.pop(0)
        while True:
            length, thickness = (float(v) for v in sides(quad))
            along, down = (quad[1] - quad[0]) / length, (quad[3] - quad[0]) / thickness
            ahead = [(other - quad[0]) @ along for other in left]  # (4,) each
            aside = [(other - quad[0]) @ down for other in left]
            follows = [
                j
                for j, (a, s) in enumerate(zip(ahead, aside, strict=True))
                if length > 1.5 * thickness
                and -BETWEEN * thickness < s.min() + s.max() - thickness < BETWEEN * thickness
                and s.max() - s.min() < 1.5 * thickness
                and a.min() < length + BETWEEN * thickness
                and a.max() > -BETWEEN * thickness
            ]
            if not follows:
                break
            ends = np.concatenate([[0.0, length], *(ahead[j] for j in follows)])
            first, last = quad[0] + ends.min() * along, quad[0] + ends.max() * along
            quad = np.stack([first, last, last + thickness * down, first + thickness * down])
            left = [other for j, other in enumerate(left) if j not in follows]
        whole.append(quad.astype(np.float32))
    return np.asarray(whole, np.float32).reshape(-1, 4, 2)


def stroke_mask(image: Image) -> NDArray[np.uint8]:
    """Mark the strokes of an RGB image with 1, shape (H, W)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray(edges > CONTRAST, np.uint8)


def _lengthwise(quad: NDArray[np.float32]) -> NDArray[np.float32]:
    """Begin a clockwise rectangle (4, 2) with the long side that runs rightwards or downwards."""
    edges = np.roll(quad, -1, 0) - quad  # (4, 2)
    first = int(np.linalg.norm(edges[1]) > np.linalg.norm(edges[0]))
    x, y = edges[first]
    backwards = x < 0 if abs(x) > 0.2 * abs(y) else y < 0
    return np.roll(quad, -(first + 2 * backwards), 0)


def slant(quads: Quads) -> NDArray[np.float32]:
    """Degrees (N,) by which the first side of quads (N, 4, 2) leaves the level, 0 to 90."""
    x, y = np.abs(quads[:, 1] - quads[:, 0]).T
    return np.asarray(np.degrees(np.arctan2(y, x)), np.float32)


def lengthen(quads: Quads, margin: float) -> Quads:
    """Move the ends of quads (N, 4, 2) outwards by ``margin`` heights."""
    length, thickness = sides(quads)
    step = (quads[:, 1] - quads[:, 0]) * (margin * thickness / np.maximum(length, 1e-6))[:, None]
    out = quads.copy()
    out[:, [0, 3]] -= step[:, None]
    out[:, [1, 2]] += step[:, None]
    return out


class Patch(NamedTuple):
    """A piece of a picture, cut out to be looked at by itself."""

    picture: Image
    quad: NDArray[np.float32]  # (4, 2) where it was cut out

    def back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map points (..., 2) of the patch to where they were cut out."""
        height, width = self.picture.shape[:2]
        a, b, _, d = self.quad
        return np.asarray(
            a + points[..., :1] / width * (b - a) + points[..., 1:] / height * (d - a), np.float32
        )


def cut_patch(image: Image, quad: NDArray[np.float32], scale: float) -> Patch:
    """Cut a quad (4, 2) out of an image, enlarged by ``scale``."""
    width, height = (max(1, round(float(side) * scale)) for side in sides(quad))
    return Patch(warp(image, quad, width, height), quad)


def lay(patches: Sequence[Patch]) -> tuple[Image, list[tuple[int, int]]]:
    """Lay patches side by side in rows, the highest first.

    Returns:
        One picture, and the left top corner (x, y) of each patch in it.
    """
    sizes = [(p.picture.shape[0] + SPACE, p.picture.shape[1] + SPACE) for p in patches]
    width = max(*(w for _, w in sizes), round(sum(h * w for h, w in sizes) ** 0.5))
    corners = [(0, 0)] * len(patches)
    x = y = row = 0
    for i in sorted(range(len(patches)), key=lambda i: -sizes[i][0]):
        h, w = sizes[i]
        if x + w > width:
            x, y, row = 0, y + row, 0
        corners[i] = (x, y)
        x, row = x + w, max(row, h)
    canvas = np.full((y + row, width, 3), GREY, np.uint8)
    for (left, top), patch in zip(corners, patches, strict=True):
        h, w = patch.picture.shape[:2]
        canvas[top : top + h, left : left + w] = patch.picture
    return canvas, corners
