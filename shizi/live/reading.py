"""Which lines are read, when and how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shizi.live.badge import badge_end, badge_run
from shizi.live.event import Run
from shizi.live.line import Line
from shizi.live.look import Look, View, look_of
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


class _Task(NamedTuple):
    """A line to be read as it looks now.

    Attributes:
        track: which one.
        version: of its look.
        view: its picture.
        clarity: of that picture.
        time: of the stream, seconds.
        begin: column at which the text begins, pixels; a badge stands before it.
        with_badge: the badge is to be read too.
    """

    track: Track
    version: int
    view: View
    clarity: float
    time: float
    begin: int
    with_badge: bool


class _Seen(NamedTuple):
    """What was read on a line: its text, and the number on its badge where that was asked for."""

    sighting: Sighting
    look: Look
    badge: tuple[Run, ...]
    badge_look: Look | None


class LineReader:
    """Reads the lines of tracks and remembers what was read on each.

    Args:
        recognizer: reads pictures of lines.
        options: when.

    Attributes:
        lines: by track.
        count: lines read so far, those read again included.
    """

    def __init__(self, recognizer: Recognizer, options: ReadingOptions) -> None:
        self.lines: dict[int, Line] = {}
        self.count = 0
        self._recognizer, self._options = recognizer, options

    def read(self, tracks: Sequence[Track], time: float) -> list[Line]:
        """Read tracks, all at once, unless they show what is known.

        Returns:
            Their lines, from top to bottom; clutter is left out.
        """
        tasks = self._tasks(tracks, time)
        return self._learn(tasks, self._see(tasks)) if tasks else []

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
        if not (line.settled or line.look.shows(track.view.line)):
            return False
        track.wanted, line.version = False, track.version
        return True

    def _tasks(self, tracks: Sequence[Track], time: float) -> list[_Task]:
        new = [track for track in tracks if not self._known(track)]
        tasks = []
        for track in sorted(new, key=lambda t: float(t.box[1])):
            track.wanted = False
            view, line = track.view, self.lines.get(track.id)
            end = badge_end(view)
            look = line.badge_look if line and end else None
            known = look is not None and look.shows(view.line[:, :end])
            tasks.append(
                _Task(track, track.version, view, track.clarity, time, end, end > 0 and not known)
            )
        self.count += len(tasks)
        return tasks

    def _see(self, tasks: Sequence[_Task]) -> list[_Seen]:
        """Read lines and badges, all at once."""
        texts = [task.view.line[:, task.begin :] for task in tasks]
        badges = [task.view.line[:, : task.begin] for task in tasks if task.with_badge]
        readings = self._recognizer.read([*texts, *badges])
        numbers = zip(badges, readings[len(texts) :], strict=True)
        return [
            _seen(task, reading, *(next(numbers) if task.with_badge else (None, None)))
            for task, reading in zip(tasks, readings, strict=False)
        ]

    def _learn(self, tasks: Sequence[_Task], seen: Sequence[_Seen]) -> list[Line]:
        lines = []
        for task, new in zip(tasks, seen, strict=True):
            track = task.track
            # What was hardly seen may be cut off, and is taken for text only where it reads well.
            least = self._options.least_score if track.seen > 2 else _BRIEF
            is_text = bool(new.sighting.runs) and new.sighting.score >= least
            track.refused = not is_text and track.id not in self.lines
            if not is_text:
                continue
            line = self.lines.setdefault(track.id, Line(track, version=task.version))
            badge = new.badge if task.with_badge else line.badge if task.begin else ()
            line.add(new.sighting, task.time, task.version, badge)
            line.look, line.badge_look = new.look, new.badge_look or line.badge_look
            lines.append(line)
        return lines


def _seen(task: _Task, reading: Reading, badge: Image | None, number: Reading | None) -> _Seen:
    picture = task.view.line
    runs = coloured(picture[:, task.begin :], reading)
    sighting = Sighting(runs, reading.score, task.clarity)
    look = look_of(picture, task.begin, reading.chars)
    if badge is None or number is None:
        return _Seen(sighting, look, (), None)
    return _Seen(sighting, look, badge_run(number, badge), look_of(badge, 0, ()))
