"""Lines become messages: wrapped ones are joined, counts that rise in place are revisions."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from typing import NamedTuple

import numpy as np

from shizi.geometry import box_to_quad
from shizi.live.colour import alike
from shizi.live.event import Row, Run
from shizi.live.see.boxes import same_place
from shizi.live.see.gap import Stand, unseen_roll
from shizi.live.see.line import SeenLine, counted_up, counts, same_message
from shizi.live.see.track import Track
from shizi.live.see.tracker import Tracker
from shizi.live.see.vote import Sighting, elect, near
from shizi.live.see.wrap import WRAPPED, Typography, begins, beside, continues, pitch
from shizi.page import Quad

_FADED = 0.8  # share of the ink from which a changed look is not merely fading
_A_MOMENT = 0.15  # seconds; what was not seen for longer is hidden
_TURN = 0.6  # seconds; how long before one line another one of a place may be seen to change
_PLACED, _ROLLED, _STOOD = 0.4, 0.7, 0.85
"""Likeness of two texts from which they are one line: where all lines agreed that it would stand
there, where it rolled on, and where it has a place."""
_MEMORY = 40  # lines that vanished
_TOGETHER = 0.3  # seconds within which lines vanish that are covered by something
_WORD_ENDS, _WORD_BEGINS = re.compile(r"[A-Za-z,.!?;]$"), re.compile(r"[A-Za-z]")
_GAPS = 20  # times at which rows rolled unseen


@dataclass(slots=True, eq=False)
class Message:
    """One or more lines that belong together.

    Attributes:
        id: number of its row.
        lines: from top to bottom; a count beside them comes last.
        first: when it was first seen, seconds.
        revision: of the last row given out; -1: none yet.
        told: what was last given out.
        lost: when its last line was gone, seconds.
    """

    id: int
    lines: list[SeenLine]
    first: float
    revision: int = -1
    told: tuple[str, float, bool] = ("", 0.0, False)
    lost: float | None = None

    @property
    def count_beside(self) -> bool:
        """A count stands beside the other lines."""
        return len(self.lines) > 1 and any(beside(x, self.lines[-1]) for x in self.lines[:-1])

    @property
    def written(self) -> list[SeenLine]:
        """The lines without a count beside them."""
        return self.lines[:-1] if self.count_beside else self.lines

    def row(self, closed: bool) -> Row | None:
        """The next revision, or None where nothing changed; ``closed``: it is the last one."""
        best = [line.best for line in self.lines]
        runs = (*self.lines[0].badge, *_joined(_in_a_row(best)))
        score = float(np.average([s.score for s in best], weights=[len(s.text) for s in best]))
        pinned = self.lines[0].track.pinned
        told = ("".join(r.text for r in runs), round(score, 2), pinned)
        if told == self.told and not closed:
            return None
        self.told = told
        self.revision += 1
        boxes = np.stack([line.track.box for line in self.lines])  # (n, 4)
        low, high = boxes.min(0), boxes.max(0)
        box = np.array([low[0], low[1], high[2], high[3]])
        return Row(
            track=self.id,
            revision=self.revision,
            first=self.first,
            last=max(line.track.last for line in self.lines),
            runs=runs,
            score=score,
            quad=Quad.from_array(box_to_quad(box)),
            pinned=pinned,
            closed=closed,
        )


class _Past(NamedTuple):
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

    def resized(self, scale: float, scrolled: float) -> _Past:
        """The same in a picture of another size, where ``scrolled`` begins at 0 again."""
        return self._replace(
            top=self.top * scale,
            height=self.height * scale,
            scrolled=(self.scrolled - scrolled) * scale,
        )


@dataclass
class Assembler:
    """Makes messages of lines.

    Attributes:
        tracker: follows the lines.
        linger: seconds for which a vanished message may come back as the same one.
        before: what made messages of another area, where the rows may go on here.
        scale: how much larger the picture is than it was then.
    """

    tracker: Tracker
    linger: float
    before: InitVar[Assembler | None] = None
    scale: InitVar[float] = 1.0
    _of: dict[int, Message] = field(default_factory=dict)  # by track
    _numbers: set[int] = field(default_factory=set)  # of tracks after which a message is called
    _lost: list[Message] = field(default_factory=list)
    _over: dict[int, float] = field(default_factory=dict)  # tracks whose turn is over; last seen
    _ended: dict[int, tuple[SeenLine, Message]] = field(default_factory=dict)  # by track; closed
    _past: deque[_Past] = field(default_factory=lambda: deque(maxlen=_MEMORY))
    _rolls: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_GAPS))
    _typography: Typography = field(default_factory=Typography)

    def __post_init__(self, before: Assembler | None, scale: float) -> None:
        """Remember what vanished with another area."""
        if before is not None:
            went = before.tracker.scrolled
            self._past.extend(past.resized(scale, went) for past in before._past)

    def take(self, lines: Sequence[SeenLine]) -> list[Row]:
        """Take in lines that were just read together; return what is new about messages."""
        new = [x for x in lines if x.track.id not in self._of and not self._seen_before(x)]
        if new:
            self._note_gap(new)
            self._typography.ahead = max(float(x.track.box[2]) for x in new)
        return [row for line in lines for row in self.place(line)]

    def place(self, line: SeenLine) -> list[Row]:
        """Take in a line that was just read; return what is new about messages."""
        if self._over.get(line.track.id) == line.track.last:
            return []  # not seen since
        message = self._of.get(line.track.id)
        rows: list[Row | None] = []
        if message is None and (past := self._seen_before(line)):
            message = self._revive(past, line)
            if message is None:
                self._ended[line.track.id] = line, past.message
                return []
        if message is None:
            self._oust(line)
            message, line.before = self._join(line), []
        elif line.before:
            rows, message = self._renew(message, line)
        if message is None:
            message = Message(self._number(line), [line], line.track.first)
        self._of[line.track.id] = message
        rows.append(message.row(closed=False))
        return [row for row in rows if row is not None]

    def retire(self, gone: Sequence[Track], time: float) -> list[Row]:
        """Close what has been gone for long enough."""
        for track in gone:
            self._over.pop(track.id, None)
            self._numbers.discard(track.id)
            if ended := self._ended.pop(track.id, None):
                self._past.append(self._passed(*ended))
            message = self._of.pop(track.id, None)
            if message is None:
                continue
            left = [x for x in message.lines if x.track is track]
            self._past += [self._passed(x, message) for x in left]
            if not any(m.track.id in self._of for m in message.lines):
                message.lost = time
                self._lost.append(message)
        over = [m for m in self._lost if m.lost is None or time - m.lost > self.linger]
        self._lost = [m for m in self._lost if m not in over]
        return [row for m in over if (row := m.row(closed=True))]

    def _number(self, line: SeenLine) -> int:
        """Number of a message that begins with a line: its track's, unless that is taken."""
        if line.track.id in self._numbers:
            return self.tracker.number()
        self._numbers.add(line.track.id)
        return line.track.id

    def _renew(self, message: Message, line: SeenLine) -> tuple[list[Row | None], Message | None]:
        """A line's look changed: a count that rose, a passing shadow, or another message."""
        old, new = elect(line.before), line.best
        same = same_message(old.text, new.text)
        fading = same and new.clarity < _FADED * old.clarity and not counted_up(old.text, new.text)
        if fading or new.score < 0.85 * old.score or (line.track.rolls and not same):
            line.sightings = line.before
        elif line is message.lines[0] and not same:
            self._let_go(message, line, line.track.since)
            begun = self._join(line) or Message(self.tracker.number(), [line], line.track.first)
            return [message.row(closed=True)], begun
        elif same and counts(old.text) == counts(new.text):
            line.sightings = [*line.before, *line.sightings]
        line.before = []
        return [], message

    def _oust(self, line: SeenLine) -> None:
        """Where a turn in this place is over, what seems to stay of it is of the next one."""
        for message in dict.fromkeys(self._of.values()):
            track = message.lines[0].track
            over = track.last < line.track.last and not track.rolls
            if over and same_place(track.box, line.track.box):
                self._let_go(message, line, line.track.first)
                message.lost = line.track.last
                self._lost.append(message)

    def _let_go(self, message: Message, line: SeenLine, turn: float) -> None:
        """Keep a message as it was; from a time on, seconds, a line begins another one there."""
        lines, message.lines = message.lines, []
        for x in lines:
            self._of.pop(x.track.id, None)
            if x.track.last < line.track.last:
                self._over[x.track.id] = x.track.last
                message.lines.append(x)
                continue
            late = bool(x.previous) and x.since > turn - _TURN  # it was read since
            message.lines.append(SeenLine(x.track, x.previous if late else x.sightings))
            self.tracker.begin(x.track, turn)
            if x is not line:  # to be read anew
                x.version, x.imprint = -1, None
                self.tracker.want(x.track)
            x.before = []

    def _join(self, line: SeenLine) -> Message | None:
        """The message of the line above or below, where the two belong together."""
        if banner := self._banner(line):
            banner.lines.append(line)
            return banner
        middle, now = float(line.track.box[1] + line.track.box[3]) / 2, line.track.last
        seen = [
            (m, x) for m in dict.fromkeys(self._of.values()) for x in (m.lines[0], m.written[-1])
            if x.track.id in self._of and now - x.track.last < _A_MOMENT
        ]  # fmt: skip
        above = [(m, x) for m, x in seen if x is m.written[-1] and x.track.box[3] < middle]
        nearest = max((x for _, x in above), key=lambda x: float(x.track.box[1]), default=None)
        # Two seem to be in one place while one leaves it: the later one is.
        message, last = max(
            ((m, x) for m, x in above if nearest and same_place(x.track.box, nearest.track.box)),
            key=lambda pair: pair[1].track.first,
            default=(None, None),
        )
        joins = bool(message and last and continues(message.lines[0], last, line, self._typography))
        self._typography.note(last, line, joins)
        if message is not None and joins:
            message.lines.insert(len(message.written), line)
            return message
        below = [(m, x) for m, x in seen if x is m.lines[0] and x.track.box[1] > middle]
        message, first = min(below, key=lambda p: float(p[1].track.box[1]), default=(None, None))
        # Its end may have been read first.
        if message and first and begins(line, first, self._typography):
            message.lines.insert(0, line)
            message.first = min(message.first, line.track.first)
            return message
        return None

    def _banner(self, line: SeenLine) -> Message | None:
        """The message beside which a line is the count."""
        return next((
            m for m in dict.fromkeys(self._of.values())
            if not m.count_beside and any(beside(x, line) for x in m.lines)
        ), None)  # fmt: skip

    def _seen_before(self, line: SeenLine) -> _Past | None:
        """The line that vanished where this one appeared: the roll never shows two in a place."""
        for past in self._vanished(line.track.last):
            track, unseen = past.track, self._unseen(past, line.track.first)
            rolled = track.moved > 0 or unseen is not None
            stood = self._stands(past, line.track.first).top if rolled else past.top
            aside = abs(stood - line.track.template.top)
            soon = line.track.first - track.last < self.linger or self._covered(past)
            if self._goes_on(past, line):
                return past
            if aside > 0.7 * line.track.height or not (rolled or soon):
                continue
            old, new = past.line.best.text, line.best.text
            least = _PLACED if unseen is not None else _ROLLED if rolled else _STOOD
            if near(old, new) > least or counted_up(old, new):
                return past
        return None

    def _goes_on(self, past: _Past, line: SeenLine) -> bool:
        """True for a line just below the one that the vanished one went on with."""
        lines = past.message.lines
        at = next((i for i, x in enumerate(lines) if x is past.line), 0)
        above = lines[at - 1].track if at else None
        seen = above is not None and above.last == line.track.last
        rolls = past.track.rolls
        return bool(above and seen and rolls and 0 < pitch(above, line.track) < WRAPPED)

    def _vanished(self, time: float) -> Iterator[_Past]:
        """Lines that are not seen at a time, seconds; those that are hidden first."""
        for message in dict.fromkeys(self._of.values()):
            for x in message.lines:
                if x.track.last < time and x.track.id in self._of:
                    yield self._passed(x, message)
        yield from reversed(self._past)

    def _passed(self, line: SeenLine, message: Message) -> _Past:
        track = line.track
        return _Past(line, message, track.template.top, track.height, self.tracker.scrolled)

    def _unseen(self, past: _Past, time: float) -> float | None:
        """How far rows rolled unseen since a line vanished, pixels; None where all was seen."""
        rolls = [pixels for at, pixels in self._rolls if past.track.last < at <= time]
        return sum(rolls) if rolls and not past.track.pinned else None

    def _stands(self, past: _Past, time: float) -> Stand:
        """Where a line that vanished would be at a time, seconds, if it rolled with the others."""
        moved = self.tracker.scrolled - past.scrolled + (self._unseen(past, time) or 0.0)
        return Stand(past.top - moved, past.height, past.line.best.text, past.track.moved > 0)

    def _covered(self, past: _Past) -> bool:
        """True when a line vanished together with most of the others."""
        known = [p.track for p in self._past] + self.tracker.tracks
        there = [t.last - past.track.last for t in known if t.first <= past.track.last]
        vanished = sum(abs(later) < _TOGETHER for later in there)
        return vanished > max(1, sum(later >= _TOGETHER for later in there))

    def _note_gap(self, new: Sequence[SeenLine]) -> None:
        """Find out whether lines that nobody saw come, or saw go, rolled on unseen."""
        time, last = (f(x.track.first for x in new) for f in (min, max))
        rolling = [t for t in self.tracker.tracks if t.rolls and t.last >= time]
        witnessed = min((t.first for t in rolling), default=np.inf)  # from then on all was seen
        known = [
            self._stands(past, time) for past in self._vanished(last)
            if past.track.last < min(time, witnessed) and not past.track.pinned
        ]  # fmt: skip
        seen = [Stand(x.track.template.top, x.track.height, x.best.text, rolls=False) for x in new]
        roll = unseen_roll(known, seen)
        if roll is not None:
            self._rolls.append((time, roll))

    def _revive(self, past: _Past, line: SeenLine) -> Message | None:
        """Go on with the message of a line that is back; None when it is closed."""
        message = past.message
        if message not in self._lost and message not in self._of.values():
            return None
        if past in self._past:
            self._past.remove(past)
        if not counted_up(past.line.best.text, line.best.text):
            line.sightings = [*past.line.sightings, *line.sightings]
        message.lines = [line if x is past.line else x for x in message.lines]
        if message in self._lost:
            self._lost.remove(message)
            message.lost = None
        return message


def _in_a_row(lines: Sequence[Sighting]) -> list[Run]:
    """Runs of lines, one after the other; words of letters have a space where the text wraps."""
    runs: list[Run] = []
    for line in lines:
        first, *rest = line.runs
        if runs and _WORD_ENDS.search(runs[-1].text) and _WORD_BEGINS.match(first.text):
            first = Run(" " + first.text, first.colour)
        runs += [first, *rest]
    return runs


def _joined(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Runs with neighbours of one colour made one: lines of a message end anywhere."""
    out: list[Run] = []
    for run in runs:
        if out and alike(out[-1].colour, run.colour):
            out[-1] = Run(out[-1].text + run.text, out[-1].colour)
        else:
            out.append(run)
    return tuple(out)
