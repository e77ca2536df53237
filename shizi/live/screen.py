"""What the dashboard is told of a room while it runs, and what is counted for it."""

from __future__ import annotations

import time as clock
from collections import Counter, deque
from collections.abc import Iterable
from statistics import fmean

import cv2
import numpy as np

from shizi.live.event import Event
from shizi.live.mean.value import Rules
from shizi.live.room import Room, Update
from shizi.live.see.boxes import Box
from shizi.live.see.region import Area
from shizi.live.see.watch import Watch
from shizi.live.show.dashboard import EVENTS, Publisher, Stats, ViewerCard
from shizi.live.stream.source import Frame, Source
from shizi.page import Image

BOARD = 50
"""Viewers that the dashboard lists."""
RECENT = 50
"""Events that the mean latency is taken over."""
MINUTES = 30
"""Minutes for which events are counted one by one."""
_PAUSE = 0.5  # seconds between two pictures
_LONGEST = 960  # pixels of the longer side of a picture
_BLUE, _YELLOW = (77, 171, 247), (255, 200, 87)


class Tally:
    """Counts of a room's events; a correction takes back what was counted before.

    Attributes:
        gifts: by name, how many were given and what they are worth together.
        minutes: by minute of the stream, how many of each kind; the latest ones.
        total: events.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._open: dict[str, Event] = {}  # those that may still be corrected
        self.gifts: dict[str, tuple[int, float]] = {}
        self.minutes: dict[int, Counter[str]] = {}
        self.total = 0

    def take(self, event: Event) -> None:
        """Count an event, or its latest revision."""
        old = self._open.pop(event.id, None)
        if old is not None:
            self._add(old, -1)
        self._add(event, 1)
        if not event.closed:
            self._open[event.id] = event

    def _add(self, event: Event, sign: int) -> None:
        self.total += sign
        minute = int(event.time // 60)
        if minute in self.minutes or minute > max(self.minutes, default=-1) - MINUTES:
            self.minutes.setdefault(minute, Counter())[event.kind] += sign
        while len(self.minutes) > MINUTES:
            del self.minutes[min(self.minutes)]
        if event.gift:
            count, worth = self.gifts.get(event.gift.name, (0, 0.0))
            count += sign * event.gift.count
            worth += sign * self._rules.worth(event)
            self.gifts[event.gift.name] = (count, worth)
            if not count:
                del self.gifts[event.gift.name]


class Screen:
    """Shows a room on the dashboard.

    Args:
        room: which one.
        source: where its picture comes from.
        watch: what looks at the picture.
        publisher: of the dashboard.
        past: events of the run that this one goes on with, in order of time.
    """

    def __init__(
        self,
        room: Room,
        source: Source,
        watch: Watch,
        publisher: Publisher,
        past: Iterable[Event] = (),
    ) -> None:
        self._room, self._source, self._watch, self._publisher = room, source, watch, publisher
        self._tally = Tally(room.board.rules)
        self._latency: deque[float] = deque(maxlen=RECENT)
        self._shown = -np.inf
        latest: deque[Event] = deque(maxlen=EVENTS)
        for event in past:
            self._tally.take(event)
            latest.append(event)
        for event in latest:
            publisher.publish_event(room.name, event)

    def tell(self, update: Update) -> None:
        """Pass an event on."""
        self._tally.take(update.event)
        if update.new:
            self._latency.append(self._watch.statistics.stream - update.event.time)
        self._publisher.publish_event(self._room.name, update.event)

    def show(self, frame: Frame) -> None:
        """Show the picture and all figures, at most twice a second."""
        if clock.monotonic() - self._shown < _PAUSE:
            return
        self._shown = clock.monotonic()
        picture = marked(frame.image, self._watch.area, self._watch.boxes)
        scale = min(1.0, _LONGEST / max(picture.shape))
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
        self._publisher.show(self._room.name, jpeg)
        self.sum_up()

    def sum_up(self) -> None:
        """Show the board and all figures as they are now."""
        name, board, tally = self._room.name, self._room.board, self._tally
        cards = [
            ViewerCard(
                place.viewer.name,
                place.tier,
                place.score,
                place.viewer.counts.get("comment", 0),
                place.viewer.gifts,
            )
            for place in board.standings(BOARD)
        ]
        self._publisher.publish_board(name, board.tiers(), cards)
        gifts = sorted(tally.gifts.items(), key=lambda gift: (-gift[1][1], gift[0]))
        self._publisher.publish_gifts(
            name, [{"name": g, "count": n, "worth": worth} for g, (n, worth) in gifts[:BOARD]]
        )
        self._publisher.publish_minutes(name, tally.minutes)
        statistics = self._watch.statistics
        self._publisher.publish_stats(
            name,
            Stats(
                time=statistics.stream,
                speed=statistics.factor,
                latency=fmean(self._latency) if self._latency else 0.0,
                dropped=self._source.dropped,
                reconnects=self._source.reconnects,
                events=tally.total,
            ),
        )


def marked(image: Image, area: Area | None, boxes: list[Box]) -> Image:
    """Draw the comment area and the rows (x0, y0, x1, y1) in it."""
    out = np.array(image)
    wide = max(1, round(max(out.shape) / 500))
    for box in boxes:
        x0, y0, x1, y1 = (int(v) for v in box)
        cv2.rectangle(out, (x0, y0), (x1, y1), _YELLOW, wide, cv2.LINE_AA)
    if area is not None:
        cv2.rectangle(out, area[:2], area[2:], _BLUE, wide + 1, cv2.LINE_AA)
    return out
