"""A room that is killed at a chosen write: python live_child.py STORE JSONL WHAT:NUMBER:WHEN.

It reads a stream of 150 comments, ten a second, five of them on the screen at a time, from
where the store says that the run before had come.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from live_rows import row

from shizi.live.keep.sinks.jsonl import JsonlSink
from shizi.live.keep.store import Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.options import RoomOptions, WriterOptions
from shizi.live.room import Room

TOTAL, SHOWN = 150, 5


def deadly(call: Callable[..., Any], number: int, when: str) -> Callable[..., Any]:
    """The same function, but the process dies before or after its n-th call."""
    calls = 0

    def wrapped(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


def main(address: str, path: str, kill: str) -> None:
    what, number, when = kill.split(":")
    store, sink = Store(address), JsonlSink(Path(path))
    owner: Any = sink if what == "send" else store
    if what != "never":
        setattr(owner, what, deadly(getattr(owner, what), int(number), when))
    position = store.position("r")
    begin = -1 if position is None else round(position.time * 10)
    first = max(0, begin - SHOWN + 1)
    options = RoomOptions(resume=position is not None)
    writing = WriterOptions(batch=7, delay=0.01)
    with Room("r", load_grammar("generic"), load_rules(), store, [sink], options, writing) as room:
        for k in range(first, TOTAL + SHOWN):
            if k < TOTAL:
                seen = max(k, begin) / 10
                room.feed(row(f"小明：第{k}条", track=k - first, time=seen))
            gone = k - SHOWN
            if gone >= first and k > begin:
                seen = max(gone, begin) / 10
                now = row(f"小明：第{gone}条", track=gone - first, time=seen, revision=1,
                          last=k / 10, closed=True)  # fmt: skip
                room.feed(now)
            if k % 10 == 0:
                room._writer.flush()  # so that the chosen write is reached however slow the disk
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
