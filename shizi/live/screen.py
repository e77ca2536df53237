"""What the dashboard is told of a room while it runs."""

from __future__ import annotations

import time as clock
from collections import deque
from collections.abc import Iterable
from statistics import fmean

import cv2
import numpy as np

from shizi.live.event import Event
from shizi.live.frame import Frame
from shizi.live.keep.store import Entry
from shizi.live.mean.value import SPOKEN
from shizi.live.room import Room, Update
from shizi.live.see.watch import Watch
from shizi.live.show.dashboard import EVENTS, Publisher, Stats, ViewerCard
from shizi.live.show.picture import marked
from shizi.live.show.totals import Totals
from shizi.live.stream.source import Source

BOARD = 50
"""Viewers that the dashboard lists."""
RECENT = 50
"""Events that the mean latency is taken over."""
_PAUSE = 0.5  # seconds between two pictures
_LONG_PAUSE = 5.0  # seconds between two tellings of all minutes
_LONGEST = 960  # pixels of the longer side of a picture


class Screen:
    """Shows a room on the dashboard.

    Args:
        room: which one.
        source: where its picture comes from.
        watch: what looks at the picture.
        publisher: of the dashboard.
        base: stream time of the room at which the source began, seconds.
        past: events of the runs that this one goes on with, in order of time.
    """

    def __init__(
        self,
        room: Room,
        source: Source,
        watch: Watch,
        publisher: Publisher,
        base: float = 0.0,
        past: Iterable[Entry] = (),
    ) -> None:
        self._room, self._source, self._watch, self._publisher = room, source, watch, publisher
        self._base = base
        self._totals = Totals(room.board.rules.worth, room.board.rules.states)
        self._latency: deque[float] = deque(maxlen=RECENT)
        self._shown = self._drawn = -np.inf
        latest: deque[Entry] = deque(maxlen=EVENTS)
        for entry in past:
            self._totals.take(entry.event)
            latest.append(entry)
        for entry in latest:
            self._publish(entry.event, entry.viewer)

    def tell(self, update: Update) -> None:
        """Pass an event on."""
        self._totals.take(update.event)
        if update.new:
            self._latency.append(self._now - update.event.time)
        self._publish(update.event, update.viewer.id if update.viewer else None)
        for alert in update.alerts:
            self._publisher.publish_alert(self._room.name, alert.to_dict())

    @property
    def _now(self) -> float:
        """Stream time of the room, seconds."""
        return self._base + self._watch.statistics.stream

    def _publish(self, event: Event, viewer: str | None) -> None:
        room, rules = self._room, self._room.board.rules
        place = room.board.standing(viewer) if viewer else None
        self._publisher.publish_event(
            room.name,
            event,
            clock=room.clock(event.time),
            viewer=viewer,
            tier=place.tier if place else None,
            about=rules.topics(event.text) if event.kind in SPOKEN else (),
            asks=rules.questions(event),
        )

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

    def close(self) -> None:
        """Show everything as it is at the end."""
        self._drawn = -np.inf
        self.sum_up()

    def sum_up(self) -> None:
        """Show the board and all figures as they are now."""
        name, board, totals = self._room.name, self._room.board, self._totals
        cards = [
            ViewerCard(
                place.viewer.id,
                place.viewer.name,
                place.tier,
                place.score,
                place.viewer.counts.get("comment", 0),
                place.viewer.gifts,
                place.viewer.coins,
                dict(place.viewer.asked),
                self._room.clock(place.viewer.last),
            )
            for place in board.standings(BOARD)
        ]
        self._publisher.publish_board(name, board.tiers(), cards)
        gifts = sorted(totals.gifts.items(), key=lambda gift: (-gift[1][1], gift[0]))
        self._publisher.publish_gifts(
            name, [{"name": g, "count": n, "worth": worth} for g, (n, worth) in gifts[:BOARD]]
        )
        if clock.monotonic() - self._drawn > _LONG_PAUSE:
            self._drawn = clock.monotonic()
            self._publisher.publish_minutes(name, totals.minutes)
        statistics = self._watch.statistics
        self._publisher.publish_stats(
            name,
            Stats(
                time=self._now,
                clock=self._room.clock(self._now),
                speed=statistics.factor,
                latency=fmean(self._latency) if self._latency else 0.0,
                dropped=self._source.dropped,
                reconnects=self._source.reconnects,
                events=totals.total,
                orders=totals.orders,
                coins=sum(worth for _, worth in totals.gifts.values()),
            ),
        )
