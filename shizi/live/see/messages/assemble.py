"""Lines become messages: wrapped ones are joined, counts that rise in place are revisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field

from shizi.live.event import Row
from shizi.live.frame import Box
from shizi.live.see.messages.memory import Memory, Past
from shizi.live.see.messages.message import Message
from shizi.live.see.messages.wrap import Typography, begins, beside, continues
from shizi.live.see.reading.counting import counted_up, counts, same_message
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import elect
from shizi.live.see.tracking.boxes import same_place
from shizi.live.see.tracking.track import Track
from shizi.live.see.tracking.tracker import Tracker

_FADED = 0.8  # share of the ink from which a changed look is not merely fading
_A_MOMENT = 0.15  # seconds; what was not seen for longer is hidden
_TURN = 0.6  # seconds; how long before one line another one of a place may be seen to change


def _there(line: SeenLine, new: Sequence[SeenLine]) -> bool:
    """True when a line was seen together with others."""
    return line.track.last == max(x.track.last for x in new)


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
    _typography: Typography = field(default_factory=Typography)

    def __post_init__(self, before: Assembler | None, scale: float) -> None:
        """Remember what vanished with another area."""
        self._memory = Memory(self.tracker, self.linger)
        if before is not None:
            self._memory.take_over(before._memory, scale)

    def study(self, boxes: Sequence[Box], usual: float) -> None:
        """Learn how lines stand, pixels, that were seen before any is read; ``usual``: height."""
        self._typography.usual = usual
        self._typography.study(boxes)

    def take(self, lines: Sequence[SeenLine]) -> list[Row]:
        """Take in lines that were just read together; return what is new about messages."""
        self._typography.usual = self.tracker.usual
        new = [x for x in lines if x.track.id not in self._of and not self._seen_before(x)]
        if new:
            self._memory.note_gap(new, self._hidden(max(x.track.first for x in new)))
            seen = [x for m in dict.fromkeys(self._of.values()) for x in m.lines if _there(x, new)]
            self._typography.foresee(new, seen)
        return [row for line in lines for row in self.place(line)]

    def place(self, line: SeenLine) -> list[Row]:
        """Take in a line that was just read; return what is new about messages."""
        if self._over.get(line.track.id) == line.track.last:
            return []  # not seen since
        _, told = self._ended.get(line.track.id, (None, None))
        if told and any(same_message(x.best.text, line.best.text) for x in told.lines):
            return []  # what is closed cannot be revised, though its count rose since
        if told:  # the next one's turn
            del self._ended[line.track.id]
            self.tracker.begin(line.track, line.track.since)
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
        rows.append(message.row(False, self._typography.right))
        return [row for row in rows if row is not None]

    def retire(self, gone: Sequence[Track], time: float) -> list[Row]:
        """Close what has been gone for long enough."""
        for track in gone:
            self._over.pop(track.id, None)
            self._numbers.discard(track.id)
            if ended := self._ended.pop(track.id, None):
                self._memory.keep(*ended)
            message = self._of.pop(track.id, None)
            if message is None:
                continue
            for x in message.lines:
                if x.track is track:
                    self._memory.keep(x, message)
            if not any(m.track.id in self._of for m in message.lines):
                message.lost = time
                self._lost.append(message)
        over = [m for m in self._lost if m.lost is None or time - m.lost > self.linger]
        self._lost = [m for m in self._lost if m not in over]
        return [row for m in over if (row := m.row(True, self._typography.right))]

    def _number(self, line: SeenLine) -> int:
        """Number of a message that begins with a line: its track's, unless that is taken."""
        if line.track.id in self._numbers:
            return self.tracker.number()
        self._numbers.add(line.track.id)
        return line.track.id

    def _renew(self, message: Message, line: SeenLine) -> tuple[list[Row | None], Message | None]:
        """A line's look changed: a count that rose, a passing shadow, or another message."""
        if line.grew:
            line.before = []  # some of it was cut off
            return [], message
        old, new = elect(line.before), line.best
        same = same_message(old.text, new.text)
        fading = same and new.clarity < _FADED * old.clarity and not counted_up(old.text, new.text)
        if fading or new.score < 0.85 * old.score or (line.track.rolls and not same):
            line.sightings = line.before
        elif line is message.lines[0] and not same:
            self._let_go(message, line, line.track.since)
            begun = self._join(line) or Message(self.tracker.number(), [line], line.track.first)
            return [message.row(True, self._typography.right)], begun
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
        """The message beside which a line is the count, perhaps in the place of an earlier one."""
        shared = {
            m: sum(beside(x, line) for x in m.written if _there(x, [line]))
            for m in dict.fromkeys(self._of.values())
        }
        banner = max(shared, key=lambda m: shared[m], default=None)
        if banner is None or not shared[banner]:
            return None
        if banner.count_beside:
            if _there(banner.lines[-1], [line]):
                return None
            self._of.pop(banner.lines.pop().track.id, None)
        return banner

    def _seen_before(self, line: SeenLine) -> Past | None:
        return self._memory.find(line, self._hidden(line.track.last))

    def _hidden(self, time: float) -> list[tuple[SeenLine, Message]]:
        """Lines that are only hidden at a time, seconds, and their messages."""
        return [
            (x, message) for message in dict.fromkeys(self._of.values()) for x in message.lines
            if x.track.last < time and x.track.id in self._of
        ]  # fmt: skip

    def _revive(self, past: Past, line: SeenLine) -> Message | None:
        """Go on with the message of a line that is back; None when it is closed."""
        message = past.message
        if message not in self._lost and message not in self._of.values():
            return None
        self._memory.drop(past)
        if not counted_up(past.line.best.text, line.best.text):
            line.sightings = [*past.line.sightings, *line.sightings]
        message.lines = [line if x is past.line else x for x in message.lines]
        if message in self._lost:
            self._lost.remove(message)
            message.lost = None
        return message
