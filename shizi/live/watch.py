"""Watch a room: frames in, rows out. Joins region, tracks, reader and messages."""

from __future__ import annotations

import time as clock
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from shizi.detection import DetectionOptions
from shizi.live.badge import badge_end, badge_run
from shizi.live.boxes import Box
from shizi.live.event import Row
from shizi.live.line import Line
from shizi.live.look import look_of
from shizi.live.message import Assembler
from shizi.live.region import Area, Finder, RegionOptions
from shizi.live.source import Frame
from shizi.live.track import Track, Tracker, TrackOptions
from shizi.live.vote import Sighting, coloured
from shizi.page import Image, Quads
from shizi.reader import Reader, ReaderOptions

_BRIEF = 0.85
"""Least score of a line that was seen no more than twice."""

_LATE = 0.3
"""Seconds behind a live source from which nothing is read again."""


@dataclass(frozen=True)
class WatchOptions:
    """How a room is watched.

    Attributes:
        settle: seconds for which a line is left alone before it is read: it slides in, and a
            codec sharpens what stands.
        sure: score from which a line is not read again.
        readings: most readings of a line that is not sure.
        again: seconds between two readings of a line.
        least_score: lines read with a lower score are taken for clutter.
        linger: seconds for which a message that vanished may come back as the same one.
        hindsight: seconds of the stream that are kept while the area is searched, to be read
            once it is found.
    """

    settle: float = 0.2
    sure: float = 0.93
    readings: int = 3
    again: float = 0.3
    least_score: float = 0.7
    linger: float = 1.0
    hindsight: float = 4.0


@dataclass
class Statistics:
    """What was done so far.

    Attributes:
        frames: looked at.
        readings: lines read, those read again included.
        stream: seconds of the stream.
        busy: seconds spent.
        start: stream time at which watching began, seconds.
    """

    frames: int = 0
    readings: int = 0
    stream: float = 0.0
    busy: float = 0.0
    start: float = 0.0

    @property
    def factor(self) -> float:
        """Seconds of the stream for each second spent: the real-time factor."""
        return (self.stream - self.start) / self.busy if self.busy else 0.0


def live_reader(threads: int = 0) -> Reader:
    """A reader as live rooms need it: upright text at the size at which it stands."""
    detection = DetectionOptions(enlarge=1.0)
    return Reader(ReaderOptions(orientation=False, threads=threads, detection=detection))


