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
    frames: Iterator[F], size: int, stop: threading.Event, dropped: Callable[[], None]
) -> Iterator[F]:
    """Pull frames in a thread of their own; the oldest go when more than ``size`` wait.

    Args:
        frames: where they come from; an error there is raised here.
        size: most frames that wait.
        stop: ends the thread and the iterator.
        dropped: called for every frame that goes unseen.
    """
    waiting: deque[F] = deque()
    changed = threading.Condition()
    failure: list[BaseException] = []
    ended = threading.Event()

    def pull() -> None:
        try:
            for frame in frames:
                with changed:
                    if len(waiting) >= size:
                        waiting.popleft()
                        dropped()
                    waiting.append(frame)
                    changed.notify()
                if stop.is_set():
                    break
        except BaseException as error:  # handed to the reader
            failure.append(error)
        finally:
            with changed:
                ended.set()
                changed.notify()

    threading.Thread(target=pull, name="shizi-source", daemon=True).start()
    while True:
        with changed:
            changed.wait_for(lambda: waiting or ended.is_set())
            frame = waiting.popleft() if waiting else None
        if stop.is_set():
            return
        if frame is None:
            break
        yield frame
    if failure:
        raise failure[0]
