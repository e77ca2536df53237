"""Upright characters below each other: columns of vertical text, and cells of tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import alike, box_to_quad, level, quad_to_box, sides
from shizi.page import Quads

Float = NDArray[np.float32]


def stack(quads: Quads, scores: Float) -> tuple[Quads, Float]:
    """Join single characters that stand close above each other into vertical lines.

    Slices cannot follow text that runs downwards, so it is found one character at a time.
    Cells of a table stand below each other too: what stands level with other lines, row by
    row, is not joined.

    Args:
        quads: of all lines of a picture, (N, 4, 2).
        scores: (N,).
    """
    if len(quads) < 2:
        return quads, scores
    joined = np.zeros(len(quads), dtype=bool)
    lines, certain = [], []
    for chain in _chains_down(quads):
        if not (_in_rows(quads, chain) or _in_list(quads, chain)):
            joined[chain] = True
            box = quad_to_box(quads[chain].reshape(1, -1, 2))
            lines.append(box_to_quad(box)[0])
            certain.append(scores[chain].mean())
    if not lines:
        return quads, scores
    return np.concatenate([quads[~joined], np.stack(lines)]), np.concatenate(
        [scores[~joined], np.asarray(certain, dtype=np.float32)]
    )


IN_ROWS = 0.65
"""Share of a column's characters that stand level with words in the cells of a table."""


def _chains_down(quads: Quads) -> list[list[int]]:
    """Find characters that stand above each other, each chain from top to bottom.

    They stand close, or as far apart as regularly, and nearer than anything beside them.
    """
    height, middle = sides(quads)[1], quads.mean(1)[:, 1]  # (N,)
    below, above = _neighbours(quads)
    chains = []
    for first in range(len(quads)):
        if above[first] >= 0 and below[above[first]] == first:
            continue
        chain = [first]
        while (n := int(below[chain[-1]])) >= 0 and above[n] == chain[-1] and n not in chain:
            chain.append(n)
        steps = np.diff(middle[chain])
        if len(chain) >= 3 and np.ptp(steps) < 0.3 * steps.mean():
            chains.append(chain)
            continue
        gaps = steps - (height[chain[:-1]] + height[chain[1:]]) / 2
        for part in np.split(
            np.arange(len(chain)), np.flatnonzero(gaps / height[chain[:-1]] > CLOSE) + 1
        ):
            if len(part) >= 3 or (len(part) == 2 and gaps[part[0]] < 0):
                chains.append([chain[n] for n in part])
    return chains


