"""Text-line detection: CTPN slices, joined into quads (Tian et al. 2016)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.engine import Session
from shizi.geometry import (
    area,
    box_to_quad,
    distinct,
    grow,
    intersection,
    order_quad,
    quad_to_box,
    sides,
)
from shizi.nets.spec import CTPNSpec, VGGCTPNSpec
from shizi.options import check_range
from shizi.page import GREY, Image, Quads
from shizi.strokes import (
    SPACE,
    Patch,
    Unexplained,
    cut_patch,
    densest,
    lay,
    lengthen,
    slant,
    unexplained,
)

COLUMN = 16
"""Width of a slice, pixels."""

OVERLAP = 96
"""Rows that neighbouring strips have in common."""

GOOD_HEIGHT = 18.0
"""Text height that a second look is scaled to, pixels."""

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


@dataclass(frozen=True)
class DetectionOptions:
    """How lines are found. Pixels are those of the scaled picture that the net sees.

    Attributes:
        pixels: area that a picture is scaled to.
        most_pixels: area above which a picture is looked at in strips.
        enlarge: most that a picture is enlarged.
        least_height: text lower than this is looked at again, enlarged.
        line_score: least mean score of a line.
        margin: by how much of its height a line's quad is grown on every side.
    """

    pixels: int = 540_000
    most_pixels: int = 1_300_000
    enlarge: float = 2.0
    least_height: float = 12.0
    line_score: float = 0.75
    margin: float = 0.06

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            OptionError: something is out of range.
        """
        check_range(
            self,
            pixels=(1024, math.inf),
            most_pixels=(1024, math.inf),
            enlarge=(0.1, 10),
            least_height=(0, 100),
            line_score=(0, 1),
            margin=(0, 1),
        )


class Slices(NamedTuple):
    """Text slices of one picture, M of them, ordered by column."""

    column: NDArray[np.intp]  # (M,)
    top: Float  # (M,) y
    low: Float  # (M,) y
    score: Float  # (M,) 0 to 1
    ends: Float  # (M, 2) probability of holding the left, the right end
    offsets: Float  # (M, 2) of the ends from the slice's centre, in columns


