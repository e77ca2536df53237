"""Strokes of a picture that the lines found do not explain, and a second look at them.

A detector sees one scale and lines that run nearly level. What it misses, small print on a
large page, a label on its side, still shows as strokes that lie close together in a narrow
strip. Such strips are cut out, turned level and brought to a good height, to be laid on sheets
(:mod:`shizi.detection.sheets`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.detection.beside import beside
from shizi.detection.steps import going_on
from shizi.geometry import box_to_quad, grow, sides, warp
from shizi.page import Image, Quads

CONTRAST = 40
"""Least difference of neighbouring pixels that is a stroke, grey levels."""

REACH = 9
"""Strokes nearer than this, pixels, belong to one strip."""

NEAR = 3
"""The same for those of a character that stands alone."""

FILLED = 0.5
"""Share of a strip's rectangle that its strokes fill; an outline fills less."""

LEAST = 20
"""Least area of a piece of a strip or of a character, pixels."""

BETWEEN = 0.8
"""Gap between the words of a strip, by its height."""

MOST = 60
"""Pieces that are looked into, the largest first."""

MARK = (6, 90)
"""Least and greatest height of a character that stands alone, pixels."""

PLAIN = 6.0
"""Standard deviation of grey around a character that stands alone, at most."""

EVEN = 25.0
"""The same around a strip."""

SMALL = 13.0
"""Strips lower than this, pixels, may be too small to have been seen."""

ASLANT = 12.0
"""Degrees off the level from which on lines may not have been seen."""

STEEP = 25.0
"""Degrees off the level from which on slices follow a line in pieces."""

LIKE = 8.0, 0.25
"""Degrees between two strips, and logarithm of the ratio of their heights, that are alike."""

LYING = 75.0
"""Degrees off the level from which on a line lies on its side."""

FREE = 1.5
"""Blank above and below a short label on its side, by its length: cells stand closer."""

FRAME = 0.5
"""Share of the shorter side of a picture from which on something is a frame around others."""

LABELS = 3
"""Strips that are alike from which on each may be short."""


class Unexplained(NamedTuple):
    """Strokes that no line covers; places are pixels of the picture."""

    strips: Quads  # (S, 4, 2) small or aslant; the first side runs lengthwise, right- or downwards
    beside: Quads  # (B, 4, 2) upright boxes: single characters level with a line
    marks: Quads  # (M, 4, 2) upright boxes: single characters on plain ground, or what looks so
    largest: int  # the lesser side of the largest thing
    share: float  # of all strokes


