"""Watch a room: frames in, rows out. Joins region, tracks, reader and messages."""

from __future__ import annotations

import time as clock
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from shizi.detection import DetectionOptions
from shizi.live.event import Row
from shizi.live.frame import Area, Box, Frame
from shizi.live.options import ReadingOptions, RegionOptions, WatchOptions
from shizi.live.see.flying import Flights
from shizi.live.see.messages.assemble import Assembler
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.reader import SETTLE, LineReader
from shizi.live.see.region import Finder
from shizi.live.see.tracking.panel import Panel
from shizi.live.see.tracking.track import Track
from shizi.live.see.tracking.tracker import Tracker
from shizi.page import Image, Quads
from shizi.reader import Reader, ReaderOptions
from shizi.recognition import RecognitionOptions

_LINGER = 1.0
"""Seconds for which a message that vanished may come back as the same one."""

_WHOLE = 0.8
"""Share of the usual height below which a line at the lower edge is cut off by it."""

_ASIDE = 8.0
"""How far from where rows begin something begins that is none, in line heights."""

_BELOW, _PATIENCE = 1.7, 0.8
"""Distance of a line from one that it may go on with, in line heights, and for how long it waits
for that to be read, seconds."""

_LATE = 0.3
"""Seconds behind a live source from which nothing is read again."""


@dataclass
class Statistics:
    """What was done so far.

    Attributes:
        frames: looked at.
        stream: seconds of the stream.
        busy: seconds spent on frames and, unless they come at their own pace, waiting for them.
        start: stream time at which watching began, seconds.
    """

    frames: int = 0
    stream: float = 0.0
    busy: float = 0.0
    start: float = 0.0

    @property
    def factor(self) -> float:
        """Seconds of the stream for each second spent: the real-time factor."""
        return (self.stream - self.start) / self.busy if self.busy else 0.0


def live_reader(threads: int = 1) -> Reader:
    """A reader as live rooms need it: upright text at the size at which it stands.

    What is not sure is read again some frames later rather than at once.
    """
    return Reader(
        ReaderOptions(
            orientation=False,
            threads=threads,
            detection=DetectionOptions(pixels=300_000, enlarge=1.0, least_height=9.0),
            recognition=RecognitionOptions(reread=0.0),
        )
    )


