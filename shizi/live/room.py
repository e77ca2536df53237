"""A live room: rows in, events and what they change out, everything stored on the way."""

from __future__ import annotations

import hmac
import json
import re
import time as clock
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Self

from shizi.live.event import Event, Row
from shizi.live.keep.history import History
from shizi.live.keep.schema import StoreError
from shizi.live.keep.sinks.base import Relay, Sink
from shizi.live.keep.store import Entry, Record, Store
from shizi.live.keep.writer import Writer
from shizi.live.mean.alert import Alert
from shizi.live.mean.board import HORIZON, Board, Change
from shizi.live.mean.days import Days
from shizi.live.mean.grammar import Grammar
from shizi.live.mean.overlap import overlap
from shizi.live.mean.parse import Parser
from shizi.live.mean.value import Rules, Viewer
from shizi.live.mean.viewers import Names
from shizi.live.options import RoomOptions, WriterOptions
from shizi.live.session import Session, day_of, iso, session_at

_AT_ONCE = 0.5
"""Rows first seen within this many seconds of the first were on the screen together."""
_SETTLED = 2.0
"""Seconds after which the rows that were on the screen when a run began have been read."""
_HOUR = 3600.0
_TAIL = 60
"""Events of a stopped run that may still be on the screen."""
_MENTION = re.compile(r"@[^\s@:：,，。!！?？]{1,40}")


@dataclass(frozen=True, slots=True)
class Update:
    """What a row led to.

    Attributes:
        event: new, or a later revision of one told before.
        viewer: who did it, with this event; None where nobody is named.
        changes: news of viewers: somebody new, another tier.
        alerts: a viewer of a high tier came in, or asks.
        tier: of the viewer, now.
        new: the event is told for the first time.
        row: what the event was read from; None where it only ends.
    """

    event: Event
    viewer: Viewer | None
    changes: tuple[Change, ...]
    alerts: tuple[Alert, ...] = ()
    tier: str | None = None
    new: bool = False
    row: Row | None = None


