"""CTPN targets: quads to slices to anchors (Tian et al. 2016, sections 3.1 to 3.4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi.nets.spec import CTPNSpec, VGGCTPNSpec
from shizi.page import Quads

Float = NDArray[np.float32]

NEAR = -2
"""Label of an anchor that may call itself text or not, but should say where the text is.

The paper's "valid" anchors: decoding may choose them, so their coordinates must be right.
"""


class TrueSlices(NamedTuple):
    """The 16 px wide pieces of all lines, M of them."""

    column: NDArray[np.intp]  # (M,) index of the grid column
    centre: Float  # (M,) y, pixels
    height: Float  # (M,) pixels
    left: NDArray[np.bool_]  # (M,) first slice of its line
    right: NDArray[np.bool_]  # (M,) last slice of its line
    offsets: Float  # (M, 2) of the line's ends from the slice's centre, in slices
    ignore: NDArray[np.bool_]  # (M,)


class Targets(NamedTuple):
    """What each anchor should say; R rows, C columns, K anchor heights."""

    label: NDArray[np.int8]  # (R, C, K) 1 text, 0 not, -1 do not care, NEAR
    vertical: Float  # (R, C, K, 2) centre and log height; where text or NEAR
    ends: Float  # (R, C, K, 2) 1 where the slice holds the left or right end
    offsets: Float  # (R, C, K, 2)


def slice_quads(quads: Quads, ignore: NDArray[np.bool_], width: int, step: int) -> TrueSlices:
    """Cut quads (N, 4, 2) at the centres of the grid's columns.

    Args:
        quads: pixels.
        ignore: shape (N,).
        width: number of grid columns.
        step: column width, pixels.
    """
    # A line that reaches out of the picture ends at its edge.
    x0, inner0, inner1, x1 = np.sort(quads[:, :, 0], 1).astype(np.float64).T  # each (N,)
    x0, x1 = np.clip(x0, 0, width * step), np.clip(x1, 0, width * step)
    first = np.clip(np.ceil(x0 / step - 0.5), 0, width - 1).astype(int)
    last = np.clip(np.floor(x1 / step - 0.5), 0, width - 1).astype(int)
    narrow = last < first  # narrower than a column: the one that holds its middle
    middle = np.clip((x0 + x1) / 2 // step, 0, width - 1).astype(int)
    first, last = np.where(narrow, middle, first), np.where(narrow, middle, last)
    count = last - first + 1
    line = np.repeat(np.arange(len(quads)), count)  # (M,) of each slice
    column = np.arange(len(line)) - np.repeat(np.cumsum(count) - count - first, count)
    centre = (column + 0.5) * step
    # Between its corners a tilted line has its whole height.
    most = np.maximum(inner1, inner0 + 0.02) - 0.01
    top, low = _cross(quads[line], np.clip(centre, inner0[line] + 0.01, most[line]))
    return TrueSlices(
        column,
        ((top + low) / 2).astype(np.float32),
        np.maximum(low - top, 1).astype(np.float32),
        column == first[line],
        column == last[line],
        (np.stack([x0[line] - centre, x1[line] - centre], 1) / step).astype(np.float32),
        ignore[line],
    )


def _cross(quads: Float, xs: NDArray[np.floating]) -> tuple[Float, Float]:
    """Top and bottom y of convex quads (M, 4, 2) along vertical lines, x = xs (M,)."""
    a, b = quads, np.roll(quads, -1, axis=1)
    dx = b[..., 0] - a[..., 0]  # (M, 4)
    t = (xs[:, None] - a[..., 0]) / np.where(np.abs(dx) < 1e-6, 1e-6, dx)
    y = a[..., 1] + t * (b[..., 1] - a[..., 1])
    on = (t >= -1e-6) & (t <= 1 + 1e-6) & (np.abs(dx) >= 1e-6)
    return np.where(on, y, np.inf).min(1), np.where(on, y, -np.inf).max(1)


def assign(slices: TrueSlices, rows: int, columns: int, spec: CTPNSpec | VGGCTPNSpec) -> Targets:
    """Give every anchor its label and regression targets.

    An anchor is text where its IoU with a slice is above 0.7, or where it is the best of
    that slice; it is not where all its IoUs are below 0.5, and NEAR in between (paper,
    section 3.4). Of several slices the one with the greatest IoU counts. An anchor that is
    neither text nor NEAR, but stands on an ignored slice, does not matter.
    """
    heights = np.asarray(spec.heights, np.float32)
    shape = rows, columns, len(heights)
    label = np.zeros(shape, np.int8)
    vertical = np.zeros((*shape, 2), np.float32)
    ends = np.zeros((*shape, 2), np.float32)
    offsets = np.zeros((*shape, 2), np.float32)
    centres = (np.arange(rows, dtype=np.float32) + 0.5) * spec.row
    cy, h = slices.centre[:, None, None], slices.height[:, None, None]  # (M, 1, 1)
    high = np.minimum(centres[:, None] + heights / 2, cy + h / 2)  # (M, R, K)
    low = np.maximum(centres[:, None] - heights / 2, cy - h / 2)
    inter = np.clip(high - low, 0, None)
    iou = inter / (heights + h - inter)
    m, r, a = np.nonzero((iou > 0.3) & slices.ignore[:, None, None])
    label[r, slices.column[m], a] = -1
    text = iou > 0.7
    best = iou.reshape(len(iou), rows * len(heights)).argmax(1)  # (M,)
    text[np.arange(len(iou)), *np.unravel_index(best, iou.shape[1:])] = True
    m, r, a = np.nonzero((text | (iou > 0.5)) & ~slices.ignore[:, None, None])
    order = np.lexsort((-m, iou[m, r, a], text[m, r, a]))  # the last one stays
    m, r, a = m[order], r[order], a[order]
    c = slices.column[m]
    label[r, c, a] = np.where(text[m, r, a], 1, NEAR)
    vertical[r, c, a, 0] = (slices.centre[m] - centres[r]) / heights[a]
    vertical[r, c, a, 1] = np.log(slices.height[m] / heights[a])
    ends[r, c, a] = np.stack([slices.left, slices.right], 1)[m]
    offsets[r, c, a] = slices.offsets[m]
    return Targets(label, vertical, ends, offsets)


def masked(targets: Targets, slices: TrueSlices, row: int) -> Targets:
    """Leave out what is not known of a picture whose lines are not all labelled.

    An anchor is only known to be background where its centre stands in a labelled line;
    elsewhere there may be text.

    Args:
        targets: of the picture.
        slices: that they were made of.
        row: height of a grid cell, pixels.
    """
    rows, columns, _ = targets.label.shape
    centres = (np.arange(rows) + 0.5) * row
    known = np.zeros((rows, columns), bool)
    for column, centre, height in zip(slices.column, slices.centre, slices.height, strict=True):
        known[:, column] |= np.abs(centres - centre) <= height / 2
    unknown = (targets.label == 0) & ~known[..., None]
    return targets._replace(label=np.where(unknown, -1, targets.label).astype(np.int8))


def sample(targets: Targets, rng: np.random.Generator, count: int = 128) -> Targets:
    """Keep the scores of ``count`` anchors of one picture to learn from.

    Half of them are text; where there is too little of it, more are not (paper, section 3.4).
    Text that is not drawn becomes NEAR, the rest "do not care".
    """
    text, other = (rng.permutation(np.flatnonzero(targets.label == value)) for value in (1, 0))
    text = text[: count // 2]
    valid = (targets.label == 1) | (targets.label == NEAR)
    label = np.where(valid, NEAR, -1).astype(np.int8)
    label.flat[text] = 1
    label.flat[other[: count - len(text)]] = 0
    return targets._replace(label=label)
