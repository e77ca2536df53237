"""What outlasts a run: sources of a room one after the other, and viewers day by day."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DAWN = 5
"""Hour at which a day begins: a room that goes past midnight belongs to its evening."""

Clock = Literal["live", "given", "file"]


@dataclass(frozen=True, slots=True)
class Session:
    """A source that a room was followed from.

    Attributes:
        source: its address.
        base: stream time of the room at its beginning, seconds; a room's time never falls, so
            that a later recording lies after an earlier one.
        began: clock time at its beginning, seconds since 1970.
        clock: where that is known from: the machine's clock, whoever started the run, or the
            date and length of the file.
    """

    source: str
    base: float
    began: float
    clock: Clock

    def at(self, time: float) -> float:
        """Clock time, seconds since 1970, of a stream time of the room, seconds."""
        return self.began + time - self.base


@dataclass(frozen=True, slots=True)
class Day:
    """A viewer in a room on one day.

    Attributes:
        viewer: identity.
        day: as 2026-11-25; it begins at five in the morning.
        user: nickname as last read.
        first: clock time of its first event of the day, seconds since 1970.
        last: clock time of its latest event.
        comments: number of them.
        questions: number of comments that ask the host.
        orders: number of comments that tell of an order.
        gifts: number of gifts, combos counted out.
        coins: worth of them.
        tier: when last judged.
        score: when last judged.
    """

    viewer: str
    day: str
    user: str
    first: float
    last: float
    comments: int = 0
    questions: int = 0
    orders: int = 0
    gifts: int = 0
    coins: float = 0.0
    tier: str = ""
    score: float = 0.0


def day_of(clock: float) -> str:
    """Return the day, as 2026-11-25, that a clock time belongs to, in local time."""
    moment = datetime.datetime.fromtimestamp(clock) - datetime.timedelta(hours=DAWN)
    return moment.date().isoformat()


def session_at(sessions: Sequence[Session], time: float) -> Session:
    """Return the session, of those in order of time, that a stream time belongs to."""
    return next((s for s in reversed(sessions) if s.base <= time), sessions[0])


def iso(clock: float) -> str:
    """Return a clock time, seconds since 1970, as local time 2026-11-25T20:00:01+08:00."""
    moment = datetime.datetime.fromtimestamp(clock).astimezone()
    return moment.isoformat(timespec="seconds")
