"""Which lines are read, when and how often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from shizi.live.badge import badge_end, badge_run
from shizi.live.line import Line
from shizi.live.look import look_of
from shizi.live.track import Track
from shizi.live.vote import Sighting, coloured
from shizi.page import Image
from shizi.recognition import Reading, Recognizer

_BRIEF = 0.85
"""Least score of a line that was seen no more than twice."""


@dataclass(frozen=True)
class ReadingOptions:
    """When lines are read.

    Attributes:
        settle: seconds for which a line is left alone before it is read: it slides in, and a
            codec sharpens what stands.
        sure: score from which a line is not read again.
        readings: most readings of a line that is not sure.
        again: seconds between two readings of a line.
        least_score: lines read with a lower score are taken for clutter.
    """

    settle: float = 0.2
    sure: float = 0.93
    readings: int = 3
    again: float = 0.3
    least_score: float = 0.7


class _Cut(NamedTuple):
    """The picture of a line, cut where its badge ends.

    Attributes:
        track: whose picture it is.
        begin: column at which the text begins, pixels; 0 without a badge.
        badge: the badge (h, begin, 3), where it has to be read.
    """

    track: Track
    begin: int
    badge: Image | None

    @property
    def text(self) -> Image:
        """What follows the badge (h, w, 3)."""
        return self.track.view.line[:, self.begin :]


class LineReader:
    """Reads the lines of tracks and remembers what was read on each.

    Args:
        recognizer: reads pictures of lines.
        options: when.

    Attributes:
        lines: by track.
    """

    def __init__(self, recognizer: Recognizer, options: ReadingOptions) -> None:
        self.lines: dict[int, Line] = {}
        self._recognizer, self._options = recognizer, options

    def read(self, tracks: Iterable[Track], time: float) -> list[Line]:
        """Read tracks, all at once, unless they show what is known.

        Returns:
            Their lines, from top to bottom; clutter is left out.
        """
        cuts = []
        for track in sorted(tracks, key=lambda t: float(t.box[1])):
            track.wanted = False
            if self._known(track):
                self.lines[track.id].version = track.version
            else:
                cuts.append(self._cut(track))
        if not cuts:
            return []
        badges = [cut.badge for cut in cuts if cut.badge is not None]
        readings = self._recognizer.read([*(cut.text for cut in cuts), *badges])
        numbers = iter(readings[len(cuts) :])
        lines = [
            self._learn(cut, reading, numbers, time)
            for cut, reading in zip(cuts, readings, strict=False)
        ]
        return [line for line in lines if line is not None]

    def forget(self, tracks: Iterable[Track]) -> None:
        """Forget the lines of tracks that are gone."""
        for track in tracks:
            self.lines.pop(track.id, None)

    def look_again(self, tracks: Iterable[Track], time: float) -> None:
        """Want tracks to be read again whose line is not sure, or has counted up."""
        for track in tracks:
            line = self.lines.get(track.id)
            if line is None or track.wanted or time - line.looked < self._options.again:
                continue
            if line.counting and not self._known(track):
                track.change(time)
            track.wanted |= self._unsure(line)

    def unread(self, track: Track) -> bool:
        """True when a track that is gone may have more to say."""
        line = self.lines.get(track.id)
        new = line is None or line.version != track.version
        return (line is not None and line.counting) or (track.wanted and new)

    def _unsure(self, line: Line) -> bool:
        o = self._options
        return len(line.sightings) < o.readings and line.best.score < o.sure

    def _known(self, track: Track) -> bool:
        """True when a track shows what was read already, and surely enough."""
        line = self.lines.get(track.id)
        if line is None or line.look is None or self._unsure(line):
            return False
        return line.settled or line.look.shows(track.view.line)

    def _cut(self, track: Track) -> _Cut:
        line, end = self.lines.get(track.id), badge_end(track.view)
        badge = track.view.line[:, :end]
        look = line.badge_look if line and end else None
        known = not end or (look is not None and look.shows(badge))
        return _Cut(track, end, None if known else badge)

    def _learn(
        self, cut: _Cut, reading: Reading, numbers: Iterator[Reading], time: float
    ) -> Line | None:
        """Take in what was read on a line; ``numbers``: on the badges from here on."""
        track, number = cut.track, None if cut.badge is None else next(numbers)
        # What was hardly seen may be cut off, and is taken for text only where it reads well.
        least = self._options.least_score if track.seen > 2 else _BRIEF
        runs = coloured(cut.text, reading)
        is_text = bool(runs) and reading.score >= least
        track.refused = not is_text and track.id not in self.lines
        if not is_text:
            return None
        line = self.lines.setdefault(track.id, Line(track))
        badge = line.badge if cut.begin else ()
        if cut.badge is not None and number is not None:
            badge, line.badge_look = badge_run(number, cut.badge), look_of(cut.badge, 0, ())
        line.add(Sighting(runs, reading.score, track.clarity), time, badge)
        line.look = look_of(track.view.line, cut.begin, reading.chars)
        return line
