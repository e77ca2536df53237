"""Lines as the orientation classifiers learn from them: turned, and cut as by a detector."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from shizi.crop import TALL, is_tall, lie_down
from shizi.geometry import rotate90
from shizi.nets.spec import OrientationSpec, VGGOrientationSpec
from shizi.orientation import piece
from shizi.page import Image
from shizi.train.tasks import augment

COLUMNS = 0.4
"""Share of Chinese lines that are shown as columns: each character on its side."""

ASIDE = 0.15
"""Share of the others that are shown as what is found across a line that runs downwards: a letter
or two on their side."""


class Turned(NamedTuple):
    """A piece of a line, and by how many quarters its characters stand turned clockwise."""

    image: Image  # (height, width, 3)
    label: int
    place: int  # of all different pieces that stage head keeps


def turned_line(
    crop: Image,
    text: str,
    spec: OrientationSpec | VGGOrientationSpec,
    rng: np.random.Generator,
    place: int,
) -> Turned:
    """A piece of a line, upright or upside down, or of what lies on its side: mostly of columns.

    Args:
        crop: the line (h, w, 3), as it is read; of a column, taller than wide.
        text: what it says, where that is known.
        spec: of the net.
        rng: chance.
        place: of the piece.
    """
    laid = is_tall(*crop.shape[:2])
    crop = _found(lie_down(crop) if laid else crop, rng)
    plain = text.replace(" ", "")
    cells = _is_han(plain) and len(plain) <= crop.shape[1]
    if not laid and cells and rng.random() < COLUMNS:
        crop, laid = _on_their_side(crop, len(plain)), True
    elif not laid and rng.random() < ASIDE:
        crop, laid = _across(crop, rng), True
    quarter = 3 if laid else 0
    if rng.random() < 0.5:
        crop, quarter = rotate90(crop, 180), (quarter + 2) % 4
    start = int(rng.integers(max(1, crop.shape[1] - 2 * crop.shape[0])))
    image = piece(np.ascontiguousarray(crop[:, start:]), spec).image
    return Turned(augment.spoil(augment.recolour(image, rng), rng), quarter, place)


def _found(crop: Image, rng: np.random.Generator) -> Image:
    """Move a line's upper and lower edge, as a detector's are off, and stretch it."""
    h, w = crop.shape[:2]
    above, below = rng.integers(-(h // 8), h // 16 + 1, 2).tolist()  # below 0: added
    crop = crop[max(0, above) : h - max(0, below)]
    added = max(0, -above), max(0, -below)
    crop = np.asarray(cv2.copyMakeBorder(crop, *added, 0, 0, cv2.BORDER_REPLICATE), np.uint8)
    width = max(1, round(w * rng.uniform(0.75, 1.3)))
    return np.asarray(cv2.resize(crop, (width, crop.shape[0])), np.uint8)


def _is_han(text: str) -> bool:
    return len(text) > 1 and all("\u4e00" <= char <= "\u9fff" for char in text)


def _on_their_side(crop: Image, count: int) -> Image:
    """Turn each of ``count`` characters of one width by itself, as in a column laid down."""
    h, w = crop.shape[:2]
    edges = np.linspace(0, w, count + 1).astype(int)
    cells = [rotate90(crop[:, a:b], 90) for a, b in pairwise(edges)]
    return np.concatenate([cv2.resize(cell, (h, h)) for cell in cells], 1)


def _across(crop: Image, rng: np.random.Generator) -> Image:
    """Turn a piece of a line on its side."""
    h, w = crop.shape[:2]
    length = min(w, round(h * rng.uniform(0.5, 0.95 * TALL)))  # taller would be laid down
    start = int(rng.integers(w - length + 1))
    return rotate90(crop[:, start : start + max(1, length)], 90)