@dataclass
class Watch:
    """Watches one room.

    Attributes:
        reader: finds and reads lines.
        options: how.
        region: where the comments stand.
        tracks: how lines are followed.
        statistics: what was done so far.
        live: frames come at their own pace: when reading falls behind, lines are not read again.
        area: the comment area in pixels of the frame, once it is known.
    """

    reader: Reader
    options: WatchOptions = WatchOptions()
    region: RegionOptions = RegionOptions()
    tracks: TrackOptions = TrackOptions()
    statistics: Statistics = field(default_factory=Statistics)
    live: bool = False
    area: Area | None = None

    def __post_init__(self) -> None:
        """Start with an empty panel."""
        self._finder = Finder(self.region, self._detect)
        self._unread: deque[Frame] = deque()
        self._begin(None, 0)
        self._late = 0.0

    @property
    def boxes(self) -> list[Box]:
        """Lines of text that are seen at the moment, pixels of the frame."""
        if self.area is None:
            return []
        corner = np.array([*self.area[:2], *self.area[:2]], np.float32)
        seen = [t for t in self._tracker.tracks if t.id in self._lines]
        newest = max((t.last for t in seen), default=0.0)
        return [t.box + corner for t in seen if t.last == newest]

    def rows(self, frames: Iterable[Frame]) -> Iterator[Row]:
        """Follow a stream to its end; yield every row as it is read, revised and closed."""
        for frame in frames:
            start, before = clock.perf_counter(), self.statistics.stream
            rows = self._see(frame)
            spent = clock.perf_counter() - start
            self.statistics.busy += spent
            # Seconds by which reading lags behind what came in.
            self._late = max(0.0, self._late + spent - (self.statistics.stream - before))
            yield from rows
        yield from self._restart(None)

    def _see(self, frame: Frame) -> list[Row]:
        s = self.statistics
        s.frames += 1
        s.stream = max(s.stream, frame.time)
        area = self._finder.area(frame)
        rows = self._resize(area) if area != self.area else []
        self._unread.append(frame)
        if area is None:
            while frame.time - self._unread[0].time > self.options.hindsight:
                self._unread.popleft()
            return rows
        while self._unread:
            rows += self._follow(self._unread.popleft(), area)
        self._finder.heard(frame.time, bool(rows))
        return rows

    def _follow(self, frame: Frame, area: Area) -> list[Row]:
        """Look at the next frame of the area."""
        if (frame.width, frame.height) != self._finder.size:
            return []  # from before the picture changed its size
        rows: list[Row] = []
        gone = self._tracker.step(frame.crop(*area), frame.time)
        due = [t for t in self._tracker.tracks if t.wanted and self._settled(t, frame.time)]
        due += [t for t in gone if self._last_look(t, frame.time)]
        for line in self._read(due, frame.time):
            rows += self._assembler.place(line, self._tracker)
        for track in gone:
            self._lines.pop(track.id, None)
        if not (self.live and self._late > _LATE):
            self._ask_again(frame.time)
        return rows + self._assembler.retire(gone, frame.time, self._tracker.scrolled)

    def _settled(self, track: Track, time: float) -> bool:
        """True when a line's look will not get better: it is not sliding in any more."""
        lowest = max((float(t.box[3]) for t in self._tracker.tracks if t.moving), default=0.0)
        entering = track.moving and float(track.box[3]) > lowest - 0.3 * track.height
        return time - track.since > self.options.settle - 0.01 and not entering

    def _last_look(self, track: Track, time: float) -> bool:
        """True when a track that is gone may have more to say."""
        line = self._lines.get(track.id)
        counting = line is not None and line.counting
        return counting or (track.wanted and self._looks_new(track))

    def _looks_new(self, track: Track) -> bool:
        """True when it was not read since its look changed."""
        line = self._lines.get(track.id)
        return line is None or line.version != track.version

    def _resize(self, area: Area | None) -> list[Row]:
        """Go on in a panel that became higher, or begin anew in another one."""
        if area is None or self.area is None or (area[0], area[2]) != (self.area[0], self.area[2]):
            return self._restart(area)
        up, self.area = self.area[1] - area[1], area
        self._tracker.lift(up)
        self._assembler.lift(up, self._tracker)
        return []

    def _restart(self, area: Area | None) -> list[Row]:
        """Close everything and begin anew with another panel."""
        rows: list[Row] = []
        if self.area is not None:
            gone = self._tracker.finish()
            time = self.statistics.stream
            for line in self._read([t for t in gone if self._last_look(t, time)], time):
                rows += self._assembler.place(line, self._tracker)
            rows += self._assembler.retire(gone, time, self._tracker.scrolled)
            rows += self._assembler.retire([], np.inf, self._tracker.scrolled)
        self._begin(area, self._tracker.number())
        return rows

    def _begin(self, area: Area | None, first: int) -> None:
        self.area = area
        self._tracker = Tracker(self._detect, self.tracks, first)
        self._lines: dict[int, Line] = {}
        self._assembler = Assembler(self.options.linger, (0, 0) if area is None else area[:2])

    def _detect(self, image: Image) -> Quads:
        return self.reader.detector(image)[0]

    def _read(self, tracks: list[Track], time: float) -> list[Line]:
        """Read lines, all at once, from top to bottom; clutter is forgotten."""
        tracks = sorted((t for t in tracks if not self._known(t)), key=lambda t: float(t.box[1]))
        ends = [badge_end(t.view) for t in tracks]
        texts = [t.view.line[:, end:] for t, end in zip(tracks, ends, strict=True)]
        badges = {
            t.id: t.view.line[:, :end]
            for t, end in zip(tracks, ends, strict=True)
            if end and not self._known_badge(t, end)
        }
        readings = self.reader.recognizer.read([*texts, *badges.values()])
        self.statistics.readings += len(tracks)
        numbers = dict(zip(badges, readings[len(texts) :], strict=True))
        lines = []
        for track, end, text, reading in zip(tracks, ends, texts, readings, strict=False):
            track.wanted = False
            runs = coloured(text, reading)
            # What was hardly seen may be cut off, and is taken for text only where it reads well.
            least = self.options.least_score if track.seen > 2 else _BRIEF
            is_text = bool(runs) and reading.score >= least
            track.refused = not is_text and track.id not in self._lines
            if not is_text:
                continue
            line = self._lines.setdefault(track.id, Line(track, version=track.version))
            badge = line.badge if end else ()
            if track.id in badges:
                badge = badge_run(numbers[track.id], badges[track.id])
                line.badge_look = look_of(badges[track.id], 0, ())
            line.add(Sighting(runs, reading.score, track.clarity), time, badge)
            line.look = look_of(track.view.line, end, reading.chars)
            lines.append(line)
        return lines

    def _known(self, track: Track) -> bool:
        """True when a track that is wanted shows what was read already, and surely enough."""
        line = self._lines.get(track.id)
        if line is None or line.look is None or self._unsure(line):
            return False
        if not (line.settled or line.look.shows(track.view.line)):
            return False
        track.wanted, line.version = False, track.version
        return True

    def _known_badge(self, track: Track, end: int) -> bool:
        """True when the badge that ends at a column was read already."""
        line = self._lines.get(track.id)
        look = line.badge_look if line else None
        return look is not None and look.shows(track.view.line[:, :end])

    def _unsure(self, line: Line) -> bool:
        """True when another reading may tell more."""
        o = self.options
        return line.best.score < o.sure and len(line.sightings) < o.readings

    def _ask_again(self, time: float) -> None:
        """Want another look at lines that are not sure yet, or count up."""
        for track in self._tracker.tracks:
            line = self._lines.get(track.id)
            if line is None or track.wanted or time - line.looked < self.options.again:
                continue
            track.wanted = self._unsure(line) or (line.counting and not self._known(track))