class Room:
    """Joins parser, viewers, value, store and sinks. Used by one thread; a context manager.

    Args:
        name: of the room; event ids begin with it.
        grammar: of the platform.
        rules: of value.
        store: where events are kept.
        sinks: where they go besides.
        options: of the room.
        writing: options of storing.

    Raises:
        StoreError: the store knows the room and ``resume`` is off, or nicknames were stored
            with another salt.
    """

    def __init__(
        self,
        name: str,
        grammar: Grammar,
        rules: Rules,
        store: Store,
        sinks: Sequence[Sink] = (),
        options: RoomOptions = RoomOptions(),
        writing: WriterOptions = WriterOptions(),
    ) -> None:
        self.name, self._store, self._options = name, store, options
        salt = options.hash_users
        secret = hmac.new(salt.encode(), b"shizi", sha256).hexdigest()[:16] if salt else ""
        position = store.open_room(name, secret)
        if position and not options.resume:
            raise StoreError(
                f"room {name!r} is in the store already; resume it, or name another room or "
                "another store"
            )
        self.board = Board(rules)
        self._parser = Parser(grammar, name)
        self._names = Names(salt)
        self._entries: dict[int, Entry] = {}  # by track, until closed
        self._retain, self._swept = writing.retain * 86400, 0.0
        self._known: dict[int, Entry] = {}  # new track -> what the stopped run told of it
        held = [event for sink in sinks for event in sink.held(name)]
        last = position.track if position else -1
        self._base = max([last, *map(_number, held)]) + 1
        if position:
            self._give_back(held, last)
        self._history = History(store)
        self._sessions = self._history.sessions(name)
        if position and not self._sessions:  # kept before there were sessions
            self._enter(Session("", 0.0, position.started, "live"))
        self._days = Days(rules, self.clock)
        self._regulars = self._remembered()
        self._alerted: set[str] = set()
        self._open, self._tail = self._restore() if position else ([], [])
        self._held: dict[int, Row] | None = {} if position else None
        self._sinks = tuple(sink.name for sink in sinks)
        self._seq = store.last_seq(name)
        self._relays = [Relay(store, name, sink, self._seq) for sink in sinks]
        for relay in self._relays:
            relay.start()
        self._batches = 0
        self._writer = Writer(store, name, writing, self._stored)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why the store or sinks cannot be reached at the moment; empty while all is well."""
        return tuple(
            trouble
            for trouble in (self._writer.trouble, *(r.trouble for r in self._relays))
            if trouble
        )

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sources that the room was followed from, in order."""
        return tuple(self._sessions)

    def begin(self, session: Session) -> list[Update]:
        """Turn to another source: nothing on its screen was told before; return what has ended.

        Raises:
            StoreError: the store cannot be written.
        """
        self._enter(session)
        self._held, self._tail = None, []
        return [self._end(entry) for entry in self._open]

    def clock(self, time: float) -> float:
        """Return the clock time, seconds since 1970, of a stream time, seconds."""
        if not self._sessions:
            self._enter(Session("", 0.0, clock.time() - time, "live"))
        return session_at(self._sessions, time).at(time)

    def feed(self, row: Row) -> list[Update]:
        """Take in a row, new or revised; return what it led to, in most cases one update.

        Raises:
            StoreError: events cannot be stored any more.
        """
        if self._held is None:
            return self._take(row)
        start = min((r.first for r in self._held.values()), default=row.first)
        if row.first <= start + _AT_ONCE and row.last <= start + _SETTLED:
            self._held[row.track] = row
            return []
        return [*self._release(), *self._take(row)]

    def close(self) -> list[Update]:
        """Close what is open, store everything, let the sinks finish; return last updates.

        Sinks that cannot be reached in time get the rest in the next run with ``resume``.

        Raises:
            StoreError: the store stayed away; what waits is not stored.
        """
        updates = [] if self._held is None else self._release()
        updates += [self._end(entry) for entry in list(self._entries.values())]
        try:
            self._writer.close()
        finally:
            for relay in self._relays:
                relay.finish(self._seq)
            limit = clock.monotonic() + self._options.sink_patience
            for relay in self._relays:
                relay.close(max(0.0, limit - clock.monotonic()))
            self._trim()
        return updates

    def _take(self, row: Row) -> list[Update]:
        known = self._known.get(row.track)
        if known and known.event.closed:
            return []  # told to its end by the stopped run
        track = known.track if known else row.track + self._base
        event = self._parser.parse(replace(row, track=track))
        last = self._entries.get(track)
        if event is None:  # it came to nothing; what was told of it stays
            return [self._end(last)] if last and row.closed else []
        if known:
            # First seen in the stopped run, whose revisions came before.
            revision = known.event.revision + 1 + event.revision
            event = replace(event, time=known.event.time, revision=revision)
        if last and event.revision < last.event.revision:
            return []
        viewer = self._names.resolve(event.user, event.level) if event.user else None
        if self._options.hash_users:
            event = self._hidden(event, viewer)
        told = self._tell(Entry(event, track, viewer))
        return [replace(told, new=not (last or known), row=row)]

    def _end(self, entry: Entry) -> Update:
        """Close an event that no row will revise any more."""
        return self._tell(replace(entry, event=replace(entry.event, closed=True)))

    def _tell(self, entry: Entry) -> Update:
        """Bring board, store and sinks up to date."""
        event, viewer = entry.event, entry.viewer
        changes = self.board.apply(event, viewer)
        place = self.board.standing(viewer) if viewer else None
        tier, worth = (place.tier, place.score) if place else ("", 0.0)
        alerts = self._alerts(event, viewer, tier)
        days = self._days.take(event, viewer, tier, worth)
        self._forget(changes)
        if event.closed:
            self._entries.pop(entry.track, None)
        else:
            self._entries[entry.track] = entry
        records = tuple(self._records(event, viewer, tier, changes, alerts))
        self._writer.put(entry, records, tuple(days))
        return Update(event, place.viewer if place else None, changes, alerts, tier or None)

    def _alerts(self, event: Event, viewer: str | None, tier: str) -> tuple[Alert, ...]:
        """Word of a viewer who matters; call it before its day is counted."""
        if viewer is None:
            return ()
        known = self._regulars.get(viewer)
        rank = tier if tier in self.board.rules.welcome else known
        found = []
        if known and not self._days.knows(viewer, event.time):
            day = day_of(self.clock(event.time))
            found.append(Alert(f"{viewer}@{day}", event.time, "enters", viewer, event.user,
                               known, ""))  # fmt: skip
        if rank and self.board.rules.questions(event):
            found.append(Alert(f"{event.id}:asks", event.time, "asks", viewer, event.user,
                               rank, event.text))  # fmt: skip
        fresh = tuple(alert for alert in found if alert.id not in self._alerted)
        self._alerted |= {alert.id for alert in fresh}
        return fresh

    def _remembered(self) -> dict[str, str]:
        """Learn who is known from any room and day; return those of a high tier, and which."""
        welcome = self.board.rules.welcome
        best: dict[str, str] = {}
        for _, day in self._history.days():
            if not self._options.hash_users:
                self._names.learn(day.viewer, day.user, None)
            if day.tier in welcome:
                known = best.get(day.viewer, welcome[0])
                best[day.viewer] = max(known, day.tier, key=welcome.index)
        return best

    def _enter(self, session: Session) -> None:
        self._history.begin(self.name, session)
        self._sessions.append(session)

    def _records(
        self,
        event: Event,
        viewer: str | None,
        tier: str,
        changes: Sequence[Change],
        alerts: Sequence[Alert],
    ) -> Iterator[Record]:
        if not self._sinks:
            return
        facts = {"revision": event.revision, "closed": event.closed, "viewer": viewer}
        facts |= {"tier": tier or None, "clock": iso(self.clock(event.time))}
        bodies = [{"type": "event", "room": self.name, "event": event.to_dict(), **facts}]
        bodies += [{"type": "change", "room": self.name, "change": c.to_dict()} for c in changes]
        bodies += [{"type": "alert", "room": self.name, "alert": a.to_dict()} for a in alerts]
        for body in bodies:
            self._seq += 1
            yield Record(self._seq, json.dumps(body, ensure_ascii=False))

    def _hidden(self, event: Event, viewer: str | None) -> Event:
        """The event with identities, which are keyed hashes, in place of nicknames."""
        text = _MENTION.sub(lambda m: "@" + self._names.identity(m[0][1:]), event.text)
        return replace(event, user=viewer or "", text=text)

    def _forget(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.kind == "withdrawn":
                self._names.forget(change.viewer)
        if self._retain and self.board.now - self._swept > _HOUR:
            self._swept = self.board.now
            for viewer in self.board.forget(self.board.now - self._retain):
                self._names.forget(viewer)

    def _give_back(self, held: Sequence[Event], last: int) -> None:
        """Store events that a sink holds in their final form and a store that lost them does not.

        Args:
            held: what the sinks hold.
            last: number of the latest event that is stored.
        """
        if not held:
            return
        left_open: dict[str, Entry] = {}
        for entry in self._store.entries(self.name):
            self._learn(entry)
            if not entry.event.closed:
                left_open[entry.event.id] = entry
        entries = []
        for event in {e.id: e for e in held}.values():
            known = left_open.get(event.id)
            if known is None and _number(event) <= last:
                continue
            final = replace(event, revision=known.event.revision + 1 if known else 0)
            viewer = event.user or None  # an identity already, where nicknames are hashed
            if viewer and not self._options.hash_users:
                viewer = self._names.resolve(event.user, event.level)
            entries.append(Entry(final, _number(event), viewer))
        self._store.save(self.name, entries, ())

    def _learn(self, entry: Entry) -> None:
        """Take over who somebody was held for."""
        if entry.viewer and not self._options.hash_users:
            self._names.learn(entry.viewer, entry.event.user, entry.event.level)

    def _restore(self) -> tuple[list[Entry], list[Entry]]:
        """Bring the board to where the stopped run left it; return open and last events."""
        tail: deque[Entry] = deque(maxlen=_TAIL)
        left_open: list[Entry] = []
        for entry in self._store.entries(self.name):
            self.board.apply(entry.event, entry.viewer)
            self._learn(entry)
            tail.append(entry)
            if not entry.event.closed:
                left_open.append(entry)
        recent = {e.track: e for e in tail if e.event.time >= self.board.now - HORIZON}
        recent |= {e.track: e for e in left_open}
        since = day_of(self.clock(self.board.now))
        days = [day for _, day in self._history.days(self.name, since)]
        self._days.restore(days, ((e.event, e.viewer) for e in left_open))
        return left_open, [recent[track] for track in sorted(recent)]

    def _release(self) -> list[Update]:
        """Find out which of the rows held back were known, and take them all in."""
        rows, self._held = [row for _, row in sorted((self._held or {}).items())], None
        parsed = [(row, event) for row in rows if (event := self._parser.parse(row))]
        seen = [event for _, event in parsed]
        if self._options.hash_users:
            seen = [self._hidden(e, self._names.identity(e.user)) for e in seen]
        again: list[Entry] = []
        matches = overlap([entry.event for entry in self._tail], seen)
        for (row, _), match in zip(parsed, matches, strict=True):
            if match is not None:
                self._known[row.track] = self._tail[match]
                again.append(self._tail[match])
        visible = {entry.track for entry in again}
        gone = [self._end(entry) for entry in self._open if entry.track not in visible]
        self._entries |= {e.track: e for e in again if not e.event.closed}
        return gone + [update for row in rows for update in self._take(row)]

    def _stored(self) -> None:
        """Called by the writer after each batch."""
        for relay in self._relays:
            relay.wake()
        self._batches += 1
        if self._batches % 100 == 0:
            self._trim()

    def _trim(self) -> None:
        if self._sinks:
            with suppress(StoreError):  # nothing is lost: the next time will do
                self._store.trim(self.name, self._sinks)


def _number(event: Event) -> int:
    """Number of an event's row in its room."""
    return int(event.id.rpartition("-")[2])
