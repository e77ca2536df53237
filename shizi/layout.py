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
from shizi.page import Quads

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

CORE = 0.5  # share of a line's height, about its middle, that keeps bands apart
OPEN_ROWS = 3  # a line joins one of the latest rows or begins one
PEEL_WIDTH = 0.5  # a line this wide, of its group's width, may stand between columns
SENTENCE_END = tuple("。！？!?.…：:；;」』”’\"")


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """How lines are grouped. Lengths are in line heights (the median of the group)."""

    gutter: float = 1.0
    """Smallest width of the white strip between two columns."""

    prose_width: float = 6.0
    """A column of running text is at least this wide; narrower ones may be table cells."""

    prose_fill: float = 0.8
    """Lines of running text fill at least this share of their column's width."""

    aligned: float = 0.7
    """Share of rows that stand level with a row across the gutter in a table."""

    vertical_ratio: float = 1.5
    """A line of two or more characters this much taller than wide is vertical."""

    paragraph_gap: float = 0.6
    """A gap between rows wider by this than the usual one begins a paragraph."""

    block_gap: float = 3.0
    """A gap between rows wider than this begins a block."""

    indent: float = 0.8
    """A first line that stands in by this begins a paragraph."""

    height_change: float = 1.45
    """Rows whose heights differ by this factor are of different paragraphs."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in the reading order.

    Attributes:
        index: of the line in the input.
        block: index of the column or region, counted over the page from 0.
        paragraph: counted over the page from 0.
        vertical: the line is written from top to bottom.
    """

    index: int
    block: int
    paragraph: int
    vertical: bool


@dataclass(frozen=True, slots=True)
class _Gutter:
    """A white strip ``low < x < high`` through the bands ``first`` to ``last``."""

    low: float
    high: float
    first: int
    last: int
    left: int  # lines on its left
    right: int

    @property
    def weight(self) -> tuple[int, int, float]:
        return min(self.left, self.right), self.left + self.right, self.high - self.low


def arrange(
    quads: Quads, texts: Sequence[str], options: LayoutOptions = LayoutOptions()
) -> list[Place]:
    """Put the lines of an upright page into reading order.

    Args:
        quads: shape (N, 4, 2), pixels of the upright page, clockwise from each
            text's own top-left. The page may be tilted by less than 45 degrees.
        texts: what the N lines say; used for paragraph ends and to tell a
            vertical line from a single tall character.
        options: thresholds.

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
    vertical = (own_height >= options.vertical_ratio * own_width) & long
    tall &= long

    # Starting from an order of the geometry's own makes the result independent of the input's.
    by_text = np.argsort(np.argsort(np.asarray(texts, dtype=object), kind="stable"), kind="stable")
    stack = [np.lexsort((by_text, *boxes.T[::-1]))]
    places: list[Place] = []
    block = paragraph = -1
    while stack:
        group = stack.pop()
        upright = _upright(boxes[group], tall[group])
        pieces = _split(upright, _minority(tall[group]), options)
        if pieces:
            stack.extend(group[piece] for piece in reversed(pieces))
            continue
        for row, new_block, new_paragraph in _rows_with_breaks(
            upright, [texts[i] for i in group], options
        ):
            block += new_block
            paragraph += new_paragraph
            places += [Place(int(i), block, paragraph, bool(vertical[i])) for i in group[row]]
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
    half = np.stack([width, height], -1) / 2
    boxes = np.concatenate([centre - half, centre + half], -1)  # (N, 4)
    unit = max(float(np.median(np.minimum(width, height))), 1e-6)
    boxes = (boxes - np.tile(boxes[:, :2].min(0), 2)) / unit
    return boxes, height >= 1.5 * width


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _minority(tall: Flags) -> Flags:
    """Which lines run across the group's main direction."""
    return ~tall if tall.mean() > 0.5 else tall


def _upright(boxes: Floats, tall: Flags) -> Floats:
    """Turn a mostly vertical group so that its first column becomes the top row."""
    if tall.mean() <= 0.5:
        return boxes
    x0, y0, x1, y1 = boxes.T
    return np.stack([y0, -x1, y1, -x0], -1)


def _split(boxes: Floats, across: Flags, options: LayoutOptions) -> list[Indices] | None:
    """Cut a group into pieces in reading order, or return None if it is one block."""
    if len(boxes) < 2:
        return None
    if across.any():
        for axis in (0, 1):
            pieces = _isolate(boxes, across, axis)
            if pieces:
                return pieces
    return _cut_columns(boxes, options) or _peel(boxes, options)


