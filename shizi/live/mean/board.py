"""The board: every viewer of a room with its value, kept true as events come and are corrected."""

from __future__ import annotations

import heapq
from bisect import bisect, insort
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

from shizi.live.event import Event
from shizi.live.mean.value import Rules, Viewer, decayed, score, step, tier

HORIZON = 120.0
"""Seconds of stream after which a closed event is past correction and only its sum is kept."""
REVIEW = 60.0
"""Seconds of stream between two looks at whether a silent viewer has fallen to a lower tier."""


@dataclass(frozen=True, slots=True)
class Change:
    """News of a viewer.

    Attributes:
        id: stable: the same change has the same id when it is told again.
        time: stream time, seconds.
        kind: ``arrived`` for somebody new, ``tier`` for another tier, ``withdrawn`` when a
            corrected reading shows that there is no such viewer.
        viewer: its identity.
        user: its nickname.
        old: tier before; None for somebody new.
        new: tier now; None for a withdrawn one.
        score: now.
    """

    id: str
    time: float
    kind: Literal["arrived", "tier", "withdrawn"]
    viewer: str
    user: str
    old: str | None
    new: str | None
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "time": round(self.time, 3),
            "kind": self.kind,
            "viewer": self.viewer,
            "user": self.user,
            "old": self.old,
            "new": self.new,
            "score": round(self.score, 2),
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """A place on the board."""

    viewer: Viewer
    tier: str
    score: float


class _Ledger:
    """One viewer's events: the sum of those past correction, the later ones each with its sum.

    A new event costs one step, and a correction those from its place on, however much the
    viewer has said before.
    """

    __slots__ = ("events", "settled", "sums", "tier")

    def __init__(self) -> None:
        self.settled: Viewer | None = None
        self.events: list[Event] = []  # in order of time, those that may be corrected
        self.sums: list[Viewer] = []  # after each of them
        self.tier: str | None = None

    @property
    def viewer(self) -> Viewer | None:
        """What is known by now."""
        return self.sums[-1] if self.sums else self.settled

    def put(self, event: Event, viewer_id: str, rules: Rules) -> None:
        """Take in an event, new or corrected."""
        at = self._find(event.id)
        if at is not None and _same(self.events[at], event):
            self.events[at] = event  # it says no more than before
            return
        if at is not None:
            self.events.pop(at)
        place = bisect(self.events, _order(event), key=_order)
        self.events.insert(place, event)
        self._sum(place if at is None else min(at, place), viewer_id, rules)

    def take_out(self, event: str, viewer_id: str, rules: Rules) -> None:
        """Forget an event that was ascribed to this viewer by mistake."""
        at = self._find(event)
        if at is not None:
            self.events.pop(at)
            self._sum(at, viewer_id, rules)

    def settle(self, before: float) -> list[str]:
        """Keep the sum alone of events before a stream time; return their ids."""
        number = 0
        while number < len(self.events) and _settled(self.events[number], before):
            number += 1
        if not number:
            return []
        self.settled = self.sums[number - 1]
        done = [event.id for event in self.events[:number]]
        del self.events[:number], self.sums[:number]
        return done

    def _find(self, event: str) -> int | None:
        latest_first = range(len(self.events) - 1, -1, -1)
        return next((i for i in latest_first if self.events[i].id == event), None)

    def _sum(self, start: int, viewer_id: str, rules: Rules) -> None:
        del self.sums[start:]
        for event in self.events[start:]:
            self.sums.append(step(self.viewer, event, viewer_id, rules))


def _order(event: Event) -> tuple[float, str]:
    return event.time, event.id


def _same(one: Event, two: Event) -> bool:
    return replace(one, revision=two.revision, closed=two.closed) == two


def _settled(event: Event, before: float) -> bool:
    return event.closed and event.time < before


