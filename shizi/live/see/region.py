"""Where the comments stand: given, named, or found by their upward motion.

A comment area is where small text is dense and moves up, and nothing else does both: captions
and shop windows stand still, a moving picture holds no lines. Until it has moved, an area is
not sure; the first look that shows several rows at least one of which moved up decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi.geometry import box_iou
from shizi.live.frame import Area, Box, Frame
from shizi.live.options import Fractions, RegionOptions, parse_region
from shizi.live.see.tracking.boxes import find_lines, shared
from shizi.live.see.tracking.scroll import CELL, Floats, figure, fits_at, ink, likeness, template_of
from shizi.live.see.tracking.search import BLANK, INKED, unexplained
from shizi.page import Image, Quads
from shizi.waits import Waits

_FIRST_PAUSE, _LAST_PAUSE = 2.0, 60.0
"""Seconds until an area that was found is looked at again; each time four times as long."""

_SEARCH = 0.5
"""Seconds between two looks while the area is searched."""

_PLACES = 1.0
"""Seconds between two looks for a place above the area."""


_SURELY, _EASE = 3, 2
"""Lines that went up from which an area is sure, wherever they stand; and pixels by which two that
roll together may seem to go otherwise."""

_TRIES = 4
"""Looks within which an area is found again, or is left as it is."""

_DENSE = 0.2
"""Share of a line's box that has ink, at least."""

_UPRIGHT = 0.8
"""Share of the width of an upright picture that its rows may take."""

_ABOVE = 6
"""Heights of a line, above the area, where a place for gifts may be."""

_HIGH = 0.4
"""Share of the height of an upright picture that its rows and the gifts above them may take: it
shows few of them when the area is found."""


def area_of(fractions: Fractions, width: int, height: int) -> Area:
    """Fractions in pixels of a frame."""
    x0, y0, x1, y1 = fractions
    return round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)


class Alignment(NamedTuple):
    """How the rows of an area stand. Pixels."""

    left: float
    height: float

    def like(self, box: Box) -> bool:
        """True for a line that stands as the rows do."""
        tall = (box[3] - box[1]) / self.height
        return bool(abs(tall - 1) < 0.5 and abs(box[0] - self.left) < 2 * self.height)


@dataclass
class _Above:
    """Strokes above the area (H, W): at the latest look, and where somebody looked for lines."""

    latest: Floats | None = None
    seen: Floats | None = None

    def still(self, shown: Floats) -> Floats:
        """Those of the strokes shown that were there at the latest look, but not seen before."""
        before, self.latest = self.latest, shown
        if before is None or before.shape != shown.shape:
            self.seen = None
            return np.zeros_like(shown)
        still = np.minimum(before, shown)
        return still if self.seen is None else np.where(self.seen > BLANK, 0, still)