class Detector:
    """Finds text lines. Immutable; safe from many threads."""

    def __init__(
        self,
        session: Session,
        options: DetectionOptions | None = None,
        spec: CTPNSpec | VGGCTPNSpec = CTPNSpec(),
    ) -> None:
        self.options = options or DetectionOptions()
        self._session = session
        self._spec = spec

    def __call__(self, image: Image) -> tuple[Quads, Float]:
        """Return quads (N, 4, 2) in pixels of the image and scores (N,), 0 to 1.

        The picture is looked at once at a moderate size, and again, larger, where the text
        turns out to be too small for that. Strokes that no line explains get a look of their
        own: see :meth:`_missed`.
        """
        o = self.options
        h, w = image.shape[:2]
        scale = min((o.pixels / (h * w)) ** 0.5, o.enlarge)
        canvas = cover(round(h * scale), round(w * scale), o.most_pixels)
        if len(canvas.tops) == 1:  # more of it costs nothing
            scale = min(canvas.height / h, canvas.width / w, o.enlarge)
        scaled = _resize(image, scale)
        quads, scores = self._at(scaled)
        if len(quads):
            usual = float(np.quantile(np.minimum(*sides(quads)), 0.3))
            larger = min(scale * GOOD_HEIGHT / usual, o.enlarge)
            if usual < o.least_height and larger > 1.2 * scale:
                again = _resize(image, larger)
                quads, scores = self._at(again)
                quads *= np.float32(scaled.shape[1] / again.shape[1])
        quads, scores = self._missed(image, scaled, quads, scores)
        return quads * np.array([w / scaled.shape[1], h / scaled.shape[0]], np.float32), scores

    def _at(self, scaled: Image) -> tuple[Quads, Float]:
        """Look at a picture as it is, in horizontal strips where it is large."""
        height, width = scaled.shape[:2]
        canvas = cover(height, width, self.options.most_pixels)
        middles = [(a + b + canvas.height) / 2 for a, b in pairwise(canvas.tops)]
        cores = pairwise([-np.inf, *middles, np.inf])  # the rows that each strip speaks for
        cuts = [
            extend(scaled[top : top + canvas.height], canvas.height, canvas.width)
            for top in canvas.tops
        ]
        looks = self._session.each(cuts, lambda o: build_quads(o, self._spec, self.options))
        quads, scores = [], []
        for top, (first, last), (found, score) in zip(canvas.tops, cores, looks, strict=True):
            found[..., 1] += top
            middle = found[..., 1].mean(1)
            mine = (middle >= first) & (middle < last)
            quads.append(found[mine])
            scores.append(score[mine])
        placed, certain = np.concatenate(quads), np.concatenate(scores)
        kept = distinct(placed, certain)  # two strips may each have seen a tall line
        return stack(placed[kept], certain[kept])

    def _missed(
        self, image: Image, scaled: Image, quads: Quads, scores: Float
    ) -> tuple[Quads, Float]:
        """Add lines where strokes are that no line explains.

        Args:
            image: the picture.
            scaled: the same at the scale that it was looked at.
            quads: lines found there (N, 4, 2), pixels of ``scaled``.
            scores: (N,).
        """
        width, height = sides(quads)
        wide = width >= 1.5 * height
        left = unexplained(scaled, quads[wide | _cells(quads)], quads)
        if left.share > DENSE and (scale := self._small_print(image, scaled)):
            larger = _resize(image, scale)
            fine, certain = self._at(larger)
            quads = np.concatenate([quads, fine * np.float32(scaled.shape[1] / larger.shape[1])])
            scores = np.concatenate([scores, certain])
            kept = distinct(quads, scores)
            return quads[kept], scores[kept]
        patches = _second_looks(image, scaled, left, self.options.enlarge)
        if left.largest > LARGE:
            patches.append(_shrunk(scaled))
        if not patches:
            return quads, scores
        picture, corners = lay(patches)
        found, certain = self._at(picture)
        middle = found.mean(1)  # (F, 2)
        for patch, (x, y) in zip(patches, corners, strict=True):
            h, w = patch.picture.shape[:2]
            inside = ((middle >= (x, y)) & (middle < (x + w, y + h))).all(1)
            lines = found[inside] - np.array([x, y], np.float32)
            if patch.line and inside.any():
                lines = box_to_quad(quad_to_box(lines.reshape(1, -1, 2)))
            elif not patch.line:
                inside &= (np.minimum(*sides(found)) > LARGE / SHRINK) & (certain > LARGE_SCORE)
                lines = found[inside] - np.array([x, y], np.float32)
            for line in patch.back(lines):
                score = float(certain[inside].mean())
                quads, scores = _merge(quads, scores, order_quad(line), score)
        return quads, scores

    def _small_print(self, image: Image, scaled: Image) -> float:
        """Look where strokes are densest, at full size.

        Returns:
            The scale at which the print there, too small for the first look, has a good height;
            0 where there is none.
        """
        scale = scaled.shape[1] / image.shape[1]
        if scale > SHRUNK:
            return 0.0
        x, y = (round(v / scale) for v in densest(scaled, round(PROBE * scale)))
        quads, _ = self._at(np.ascontiguousarray(image[y : y + PROBE, x : x + PROBE]))
        if len(quads) < 3:
            return 0.0
        return min(1.0, GOOD_HEIGHT / float(np.median(np.minimum(*sides(quads)))))


DENSE = 0.5
"""Share of unexplained strokes from which on small print is looked for."""

SHRUNK = 0.5
"""Scale below which small print may have become illegible."""

PROBE = 512
"""Side of the square in which small print is looked for, pixels."""

SMALL = 13.0
"""Strips of strokes lower than this, pixels, are looked at enlarged."""

