"""From the net's output to lines: slices are suppressed, linked and outlined (Tian et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi.detection.options import DetectionOptions
from shizi.geometry import grow
from shizi.nets.spec import CTPNSpec, VGGCTPNSpec
from shizi.page import Quads

COLUMN = 16
"""Width of a slice, pixels."""

SLICE_SCORE = 0.5
"""Least score of a slice."""

GAP = 2
"""Columns without text that a line may bridge."""

FACING = 0.3
"""Least vertical overlap of neighbour slices, by the lower one: a steep thin line has little."""

LIKENESS = 0.6
"""Least ratio of the heights of neighbour slices."""

END_SCORE = 0.5
"""Mean score of two facing ends above which a line is cut."""

Float = NDArray[np.float32]
Double = NDArray[np.float64]


class Slices(NamedTuple):
    """Text slices of one picture, M of them, ordered by column."""

    column: NDArray[np.intp]  # (M,)
    top: Float  # (M,) y
    low: Float  # (M,) y
    score: Float  # (M,) 0 to 1
    ends: Float  # (M, 2) probability of holding the left, the right end
    offsets: Float  # (M, 2) of the ends from the slice's centre, in columns


def build_quads(
    output: Float, spec: CTPNSpec | VGGCTPNSpec, options: DetectionOptions
) -> tuple[Quads, Float]:
    """Turn the net's output (R, C, K, 7) into line quads (N, 4, 2) and scores (N,)."""
    slices = suppress(output, spec)
    chains = link(slices)
    scores = np.array([slices.score[chain].mean() for chain in chains], np.float32)
    kept = scores >= options.line_score
    found = outlines(slices, [chain for chain, keep in zip(chains, kept, strict=True) if keep])
    return grow(found, options.margin), scores[kept]


def suppress(output: Float, spec: CTPNSpec | VGGCTPNSpec) -> Slices:
    """Decode the best anchor of each cell, then merge overlapping cells column by column.

    Non-maximum suppression runs in all columns at once: each round takes every column's
    best cell and replaces what overlaps it by their mean, weighted by score.
    """
    r, c, _, _ = output.shape
    best = output[..., 0].argmax(2)  # (R, C)
    cells = np.take_along_axis(output, best[:, :, None, None], 2)[:, :, 0]  # (R, C, 7)
    alive = _sigmoid(cells[..., 0])
    alive[alive < SLICE_SCORE] = 0.0
    heights = np.asarray(spec.heights, np.float32)[best]
    centre = (np.arange(r, dtype=np.float32)[:, None] + 0.5) * spec.row + cells[..., 1] * heights
    half = heights * np.exp(np.clip(cells[..., 2], -2, 2)) / 2
    values = np.concatenate(
        [
            (centre - half)[..., None],
            (centre + half)[..., None],
            _sigmoid(cells[..., 3:5]),
            cells[..., 5:7],
        ],
        -1,
    )  # (R, C, 6)
    columns, merged, scores = [], [], []
    every = np.arange(c)
    while True:
        row = alive.argmax(0)  # (C,)
        score = alive[row, every]
        live = np.flatnonzero(score > 0)
        if not len(live):
            break
        at = values[:, live]  # (R, L, 6)
        top, low = at[row[live], np.arange(len(live)), :2].T  # (L,)
        inter = np.minimum(at[..., 1], low) - np.maximum(at[..., 0], top)  # (R, L)
        smaller = np.minimum(at[..., 1] - at[..., 0], low - top)
        same = (inter > 0.5 * smaller) & (alive[:, live] > 0)
        same[row[live], np.arange(len(live))] = True
        close = same & (inter > 0.7 * np.maximum(at[..., 1] - at[..., 0], low - top))
        close[row[live], np.arange(len(live))] = True
        weight = (alive[:, live] * close)[..., None]
        columns.append(live)
        merged.append((at * weight).sum(0) / weight.sum(0))
        scores.append(score[live])
        alive[:, live] *= ~same
    if not columns:
        return _pack(np.zeros(0, np.intp), np.zeros((0, 6), np.float32), np.zeros(0, np.float32))
    return _pack(np.concatenate(columns), np.concatenate(merged), np.concatenate(scores))


def _pack(column: NDArray[np.intp], values: Float, score: Float) -> Slices:
    order = np.lexsort((values[:, 0], column))
    v = values[order]
    return Slices(column[order], v[:, 0], v[:, 1], score[order], v[:, 2:4], v[:, 4:6])


def _sigmoid(x: Float) -> Float:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), dtype=np.float32)