@dataclass
class Finder:
    """Tells where the comments stand in each frame.

    Attributes:
        options: what was asked for.
        detect: finds text lines in a picture (H, W, 3): quads (N, 4, 2).
        size: width and height of the latest frame, pixels.
    """

    options: RegionOptions
    detect: Callable[[Image], Quads]
    size: tuple[int, int] = (0, 0)
    _found: Area | None = None
    _searching: bool = True
    _looked: float = -np.inf
    _climbed: float = -np.inf  # when somebody last looked above the area
    _news: float = 0.0
    _again: float = np.inf  # when to look whether the area is larger than it seemed
    _pauses: Waits = field(default_factory=lambda: Waits(_FIRST_PAUSE, _LAST_PAUSE, growth=4))
    _tries: int = 0
    _before: _Sight | None = None
    _moved: list[NDArray[np.float32]] = field(default_factory=list)
    _rows: Alignment = field(default=Alignment(0.0, 0.0))
    _above: _Above = field(default_factory=_Above)

    def __post_init__(self) -> None:
        """Read what was asked for."""
        self._given = parse_region(self.options.region)

    def area(self, frame: Frame) -> Area | None:
        """The comment area in this frame; None while it is not known."""
        size = (frame.width, frame.height)
        if size != self.size:
            self._resize(size)
        if self._given is not None:
            return area_of(self._given, *size)
        if not self._searching and frame.time >= self._again:
            self._search_anew()
            self._tries = _TRIES
        if self._searching and frame.time - self._looked >= _SEARCH:
            self._looked = frame.time
            self._search(frame)
        if self._found and frame.time - self._climbed >= _PLACES:
            self._climbed = frame.time
            self._found = self._heightened(self._found, frame.image)
        return self._found

    @property
    def left(self) -> float:
        """Where the rows begin, pixels; 0 while none is known."""
        return self._rows.left

    @property
    def row_height(self) -> float:
        """Height of the rows, pixels; 0 while none is known."""
        return self._rows.height

    @property
    def rows(self) -> list[Box]:
        """Lines that stood in the area as its rows do when it was found, pixels."""
        sight, area = self._before, self._found
        if sight is None or area is None:
            return []
        return [b for b in sight.boxes if self._rows.like(b) and area[1] <= b[1] < area[3]]

    def heard(self, time: float, news: bool) -> None:
        """Be told whether there were new rows; after a long silence the search begins anew."""
        if news:
            self._news = time
        elif not self._searching and time - self._news > self.options.silence:
            self._search_anew()

    def _resize(self, size: tuple[int, int]) -> None:
        """Follow a picture that changed its size; in the same shape its area is where it was."""
        scale, old = size[0] / self.size[0] if self.size[0] else 0.0, self.size
        self.size, self._above = size, _Above()
        if abs(old[1] * scale - size[1]) > 2:
            self._found, self._rows = None, Alignment(0.0, 0.0)
        elif self._found is not None:
            x0, y0, x1, y1 = (round(v * scale) for v in self._found)
            self._found = x0, y0, min(size[0], x1), min(size[1], y1)
            self._rows = Alignment(self._rows.left * scale, self._rows.height * scale)
        self._search_anew()

    def _search_anew(self) -> None:
        self._searching, self._before, self._moved, self._tries = True, None, [], 0

    def _search(self, frame: Frame) -> None:
        """Look for rows that move; be content with the area known after a few looks."""
        found = self._moving(frame.image)
        self._tries -= 1
        if found is not None:
            self._news = frame.time
            self._found = _united(self._found, found) if self._found else found
        if found is not None or self._tries == 0:
            self._searching, self._again = False, frame.time + self._pauses.take()

    def _moving(self, image: Image) -> Area | None:
        """The area of what moved up since the search began; None while that is too little."""
        panel = figure(ink(image))
        boxes = find_lines(self.detect, image, self._rows.height)
        risen = _risen(self._before, panel) if self._before is not None else []
        self._moved += [box for box, _ in risen]
        self._before = _Sight(panel, boxes)
        if not boxes or (len(self._moved) < _SURELY and not _as_one(risen)):
            return None
        moved = np.stack(self._moved)  # (M, 4)
        self._rows = _aligned(moved)
        return _around(moved, boxes, self._rows, self.size)

    def _heightened(self, area: Area, image: Image) -> Area:
        """The area, with a line that stands above it: gifts may take turns in a place there."""
        x0, y0, x1, y1 = area
        tall = self._rows.height
        top = max(0, y0 - round(_ABOVE * tall))
        if y0 - top < tall:
            return area
        strip = image[top : min(y1, y0 + round(tall)), x0:x1]  # with what the edge cuts through
        shown = ink(strip)
        still = self._above.still(shown)
        if not unexplained(still, [], tall, INKED * tall):
            return area
        self._above.seen = shown
        corner = np.array([x0, top, x0, top], np.float32)
        found = [line for line in find_lines(self.detect, strip, tall) if _stands(line, still)]
        lines = [line + corner for line in found if self._rows.like(line + corner)]
        lines = [line for line in lines if line[1] < y0 + tall / 2]  # or too near to the edge
        if not lines:
            return area
        return x0, max(0, int(min(line[1] for line in lines) - tall)), x1, y1


def _stands(line: Box, still: Floats) -> bool:
    """True for a line many of whose strokes were there before."""
    left, top, right, low = (round(float(v)) for v in line / np.array([CELL, 1, CELL, 1]))
    part = still[max(0, top) : low, max(0, left) : right]
    return bool(part.size) and float((part > BLANK).mean()) > _DENSE


@dataclass(frozen=True)
class _Sight:
    panel: NDArray[np.float32]
    boxes: list[NDArray[np.float32]]


