"""What is counted of a room for whoever looks on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from shizi.live.event import Event

MINUTES = 720
"""Minutes for which events are counted one by one."""


class Totals:
    """Counts of a room's events; a correction takes back what was counted before.

    Args:
        worth: of an event's gift, in the coins of the rules.
        orders: whether an event tells of an order.

    Attributes:
        gifts: by name, how many were given and what they are worth together.
        minutes: by minute of the stream, how many of each kind; the latest ones.
        total: events.
        orders: events that tell of one.
    """

    def __init__(self, worth: Callable[[Event], float], orders: Callable[[Event], bool]) -> None:
        self._worth, self._orders = worth, orders
        self.orders = 0
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
        self.orders += sign * self._orders(event)
        minute = int(event.time // 60)
        if minute in self.minutes or minute > max(self.minutes, default=-1) - MINUTES:
            self.minutes.setdefault(minute, Counter())[event.kind] += sign
        while len(self.minutes) > MINUTES:
            del self.minutes[min(self.minutes)]
        if event.gift:
            count, worth = self.gifts.get(event.gift.name, (0, 0.0))
            count += sign * event.gift.count
            worth += sign * self._worth(event)
            self.gifts[event.gift.name] = (count, worth)
            if not count:
                del self.gifts[event.gift.name]
