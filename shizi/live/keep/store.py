"""Where events are kept: SQLite in a file, or Postgres.

Every batch is one transaction: events, and what the sinks have yet to send (the outbox), go in
together or not at all, so a process killed at any moment leaves a store that is whole.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from shizi.extras import needed
from shizi.live.event import Event, Gift, Kind
from shizi.live.keep.rows import put_days
from shizi.live.keep.schema import StoreError, cursors, days, events, migrate, outbox, rooms
from shizi.live.session import Day
from shizi.waits import Waits

_PATIENCE = 30.0
"""Seconds for which a connection waits for others that hold the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is stored.

    Attributes:
        event: what happened.
        track: number of its row in the room.
        viewer: identity of its user, None where nobody is named.
    """

    event: Event
    track: int
    viewer: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """Something for the sinks.

    Attributes:
        seq: rises by one within a room, never used twice.
        body: JSON.
    """

    seq: int
    body: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far a room has come.

    Attributes:
        time: stream time of its latest event, seconds.
        seen: when the latest event was stored, seconds since 1970.
        track: the highest track number.
        started: when the room was first opened, seconds since 1970.
    """

    time: float
    seen: float
    track: int
    started: float


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a sink has come: the last record it took, and where it stood then."""

    seq: int
    place: str


class Store:
    """Events, outbox and cursors of rooms. Safe to use from several threads.

    Args:
        address: ``sqlite:///file.db``, a path, or ``postgresql://user:password@host/name``.

    Raises:
        StoreError: it cannot be opened, or a newer shizi wrote it.
        MissingExtraError: Postgres without its driver.
    """

    def __init__(self, address: str) -> None:
        self._engine = _engine(_url(address))
        self._insert = (
            postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        )
        try:
            with self.writing() as connection:
                migrate(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_room(self, room: str, secret: str) -> Position | None:
        """Enter a room; return how far it had come, or None for a new one.

        Args:
            room: its name.
            secret: stands for the salt that nicknames are hashed with; empty without hashing.

        Raises:
            StoreError: its nicknames were stored in another way.
        """
        fresh = self._insert(rooms).values(room=room, started=time.time(), secret=secret)
        with self.writing() as connection:
            connection.execute(fresh.on_conflict_do_nothing())
            kept = connection.execute(select(rooms).where(rooms.c.room == room)).one()
        if kept.secret != secret:
            raise StoreError(
                f"room {room!r} was stored with {'another' if kept.secret else 'no'} salt for "
                "nicknames; give the same salt, or name another room or another store"
            )
        return self.position(room)

    def rooms(self) -> list[str]:
        """Return the names of the rooms, in order."""
        with self.reading() as connection:
            return list(connection.execute(select(rooms.c.room).order_by(rooms.c.room)).scalars())

    def position(self, room: str) -> Position | None:
        """Return how far a room has come, None where nothing is stored of it."""
        high = select(
            func.max(events.c.time), func.max(events.c.seen), func.max(events.c.track)
        ).where(events.c.room == room)
        with self.reading() as connection:
            last, seen, track = connection.execute(high).one()
            kept = connection.execute(select(rooms.c.started).where(rooms.c.room == room))
            started = kept.scalar()
        return None if last is None else Position(last, seen, track, started or seen)

    def save(
        self,
        room: str,
        entries: Sequence[Entry],
        records: Sequence[Record],
        changed: Sequence[Day] = (),
    ) -> None:
        """Store events, records for the sinks and viewers' days in one transaction.

        An event whose id is known replaces what is stored, unless that is a later revision.
        """
        with self.writing() as connection:
            if entries:
                statement = self._insert(events)
                new = {c.name: statement.excluded[c.name] for c in events.c}
                latest = {e.event.id: _row(room, e) for e in entries}
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["id"],
                        set_={k: v for k, v in new.items() if k not in ("id", "seen")},
                        where=new["revision"] >= events.c.revision,
                    ),
                    list(latest.values()),
                )
            put_days(connection, self._insert, room, changed)
            if records:
                rows = [{"room": room, "seq": r.seq, "body": r.body} for r in records]
                # A batch may come again when its commit was done but not confirmed.
                connection.execute(self._insert(outbox).on_conflict_do_nothing(), rows)

    def entries(self, room: str) -> Iterator[Entry]:
        """Yield all events of a room in order of time."""
        query = select(events).where(events.c.room == room).order_by(events.c.time, events.c.id)
        with self.reading() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield _entry(row)

    def said(self, room: str, kinds: Sequence[Kind], most: int) -> list[Entry]:
        """Return a room's latest events of some kinds, latest first."""
        query = select(events).where((events.c.room == room) & events.c.kind.in_(kinds))
        with self.reading() as connection:
            rows = connection.execute(query.order_by(events.c.time.desc()).limit(most))
            return [_entry(row) for row in rows]

    def latest(self, viewer: str, most: int) -> list[tuple[str, Entry]]:
        """Return a viewer's latest events in all rooms, with the room, latest first."""
        query = select(events).where(events.c.viewer == viewer).order_by(events.c.seen.desc())
        with self.reading() as connection:
            return [(row.room, _entry(row)) for row in connection.execute(query.limit(most))]

    def retain(self, room: str, age: float) -> int:
        """Delete a room's events and days older than so many days; return how many events."""
        limit = time.time() - age * 86400
        old = (events.c.room == room) & (events.c.seen < limit)
        past = (days.c.room == room) & (days.c.last < limit)
        with self.writing() as connection:
            connection.execute(delete(days).where(past))
            return connection.execute(delete(events).where(old)).rowcount

    def last_seq(self, room: str) -> int:
        """Return the number of the latest record of a room.

        A new room starts at the clock, in milliseconds, so that numbers rise even when the
        store was deleted in between.
        """
        query = select(func.max(outbox.c.seq)).where(outbox.c.room == room)
        taken = select(func.max(cursors.c.seq)).where(cursors.c.room == room)
        with self.reading() as connection:
            known = [connection.execute(q).scalar() for q in (query, taken)]
        return max((n for n in known if n is not None), default=int(time.time() * 1000))

    def cursor(self, room: str, sink: str) -> Cursor | None:
        """Return how far a sink has come, None for one never seen."""
        query = select(cursors.c.seq, cursors.c.place).where(
            (cursors.c.room == room) & (cursors.c.sink == sink)
        )
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Cursor(row.seq, row.place)

    def advance(self, room: str, sink: str, cursor: Cursor) -> None:
        """Note how far a sink has come."""
        statement = self._insert(cursors).values(
            room=room, sink=sink, seq=cursor.seq, place=cursor.place
        )
        with self.writing() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["room", "sink"],
                    set_={"seq": cursor.seq, "place": cursor.place},
                )
            )

    def waiting(self, room: str, after: int, most: int) -> list[Record]:
        """Return up to ``most`` records that follow number ``after``."""
        query = (
            select(outbox.c.seq, outbox.c.body)
            .where((outbox.c.room == room) & (outbox.c.seq > after))
            .order_by(outbox.c.seq)
            .limit(most)
        )
        with self.reading() as connection:
            return [Record(row.seq, row.body) for row in connection.execute(query)]

    def trim(self, room: str, sinks: Sequence[str]) -> None:
        """Delete the records that all of these sinks have taken."""
        theirs = (cursors.c.room == room) & cursors.c.sink.in_(sinks)
        slowest = select(func.min(cursors.c.seq)).where(theirs).scalar_subquery()
        with self.writing() as connection:
            connection.execute(
                delete(outbox).where((outbox.c.room == room) & (outbox.c.seq <= slowest))
            )

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes."""
        with _named(self._engine.url), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads."""
        reader = self._engine.execution_options(reading=True)
        with _named(self._engine.url), reader.connect() as connection:
            yield connection