GOOD = 26.0
"""Height that a strip is brought to for a look of its own, pixels."""

ALONE = 40.0
"""The same for a character that stands alone, which is harder to see."""

ASLANT = 12.0
"""Degrees off the level above which a strip is looked at along itself."""

LARGE = 100.0
"""Height, pixels, from which on the anchors no longer hold a character."""

SHRINK = 4
"""By how much the picture is shrunk where something larger is."""

SPARE = 0.25
"""Share of the picture's area, as it was looked at, that strips may have at most."""

SPARE_ALONE = 1.0
"""The same for characters that stand alone: on plain ground hardly anything else looks so."""

LARGE_SCORE = 0.9
"""Least score of large characters: shrunk pictures are full of shapes."""


def _second_looks(image: Image, scaled: Image, left: Unexplained, enlarge: float) -> list[Patch]:
    """Cut out what deserves a second look; places are pixels of ``scaled``."""
    most = enlarge * image.shape[1] / scaled.shape[1]
    length, thickness = sides(left.strips)
    small = (thickness < SMALL) & (most > 1.3)
    wanted = (small | (slant(left.strips) > ASLANT)) & (length > 2 * thickness)
    narrow, thin = left.strips[wanted], thickness[wanted]
    room = lengthen(grow(narrow, 0.4), 1.0)
    factors = np.minimum(GOOD / np.maximum(thin, 1), most)
    patches = _cut(image, scaled, room, factors, SPARE)
    box = quad_to_box(left.marks)
    half = (box[:, 3:] - box[:, 1:2]) / 2
    room = box_to_quad(box + half * np.array([-1, -1, 1, 1], np.float32))
    factors = ALONE / np.maximum(2 * half[:, 0], 1)
    return patches + _cut(image, scaled, room, factors, SPARE_ALONE)


def _cut(
    image: Image, scaled: Image, room: Quads, factors: NDArray[np.floating[Any]], spare: float
) -> list[Patch]:
    """Cut out quads (N, 4, 2), enlarged by factors (N,), the smallest first.

    All together they have at most ``spare`` of the area of ``scaled``.
    """
    scale = scaled.shape[1] / image.shape[1]
    areas = np.prod([side * factors + SPACE for side in sides(room)], axis=0)  # (N,)
    order = np.argsort(areas, kind="stable")
    within = order[areas[order].cumsum() < spare * scaled.shape[0] * scaled.shape[1]]
    patches = []
    for i in within.tolist():
        quad, factor = room[i], float(factors[i])
        if factor > 1:  # the picture itself may hold more
            sharp = cut_patch(image, quad / np.float32(scale), factor * scale)
            patches.append(Patch(sharp.picture, quad))
        else:
            patches.append(cut_patch(scaled, quad, factor))
    return patches


def _shrunk(scaled: Image) -> Patch:
    """The whole picture, so small that the largest characters have the usual height."""
    h, w = scaled.shape[:2]
    small = _resize(scaled, 1 / SHRINK)
    return Patch(small, box_to_quad(np.array([0, 0, w, h], np.float32)), line=False)


def _merge(quads: Quads, scores: Float, line: Float, score: float) -> tuple[Quads, Float]:
    """Add a line (4, 2) that a second look found, in place of pieces of it."""
    shared = np.array([intersection(quad, line) for quad in quads], np.float32)  # (N,)
    width, height = sides(quads)
    wide = (width >= 1.5 * height) & (width >= 1.5 * min(sides(line)))
    longer = np.maximum(width, height) >= max(sides(line))
    if shared[wide].sum() > 0.3 * area(line) or (shared[longer] > 0.5 * area(line)).any():
        return quads, scores
    rest = wide | (shared < 0.3 * area(quads))
    return np.concatenate([quads[rest], line[None]]), np.append(scores[rest], np.float32(score))


def _resize(image: Image, scale: float) -> Image:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    h, w = (max(8, round(v * scale)) for v in image.shape[:2])
    return np.asarray(cv2.resize(image, (w, h), interpolation=how), np.uint8)


