"""A desk: takes a bounded amount of work, and has it done by a few threads.

A place is taken before anything of a request is read, so that overload costs next to nothing, and
is left when the thread is done, however long ago the client went away.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from shizi.serve.refusal import RefusedError

T = TypeVar("T")

_LOOK = 0.2
"""Seconds between two looks at how long a page takes."""

_LONGEST_WAIT = 60
"""Seconds after which a client that is turned away may come again, at most."""


class GivenUpError(Exception):
    """Nobody waits for this work any more."""


class Task(Generic[T]):
    """Work at the desk. Its thread tells how it gets on; others wait for it or give it up.

    Attributes:
        result: what it makes; lives in the server's loop.
        pages: read so far.
        begun: a thread is at it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.result: asyncio.Future[T] = loop.create_future()
        self.result.add_done_callback(_heard)
        self.pages = 0
        self.begun = False
        self._page = ""
        self._since = math.inf
        self._given_up = threading.Event()

    def at(self, page: str) -> None:
        """Say that a page begins.

        Raises:
            GivenUpError: it is not wanted any more.
        """
        if self._given_up.is_set():
            raise GivenUpError
        self.begun = True
        self._page, self._since = page, time.monotonic()

    def stop(self) -> None:
        """Let the thread stop before its next page."""
        self._given_up.set()

    def give_up(self, reason: Exception | None = None) -> None:
        """Stop it; whoever waits learns the reason now."""
        self.stop()
        if not self.result.done():
            self.result.set_exception(reason or GivenUpError())

    def settle(self, value: T | None, error: BaseException | None) -> None:
        """Take what the thread made."""
        if self.result.done():
            return
        if error is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(value)  # type: ignore[arg-type]

    async def watch(self, seconds: float) -> None:
        """Wait until it is done; give it up when a page takes longer than some seconds."""
        while not self.result.done():
            await asyncio.wait((self.result,), timeout=_LOOK)
            if time.monotonic() - self._since > seconds:
                reason = f"{self._page}: takes longer than {seconds:g} s; make it smaller"
                self.give_up(RefusedError(504, reason))


def _heard(result: asyncio.Future[Any]) -> None:
    """Take an error note of, so that asyncio does not complain where nobody waits for it."""
    if not result.cancelled():
        result.exception()


class Place:
    """A place at the desk, for one piece of work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.used = False

    def start(self, work: Callable[[Task[T]], T], then: Callable[[], None]) -> Task[T]:
        """Have work done; ``then`` is called when its thread is done with it."""
        self.used = True
        return self._desk._start(work, then)


class Desk:
    """Has work done by a few threads, and lets a few more wait.

    Args:
        workers: threads.
        queue: pieces of work that may wait.
        page_timeout: seconds that a page may take.
    """

    def __init__(self, workers: int, queue: int, page_timeout: float) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="shizi-serve")
        self._workers, self._most = workers, workers + queue
        self._page_timeout = page_timeout
        self._lock = threading.Condition()
        self._taken = 0
        self._closed = False
        self._seconds = 1.0  # that a piece of work takes, of late
        self._tasks: set[Task[Any]] = set()
        self._watching: set[asyncio.Task[None]] = set()

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self._taken

    @property
    def closed(self) -> bool:
        """Nothing is taken any more."""
        return self._closed

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Take a place.

        Raises:
            RefusedError: none is free, or the desk is closed.
        """
        with self._lock:
            if self._closed:
                raise RefusedError(503, "the service stops; ask again later", {"Retry-After": "10"})
            if self._taken >= self._most:
                wait = math.ceil(self._seconds * self._taken / self._workers)
                seconds = str(max(1, min(wait, _LONGEST_WAIT)))
                reason = f"too many requests wait; ask again in {seconds} s"
                raise RefusedError(429, reason, {"Retry-After": seconds})
            self._taken += 1
        place = Place(self)
        try:
            yield place
        finally:
            if not place.used:
                self._leave()

    def _start(self, work: Callable[[Task[T]], T], then: Callable[[], None]) -> Task[T]:
        loop = asyncio.get_running_loop()
        task: Task[T] = Task(loop)

        def run() -> None:
            value, error, begun = None, None, time.monotonic()
            try:
                value = work(task)
            except BaseException as found:
                error = found
            finally:
                then()
                self._tasks.discard(task)
                self._leave(time.monotonic() - begun)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(task.settle, value, error)

        self._tasks.add(task)
        self._pool.submit(run)
        watching = loop.create_task(task.watch(self._page_timeout))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        return task

    def _leave(self, seconds: float | None = None) -> None:
        with self._lock:
            self._taken -= 1
            if seconds is not None:
                self._seconds += 0.2 * (seconds - self._seconds)
            self._lock.notify_all()

    def close(self, patience: float) -> bool:
        """Take nothing more, and wait until all that was taken is done.

        Args:
            patience: seconds to wait at most.

        Returns:
            Whether all was done in time.
        """
        with self._lock:
            self._closed = True
            return self._lock.wait_for(lambda: not self._taken, patience)

    def abandon(self) -> None:
        """Give up what is left; a thread ends after the page that it is at."""
        for task in list(self._tasks):
            task.stop()
        self._pool.shutdown(wait=False)