@contextmanager
def _named(url: URL) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = " ".join(str(cause).split())
        raise StoreError(f"the store {url.render_as_string()} failed: {reason}") from error


def _url(address: str) -> URL:
    if "://" not in address:
        return URL.create("sqlite", database=str(Path(address)))
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise StoreError(f"not the address of a store: {address!r}") from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise StoreError("a store is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        with needed("a Postgres store"):
            import psycopg  # noqa: F401
        # A restarted server is found before a statement is lost to a dead connection.
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    engine = create_engine(url, connect_args={"timeout": _PATIENCE})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, also around DDL
    _write_ahead(connection)
    # Sinks rely on what was committed: not even a power cut may take it back.
    connection.execute("PRAGMA synchronous=FULL")


def _write_ahead(connection: Any) -> None:
    """Keep changes in a journal of their own, so that readers and the writer go side by side.

    Rooms that make one file at the same moment all ask for this. SQLite refuses it at once where
    another holds the file, whatever the connection's patience: to wait inside could be for ever.
    """
    waits, deadline = Waits(0.01, 0.2), time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(waits.take())


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: upgrading a read lock fails when another has written.
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _row(room: str, entry: Entry) -> dict[str, Any]:
    it = entry.event
    return {
        "id": it.id,
        "room": room,
        "track": entry.track,
        "revision": it.revision,
        "closed": it.closed,
        "time": it.time,
        "seen": time.time(),
        "kind": it.kind,
        "nickname": it.user,
        "viewer": entry.viewer,
        "text": it.text,
        "score": it.score,
        "level": it.level,
        "gift_name": it.gift.name if it.gift else None,
        "gift_count": it.gift.count if it.gift else None,
    }


def _entry(row: Any) -> Entry:
    stored = Event(
        id=row.id,
        revision=row.revision,
        time=row.time,
        kind=row.kind,
        user=row.nickname,
        text=row.text,
        score=row.score,
        level=row.level,
        gift=None if row.gift_name is None else Gift(row.gift_name, row.gift_count),
        closed=row.closed,
    )
    return Entry(stored, row.track, row.viewer)