def _neighbours(quads: Quads) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each of N characters find the nearest below it and above it in a column, or -1."""
    width, height = sides(quads)
    x, y = quads.mean(1).T  # (N,)
    square = np.flatnonzero((width < 1.45 * height) & (width > 0.6 * height))  # (S,)
    below, above = (np.full(len(quads), -1, np.intp) for _ in range(2))
    down, up = (np.full(len(quads), np.inf) for _ in range(2))  # how near these are
    for some in np.split(square, range(_AT_ONCE, len(square), _AT_ONCE)):
        w, h = width[some, None], height[some, None]  # (n, 1)
        apart = y - y[some, None]  # (n, N)
        aside = np.abs(x - x[some, None])
        between = aside - (w + width) / 2  # blank beside a line
        level = (np.abs(apart) < 0.3 * h) & (between > 0)
        beside = np.where(level, between, np.inf).min(1, initial=np.inf)[:, None]  # (n, 1)
        aside, gap = aside[:, square], apart[:, square] - (h + height[square]) / 2  # (n, S)
        size = np.minimum(h, height[square]) / np.maximum(h, height[square])
        near = (gap > -0.37 * h) & (gap < SPREAD * h) & (gap < np.maximum(CLOSE * h, beside))
        near &= (size > 0.65) & (aside < 0.35 * np.maximum(w, 1)) & (square != some[:, None])
        for i, j in zip(*np.nonzero(near), strict=True):
            one, other, distance = some[i], square[j], gap[i, j]
            if distance < down[one]:
                down[one], below[one] = distance, other
            if distance < up[other]:
                up[other], above[other] = distance, one
    return below, above


_AT_ONCE = 128
"""Characters that are compared with all others at once: a page may hold ten thousand."""


CLOSE = 0.21
"""Blank between the characters of a column, by their height; what is found has a margin."""

SPREAD = 1.2
"""The same where they are spread evenly."""


ALIGNED = 0.2
"""By how much of its size or step an entry of a list may stand off its place."""


BROAD = 0.2
"""Logarithm of the ratio of the widths of pieces of a label on its side, at most."""


def cells(quads: Quads) -> NDArray[np.bool_]:
    """Say which of the lines (N,) are cells of a table."""
    cells = np.zeros(len(quads), dtype=bool)
    for chain in _chains_down(quads):
        cells[chain] = _in_rows(quads, chain) or _in_list(quads, chain)
    return cells


def in_row(quads: Quads) -> NDArray[np.bool_]:
    """Say which of the lines (N,) have another of like height at their level."""
    parts = np.split(quads, range(_AT_ONCE, len(quads), _AT_ONCE))
    return np.concatenate([level(some, quads).sum(1) > 1 for some in parts])


def lying(quads: Quads) -> NDArray[np.bool_]:
    """Say which of the lines (N,) may be pieces of a label on its side, level as they look.

    They are short, as broad as a square piece or a column right above or below them, and close.
    """
    width, height = sides(quads)
    box = quad_to_box(quads)
    short = np.flatnonzero((width >= 1.5 * height) & (width < 2.2 * height))
    other = np.flatnonzero(width < 1.5 * height)
    pieces = np.zeros(len(quads), bool)
    for some in np.split(short, range(_AT_ONCE, len(short), _AT_ONCE)):
        w, h = width[some, None], height[some, None]  # (n, 1)
        broad = np.abs(np.log(np.maximum(w, 1e-6) / np.maximum(width[other], 1e-6))) < BROAD
        aside = np.abs(box[some, None, 0] + box[some, None, 2] - box[other, 0] - box[other, 2]) / 2
        gap = np.maximum(
            box[other, 1] - box[some, None, 3], box[some, None, 1] - box[other, 3]
        )  # (n, M)
        near = broad & (aside < ALIGNED * w) & (gap < ALIGNED * h) & (gap > -h / 2)
        pieces[some] = near.any(1)
    return pieces


def _in_rows(quads: Quads, chain: list[int]) -> bool:
    """Say whether characters below each other are cells: row by row level with what is beside.

    That is words, all as high above or below them, or where they are spread two other cells.
    A paragraph beside a column has another pitch, and is level only by chance.
    """
    width, height = sides(quads)
    centre, own = quads.mean(1), height[chain]  # (N, 2), (n,)
    along = _across(centre[chain])
    to = centre[chain][:, None] - centre[None]  # (n, N, 2)
    ahead, off = to @ along, to @ np.array([-along[1], along[0]])  # (n, N)
    row = (np.abs(off) < 0.3 * own[:, None]) & alike(own[:, None], height)
    row &= np.abs(ahead) > (width[chain][:, None] + width) / 2
    words = row & (width >= 1.5 * height)
    nearest = np.where(words, np.abs(off), np.inf).argmin(1)  # (n,) the word most level
    found, above = words.any(1), off[np.arange(len(chain)), nearest]
    steady = found & (
        np.abs(above - np.median(above[found] if found.any() else above)) < 0.15 * own
    )
    blank = (quads[chain[1:], 0, 1] - quads[chain[:-1], 3, 1]).max()
    grid = row.sum(1) > 1 if blank > CLOSE * own.mean() else np.zeros(len(chain), bool)
    return bool((steady | grid).mean() >= IN_ROWS)


def _in_list(quads: Quads, chain: list[int]) -> bool:
    """Say whether characters below each other are entries of a list: a word precedes or follows.

    It begins or ends where they do, is as high, and one step of theirs away. In a column the
    characters would stand closer.
    """
    boxes = quad_to_box(quads)
    own, steps = boxes[chain], np.diff(boxes[chain][:, [1, 3]].mean(1))
    height, step = float(sides(quads[chain])[1].mean()), float(steps.mean())
    if step - height < CLOSE * height:
        return False
    words = boxes[sides(quads)[0] >= 1.5 * sides(quads)[1]]
    like = alike(words[:, 3] - words[:, 1], np.array([height], np.float32))
    edges = np.abs(words[:, [0, 2]] - own[:, [0, 2]].mean(0)).min(1) < ALIGNED * height
    middle = words[:, [1, 3]].mean(1)
    ends = own[[0, -1]][:, [1, 3]].mean(1) + np.array([-step, step])  # where entries would follow
    near = np.abs(middle[:, None] - ends).min(1) < ALIGNED * step
    return bool((like & edges & near).any())


def _across(column: Float) -> Float:
    """Direction (2,) of the rows that points (n, 2) below each other stand in.

    The column itself tells it best: a word is short, and a row reaches far from it.
    """
    x, y = (column - column.mean(0)).T
    slope = float((x * y).sum() / max((y * y).sum(), 1e-6))
    return np.array([1.0, -slope], np.float32) / np.float32(np.hypot(1.0, slope))
