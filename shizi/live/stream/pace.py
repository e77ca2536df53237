"""How fast frames come: thinned out, held back to their time, or dropped when nobody waits."""

from __future__ import annotations

import threading
import time as clock
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar


class Timed(Protocol):
    """Something with a place in a stream."""

    @property
    def time(self) -> float:
        """On the stream's clock, seconds."""


F = TypeVar("F", bound=Timed)

_PATIENCE = 0.2
"""Seconds after which a thread that waits looks whether anybody still wants its frames."""


def sampled(frames: Iterator[F], fps: float) -> Iterator[F]:
    """Let the first frame of every ``1 / fps`` seconds through, wherever the frames begin."""
    last = -1
    for frame in frames:
        cell = int(frame.time * fps + 1e-3)
        if cell > last:
            last = cell
            yield frame


def paced(frames: Iterator[F], speed: float, stop: threading.Event) -> Iterator[F]:
    """Let frames through when their time has come, ``speed`` times as fast as it passes."""
    begin: float | None = None
    for frame in frames:
        if begin is None:
            begin = clock.monotonic() - frame.time / speed
        stop.wait(max(0.0, begin + frame.time / speed - clock.monotonic()))
        yield frame


def queued(
    frames: Iterator[F],
    size: int,
    stop: threading.Event,
    dropped: Callable[[], None] | None = None,
) -> Iterator[F]:
    """Pull frames in a thread of their own, ``size`` of them ahead at most.

    Args:
        frames: where they come from; an error there is raised here.
        size: most frames that wait.
        stop: ends the thread and the iterator.
        dropped: called for every frame that goes unseen, the oldest first, when more than
            ``size`` wait; None: pulling waits instead, and none does.
    """
    waiting: deque[F] = deque()
    changed = threading.Condition()
    failure: list[BaseException] = []
    ended, left = threading.Event(), threading.Event()

    def put(frame: F) -> None:
        with changed:
            while dropped is None and len(waiting) >= size:
                if stop.is_set() or left.is_set():
                    return
                changed.wait(_PATIENCE)
            if dropped is not None and len(waiting) >= size:
                waiting.popleft()
                dropped()
            waiting.append(frame)
            changed.notify_all()

    def pull() -> None:
        try:
            for frame in frames:
                put(frame)
                if stop.is_set() or left.is_set():
                    break
        except BaseException as error:  # handed to the reader
            failure.append(error)
        finally:
            with changed:
                ended.set()
                changed.notify_all()

    threading.Thread(target=pull, name="shizi-source", daemon=True).start()
    try:
        while True:
            with changed:
                changed.wait_for(lambda: waiting or ended.is_set())
                frame = waiting.popleft() if waiting else None
                changed.notify_all()
            if stop.is_set():
                return
            if frame is None:
                break
            yield frame
    finally:
        left.set()
    if failure:
        raise failure[0]
