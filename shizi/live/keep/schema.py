"""The tables of a store, and how older stores become like them.

Plain SQL that SQLite and Postgres both take. To change the schema, append a migration; those
that have been released never change.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    text,
)

from shizi.errors import ShiziError


class StoreError(ShiziError):
    """The store cannot be reached or used as asked; the message says what to do."""


metadata = MetaData()

versions = Table(
    "shizi_schema", metadata, Column("version", Integer, primary_key=True)
)  # one row for each migration done

rooms = Table(
    "rooms",
    metadata,
    Column("room", Text, primary_key=True),
    Column("started", Double, nullable=False),  # seconds since 1970
    Column("secret", Text, nullable=False),  # tells whether nicknames are hashed, and by which salt
)

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("room", Text, nullable=False),
    Column("track", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("time", Double, nullable=False),  # of the stream, seconds
    Column("seen", Double, nullable=False),  # seconds since 1970
    Column("kind", Text, nullable=False),
    Column("nickname", Text, nullable=False),
    Column("viewer", Text),
    Column("text", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("level", Integer),
    Column("gift_name", Text),
    Column("gift_count", Integer),
)

outbox = Table(
    "outbox",
    metadata,
    Column("room", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),  # JSON
)

cursors = Table(
    "cursors",
    metadata,
    Column("room", Text, primary_key=True),
    Column("sink", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # the last one that the sink has taken
    Column("place", Text, nullable=False),  # where the sink stood then, in its own words
)

sessions = Table(
    "sessions",
    metadata,
    Column("room", Text, primary_key=True),
    Column("base", Double, primary_key=True),  # stream time at which it begins, seconds
    Column("source", Text, nullable=False),
    Column("began", Double, nullable=False),  # seconds since 1970
    Column("clock", Text, nullable=False),  # where that is known from
)

days = Table(
    "viewer_days",
    metadata,
    Column("viewer", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # 2026-11-25
    Column("room", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("first", Double, nullable=False),  # seconds since 1970
    Column("last", Double, nullable=False),
    Column("comments", Integer, nullable=False),
    Column("questions", Integer, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("gifts", Integer, nullable=False),
    Column("coins", Double, nullable=False),
    Column("tier", Text, nullable=False),
    Column("score", Double, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("event", Text, primary_key=True),
    Column("at", Double, nullable=False),  # seconds since 1970
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE rooms (room TEXT PRIMARY KEY, started DOUBLE PRECISION NOT NULL,"
        " secret TEXT NOT NULL)",
        "CREATE TABLE events (id TEXT PRIMARY KEY, room TEXT NOT NULL, track BIGINT NOT NULL,"
        " revision INTEGER NOT NULL, closed BOOLEAN NOT NULL, time DOUBLE PRECISION NOT NULL,"
        " seen DOUBLE PRECISION NOT NULL, kind TEXT NOT NULL, nickname TEXT NOT NULL,"
        " viewer TEXT, text TEXT NOT NULL, score DOUBLE PRECISION NOT NULL, level INTEGER,"
        " gift_name TEXT, gift_count INTEGER)",
        "CREATE INDEX events_by_time ON events (room, time)",
        "CREATE INDEX events_by_seen ON events (room, seen)",
        "CREATE INDEX events_by_viewer ON events (viewer)",
        "CREATE TABLE outbox (room TEXT NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL,"
        " PRIMARY KEY (room, seq))",
        "CREATE TABLE cursors (room TEXT NOT NULL, sink TEXT NOT NULL, seq BIGINT NOT NULL,"
        " place TEXT NOT NULL, PRIMARY KEY (room, sink))",
    ),
    (
        "CREATE TABLE sessions (room TEXT NOT NULL, base DOUBLE PRECISION NOT NULL,"
        " source TEXT NOT NULL, began DOUBLE PRECISION NOT NULL, clock TEXT NOT NULL,"
        " PRIMARY KEY (room, base))",
        "CREATE TABLE viewer_days (viewer TEXT NOT NULL, day TEXT NOT NULL, room TEXT NOT NULL,"
        ' "user" TEXT NOT NULL, first DOUBLE PRECISION NOT NULL, last DOUBLE PRECISION NOT NULL,'
        " comments INTEGER NOT NULL, questions INTEGER NOT NULL, orders INTEGER NOT NULL,"
        " gifts INTEGER NOT NULL, coins DOUBLE PRECISION NOT NULL, tier TEXT NOT NULL,"
        " score DOUBLE PRECISION NOT NULL, PRIMARY KEY (viewer, day, room))",
        "CREATE INDEX viewer_days_by_room ON viewer_days (room, day)",
        "CREATE TABLE answers (event TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
    ),
)

_LOCK = 0x7368697A69
"""Key of Postgres' advisory lock: two rooms that start at once must not both migrate."""


def migrate(connection: Connection) -> None:
    """Bring the schema up to date, inside the connection's transaction.

    Raises:
        StoreError: the store was written by a newer shizi.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if not inspect(connection).has_table(versions.name):
        versions.create(connection)
    done = len(connection.execute(versions.select()).all())
    if done > len(MIGRATIONS):
        raise StoreError("the store was written by a newer shizi; upgrade shizi to use it")
    for number, statements in enumerate(MIGRATIONS[done:], done + 1):
        for statement in statements:
            connection.execute(text(statement))
        connection.execute(versions.insert().values(version=number))