def _isolate(boxes: Floats, across: Flags, axis: int) -> list[Indices] | None:
    """Cut along x (axis 0) or y (1) around parts that hold only lines of the other direction."""
    part = _components(boxes[:, axis], boxes[:, axis + 2])
    pure = np.bincount(part, ~across) == 0
    if not pure.any():
        return None
    kind = np.cumsum(np.r_[0, pure[1:] != pure[:-1]])[part]  # merge neighbours of one kind
    return [np.flatnonzero(kind == k) for k in range(kind.max() + 1)] if kind.max() else None


def _components(low: Floats, high: Floats) -> Indices:
    """Label intervals (N,) by connected component, counted in rising order."""
    order = np.argsort(low, kind="stable")
    reach = np.maximum.accumulate(high[order])
    starts = np.r_[False, low[order][1:] >= reach[:-1]]
    labels = np.empty(len(low), dtype=np.intp)
    labels[order] = np.cumsum(starts)
    return labels


def _cut_columns(boxes: Floats, options: LayoutOptions) -> list[Indices] | None:
    """Cut at the weightiest gutter that parts columns: above, left, right, below."""
    band = _bands(boxes)
    for gutter in sorted(_gutters(boxes, band, options), key=lambda g: g.weight, reverse=True):
        inside = (band >= gutter.first) & (band <= gutter.last)
        left = boxes[:, 2] <= gutter.low
        sides_ = [np.flatnonzero(inside & left), np.flatnonzero(inside & ~left)]
        if _is_table(boxes[sides_[0]], boxes[sides_[1]], options):
            continue
        above, below = np.flatnonzero(band < gutter.first), np.flatnonzero(band > gutter.last)
        return [piece for piece in (above, *sides_, below) if len(piece)]
    return None


def _bands(boxes: Floats) -> Indices:
    """Label lines by horizontal band: bands are apart where the middles of lines are."""
    centre, half = (boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 3] - boxes[:, 1]) / 2 * CORE
    return _components(centre - half, centre + half)


def _gutters(boxes: Floats, band: Indices, options: LayoutOptions) -> list[_Gutter]:
    """Find white strips through consecutive bands, with lines on both sides."""
    smallest = options.gutter * float(np.median(boxes[:, 3] - boxes[:, 1]))
    found: list[_Gutter] = []
    alive: list[_Gutter] = []
    order = np.lexsort((boxes[:, 0], band))
    ends = np.searchsorted(band[order], np.arange(band.max() + 2))
    for number in range(int(band.max()) + 1):
        gaps = _gaps(boxes[order[ends[number] : ends[number + 1]]], number, smallest)
        longer: dict[tuple[float, float], _Gutter] = {}
        for old in alive:
            survived = False
            for gap in gaps:
                low, high = max(old.low, gap.low), min(old.high, gap.high)
                if high - low >= smallest:
                    lines = old.left + gap.left, old.right + gap.right
                    longer.setdefault((low, high), _Gutter(low, high, old.first, number, *lines))
                    survived |= (low, high) == (old.low, old.high)
            if not survived:
                found.append(old)
        for gap in gaps:
            longer.setdefault((gap.low, gap.high), gap)
        alive = sorted(longer.values(), key=lambda g: g.first)
    return [g for g in found + alive if g.left and g.right]


def _gaps(boxes: Floats, number: int, smallest: float) -> list[_Gutter]:
    """White strips of one band, its lines sorted by left edge; the margins count too."""
    reach = np.maximum.accumulate(boxes[:, 2])
    count = len(boxes)
    gaps = [_Gutter(-np.inf, float(boxes[0, 0]), number, number, 0, count)]
    for i in np.flatnonzero(boxes[1:, 0] - reach[:-1] >= smallest) + 1:
        gaps.append(
            _Gutter(float(reach[i - 1]), float(boxes[i, 0]), number, number, int(i), count - int(i))
        )
    gaps.append(_Gutter(float(reach[-1]), np.inf, number, number, count, 0))
    return gaps


def _is_table(left: Floats, right: Floats, options: LayoutOptions) -> bool:
    """Tell cells that are read row by row from columns that are read one after the other."""
    few, many = sorted((_row_shapes(left), _row_shapes(right)), key=len)
    if _is_prose(few, options) and _is_prose(many, options):
        return False
    distance = np.abs(few[:, None, 0] - many[None, :, 0])  # (F, M) between row middles
    level = distance < 0.4 * np.maximum(few[:, None, 1], many[None, :, 1])
    return bool(level.any(1).mean() >= options.aligned)


