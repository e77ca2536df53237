"""Reading order: lines into columns, rows and paragraphs, horizontal or vertical.

A page is cut from the outside in. Whitespace that runs through several bands of
lines is a gutter (Breuel, "Two Geometric Algorithms for Layout Analysis", DAS
2002); the gutter with most lines on its weaker side is cut first, and what stands
above and below it is ordered on its own: a recursive XY-cut (Nagy & Seth, ICPR
1984) whose horizontal cuts appear only where a gutter begins or ends, so lines of
two columns that happen to share a baseline are not read across. A gutter between
short cells that share their baselines belongs to a table and is not cut.

Vertical text is the same problem turned by a quarter: the column at the right is
the first row, and its top is the row's left end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import sides
from shizi.layout.gutters import Floats, Indices, bands, components, group_rows, gutters
from shizi.page import Quads

Flags = NDArray[np.bool_]

# Lengths are in line heights, the median of the group.
GUTTER = 1.0  # smallest width of the white strip between two columns
PROSE_WIDTH = 6.0  # a column of running text is at least this wide; narrower ones may be cells
PROSE_FILL = 0.8  # lines of running text fill at least this share of their column's width
ALIGNED = 0.6  # share of rows that stand level with a row across the gutter in a table
VERTICAL = 1.5  # a line this much taller than wide is vertical, if it is more than a character
PARAGRAPH_GAP = 0.45  # a gap between rows wider by this than the usual one begins a paragraph
BLOCK_GAP = 3.0  # a gap between rows wider than this begins a block
INDENT = 0.8  # a first line that stands in by this begins a paragraph
HEIGHT_CHANGE = 1.45  # rows whose heights differ by this factor are of different paragraphs
TRIM_BANDS = 2  # at most so many bands are no part of the columns they stand over
BESIDE = 0.34  # columns stand beside each other: so many of their rows at least
PEEL_WIDTH = 0.5  # a line this wide, of its group's width, may stand between columns
SENTENCE_END = tuple('。！？!?.…：:；;」』”’"')


@dataclass(frozen=True, slots=True)
class Arranged:
    """Where a line stands in the reading order.

    Attributes:
        index: of the line in the input.
        block: index of the column or region, counted over the page from 0.
        paragraph: counted over the page from 0.
        vertical: the line is written from top to bottom.
        row: counted over the page from 0; None for a line with none beside it in its block.
    """

    index: int
    block: int
    paragraph: int
    vertical: bool
    row: int | None = None


def arrange(quads: Quads, texts: Sequence[str]) -> list[Arranged]:
    """Put the lines of an upright page into reading order.

    Args:
        quads: shape (N, 4, 2), pixels of the upright page, clockwise from each
            text's own top-left. The page may be tilted by less than 45 degrees.
        texts: what the N lines say; used for paragraph ends and to tell a
            vertical line from a single tall character.

    Returns:
        N places in reading order; each input index occurs once.

    Raises:
        ValueError: quads and texts differ in number.
    """
    if len(quads) != len(texts):
        raise ValueError(f"{len(quads)} quads do not match {len(texts)} texts")
    if not len(quads):
        return []
    boxes, tall = _deskew(np.asarray(quads, dtype=np.float64))
    own_width, own_height = sides(np.asarray(quads, dtype=np.float64))
    long = np.array([len(text.strip()) > 1 for text in texts])
    vertical = (own_height >= VERTICAL * own_width) & long
    tall &= long

    # Starting from an order of the geometry's own makes the result independent of the input's.
    by_text = np.argsort(np.argsort(np.asarray(texts, dtype=object), kind="stable"), kind="stable")
    stack = [np.lexsort((by_text, *boxes.T[::-1]))]
    places: list[Arranged] = []
    block = paragraph = count = -1
    while stack:
        group = stack.pop()
        upright, across = boxes[group], tall[group]
        if _mostly_tall(upright, across):
            upright, across = _turned(upright), ~across
        pieces = _split(upright, across)
        if pieces:
            stack.extend(group[piece] for piece in reversed(pieces))
            continue
        for row, new_block, new_paragraph in _rows_with_breaks(upright, [texts[i] for i in group]):
            block += new_block
            paragraph += new_paragraph
            count += 1
            shared = count if len(row) > 1 else None
            places += [
                Arranged(int(i), block, paragraph, bool(vertical[i]), shared) for i in group[row]
            ]
    return places


def _deskew(quads: Floats) -> tuple[Floats, Flags]:
    """Turn the page level.

    Returns:
        boxes (N, 4) in units of the median line height, and which are taller than wide.
    """
    width, height = sides(quads)
    along = quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]  # (N, 2) reading direction
    down = quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]
    lengthwise = np.where((width >= height)[:, None], along, down)  # (N, 2) the safer direction
    angles = np.arctan2(lengthwise[:, 1], lengthwise[:, 0])
    # A line along the other axis says as much about the tilt: fold to +-45 degrees.
    angles = (angles + np.pi / 4) % (np.pi / 2) - np.pi / 4
    tilt = _weighted_median(angles, np.maximum(width, height))
    sine, cosine = np.sin(tilt), np.cos(tilt)
    level = quads @ np.array([[cosine, -sine], [sine, cosine]])  # (N, 4, 2)
    across = np.abs(along[:, 0] * cosine + along[:, 1] * sine) < np.abs(
        along[:, 1] * cosine - along[:, 0] * sine
    )
    width, height = np.where(across, height, width), np.where(across, width, height)

    centre = level.mean(1)
    unit = max(float(np.median(np.minimum(width, height))), 1e-3)
    half = np.maximum(np.stack([width, height], -1), 1e-3 * unit) / 2
    boxes = np.concatenate([centre - half, centre + half], -1)  # (N, 4)
    boxes = (boxes - np.tile(boxes[:, :2].min(0), 2)) / unit
    return boxes, height >= VERTICAL * width


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _mostly_tall(boxes: Floats, tall: Flags) -> bool:
    """Say whether a group's vertical lines are longer together than the others."""
    length = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return bool(length[tall].sum() > length[~tall].sum())


