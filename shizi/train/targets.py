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


class Slices(NamedTuple):
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


def slice_quads(quads: Quads, ignore: NDArray[np.bool_], width: int, step: int) -> Slices:
    """Cut quads (N, 4, 2) at the centres of the grid's columns.

    Args:
        quads: pixels.
        ignore: shape (N,).
        width: number of grid columns.
        step: column width, pixels.
    """
    parts: list[Slices] = []
    for quad, skip in zip(quads, ignore, strict=True):
        # A line that reaches out of the picture ends at its edge.
        x0, x1 = (float(np.clip(x, 0, width * step)) for x in (quad[:, 0].min(), quad[:, 0].max()))
        first = int(np.clip(np.ceil(x0 / step - 0.5), 0, width - 1))
        last = int(np.clip(np.floor(x1 / step - 0.5), 0, width - 1))
        if last < first:  # narrower than a column: the one that holds its middle
            first = last = int(np.clip((x0 + x1) / 2 // step, 0, width - 1))
        columns = np.arange(first, last + 1)
        # Between its corners a tilted line has its whole height.
        _, inner0, inner1, _ = np.sort(quad[:, 0])
        xs = np.clip((columns + 0.5) * step, inner0 + 0.01, max(inner1, inner0 + 0.02) - 0.01)
        top, low = _cross(quad, xs)
        centre_x = (columns + 0.5) * step
        parts.append(
            Slices(
                columns,
                ((top + low) / 2).astype(np.float32),
                np.maximum(low - top, 1).astype(np.float32),
                columns == first,
                columns == last,
                (np.stack([x0 - centre_x, x1 - centre_x], 1) / step).astype(np.float32),
                np.full(len(columns), skip),
            )
        )
    if not parts:
        none = np.zeros(0, np.float32)
        no = np.zeros(0, bool)
        return Slices(np.zeros(0, np.intp), none, none, no, no, np.zeros((0, 2), np.float32), no)
    return Slices(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _cross(quad: Float, xs: NDArray[np.floating]) -> tuple[Float, Float]:
    """Top and bottom y of a convex quad (4, 2) along the vertical lines x = xs."""
    a, b = quad, np.roll(quad, -1, axis=0)
    dx = b[:, 0] - a[:, 0]  # (4,)
    t = (xs[:, None] - a[None, :, 0]) / np.where(np.abs(dx) < 1e-6, 1e-6, dx)  # (M, 4)
    y = a[None, :, 1] + t * (b[:, 1] - a[:, 1])
    on = (t >= -1e-6) & (t <= 1 + 1e-6) & (np.abs(dx) >= 1e-6)
    return np.where(on, y, np.inf).min(1), np.where(on, y, -np.inf).max(1)


def assign(slices: Slices, rows: int, columns: int, spec: CTPNSpec | VGGCTPNSpec) -> Targets:
    """Give every anchor its label and regression targets.

    An anchor is text where its IoU with a slice is above 0.7, or where it is the best of
    that slice; it is not where all its IoUs are below 0.5, and NEAR in between (paper,
    section 3.4).
    """
    heights = np.asarray(spec.heights, np.float32)
    k = len(heights)
    label = np.zeros((rows, columns, k), np.int8)
    vertical = np.zeros((rows, columns, k, 2), np.float32)
    ends = np.zeros((rows, columns, k, 2), np.float32)
    offsets = np.zeros((rows, columns, k, 2), np.float32)
    centres = (np.arange(rows, dtype=np.float32) + 0.5) * spec.row
    best = np.zeros((rows, columns, k), np.float32)  # IoU of the slice that owns an anchor
    low = centres[:, None] - heights / 2  # (R, K)
    high = centres[:, None] + heights / 2
    for m in range(len(slices.column)):
        cy, h, c = slices.centre[m], slices.height[m], slices.column[m]
        inter = np.minimum(high, cy + h / 2) - np.maximum(low, cy - h / 2)
        inter = np.clip(inter, 0, None)
        iou = inter / (heights + h - inter)  # (R, K)
        if slices.ignore[m]:
            label[:, c][(iou > 0.3) & (label[:, c] == 0)] = -1
            continue
        text = iou > 0.7
        text.flat[iou.argmax()] = True
        text &= iou > best[:, c]
        near = (iou > 0.5) & (label[:, c] == 0)
        label[:, c][near] = NEAR
        label[:, c][text] = 1
        best[:, c][text] = iou[text]
        r, a = np.nonzero(text | near)
        vertical[r, c, a, 0] = (cy - centres[r]) / heights[a]
        vertical[r, c, a, 1] = np.log(h / heights[a])
        ends[r, c, a] = slices.left[m], slices.right[m]
        offsets[r, c, a] = slices.offsets[m]
    return Targets(label, vertical, ends, offsets)


def masked(targets: Targets, slices: Slices, row: int) -> Targets:
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
