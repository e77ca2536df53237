"""Pure functions on quads and boxes. A quad array has shape (..., 4, 2), clockwise."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.page import Image, Quads

Array = NDArray[np.floating[Any]]


def rotate90(image: Image, angle: int) -> Image:
    """Rotate counter-clockwise by ``angle`` degrees (0, 90, 180, 270): exact, no resampling.

    Applied with a page's ``angle`` it makes the page upright.
    """
    if angle % 90:
        raise ValueError(f"angle must be a multiple of 90, not {angle}")
    return np.ascontiguousarray(np.rot90(image, k=angle // 90 % 4))


def map_back(quads: Array, angle: int, width: int, height: int) -> Quads:
    """Map points of ``rotate90(image, angle)`` back into the image itself.

    Args:
        quads: points of the rotated image, shape (..., 2).
        angle: what :func:`rotate90` was given.
        width: of the original image, pixels.
        height: of the original image, pixels.
    """
    x, y = quads[..., 0], quads[..., 1]
    match angle % 360:
        case 0:
            back = (x, y)
        case 90:
            back = (width - y, x)
        case 180:
            back = (width - x, height - y)
        case 270:
            back = (y, height - x)
        case _:
            raise ValueError(f"angle must be a multiple of 90, not {angle}")
    return np.stack(back, axis=-1).astype(np.float32)


def sides(quads: Array) -> tuple[Array, Array]:
    """Return (width, height) of quads (..., 4, 2): means of the two opposite sides."""
    edges = np.linalg.norm(np.roll(quads, -1, axis=-2) - quads, axis=-1)  # (..., 4)
    return (edges[..., 0] + edges[..., 2]) / 2, (edges[..., 1] + edges[..., 3]) / 2


LIKE = 0.5
"""Logarithm of the ratio of two sizes that are alike, at most."""


def alike(sizes: Array, others: Array) -> NDArray[np.bool_]:
    """Say which sizes are alike: heights or widths of what may be one row or column."""
    ratio = np.maximum(sizes, 1e-6) / np.maximum(others, 1e-6)
    return np.asarray(np.abs(np.log(ratio)) < LIKE)


def level(quads: Array, others: Array) -> NDArray[np.bool_]:
    """Say for quads (N, 4, 2) which others (M, 4, 2) of like height are level with them: (N, M)."""
    height, middle = sides(quads)[1][:, None], quads.mean(1)[:, 1, None]  # (N, 1)
    off = np.abs(others.mean(1)[:, 1] - middle)
    return np.asarray((off < _LEVEL * height) & alike(height, sides(others)[1]))


_LEVEL = 0.3
"""How far the middles of two lines of a row are apart, by their height, at most."""


def grow(quads: Array, margin: float, pixels: float = 0.0) -> Quads:
    """Move every side of quads (N, 4, 2) outwards by ``margin`` shorter sides and ``pixels``."""
    width, height = sides(quads)
    along = (quads[:, 1] - quads[:, 0]) / np.maximum(width, 1e-6)[:, None]  # (N, 2)
    down = (quads[:, 3] - quads[:, 0]) / np.maximum(height, 1e-6)[:, None]
    step = (margin * np.minimum(width, height) + pixels)[:, None]
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners = [quads[:, i] + step * (x * along + y * down) for i, (x, y) in enumerate(signs)]
    return np.stack(corners, 1).astype(np.float32)


def area(quads: Array) -> Array:
    """Area of quads (..., 4, 2), never negative."""
    return np.abs(_signed_area(quads))


def is_mirrored(quads: Array) -> NDArray[np.bool_]:
    """Say which quads (..., 4, 2) run counter-clockwise: text cut by them would be mirrored."""
    return np.asarray(_signed_area(quads) < 0)


def _signed_area(quads: Array) -> Array:
    """Area of quads (..., 4, 2) by the shoelace formula, negative where they run backwards."""
    x, y = quads[..., 0], quads[..., 1]
    return np.asarray((x * np.roll(y, -1, -1) - y * np.roll(x, -1, -1)).sum(-1) / 2)


def order_quad(points: Array) -> NDArray[np.float32]:
    """Order four points clockwise, first the one nearest the picture's top-left.

    The result starts the edge whose direction is nearest to rightwards, so a box
    tilted by up to 45 degrees keeps its own top edge first.
    """
    points = np.asarray(points, dtype=np.float32)
    centre = points.mean(0)
    turn = np.arctan2(points[:, 1] - centre[1], points[:, 0] - centre[0])
    clockwise = points[
        np.argsort(turn, kind="stable")
    ]  # y points down, so rising angle = clockwise
    edges = np.roll(clockwise, -1, axis=0) - clockwise
    lengths = np.linalg.norm(edges, axis=1) + 1e-9
    rightward = edges[:, 0] / lengths + np.roll(-edges[:, 0] / lengths, -2)
    return np.roll(clockwise, -int(np.argmax(rightward)), axis=0)


def box_to_quad(boxes: Array) -> Quads:
    """Turn upright boxes (..., 4) left, top, right, bottom into quads (..., 4, 2)."""
    x0, y0, x1, y1 = np.moveaxis(np.asarray(boxes, dtype=np.float32), -1, 0)
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return np.stack([np.stack(c, -1) for c in corners], -2)


def quad_to_box(quads: Array) -> NDArray[np.float32]:
    """Return the upright boxes (..., 4) around quads (..., 4, 2)."""
    return np.concatenate([quads.min(-2), quads.max(-2)], -1).astype(np.float32)


def box_iou(a: Array, b: Array) -> Array:
    """IoU of upright boxes: a (N, 4) against b (M, 4) gives (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(-1)
    area_a = (a[:, 2:] - a[:, :2]).prod(-1)
    area_b = (b[:, 2:] - b[:, :2]).prod(-1)
    return np.asarray(inter / np.maximum(area_a[:, None] + area_b[None] - inter, 1e-9))


def intersection(a: Array, b: Array) -> float:
    """Area that two convex quads (4, 2) have in common (Sutherland and Hodgman 1974).

    OpenCV's own fails where edges all but coincide, as those of two readings of a line do.
    """
    origin = a[0]  # near which floats are finest
    shape, window = (_clockwise((q - origin).tolist()) for q in (a, b))
    least = min(_shoelace(shape), _shoelace(window))
    if any(
        max(p) <= min(q) or max(q) <= min(p)
        for p, q in zip(_columns(shape), _columns(window), strict=True)
    ):
        return 0.0  # their boxes lie apart
    for (x0, y0), (x1, y1) in zip(window, window[1:] + window[:1], strict=True):
        inside = [(x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for x, y in shape]
        kept = []
        for i, ((x, y), side) in enumerate(zip(shape, inside, strict=True)):
            j = (i + 1) % len(shape)
            if side >= 0:
                kept.append((x, y))
            if (side >= 0) != (inside[j] >= 0):
                share = side / (side - inside[j])
                kept.append((x + share * (shape[j][0] - x), y + share * (shape[j][1] - y)))
        if len(kept) < 3:
            return 0.0
        shape = kept
    return min(abs(_shoelace(shape)), least)


_Polygon = list[tuple[float, float]]
"""Few points: plain numbers are ten times as fast as arrays."""


def _columns(points: _Polygon) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _shoelace(points: _Polygon) -> float:
    """Area of a polygon; less than nought where its corners run against the clock."""
    after = points[1:] + points[:1]
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, after, strict=True)) / 2


