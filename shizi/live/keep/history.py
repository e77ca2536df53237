"""What a store knows beyond a run: sessions, viewers day by day, answered questions."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import delete, select

from shizi.live.keep.rows import day_of_row, values
from shizi.live.keep.schema import answers, days, sessions
from shizi.live.keep.store import Store
from shizi.live.session import Day, Session


@dataclass(frozen=True, slots=True)
class Past:
    """A viewer over all days and rooms.

    Attributes:
        viewer: identity.
        user: nickname as last read.
        first: clock time of its first event, seconds since 1970.
        last: clock time of its latest event.
        rooms: in which it was seen.
        visits: days on which it was seen, with what it did in each room, latest first.
        comments: number of them; so questions, orders, gifts.
        coins: worth of its gifts.
        tier: when last judged.
        score: when last judged.
    """

    viewer: str
    user: str
    first: float
    last: float
    rooms: tuple[str, ...]
    visits: tuple[tuple[str, Day], ...]
    comments: int
    questions: int
    orders: int
    gifts: int
    coins: float
    tier: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; ``visits`` is a list with a room in each."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        data["visits"] = [{"room": room, **asdict(day)} for room, day in self.visits]
        return data | {"days": len({day.day for _, day in self.visits})}


class History:
    """Reads and writes what outlasts a run.

    Args:
        store: where it is kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def sessions(self, room: str) -> list[Session]:
        """Return the sources that a room was followed from, in order."""
        query = select(sessions).where(sessions.c.room == room).order_by(sessions.c.base)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return [Session(r.source, r.base, r.began, r.clock) for r in rows]

    def begin(self, room: str, session: Session) -> None:
        """Note a new session of a room."""
        with self._store.writing() as connection:
            connection.execute(sessions.insert().values(room=room, **values(session)))

    def days(self, room: str = "", since: str = "") -> list[tuple[str, Day]]:
        """Return what viewers did day by day, with the room, oldest first.

        Args:
            room: of which; empty: of all.
            since: day from which on.
        """
        query = select(days).where(days.c.day >= since).order_by(days.c.day, days.c.viewer)
        if room:
            query = query.where(days.c.room == room)
        with self._store.reading() as connection:
            return [(row.room, day_of_row(row)) for row in connection.execute(query)]

    def viewer(self, viewer: str) -> Past | None:
        """Return a viewer over all days and rooms; None for one never seen."""
        query = select(days).where(days.c.viewer == viewer)
        with self._store.reading() as connection:
            rows = [(row.room, day_of_row(row)) for row in connection.execute(query)]
        return _past(rows) if rows else None

    def viewers(self, wanted: Callable[[Past], bool] = lambda past: True) -> list[Past]:
        """Return the viewers over all days and rooms that are wanted, best score first."""
        by_viewer: dict[str, list[tuple[str, Day]]] = defaultdict(list)
        for room, day in self.days():
            by_viewer[day.viewer].append((room, day))
        found = [past for rows in by_viewer.values() if wanted(past := _past(rows))]
        return sorted(found, key=lambda past: (-past.score, past.viewer))

    def answer(self, event: str, done: bool) -> None:
        """Note that a question was answered, or that it was not after all."""
        with self._store.writing() as connection:
            connection.execute(delete(answers).where(answers.c.event == event))
            if done:
                connection.execute(answers.insert().values(event=event, at=time.time()))

    def answered(self) -> set[str]:
        """Return the ids of the questions that were answered."""
        with self._store.reading() as connection:
            return set(connection.execute(select(answers.c.event)).scalars())


def _past(rows: Sequence[tuple[str, Day]]) -> Past:
    latest_first = sorted(rows, key=lambda row: -row[1].last)
    last = latest_first[0][1]
    each = [day for _, day in rows]
    return Past(
        viewer=last.viewer,
        user=last.user,
        first=min(d.first for d in each),
        last=last.last,
        rooms=tuple(sorted({room for room, _ in rows})),
        visits=tuple(latest_first),
        comments=sum(d.comments for d in each),
        questions=sum(d.questions for d in each),
        orders=sum(d.orders for d in each),
        gifts=sum(d.gifts for d in each),
        coins=sum(d.coins for d in each),
        tier=last.tier,
        score=last.score,
    )