class Canvas(NamedTuple):
    """A size that the net is run at, and where strips of that height begin."""

    height: int
    width: int
    tops: tuple[int, ...]


@cache
def _sizes() -> tuple[tuple[int, int], ...]:
    """The canvases (height, width): areas in steps of 2, shapes in steps of 1.4."""
    return tuple(
        (_up(math.sqrt(area / shape)), _up(math.sqrt(area * shape)))
        for area in (18_750 * 2**i for i in range(10))
        for shape in (1.4**i for i in range(-16, 17))
    )


def _up(length: float, multiple: int = 32) -> int:
    return math.ceil(length / multiple) * multiple


def cover(height: int, width: int, most: int) -> Canvas:
    """Choose the canvas, and the strips, that cover a picture at the least cost.

    Few sizes keep memory flat, and time too: a runtime prepares its kernels for every new
    one, which costs as much as the look itself.

    Args:
        height: of the picture, pixels.
        width: of the picture, pixels.
        most: area that a canvas may have; a very wide picture may need more.
    """
    least = min(height, 3 * OVERLAP)
    fitting = [(h, w) for h, w in _sizes() if w >= width and h >= least]
    if not fitting:  # longer than any canvas
        return Canvas(_up(height), _up(width), (0,))
    small = [size for size in fitting if size[0] * size[1] <= most]
    covers = [Canvas(h, w, _tops(height, h)) for h, w in small or [min(fitting, key=math.prod)]]
    return min(covers, key=lambda c: c.height * c.width * len(c.tops))


def _tops(height: int, strip: int) -> tuple[int, ...]:
    """Where strips begin that cover a height evenly, with OVERLAP or more in common."""
    if height <= strip:
        return (0,)
    count = math.ceil((height - OVERLAP) / (strip - OVERLAP))
    return tuple(round(i * (height - strip) / (count - 1)) for i in range(count))


def extend(image: Image, height: int, width: int) -> Image:
    """Extend a picture to the right and below, in grey."""
    low, right = height - image.shape[0], width - image.shape[1]
    return np.asarray(
        cv2.copyMakeBorder(image, 0, low, 0, right, cv2.BORDER_CONSTANT, value=(GREY,) * 3),
        np.uint8,
    )


def padded(image: Image, multiple: int = 64) -> Image:
    """Extend a picture to multiples of 64."""
    return extend(image, *(_up(v, multiple) for v in image.shape[:2]))


def build_quads(
    output: Float, spec: CTPNSpec | VGGCTPNSpec, options: DetectionOptions
) -> tuple[Quads, Float]:
    """Turn the net's output (R, C, K, 7) into line quads (N, 4, 2) and scores (N,)."""
    slices = suppress(output, spec)
    quads, scores = [], []
    for chain in link(slices):
        score = float(slices.score[chain].mean())
        if score >= options.line_score:
            quads.append(outline(slices, chain))
            scores.append(score)
    found = np.asarray(quads, dtype=np.float32).reshape(-1, 4, 2)
    return grow(found, options.margin), np.asarray(scores, dtype=np.float32)


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
        if not _in_rows(quads, chain):
            joined[chain] = True
            box = quad_to_box(quads[chain].reshape(1, -1, 2))
            lines.append(box_to_quad(box)[0])
            certain.append(scores[chain].mean())
    if not lines:
        return quads, scores
    return np.concatenate([quads[~joined], np.stack(lines)]), np.concatenate(
        [scores[~joined], np.asarray(certain, dtype=np.float32)]
    )


IN_ROWS = 0.7
"""Share of a column's characters that stand level with words in the cells of a table."""