def _row_shapes(boxes: Floats) -> Floats:
    """Rows of a column as (R, 4): middle, height, inked width, left edge to right edge."""
    shapes = []
    for row in _rows(boxes):
        x0, y0, x1, y1 = boxes[row].T
        shapes.append(
            ((y0 + y1).mean() / 2, np.median(y1 - y0), (x1 - x0).sum(), x1.max() - x0.min())
        )
    return np.array(shapes)


def _is_prose(rows: Floats, options: LayoutOptions) -> bool:
    """Say whether rows (R, 4) look like running text: long and filling the column."""
    if len(rows) < 2:
        return False
    ink = np.median(rows[:, 2])
    wide = ink >= options.prose_width * np.median(rows[:, 1])
    return bool(wide and ink >= options.prose_fill * rows[:, 3].max())


def _peel(boxes: Floats, options: LayoutOptions) -> list[Indices] | None:
    """Take out the widest row if columns stand above or below it, out of step with it.

    Such a row overlaps its neighbours' bands (an L-shaped page), so no band ends there.
    """
    width = boxes[:, 2] - boxes[:, 0]
    widest = int(np.argmax(width))
    if width[widest] < PEEL_WIDTH * (boxes[:, 2].max() - boxes[:, 0].min()):
        return None
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    row = next(r for r in _rows(boxes) if widest in r)
    rest = np.setdiff1d(np.arange(len(boxes)), row)
    above, below = rest[middle[rest] < middle[widest]], rest[middle[rest] >= middle[widest]]
    if any(len(part) > 1 and _cut_columns(boxes[part], options) for part in (above, below)):
        return [part for part in (above, row, below) if len(part)]
    return None


def _rows(boxes: Floats) -> list[Indices]:
    """Group lines into rows, top to bottom, each from left to right."""
    x0, y0, x1, y1 = boxes.T.tolist()
    middle = [(a + b) / 2 for a, b in zip(y0, y1, strict=True)]
    rows: list[list[int]] = []
    for i in sorted(range(len(boxes)), key=middle.__getitem__):
        best, least = None, 0.5
        for row in rows[-OPEN_ROWS:]:
            # The nearest member decides: what tilt is left adds up along a row.
            _, j = min((abs(x0[i] + x1[i] - x0[j] - x1[j]), j) for j in row)
            overlap = min(x1[i], x1[j]) - max(x0[i], x0[j])
            away = abs(middle[i] - middle[j]) / max(min(y1[i] - y0[i], y1[j] - y0[j]), 1e-9)
            if away < least and overlap <= 0.5 * min(x1[i] - x0[i], x1[j] - x0[j]):
                best, least = row, away
        if best is None:
            rows.append([i])
        else:
            best.append(i)
    return [np.array(sorted(row, key=x0.__getitem__), dtype=np.intp) for row in rows]


def _rows_with_breaks(
    boxes: Floats, texts: Sequence[str], options: LayoutOptions
) -> list[tuple[Indices, bool, bool]]:
    """Rows of a block, each with whether it begins a new block and a new paragraph."""
    rows = _rows(boxes)
    x0, y0, x1, y1 = boxes.T
    left = np.array([x0[row].min() for row in rows])  # (R,)
    right = np.array([x1[row].max() for row in rows])
    height = np.array([np.median((y1 - y0)[row]) for row in rows])
    middle = np.array([np.median((y0 + y1)[row]) / 2 for row in rows])
    unit = float(np.median(height))
    gap = np.diff(middle) - (height[1:] + height[:-1]) / 2  # (R - 1,)
    usual = float(np.clip(np.median(gap), 0, 1.5 * unit)) if len(gap) > 2 else 0.6 * unit

    edge = float(np.quantile(left, 0.2))
    indented = (left > edge + options.indent * unit) & (left < edge + 6 * unit)
    indented &= indented.mean() <= 0.5  # else the block is centred or ragged
    ends = np.array([texts[row[-1]].rstrip().endswith(SENTENCE_END) for row in rows])
    short = ends & (right < right.max() - 0.25 * (right.max() - left.min()))

    block = np.r_[True, gap > options.block_gap * unit]
    paragraph = np.r_[True, gap > usual + options.paragraph_gap * unit]
    taller = np.maximum(height[1:], height[:-1]) / np.minimum(height[1:], height[:-1])
    paragraph[1:] |= taller > options.height_change
    if max(map(len, rows)) == 1:  # in a table an indent or a short row says nothing
        paragraph |= indented
        paragraph[1:] |= short[:-1]
    return [
        (row, bool(b), bool(b or p)) for row, b, p in zip(rows, block, paragraph, strict=True)
    ]
