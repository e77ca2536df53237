"""A character so large that it fills the picture: no anchor is as high, and parts look like lines.

Shrunk until it is of ordinary size, it stands alone on plain ground.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.detection.beside import guessed, roomy
from shizi.detection.canvas import resize
from shizi.detection.strokes import pieces, stroke_mask
from shizi.geometry import area, box_to_quad, intersection, sides
from shizi.page import Image, Quads

Float = NDArray[np.float32]

SMALL = 96
"""Shorter side that the picture is shrunk to, pixels."""

FEW = 8
"""Lines from which on a picture is no single character."""

LEAST = 0.4
"""Height of a character that fills the picture, by the picture's shorter side."""

WIDTHS = 0.15, 1.4
"""Width of a character, by its height."""

REACH = 13
"""Strokes nearer than this, pixels, belong to one character."""

FRAME = 0.8
"""Width and height of a frame around a character, by the picture's, at least."""

INKED = 0.25
"""Share of its box that its strokes, and what lies between them, fill at least."""

AROUND = 3
"""Pixels from a character to where its ground is looked at."""

PLAIN = 12.0
"""Standard deviation of grey there, at most."""

PART = 0.22
"""Height of what is taken for a line in a character, by the character's, at least."""

COLUMN = 0.5
"""Width of a line that runs downwards, by its height, at most."""

LEAVES = 0.2
"""Share of a line that is in a character and out of it, at least, where the line crosses it."""

MARGIN = 0.06
"""What is added on every side, by the height."""

KNOWN = 0.75
"""IoU with a line from which on it is the same."""


def with_filling(image: Image, quads: Quads, scores: Float) -> tuple[Quads, Float]:
    """Add characters that fill most of an image, in place of lines that are nearly the same.

    Args:
        image: RGB (H, W, 3).
        quads: lines found, (N, 4, 2), pixels of the image.
        scores: (N,).
    """
    wholes, kept = [], np.ones(len(quads), bool)
    for whole in filling(image) if len(quads) <= FEW else ():
        size, height = area(quads), np.minimum(*sides(quads)) / np.ptp(whole[:, 1])  # (N,)
        shared = np.array([intersection(whole, quad) for quad in quads], np.float32)
        in_line = (shared > area(whole) / 2) & (size > area(whole) / KNOWN)
        small = (shared > size / 2) & (height < PART)  # so it is a block of text
        same = shared >= KNOWN * (size + area(whole) - shared)
        column = same & (np.divide(*sides(quads)) < COLUMN)
        leaves = (shared > LEAVES * size) & (shared < (1 - LEAVES) * size)
        crosses = leaves & (shared > LEAVES * area(whole))  # so it is pieces of several lines
        if not (in_line | small | column | crosses).any():
            wholes.append(whole)
            kept &= ~same
    found = np.asarray(wholes, np.float32).reshape(-1, 4, 2)
    return guessed(quads[kept], scores[kept], roomy(found)) if wholes else (quads, scores)


def filling(image: Image) -> Quads:
    """Find what stands alone and fills most of an image (M, 4, 2), upright boxes."""
    small = resize(image, min(1.0, SMALL / min(image.shape[:2])))
    scale = image.shape[1] / small.shape[1]
    least = LEAST * min(small.shape[:2])
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    strokes = stroke_mask(grey)
    boxes = []
    bare = _unframed(strokes)
    for some in (strokes, bare) if (bare != strokes).any() else (strokes,):
        found = pieces(some, REACH)
        for (x, y, w, h), inked in zip(found.boxes.tolist(), found.area.tolist(), strict=True):
            fits = h >= least and WIDTHS[0] * h <= w <= WIDTHS[1] * h and inked >= INKED * w * h
            if fits and _stands_alone(grey, (x, y, x + w, y + h)):
                more = MARGIN * h
                boxes.append((x - more, y - more, x + w + more, y + h + more))
    distinct = np.unique(np.array(boxes, np.float32).reshape(-1, 4), axis=0)
    return box_to_quad(distinct * np.float32(scale))


def _unframed(strokes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave out what runs along the edges of a picture (H, W), as a frame or a sign's rim does.

    It may be a stroke of the character, as in 国: reading decides.
    """
    _, label, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    height, width = strokes.shape
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    frames = np.flatnonzero((wide >= FRAME * width) & (high >= FRAME * height))
    return np.asarray(np.where(np.isin(label, frames), 0, strokes), np.uint8)


def _stands_alone(grey: NDArray[np.uint8], box: tuple[int, int, int, int]) -> bool:
    """Say whether the ground around a box, within the picture, is plain."""
    x0, y0 = (max(0, v - AROUND) for v in box[:2])
    x1, y1 = (min(v - 1, b + AROUND) for v, b in zip(grey.shape[::-1], box[2:], strict=True))
    ring = [grey[y0, x0:x1], grey[y1, x0:x1], grey[y0:y1, x0], grey[y0:y1, x1]]
    return float(np.concatenate(ring).std()) < PLAIN
