"""The thread that stores what a room tells, in batches, and waits out a store that is away."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from shizi.live.keep.schema import StoreError
from shizi.live.keep.store import Entry, Record, Store
from shizi.live.options import WriterOptions
from shizi.live.session import Day
from shizi.waits import Waits

Batch = tuple[Entry, tuple[Record, ...], tuple[Day, ...]]
"""An event, and what is stored with it."""

_HOUR = 3600.0


class Writer:
    """Stores entries and records in the order in which they come.

    Args:
        store: where to.
        room: whose they are.
        options: see there.
        stored: called after each batch, from the writer's thread.
    """

    def __init__(
        self, store: Store, room: str, options: WriterOptions, stored: Callable[[], None]
    ) -> None:
        self._store, self._room, self._options, self._stored = store, room, options, stored
        self._queue: queue.Queue[Batch] = queue.Queue(options.backlog)
        self._stop = threading.Event()
        self._swept = -_HOUR
        self._fault: BaseException | None = None
        self.trouble = ""
        """Why the store cannot be written at the moment; empty while all is well."""
        self._thread = threading.Thread(target=self._run, name="shizi-writer", daemon=True)
        self._thread.start()

    def put(self, entry: Entry, records: tuple[Record, ...], days: tuple[Day, ...] = ()) -> None:
        """Store an event, what it gives the sinks, and the days that it changes, soon.

        Raises:
            StoreError: storing broke down for good.
        """
        while True:
            self._check()
            try:
                return self._queue.put((entry, records, days), timeout=1.0)
            except queue.Full:
                continue  # the store is away and the backlog full

    def flush(self) -> None:
        """Wait until everything put so far is stored.

        Raises:
            StoreError: the store stayed away too long; what waits is not stored.
        """
        limit = time.monotonic() + self._options.store_patience
        with self._queue.all_tasks_done:
            while self._queue.unfinished_tasks:
                self._check()
                if time.monotonic() > limit:
                    raise StoreError(
                        f"{self._queue.unfinished_tasks} events are not stored: {self.trouble}"
                    )
                self._queue.all_tasks_done.wait(0.2)
        self._check()

    def close(self) -> None:
        """Store what waits and end the thread.

        Raises:
            StoreError: as for :meth:`flush`.
        """
        try:
            self.flush()
        finally:
            self._stop.set()
            self._thread.join(5.0)

    def _check(self) -> None:
        if self._fault is not None:
            raise StoreError(f"events cannot be stored: {self._fault}") from self._fault

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._sweep()
                batch = self._gather()
                if batch and self._save(batch):
                    for _ in batch:
                        self._queue.task_done()
                    self._stored()
        except Exception as error:
            self._fault = error  # raised by the next put or flush

    def _gather(self) -> list[Batch]:
        """Wait for something, then a little longer for more."""
        try:
            batch = [self._queue.get(timeout=0.2)]
        except queue.Empty:
            return []
        limit = time.monotonic() + self._options.delay
        while len(batch) < self._options.batch and (left := limit - time.monotonic()) > 0:
            try:
                batch.append(self._queue.get(timeout=left))
            except queue.Empty:
                break
        return batch

    def _save(self, batch: list[Batch]) -> bool:
        entries = [entry for entry, _, _ in batch]
        records = [record for _, some, _ in batch for record in some]
        days = [day for _, _, some in batch for day in some]
        waits = Waits(0.1, 5.0)
        while True:
            try:
                self._store.save(self._room, entries, records, days)
            except StoreError as error:
                self.trouble = str(error)
                if self._stop.wait(waits.take()):
                    return False
            else:
                self.trouble = ""
                return True

    def _sweep(self) -> None:
        """Once an hour, delete what is too old."""
        if not self._options.retain or time.monotonic() - self._swept < _HOUR:
            return
        try:
            self._store.retain(self._room, self._options.retain)
        except StoreError as error:
            self.trouble = str(error)  # tried again in the next round
        else:
            self._swept = time.monotonic()
