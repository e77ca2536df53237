"""A process that reads one input at a time, and can be ended when it takes too long."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, TypeAlias

from shizi.batch.task import Lost, Outcome, Step, Task, Work
from shizi.batch.work import read_input
from shizi.errors import ShiziError
from shizi.jobs import Read
from shizi.reader import Reader, ReaderOptions

Make: TypeAlias = Callable[[ReaderOptions], Read]
"""Makes what reads pages, in the process that will."""

PATIENCE = 2.0
"""Times the time that a page has, after which a process that did not keep to it is ended."""

_DEATHS = 3
"""Processes that may end in a row before they have begun to read."""


def make(options: ReaderOptions) -> Read:
    """Open a reader."""
    return Reader(options).read_image


class Hand(Protocol):
    """Reads one input at a time. All but ``close`` is called from one thread."""

    def open(self) -> None:
        """Get ready, again if need be.

        Raises:
            ShiziError: no reader can be had.
        """

    def read(self, task: Task) -> Outcome | Lost:
        """Read an input."""

    def close(self) -> None:
        """End at once, whatever is being read."""


class Process:
    """A hand on this machine.

    Args:
        work: what is the same for all inputs.
        cores: that the process is pinned to, where the system can do that; None: to none.
        make: makes what reads pages.
    """

    def __init__(self, work: Work, cores: Sequence[int] | None = None, make: Make = make) -> None:
        self._work, self._cores, self._make = work, cores, make
        self._context = multiprocessing.get_context("spawn")
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._process: Any = None
        self._pipe: Connection | None = None
        self._closed = threading.Event()

    def open(self) -> None:
        """See :class:`Hand`."""
        if self._process is not None and self._process.is_alive():
            return
        for _ in range(_DEATHS):
            self._clear()
            self._scratch = tempfile.TemporaryDirectory(prefix="shizi-")
            self._pipe, theirs = self._context.Pipe()
            arguments = (theirs, self._scratch.name, self._work, self._cores, self._make)
            process = self._context.Process(target=_child, args=arguments, daemon=True)
            process.start()
            self._process = process
            theirs.close()
            if self._closed.is_set():
                self.close()
                return
            try:
                wrong = self._pipe.recv()
            except (EOFError, OSError):
                self._process.join()
                continue
            if wrong is not None:
                raise ShiziError(wrong)
            return
        raise ShiziError(f"no process begins to read; {self._how_it_ended()}")

    def read(self, task: Task) -> Outcome | Lost:
        """See :class:`Hand`."""
        assert self._pipe is not None
        page: str | None = None
        limit = PATIENCE * self._work.documents.timeout
        deadline = time.monotonic() + limit
        try:
            self._pipe.send(task)
            while self._pipe.poll(max(0.0, deadline - time.monotonic())):
                told = self._pipe.recv()
                if isinstance(told, Step):
                    page, deadline = told.page, time.monotonic() + limit * told.pages
                elif isinstance(told, Outcome):
                    return told
                else:
                    raise ShiziError(told)
        except (EOFError, OSError):
            self._process.join()
            return Lost(page, f"{self._how_it_ended()} while it read this, twice")
        self._process.kill()
        self._process.join()
        return Lost(page, f"took longer than {limit:g} s; allow more, or leave it out", True)

    def close(self) -> None:
        """See :class:`Hand`."""
        self._closed.set()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._clear()

    def _clear(self) -> None:
        """Remove what a process that was killed could not."""
        if self._scratch is not None:
            self._scratch.cleanup()

    def _how_it_ended(self) -> str:
        code = self._process.exitcode
        if code == -getattr(signal, "SIGKILL", 9):
            return "a process was killed, perhaps for want of memory,"
        return f"a process ended with {'signal' if code < 0 else 'exit code'} {abs(code)}"


def _child(
    pipe: Connection, scratch: str, work: Work, cores: Sequence[int] | None, make: Make
) -> None:
    tempfile.tempdir = scratch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other side says when to stop
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    try:
        read = make(work.reading)
    except Exception as error:
        pipe.send(str(error) or type(error).__name__)
        return
    pipe.send(None)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            task = pipe.recv()
            try:
                pipe.send(read_input(task, work, read, pipe.send))
            except ShiziError as error:  # the others would fail of it too
                pipe.send(str(error))


def _follow(parent: int) -> None:
    """End with the process that began this one, however that ended."""
    wait([parent])
    os._exit(1)
