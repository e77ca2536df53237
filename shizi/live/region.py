"""Where the comments stand: given, named, or found by their upward motion.

A comment area is where small text is dense and moves up, and nothing else does both: captions
and shop windows stand still, a moving picture holds no lines. Until it has moved, an area is
not sure; the first look that shows several rows at least one of which moved up decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shizi.errors import ShiziError
from shizi.geometry import box_iou
from shizi.live.scroll import figure, fits_at, ink, likeness
from shizi.live.source import Frame
from shizi.live.track import lines_of, template_of
from shizi.page import Image, Quads

Fractions = tuple[float, float, float, float]
Area = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the frame."""

PRESETS: dict[str, Fractions] = {
    "portrait": (0.01, 0.5, 0.8, 0.92),
    "portrait-low": (0.01, 0.6, 0.8, 0.97),
    "right-panel": (0.7, 0.1, 1.0, 0.95),
    "left-panel": (0.0, 0.1, 0.3, 0.95),
    "whole": (0.0, 0.0, 1.0, 1.0),
}
Preset = Literal["portrait", "portrait-low", "right-panel", "left-panel", "whole"]


@dataclass(frozen=True)
class RegionOptions:
    """Where the comments stand.

    Attributes:
        region: fractions of the frame x0,y0,x1,y1; or portrait, portrait-low, right-panel,
            left-panel, whole; or auto: found by itself.
        search: seconds between two looks while the area is searched.
        silence: seconds without a new row after which the area is searched anew.
    """

    region: str = "auto"
    search: float = 0.5
    silence: float = 20.0


def parse_region(text: str) -> Fractions | None:
    """Return the fractions that a region is given by; None for ``auto``.

    Raises:
        ShiziError: it is neither a preset nor four fractions in order.
    """
    if text == "auto":
        return None
    if text in PRESETS:
        return PRESETS[text]
    try:
        x0, y0, x1, y1 = (float(v) for v in text.split(","))
    except ValueError:
        x0 = y0 = x1 = y1 = -1.0
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise ShiziError(
            f"{text!r} is no region; write x0,y0,x1,y1 as fractions from 0 to 1, auto, "
            f"or one of {', '.join(PRESETS)}"
        )
    return x0, y0, x1, y1


def area_of(fractions: Fractions, width: int, height: int) -> Area:
    """Fractions in pixels of a frame."""
    x0, y0, x1, y1 = fractions
    return round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)


@dataclass
class Finder:
    """Tells where the comments stand in each frame.

    Attributes:
        options: what was asked for.
        detect: finds text lines in a picture (H, W, 3): quads (N, 4, 2).
    """

    options: RegionOptions
    detect: Callable[[Image], Quads]
    _size: tuple[int, int] = (0, 0)
    _found: Area | None = None
    _searching: bool = True
    _looked: float = -np.inf
    _news: float = 0.0
    _before: _Look | None = None
    _moved: list[NDArray[np.float32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read what was asked for."""
        self._given = parse_region(self.options.region)

    def area(self, frame: Frame) -> Area | None:
        """The comment area in this frame; None while it is not known."""
        size = (frame.width, frame.height)
        if size != self._size:
            self._size, self._found = size, None
            self._search_anew()
        if self._given is not None:
            return area_of(self._given, *size)
        if self._searching and frame.time - self._looked >= self.options.search:
            self._looked = frame.time
            found = self._search(frame.image)
            if found is not None:
                self._searching, self._news = False, frame.time
                if self._found is None or _shared(found, self._found) < 0.6:
                    self._found = found
        return self._found

    def heard(self, time: float, news: bool) -> None:
        """Be told whether there were new rows; after a long silence the search begins anew."""
        if news:
            self._news = time
        elif not self._searching and time - self._news > self.options.silence:
            self._search_anew()

    def _search_anew(self) -> None:
        self._searching, self._before, self._moved = True, None, []

    def _search(self, image: Image) -> Area | None:
        panel = figure(ink(image))
        boxes = lines_of(self.detect(image))
        if self._before is not None:
            self._moved += _risen(self._before, panel)
        self._before = _Look(panel, boxes)
        if len(self._moved) < 3 or not boxes:
            return None
        return _around(np.stack(self._moved), np.stack(boxes), self._size)


@dataclass(frozen=True)
class _Look:
    panel: NDArray[np.float32]
    boxes: list[NDArray[np.float32]]


def _risen(before: _Look, panel: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Lines of an earlier look that stand higher now, by their boxes of then."""
    risen = []
    for box in before.boxes:
        row = template_of(before.panel, box, paper=0.0)
        if fits_at(panel, row, row.top) > 0.6:
            continue
        curve = likeness(panel, row)
        best = int(curve.argmax())
        if curve[best] > 0.7 and 4 < row.top - best < 12 * len(row.ink):
            risen.append(box)
    return risen


def _shared(a: Area, b: Area) -> float:
    """Intersection over union."""
    boxes = np.array([a, b], np.float32)
    return float(box_iou(boxes[:1], boxes[1:])[0, 0])


def _around(moved: NDArray[np.float32], boxes: NDArray[np.float32], size: tuple[int, int]) -> Area:
    """The area of rows that moved (M, 4), and of lines (N, 4) that stand close above them."""
    tall = float(np.median(moved[:, 3] - moved[:, 1]))
    left = float(np.median(moved[:, 0]))
    rows = moved[np.abs(moved[:, 0] - left) < 4 * tall]
    x0, y0, x1, y1 = rows[:, 0].min(), rows[:, 1].min(), rows[:, 2].max(), rows[:, 3].max()
    for box in boxes[np.argsort(-boxes[:, 1])]:  # notices and gifts, from the lowest upwards
        alike = abs((box[3] - box[1]) / tall - 1) < 0.5 and abs(box[0] - left) < 2 * tall
        if alike and y0 - 3 * tall < box[1] < y0:
            y0 = box[1]
    width, height = size
    # Rows yet to come may be longer than those seen.
    x1 = max(x1 + 3 * tall, x0 + 14 * tall)
    return (
        max(0, int(x0 - tall)),
        max(0, int(y0 - 0.5 * tall)),
        min(width, int(x1)),
        min(height, int(y1 + 2 * tall)),
    )