def _turned(boxes: Floats) -> Floats:
    """Turn a vertical group by a quarter so that its first column becomes the top row."""
    x0, y0, x1, y1 = boxes.T
    return np.stack([y0, -x1, y1, -x0], -1)


def _split(boxes: Floats, across: Flags) -> list[Indices] | None:
    """Cut a group into pieces in reading order, or return None if it is one block."""
    if len(boxes) < 2:
        return None
    if across.any():
        for axis in (0, 1):
            pieces = _isolate(boxes, across, axis)
            if pieces:
                return pieces
    return _cut_columns(boxes) or _peel(boxes)


def _isolate(boxes: Floats, across: Flags, axis: int) -> list[Indices] | None:
    """Cut along x (axis 0) or y (1) around parts that hold only lines of the other direction."""
    part = components(boxes[:, axis], boxes[:, axis + 2])
    pure = np.bincount(part, ~across) == 0
    if not pure.any():
        return None
    kind = np.cumsum(np.r_[0, pure[1:] != pure[:-1]])[part]  # merge neighbours of one kind
    return [np.flatnonzero(kind == k) for k in range(kind.max() + 1)] if kind.max() else None


def _cut_columns(boxes: Floats) -> list[Indices] | None:
    """Cut at the weightiest gutter that parts columns: above, left, right, below."""
    band = bands(boxes)
    for gutter in gutters(boxes, band, GUTTER):
        inside = (band >= gutter.first) & (band <= gutter.last)
        left = boxes[:, 2] <= gutter.low
        if _is_table(boxes[inside & left], boxes[inside & ~left]):
            continue
        inside = _trim(inside, boxes, left, band)
        top = boxes[inside, 1].min()
        above = ~inside & (boxes[:, 1] < top)
        pieces = above, inside & left, inside & ~left, ~inside & ~above
        return [np.flatnonzero(piece) for piece in pieces if piece.any()]
    return None


def _trim(inside: Flags, boxes: Floats, left: Flags, band: Indices) -> Flags:
    """Leave out a heading or page number that stands apart at the run's top or bottom.

    Such a band is short, has lines on one side of the gutter only, and is set off by
    more than a line's height.
    """
    unit = float(np.median(boxes[inside, 3] - boxes[inside, 1]))
    for end in (np.min, np.max):
        for _ in range(TRIM_BANDS):
            edge = inside & (band == end(band[inside]))
            rest = inside & ~edge
            column = inside & (left == left[edge][0])
            width = boxes[column, 2].max() - boxes[column, 0].min()
            extent = boxes[edge, 2].max() - boxes[edge, 0].min()
            apart = max(
                boxes[rest, 1].min(initial=np.inf) - boxes[edge, 3].max(),
                boxes[edge, 1].min() - boxes[rest, 3].max(initial=-np.inf),
            )
            one_sided = left[edge].all() or not left[edge].any()
            both = left[rest].any() and not left[rest].all()
            if not (one_sided and both and extent < 0.7 * width and unit < apart < np.inf):
                break
            inside = rest
    return inside


