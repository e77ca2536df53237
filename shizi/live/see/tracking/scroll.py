"""How far rows moved between two frames, seen by their strokes.

A panel scrolls in one dimension, so a row's strokes are looked for only above and below
where they were. All rows vote together: one row alone may look like another one, for
equal comments do, but only the true shift fits them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.live.frame import Box
from shizi.page import Image

Floats = NDArray[np.float32]

CELL = 4
"""Columns of a picture that make one column of its ink, pixels."""

STROKE = 22
"""Contrast to its surroundings from which a pixel counts as a stroke, grey levels."""

AROUND = 13
"""Side of the surroundings, pixels: wider than a stroke, narrower than a character."""

_ALONE = 200_000
"""Multiplications below which OpenBLAS takes no further thread."""


def ink(image: Image) -> Floats:
    """Strokes of a picture (H, W, 3): thin things that stand out, bright or dark.

    Returns:
        Mean contrast in cells of 1 x CELL pixels, shape (H, W // CELL), 0 to 255.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    contrast = cv2.absdiff(grey, cv2.blur(grey, (AROUND, AROUND)))
    strokes = cv2.threshold(contrast, STROKE, 0, cv2.THRESH_TOZERO)[1]
    size = (max(1, grey.shape[1] // CELL), grey.shape[0])
    return np.asarray(cv2.resize(strokes, size, interpolation=cv2.INTER_AREA), np.float32)


def figure(strokes: Floats) -> Floats:
    """What tells one line of ink (H, W) from another: that all text is dense goes out."""
    return np.asarray(strokes - cv2.blur(strokes, (15, 1)), np.float32)


class Template(NamedTuple):
    """The ink of one row and where it was.

    Attributes:
        ink: shape (h, w).
        top: line of the panel's ink where it begins.
        left: column of the panel's ink where it begins.
    """

    ink: Floats
    top: int
    left: int


def template_of(panel: Floats, box: Box, paper: float = 1.5) -> Template:
    """A line of the panel, with paper of so many heights to its right, where it may grow."""
    top, low = max(0, round(float(box[1]))), min(len(panel), round(float(box[3])))
    left = max(0, int(box[0] // CELL))
    right = min(panel.shape[1], int((box[2] + paper * (box[3] - box[1])) // CELL) + 1)
    return Template(panel[top:low, left:right].copy(), top, left)


def likeness(panel: Floats, row: Template) -> Floats:
    """How well a row fits at every height of a panel.

    Args:
        panel: figure (H, W).
        row: of height h.

    Returns:
        Cosine similarity, -1 to 1, shape (H - h + 1,).
    """
    h, w = row.ink.shape
    column = np.ascontiguousarray(panel[:, row.left : row.left + w])
    count = len(panel) - h + 1
    if column.shape[1] != w or count < 1:
        return np.zeros(max(1, count), np.float32)
    products = _products(column, row.ink)
    down, right = products.strides
    diagonals = np.lib.stride_tricks.as_strided(
        products, (count, h), (down, down + right), writeable=False
    )
    # In double precision: the difference of two large sums is a small one over blank paper.
    lines = np.einsum("ij,ij->i", column, column, dtype=np.float64)
    energy = np.concatenate([[0.0], lines.cumsum()])
    norm = np.sqrt(np.maximum(energy[h:] - energy[:-h], 0) * float((row.ink**2).sum()))
    return np.asarray(diagonals.sum(1) / np.maximum(norm, 1.0), np.float32)


def _products(column: Floats, ink: Floats) -> Floats:
    """Every line of a column (H, w) times every line of ink (h, w), as (H, h).

    In pieces so small that BLAS stays in this thread: others would spin between the calls, which
    costs more than they save.
    """
    step = max(1, _ALONE // ink.size)
    parts = [column[i : i + step] @ ink.T for i in range(0, len(column), step)]
    return np.asarray(np.concatenate(parts), np.float32)


def fits_at(panel: Floats, row: Template, top: int) -> float:
    """The same at one height; 0 where the row would leave the panel."""
    h, w = row.ink.shape
    part = panel[top : top + h, row.left : row.left + w] if top >= 0 else panel[:0]
    if part.shape != row.ink.shape:
        return 0.0
    norm = float(np.sqrt((part * part).sum() * (row.ink * row.ink).sum()))
    return float((part * row.ink).sum()) / max(norm, 1.0)


def fits_near(panel: Floats, row: Template, top: int, reach: int) -> tuple[float, int]:
    """The best likeness within some pixels of a height, and where; the nearest of equal ones."""
    steps = sorted(range(-reach, reach + 1), key=abs)
    return max(((fits_at(panel, row, top + d), top + d) for d in steps), key=lambda fit: fit[0])


def vote(curves: Sequence[Floats], rows: Sequence[Template], height: int) -> tuple[int, float]:
    """Find the shift on which all rows agree best.

    Args:
        curves: :func:`likeness` of each row.
        rows: the rows.
        height: of the panel, pixels.

    Returns:
        The shift in pixels, negative upwards, and its support: the mean likeness of the rows
        that it leaves in the panel, 0 to 1; 0 where no shift leaves any.
    """
    total = np.zeros(2 * height + 1, np.float32)  # by shift + height
    count = np.zeros_like(total)
    for curve, row in zip(curves, rows, strict=True):
        first = height - row.top
        total[first : first + len(curve)] += np.maximum(curve, 0) ** 2
        count[first : first + len(curve)] += 1
    # Squared, so that one row that fits well outweighs many that fit a little. Standing still
    # wins a tie, and equal messages below each other are no reason to scroll down.
    total[height] *= 1.02
    total[height + 1 :] *= 0.8
    best = int(total.argmax())
    support = float(np.sqrt(total[best] / count[best])) if count[best] else 0.0
    return best - height, min(1.0, support)
