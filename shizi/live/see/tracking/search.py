"""When and where new lines are looked for: at strokes that no known line explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from shizi.live.frame import Box
from shizi.live.see.tracking.scroll import CELL, Floats
from shizi.page import GREY, Image

Stripe = tuple[int, int]
"""Top and low of a part of the panel that is as wide as the panel, pixels."""

BLANK = 12.0
"""Most ink of a plain surface."""

_LEAST = 8
"""Rows of ink that the lowest wrapped line has, pixels."""

INKED, _RIM = 0.6, 1.3
"""Rows of ink that a line has, and what is looked at around them, in heights of a line."""

_FAR = 3.0
"""How far from where the others do a line begins that is no line of its own, in its heights."""

_STEPS = (4, 6, 8, 12, 16, 24)
"""Heights of what is looked at, in heights of a line."""

_LOW, _THIN, _ASIDE, _ROOM = 0.5, 0.75, 0.4, 4.0
"""How high a character that stands alone is at least, how wide at most, how far from where lines
begin, and up to where nothing is beside it, in heights of a line."""

_LOOKS = 2
"""Looks after which a space between two lines holds none: it shows the edges of bubbles, or what
moves behind them."""

_SAME = 4.0
"""Pixels by which a space may seem to grow: rounding, codecs."""


_JUMP, SLIDE, _IDLE = 0.2, 0.4, 0.4
"""Seconds between two looks, at least: where lines moved, and stand again; while they slide, for
what comes in is not seen as a whole; and where nothing moved."""

_CLOSELY = 1.0
"""The same at strokes too low for a line, but for a wrapped count."""


@dataclass
class Search:
    """Remembers when and where somebody looked for new lines."""

    _asked: float = -np.inf
    _looked: float = -np.inf
    _spaces: dict[tuple[int, int], tuple[float, int]] = field(default_factory=dict)

    def due(self, time: float, moved: bool, sliding: bool) -> bool:
        """True when it is time to ask where to look.

        Args:
            time: of the stream, seconds.
            moved: lines moved since somebody last asked.
            sliding: they do so now, bit by bit.
        """
        least = SLIDE if sliding else _JUMP if moved else _IDLE
        return time - self._asked >= least

    def stripes(
        self,
        strokes: Floats,
        lines: Mapping[int, Box],
        doubted: set[int],
        usual: float,
        time: float,
    ) -> list[Stripe]:
        """Tell where to look, from top to bottom; empty where there is nothing to see.

        Args:
            strokes: ink of the panel (H, W).
            lines: boxes of what is seen, by track, pixels.
            doubted: which of them may go on beside their boxes.
            usual: height of a line, pixels; 0 while it is not known.
            time: of the stream, seconds.
        """
        self._asked = time
        spaces = dict(_between(lines))
        known = [box for number, box in lines.items() if number not in doubted]
        known += [box for pair, box in spaces.items() if self._looks(pair, box) >= _LOOKS]
        closely = time - self._looked >= _CLOSELY
        stripes = unexplained(strokes, known, usual, 0.0 if closely else INKED * usual)
        if stripes:
            self._looked = time
            self._spaces = {
                pair: (_height(box), self._looks(pair, box) + shown(box, stripes))
                for pair, box in spaces.items()
            }
        return stripes

    def _looks(self, pair: tuple[int, int], box: Box) -> int:
        """How often a space between two tracks was looked at since it is as high as it is."""
        high, looks = self._spaces.get(pair, (0.0, 0))
        return looks if abs(_height(box) - high) < _SAME else 0


def unexplained(strokes: Floats, boxes: Sequence[Box], usual: float, least: float) -> list[Stripe]:
    """Find the parts of a panel that show strokes, but nothing known that explains them.

    Around them there is some rim, for wrapped lines that are no more than a stroke or two. It
    ends where a known line begins, for half a line looks like another one. A line explains all
    that is beside it; but one that begins far to the right, as a count on a banner does, nothing
    to its left.

    Args:
        strokes: ink of the panel (H, W).
        boxes: of what is known, pixels.
        usual: height of a line, pixels; 0 while it is not known.
        least: rows of ink, pixels, that one place must have to be worth a look.

    Returns:
        Stripes, from top to bottom, that do not overlap.
    """
    shown = strokes > BLANK  # (H, W)
    left = min((float(box[0]) for box in boxes), default=0.0)
    for box in boxes:
        aside = 0.2 * _height(box)
        far = box[0] - left > _FAR * _height(box)
        first = int((box[0] - _height(box)) / CELL) if far else 0
        shown[max(0, int(box[1] - aside)) : int(box[3] + aside) + 1, first:] = False
    inked = shown.sum(1) >= 4  # (H,)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(np.int8), [0]])))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= _LEAST]
    if not any(b - a >= least for a, b in runs):
        return []
    rim = max(2 * _LEAST, round(_RIM * usual))
    stripes: list[Stripe] = []
    for a, b in runs:
        top, low = a - rim, b + rim
        top = max([0, top, *(int(box[3]) for box in boxes if box[1] < top < box[3])])
        low = min([len(strokes), low, *(int(box[1]) for box in boxes if box[1] < low < box[3])])
        if stripes and top <= stripes[-1][1]:
            top = stripes.pop()[0]
        stripes.append((top, low))
    return stripes


def alone(strokes: Floats, boxes: Sequence[Box], usual: float) -> list[Box]:
    """Find characters that stand alone where the lines begin, such as a 1 below a nickname.

    No net sees a single stroke, and anything may be one; but on plain ground, as high as a
    character and with nothing beside it, it is taken for one as it is, and reading decides.

    Args:
        strokes: ink of the panel (H, W).
        boxes: of what is known, pixels.
        usual: height of a line, pixels; 0 while it is not known.
    """
    if not (boxes and usual):
        return []
    left = float(np.median([box[0] for box in boxes]))
    first = max(0, int((left - _ASIDE * usual) / CELL))  # what is left of it is a bubble's edge
    inked = strokes[:, first : int((left + _ROOM * usual) / CELL) + 1] > BLANK  # (H, w)
    known = np.zeros(len(strokes), np.bool_)
    for box in boxes:
        known[max(0, int(box[1])) : int(box[3]) + 1] = True
    some = inked.any(1) & ~known
    edges = np.flatnonzero(np.diff(np.concatenate([[0], some.astype(np.int8), [0]])))
    found = []
    for a, b in edges.reshape(-1, 2):
        columns = first + np.flatnonzero(inked[a:b].any(0))
        wide = (columns[-1] + 1 - columns[0]) * CELL
        begins = abs(columns[0] * CELL - left)  # not at the edge of the panel
        if _LOW * usual < b - a < usual and wide < _THIN * usual and begins < _ASIDE * usual:
            room = (usual - (b - a)) / 2
            x0, x1 = columns[0] * CELL - room, (columns[-1] + 1) * CELL + room
            found.append(np.array([max(0.0, x0), a - room, x1, b + room], np.float32))
    return found


def shown(box: Box, stripes: Sequence[Stripe]) -> bool:
    """True when a stripe holds all of a box."""
    return any(top <= box[1] and box[3] <= low for top, low in stripes)


def stacked(image: Image, stripes: Sequence[Stripe], usual: float) -> Image:
    """Stripes of a picture (H, W, 3), one below the other, with grey below them.

    One picture costs less than several, and so do sizes that come again: a runtime has to
    prepare for every new one.
    """
    high = sum(low - top for top, low in stripes)
    steps = (round(lines * usual) for lines in _STEPS)
    grey = next((step - high for step in steps if step >= high), 0)
    rest = np.full((grey, *image.shape[1:]), GREY, image.dtype)
    return np.concatenate([*(image[top:low] for top, low in stripes), rest])


def unstacked(box: Box, stripes: Sequence[Stripe]) -> Box:
    """Where a box of :func:`stacked` stripes is in the picture."""
    at = 0.0
    for top, low in stripes:
        if (box[1] + box[3]) / 2 < at + low - top:
            break
        at += low - top
    lines = np.clip(box[[1, 3]] - at + top, top, low)
    return np.array([box[0], lines[0], box[2], lines[1]], np.float32)


def _between(lines: Mapping[int, Box]) -> Iterator[tuple[tuple[int, int], Box]]:
    """Spaces between lines that follow each other, by their tracks."""
    rows = sorted(lines.items(), key=lambda row: float(row[1][1]))
    for (a, above), (b, below) in pairwise(rows):
        if below[1] > above[3]:
            yield (a, b), np.array([above[0], above[3], above[2], below[1]], np.float32)


def _height(box: Box) -> float:
    return float(box[3] - box[1])