def unexplained(image: Image, known: Quads, rows: Quads, found: Quads) -> Unexplained:
    """Find strokes that no line explains.

    Args:
        image: RGB (H, W, 3), at the scale that lines were sought at.
        known: lines that explain the strokes they cover, (N, 4, 2).
        rows: lines that may have others beside them, (R, 4, 2).
        found: all, which may be pieces of larger ones: no mark need be sought there.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    strokes = stroke_mask(grey)
    left, every = strokes.copy(), max(1, int(strokes.sum()))
    for quad in grow(known, 0.3):
        cv2.fillConvexPoly(left, quad.round().astype(np.int32), 0)
    near, wide = pieces(left, NEAR), pieces(left, REACH)
    level = new(np.concatenate([beside(grey, left, rows), going_on(left, found)]), found)
    marks = new(_marks(grey, (near, wide)), [*found, *grow(level, 0.3)])
    strips = _strips(grey, strokes, wide)
    largest = int(wide.boxes[:, 2:].min(1).max(initial=0))
    if largest > FRAME * min(grey.shape):  # what stands close to it is one piece with it
        strips = np.concatenate([strips, new(_strips(grey, strokes, near), strips)])
    strips = strips[[not _is_mark(strip, [*level, *marks]) for strip in strips]]
    marks = new(marks, grow(strips, 0.3))
    return Unexplained(strips, level, marks, largest, float(left.sum()) / every)


def new(marks: Quads, seen: Iterable[NDArray[np.float32]]) -> Quads:
    """Leave out marks (M, 4, 2) that stand in a quad (4, 2) that was seen."""
    known = list(seen)
    new = [not any(_holds(quad, mark.mean(0)) for quad in known) for mark in marks]
    return np.asarray(marks[np.array(new, bool)], np.float32)


def _is_mark(strip: NDArray[np.float32], marks: Sequence[NDArray[np.float32]]) -> bool:
    """Say whether a strip (4, 2) is no more than one of the marks (4, 2): a 1, which is slim."""
    length, thickness = (float(side) for side in sides(strip))
    return length < 3 * thickness and any(_holds(mark, strip.mean(0)) for mark in marks)


class _Pieces(NamedTuple):
    """Strokes joined with those near them, P pieces, the largest first."""

    boxes: NDArray[np.int32]  # (P, 4) x, y, width, height
    area: NDArray[np.int32]  # (P,) pixels
    number: NDArray[np.intp]  # (P,) in ``label``
    label: NDArray[np.int32]  # (H, W)


def pieces(strokes: NDArray[np.uint8], reach: int) -> _Pieces:
    """Join strokes (H, W) nearer to each other than ``reach``."""
    solid = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    _, label, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    order = np.argsort(-area, kind="stable")
    order = order[(order > 0) & (area[order] >= LEAST)]
    boxes = stats[order, :4]
    return _Pieces(boxes, area[order], order, np.asarray(label, np.int32))


def _strips(grey: NDArray[np.uint8], strokes: NDArray[np.uint8], pieces: _Pieces) -> Quads:
    """Find narrow strips, (S, 4, 2), small or aslant, on even ground."""
    boxes = pieces.boxes
    slim = (
        pieces.area > FILLED / 4 * boxes[:, 2] * boxes[:, 3]
    )  # also if it lies slanted in its box
    some = np.flatnonzero(slim | (boxes[:, 2:].max(1) < MARK[1]))[:MOST]
    quads = np.asarray([_rectangle(pieces, i) for i in some], np.float32).reshape(-1, 4, 2)
    length, thickness = sides(quads)
    seeds = pieces.area[some] >= FILLED * length * thickness
    seeds &= (length > 1.5 * thickness) & ((slant(quads) > ASLANT) | (thickness < SMALL))
    strips = _joined(quads, seeds)
    kept = [bool(_unevenness(grey, strokes, quad) < EVEN) for quad in strips]
    length, thickness = sides(strips)
    # Two characters are a word; large or aslant they are seldom more than clutter, unless others
    # beside them are as high and as steep: labels below the bars of a chart.
    word = (slant(strips) < ASLANT) & (thickness < SMALL)
    steep, low = slant(strips), np.log(np.maximum(thickness, 1.0))
    like = (np.abs(steep - steep[:, None]) < LIKE[0]) & (np.abs(low - low[:, None]) < LIKE[1])
    word |= like[:, kept].sum(1) >= LABELS
    lying = [bool(q > LYING) and _by_itself(strokes, s) for q, s in zip(steep, strips, strict=True)]
    word |= np.array(lying, bool)
    long = length > np.where(word, 1.5, 2.0) * thickness
    return strips[np.array(kept, bool) & long]


def _by_itself(strokes: NDArray[np.uint8], strip: NDArray[np.float32]) -> bool:
    """Say whether nothing stands above or below a strip (4, 2) that lies on its side."""
    (x0, y0), (x1, y1) = strip.min(0).round().astype(int), strip.max(0).round().astype(int)
    far, x0 = round(FREE * (y1 - y0)), max(0, x0)
    above = strokes[max(0, y0 - far) : max(0, y0 - 1), x0:x1]
    return not (above.any() or strokes[y1 + 2 : y1 + far, x0:x1].any())


def _rectangle(pieces: _Pieces, index: int) -> NDArray[np.float32]:
    """The smallest rectangle (4, 2) around a piece, its first side a long one."""
    x, y, w, h = pieces.boxes[index]
    part = pieces.label[y : y + h, x : x + w] == pieces.number[index]
    # The outermost pixels of each row span what all of them do.
    rows, left, right = np.arange(h), part.argmax(1), w - 1 - part[:, ::-1].argmax(1)
    rim = np.stack([np.concatenate([left, right]), np.concatenate([rows, rows])], 1)  # (2 h, 2)
    middle, (length, thickness), turn = cv2.minAreaRect(rim.astype(np.int32))
    # From the middles of the outermost pixels to their edges.
    corners = cv2.boxPoints((middle, (length + 1, thickness + 1), turn))
    return _lengthwise(corners + np.array([x, y], np.float32))


def _unevenness(
    grey: NDArray[np.uint8], strokes: NDArray[np.uint8], quad: NDArray[np.float32]
) -> float:
    """Standard deviation of grey around a quad (4, 2), a third of its shorter side away.

    Strokes of neighbours do not count, unless they are most of what is there.
    """
    least = min(float(side) for side in sides(quad))
    ring = grow(quad[None], 0.0, max(3.0, least / 3))[0]
    t = np.linspace(0, 1, 24, endpoint=False)[:, None, None]
    points = (ring + t * (np.roll(ring, -1, 0) - ring)).reshape(-1, 2)  # (96, 2)
    x, y = points.round().astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < grey.shape[1]) & (y < grey.shape[0])
    x, y = x[inside], y[inside]
    blank = strokes[y, x] == 0
    return float(grey[y, x][blank].std()) if 2 * blank.sum() > len(x) else np.inf


def _holds(quad: NDArray[np.float32], point: NDArray[np.float32]) -> bool:
    return cv2.pointPolygonTest(quad, (float(point[0]), float(point[1])), measureDist=False) >= 0


def _marks(grey: NDArray[np.uint8], both: tuple[_Pieces, ...]) -> Quads:
    """Find what may be single characters, (M, 4, 2): also close to the edge of a bubble.

    One whose parts stand apart is taken with the bubble; otherwise the innermost counts.
    """
    alone = []
    for pieces in both:
        w, h = pieces.boxes[:, 2], pieces.boxes[:, 3]
        fits = (h >= MARK[0]) & (h <= MARK[1]) & (w >= 0.12 * h) & (w <= 1.5 * h)
        fits &= pieces.area >= FILLED / 2 * w * h
        alone += [box for box in pieces.boxes[fits][:MOST] if _alone(grey, box)]
    marks: list[NDArray[np.int32]] = []
    for x, y, w, h in sorted(alone, key=lambda box: int(box[2] * box[3])):
        middles = ((m[:2] + m[2:]) / 2 - (x, y) for m in marks)
        if not any(0 <= dx <= w and 0 <= dy <= h for dx, dy in middles):
            marks.append(np.array([x, y, x + w, y + h]))
    return box_to_quad(np.array(marks, np.float32).reshape(-1, 4))


def _alone(grey: NDArray[np.uint8], box: NDArray[np.int32]) -> bool:
    """Say whether a box (4,) x, y, width, height stands on plain ground, off the edges."""
    x, y, w, h = (int(v) for v in box)
    far = max(3, h // 3)
    x0, y0, x1, y1 = x - far, y - far, x + w + far, y + h + far
    if min(x0, y0) < 0 or y1 >= grey.shape[0] or x1 >= grey.shape[1]:
        return False
    ring = [grey[y0, x0:x1], grey[y1, x0:x1], grey[y0:y1, x0], grey[y0:y1, x1]]
    return float(np.concatenate(ring).std()) < PLAIN


def _joined(pieces: Quads, filled: NDArray[np.bool_]) -> Quads:
    """Join rectangles (N, 4, 2) with what follows them in their own direction, words of a line.

    A strip begins with one that its strokes fill (N,); the rest may be brackets and thin
    characters.
    """
    left = np.ones(len(pieces), bool)
    whole = []
    for seed in np.flatnonzero(filled):
        if not left[seed]:
            continue
        left[seed] = False
        quad, near = _extended(pieces[seed], pieces[left])
        while near.any():
            left[np.flatnonzero(left)[near]] = False
            quad, near = _extended(quad, pieces[left])
        whole.append(quad)
    return np.asarray(whole, np.float32).reshape(-1, 4, 2)


def _extended(
    quad: NDArray[np.float32], others: Quads
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Lengthen a strip (4, 2) by those of the others (K, 4, 2) that follow it, and tell which."""
    length, thickness = (float(v) for v in sides(quad))
    if length < 1.5 * thickness:
        return quad, np.zeros(len(others), bool)
    along, down = (quad[1] - quad[0]) / length, (quad[3] - quad[0]) / thickness
    ahead, aside = (others - quad[0]) @ along, (others - quad[0]) @ down  # (K, 4)
    near = ahead.min(1) < length + BETWEEN * thickness
    near &= ahead.max(1) > -BETWEEN * thickness
    near &= np.abs(aside.min(1) + aside.max(1) - thickness) / 2 < 0.4 * thickness
    near &= np.ptp(aside, 1) < 1.5 * thickness
    first = quad[0] + ahead[near].min(initial=0.0) * along
    last = quad[0] + ahead[near].max(initial=length) * along
    longer = np.stack([first, last, last + thickness * down, first + thickness * down])
    return longer.astype(np.float32), near


def stroke_mask(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark the strokes of a grey image with 1, shape (H, W)."""
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray(edges > CONTRAST, np.uint8)


def densest(image: Image, side: int) -> tuple[int, int]:
    """Return the left top corner (x, y) of the square of that side where most strokes are."""
    mask = stroke_mask(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.float32)
    h, w = (min(side, v) for v in mask.shape)
    sums = cv2.boxFilter(mask, -1, (w, h), anchor=(0, 0), normalize=False)
    whole = sums[: mask.shape[0] - h + 1, : mask.shape[1] - w + 1]
    y, x = np.unravel_index(int(whole.argmax()), whole.shape)
    return int(x), int(y)


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
    line: bool = True  # it holds one line, however many pieces of it are found
    alone: bool = False  # or one character

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