def _is_table(left: Floats, right: Floats) -> bool:
    """Tell rows that go on across a gutter from columns that are read one after the other."""
    top, low = max(left[:, 1].min(), right[:, 1].min()), min(left[:, 3].max(), right[:, 3].max())
    shapes = [_row_shapes(part[(part[:, 3] > top) & (part[:, 1] < low)]) for part in (left, right)]
    few, many = sorted(shapes, key=len)
    if not len(few):
        return True  # nothing stands beside anything: rows will do
    reach = (few[:, None, 1] + many[None, :, 1]) / 2
    beside = (np.abs(few[:, None, 0] - many[None, :, 0]) < reach).any(1)  # (F,)
    if beside.mean() < BESIDE:
        return True  # a conversation: whoever speaks, the other side is blank
    if _is_prose(few) and _is_prose(many):
        return False
    offset = many[None, :, 0] - few[:, None, 0]  # (F, M) between row middles
    offset = offset[np.arange(len(few)), np.abs(offset).argmin(1)] / np.median(many[:, 1])
    # What tilt is left shifts all rows alike, so their spread counts.
    level = (np.abs(offset) < 0.7) & (np.abs(offset - np.median(offset)) < 0.35)
    return bool(level.mean() >= ALIGNED)


def _row_shapes(boxes: Floats) -> Floats:
    """Rows of a column as (R, 4): middle, height, inked width, left edge to right edge."""
    x0, y0, x1, y1 = (boxes[:, k].tolist() for k in range(4))
    shapes = [
        (
            sum(y0[i] + y1[i] for i in row) / (2 * len(row)),
            sum(y1[i] - y0[i] for i in row) / len(row),
            sum(x1[i] - x0[i] for i in row),
            max(x1[i] for i in row) - min(x0[i] for i in row),
        )
        for row in group_rows(boxes)
    ]
    return np.array(shapes, dtype=np.float64).reshape(-1, 4)


def _is_prose(rows: Floats) -> bool:
    """Say whether rows (R, 4) look like running text: long and filling the column."""
    if len(rows) < 2:
        return False
    ink = np.median(rows[:, 2])
    wide = ink >= PROSE_WIDTH * np.median(rows[:, 1])
    return bool(wide and ink >= PROSE_FILL * rows[:, 3].max())


def _peel(boxes: Floats) -> list[Indices] | None:
    """Take out the widest row if columns stand above or below it, out of step with it.

    Such a row overlaps its neighbours' bands (an L-shaped page), so no band ends there.
    """
    width = boxes[:, 2] - boxes[:, 0]
    widest = int(np.argmax(width))
    if width[widest] < PEEL_WIDTH * (boxes[:, 2].max() - boxes[:, 0].min()):
        return None
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    row = np.array(next(r for r in group_rows(boxes) if widest in r), dtype=np.intp)
    rest = np.setdiff1d(np.arange(len(boxes)), row)
    above, below = rest[middle[rest] < middle[widest]], rest[middle[rest] >= middle[widest]]
    if any(len(part) > 1 and _cut_columns(boxes[part]) for part in (above, below)):
        return [part for part in (above, row, below) if len(part)]
    return None


def _rows_with_breaks(boxes: Floats, texts: Sequence[str]) -> list[tuple[list[int], bool, bool]]:
    """Rows of a block, each with whether it begins a new block and a new paragraph."""
    rows = group_rows(boxes)
    starts = np.cumsum([0, *(len(row) for row in rows[:-1])])
    x0, y0, x1, y1 = boxes[[i for row in rows for i in row]].T
    left = np.minimum.reduceat(x0, starts)  # (R,)
    right = np.maximum.reduceat(x1, starts)
    cells = np.diff([*starts, len(boxes)])
    height = np.add.reduceat(y1 - y0, starts) / cells
    middle = np.add.reduceat(y0 + y1, starts) / (2 * cells)
    unit = float(np.median(height))
    gap = np.diff(middle) - (height[1:] + height[:-1]) / 2  # (R - 1,)
    usual = float(np.clip(np.median(gap), 0, 1.5 * unit)) if len(gap) > 2 else 0.6 * unit

    edge = float(np.quantile(left, 0.2))
    indented = (left > edge + INDENT * unit) & (left < edge + 6 * unit)
    ends = np.array([texts[row[-1]].rstrip().endswith(SENTENCE_END) for row in rows])
    # A lone indent begins a paragraph; several in a row are a list, a poem or centred.
    lone = indented & (ends | ~np.r_[indented[1:], False])
    lone[1:] &= ends[:-1] | ~indented[:-1]
    short = ends & (right < right.max() - 0.25 * (right.max() - left.min()))

    block = np.r_[True, gap > BLOCK_GAP * unit]
    paragraph = np.r_[True, gap > usual + PARAGRAPH_GAP * unit]
    taller = np.maximum(height[1:], height[:-1]) / np.minimum(height[1:], height[:-1])
    paragraph[1:] |= taller > HEIGHT_CHANGE
    if (cells > 1).mean() < 0.2:  # else a table, where these say nothing
        paragraph |= lone
        paragraph[1:] |= short[:-1]
    return [(row, bool(b), bool(b or p)) for row, b, p in zip(rows, block, paragraph, strict=True)]
