"""What a sink is, and the relay that feeds it from the store's outbox."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from shizi.errors import ShiziError
from shizi.live.event import Event
from shizi.live.keep.store import Cursor, Record, Store
from shizi.waits import Waits

BATCH = 256
"""Records that a sink is given at once."""
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_IDLE = 1.0


class SinkError(ShiziError):
    """What should take the events cannot be reached or refuses them; it is tried again."""


class Sink(Protocol):
    """Something that takes events. It is used by one thread at a time.

    Attributes:
        name: stable between runs: how far the sink has come is kept under it.
    """

    name: str

    def held(self, room: str) -> Sequence[Event]:
        """Return the events of a room that are there already, where that can be told.

        Raises:
            ShiziError: what is there is not for events.
        """

    def open(self, room: str, place: str | None) -> None:
        """Get ready.

        Args:
            room: whose events will come.
            place: where the sink said that it stood, None for its first run.

        Raises:
            SinkError: it cannot; it will be tried again.
        """

    def send(self, records: Sequence[Record]) -> str:
        """Deliver records, in order; return only when they are safe there.

        Returns:
            Where the sink stands now, in its own words, to be given to ``open``.

        Raises:
            SinkError: some may not have arrived; the same records will come again.
        """

    def close(self) -> None:
        """Let go of files and connections; called before another ``open``, and at the end."""


class Relay:
    """Moves records from the outbox to one sink, at least once each, in order.

    The cursor in the store moves after the sink has confirmed. A sink that fails is closed,
    left alone for a while, longer each time, and opened again.

    Args:
        store: whose outbox.
        room: whose records.
        sink: where to.
        start: number of the record after which a sink never seen before begins.
    """

    def __init__(self, store: Store, room: str, sink: Sink, start: int) -> None:
        self._store, self._room, self._sink = store, room, sink
        self._start = start
        self._cursor: Cursor | None = None
        self._last: int | None = None
        self._wake, self._stop = threading.Event(), threading.Event()
        self._waits = Waits(_FIRST_WAIT, _LONGEST_WAIT)
        self._thread = threading.Thread(target=self._run, name=f"shizi-{sink.name}", daemon=True)
        self.trouble = ""
        """Why nothing can be delivered at the moment; empty while all is well."""

    @property
    def name(self) -> str:
        """Of the sink."""
        return self._sink.name

    @property
    def taken(self) -> int:
        """Number of the last record that the sink has confirmed."""
        return self._cursor.seq if self._cursor else 0

    def start(self) -> None:
        """Begin to deliver, in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there are new records."""
        self._wake.set()

    def finish(self, upto: int) -> None:
        """Say that record ``upto`` is the last one."""
        self._last = upto
        self._wake.set()

    def close(self, patience: float) -> bool:
        """Wait for the last record for at most ``patience`` seconds, then end.

        Returns:
            Whether all was delivered; if not, the next run goes on where this one stopped.
        """
        self._thread.join(patience)
        self._stop.set()
        self._wake.set()
        self._thread.join(5.0)
        return self._last is not None and self.taken >= self._last

    def step(self) -> bool:
        """Deliver one batch; return whether there was one.

        Raises:
            SinkError: the sink failed.
            StoreError: the store failed.
        """
        if self._cursor is None:
            self._cursor = self._open()
        records = self._store.waiting(self._room, self._cursor.seq, BATCH)
        if not records:
            return False
        place = self._sink.send(records)
        done = Cursor(records[-1].seq, place)
        self._store.advance(self._room, self._sink.name, done)
        self._cursor = done
        return True

    def _open(self) -> Cursor:
        known = self._store.cursor(self._room, self._sink.name)
        self._sink.open(self._room, known.place if known else None)
        if known is None:
            known = Cursor(self._start, "")
            self._store.advance(self._room, self._sink.name, known)
        return known

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                more = self.step()
            except Exception as error:  # whatever it is, it must not end the delivery in silence
                self._fail(str(error) if isinstance(error, ShiziError) else repr(error))
                continue
            self.trouble = ""
            self._waits.reset()
            if self._last is not None and self.taken >= self._last:
                break
            if not more:
                self._wake.wait(_IDLE)
        self._sink.close()

    def _fail(self, reason: str) -> None:
        self.trouble = reason
        self._sink.close()
        self._cursor = None  # ask the store anew: it may know less than we do
        self._stop.wait(self._waits.take())