class _Ranking:
    """Who is worth most, without a look at all: what was worth little is not worth more later.

    A heap holds for each viewer the most that it can be worth from its latest event on. Only
    viewers whose bound reaches into the first places are judged anew.

    Args:
        rules: of value.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._heap: list[tuple[float, int, Viewer]] = []  # minus the bound, a number
        self._number = count()
        self._latest: dict[str, Viewer] = {}

    def put(self, viewer: Viewer) -> None:
        """Take in a viewer, new or changed."""
        self._latest[viewer.id] = viewer
        self._push(viewer, viewer.last)
        if len(self._heap) > 2 * len(self._latest) + 100:
            self._heap = [e for e in self._heap if self._latest.get(e[2].id) is e[2]]
            heapq.heapify(self._heap)

    def drop(self, viewer: str) -> Viewer | None:
        """Forget a viewer; return what was known of it."""
        return self._latest.pop(viewer, None)

    def first(self, most: int, now: float) -> list[tuple[float, Viewer]]:
        """Return the best with their scores at stream time ``now``, seconds."""
        best: list[tuple[float, str, Viewer]] = []  # minus the score, identity
        seen: dict[str, Viewer] = {}
        while self._heap and (len(best) < most or (best and self._heap[0][0] <= best[most - 1][0])):
            _, _, viewer = heapq.heappop(self._heap)
            if self._latest.get(viewer.id) is viewer and viewer.id not in seen:
                seen[viewer.id] = viewer
                insort(best, (-score(viewer, self._rules, now), viewer.id, viewer))
        for viewer in seen.values():
            self._push(viewer, now)
        return [(-minus, viewer) for minus, _, viewer in best[:most]]

    def _push(self, viewer: Viewer, now: float) -> None:
        points = decayed(viewer, self._rules, now).values()
        bound = sum(value for value in points if value > 0) * (1 + 1e-9)  # rounding
        heapq.heappush(self._heap, (-bound, next(self._number), viewer))


class Board:
    """The viewers of a room.

    Events may be corrected: an event with a known id replaces what was known of it, whoever
    it was ascribed to. What the board says depends on the events and on nothing else, so a
    replay of the log gives the same board.

    Args:
        rules: of value.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.now = 0.0
        """Stream time of the latest event, seconds."""
        self._ledgers: dict[str, _Ledger] = {}
        self._owner: dict[str, str] = {}  # event not settled -> viewer
        self._ranking = _Ranking(rules)
        self._counts = {t.name: 0 for t in rules.tiers}
        self._reviews: list[tuple[float, str]] = []  # a heap: when to look, at whom
        self._reviewed: set[str] = set()

    def apply(self, event: Event, viewer: str | None) -> tuple[Change, ...]:
        """Take in an event, new or corrected.

        Args:
            event: what happened.
            viewer: identity of its user, None where nobody is named.

        Returns:
            What changed, for this viewer and for those whose tier fell meanwhile.
        """
        self.now = max(self.now, event.time)
        changes = self._review()
        before = self._owner.pop(event.id, None)
        if before is not None and before != viewer:
            self._ledgers[before].take_out(event.id, before, self.rules)
            changes += self._update(before)
        if viewer is not None:
            self._ledgers.setdefault(viewer, _Ledger()).put(event, viewer, self.rules)
            self._owner[event.id] = viewer
            changes += self._update(viewer)
        return tuple(changes)

    def viewer(self, viewer: str) -> Viewer | None:
        """Return what is known of a viewer."""
        ledger = self._ledgers.get(viewer)
        return ledger.viewer if ledger else None

    def standing(self, viewer: str) -> Standing | None:
        """Return the place of one viewer, its tier as last judged."""
        ledger = self._ledgers.get(viewer)
        if ledger is None or ledger.viewer is None or ledger.tier is None:
            return None
        return Standing(ledger.viewer, ledger.tier, score(ledger.viewer, self.rules, self.now))

    def standings(self, most: int | None = None) -> list[Standing]:
        """Return the viewers as of now, the most valuable first, at most ``most`` of them."""
        first = self._ranking.first(len(self._ledgers) if most is None else most, self.now)
        return [Standing(v, tier(v, self.rules, self.now), value) for value, v in first]

    def tiers(self) -> dict[str, int]:
        """Return the number of viewers in each tier as last judged, lowest tier first."""
        return dict(self._counts)

    def forget(self, before: float) -> list[str]:
        """Drop viewers without an event since a stream time; return their identities."""
        gone = [v for v, ledger in self._ledgers.items() if ledger.viewer and
                ledger.viewer.last < before]  # fmt: skip
        for viewer in gone:
            ledger = self._ledgers.pop(viewer)
            self._leave(viewer, ledger.tier)
            for event in ledger.events:
                self._owner.pop(event.id, None)
        return gone

    def _update(self, viewer: str) -> list[Change]:
        ledger = self._ledgers[viewer]
        for event in ledger.settle(self.now - HORIZON):
            self._owner.pop(event, None)
        if ledger.viewer is not None:
            self._ranking.put(ledger.viewer)
            return self._judge(viewer, ledger)
        del self._ledgers[viewer]
        last = self._leave(viewer, ledger.tier)
        return [self._change(last, ledger.tier, None)] if last else []

    def _leave(self, viewer: str, tier: str | None) -> Viewer | None:
        """Take a viewer off the board; return what was known of it."""
        if tier is not None:
            self._counts[tier] -= 1
        return self._ranking.drop(viewer)

    def _judge(self, viewer: str, ledger: _Ledger) -> list[Change]:
        """Set the tier; tell when it is another one."""
        if ledger.viewer is None:
            return []
        old, ledger.tier = ledger.tier, tier(ledger.viewer, self.rules, self.now)
        if viewer not in self._reviewed and ledger.tier != self.rules.tiers[0].name:
            self._reviewed.add(viewer)
            heapq.heappush(self._reviews, (self.now + REVIEW, viewer))
        if ledger.tier == old:
            return []
        self._counts[ledger.tier] += 1
        if old is not None:
            self._counts[old] -= 1
        return [self._change(ledger.viewer, old, ledger.tier)]

    def _review(self) -> list[Change]:
        """Look again at viewers above the lowest tier who have been silent: value decays."""
        changes: list[Change] = []
        while self._reviews and self._reviews[0][0] <= self.now:
            _, viewer = heapq.heappop(self._reviews)
            self._reviewed.remove(viewer)
            if viewer in self._ledgers:
                changes += self._judge(viewer, self._ledgers[viewer])
        return changes

    def _change(self, viewer: Viewer, old: str | None, new: str | None) -> Change:
        kind: Literal["arrived", "tier", "withdrawn"] = (
            "arrived" if old is None else "withdrawn" if new is None else "tier"
        )
        value = score(viewer, self.rules, self.now) if new else 0.0
        identity = f"{viewer.id}@{self.now:.3f}:{new or kind}"
        return Change(identity, self.now, kind, viewer.id, viewer.name, old, new, value)