def _chains_down(quads: Quads) -> list[list[int]]:
    """Find characters that stand above each other, each chain from top to bottom.

    They stand close, or as far apart as regularly, and nearer than anything beside them.
    """
    if len(quads) < 2:
        return []
    width, height = sides(quads)
    centre = quads.mean(1)  # (N, 2)
    square = (width < 1.45 * height) & (width > 0.6 * height)
    apart = centre[None, :, 1] - centre[:, None, 1]
    gap = apart - (height[:, None] + height[None]) / 2  # (N, N)
    size = np.minimum(height[:, None], height[None]) / np.maximum(height[:, None], height[None])
    aside = np.abs(centre[:, None, 0] - centre[None, :, 0])
    between = aside - (width[:, None] + width[None]) / 2  # blank beside a line
    level = (np.abs(apart) < 0.3 * height[:, None]) & (between > 0)
    beside = np.where(level, between, np.inf).min(1)  # (N,)
    near = (gap > -0.37 * height[:, None]) & (gap < SPREAD * height[:, None])
    near &= gap < np.maximum(CLOSE * height, beside)[:, None]
    near &= square[:, None] & square[None] & (size > 0.65)
    near &= aside < 0.35 * np.maximum(width[:, None], 1)
    np.fill_diagonal(near, False)
    distance = np.where(near, gap, np.inf)
    below = np.where(near.any(1), distance.argmin(1), -1)
    above = np.where(near.any(0), distance.argmin(0), -1)
    chains = []
    for first in range(len(quads)):
        if above[first] >= 0 and below[above[first]] == first:
            continue
        chain = [first]
        while (n := int(below[chain[-1]])) >= 0 and above[n] == chain[-1] and n not in chain:
            chain.append(n)
        steps = np.diff(centre[chain, 1])
        if len(chain) >= 3 and np.ptp(steps) < 0.3 * steps.mean():
            chains.append(chain)
            continue
        gaps = gap[chain[:-1], chain[1:]] / height[chain[:-1]]
        for part in np.split(np.array(chain), np.flatnonzero(gaps > CLOSE) + 1):
            if len(part) >= 3 or (len(part) == 2 and gap[part[0], part[1]] < 0):
                chains.append(part.tolist())
    return chains


CLOSE = 0.21
"""Blank between the characters of a column, by their height; what is found has a margin."""

SPREAD = 1.2
"""The same where they are spread evenly."""


def _cells(quads: Quads) -> NDArray[np.bool_]:
    """Say which of the lines (N,) are cells of a table."""
    cells = np.zeros(len(quads), dtype=bool)
    for chain in _chains_down(quads):
        cells[chain] = _in_rows(quads, chain)
    return cells


def _in_rows(quads: Quads, chain: list[int]) -> bool:
    """Say whether characters below each other are cells: row by row level with what is beside.

    That is words, all as high above or below them, or where they are spread two other characters.
    A paragraph beside a column has another pitch, and is level only by chance.
    """
    width, height = sides(quads)
    centre, own = quads.mean(1), height[chain]  # (N, 2), (n,)
    along = (quads[:, 1] - quads[:, 0]) / np.maximum(width, 1)[:, None]  # (N, 2)
    to = centre[chain][:, None] - centre[None]  # (n, N, 2)
    ahead, off = (to * along).sum(-1), to[..., 1] * along[:, 0] - to[..., 0] * along[:, 1]
    level = np.abs(off) < 0.3 * own[:, None]
    level &= np.abs(np.log(own[:, None] / np.maximum(height, 1e-6))) < 0.3
    level &= np.abs(ahead) > (width[chain][:, None] + width) / 2
    long = width >= 1.5 * height
    words = np.where(level & long, np.abs(off), np.inf).argmin(1)  # (n,) the one most level
    found = (level & long).any(1)
    above = off[np.arange(len(chain)), words]
    steady = found & (
        np.abs(above - np.median(above[found] if found.any() else above)) < 0.15 * own
    )
    blank = (quads[chain[1:], 0, 1] - quads[chain[:-1], 3, 1]).max()
    grid = (level & ~long).sum(1) > 1 if blank > CLOSE * own.mean() else np.zeros(len(chain), bool)
    return bool((steady | grid).mean() >= IN_ROWS)


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
    count = len(slices.column)
    after = np.full(count, -1)
    before = np.full(count, -1)
    last = int(slices.column.max(initial=0))
    starts = np.searchsorted(slices.column, np.arange(last + 2))
    for reach in range(1, GAP + 2):
        for column in range(last + 1 - reach):
            a = np.arange(starts[column], starts[column + 1])
            b = np.arange(starts[column + reach], starts[column + reach + 1])
            a, b = a[after[a] < 0], b[before[b] < 0]
            if not (len(a) and len(b)):
                continue
            fit = _likeness(slices, a, b)  # (A, B)
            to, back = fit.argmax(1), fit.argmax(0)
            for i in range(len(a)):
                if fit[i, to[i]] > 0 and back[to[i]] == i:
                    after[a[i]], before[b[to[i]]] = b[to[i]], a[i]
    chains = []
    for start in np.flatnonzero(before < 0):
        chain = [int(start)]
        while after[chain[-1]] >= 0:
            chain.append(int(after[chain[-1]]))
        chains.append(np.asarray(chain, dtype=np.intp))
    return chains


