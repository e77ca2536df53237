"""The account of a batch: every input, what became of it, and what was written for it.

One SQLite file, which may be looked at while it is written to. An input is known by its absolute
path or address; where it, or the options, changed since, it is read again.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shizi.batch.inputs import Found, key, names
from shizi.batch.task import Outcome
from shizi.errors import DataError
from shizi.files import alone

_APPLICATION = 0x53485A42
_VERSION = 1
_PATIENCE = 60.0
"""Seconds that somebody else who writes to the file may take."""

_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
CREATE TABLE inputs (
    number INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    shown TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    looks TEXT NOT NULL,     -- size and time, by which a change shows
    options TEXT NOT NULL,   -- digest
    state TEXT NOT NULL CHECK (state IN ('todo', 'doing', 'done', 'failed')),
    begun TEXT,              -- looks and options when it was begun, until it has ended
    run INTEGER NOT NULL,    -- the last one that it was given to
    ended INTEGER,           -- the run that it was done or failed in
    reason TEXT,
    pages INTEGER,
    lines INTEGER,
    seconds REAL,
    time REAL                -- when it ended, seconds since 1970
);
CREATE INDEX by_state ON inputs (run, state, number);
CREATE TABLE results (
    input INTEGER NOT NULL REFERENCES inputs,
    suffix TEXT NOT NULL,    -- its file is called by the input's name and this
    looks TEXT NOT NULL,     -- when it was written
    PRIMARY KEY (input, suffix)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Claimed:
    """An input that is to be read now.

    Attributes:
        number: of its row.
        address: its absolute path or address.
        shown: what it is called.
        name: of its results.
        cut: a run before was cut short while it read it, as it is and with the same options.
    """

    number: int
    address: str
    shown: str
    name: str
    cut: bool


@dataclass(frozen=True)
class Counts:
    """Inputs of a run, by what became of them."""

    todo: int
    done: int
    failed: int

    @property
    def total(self) -> int:
        """How many there are."""
        return self.todo + self.done + self.failed


class Manifest:
    """The account, held by one run at a time.

    Args:
        path: its file, made where there is none.

    Raises:
        DataError: the file is none of shizi's, or another run holds it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            try:
                held.enter_context(alone(path.with_name(f".{path.name}.lock")))
            except BlockingIOError as error:
                raise DataError(f"{path}: another run is at work with it; wait for it") from error
            try:
                self._db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
                held.callback(self._db.close)
                self._open(path)
            except sqlite3.DatabaseError as error:
                raise DataError(
                    f"{path}: is no account of a batch ({error}); move it away"
                ) from error
            self._path = path
            self._held = held.pop_all()

    def _open(self, path: Path) -> None:
        self._db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if not tables:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        elif application != _APPLICATION:
            raise DataError(f"{path}: was not written by shizi; move it away")
        elif version != _VERSION:
            raise DataError(f"{path}: is of another version of shizi; name another folder")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (last,) = self._db.execute("SELECT coalesce(max(run), 0) FROM inputs").fetchone()
        self._run = last + 1

    def close(self) -> None:
        """Let others have it."""
        self._held.close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say which file it is that cannot be read or written within.

        Raises:
            DataError: that is so.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise DataError(
                f"{self._path}: cannot be written ({error}); make room, or let go of it"
            ) from error

    def take_in(
        self,
        inputs: Iterable[Found],
        settings: str,
        there: Callable[[str], str | None],
        *,
        retry_failed: bool = False,
    ) -> Counts:
        """Enter the inputs of this run; what is done already stays done.

        Args:
            inputs: one that comes twice is entered once.
            settings: what results depend on beside their inputs.
            there: tells how a result looks; what is gone is made again.
            retry_failed: what failed before is to be read again.
        """
        options = hashlib.blake2b(settings.encode()).hexdigest()[:32]
        with self._change():
            for found in inputs:
                self._take(found, options, there, retry_failed)
        return self.counts()

    def _take(
        self, found: Found, options: str, there: Callable[[str], str | None], retry: bool
    ) -> None:
        looks = found.stamp or ""
        row = self._db.execute(
            "SELECT number, name, looks, options, state FROM inputs"
            " WHERE address = CAST(? AS TEXT)",
            (_raw(found.address),),
        ).fetchone()
        if row is None:
            name = next(name for name in names(found) if self._is_free(name))
            self._db.execute(
                "INSERT INTO inputs (address, shown, name, name_key, looks, options, state, run)"
                " VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),"
                " ?, ?, 'todo', ?)",
                (*map(_raw, (found.address, found.shown, name, key(name))),
                 looks, options, self._run),
            )  # fmt: skip
            return
        number, name, *before, state = row
        if (
            before != [looks, options]
            or state == "doing"
            or (state == "failed" and retry)
            or (state == "done" and any(there(name + s) is None for s in self.results(number)))
        ):
            state = "todo"
        self._db.execute(
            "UPDATE inputs SET looks = ?, options = ?, state = ?, run = ?,"
            " shown = CAST(? AS TEXT) WHERE number = ?",
            (looks, options, state, self._run, _raw(found.shown), number),
        )

    def _is_free(self, name: str) -> bool:
        query = "SELECT 1 FROM inputs WHERE name_key = CAST(? AS TEXT)"
        return self._db.execute(query, (_raw(key(name)),)).fetchone() is None

    def claim(self) -> Claimed | None:
        """Take the next input that is to be read, which nobody else gets; None: there is none."""
        row = self._db.execute(
            "SELECT number, address, shown, name, looks || ' ' || options, begun FROM inputs"
            " WHERE run = ? AND state = 'todo' ORDER BY number LIMIT 1",
            (self._run,),
        ).fetchone()
        if row is None:
            return None
        number, address, shown, name, now, begun = row
        self._db.execute(
            "UPDATE inputs SET state = 'doing', begun = ? WHERE number = ?", (now, number)
        )
        return Claimed(number, address, shown, name, begun == now)

    def results(self, number: int) -> dict[str, str]:
        """Return what was written for an input, by its suffix, and how it looked then."""
        query = "SELECT suffix, looks FROM results WHERE input = ?"
        return dict(self._db.execute(query, (number,)))

    def end(self, number: int, outcome: Outcome) -> None:
        """Enter what became of an input."""
        state = "failed" if outcome.failures else "done"
        with self._change():
            self._db.execute(
                "UPDATE inputs SET state = ?, reason = CAST(? AS TEXT), pages = ?, lines = ?,"
                " seconds = ?, time = ?, ended = ?, begun = NULL WHERE number = ?",
                (state, _raw("\n".join(outcome.failures)) or None, outcome.pages, outcome.lines,
                 outcome.seconds, time.time(), self._run, number),
            )  # fmt: skip
            self._db.executemany(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?)",
                ((number, suffix, looks) for suffix, looks in outcome.written),
            )

    def counts(self) -> Counts:
        """Count the inputs of this run by their states."""
        query = "SELECT state, count(*) FROM inputs WHERE run = ? GROUP BY state"
        found = dict(self._db.execute(query, (self._run,)))
        todo = found.get("todo", 0) + found.get("doing", 0)
        return Counts(todo, found.get("done", 0), found.get("failed", 0))

    def totals(self) -> tuple[int, int, int]:
        """Return inputs, pages and lines that this run itself has read."""
        inputs, pages, lines = self._db.execute(
            "SELECT count(*), coalesce(sum(pages), 0), coalesce(sum(lines), 0) FROM inputs"
            " WHERE ended = ?",
            (self._run,),
        ).fetchone()
        return inputs, pages, lines

    def slowest(self, most: int) -> list[tuple[str, float, int]]:
        """Return the inputs that this run took longest for: name, seconds, pages."""
        query = (
            "SELECT shown, seconds, pages FROM inputs WHERE ended = ? ORDER BY seconds DESC LIMIT ?"
        )
        return list(self._db.execute(query, (self._run, most)))

    @contextmanager
    def _change(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _raw(text: str) -> bytes:
    """Text as SQLite keeps it: names may hold any bytes."""
    return text.encode("utf-8", "surrogateescape")
