"""What reads in tests of batches, in processes of their own; the first pixel says how it goes.

Run as a program it is a batch that can be killed: python batch_hands.py OUT WORKERS INPUT…
prints what has ended, a line each.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

from shizi.batch.options import BatchOptions
from shizi.batch.run import Batch, hands_of
from shizi.batch.task import Outcome, Task, Work
from shizi.batch.work import read_input
from shizi.errors import ShiziError
from shizi.jobs import Read
from shizi.page import Image, Line, Page, Quad
from shizi.reader import ReaderOptions

BLACK, DEADLY, ONCE, ENDLESS, WRONG = (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)
ACTOR, NODE = (0, 255, 255), (255, 0, 255)


def sizes(options: ReaderOptions) -> Read:
    """Read the size of a picture as its text."""
    return _read


def _read(image: Image, name: str) -> Page:
    height, width = image.shape[:2]
    first = tuple(image[0, 0].tolist())
    once = Path(f"{name.partition('#')[0]}.died")
    if first == DEADLY or (first == ONCE and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if first in (ACTOR, NODE) and not once.exists():
        once.touch()
        actor = os.getppid()
        status = Path(f"/proc/{actor}/status").read_text()
        os.kill(actor if first == ACTOR else int(_field(status, "PPid")), signal.SIGKILL)
        threading.Event().wait()
    if first == ENDLESS:
        threading.Event().wait()
    if first == WRONG:
        raise RuntimeError("engine\nfailed")
    quad = Quad.from_array([[0, 0], [width, 0], [width, height], [0, height]])
    return Page(name, width, height, 0, 1.0, (Line(quad, f"{width}乘{height}", 0.9),))


def _field(status: str, name: str) -> str:
    return next(line.split()[1] for line in status.splitlines() if line.startswith(f"{name}:"))


def none(options: ReaderOptions) -> Read:
    """Find no networks."""
    raise ShiziError("ctpn.onnx: missing; install shizi again")


def stillborn(options: ReaderOptions) -> Read:
    """Die of making it."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def cores(options: ReaderOptions) -> Read:
    """Read the cores that the process may use, and the threads of a reader."""
    told = f"{sorted(os.sched_getaffinity(0))} {options.threads}"

    def read(image: Image, name: str) -> Page:
        quad = Quad.from_array([[0, 0], [9, 0], [9, 9], [0, 9]])
        return Page(name, 9, 9, 0, 1.0, (Line(quad, told, 0.9),))

    return read


class Here:
    """A hand that reads in the thread that calls it."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def open(self) -> None:
        """It is ready."""

    def read(self, task: Task) -> Outcome:
        """Read."""
        return read_input(task, self._work, _read, lambda step: None)

    def close(self) -> None:
        """It ends by itself."""


def here(options: BatchOptions, work: Work) -> list[Here]:
    """One of these."""
    return [Here(work)]


def main(out: str, workers: str, *inputs: str) -> None:
    options = BatchOptions(out, workers=int(workers))
    with closing(Batch(options, hands=partial(hands_of, make=sizes))) as batch:
        batch.take_in(inputs)
        for _ in batch.run():
            print("ended", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