def _likeness(slices: Slices, a: NDArray[np.intp], b: NDArray[np.intp]) -> Float:
    """How well slices a (A,) and b (B,) continue each other; 0 where they must not."""
    top = np.maximum(slices.top[a][:, None], slices.top[b])
    low = np.minimum(slices.low[a][:, None], slices.low[b])
    ha = (slices.low - slices.top)[a][:, None]
    hb = (slices.low - slices.top)[b][None]
    overlap = (low - top) / np.minimum(ha, hb)
    size = np.minimum(ha, hb) / np.maximum(ha, hb)
    apart = (slices.ends[a, 1][:, None] + slices.ends[b, 0][None]) / 2 > END_SCORE
    fits = (overlap > FACING) & (size > LIKENESS) & ~apart
    return np.where(fits, overlap + size, 0.0).astype(np.float32)


def outline(slices: Slices, chain: NDArray[np.intp]) -> Float:
    """Fit a quad (4, 2) to a chain: straight top and bottom, ends by side refinement."""
    xs = (slices.column[chain] + 0.5) * COLUMN
    top, low = slices.top[chain], slices.low[chain]
    first, last = chain[0], chain[-1]
    left, right = slices.offsets[first, 0], slices.offsets[last, 1]
    if len(chain) == 1 and left >= right:  # the published form has one offset for both ends
        left, right = -abs(left), abs(right)
    x0 = xs[0] + COLUMN * float(np.clip(left, -1.0, 0.5))
    x1 = xs[-1] + COLUMN * float(np.clip(right, -0.5, 1.0))
    x1 = max(x1, x0 + 2)
    slope, middle = _fit_line(xs, (top + low) / 2)
    grow, height = _fit_line(xs, low - top)
    centre = float(xs.mean())
    theta = math.atan(slope)
    normal = np.array([-math.sin(theta), math.cos(theta)])
    corners = []
    for x, side in ((x0, 1), (x1, -1)):
        tall = max(2.0, height + grow * (x - centre)) * math.cos(theta)
        # The ends found are the outermost corners; the middle line begins further in.
        inner = x + side * tall / 2 * abs(math.sin(theta))
        point = np.array([inner, middle + slope * (inner - centre)])
        corners.append((point - normal * tall / 2, point + normal * tall / 2))
    (tl, bl), (tr, br) = corners
    return np.stack([tl, tr, br, bl]).astype(np.float32)


def _fit_line(xs: NDArray[np.floating[Any]], ys: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Least squares slope, drawn to zero for short chains, and the value at the mean x."""
    dx = xs - xs.mean()
    prior = COLUMN**2 / 4  # a short line's slope is hardly worth believing
    return float((dx * ys).sum() / ((dx * dx).sum() + prior)), float(ys.mean())
