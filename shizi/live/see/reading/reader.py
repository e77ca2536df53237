"""Which lines are read, when and how often."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from shizi.live.colour import other_hue
from shizi.live.event import Run
from shizi.live.lookalikes import BARE
from shizi.live.options import ReadingOptions
from shizi.live.see.reading.badge import Badge, badge_run, badges_of
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import Palette, Sighting, coloured
from shizi.live.see.tracking.look import imprint_of
from shizi.live.see.tracking.track import Track
from shizi.live.see.tracking.tracker import Tracker
from shizi.page import Char
from shizi.recognition import EMPTY, Reading, Recognizer

SETTLE = 0.2
"""Seconds for which a line is left alone before it is read: it slides in, and a codec sharpens
what stands."""

_AGAIN = 0.3
"""Seconds between two readings of a line."""

_PAIRS, _TELLING = 20, 2
"""Lines by which a room's colours are known, at most and at least."""

_CUT = re.compile(r"(?<![A-Za-z])[x×X✕]$")
"""The mark of a count whose digit was overlooked."""

_BRIEF = 0.85
"""Least score of a line that was seen no more than twice."""


class LineReader:
    """Reads the lines of tracks and remembers what was read on each.

    Args:
        recognizer: reads pictures of lines.
        tracker: is told what came of it.
        options: when.

    Attributes:
        lines: by track.
    """

    def __init__(self, recognizer: Recognizer, tracker: Tracker, options: ReadingOptions) -> None:
        self.lines: dict[int, SeenLine] = {}
        self._widened: set[int] = set()
        self._pairs: deque[Palette] = deque(maxlen=_PAIRS)
        self._recognizer, self._tracker, self._options = recognizer, tracker, options

    def read(self, tracks: Iterable[Track], time: float) -> list[SeenLine]:
        """Read tracks, all at once, unless they show what is known.

        Returns:
            Their lines, from top to bottom; clutter is left out.
        """
        new = []
        for track in sorted(tracks, key=lambda t: float(t.box[1])):
            self._tracker.read(track)
            if self._known(track):
                self.lines[track.id].version = track.version
            else:
                new.append(track)
        lines = [self._learn(*told, time) for told in self._told(new)]
        return [line for line in lines if line is not None]

    def _told(
        self, tracks: Sequence[Track]
    ) -> Iterator[tuple[Track, Sequence[tuple[Badge, Reading]], Reading]]:
        """Read tracks: each with its badges, what is on them, and what follows them."""
        badges = [badges_of(track.view) for track in tracks]
        framed = [b.inside for marks in badges for b in marks if b.inside is not None]
        # Frames are read by themselves; what is filled is no hindrance to reading.
        cuts = [max((b.end for b in m if b.inside is not None), default=0) for m in badges]
        lines = [t.view.line[:, cut:] for t, cut in zip(tracks, cuts, strict=True)]
        readings = iter(self._recognizer.read([*framed, *lines]) if lines else [])
        numbers = deque(next(readings) for _ in framed)
        for track, marks, start, reading in zip(tracks, badges, cuts, readings, strict=True):
            wide, rest, on = track.view.line.shape[1], _marked(reading), []
            for badge in marks:
                if badge.inside is not None:
                    on.append(numbers.popleft())
                elif badge.end <= start:
                    on.append(EMPTY)  # before a frame
                else:
                    number, rest = parted(rest, (badge.end - start) / (wide - start))
                    on.append(number)
                    start = badge.end
            yield track, tuple(zip(marks, on, strict=True)), rest

    def forget(self, tracks: Iterable[Track]) -> None:
        """Forget the lines of tracks that are gone."""
        for track in tracks:
            self.lines.pop(track.id, None)
            self._widened.discard(track.id)

    def look_again(self, tracks: Iterable[Track], time: float) -> None:
        """Want tracks to be read again whose line is not sure, or has counted up."""
        for track in tracks:
            line = self.lines.get(track.id)
            if line is None or track.wanted or time - line.looked < _AGAIN:
                continue
            self._tracker.settle(track, line.settled and not self._unsure(line))
            if line.counting and not self._known(track):
                # Where it rolls the count is read at once, for it may be gone soon.
                self._tracker.change(track, track.since if track.rolls else time)
            if self._unsure(line):
                self._tracker.want(track)

    def unread(self, track: Track) -> bool:
        """True when a track that is gone may have more to say."""
        line = self.lines.get(track.id)
        new = line is None or line.version != track.version
        return (line is not None and line.counting) or (track.wanted and new and not track.fleeting)

    def _unsure(self, line: SeenLine) -> bool:
        o = self._options
        return len(line.sightings) < o.readings and line.best.score < o.sure

    def _known(self, track: Track) -> bool:
        """True when a track shows what was read already, and surely enough."""
        line = self.lines.get(track.id)
        if line is None or line.imprint is None or self._unsure(line):
            return False
        return line.settled or line.imprint.shows(track.view.line)

    def _learn(
        self,
        track: Track,
        marks: Sequence[tuple[Badge, Reading]],
        reading: Reading,
        time: float,
    ) -> SeenLine | None:
        """Take in what was read on a line and on the badges at its start."""
        picture, begin = track.view.line, marks[-1][0].end if marks else 0
        # What was hardly seen may be cut off, and is taken for text only where it reads well.
        least = self._options.least_score if track.seen > 2 else _BRIEF
        runs = coloured(picture[:, begin:], reading, self._tracker.usual, self._palette)
        if track.id not in self._widened and _CUT.search("".join(run.text for run in runs)):
            self._widened.add(track.id)
            self._tracker.widen(track)
            return None
        is_text = bool(runs) and reading.score >= least
        self._tracker.read(track, refused=not is_text and track.id not in self.lines)
        if not is_text:
            return None
        self._note(runs)
        line = self.lines.setdefault(track.id, SeenLine(track))
        levels = ((badge_run(number, mark.colour), number.score) for mark, number in marks)
        level, score = next((told for told in levels if told[0]), ((), 0.0))
        badge = Sighting(level, score, track.clarity) if level else None
        if line.add(Sighting(runs, reading.score, track.clarity, badge), time):
            line.imprint = imprint_of(picture, begin, reading.chars)
        return line

    def _note(self, runs: Sequence[Run]) -> None:
        """Learn the colours of nicknames that nothing but brightness and a blank parts."""
        if len(runs) != 2 or not runs[0].text[-1].isspace():
            return
        name, said = (run.colour for run in runs)
        if not other_hue(name, said):
            self._pairs.append((name, said))

    @property
    def _palette(self) -> Palette | None:
        """Colours of nicknames and of what is said, where only their brightness differs."""
        if len(self._pairs) < _TELLING:
            return None
        name, said = np.median(self._pairs, axis=0).astype(int).tolist()  # (2, 3)
        return (*name,), (*said,)


