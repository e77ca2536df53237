"""The board: every viewer of a room with its value, kept true as events come and are corrected."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from shizi.live.event import Event
from shizi.live.mean.value import Rules, Viewer, score, step, tier

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
    """One viewer's events: the sum of those past correction, and the later ones one by one."""

    __slots__ = ("open", "settled", "tier", "viewer")

    def __init__(self) -> None:
        self.settled: Viewer | None = None
        self.open: dict[str, Event] = {}
        self.viewer: Viewer | None = None
        self.tier: str | None = None

    def refresh(self, viewer_id: str, rules: Rules, before: float) -> list[str]:
        """Sum up anew; return the ids of events that are settled from now on."""
        done: list[str] = []
        events = sorted(self.open.values(), key=lambda e: (e.time, e.id))
        for event in events:
            if not event.closed or event.time >= before:
                break
            self.settled = step(self.settled, event, viewer_id, rules)
            done.append(event.id)
            del self.open[event.id]
        self.viewer = reduce(
            lambda viewer, event: step(viewer, event, viewer_id, rules),
            events[len(done) :],
            self.settled,
        )
        return done


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
            del self._ledgers[before].open[event.id]
            changes += self._update(before)
        if viewer is not None:
            self._ledgers.setdefault(viewer, _Ledger()).open[event.id] = event
            self._owner[event.id] = viewer
            changes += self._update(viewer)
        return tuple(changes)

    def viewer(self, viewer: str) -> Viewer | None:
        """Return what is known of a viewer."""
        ledger = self._ledgers.get(viewer)
        return ledger.viewer if ledger else None

    def standings(self, most: int | None = None) -> list[Standing]:
        """Return the viewers as of now, the most valuable first, at most ``most`` of them."""
        viewers = [ledger.viewer for ledger in self._ledgers.values() if ledger.viewer]
        worth = [(score(v, self.rules, self.now), v) for v in viewers]
        order = heapq.nsmallest(most or len(worth), worth, key=lambda w: (-w[0], w[1].id))
        return [Standing(v, tier(v, self.rules, self.now), value) for value, v in order]

    def tiers(self) -> dict[str, int]:
        """Return the number of viewers in each tier as last judged, lowest tier first."""
        counts = {t.name: 0 for t in self.rules.tiers}
        for ledger in self._ledgers.values():
            if ledger.tier is not None:
                counts[ledger.tier] += 1
        return counts

    def forget(self, before: float) -> list[str]:
        """Drop viewers without an event since a stream time; return their identities."""
        gone = [v for v, ledger in self._ledgers.items() if ledger.viewer and
                ledger.viewer.last < before]  # fmt: skip
        for viewer in gone:
            for event in self._ledgers.pop(viewer).open:
                self._owner.pop(event, None)
        return gone

    def _update(self, viewer: str) -> list[Change]:
        ledger = self._ledgers[viewer]
        last = ledger.viewer
        for event in ledger.refresh(viewer, self.rules, self.now - HORIZON):
            self._owner.pop(event, None)
        if ledger.viewer is not None:
            return self._judge(viewer, ledger)
        del self._ledgers[viewer]
        return [self._change(last, ledger.tier, None)] if last else []

    def _judge(self, viewer: str, ledger: _Ledger) -> list[Change]:
        """Set the tier; tell when it is another one."""
        if ledger.viewer is None:
            return []
        old, ledger.tier = ledger.tier, tier(ledger.viewer, self.rules, self.now)
        if viewer not in self._reviewed and ledger.tier != self.rules.tiers[0].name:
            self._reviewed.add(viewer)
            heapq.heappush(self._reviews, (self.now + REVIEW, viewer))
        return [] if ledger.tier == old else [self._change(ledger.viewer, old, ledger.tier)]

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
