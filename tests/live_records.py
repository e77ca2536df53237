"""Records of a store and sinks for tests of what takes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from live_rows import event

from shizi.live.event import Event
from shizi.live.keep.sinks import SinkError
from shizi.live.keep.store import Record


def body(number: int, closed: bool = True) -> str:
    told = {"event": event(number, "小明", f"第{number}条").to_dict(), "closed": closed}
    return json.dumps({"type": "event", "room": "r", **told, "revision": 0, "viewer": "v"})


def line(number: int) -> bytes:
    told = event(number, "小明", f"第{number}条").to_dict()
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def records(first: int, last: int) -> list[Record]:
    return [Record(n, body(n)) for n in range(first, last + 1)]


def texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


class Flaky:
    """A sink that fails as told, after taking or before."""

    name = "flaky"

    def __init__(self, failures: list[str]) -> None:
        self.failures, self.got, self.opened = failures, [], 0
        self.got: list[int] = []

    def held(self, room: str) -> Sequence[Event]:
        return ()

    def open(self, room: str, place: str | None) -> None:
        self.opened += 1

    def send(self, some: Sequence[Record]) -> str:
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "before":
            raise SinkError("away")
        self.got += [r.seq for r in some]
        if failure == "after":
            raise SinkError("no answer")
        return ""

    def close(self) -> None:
        pass