def _marked(reading: Reading) -> Reading:
    """A count that stands alone: x, × and X share what is sure of its mark, so digits tell."""
    if BARE.fullmatch(reading.text) is None:
        return reading
    sure = min(c.score for c in reading.chars if c.text.isdigit())
    return _reading([replace(c, score=max(c.score, sure)) for c in reading.chars], 0.0, 1.0)


def parted(reading: Reading, edge: float) -> tuple[Reading, Reading]:
    """Part what stands before and after a place of the line, 0 to 1; spans are of each part."""
    before = [c for c in reading.chars if c.start + c.end < 2 * edge]
    after = reading.chars[len(before) :]
    return _reading(before, 0.0, edge), _reading(after, edge, 1.0)


def _reading(chars: Sequence[Char], start: float, end: float) -> Reading:
    """What characters say that stand in a part of a line."""
    text = "".join(c.text for c in chars)
    chars = chars[len(text) - len(text.lstrip()) :]
    if not chars:
        return EMPTY
    wide = end - start
    spans = [(max(0.0, c.start - start) / wide, min(1.0, (c.end - start) / wide)) for c in chars]
    moved = tuple(replace(c, start=a, end=b) for c, (a, b) in zip(chars, spans, strict=True))
    return Reading(text.strip(), sum(c.score for c in chars) / len(chars), moved)