def _clockwise(points: _Polygon) -> _Polygon:
    """The polygon with its corners in the order in which a screen's clock runs."""
    return points if _shoelace(points) >= 0 else points[::-1]


def distinct(quads: Array, scores: Array, most: float = 0.7) -> NDArray[np.intp]:
    """Greedy non-maximum suppression of text lines, which also drops parts of longer lines.

    Lines of unlike height may lie over each other: a caption over a poster's large letters.

    Args:
        quads: shape (N, 4, 2).
        scores: shape (N,); a line goes before another by its score times its area.
        most: a line that shares more of its area with one kept, of like height, is dropped.

    Returns:
        Indices kept, in rising order.
    """
    low, high = quads.min(1), quads.max(1)  # (N, 2)
    areas, height = area(quads), np.minimum(*sides(quads))  # (N,)
    order = np.argsort(-scores * areas, kind="stable")
    low, high, size = low[order], high[order], np.log(height[order] + 1e-6)
    kept = np.zeros(len(order), bool)  # in that order
    for n, i in enumerate(order.tolist()):
        near = kept[:n] & (low[:n] < high[n]).all(1) & (high[:n] > low[n]).all(1)
        near &= np.abs(size[:n] - size[n]) < _UNLIKE
        others = order[:n][near]
        kept[n] = all(intersection(quads[i], quads[j]) <= most * areas[i] for j in others)
    return np.sort(order[kept])


_UNLIKE = 0.6
"""Logarithm of the ratio of two heights from which on one line is no part of the other."""


def warp(image: Image, quad: Array, width: int, height: int) -> Image:
    """Cut the quad (4, 2) out of the image as an upright picture (height, width, 3).

    The border is replicated, so a quad that reaches outside the image is fine.
    """
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    # Corners are continuous coordinates; OpenCV puts pixel centres on integers.
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32) - 0.5, target - 0.5)
    return np.asarray(
        cv2.warpPerspective(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        dtype=np.uint8,
    )