@dataclass
class Watch:
    """Watches one room.

    Attributes:
        reader: finds and reads lines.
        options: how.
        reading: when lines are read.
        region: where the comments stand.
        statistics: what was done so far.
        live: frames come at their own pace: when reading falls behind, lines are not read again.
        area: the comment area in pixels of the frame, once it is known.
    """

    reader: Reader
    options: WatchOptions = WatchOptions()
    reading: ReadingOptions = ReadingOptions()
    region: RegionOptions = RegionOptions()
    statistics: Statistics = field(default_factory=Statistics)
    live: bool = False
    area: Area | None = None

    def __post_init__(self) -> None:
        """Start with an empty panel."""
        self._finder = Finder(self.region, self._detect)
        self._waiting: deque[Frame] = deque()
        self._assembler = Assembler(Tracker(self._detect), _LINGER)
        self._size = (0, 0)  # of the picture whose area is followed, pixels
        self._begin(None, 0)
        self._flights = Flights(self._detect, self.reader.recognizer, self._number)
        self._late = 0.0
        self._mark: float | None = None  # when the last look ended

    @property
    def boxes(self) -> list[Box]:
        """Lines of text that are seen at the moment, pixels of the frame."""
        if self.area is None:
            return []
        seen = [t for t in self._tracker.tracks if t.id in self._lines.lines]
        newest = max((t.last for t in seen), default=0.0)
        return [t.box for t in seen if t.last == newest]

    def look(self, frame: Frame) -> list[Row]:
        """Look at the next frame; return the rows that were read, revised or closed by it."""
        start, before = clock.perf_counter(), self.statistics.stream
        rows = self._see(frame)
        now = clock.perf_counter()
        self.statistics.busy += now - (start if self.live or self._mark is None else self._mark)
        # Seconds by which reading lags behind what came in.
        self._late = max(0.0, self._late + now - start - (self.statistics.stream - before))
        self._mark = now
        return rows

    def close(self) -> list[Row]:
        """End: return the last revisions of the rows that are not closed yet."""
        return self._restart(None)

    def _see(self, frame: Frame) -> list[Row]:
        s = self.statistics
        s.frames += 1
        s.stream = max(s.stream, frame.time)
        area = self._finder.area(frame)
        rows = self._resize(area) if area != self.area else []
        flying = self._flights.look(frame, area) if self.options.flying == "tell" else []
        self._waiting.append(frame)
        if area is None:
            while frame.time - self._waiting[0].time > self.options.hindsight:
                self._waiting.popleft()
            return rows + flying
        while self._waiting:
            rows += self._follow(self._waiting.popleft(), area)
        self._finder.heard(frame.time, bool(rows))
        return rows + flying

    def _follow(self, frame: Frame, area: Area) -> list[Row]:
        """Look at the next frame of the area."""
        if (frame.width, frame.height) != self._finder.size:
            return []  # from before the picture changed its size
        panel = Panel(frame.crop(*area), *area[:2])
        gone, tracks = self._tracker.step(panel, frame.time), self._tracker.tracks
        due = [t for t in tracks if t.wanted and not t.fleeting and self._settled(t, frame.time)]
        due = [t for t in due if not self._waits(t, due, frame.time)]
        rows = self._place(due, gone, frame.time)
        if not (self.live and self._late > _LATE):
            self._lines.look_again(tracks, frame.time)
        return rows

    def _place(self, due: list[Track], gone: list[Track], time: float) -> list[Row]:
        """Read lines that are due, and what there is yet to read on those that are gone."""
        due = due + [t for t in gone if self._lines.unread(t)]
        lines = [x for x in self._lines.read(due, time) if not self._aside(x)]
        rows = self._assembler.take(lines)
        self._lines.forget(gone)
        return rows + self._assembler.retire(gone, time)

    def _aside(self, line: SeenLine) -> bool:
        """True for what stands beside the rows, such as a card of goods; a count belongs there."""
        left, track = self._tracker.left, line.track
        if np.isnan(left) and self._finder.rows:
            left = self._finder.left
        far = float(track.box[0]) - left > _ASIDE * self._tracker.usual
        return far and not (track.rolls or line.bare_count)

    def _settled(self, track: Track, time: float) -> bool:
        """True when a line's look will not get better: it is not sliding in any more."""
        lowest = max((float(t.box[3]) for t in self._tracker.tracks if t.moving), default=0.0)
        entering = track.moving and float(track.box[3]) > lowest - 0.3 * track.height
        edge = self.area[3] if self.area else np.inf
        cut = float(track.box[3]) > edge - 2 and track.height < _WHOLE * self._tracker.usual
        return time - track.since > SETTLE - 0.01 and not (entering or cut)

    def _waits(self, track: Track, due: list[Track], time: float) -> bool:
        """True for a new line just below one that is not read yet: it may go on with that."""
        if track.id in self._lines.lines or time - track.first > _PATIENCE:
            return False
        return any(
            t.wanted and t.last == time and t not in due and t.id not in self._lines.lines
            and 0 < track.box[1] - t.box[1] < _BELOW * self._tracker.usual
            for t in self._tracker.tracks
        )  # fmt: skip

    def _resize(self, area: Area | None) -> list[Row]:
        """Go on in a panel that became higher or wider, or begin anew in another one."""
        if area is None or self.area is None or area[0] != self.area[0]:
            return self._restart(area)
        if self._size != self._finder.size:
            return self._restart(area)
        self.area = area
        return []

    def _restart(self, area: Area | None) -> list[Row]:
        """Close everything and begin anew with another panel."""
        rows: list[Row] = []
        if self.area is not None:
            rows = self._place([], self._tracker.finish(), self.statistics.stream)
            rows += self._assembler.retire([], np.inf)
        self._begin(area, self._tracker.number())
        return rows

    def _begin(self, area: Area | None, first: int) -> None:
        self.area = area
        self._tracker = Tracker(self._detect, first)
        self._lines = LineReader(self.reader.recognizer, self._tracker, self.reading)
        size, self._size = self._size, self._finder.size
        scale = self._size[1] / size[1] if size[1] else 1.0
        self._assembler = Assembler(self._tracker, _LINGER, self._assembler, scale)
        self._assembler.study(self._finder.rows, self._finder.row_height)

    def _number(self) -> int:
        return self._tracker.number()

    def _detect(self, image: Image) -> Quads:
        return self.reader.detector(image)[0]