def link(slices: Slices) -> list[NDArray[np.intp]]:
    """Join slices into chains, left to right: mutual best neighbours (paper, section 3.2).

    A pair is not joined where the left one holds a right end and the right one a left end.
    """
    after = np.full(len(slices.column), -1)
    before = after.copy()
    for reach in range(1, GAP + 2):
        a, b = _apart(slices.column, reach)
        free = (after[a] < 0) & (before[b] < 0)
        a, b = a[free], b[free]
        fit = _likeness(slices, a, b)  # (P,)
        linked = _best(fit, a) & _best(fit, b) & (fit > 0)
        after[a[linked]], before[b[linked]] = b[linked], a[linked]
    chains = []
    for start in np.flatnonzero(before < 0):
        chain = [int(start)]
        while after[chain[-1]] >= 0:
            chain.append(int(after[chain[-1]]))
        chains.append(np.asarray(chain, dtype=np.intp))
    return chains


def _apart(column: NDArray[np.intp], reach: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (P,), (P,) of slices that are so many columns apart, the left one first."""
    first, end = (np.searchsorted(column, column + reach, side) for side in ("left", "right"))
    count = end - first
    a = np.repeat(np.arange(len(column)), count)
    return a, np.arange(len(a)) + np.repeat(first - (np.cumsum(count) - count), count)


def _best(fit: Float, group: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Say which (P,) of the pairs fits best of its group (P,), the first of equals."""
    order = np.lexsort((-fit, group))
    best = np.zeros(len(fit), bool)
    best[order[np.diff(group[order], prepend=-1) > 0]] = True
    return best


def _likeness(slices: Slices, a: NDArray[np.intp], b: NDArray[np.intp]) -> Float:
    """How well slices b (P,) continue a (P,); 0 where they must not."""
    height = slices.low - slices.top
    overlap = np.minimum(slices.low[a], slices.low[b]) - np.maximum(slices.top[a], slices.top[b])
    overlap /= np.minimum(height[a], height[b])
    size = np.minimum(height[a], height[b]) / np.maximum(height[a], height[b])
    apart = (slices.ends[a, 1] + slices.ends[b, 0]) / 2 > END_SCORE
    fits = (overlap > FACING) & (size > LIKENESS) & ~apart
    return np.where(fits, overlap + size, 0.0).astype(np.float32)


def outlines(slices: Slices, chains: Sequence[NDArray[np.intp]]) -> Quads:
    """Fit quads (N, 4, 2) to N chains: straight top and bottom, ends by side refinement."""
    if not chains:
        return np.zeros((0, 4, 2), np.float32)
    flat, count = np.concatenate(chains), np.array([len(chain) for chain in chains])
    starts = np.cumsum(count) - count
    first, last = flat[starts], flat[starts + count - 1]
    xs = (slices.column + 0.5) * COLUMN  # (M,)
    left, right = slices.offsets[first, 0], slices.offsets[last, 1]
    crossed = (count == 1) & (left >= right)  # the published form has one offset for both ends
    left, right = (np.where(crossed, side * np.abs(v), v) for side, v in ((-1, left), (1, right)))
    x0 = xs[first] + COLUMN * np.clip(left, -1.0, 0.5)
    x1 = xs[last] + COLUMN * np.clip(right, -0.5, 1.0)
    x1 = np.maximum(x1, x0 + 2)
    centre = np.add.reduceat(xs[flat], starts) / count
    dx = xs[flat] - np.repeat(centre, count)
    slope, middle = _fit_lines(dx, np.float32(0.5) * (slices.top + slices.low)[flat], starts)
    widening, height = _fit_lines(dx, (slices.low - slices.top)[flat], starts)
    theta = np.arctan(slope)
    normal = np.stack([-np.sin(theta), np.cos(theta)], 1)  # (N, 2)
    ends = []
    for x, side in ((x0, 1), (x1, -1)):
        tall = np.maximum(2.0, height + widening * (x - centre)) * np.cos(theta)
        # The ends found are the outermost corners; the middle line begins further in.
        inner = x + side * tall / 2 * np.abs(np.sin(theta))
        point = np.stack([inner, middle + slope * (inner - centre)], 1)
        half = normal * tall[:, None] / 2
        ends += [point - half, point + half]
    tl, bl, tr, br = ends
    return np.stack([tl, tr, br, bl], 1).astype(np.float32)


def _fit_lines(dx: Double, ys: Float, starts: NDArray[np.intp]) -> tuple[Double, Double]:
    """Least squares slopes (N,), drawn to zero for short chains, and the values at the mean x.

    Args:
        dx: x of the points, chain after chain, less the mean of the chain, (P,).
        ys: of the points, (P,).
        starts: where each chain begins, (N,).
    """
    prior = COLUMN**2 / 4  # a short line's slope is hardly worth believing
    slope = np.add.reduceat(dx * ys, starts) / (np.add.reduceat(dx * dx, starts) + prior)
    count = np.diff(np.append(starts, len(ys)))
    return slope, np.add.reduceat(ys.astype(np.float64), starts) / count