def _aligned(moved: NDArray[np.float32]) -> Alignment:
    """How most of the lines that moved (M, 4) stand; others move in the picture."""
    tall = float(np.median(moved[:, 3] - moved[:, 1]))
    beside = np.abs(moved[:, None, 0] - moved[None, :, 0]) < tall  # (M, M)
    most = moved[beside[int(beside.sum(1).argmax())]]
    return Alignment(float(np.median(most[:, 0])), float(np.median(most[:, 3] - most[:, 1])))


def _as_one(risen: list[tuple[Box, int]]) -> bool:
    """True when two lines that begin below each other went up together."""
    return any(
        abs(up - higher) <= _EASE and abs(float(a[0] - b[0])) < float(a[3] - a[1]) / 2
        for (a, up), (b, higher) in pairwise(risen)
    )


def _risen(before: _Sight, panel: NDArray[np.float32]) -> list[tuple[Box, int]]:
    """Lines of an earlier look that stand higher now, by their boxes of then; by how much."""
    risen = []
    for box in before.boxes:
        row = template_of(before.panel, box, paper=0.0)
        if fits_at(panel, row, row.top) > 0.6:
            continue
        curve = likeness(panel, row)
        best = int(curve.argmax())
        if curve[best] > 0.7 and 4 < row.top - best < 12 * len(row.ink):
            risen.append((box, row.top - best))
    return risen


def _united(old: Area, new: Area) -> Area:
    """The old area, made higher or wider by a new one in the same place; else the new one.

    A room that has only just begun shows few rows: its area is higher and wider than they are.
    """
    columns = np.array([[old[0], 0, old[2], 1], [new[0], 0, new[2], 1]], np.float32)
    beside = float(box_iou(columns[:1], columns[1:])[0, 0])
    if beside < 0.6 or new[1] > old[3] or new[3] < old[1]:
        return new
    slack = (old[3] - old[1]) // 12  # rows yet to come are worth it, a few pixels are not
    top = new[1] if new[1] < old[1] - slack else old[1]
    low = new[3] if new[3] > old[3] + slack else old[3]
    right = new[2] if new[2] > old[2] + slack else old[2]
    return old[0], top, right, low


def _around(
    moved: NDArray[np.float32], boxes: list[Box], row: Alignment, size: tuple[int, int]
) -> Area:
    """The area of rows that moved (M, 4), and of lines that stand close above them."""
    tall = row.height
    rows = moved[np.abs(moved[:, 0] - row.left) < 4 * tall]
    x0, y0, x1, y1 = rows[:, 0].min(), rows[:, 1].min(), rows[:, 2].max(), rows[:, 3].max()
    for box in sorted(boxes, key=lambda b: -float(b[1])):  # notices and gifts, upwards
        if row.like(box) and y0 - _ABOVE * tall < box[1] < y0:
            y0 = box[1]
    width, height = size
    # Rows yet to come may be longer than those seen, and gifts take turns above them.
    x1 = max(x1 + 3 * tall, x0 + 20 * tall, x0 + _UPRIGHT * width if height > width else 0)
    y0 -= 2.5 * tall
    if height > width:
        y0 = min(y0, max([y1 - _HIGH * height, *_others(boxes, row, x0, x1, y0)]))
    return (
        max(0, int(x0 - tall)),
        max(0, int(y0)),
        min(width, int(x1)),
        min(height, int(_below(y1 + 2.5 * tall, boxes, row))),
    )


def _others(boxes: list[Box], row: Alignment, x0: float, x1: float, y0: float) -> list[float]:
    """Where lines end that stand above the rows, but not as these do: a title, tabs, a caption."""
    like = [b for b in boxes if row.like(b)]  # a gift, perhaps with its count beside it
    return [
        float(b[3]) for b in boxes
        if b[3] < y0 and b[0] < x1 and b[2] > x0 and not any(shared(b, a) > 0.2 for a in like)
    ]  # fmt: skip


def _below(low: float, boxes: list[Box], row: Alignment) -> float:
    """Where the area ends: below a line that it would cut, as one that takes turns there."""
    cut = [b for b in boxes if row.like(b) and b[1] < low < b[3] + row.height / 2]
    return max([low, *(float(b[3]) + row.height / 2 for b in cut)])
