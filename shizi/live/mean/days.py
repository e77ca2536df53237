"""Viewers day by day: what each did, kept true as events are corrected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from shizi.live.event import Event
from shizi.live.mean.value import SPOKEN, Rules
from shizi.live.session import Day, day_of


class _Part(NamedTuple):
    """What one event adds to a viewer's day."""

    viewer: str
    day: str
    comments: int
    questions: int
    orders: int
    gifts: int
    coins: float


class Days:
    """Counts of every viewer on every day.

    Args:
        rules: of value.
        clock: of a stream time, seconds since 1970.
    """

    def __init__(self, rules: Rules, clock: Callable[[float], float]) -> None:
        self._rules, self._clock = rules, clock
        self._days: dict[tuple[str, str], Day] = {}
        self._parts: dict[str, _Part] = {}  # of events that may be corrected

    def restore(self, days: Iterable[Day], left_open: Iterable[tuple[Event, str | None]]) -> None:
        """Take over what was counted by an earlier run, and which events it left open."""
        self._days |= {(d.viewer, d.day): d for d in days}
        for event, viewer in left_open:
            if viewer is not None:
                self._parts[event.id] = self._part(event, viewer)

    def knows(self, viewer: str, time: float) -> bool:
        """Whether a viewer was seen already on the day of a stream time."""
        return (viewer, day_of(self._clock(time))) in self._days

    def take(self, event: Event, viewer: str | None, tier: str, score: float) -> list[Day]:
        """Count an event, or its latest revision; return the days that have changed.

        Args:
            event: what happened.
            viewer: who did it; None where nobody is named.
            tier: of the viewer, now.
            score: of the viewer, now.
        """
        changed: dict[tuple[str, str], Day] = {}
        before = self._parts.pop(event.id, None)
        if before is not None:
            day = self._add(before, -1)
            changed[day.viewer, day.day] = day
        if viewer is not None:
            part, now = self._part(event, viewer), self._clock(event.time)
            fresh = Day(viewer, part.day, event.user, now, now)
            self._days.setdefault((viewer, part.day), fresh)
            day = self._add(part, 1)
            day = replace(
                day,
                user=event.user,
                first=min(day.first, now),
                last=max(day.last, now),
                tier=tier,
                score=score,
            )
            self._days[viewer, part.day] = changed[viewer, part.day] = day
            if not event.closed:
                self._parts[event.id] = part
        return list(changed.values())

    def _part(self, event: Event, viewer: str) -> _Part:
        rules, spoken = self._rules, event.kind in SPOKEN
        about = rules.topics(event.text) if spoken else ()
        return _Part(
            viewer,
            day_of(self._clock(event.time)),
            int(spoken),
            int(any(not rules.intent[topic].told for topic in about)),
            int(any(rules.intent[topic].told for topic in about)),
            event.gift.count if event.gift else 0,
            rules.worth(event),
        )

    def _add(self, part: _Part, sign: int) -> Day:
        key = (part.viewer, part.day)
        day = self._days[key]
        self._days[key] = replace(
            day,
            comments=day.comments + sign * part.comments,
            questions=day.questions + sign * part.questions,
            orders=day.orders + sign * part.orders,
            gifts=day.gifts + sign * part.gifts,
            coins=day.coins + sign * part.coins,
        )
        return self._days[key]
