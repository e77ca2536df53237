"""Lines that text-detection-ctpn cut into proposals 16 px wide, put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from shizi.data.pages import Label, quads_of_boxes
from shizi.page import Quads

COLUMN = 16
"""Width of the proposals, pixels."""

Boxes = NDArray[np.float64]
"""Shape (N, 4): left, top, right, bottom."""


def labels_of_boxes(
    boxes: Boxes, where: str, difficult: Sequence[bool] | None = None
) -> Iterator[Label]:
    """Yield the labels of a picture's boxes (N, 4), whose texts are not known.

    Where all of them are pieces of 16 px columns, those that continue each other are put
    together into lines again: targets cut lines by themselves, at any scale.
    """
    origin = first_column(boxes)
    if origin is not None:
        for i, quad in enumerate(rejoined(boxes, origin), 1):
            yield Label(quad, "", False, f"{where}: line {i}")
        return
    skipped = difficult or [False] * len(boxes)
    for i, (quad, skip) in enumerate(zip(quads_of_boxes(boxes), skipped, strict=True), 1):
        yield Label(quad, "", skip, f"{where}: object {i}")


def first_column(boxes: Boxes) -> int | None:
    """Where columns of 16 px begin if each of the boxes (N, 4) lies within one; else None.

    Pixels are counted from 0 or, as VOC does, from 1. Where a line ends on the first pixel of
    a column, text-detection-ctpn's last piece is 17 px wide; this is tried second.
    """
    if not len(boxes):
        return None
    left, right = boxes[:, 0], boxes[:, 2]
    for wide in (False, True):
        for origin in (0, 1):
            over = wide & (right > left) & ((right - origin) % COLUMN == 0)  # (N,)
            if bool(((left - origin) // COLUMN == (right - over - origin) // COLUMN).all()):
                return origin
    return None


def rejoined(boxes: Boxes, origin: int) -> Quads:
    """Put proposals (N, 4) that continue each other together into lines (M, 4, 2).

    A piece at the start of a column continues one that ends with the column before, when
    the two share most of their height. A line's edges are fitted through those of its
    pieces, so it may be tilted.
    """
    order = np.argsort(boxes[:, 0], kind="stable")
    chains: list[list[int]] = []
    for i in map(int, order):
        starts = (boxes[i, 0] - origin) % COLUMN == 0
        ends = [(_shared(boxes[c[-1]], boxes[i]), n) for n, c in enumerate(chains) if starts]
        shared, best = max(ends, default=(0.0, 0))
        if shared > 0.5:
            chains[best].append(i)
        else:
            chains.append([i])
    return np.array([_outline(boxes[c]) for c in chains], np.float32).reshape(-1, 4, 2)


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """IoU of two boxes' heights if b begins one pixel after a's last, otherwise 0."""
    if b[0] - a[2] != 1:
        return 0.0
    inter = min(a[3], b[3]) - max(a[1], b[1])
    union = max(a[3], b[3]) - min(a[1], b[1])
    return float(max(inter, 0) / max(union, 1e-6))


def _outline(pieces: Boxes) -> Quads:
    """The quad (4, 2) around pieces (N, 4) from left to right."""
    left, right = pieces[0, 0], pieces[-1, 2]
    middle = (pieces[:, 0] + pieces[:, 2]) / 2
    degree = min(1, len(pieces) - 1)
    top, low = (np.polyfit(middle, pieces[:, side], degree) for side in (1, 3))
    corners = [(x, np.polyval(edge, x)) for edge, x in ((top, left), (top, right))]
    corners += [(x, np.polyval(edge, x)) for edge, x in ((low, right), (low, left))]
    return np.array(corners, np.float32)
