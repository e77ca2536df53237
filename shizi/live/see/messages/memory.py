"""Lines that vanished, known again by where they would stand and what they say."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from shizi.live.see.messages.gap import Stand, unseen_roll
from shizi.live.see.messages.message import Message
from shizi.live.see.messages.wrap import GAVE, WRAPPED, pitch
from shizi.live.see.reading.counting import counted_up
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import nearest
from shizi.live.see.tracking.track import Track
from shizi.live.see.tracking.tracker import Tracker

_PLACED, _ROLLED, _STOOD = 0.4, 0.7, 0.85
"""Likeness of two texts from which they are one line: where all lines agreed that it would stand
there, where it rolled on, and where it has a place."""

_LINES, _GAPS = 40, 20
"""How many lines are remembered, and times at which rows rolled unseen."""

_NOTICE = 60.0
"""Seconds within which what has a place and says the same again is the same, unless it counts."""

_TOGETHER = 0.3
"""Seconds within which lines vanish that are covered by something."""


class Past(NamedTuple):
    """A line that vanished.

    Attributes:
        line: what it said.
        message: of which it was a part.
        top: where it stood, pixels of the frame.
        height: pixels.
        scrolled: how far the panel had scrolled by then, pixels.
    """

    line: SeenLine
    message: Message
    top: float
    height: float
    scrolled: float

    @property
    def track(self) -> Track:
        """It, as it was last seen."""
        return self.line.track

    def resized(self, scale: float, scrolled: float) -> Past:
        """The same in a picture of another size, where ``scrolled`` begins at 0 again."""
        return self._replace(
            top=self.top * scale,
            height=self.height * scale,
            scrolled=(self.scrolled - scrolled) * scale,
        )


@dataclass
class Memory:
    """Remembers lines that vanished.

    Attributes:
        tracker: follows the lines.
        linger: seconds for which what has a place may come back to it as the same one.
    """

    tracker: Tracker
    linger: float
    _past: deque[Past] = field(default_factory=lambda: deque(maxlen=_LINES))
    _rolls: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_GAPS))

    def take_over(self, before: Memory, scale: float) -> None:
        """Remember what vanished with another area, in a picture so many times as large."""
        went = before.tracker.scrolled
        self._past.extend(past.resized(scale, went) for past in before._past)

    def keep(self, line: SeenLine, message: Message) -> None:
        """Remember a line that is gone."""
        self._past.append(self._passed(line, message))

    def drop(self, past: Past) -> None:
        """Forget a line that is back."""
        if past in self._past:
            self._past.remove(past)

    def find(self, line: SeenLine, hidden: Sequence[tuple[SeenLine, Message]]) -> Past | None:
        """The line that vanished where this one appeared: the roll never shows two in a place.

        Args:
            line: which appeared.
            hidden: lines that are not seen, but not gone either, and their messages.
        """
        return next((p for p in self._vanished(hidden) if self._is_back(p, line)), None)

    def _is_back(self, past: Past, line: SeenLine) -> bool:
        """True when a line that appeared is one that vanished."""
        track, now = past.track, line.track.first
        unseen = self._unseen(past, now)
        notice = track.pinned and now - track.last < _NOTICE and not past.line.counting
        part = past.line.bare_count or GAVE.match(past.line.best.text)
        turn = part and past.message.lines[0].track.last < now  # of somebody else
        soon = (now - track.last < self.linger or notice) and not turn
        soon = soon or self._covered(past)
        # Where it may be, and how like it must be to what it was.
        places = []
        if track.moved > 0 or unseen is not None:
            places.append((self._stands(past, now).top, _ROLLED if unseen is None else _PLACED))
        if track.moved == 0 and soon:
            places.append((past.top, _STOOD))
        old, new = past.line.best.text, line.best.text
        begun = abs(float(track.box[0] - line.track.box[0])) < track.height
        some = begun and len(new) > 1 and old.startswith(new)  # as of a line that is coming in
        alike = 1.0 if some or counted_up(old, new) else nearest(past.line.said, line.said)
        slack = 0.7 * line.track.height
        there = any(
            abs(top - line.track.template.top) <= slack and alike > least for top, least in places
        )
        return there or self._goes_on(past, line)

    def note_gap(self, new: Sequence[SeenLine], hidden: Sequence[tuple[SeenLine, Message]]) -> None:
        """Find out whether lines that nobody saw come, or saw go, rolled on unseen.

        Args:
            new: lines that are not known.
            hidden: as for :meth:`find`.
        """
        time = min(x.track.first for x in new)
        rolling = [t for t in self.tracker.tracks if t.rolls and t.last >= time]
        witnessed = min((t.first for t in rolling), default=np.inf)  # from then on all was seen
        known = [
            self._stands(past, time) for past in self._vanished(hidden)
            if past.track.last < min(time, witnessed) and not past.track.pinned
        ]  # fmt: skip
        seen = [Stand(x.track.template.top, x.track.height, x.said, rolls=False) for x in new]
        roll = unseen_roll(known, seen)
        if roll is not None:
            self._rolls.append((time, roll))

    def _goes_on(self, past: Past, line: SeenLine) -> bool:
        """True for a line just below the one that the vanished one went on with."""
        lines = past.message.lines
        at = next((i for i, x in enumerate(lines) if x is past.line), 0)
        above = lines[at - 1].track if at else None
        if above is None or above.last != line.track.last or not above.rolls:
            return False
        return 0 < pitch(above.box, line.track.box, self.tracker.usual) < WRAPPED

    def _vanished(self, hidden: Sequence[tuple[SeenLine, Message]]) -> Iterator[Past]:
        """Lines that are not seen; those that are only hidden first."""
        yield from (self._passed(*one) for one in hidden)
        yield from reversed(self._past)

    def _passed(self, line: SeenLine, message: Message) -> Past:
        track = line.track
        return Past(line, message, track.template.top, track.height, self.tracker.scrolled)

    def _unseen(self, past: Past, time: float) -> float | None:
        """How far rows rolled unseen since a line vanished, pixels; None where all was seen."""
        rolls = [pixels for at, pixels in self._rolls if past.track.last < at <= time]
        return sum(rolls) if rolls and not past.track.pinned else None

    def _stands(self, past: Past, time: float) -> Stand:
        """Where a line that vanished would be at a time, seconds, if it rolled with the others."""
        moved = self.tracker.scrolled - past.scrolled + (self._unseen(past, time) or 0.0)
        # What only just came has not rolled yet, but did not stand while others rolled either.
        rolls = past.track.moved > 0 or past.track.stayed == 0
        return Stand(past.top - moved, past.height, past.line.said, rolls)

    def _covered(self, past: Past) -> bool:
        """True when a line vanished together with most of the others."""
        known = [p.track for p in self._past] + self.tracker.tracks
        there = [t.last - past.track.last for t in known if t.first <= past.track.last]
        vanished = sum(abs(later) < _TOGETHER for later in there)
        return vanished > max(1, sum(later >= _TOGETHER for later in there))
