"""Whether a line goes on with what the one above it began: messages are wrapped, or stacked."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import numpy as np

from shizi.live.colour import alike, other_hue
from shizi.live.frame import Box
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.tracking.boxes import shared
from shizi.live.see.tracking.track import Track

_COLONS = ("：", ":", "；", ";")
_BRACKETS = ("[", "【", "［")
GAVE = re.compile(r"\s*(送\s*出|送给|赠送|打赏|投喂)")
"""How what is given begins on a banner, below who gives it."""
PAID = re.compile(r"(?:[¥￥$€£]\s*\d{1,6}|\d{1,6}\s*(?:元|电池))\s*$")
"""An amount that ends a line, as the head of a card that was paid for does."""
_SAID = re.compile(r"[：:；;。，！？!?]|送\s*出|送给|赠送|打赏|投喂|来了|直播间|主播")
"""Signs of a line that says more than a nickname."""
_SPEAKS = re.compile(r"(?!\d{1,2}[：:]\d\d)[^：:]{1,15}[：:]\s*\S")
WRAPPED, _STACKED = 1.5, 2.2
"""Distance of two lines of one message, in line heights."""

_CARD = 2.8
"""The same, from the amount on a card to what is said on it."""

_TIGHT = 1.25
"""The same, where only the closeness and a missing level speak for it."""

_CLOSER, _MUCH_CLOSER = 0.75, 0.65
"""The same, as a share of what is usual between two messages; the latter where the line looks as
if it began with a nickname."""

_TOGETHER = 0.8
"""Seconds within which all lines of one message appear, unless they roll in one by one."""

_BOTH, _CLOSE = 2, 1.4
"""Distances of each kind from which two kinds are known, and, in line heights, the most that the
lines of one message are apart."""

_LEAST_STEP, _LARGEST_STEP = 0.8, 3.0
"""Distances of lines that follow each other in a roll, in line heights; gifts stand otherwise."""

_SPARE = 0.6
"""Room that is left at the end of a line that is full, in line heights, besides the next word."""

_FIRST_WORD = re.compile(r"[!-~]+|.[，。：；！？、）】」…]*")

_NEXT = 5.0
"""Distance within which a message may be the next one, in line heights."""

_BESIDE = 0.2
"""Share of its height that a count has in common with a line of the banner beside it."""

_TELLING = 4
"""Distances from which it is known what is usual."""


def _latest() -> deque[float]:
    return deque(maxlen=40)


@dataclass
class Typography:
    """How a room sets its lines, learned from the latest of them.

    Attributes:
        ahead: right edge of the longest of the lines that were just read, pixels.
        usual: height of a line, pixels; 0 while it is not known.
    """

    ahead: float = 0.0
    usual: float = 0.0
    _ends: deque[float] = field(default_factory=_latest)  # right edges, pixels
    _pitches: deque[float] = field(default_factory=_latest)  # of messages, in line heights
    _steps: deque[float] = field(default_factory=_latest)  # of lines, in line heights

    @property
    def right(self) -> float:
        """Right edge of the longest line, pixels; text wraps only there."""
        return max((self.ahead, *self._ends))

    @property
    def pitch(self) -> float:
        """Usual distance of two messages, in line heights; 0 while it is not known."""
        if len(self._pitches) >= _TELLING:
            return median(self._pitches)
        return self.steps[1]

    @property
    def steps(self) -> tuple[float, float]:
        """Distances of the lines of a message, and of messages; 0 while they are not told apart."""
        return two_steps(self._steps)

    def apart(self, a: Track, b: Track) -> float:
        """Distance of a line from the one above it, in line heights."""
        return pitch(a.box, b.box, self.usual)

    def study(self, boxes: Iterable[Box]) -> None:
        """Learn from where lines stand, pixels, before any of them is read."""
        for above, box in pairwise(sorted(boxes, key=lambda b: float(b[1]))):
            self._step(pitch(above, box, self.usual))

    def foresee(self, new: Sequence[SeenLine], seen: Sequence[SeenLine]) -> None:
        """Learn from lines that were just read, before any of them is taken in.

        Args:
            new: these lines.
            seen: the others that are there.
        """
        self.ahead = max(float(x.track.box[2]) for x in new)
        lines = sorted([*new, *seen], key=lambda x: float(x.track.box[1]))
        for above, line in pairwise(lines):
            if line in new:
                self._step(self.apart(above.track, line.track))

    def note(self, above: SeenLine | None, line: SeenLine, joins: bool) -> None:
        """Learn from a line; ``joins``: it goes on with the one above it."""
        self._ends.append(float(line.track.box[2]))
        begins = line.badge or _names(line) or line.best.text.endswith(_COLONS)
        if above is not None and not joins and begins:
            apart = self.apart(above.track, line.track)
            if apart < _NEXT:  # else there is room for others between them
                self._pitches.append(apart)

    def _step(self, apart: float) -> None:
        if _LEAST_STEP < apart < _LARGEST_STEP:
            self._steps.append(apart)


def continues(begin: SeenLine, above: SeenLine, line: SeenLine, typography: Typography) -> bool:
    """True when a line goes on with what the one above it began.

    Args:
        begin: the first line of the message above.
        above: its last line.
        line: the one below it.
        typography: of the room.
    """
    a, b = above.track, line.track
    tall = max(a.height, b.height)
    apart = typography.apart(a, b)
    if line.badge or b.box[0] - a.box[0] > 4 * tall or apart <= 0:
        return False
    if GAVE.match(line.best.text) and not _SAID.search(begin.best.text):
        one = not (a.pinned and b.rolls) and not (b.pinned and a.rolls)
        return one and apart < _STACKED  # a banner: who gives stands above what is given
    if a.pinned != b.pinned:
        return False
    if PAID.fullmatch(line.best.text.strip()) and not _SAID.search(begin.best.text):
        return apart < _STACKED  # who pays stands above the amount
    if PAID.search(above.best.text) and b.came - a.first <= _TOGETHER:
        return apart < _CARD  # and that above what is said, on a ground of its own
    if above.counting:
        return False  # nothing follows a count
    if line.bare_count:  # it rose until the line above was full
        return apart < _STACKED
    if _opens_alike(begin, line):
        return False
    names = _names(line) or _changes(above, line) or (_speaks(begin) and _speaks(line))
    together = b.came - a.first <= _TOGETHER
    close, wide = typography.steps
    middle = math.sqrt(close * wide)  # between the two distances, where there are two
    closer = apart < (_MUCH_CLOSER if names else _CLOSER) * typography.pitch
    closer |= not names and apart < middle
    if closer and (together or _in_one_colour(above, line)):
        return True
    if above.best.text.endswith(_COLONS):  # who says nothing has not been heard to the end
        return apart < _STACKED and not line.best.text.endswith(_COLONS)
    full = float(a.box[2]) > typography.right - 2.2 * tall
    levels = bool(begin.badge) or begin.best.text.startswith(_BRACKETS)
    if not (together or (levels and full and _in_one_colour(above, line))) or 0 < middle <= apart:
        return False
    return apart < max(WRAPPED * (full and not names), _TIGHT * levels)


def two_steps(steps: Iterable[float]) -> tuple[float, float]:
    """The two distances that lines have, in line heights; 0 with one alone.

    Where lines stand now close, now apart, the close ones are those of one message. The two
    groups are those that differ least within (Otsu, "A threshold selection method from gray-level
    histograms", IEEE Trans. SMC 1979).
    """
    logs = np.log(np.sort(np.fromiter(steps, np.float64)))
    cuts = range(_BOTH, len(logs) - _BOTH + 1)
    at = min(cuts, key=lambda k: logs[:k].var() * k + logs[k:].var() * (len(logs) - k), default=0)
    if not at:
        return 0.0, 0.0
    close, apart = float(np.exp(np.median(logs[:at]))), float(np.exp(np.median(logs[at:])))
    return (close, apart) if close < min(_CLOSE, _CLOSER * apart) else (0.0, 0.0)


def ends_early(line: SeenLine, below: SeenLine, right: float) -> bool:
    """True when a line ended though what begins the one below it had room in it.

    Args:
        line: the first of a message.
        below: the second.
        right: where the room wraps its lines, pixels.
    """
    text, box = below.best.text, below.track.box
    word = _FIRST_WORD.match(text)
    share = len(word[0]) / len(text) if word else 1.0
    needs = share * float(box[2] - box[0]) + _SPARE * line.track.height
    return float(line.track.box[2]) + needs < right


def beside(line: SeenLine, count: SeenLine) -> float:
    """Height that a count that stands alone shares with a line to its left, as on a banner, pixels.

    Returns:
        0 where the two have nothing to do with each other.
    """
    a, b = line.track.box, count.track.box
    near = count.bare_count and bool(b[0] > a[2]) and shared(a, b) > _BESIDE
    return float(min(a[3], b[3]) - max(a[1], b[1])) if near else 0.0


def begins(line: SeenLine, below: SeenLine, typography: Typography) -> bool:
    """True when a line begins what the one below it, read earlier, goes on with."""
    together = abs(below.track.first - line.track.first) < _TOGETHER
    return together and continues(line, line, below, typography)


def _opens_alike(begin: SeenLine, line: SeenLine) -> bool:
    """Both begin with a bracket, as levels are written in some rooms."""
    first = line.best.text[:1]
    return first in _BRACKETS and first == begin.best.text[:1]


def _in_one_colour(above: SeenLine, line: SeenLine) -> bool:
    """A line goes on in the colour in which the one above it ends, and in no other one."""
    (first, *others), before = line.best.runs, above.best.runs[-1]
    return not others and alike(first.colour, before.colour)


def _changes(above: SeenLine, line: SeenLine) -> bool:
    """A line begins in another colour than the one in which what was said above ends."""
    mine, before = line.best.runs, above.best.runs
    return len(mine) > 1 < len(before) and other_hue(mine[0].colour, before[-1].colour)


def _speaks(line: SeenLine) -> bool:
    """It may begin with a nickname: a colon follows what is short, and something follows that."""
    return _SPEAKS.match(line.best.text) is not None


def _names(line: SeenLine) -> bool:
    """It seems to begin with a nickname: a colon, and more than one colour."""
    return len(line.best.runs) > 1 and any(c in line.best.text for c in _COLONS)


def pitch(a: Box, b: Box, usual: float) -> float:
    """Distance of a line from the one above it, in line heights.

    Latin lines seem as high as the letters that they have, so what is usual is the measure.
    """
    tall = usual or max(float(a[3] - a[1]), float(b[3] - b[1]))
    return float(b[1] + b[3] - a[1] - a[3]) / 2 / tall
